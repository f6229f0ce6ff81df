"""The numbers of a project's quality pages. A worker computes them; pages read a few rows.

Each is a `Figure`: a name, a scope ("" for the project, `round:3`, `subject:Algebra`, `run:5`) and JSON.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
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
from apps.estimation.latest import counted_run_q
from apps.estimation.models import EstimationRun, StepEstimate
from apps.judging.models import JudgeRun, StepVerdict
from apps.labeling.models import Assignment
from apps.projects.models import Project
from apps.quality.consensus.load import LoadedRatings, load_ratings
from apps.quality.metrics.labelers import labeler_rows
from apps.quality.models import Consensus, Figure, QualityRules, StepConsensus
from apps.quality.statistics.agreement import agreement, first_error_agreement, pair_agreements, source_agreement
from apps.quality.statistics.calibration import calibration
from apps.quality.statistics.ratings import Bools, Ints, Ratings

log = logging.getLogger(__name__)

Data = dict[str, Any]
Named = tuple[str, str, Data]

SUBJECTS = 20
PAIR_RESAMPLES = 200
WEEKS = 26
FEWEST = 5  # A figure that rests on fewer solutions says more of them than of the labels: a dash.
MEASURED = {"value", "low", "high", "solutions"}
NOTHING = (None, None, None)


def refresh_figures() -> int:
    """Of every project whose labels were settled since; gives their number.

    A project whose figures cannot be computed stays stale, and does not keep the others waiting.
    """
    refreshed = 0
    for rules in QualityRules.objects.filter(figures_are_stale=True).select_related("project"):
        try:
            refreshed += refresh(rules.project)
        except Exception:
            log.exception("the figures of project %s were not computed", rules.project.slug)
    return refreshed


def refresh(project: Project) -> bool:
    """False while another worker is at it."""
    with try_advisory_lock("figures", project.pk) as claimed:
        if not claimed:
            return False
        rules = QualityRules.objects.filter(pk=project.pk)
        # Before the labels are read: what is settled meanwhile makes the figures stale again.
        rules.update(figures_are_stale=False)
        try:
            _compute(project)
        except Exception:
            rules.update(figures_are_stale=True)
            raise
        return True


def _compute(project: Project) -> None:
    labeled = Solution.objects.filter(
        project=project, step_count__gt=0, consensus__isnull=False, problem__retired_at__isnull=True
    )
    words = load_ratings(project, list(labeled.values_list("pk", flat=True)), first=True)
    rows = [
        Figure(project=project, name=name, scope=scope, data=data, at=timezone.now())
        for name, scope, data in (*_of_people(project, words), *_of_machines(project, words))
    ]
    with transaction.atomic():
        Figure.objects.filter(project=project).delete()
        Figure.objects.bulk_create(rows)


def _of_people(project: Project, words: LoadedRatings) -> Iterator[Named]:
    ratings = words.ratings
    yield "agreement", "", _agreement(ratings)
    yield "pairs", "", {"pairs": _pairs(words)}
    for scope, wanted in _scopes(project, words):
        part = ratings.where(wanted)
        if len(part.steps):
            yield "agreement", scope, _agreement(part)
    yield "over_time", "", {"weeks": _weeks(words)}
    yield "labelers", "", {"labelers": labeler_rows(project, words)}
    yield "standing", "", _standing(project)


def _agreement(ratings: Ratings) -> Data:
    """`solutions` are those that are compared, two or more labelers having rated them; `labeled` are all."""
    found: Data = stated(asdict(agreement(ratings)))
    people = np.bincount(ratings.first_errors().solutions, minlength=ratings.solution_count)
    found["solutions"], found["labeled"] = int((people > 1).sum()), int((people > 0).sum())
    found["ratings"] = len(ratings.steps)
    return found


def stated(figures: Any) -> Any:
    """Without the values that rest on fewer than FEWEST solutions; how many they are stays.

    Of people's agreement. Machines are compared on steps, of which one solution may hold many: there the figure stays, and
    pages show n alone.
    """
    if not isinstance(figures, dict):
        return figures
    if figures.keys() == MEASURED and figures["solutions"] < FEWEST:
        return {**figures, "value": None, "low": None, "high": None}
    return {name: stated(value) for name, value in figures.items()}


def _standing(project: Project) -> Data:
    """How many solutions stand how."""
    states = Consensus.objects.filter(project=project).order_by()
    return {
        "states": dict(states.values_list("state").annotate(count=Count("pk"))),
        "how": dict(states.settled().values_list("how").annotate(count=Count("pk"))),
        "labeled": states.count(),
    }


def _pairs(words: LoadedRatings) -> list[Data]:
    """By user id, so that pages may show names as the reader's role allows."""
    labelers = words.labelers.tolist()
    return [
        stated(asdict(pair)) | {"first": labelers[pair.first], "second": labelers[pair.second]}
        for pair in pair_agreements(words.ratings, resamples=PAIR_RESAMPLES)
    ]


def _scopes(project: Project, words: LoadedRatings) -> Iterator[tuple[str, Bools]]:
    solution_of = words.ratings.solution_of_step()[words.ratings.steps]
    subjects = _subjects(words.solutions)
    counts: defaultdict[str, int] = defaultdict(int)
    for subject in subjects:
        counts[subject] += 1
    for subject in sorted(counts, key=lambda one: -counts[one])[:SUBJECTS]:
        if subject and len(counts) > 1:
            inside = np.array([one == subject for one in subjects])
            yield f"subject:{subject}", inside[solution_of]
    rounds = list(project.rounds.order_by("number").values_list("pk", "number"))
    if len(rounds) > 1:
        said_in = _rounds_of(words)
        for pk, number in rounds:
            yield f"round:{number}", said_in == pk


