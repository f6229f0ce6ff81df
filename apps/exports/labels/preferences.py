"""From what people prefer to pairs of a chosen and a rejected text, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.corpus.comparisons import OTHER
from apps.corpus.imports.readers.choices import SCALES
from apps.corpus.labels import MARGINS
from apps.corpus.records import PersonRecord, PreferenceRecord, Record
from apps.exports.labels.counted import counted, people_needed
from apps.exports.labels.prompts import TextError, side_texts
from apps.exports.labels.sources import THIN
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


@dataclass(frozen=True, slots=True)
class PreferredPair:
    """`prompt` is a text, or messages; so are the other two then. `margin` is a number on the policy's scale."""

    prompt: Any
    chosen: Any
    rejected: Any
    margin: float


def preferred_pairs(record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[PreferredPair]:
    """The pairs of one comparison; counts what becomes a pair and what is left out."""
    compared = record.comparison
    if compared is None:
        return
    said, needed = _counted(record, policy, tally)
    if not said:
        tally.leave_out("comparisons", "nobody whose work counts has compared it")
        return
    if policy.people == "majority" and policy.thin == "leave_out" and len(said) < needed:
        tally.leave_out("comparisons", THIN)
        return
    settled = settle(said, policy)
    if not settled:
        tally.leave_out("comparisons", "no majority")
    for one in settled:
        if one.choice == "tie" and policy.ties == "drop":
            tally.leave_out("comparisons", "a tie")
            continue
        try:
            prompt, texts = side_texts(record.problem, compared, policy)
        except TextError as error:
            tally.leave_out("comparisons", str(error))
            continue
        tally.sources["human"] += 1
        tally.labels[one.margin or one.choice] += 1
        for choice in ("left", "right") if one.choice == "tie" else (one.choice,):
            yield PreferredPair(prompt, texts[choice], texts[OTHER[choice]], _number(one.margin, policy))


def _counted(record: Record, policy: LabelPolicy, tally: Tally) -> tuple[list[PreferenceRecord], int]:
    """The preferences of the people whose work counts, and how many are needed; each other one is counted as left out."""
    preferences: list[PreferenceRecord] = []
    heard: list[PersonRecord] = []
    reasons = counted(record, policy)
    for index, person in enumerate(record.people):
        if person.preference is None:
            continue
        if reason := reasons[index]:
            tally.leave_out("preferences", reason)
        else:
            preferences.append(person.preference)
            heard.append(person)
    return preferences, people_needed(heard)


def settle(said: Sequence[PreferenceRecord], policy: LabelPolicy) -> list[PreferenceRecord]:
    """What more people say than anything else, with the median margin of those who say so; or each, or the first."""
    if policy.people != "majority":
        return list(said[: 1 if policy.people == "first" else None])
    (choice, most), *others = Counter(one.choice for one in said).most_common(2)
    if others and others[0][1] == most:
        return []
    margins = sorted(MARGINS.index(one.margin) for one in said if one.choice == choice and one.margin)
    # Of an even number the smaller one: nobody's margin is overstated.
    return [PreferenceRecord(choice=choice, margin=MARGINS[margins[len(margins) // 2]] if margins else "")]


def _number(margin: str, policy: LabelPolicy) -> float:
    """Who does not say by how much asks for no distance."""
    return SCALES[policy.margins][MARGINS.index(margin)] if margin else 0.0
