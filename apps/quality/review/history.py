"""The history of a solution's labels, from the audit log: who changed what, when, before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from apps.accounts.models import AuditEvent
from apps.corpus.models import Solution
from apps.labeling.assignments.replies import ReturnNote, return_notes_of
from apps.labeling.models import PastSubmission
from apps.quality.review.evidence import Evidence, Naming

# The verbs of a solution's history, by what their events' target is.
_SOLUTION = ("solution.adjudicated", "solution.resplit", "consensus.changed", "gold.made", "gold.also_accepted")
_PROBLEM = ("problem.edited", "problem.graded", "problem.retired", "problem.brought_back")
_STEP = ("step.adjudicated",)
_ASSIGNMENT = (
    "assignment.accepted",
    "assignment.returned",
    "assignment.corrected",
    "assignment.correction_withdrawn",
    "report.dismissed",
    "report.reopened",
)
VERB_TEXTS = {
    "solution.adjudicated": "adjudicated the first error",
    "solution.resplit": "split the steps again",
    "consensus.changed": "changed the consensus",
    "gold.made": "made the adjudicated labels gold",
    "gold.also_accepted": "changed which first errors gold accepts",
    "problem.edited": "edited the problem",
    "problem.graded": "graded the solutions again",
    "problem.retired": "retired the problem",
    "problem.brought_back": "brought the problem back",
    "step.adjudicated": "adjudicated a step",
    "assignment.accepted": "accepted a submission",
    "assignment.returned": "returned a submission",
    "assignment.corrected": "corrected a submission",
    "assignment.correction_withdrawn": "withdrew a correction",
    "report.dismissed": "dismissed a report of the problem",
    "report.reopened": "reopened a report of the problem",
}
MAX_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """`actor` is empty if a worker made the change. `of` names the step or the assignment."""

    at: datetime
    verb: str
    actor: str
    of: str
    before: Any
    after: Any

    @property
    def text(self) -> str:
        return VERB_TEXTS[self.verb]

    @property
    def self_reviewed(self) -> bool:
        """Whether the reviewer had labeled the solution, as the project allows."""
        return isinstance(self.after, dict) and bool(self.after.get("self_reviewed"))

    @property
    def note(self) -> str:
        """The reviewer's note."""
        return str(self.after.get("note") or "") if isinstance(self.after, dict) else ""


def history_of(solution: Solution, evidence: Evidence, naming: Naming) -> list[HistoryEntry]:
    """The newest first. Labelers are named as the reader may see them, reviewers and managers by their names."""
    targets = (
        (_SOLUTION, {str(solution.pk): ""}),
        (_PROBLEM, {str(solution.problem_id): ""}),
        (_STEP, {str(row.step.pk): f"step {row.step.position + 1}" for row in evidence.rows}),
        (
            _ASSIGNMENT,
            {str(labeler.assignment.pk): f"submission by {labeler.labeler}" for labeler in evidence.labelers},
        ),
    )
    name_of_target = {verb: names for verbs, names in targets for verb in verbs}
    in_history = Q(pk=None)
    for verbs, names in targets:
        in_history |= Q(verb__in=verbs, target__in=names)
    events = list(
        AuditEvent.objects.filter(in_history, project=solution.project.slug)
        .select_related("actor")
        .order_by("-pk")[:MAX_ENTRIES]
    )
    actors = {event.actor_id: str(event.actor) for event in events if event.actor_id is not None}
    # Actors who labeled the solution have the names of labelers.
    actors_who_labeled = set(actors) & {labeler.assignment.labeler_id for labeler in evidence.labelers}
    if actors_who_labeled:
        actors |= naming(actors_who_labeled)
    return [
        HistoryEntry(
            event.at,
            event.verb,
            actors.get(event.actor_id or 0, ""),
            name_of_target[event.verb][event.target],
            event.before,
            event.after,
        )
        for event in events
    ]


def past_submissions_of(evidence: Evidence) -> dict[int, list[PastSubmission]]:
    """By assignment id: its submissions before it was corrected or returned."""
    by_assignment: dict[int, list[PastSubmission]] = {}
    changed = [labeler.assignment for labeler in evidence.labelers if labeler.assignment.versions]
    for submission in PastSubmission.objects.filter(assignment__in=changed) if changed else ():
        by_assignment.setdefault(submission.assignment_id, []).append(submission)
    return by_assignment


def return_notes_in(
    evidence: Evidence, past: Mapping[int, Sequence[PastSubmission]]
) -> dict[int, Sequence[ReturnNote]]:
    """By assignment id, where a reviewer returned it: the notes with the labeler's replies."""
    return_notes = {
        labeler.assignment.pk: return_notes_of(labeler.assignment, past.get(labeler.assignment.pk, ()))
        for labeler in evidence.labelers
    }
    return {pk: of_assignment for pk, of_assignment in return_notes.items() if of_assignment}
