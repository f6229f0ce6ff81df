"""What a labeler's correction changes, in words: pages and the API confirm it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.corpus.labels import BAD, GREAT, OKAY
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.models import Assignment
from apps.labeling.protocols.submission import Submission, SubmittedPreference, SubmittedStep

_RATING_WORDS = {BAD: "bad", OKAY: "okay", GREAT: "great", None: "not rated"}
_FINISH_WORDS = {"give_up": "given up", "bad_problem": "reported as a bad problem"}


def latest_changes(assignment: Assignment) -> Sequence[str]:
    """What the latest correction changed of the submission before it; empty if there was none."""
    previous = assignment.past_submissions.order_by("-number").first()
    if previous is None or previous.note:
        return []
    return list(submission_changes(Submission.from_dict(previous.submission), current_submission(assignment)))


def submission_changes(before: Submission, after: Submission) -> Iterator[str]:
    """Phrases such as `step 2 from great to bad`, in the order of the steps."""
    old = {(step.position, step.candidate): step for step in before.steps}
    new = {(step.position, step.candidate): step for step in after.steps}
    path = {
        step.position: step.candidate for step in (*after.steps, *before.steps) if step.chosen or step.rating == BAD
    }
    for place in sorted(old.keys() | new.keys()):
        yield from _step_changes(place, old.get(place), new.get(place), path.get(place[0], place[1]))
    if _finish_word(before) != _finish_word(after):
        yield f"{_finish_word(after) or 'rated'} instead of {_finish_word(before) or 'rated'}"
    elif before.reason.strip() != after.reason.strip():
        yield "the reason"
    if before.preference != after.preference:
        yield from _preference_changes(before.preference, after.preference)
    if before.progress != after.progress:
        yield "how far the solution came"
    if list(before.critiques) != list(after.critiques):
        yield "what is wrong with the step"
    if before.reply.strip() != after.reply.strip():
        yield "your reply"


def _step_changes(
    place: tuple[int, int], old: SubmittedStep | None, new: SubmittedStep | None, on_path: int
) -> Iterator[str]:
    position, candidate = place
    name = f"step {position + 1}" if candidate == on_path else f"an alternative for step {position + 1}"
    was, is_now = _rating_word(old), _rating_word(new)
    if was != is_now:
        yield f"{name} from {was} to {is_now}"
    if (old.comment.strip() if old else "") != (new.comment.strip() if new else ""):
        yield f"the comment on {name}"


def _rating_word(step: SubmittedStep | None) -> str:
    return "not rated" if step is None else "unsure" if step.unsure else _RATING_WORDS[step.rating]


def _finish_word(submission: Submission) -> str:
    return _FINISH_WORDS.get(submission.finish_reason, "")


def _preference_changes(before: SubmittedPreference | None, after: SubmittedPreference | None) -> Iterator[str]:
    was, is_now = _preference_word(before), _preference_word(after)
    if was != is_now:
        yield f"from {was} to {is_now}"
    if (before.rationale.strip() if before else "") != (after.rationale.strip() if after else ""):
        yield "the rationale"


def _preference_word(preference: SubmittedPreference | None) -> str:
    if preference is None:
        return "no preference"
    if preference.choice == "tie":
        return "neither is better"
    return f"{preference.choice} is {preference.margin} better".replace("  ", " ")
