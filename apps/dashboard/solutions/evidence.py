"""The parts of a solution's page that depend on its reader: names of labelers, comparisons, stored rollouts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from apps.core.http.ids import parse_id
from apps.corpus.models import Comparison, Solution, Step
from apps.dashboard.access import Place
from apps.estimation.models import Rollout
from apps.judging.latest import newest_comparison_verdicts
from apps.judging.models import ComparisonVerdict
from apps.labeling.models import PreferenceLabel, counted_q, newest_q
from apps.quality.review.evidence import Evidence, Naming, evidence_of
from apps.quality.review.names import labeler_names_in

SHOWN_COMPARISONS = 50
SHOWN_ROLLOUTS = 200
MAX_RUN_NUMBER = 99_999_999


def evidence_for(place: Place, solution: Solution) -> Evidence:
    return evidence_of(solution, naming_of(place))


def naming_of(place: Place) -> Naming:
    return lambda user_ids: labeler_names(place, user_ids)


def labeler_names(place: Place, user_ids: set[int]) -> dict[int, str]:
    """By user ID: names for managers, pseudonyms for everyone else. Imported labelers have a pseudonym only.

    They are `PersonName`s, which templates can link.
    """
    return labeler_names_in(place.project, user_ids, is_named=place.names_people())


@dataclass(frozen=True, slots=True)
class ComparisonCounts:
    """How often people preferred each side of a comparison; `own` is the solution's side, or the first candidate."""

    comparison: Comparison
    other_id: int
    own: int = 0
    other: int = 0
    ties: int = 0
    verdicts: Sequence[PreferredSide] = ()


@dataclass(frozen=True, slots=True)
class PreferredSide:
    """What a judge's newest run says of a comparison. `preferred` is "this", "other", "tie", or empty without a verdict."""

    verdict: ComparisonVerdict
    preferred: str


def comparisons_of(solution: Solution) -> list[ComparisonCounts]:
    """Labeled or judged comparisons of the solution with others, or of its own candidates for a step; newest first."""
    comparisons = list(
        Comparison.objects.filter(Q(left=solution) | Q(right=solution), problem=solution.problem_id)
        .select_related("left_step", "right_step")
        .order_by("-id")[:SHOWN_COMPARISONS]
    )
    if not comparisons:
        return []
    counts: dict[int, Counter[str]] = {}
    labels = PreferenceLabel.objects.filter(
        counted_q("assignment__"), newest_q("assignment__"), assignment__task__comparison__in=comparisons
    )
    for pk, choice in labels.values_list("assignment__task__comparison_id", "choice"):
        counts.setdefault(pk, Counter())[choice] += 1
    verdicts = newest_comparison_verdicts(comparison.pk for comparison in comparisons)
    rows = []
    for comparison in comparisons:
        if comparison.pk in counts or comparison.pk in verdicts:
            is_left = comparison.left_id == solution.pk
            own, other = ("left", "right") if is_left else ("right", "left")
            other_id = comparison.right_id if is_left else comparison.left_id
            choices = counts.get(comparison.pk, Counter())
            sides = {own: "this", other: "other", "tie": "tie"}
            judged = [
                PreferredSide(verdict, sides.get(verdict.choice, "")) for verdict in verdicts.get(comparison.pk, ())
            ]
            rows.append(ComparisonCounts(comparison, other_id, choices[own], choices[other], choices["tie"], judged))
    return rows


def rollouts_of(solution: Solution, params: Mapping[str, str]) -> tuple[Step, list[Rollout]] | None:
    """The stored rollouts of the step and run that `?step=ID&run=NUMBER` name; None if they name none."""
    step_id = parse_id(params.get("step", ""))
    run = parse_id(params.get("run", ""), maximum=MAX_RUN_NUMBER)
    if step_id is None or run is None:
        return None
    step = Step.objects.filter(solution=solution, pk=step_id).first()
    if step is None:
        return None
    rollouts = Rollout.objects.filter(batch__step=step, batch__run__project=solution.project, batch__run__number=run)
    return step, list(rollouts.order_by("batch__ordinal", "index")[:SHOWN_ROLLOUTS])
