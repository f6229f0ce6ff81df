"""Notes with which reviewers return an assignment, and what its labeler replies to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apps.core.errors import Unprocessable
from apps.labeling.models import Assignment, PastSubmission
from apps.labeling.protocols.submission import Submission

LONGEST_REPLY = 5000


@dataclass(frozen=True, slots=True)
class ReturnNote:
    """A reviewer's note, and the labeler's reply to it; empty where there is none (yet)."""

    note: str
    reply: str = ""


def check_reply(assignment: Assignment, submission: Submission) -> None:
    """Raises Unprocessable for a reply that is too long, or where no reviewer has returned the assignment."""
    reply = submission.reply.strip()
    if reply and not assignment.note:
        raise Unprocessable(
            "There is no note to reply to: no reviewer has returned this task.",
            fields={"reply": "allowed only after a reviewer has returned the task"},
        )
    if len(reply) > LONGEST_REPLY:
        raise Unprocessable(
            f"The reply has {len(reply)} characters; {LONGEST_REPLY} are allowed.",
            fields={"reply": f"must have at most {LONGEST_REPLY} characters"},
        )


def return_notes_of(assignment: Assignment, past: Iterable[PastSubmission]) -> Sequence[ReturnNote]:
    """All notes with their replies, oldest first. `past` are the assignment's past submissions in order.

    A reply is in the submission that followed the note, and in every correction of it.
    """
    return_notes: list[ReturnNote] = []
    for submission in past:
        if return_notes and (reply := submission.submission.get("reply")):
            return_notes[-1] = ReturnNote(return_notes[-1].note, reply)
        if submission.note:
            return_notes.append(ReturnNote(submission.note))
    if return_notes and assignment.is_submitted:
        return_notes[-1] = ReturnNote(return_notes[-1].note, assignment.reply)
    return return_notes
