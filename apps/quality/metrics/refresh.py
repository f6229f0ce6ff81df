"""Computing the numbers of a project's quality pages. Workers run it, and pages read a few rows.

Each is a `Figure`: a name, a scope ("" for the project, `round:3`, `subject:Algebra`, `run:5`) and JSON.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, Max
from django.utils import timezone

from apps.core.db.locks import try_advisory_lock
from apps.corpus.labels import BAD, UNKNOWN, hard_label
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, StepEstimate
from apps.judging.models import JudgeRun, StepVerdict
from apps.labeling.models import Assignment
from apps.projects.models import Project
from apps.quality.consensus.load import LoadedRatings, load_ratings
from apps.quality.metrics.estimation_runs import comparable_runs, comparison_of, results_version
from apps.quality.metrics.labelers import labeler_rows
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.quality.models import Consensus, Figure, QualityRules, StepConsensus
from apps.quality.statistics.agreement import agreement, first_error_agreement, pair_agreements, source_agreement
from apps.quality.statistics.calibration import Calibration, calibration
from apps.quality.statistics.ratings import Bools, Ints, Ratings
from apps.quality.trust.stored_reports import outdated_judges, report_figures
from apps.runs.status import counted_run_q

log = logging.getLogger(__name__)

Data = dict[str, Any]
NamedData = tuple[str, str, Data]

SUBJECTS = 20
PAIR_RESAMPLES = 200
WEEKS = 26
MEASURED = {"value", "low", "high", "solutions"}
NO_ESTIMATE = (None, None, None)


def refresh_figures() -> int:
    """Compute the figures of every project whose labels changed; returns the number of projects.

    A project that fails stays stale and does not keep the others waiting.
    """
    refreshed = 0
    for rules in QualityRules.objects.filter(figures_are_stale=True).select_related("project"):
        with _logged("the figures of project %s could not be computed", rules.project.slug):
            refreshed += refresh(rules.project)
    return refreshed


def refresh(project: Project) -> bool:
    """Compute the project's figures; returns False while another worker computes them."""
    with try_advisory_lock("figures", project.pk) as claimed:
        if not claimed:
            return False
        rules = QualityRules.objects.filter(pk=project.pk)
        # Before the labels are read: labels that change meanwhile make the figures stale again.
        at = timezone.now()
        rules.update(figures_are_stale=False)
        try:
            labeled = Solution.objects.filter(
                project=project, step_count__gt=0, consensus__isnull=False, problem__retired_at__isnull=True
            )
            loaded = load_ratings(project, list(labeled.values_list("pk", flat=True)), first_submissions=True)
            figures = [
                Figure(project=project, name=name, scope=scope, data=data, at=at)
                for name, scope, data in (
                    *_people_figures(project, loaded),
                    *_model_figures(project, loaded),
                    *_run_figures(project),
                    *_report_figures(project),
                )
            ]
            with transaction.atomic():
                Figure.objects.filter(project=project).delete()
                Figure.objects.bulk_create(figures)
        except Exception:
            rules.update(figures_are_stale=True)
            raise
        return True


def refresh_run_figures() -> int:
    """Compare the runs that paused or ended after the figures of their projects were computed; returns their number.

    Runs that came with a file are left to `refresh`: an import makes the figures stale.
    """
    compared = dict(Figure.objects.filter(name="run").values_list("data__run", "data__results"))
    refreshed = 0
    for run in comparable_runs().filter(origin="").select_related("project"):
        if compared.get(run.pk) == results_version(run):
            continue
        with _logged("the figures of %s of project %s could not be computed", run, run.project.slug):
            refreshed += _refresh_run(run)
    return refreshed


def _refresh_run(run: EstimationRun) -> bool:
    """Returns False while another worker computes the figures of the project."""
    with try_advisory_lock("figures", run.project_id) as claimed:
        if claimed:
            at, data = timezone.now(), comparison_of(run)
            Figure.objects.update_or_create(
                project=run.project, name="run", scope=f"run:{run.number}", defaults={"data": data, "at": at}
            )
        return claimed


def refresh_judge_reports() -> int:
    """Measure the judges whose verdicts changed after the figures of their projects were computed; returns their number."""
    refreshed = 0
    for project_id, judge_ids in outdated_judges().items():
        with _logged("the reports on judges of project %s could not be made", project_id):
            refreshed += _refresh_judge_reports(Project.objects.get(pk=project_id), judge_ids)
    return refreshed


def _refresh_judge_reports(project: Project, judge_ids: set[int]) -> int:
    """Returns 0 while another worker computes the figures of the project."""
    with try_advisory_lock("figures", project.pk) as claimed:
        if not claimed:
            return 0
        at, figures = timezone.now(), list(report_figures(project, judge_ids))
        with transaction.atomic():
            for name, scope, data in figures:
                made = {"data": data, "at": at}
                Figure.objects.update_or_create(project=project, name=name, scope=scope, defaults=made)
        return len(judge_ids)


