"""Figures of judges that compare: agreement with people, flips with the order, length, and how often they are usable."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Exists, Max, OuterRef, Sum
from django.db.models.functions import Length

from apps.corpus.comparisons import turned
from apps.corpus.labels import UNKNOWN
from apps.corpus.models import Comparison, Step
from apps.judging.judges import pair_kind
from apps.judging.models import ComparisonVerdict, Judge, JudgeReply, JudgeRun
from apps.judging.models.verdicts import ItemOutcome
from apps.labeling.models import Assignment, PreferenceLabel
from apps.projects.models import Project
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, measure, measure_share
from apps.quality.statistics.coefficients import confusions, read_cohen
from apps.quality.statistics.ratings import Ints, ints
from apps.quality.trust.bias import LEFT, RIGHT, TIE, PairLengthBias, PositionBias, pair_length_bias, position_bias
from apps.quality.trust.figures import self_consistency
from apps.runs.status import counted_run_q

_CODES = {"left": LEFT, "tie": TIE, "right": RIGHT}


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceMeasures:
    """Of all comparisons that a judge judged. `agreement` and `kappa` are with people's majority."""

    comparisons: int
    usable: Measured
    agreement: Measured
    kappa: Measured
    position: PositionBias
    length: PairLengthBias
    self_consistency: Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceReport(PreferenceMeasures):
    """One judge that compares. `at` is when a worker measured it; None: now."""

    judge: Judge
    at: datetime | None = None


@dataclass(slots=True)
class PairVotes:
    """The judge's choices of one comparison: pairs of the same vote in both orders. UNKNOWN where one cannot be read."""

    left_first: list[int]
    right_first: list[int]


def comparing_judges(project_id: int) -> list[Judge]:
    """The project's judges that compare and have counted verdicts."""
    verdicts = ComparisonVerdict.objects.filter(run=OuterRef("pk"))
    runs = JudgeRun.objects.filter(Exists(verdicts), counted_run_q(), judge=OuterRef("pk"))
    return list(Judge.objects.filter(Exists(runs), project=project_id).order_by("name", "-version"))


def preference_reports(
    project: Project, judges: Sequence[Judge] | None = None, *, resamples: int = RESAMPLES
) -> list[PreferenceReport]:
    """A report for each judge that compares, or for these alone."""
    judges = comparing_judges(project.pk) if judges is None else judges
    people = people_choices(project) if judges else {}
    return [_report(judge, people, resamples) for judge in judges]


def people_choices(project: Project) -> dict[int, int]:
    """By comparison id: the choice of most labelers; ties between choices are left out."""
    counted = Assignment.objects.counted().filter(round__project=project)
    labels = PreferenceLabel.objects.filter(assignment__in=counted)
    votes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for comparison_id, choice in labels.values_list("assignment__task__comparison_id", "choice"):
        votes[comparison_id][choice] += 1
    chosen: dict[int, int] = {}
    for comparison_id, counts in votes.items():
        leaders = [choice for choice, count in counts.items() if count == max(counts.values())]
        if len(leaders) == 1:
            chosen[comparison_id] = _CODES[leaders[0]]
    return chosen


def choices_version(project_id: int) -> str:
    """Another text for other choices of people: it counts labels and their versions, and has the time of the newest."""
    counted = Assignment.objects.counted().filter(round__project=project_id, preference__isnull=False).order_by()
    found = counted.aggregate(labels=Count("pk"), versions=Sum("versions", default=0), newest=Max("submitted_at"))
    newest = found["newest"].timestamp() if found["newest"] else 0
    return f"{found['labels']}:{found['versions']}:{newest}"


