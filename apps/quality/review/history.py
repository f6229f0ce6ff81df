"""What happened to a solution's labels, in order: who, when, before, after. Read from the audit trail, by its index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.accounts.models import AuditEvent
from apps.corpus.models import Solution
from apps.labeling.models import PastSubmission
from apps.quality.review.evidence import Evidence, Naming

# By what an event is about, as the first part of its verb: the families that a solution's history holds.
_SOLUTION = ("solution.adjudicated", "solution.resplit", "consensus.changed", "gold.made", "gold.also_accepted")
_PROBLEM = ("problem.edited", "problem.graded", "problem.retired", "problem.brought_back")
_STEP = ("step.adjudicated",)
_TURN = (
    "assignment.accepted",
    "assignment.returned",
    "assignment.corrected",
    "assignment.correction_withdrawn",
    "report.dismissed",
    "report.reopened",
)
WORDS = {
    "solution.adjudicated": "settled the first error",
    "solution.resplit": "parted the steps anew",
    "consensus.changed": "what stands has changed",
    "gold.made": "made it gold",
    "gold.also_accepted": "changed which first errors gold accepts",
    "problem.edited": "mended the problem",
    "problem.graded": "graded its solutions again",
    "problem.retired": "retired the problem",
    "problem.brought_back": "brought the problem back",
    "step.adjudicated": "settled a step",
    "assignment.accepted": "accepted a turn",
    "assignment.returned": "returned a turn",
    "assignment.corrected": "corrected a turn",
    "assignment.correction_withdrawn": "took a correction back",
    "report.dismissed": "dismissed a report of the problem",
    "report.reopened": "took the dismissal of a report back",
}
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Change:
    """`actor` is empty where a worker did it. `of` names the step or the turn."""

    at: datetime
    verb: str
    actor: str
    of: str
    before: Any
    after: Any

    @property
    def words(self) -> str:
        return WORDS[self.verb]

    @property
    def self_reviewed(self) -> bool:
        """A reviewer judged what they had labeled, as the project allows."""
        return isinstance(self.after, dict) and bool(self.after.get("self_reviewed"))

    @property
    def note(self) -> str:
        """What a reviewer wrote with it."""
        return str(self.after.get("note") or "") if isinstance(self.after, dict) else ""


def history_of(solution: Solution, evidence: Evidence, naming: Naming) -> list[Change]:
    """The newest first. Labelers are named as the reader may see them, reviewers and managers by name."""
    steps = {str(row.step.pk): f"step {row.step.position + 1}" for row in evidence.rows}
    assignments = {str(voice.assignment.pk): f"turn of {voice.labeler}" for voice in evidence.voices}
    here, problem = {str(solution.pk): ""}, {str(solution.problem_id): ""}
    families = ((_SOLUTION, here), (_PROBLEM, problem), (_STEP, steps), (_TURN, assignments))
    about = {verb: targets for verbs, targets in families for verb in verbs}
    wanted = Q(pk=None)
    for verbs, targets in families:
        wanted |= Q(verb__in=verbs, target__in=targets)
    found = AuditEvent.objects.filter(wanted, project=solution.project.slug).select_related("actor")
    events = list(found.order_by("-pk")[:LONGEST])
    names = _actor_names(events, {voice.assignment.labeler_id for voice in evidence.voices}, naming)
    return [
        Change(one.at, one.verb, names.get(one.actor_id or 0, ""), about[one.verb][one.target], one.before, one.after)
        for one in events
    ]


def _actor_names(events: Sequence[AuditEvent], labelers: Collection[int], naming: Naming) -> Mapping[int, str]:
    """Whoever labeled here keeps the name that labelers have."""
    people = {one.actor_id: str(one.actor) for one in events if one.actor_id is not None}
    return people | dict(naming(set(people) & set(labelers)) if set(people) & set(labelers) else {})


def past_of(evidence: Evidence) -> dict[int, list[PastSubmission]]:
    """By turn, what it said before it was corrected or returned."""
    found: dict[int, list[PastSubmission]] = {}
    changed = [voice.assignment for voice in evidence.voices if voice.assignment.versions]
    for one in PastSubmission.objects.filter(assignment__in=changed) if changed else ():
        found.setdefault(one.assignment_id, []).append(one)
    return found
