"""From people's preferences to pairs of a chosen and a rejected text, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.corpus.comparisons import OTHER
from apps.corpus.imports.readers.choices import SCALES
from apps.corpus.labels import MARGINS, SIDES
from apps.corpus.records import ComparisonRecord, PersonRecord, PreferenceRecord, ProblemRecord, Record
from apps.exports.labels.counted import counted, people_needed
from apps.exports.labels.pairs.base import EQUAL_SIDES, TextPair, Votes, score_margin
from apps.exports.labels.prompts import TextError, paired, side_texts, whole_answers
from apps.exports.labels.sources import THIN
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

TOO_FEW_AGREE = "a smaller share of people agrees than minimum_share"


def preferred_pairs(record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[TextPair]:
    """Yield the pairs of one comparison, and count in `tally` what is left out."""
    if record.comparison is None:
        return
    preferences, needed = _counted_preferences(record, policy, tally)
    if not preferences:
        tally.leave_out("comparisons", "without a counted preference")
        return
    if policy.people == "majority" and policy.thin == "leave_out" and len(preferences) < needed:
        tally.leave_out("comparisons", THIN)
        return
    decided = decide(preferences, policy)
    if not decided:
        tally.leave_out("comparisons", "no majority")
    votes = Counter(preference.choice for preference in preferences)
    for preference in decided:
        if reason := _exclusion_reason(preference, votes, policy):
            tally.leave_out("comparisons", reason)
            continue
        try:
            sides = _Sides.of(record.problem, record.comparison, votes, policy)
            choices = SIDES if preference.choice == "tie" else (preference.choice,)
            pairs = [sides.pair(choice, preference) for choice in choices]
        except TextError as error:
            tally.leave_out("comparisons", str(error))
        else:
            yield from pairs


def _exclusion_reason(preference: PreferenceRecord, votes: Counter[str], policy: LabelPolicy) -> str:
    """Why a decided preference makes no pair; empty when it does."""
    if preference.choice == "tie" and policy.ties == "drop":
        return "a tie"
    if policy.people == "majority" and votes[preference.choice] < policy.minimum_share * votes.total():
        return TOO_FEW_AGREE
    return ""


@dataclass(frozen=True, slots=True)
class _Sides:
    """The two sides of a comparison as texts or messages, and how many people prefer each."""

    prompt: Any
    answers: Mapping[str, Any]
    texts: frozenset[str]
    scores: Mapping[str, float | None]
    votes: Mapping[str, int]
    policy: LabelPolicy

    @classmethod
    def of(
        cls, problem: ProblemRecord, comparison: ComparisonRecord, votes: Mapping[str, int], policy: LabelPolicy
    ) -> _Sides:
        """Raises TextError, also for sides with the same text."""
        texts = frozenset(whole_answers(comparison).values())
        if len(texts) == 1:
            raise TextError(EQUAL_SIDES)
        prompt, answers = side_texts(problem, comparison, policy)
        scores = [solution.verifier_score for solution in comparison.sides()]
        return cls(prompt, answers, texts, dict(zip(SIDES, scores, strict=True)), votes, policy)

    def pair(self, choice: str, preference: PreferenceRecord) -> TextPair:
        other = OTHER[choice]
        votes = Votes(chosen=self.votes[choice], rejected=self.votes[other], tie=self.votes["tie"])
        return TextPair(
            columns=paired(self.prompt, self.answers[choice], self.answers[other], self.policy),
            texts=self.texts,
            source="preferences",
            rater="human",
            label=preference.margin or preference.choice,
            margin=self._margin(choice, preference, votes),
            votes=votes,
        )

    def _margin(self, choice: str, preference: PreferenceRecord, votes: Votes) -> float:
        """Without a margin the pair asks for no distance."""
        scale = SCALES[self.policy.margins]
        if self.policy.margin_rule == "votes":
            return scale[0] * votes.lead
        if self.policy.margin_rule == "choice":
            return scale[MARGINS.index(preference.margin)] if preference.margin else 0.0
        if self.policy.pair_score != "verifier_score":
            return 0.0
        return score_margin(self.scores[choice], self.scores[OTHER[choice]])


def _counted_preferences(record: Record, policy: LabelPolicy, tally: Tally) -> tuple[list[PreferenceRecord], int]:
    """The counted preferences and how many are needed. Counts the others as left out."""
    preferences: list[PreferenceRecord] = []
    counted_people: list[PersonRecord] = []
    reasons = counted(record, policy)
    for index, person in enumerate(record.people):
        if person.preference is None:
            continue
        if reason := reasons[index]:
            tally.leave_out("preferences", reason)
        else:
            preferences.append(person.preference)
            counted_people.append(person)
    return preferences, people_needed(counted_people)


def decide(preferences: Sequence[PreferenceRecord], policy: LabelPolicy) -> list[PreferenceRecord]:
    """The majority's choice with its median margin; or each preference, or the first, as the policy requires."""
    if policy.people != "majority":
        return list(preferences[: 1 if policy.people == "first" else None])
    (choice, votes), *rest = Counter(preference.choice for preference in preferences).most_common(2)
    if rest and rest[0][1] == votes:
        return []
    agreeing = [preference for preference in preferences if preference.choice == choice]
    margins = sorted(MARGINS.index(preference.margin) for preference in agreeing if preference.margin)
    # Of an even number the smaller of the two middle margins, so that none is overstated.
    return [PreferenceRecord(choice=choice, margin=MARGINS[margins[len(margins) // 2]] if margins else "")]