def _report(judge: Judge, people: dict[int, int], resamples: int) -> PreferenceReport:
    rows = ComparisonVerdict.objects.filter(counted_run_q("run__"), run__judge=judge).order_by("run__number")
    outcomes = {
        comparison_id: (outcome, _CODES.get(choice, UNKNOWN))
        for comparison_id, outcome, choice in rows.values_list("comparison_id", "outcome", "choice")
    }
    usable = np.array([[outcome == ItemOutcome.VERDICT, 1] for outcome, _ in outcomes.values()], dtype=np.float64)
    both = [pk for pk, (outcome, _) in outcomes.items() if outcome == ItemOutcome.VERDICT and pk in people]
    own, theirs = ints([outcomes[pk][1] for pk in both]), ints([people[pk] for pk in both])
    agreement = np.column_stack((own == theirs, np.ones(len(both)))) if both else np.zeros((0, 2))
    table = confusions(own + 1, theirs + 1, np.arange(len(both)), 3) if both else np.zeros((0, 9))
    votes = votes_of(judge)
    left_first, right_first, pairs = _flat(votes)
    sizes = _sizes(list(votes))
    left, right = (np.array([sizes[pk][side] for pk in pairs], dtype=np.float64) for side in (0, 1))
    return PreferenceReport(
        judge=judge,
        comparisons=len(outcomes),
        usable=measure_share(usable if len(usable) else np.zeros((0, 2))),
        agreement=measure_share(agreement),
        kappa=measure(table, read_cohen, resamples=resamples),
        position=position_bias(left_first, right_first),
        length=pair_length_bias(left_first, right_first, left, right, ints([people.get(pk, UNKNOWN) for pk in pairs])),
        self_consistency=self_consistency(
            [
                known
                for own_votes in votes.values()
                if len(known := [choice for choice in own_votes.left_first if choice != UNKNOWN]) > 1
            ],
            resamples=resamples,
        ),
    )


def votes_of(judge: Judge) -> dict[int, PairVotes]:
    """By comparison id: all pairs of replies of the judge's counted runs, in terms of the comparison's own sides."""
    replies = JudgeReply.objects.filter(counted_run_q("run__"), run__judge=judge, comparison__isnull=False)
    kind = pair_kind(judge)
    by_place: dict[tuple[int, int, int, int], int] = {}
    columns = ("comparison_id", "run_id", "slot", "outcome", "verdict__choice")
    for comparison_id, run_id, slot, outcome, choice in replies.order_by("attempt").values_list(*columns):
        order, pair = kind.order_and_pair(slot)
        is_verdict = outcome == JudgeReply.Outcome.VERDICT
        own_choice = _CODES[turned(choice, is_turned=order == 1)] if is_verdict else UNKNOWN
        by_place[comparison_id, run_id, order, pair] = own_choice
    votes: dict[int, PairVotes] = {}
    for (comparison_id, run_id, order, pair), choice in sorted(by_place.items()):
        if order == 0:
            own = votes.setdefault(comparison_id, PairVotes([], []))
            own.left_first.append(choice)
            own.right_first.append(by_place.get((comparison_id, run_id, 1, pair), UNKNOWN))
    return votes


def _flat(votes: dict[int, PairVotes]) -> tuple[Ints, Ints, Sequence[int]]:
    """All pairs of votes as arrays, with the comparison of each."""
    pairs = [pk for pk, own in votes.items() for _ in own.left_first]
    left_first = [choice for own in votes.values() for choice in own.left_first]
    right_first = [choice for own in votes.values() for choice in own.right_first]
    return ints(left_first), ints(right_first), pairs


def _sizes(comparison_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """By comparison id: the characters of both sides."""
    rows = Comparison.objects.filter(pk__in=comparison_ids).select_related("left_step", "right_step")
    pairs = list(rows)
    ids = {side for pair in pairs for side in (pair.left_id, pair.right_id)}
    steps: Any = Step.objects.filter(solution__in=ids, chosen=True).order_by().values_list("solution_id")
    characters = dict(steps.annotate(characters=Sum(Length("text"))))
    sizes: dict[int, tuple[int, int]] = {}
    for pair in pairs:
        if pair.left_step is not None and pair.right_step is not None:
            sizes[pair.pk] = (len(pair.left_step.text), len(pair.right_step.text))
        else:
            sizes[pair.pk] = (characters.get(pair.left_id, 0), characters.get(pair.right_id, 0))
    return sizes
