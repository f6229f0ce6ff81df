"""From people's preferences to pairs of a chosen and a rejected text, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.corpus.comparisons import OTHER
from apps.corpus.imports.readers.choices import SCALES
from apps.corpus.labels import MARGINS, SIDES
from apps.corpus.records import ComparisonRecord, PersonRecord, PreferenceRecord, Record
from apps.exports.labels.counted import counted, people_needed
from apps.exports.labels.pairs import EQUAL_SIDES, Pair, Votes, score_margin
from apps.exports.labels.prompts import TextError, paired, side_texts, whole_answers
from apps.exports.labels.sources import THIN
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


TOO_FEW_AGREE = "a smaller share of people agrees than minimum_share"


def preferred_pairs(record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Pair]:
    """Yield the pairs of one comparison, and count in `tally` what is left out."""
    comparison = record.comparison
    if comparison is None:
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
        if preference.choice == "tie" and policy.ties == "drop":
            tally.leave_out("comparisons", "a tie")
            continue
        if policy.people == "majority" and votes[preference.choice] < policy.minimum_share * votes.total():
            tally.leave_out("comparisons", TOO_FEW_AGREE)
            continue
        try:
            prompt, texts = side_texts(record.problem, comparison, policy)
            if len(set(whole_answers(comparison).values())) == 1:
                tally.leave_out("comparisons", EQUAL_SIDES)
                continue
            for choice in SIDES if preference.choice == "tie" else (preference.choice,):
                yield _pair(comparison, prompt, texts, choice, preference, votes, policy)
        except TextError as error:
            tally.leave_out("comparisons", str(error))


def _pair(
    comparison: ComparisonRecord,
    prompt: Any,
    texts: Mapping[str, Any],
    choice: str,
    preference: PreferenceRecord,
    votes: Mapping[str, int],
    policy: LabelPolicy,
) -> Pair:
    counted_votes = Votes(chosen=votes[choice], rejected=votes[OTHER[choice]], tie=votes["tie"])
    return Pair(
        columns=paired(prompt, texts[choice], texts[OTHER[choice]], policy),
        texts=frozenset(whole_answers(comparison).values()),
        source="preferences",
        rater="human",
        label=preference.margin or preference.choice,
        margin=_margin(comparison, choice, preference, counted_votes, policy),
        votes=counted_votes,
    )


def _margin(
    comparison: ComparisonRecord, choice: str, preference: PreferenceRecord, votes: Votes, policy: LabelPolicy
) -> float:
    """Without a margin the pair asks for no distance."""
    scale = SCALES[policy.margins]
    if policy.margin_rule == "votes":
        return scale[0] * votes.lead
    if policy.margin_rule == "choice":
        return scale[MARGINS.index(preference.margin)] if preference.margin else 0.0
    if policy.pair_score != "verifier_score":
        return 0.0
    scores = dict(zip(SIDES, (solution.verifier_score for solution in comparison.sides()), strict=True))
    return score_margin(scores[choice], scores[OTHER[choice]])


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
