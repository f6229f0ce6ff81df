"""Parses the words after a number: scale (million), percent, units of measure, and labels.

`18`, `18 dollars` and `$18` are one answer, and so are `18` and `18 ducks`: one side may leave out its unit. If both
sides have a unit, units of the same dimension are converted (`90 min` is `1.5 h`), units of different dimensions
contradict each other (`5 cm` is not `5 s`), and two labels cannot be compared unless one contains the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from apps.verifiers.latex.normalize import untext
from apps.verifiers.math.quantities.measures import Measure, read_measures

_SCALES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_PERCENT = {"%", "percent", "percentage", "pct"}
# These words name no unit: the problem defines what they count.
_GENERIC = re.compile(
    r"(?:(?:square|cubic|sq|cu)\.? )?units?(?: squared| cubed|\s?\^\s?\{?[23]\}?)?|u"
    r"|times|in total|total|altogether|each|more|left"
)
# With one of these words after it, the number is not the whole answer: "5 less than x", "3 squared", "2 times 4".
_NOT_LABELS = frozenset(
    [
        "less",
        "than",
        "plus",
        "minus",
        "squared",
        "cubed",
        "over",
        "to",
        "and",
        "or",
        "by",
        "half",
        "divided",
        "multiplied",
        "if",
        "when",
        "choose",
        "factorial",
        "base",
        "mod",
        "modulo",
        "between",
        "not",
        "is",
        "are",
        "equals",
        "remainder",
        "squares",
        "power",
        "root",
        "tenths",
        "hundredths",
        "thousandths",
        "halves",
        "thirds",
        "fourths",
        "fifths",
    ]
)
_LABEL = re.compile(r"[A-Za-z¢°$€£¥₹%µμΩ\u2126\\][A-Za-z\d ./'’¢°$€£¥₹%µμΩ\u2126*^{}()\\-]*")
_QUOTIENT = re.compile(r"\\frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}")
_PLURAL = re.compile(r"(?:ies|es|s)$")
_SYLLABLE = re.compile(r"[b-df-hj-np-tv-z][aeiou][b-df-hj-np-tv-z]|egg|ant|ape|ace|one|men|boy|way|day")
# These letters are most often units, if a space precedes them.
_LETTER_UNITS = frozenset("mgLlshJNWV")
# Units that are unusual without a space, so that their letters are a product: `5in` is a length, `2pt` is not.
_GLUED_PRODUCTS = frozenset(["ha", "at", "pt", "ab", "as", "Pa", "mN", "cd", "dm", "ms", "ft-lb"])
_ORDINALS = frozenset(["st", "nd", "rd", "th"])


class Likeness(Enum):
    """Whether numbers with these two units can be compared."""

    COMPARABLE = "comparable"
    CONTRADICTORY = "contradictory"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Unit:
    """`measures` are the known units that the words may denote ("pounds" has two meanings); `label` is anything else.

    `scale` multiplies the number.
    """

    label: str = ""
    scale: int = 1
    percent: bool = False
    measures: tuple[Measure, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.label or self.measures or self.percent or self.scale != 1)


def read_unit(text: str, *, glued: bool = False) -> Unit | None:
    """The unit of `text` (cleaned, the text after a number), or None where it is something else.

    A single letter is a variable unless it is set as text: `5 m` may be a product, `5\\text{ m}` is a length.
    `glued` means that no space precedes it: `5cm` is a length, `5ab` a product.
    """
    body = " ".join(_QUOTIENT.sub(r"\1/\2", untext(text)).split())
    if not body or not _LABEL.fullmatch(body):
        return None if body else Unit()
    words = body.strip(" ()").split()
    scale = 1
    while words and words[0].lower() in _SCALES:
        scale *= _SCALES[words.pop(0).lower()]
    if not words:
        return Unit(scale=scale)
    name = " ".join(words)
    if name.lower().rstrip(".") in _PERCENT:
        return Unit(scale=scale, percent=True)
    as_text = "\\text" in text
    measures = read_measures(name)
    if not as_text and ((len(name) == 1 and name.isalpha()) or (measures and glued and name in _GLUED_PRODUCTS)):
        return None
    return Unit(scale=scale, measures=measures) if measures else _labelled(words, scale, as_text=as_text, glued=glued)


def read_letter_unit(text: str) -> Unit | None:
    """`m` as metres: for `8 m` compared with a number."""
    return Unit(measures=read_measures(text)) if text in _LETTER_UNITS else None


def _labelled(words: list[str], scale: int, *, as_text: bool, glued: bool) -> Unit | None:
    lowered = [word.lower().strip(".,") for word in words]
    if _GENERIC.fullmatch(" ".join(lowered)):
        return Unit(scale=scale)
    if glued and len(lowered) == 1 and lowered[0] in _ORDINALS:
        return Unit(scale=scale)
    if (
        _NOT_LABELS.intersection(lowered)
        or any(sign in "".join(words) for sign in "\\^{}*()$")
        or (glued and not as_text)
    ):
        return None
    if not as_text and not any(len(word) > 3 or _SYLLABLE.fullmatch(word) for word in lowered):
        return None
    if any(character.isdigit() for character in "".join(words)):
        return None
    return Unit(label=" ".join(lowered), scale=scale)


def likeness(first: Unit, second: Unit) -> Likeness:
    """Whether the numbers may be compared: measures of one dimension may, after conversion to the base unit."""
    if first.measures and second.measures:
        return Likeness.COMPARABLE if common_measures(first, second) else Likeness.CONTRADICTORY
    if first.label and second.label:
        # "red ducks" and "duck" agree; "ducks" and "eggs" do not.
        words, other_words = (
            {_PLURAL.sub("", word) for word in label.split()} for label in (first.label, second.label)
        )
        return Likeness.COMPARABLE if words <= other_words or other_words <= words else Likeness.UNKNOWN
    if (first.label and second.measures) or (first.measures and second.label):
        return Likeness.UNKNOWN
    return Likeness.COMPARABLE


def common_measures(first: Unit, second: Unit) -> list[tuple[Measure, Measure]]:
    """The pairs of meanings that share a dimension."""
    return [
        (measure, other)
        for measure in first.measures
        for other in second.measures
        if measure.dimension == other.dimension
    ]