def _report_figures(project: Project) -> list[NamedData]:
    """None if they cannot be made: the other figures do not wait for them, and the trust page measures judges itself."""
    figures: list[NamedData] = []
    with _logged("the reports on judges of project %s could not be made", project.slug):
        figures += report_figures(project)
    return figures


@contextmanager
def _logged(sentence: str, *names: object) -> Iterator[None]:
    """An error is logged, and does not keep others waiting."""
    try:
        yield
    except Exception:
        log.exception(sentence, *names)


def _run_figures(project: Project) -> Iterator[NamedData]:
    for run in comparable_runs().filter(project=project).order_by("number"):
        yield "run", f"run:{run.number}", comparison_of(run)


def _people_figures(project: Project, loaded: LoadedRatings) -> Iterator[NamedData]:
    ratings = loaded.ratings
    yield "agreement", "", _agreement(ratings)
    yield "pairs", "", {"pairs": _pairs(loaded)}
    for scope, mask in _scopes(project, loaded):
        in_scope = ratings.where(mask)
        if len(in_scope.steps):
            yield "agreement", scope, _agreement(in_scope)
    yield "over_time", "", {"weeks": _weeks(loaded)}
    yield "labelers", "", {"labelers": labeler_rows(project, loaded)}
    # How many solutions are in each state, and by which method the settled ones were reached.
    consensus = Consensus.objects.filter(project=project).order_by()
    states = dict(consensus.values_list("state").annotate(count=Count("pk")))
    methods = dict(consensus.settled().values_list("how").annotate(count=Count("pk")))
    yield "consensus", "", {"states": states, "how": methods, "labeled": consensus.count()}


def _agreement(ratings: Ratings) -> Data:
    """`solutions` are those with ratings of two or more labelers; `labeled` are all."""
    data: Data = without_few(asdict(agreement(ratings)))
    labeler_counts = np.bincount(ratings.first_errors().solutions, minlength=ratings.solution_count)
    data["solutions"], data["labeled"] = int((labeler_counts > 1).sum()), int((labeler_counts > 0).sum())
    data["ratings"] = len(ratings.steps)
    return data


def without_few(figures: Any) -> Any:
    """Without the values that rest on fewer than MIN_SOLUTIONS solutions; the number of solutions stays.

    It applies to people's agreement. Models are compared on steps, of which one solution may have many: there the value
    stays, and pages show only n.
    """
    if not isinstance(figures, dict):
        return figures
    if figures.keys() == MEASURED and figures["solutions"] < MIN_SOLUTIONS:
        return {**figures, "value": None, "low": None, "high": None}
    return {name: without_few(value) for name, value in figures.items()}


def _pairs(loaded: LoadedRatings) -> list[Data]:
    """Labelers are named by user id: pages show the names that the reader's role allows."""
    labelers = loaded.labelers.tolist()
    return [
        without_few(asdict(pair)) | {"first": labelers[pair.first], "second": labelers[pair.second]}
        for pair in pair_agreements(loaded.ratings, resamples=PAIR_RESAMPLES)
    ]


def _scopes(project: Project, loaded: LoadedRatings) -> Iterator[tuple[str, Bools]]:
    """The scopes of agreement with masks of their ratings: the most frequent subjects, and rounds."""
    solution_of = loaded.ratings.solution_of_step()[loaded.ratings.steps]
    subject_of = dict(Solution.objects.filter(pk__in=loaded.solutions.tolist()).values_list("pk", "problem__subject"))
    subjects = [subject_of.get(pk) or "" for pk in loaded.solutions.tolist()]
    counts = Counter(subjects)
    for subject in sorted(counts, key=lambda name: -counts[name])[:SUBJECTS]:
        if subject and len(counts) > 1:
            has_subject = np.array([name == subject for name in subjects])
            yield f"subject:{subject}", has_subject[solution_of]
    rounds = list(project.rounds.order_by("number").values_list("pk", "number"))
    if len(rounds) > 1:
        assignments, numbers = np.unique(loaded.assignments, return_inverse=True)
        round_of = dict(Assignment.objects.filter(pk__in=assignments.tolist()).values_list("pk", "round_id"))
        round_ids = np.array([round_of[pk] for pk in assignments.tolist()], dtype=np.int64)[numbers]
        for pk, number in rounds:
            yield f"round:{number}", round_ids == pk