def _subjects(solutions: Ints) -> list[str]:
    named = dict(Solution.objects.filter(pk__in=solutions.tolist()).values_list("pk", "problem__subject"))
    return [named.get(pk) or "" for pk in solutions.tolist()]


def _rounds_of(words: LoadedRatings) -> Ints:
    """The round in which each rating was said."""
    assignments, places = np.unique(words.assignments, return_inverse=True)
    rounds = dict(Assignment.objects.filter(pk__in=assignments.tolist()).values_list("pk", "round_id"))
    return np.array([rounds[pk] for pk in assignments.tolist()], dtype=np.int64)[places]


def _weeks(words: LoadedRatings) -> list[Data]:
    """First-error agreement of the solutions whose newest word came in each of the last weeks."""
    submitted = Assignment.objects.submitted().filter(
        task__solution__in=words.solutions.tolist(), submitted_at__isnull=False
    )
    last = dict(submitted.order_by().values_list("task__solution_id").annotate(last=Max("submitted_at")))
    weeks: defaultdict[date, list[int]] = defaultdict(list)
    for number, pk in enumerate(words.solutions.tolist()):
        if pk in last:
            day = timezone.localdate(last[pk])
            weeks[date.fromisocalendar(*day.isocalendar()[:2], 1)].append(number)
    solution_of = words.ratings.solution_of_step()[words.ratings.steps]
    found = []
    for week in sorted(weeks)[-WEEKS:]:
        part = words.ratings.where(np.isin(solution_of, weeks[week]))
        told = first_error_agreement(part, resamples=PAIR_RESAMPLES)
        found.append({"week": week.isoformat(), "exact": stated(asdict(told.exact)), "solutions": told.exact.solutions})
    return found


# --- machines against people ------------------------------------------------------------------------------


def _of_machines(project: Project, words: LoadedRatings) -> Iterator[Named]:
    people = _consensus_labels(words.steps)
    for run in EstimationRun.objects.filter(counted_run_q(), project=project).order_by("number"):
        data = _rollouts_against_people(run, words, people)
        if data is not None:
            yield "monte_carlo", f"run:{run.number}", data
    for judged in JudgeRun.objects.filter(project=project).select_related("judge").order_by("number"):
        data = _judge_against_people(judged, words, people)
        if data is not None:
            yield "judges", f"run:{judged.number}", data


def _consensus_labels(steps: Ints) -> Ints:
    stands = dict(StepConsensus.objects.filter(step__in=steps.tolist(), is_thin=False).values_list("step_id", "rating"))
    return np.array([stands.get(pk, UNKNOWN) for pk in steps.tolist()], dtype=np.int64)


def _rollouts_against_people(run: EstimationRun, words: LoadedRatings, people: Ints) -> Data | None:
    rows = StepEstimate.objects.filter(run=run, step__in=words.steps.tolist())
    told = {pk: values for pk, *values in rows.values_list("step_id", "rollouts", "successes", "hard")}
    hard = np.array([_hard(told.get(pk, NOTHING)) for pk in words.steps.tolist()], dtype=np.int64)
    if not ((hard != UNKNOWN) & (people != UNKNOWN)).any():
        return None
    found: Data = asdict(source_agreement(hard, people, words.ratings.offsets))
    soft = np.array([_soft(told.get(pk)) for pk in words.steps.tolist()], dtype=np.float64)
    both = ~np.isnan(soft) & (people != UNKNOWN)
    if both.any():
        solutions = words.ratings.solution_of_step()[both]
        found["calibration"] = _calibration(soft[both], people[both] != BAD, solutions)
    return found | {"strategy": run.strategy, "completer": run.completer, "number": run.number}


def _judge_against_people(run: JudgeRun, words: LoadedRatings, people: Ints) -> Data | None:
    rows = StepVerdict.objects.filter(run=run, step__in=words.steps.tolist())
    told = {pk: said for pk, *said in rows.values_list("step_id", "rating", "confidence")}
    said = [told.get(pk, (UNKNOWN, None)) for pk in words.steps.tolist()]
    ratings = np.array([rating for rating, _ in said], dtype=np.int64)
    both = (ratings != UNKNOWN) & (people != UNKNOWN)
    if not both.any():
        return None
    found: Data = asdict(source_agreement(ratings, people, words.ratings.offsets))
    sure = np.array([np.nan if one is None else one for _, one in said], dtype=np.float64)
    told_how_sure = both & ~np.isnan(sure)
    if told_how_sure.any():
        is_right = (ratings == BAD) == (people == BAD)
        solutions = words.ratings.solution_of_step()[told_how_sure]
        found["calibration"] = _calibration(sure[told_how_sure], is_right[told_how_sure], solutions)
    return found | {"judge": run.judge.name, "version": run.judge.version, "number": run.number}


def _hard(told: Sequence[Any]) -> int:
    rollouts, successes, hard = told
    return hard_label(rollouts, successes, hard=hard)


def _soft(told: Sequence[Any] | None) -> float:
    """Not a number where there are no counts: a file may have the hard label alone."""
    return told[1] / told[0] if told is not None and told[0] and told[1] is not None else float("nan")


def _calibration(soft: Any, good: Any, solutions: Ints) -> Data:
    found = calibration(soft, good, solutions)
    bins = [
        {
            "low": one.low,
            "high": one.high,
            "mean": one.mean,
            "good": one.good.hits,
            "of": one.good.of,
            "interval": one.good.interval,
        }
        for one in found.bins
    ]
    return {"bins": bins, "error": asdict(found.error), "brier": asdict(found.brier)}
