"""From people's preferences to pairs of a chosen and a rejected text, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.corpus.comparisons import OTHER
from apps.corpus.imports.readers.choices import SCALES
from apps.corpus.labels import MARGINS
from apps.corpus.records import PersonRecord, PreferenceRecord, Record
from apps.exports.labels.columns.reasons import THIN
from apps.exports.labels.counted import counted, people_needed
from apps.exports.labels.prompts import TextError, side_texts
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


@dataclass(frozen=True, slots=True)
class PreferredPair:
    """A pair of texts, or of lists of messages. `margin` is a number on the policy's scale."""

    prompt: Any
    chosen: Any
    rejected: Any
    margin: float


def preferred_pairs(record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[PreferredPair]:
    """Yield the pairs of one comparison, and count in `tally` what is written and what is left out."""
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
    for preference in decided:
        if preference.choice == "tie" and policy.ties == "drop":
            tally.leave_out("comparisons", "a tie")
            continue
        try:
            prompt, texts = side_texts(record.problem, comparison, policy)
        except TextError as error:
            tally.leave_out("comparisons", str(error))
            continue
        tally.sources["human"] += 1
        tally.labels[preference.margin or preference.choice] += 1
        # Without a margin the pair asks for no distance.
        margin = SCALES[policy.margins][MARGINS.index(preference.margin)] if preference.margin else 0.0
        for choice in ("left", "right") if preference.choice == "tie" else (preference.choice,):
            yield PreferredPair(prompt, texts[choice], texts[OTHER[choice]], margin)


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
