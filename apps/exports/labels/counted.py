"""Which submissions count in an export: the same as everywhere, unless the policy asks for more by name. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from apps.corpus.labels import BAD, GREAT, is_own_step
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepRating, StepRecord
from apps.exports.policy import LabelPolicy

Place = tuple[int, int]
Steps = Mapping[Place, StepRecord]

OTHER_ROUND = "of rounds that the policy does not select"
SCREENING = "answers of a screening"
GOLD_ANSWER = "answers to gold tasks"
SUSPENDED = "of suspended labelers"
CORRECTED = "corrected by a reviewer, whose ratings count instead"
EARLIER = "of an earlier assignment of the same labeler"
OFF_PATH = "only of alternatives, where an earlier assignment of the same labeler rates the path"
EMPTY = "of a later assignment of the same labeler without ratings"


def exclusion_reason(person: PersonRecord, policy: LabelPolicy) -> str:
    """Why the policy does not count the submission; empty when it does."""
    finish_reason = person.finish_reason or "solution"
    if reason := _filter_reason(person, policy):
        return reason
    if person.corrected_by is not None:
        return CORRECTED
    return f"of assignments that ended in {finish_reason}" if finish_reason not in policy.finish_reasons else ""


def _filter_reason(person: PersonRecord, policy: LabelPolicy) -> str:
    """Why the policy filters the submission out, so that it does not replace an earlier one either."""
    # The tasks of a screening are gold tasks too; each kind has its own key.
    is_gold_answer = person.is_quality_control and not person.is_screening
    reasons = {
        OTHER_ROUND: bool(policy.rounds) and person.round not in policy.rounds,
        SCREENING: person.is_screening and policy.screening == "drop",
        GOLD_ANSWER: is_gold_answer and policy.quality_control == "drop",
        SUSPENDED: person.is_suspended and policy.suspended == "drop",
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def counted(record: Record, policy: LabelPolicy) -> dict[int, str]:
    """By index of `record.people`, why a submission does not count; empty when it does.

    Of several assignments of one labeler the newest counts, as in the consensus: a single labeler is never a majority of
    two. It is chosen among all that the policy does not filter out: when it ended early or a reviewer corrected it, no
    older one counts instead.
    """
    reasons = {index: exclusion_reason(person, policy) for index, person in enumerate(record.people)}
    if policy.people == "first":
        return reasons
    of_labeler: defaultdict[str, list[int]] = defaultdict(list)
    for index, person in enumerate(record.people):
        if not _filter_reason(person, policy):
            of_labeler[person.labeler].append(index)
    for indexes in of_labeler.values():
        if len(indexes) > 1:
            passed_over = _superseded(record, indexes, policy)
            reasons |= {index: reasons[index] or reason for index, reason in passed_over.items()}
    return reasons


def _superseded(record: Record, indexes: Iterable[int], policy: LabelPolicy) -> dict[int, str]:
    """Why one labeler's assignments except the newest do not count; empty when none of them has ratings.

    An assignment without ratings replaces none, and one that rates only alternatives replaces none that rates the path.
    """
    steps, people = steps_of(record.solution), record.people
    weights = {index: _relevance(people[index], steps, policy) for index in indexes}
    order = {index: (_when(people[index]), index) for index in indexes}
    rating = (index for index, weight in weights.items() if weight)
    newest = max(rating, key=lambda index: (weights[index], order[index]), default=None)
    if newest is None:
        return {}
    later = {index: OFF_PATH if weights[index] else EMPTY for index in indexes if order[index] > order[newest]}
    return {index: later.get(index, EARLIER) for index in indexes if index != newest}


def _relevance(person: PersonRecord, steps: Steps, policy: LabelPolicy) -> int:
    """2: prefers a side or rates a step of the path; 1: rates only alternatives; 0: rates nothing."""
    if person.preference is not None:
        return 2
    rated = {(step.position, step.candidate) for step in person.steps if rating_of(step, steps, policy) is not None}
    return 2 if any(place in steps and steps[place].chosen for place in rated) else int(bool(rated))


def _when(person: PersonRecord) -> tuple[bool, float]:
    """Sorts undated submissions of files before dated ones."""
    at = person.submitted_at
    return at is not None, at.timestamp() if at is not None else 0.0


def steps_of(solution: SolutionRecord | None) -> Steps:
    return {(step.position, step.candidate): step for step in solution.steps} if solution is not None else {}


def rating_of(rating: StepRating, steps: Steps, policy: LabelPolicy) -> int | None:
    """The rating under the policy; None when the step is not judged, or unsure and the policy drops it."""
    if rating.unsure:
        return {"drop": None, "positive": GREAT, "negative": BAD}[policy.unsure]
    step = steps.get((rating.position, rating.candidate))
    origin = step.origin if step is not None else ""
    is_own = is_own_step(rating.rating, unsure=rating.unsure, chosen=rating.chosen, origin=origin)
    return GREAT if is_own else rating.rating


def people_needed(people: Iterable[PersonRecord]) -> int:
    """How many people a label needs so that it is not thin: the smallest number asked for, as in the consensus."""
    return min((person.redundancy for person in people if person.redundancy is not None), default=1)
