"""Which of two solutions is better, and by how much on the scale of Llama 2. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from apps.corpus.labels import MARGINS
from apps.judging.parsers.base import Shown
from apps.judging.parsers.choices import WordForm, parse_word, plain_word
from apps.judging.verdicts import PreferenceVerdict, Reading

_MARGINS = {**{margin: margin for margin in MARGINS}, **{margin.removesuffix("ly"): margin for margin in MARGINS}}
_MARGINS["negligible"] = "negligibly"
_NO_MARGIN = frozenset({"", "none", "null", "n/a", "-", "tie"})
_MARGIN = rf"({'|'.join(sorted(_MARGINS, key=len, reverse=True))})(?: better)?"
_SIDE = re.compile(
    rf"(?:(?:solution|response|answer|option|candidate) )?([ab])(?: is(?: {_MARGIN}| better))?(?:[\s,;:(—–-]+{_MARGIN}\)?)?"
)
_CHOICES = {"a": "left", "b": "right"}


@dataclass(frozen=True, slots=True)
class _Choice:
    choice: str
    margin: str | None = None


def _word(words: str) -> _Choice | None:
    """`A`, `Solution B`, `A, clearly`, `B is slightly better` or `tie`."""
    if words in {"tie", "a tie"}:
        return _Choice("tie")
    match = _SIDE.fullmatch(words)
    if match is None:
        return None
    margins = {_MARGINS[margin] for margin in match.groups()[1:] if margin}
    return _Choice(_CHOICES[match.group(1)], *margins) if len(margins) <= 1 else None


def _keyed(values: dict[str, Any], key: str) -> _Choice | None:
    """The choice of an object with its margin; None if either cannot be read, or a tie has a margin."""
    chosen = _word(plain_word(values[key])) if isinstance(values[key], str) else None
    given = values.get("margin")
    if chosen is None or not (given is None or isinstance(given, str)):
        return None
    words = plain_word(given or "").removesuffix(" better")
    margin = None if words in _NO_MARGIN else _MARGINS.get(words)
    if margin is None and words not in _NO_MARGIN:
        return None
    if chosen.choice == "tie":
        return chosen if margin in {None, "negligibly"} else None
    if None not in {margin, chosen.margin} and margin != chosen.margin:
        return None
    return _Choice(chosen.choice, margin or chosen.margin)


_FORM = WordForm(
    keys=("choice", "preference", "winner", "verdict", "better", "better_solution", "preferred", "decision"),
    labels=("choice", "preference", "winner", "verdict", "better(?: solution)?", "preferred(?: solution)?", "decision"),
    allowed=f"A, B or tie, with a margin of {', '.join(MARGINS)} or none",
    word=_word,
    value=_keyed,
)
# Where the problem itself offers A and B, a letter in a box or on the last line may be an answer to it.
_CLEAR_FORM = replace(
    _FORM, labels=("preference", "winner", "verdict", "better solution", "preferred solution"), takes_bare=False
)
_OFFERED = re.compile(
    r"(?:^|[\s(\[{])[AB][).:\]}](?=[\s$\\]|\Z)|\\(?:boxed|text(?:bf)?|mathrm|mathbf)\s*\{\(?[AB]\)?\}", re.MULTILINE
)


class Preference:
    name: ClassVar = "preference"
    title: ClassVar = "A, B or tie"
    about: ClassVar = (
        "Reads A, B or tie, and how much better it is, from JSON, a box, [[A]], a labeled line or the last line."
    )

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        is_offered = any(_OFFERED.search(source) for source in shown.texts)
        return parse_word(text, _CLEAR_FORM if is_offered else _FORM, _verdict, shown, is_cut=is_cut)


def _verdict(values: Sequence[_Choice], reason: str) -> PreferenceVerdict | None:
    margins = {value.margin for value in values} - {None}
    if len({value.choice for value in values}) > 1 or len(margins) > 1:
        return None
    return PreferenceVerdict(values[0].choice, next(iter(margins), None), reason)
