"""A solution's evidence as a page shows it: people named as the reader's role allows, and rollouts that were kept."""

from __future__ import annotations

from collections.abc import Mapping

from apps.corpus.models import Solution, Step
from apps.dashboard.access import Place
from apps.estimation.models import Rollout
from apps.projects.models import Membership
from apps.quality.evidence import Evidence, Naming, evidence_of


def evidence_for(place: Place, solution: Solution) -> Evidence:
    return evidence_of(solution, naming_of(place))


def naming_of(place: Place) -> Naming:
    return lambda user_ids: labeler_names(place, user_ids)


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