def _weeks(loaded: LoadedRatings) -> list[Data]:
    """First-error agreement by week, of the solutions whose newest submission came in that week."""
    submitted = Assignment.objects.submitted().filter(
        task__solution__in=loaded.solutions.tolist(), submitted_at__isnull=False
    )
    last = dict(submitted.order_by().values_list("task__solution_id").annotate(last=Max("submitted_at")))
    weeks: defaultdict[date, list[int]] = defaultdict(list)
    for number, pk in enumerate(loaded.solutions.tolist()):
        if pk in last:
            day = timezone.localdate(last[pk])
            weeks[date.fromisocalendar(*day.isocalendar()[:2], 1)].append(number)
    solution_of = loaded.ratings.solution_of_step()[loaded.ratings.steps]
    rows = []
    for week in sorted(weeks)[-WEEKS:]:
        in_week = loaded.ratings.where(np.isin(solution_of, weeks[week]))
        exact = first_error_agreement(in_week, resamples=PAIR_RESAMPLES).exact
        rows.append({"week": week.isoformat(), "exact": without_few(asdict(exact)), "solutions": exact.solutions})
    return rows


# --- models against people --------------------------------------------------------------------------------


def _model_figures(project: Project, loaded: LoadedRatings) -> Iterator[NamedData]:
    # The consensus of each step, UNKNOWN where it is thin or there is none.
    consensus = StepConsensus.objects.filter(step__in=loaded.steps.tolist(), is_thin=False)
    labels = dict(consensus.values_list("step_id", "rating"))
    people = np.array([labels.get(pk, UNKNOWN) for pk in loaded.steps.tolist()], dtype=np.int64)
    for run in EstimationRun.objects.filter(counted_run_q(), project=project).order_by("number"):
        data = _monte_carlo_against_people(run, loaded, people)
        if data is not None:
            yield "monte_carlo", f"run:{run.number}", data
    for judge_run in (
        JudgeRun.objects.filter(counted_run_q(), project=project).select_related("judge").order_by("number")
    ):
        data = _judge_against_people(judge_run, loaded, people)
        if data is not None:
            yield "judges", f"run:{judge_run.number}", data


def _monte_carlo_against_people(run: EstimationRun, loaded: LoadedRatings, people: Ints) -> Data | None:
    rows = StepEstimate.objects.filter(run=run, step__in=loaded.steps.tolist())
    by_step = {pk: values for pk, *values in rows.values_list("step_id", "rollouts", "successes", "hard")}
    estimates: list[Sequence[Any]] = [by_step.get(pk, NO_ESTIMATE) for pk in loaded.steps.tolist()]
    labels = [hard_label(rollouts, successes, hard=hard) for rollouts, successes, hard in estimates]
    hard_labels = np.array(labels, dtype=np.int64)
    if not ((hard_labels != UNKNOWN) & (people != UNKNOWN)).any():
        return None
    data: Data = asdict(source_agreement(hard_labels, people, loaded.ratings.offsets))
    # NaN without counts: a file may have only the hard label.
    soft_values = np.array(
        [
            successes / rollouts if rollouts and successes is not None else np.nan
            for rollouts, successes, _ in estimates
        ],
        dtype=np.float64,
    )
    both = ~np.isnan(soft_values) & (people != UNKNOWN)
    if both.any():
        solutions = loaded.ratings.solution_of_step()[both]
        data["calibration"] = _calibration(soft_values[both], people[both] != BAD, solutions)
    return data | {"strategy": run.strategy, "completer": run.completer, "number": run.number}


def _judge_against_people(run: JudgeRun, loaded: LoadedRatings, people: Ints) -> Data | None:
    rows = StepVerdict.objects.filter(run=run, step__in=loaded.steps.tolist())
    by_step = {pk: verdict for pk, *verdict in rows.values_list("step_id", "rating", "confidence")}
    verdicts = [by_step.get(pk, (UNKNOWN, None)) for pk in loaded.steps.tolist()]
    ratings = np.array([rating for rating, _ in verdicts], dtype=np.int64)
    both = (ratings != UNKNOWN) & (people != UNKNOWN)
    if not both.any():
        return None
    data: Data = asdict(source_agreement(ratings, people, loaded.ratings.offsets))
    confidence = np.array([np.nan if value is None else value for _, value in verdicts], dtype=np.float64)
    both &= ~np.isnan(confidence)
    if both.any():
        is_right = (ratings == BAD) == (people == BAD)
        solutions = loaded.ratings.solution_of_step()[both]
        data["calibration"] = _calibration(confidence[both], is_right[both], solutions)
    return data | {"judge": run.judge.name, "version": run.judge.version, "number": run.number}


def _calibration(estimates: Any, good: Any, solutions: Ints) -> Data:
    return calibration_data(calibration(estimates, good, solutions))


def calibration_data(measured: Calibration) -> Data:
    bins = [
        {
            "low": bin_.low,
            "high": bin_.high,
            "mean": bin_.mean,
            "good": bin_.good.hits,
            "of": bin_.good.of,
            "interval": bin_.good.interval,
        }
        for bin_ in measured.bins
    ]
    return {"bins": bins, "error": asdict(measured.error), "brier": asdict(measured.brier)}
