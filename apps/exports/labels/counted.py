"""Whose work counts in an export, by a policy: the same as everywhere, unless the policy asks for more by name. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from apps.corpus.labels import BAD, GREAT, is_own_step
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepRating, StepRecord
from apps.exports.policy import LabelPolicy

Place = tuple[int, int]
Steps = Mapping[Place, StepRecord]

OTHER_ROUND = "of rounds that the policy does not take"
SCREENING = "answers of a screening"
GOLD_ANSWER = "answers to gold tasks"
SUSPENDED = "of suspended labelers"
CORRECTED = "corrected by a reviewer, whose ratings count instead"
EARLIER = "of an earlier assignment of the same labeler"
BESIDE = "of steps beside the path alone, where an earlier assignment of the same labeler rates the path"
EMPTY = "of a later assignment of the same labeler that says nothing"


def exclusion(person: PersonRecord, policy: LabelPolicy) -> str:
    """Why the policy does not count the person's work; empty where it does."""
    finish_reason = person.finish_reason or "solution"
    reasons = {
        CORRECTED: person.corrected_by is not None,
        f"of assignments that ended in {finish_reason}": finish_reason not in policy.finish_reasons,
    }
    return _deselection(person, policy) or next((reason for reason, applies in reasons.items() if applies), "")


def _deselection(person: PersonRecord, policy: LabelPolicy) -> str:
    """Why the policy does not look at the person's work at all: what they say in it takes no other work's place."""
    # The tasks of a screening are gold tasks too: each of the two has its own key.
    is_gold_answer = person.is_quality_control and not person.is_screening
    reasons = {
        OTHER_ROUND: bool(policy.rounds) and person.round not in policy.rounds,
        SCREENING: person.is_screening and policy.screening == "drop",
        GOLD_ANSWER: is_gold_answer and policy.quality_control == "drop",
        SUSPENDED: person.is_suspended and policy.suspended == "drop",
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def counted(record: Record, policy: LabelPolicy) -> dict[int, str]:
    """For each person by index, why their work does not count; empty where it does.

    Of several assignments of one labeler the newest counts, as in the consensus: nobody is a majority of two. It is
    sought among all that the policy looks at: where a labeler's last word ended early, or a reviewer corrected it,
    nothing older counts in its place.
    """
    reasons = {index: exclusion(person, policy) for index, person in enumerate(record.people)}
    if policy.people == "first":
        return reasons
    of_labeler: defaultdict[str, list[int]] = defaultdict(list)
    for index, person in enumerate(record.people):
        if not _deselection(person, policy):
            of_labeler[person.labeler].append(index)
    for indexes in of_labeler.values():
        if len(indexes) > 1:
            passed_over = _passed_over(record, indexes, policy)
            reasons |= {index: reasons[index] or reason for index, reason in passed_over.items()}
    return reasons


def _passed_over(record: Record, indexes: Iterable[int], policy: LabelPolicy) -> dict[int, str]:
    """Why all of one labeler's assignments but the newest do not count; none of them where they say nothing.

    What says nothing takes no place, and what speaks only of steps beside the path takes none of what speaks of the path.
    """
    steps, people = steps_of(record.solution), record.people
    weights = {index: _weight(people[index], steps, policy) for index in indexes}
    order = {index: (_when(people[index]), index) for index in indexes}
    speaking = (index for index, weight in weights.items() if weight)
    newest = max(speaking, key=lambda index: (weights[index], order[index]), default=None)
    if newest is None:
        return {}
    later = {index: BESIDE if weights[index] else EMPTY for index in indexes if order[index] > order[newest]}
    return {index: later.get(index, EARLIER) for index in indexes if index != newest}


def _weight(person: PersonRecord, steps: Steps, policy: LabelPolicy) -> int:
    """2: says which side is better, or rates a step of the path; 1: rates steps beside it alone; 0: says nothing."""
    if person.preference is not None:
        return 2
    rated = {(said.position, said.candidate) for said in person.steps if rating_of(said, steps, policy) is not None}
    return 2 if any(place in steps and steps[place].chosen for place in rated) else int(bool(rated))


def _when(person: PersonRecord) -> tuple[bool, float]:
    """A file may not say when: whatever is dated is newer."""
    at = person.submitted_at
    return at is not None, at.timestamp() if at is not None else 0.0


def steps_of(solution: SolutionRecord | None) -> Steps:
    return {(step.position, step.candidate): step for step in solution.steps} if solution is not None else {}


def rating_of(said: StepRating, steps: Steps, policy: LabelPolicy) -> int | None:
    if said.unsure:
        return {"drop": None, "positive": GREAT, "negative": BAD}[policy.unsure]
    step = steps.get((said.position, said.candidate))
    origin = step.origin if step is not None else ""
    return GREAT if is_own_step(said.rating, unsure=said.unsure, chosen=said.chosen, origin=origin) else said.rating


def people_needed(people: Iterable[PersonRecord]) -> int:
    """How many must speak lest a label be thin, by those who do: the fewest that are asked, as in the consensus."""
    return min((person.redundancy for person in people if person.redundancy is not None), default=1)
