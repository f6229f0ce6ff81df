"""A solution's evidence as a page shows it: people named as the reader's role allows, and rollouts that were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Q

from apps.corpus.models import Comparison, Solution, Step
from apps.dashboard.access import Place
from apps.estimation.models import Rollout
from apps.labeling.models import PreferenceLabel, counted_q, newest_q
from apps.projects.models import Membership
from apps.quality.review.evidence import Evidence, Naming, evidence_of

SHOWN_CONTESTS = 50


@dataclass(frozen=True, slots=True)
class Contest:
    """A comparison that the solution stands in, and how often people preferred it."""

    comparison: Comparison
    other: int
    own: int = 0
    others: int = 0
    ties: int = 0


def evidence_for(place: Place, solution: Solution) -> Evidence:
    return evidence_of(solution, naming_of(place))


def naming_of(place: Place) -> Naming:
    return lambda user_ids: labeler_names(place, user_ids)


def contests_of(solution: Solution) -> list[Contest]:
    """What people preferred of it and other solutions, or of its own candidates for a step; the newest first."""
    found = list(
        Comparison.objects.filter(Q(left=solution) | Q(right=solution), problem=solution.problem_id)
        .select_related("left_step", "right_step")
        .order_by("-id")[:SHOWN_CONTESTS]
    )
    said: dict[int, Counter[str]] = {}
    labels = PreferenceLabel.objects.filter(
        counted_q("assignment__"), newest_q("assignment__"), assignment__task__comparison__in=found
    )
    for pk, choice in labels.values_list("assignment__task__comparison_id", "choice"):
        said.setdefault(pk, Counter())[choice] += 1
    return [_contest(one, solution, said[one.pk]) for one in found if one.pk in said]


def _contest(comparison: Comparison, solution: Solution, counts: Counter[str]) -> Contest:
    is_left = comparison.left_id == solution.pk
    own, other = ("left", "right") if is_left else ("right", "left")
    return Contest(
        comparison,
        comparison.right_id if is_left else comparison.left_id,
        counts[own],
        counts[other],
        counts["tie"],
    )


def labeler_names(place: Place, user_ids: set[int]) -> dict[int, str]:
    """Names for managers, pseudonyms for everybody else; a labeler who came with a file has only that."""
    members = Membership.objects.filter(project=place.project, user__in=user_ids).select_related("user")
    shown = {member.user_id: _shown(member, named=place.names_people()) for member in members}
    return {pk: shown.get(pk, "somebody") for pk in user_ids}


def _shown(member: Membership, *, named: bool) -> str:
    is_person = member.status != Membership.Status.IMPORTED
    return str(member.user) if named and is_person else member.pseudonym[:8]


SHOWN_ROLLOUTS = 200


def rollouts_of(solution: Solution, asked: Mapping[str, str]) -> tuple[Step, list[Rollout]] | None:
    """The kept rollouts of one step in one run, as `?step=ID&run=NUMBER` asks; None when it asks for none."""
    step, run = asked.get("step", ""), asked.get("run", "")
    if not (step.isdecimal() and run.isdecimal() and len(step) < 18 and len(run) < 9):
        return None
    found = Step.objects.filter(solution=solution, pk=int(step)).first()
    if found is None:
        return None
    kept = Rollout.objects.filter(batch__step=found, batch__run__project=solution.project, batch__run__number=int(run))
    return found, list(kept.order_by("batch__ordinal", "index")[:SHOWN_ROLLOUTS])
