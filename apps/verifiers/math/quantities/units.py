"""Words behind a number: scale (million), percent, units of measure, and labels.

`18`, `18 dollars` and `$18` are one answer, and so are `18` and `18 ducks`: a unit that one side leaves out is not
missed. Where both sides have one, units of one dimension are converted (`90 min` is `1.5 h`), units of two dimensions
contradict each other (`5 cm` is not `5 s`), and two labels of which neither holds the other cannot be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

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
# They name no quantity: what is measured in them is said by the problem.
_GENERIC = re.compile(
    r"(?:(?:square|cubic|sq|cu)\.? )?units?(?: squared| cubed|\s?\^\s?\{?[23]\}?)?|u"
    r"|times|in total|total|altogether|each|more|left"
)
# Behind one of these words the number is not yet the answer: "5 less than x", "3 squared", "2 times 4".
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
# With a space before them and no other meaning as usual as this one.
_LETTER_UNITS = frozenset("mgLlshJNWV")
_ORDINALS = frozenset(["st", "nd", "rd", "th"])


class Likeness(Enum):
    """How two units stand to each other."""

    COMPARABLE = "comparable"
    CONTRADICTORY = "contradictory"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Unit:
    """`measures` are the known units that the words may stand for ("pounds" are two); `label` is anything else.

    `scale` multiplies the number.
    """

    label: str = ""
    scale: int = 1
    percent: bool = False
    measures: tuple[Measure, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.label or self.measures or self.percent or self.scale != 1)


def read_unit(text: str, *, glued: bool = False) -> Unit | None:
    """The unit that `text` (cleaned, what stands behind a number) is, or None where it is something else.

    A single letter is a variable unless it is set as text: `5 m` may be a product, `5\\text{ m}` is a length.
    `glued` says that no space stands before it: `5cm` is a length, `5ab` a product.
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
    if not as_text and ((len(name) == 1 and name.isalpha()) or (measures and glued and _is_product(name))):
        return None
    return Unit(scale=scale, measures=measures) if measures else _labelled(words, scale, as_text=as_text, glued=glued)


def read_letter_unit(text: str) -> Unit | None:
    """`m` as metres: for `8 m` beside an answer that is a number."""
    return Unit(measures=read_measures(text)) if text in _LETTER_UNITS else None


def _is_product(name: str) -> bool:
    """Two letters of which neither is usual as a unit without a space: `5in` is a length, `2pt` and `3ha` are not."""
    return name in {"ha", "at", "pt", "ab", "as", "Pa", "mN", "cd", "dm", "ms", "ft-lb"}


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


def likeness(left: Unit, right: Unit) -> Likeness:
    """May the numbers be compared? Measures of one dimension may, after `in_common`."""
    if left.measures and right.measures:
        return Likeness.COMPARABLE if common_measures(left, right) else Likeness.CONTRADICTORY
    if left.label and right.label:
        return Likeness.COMPARABLE if _labels_agree(left.label, right.label) else Likeness.UNKNOWN
    if (left.label and right.measures) or (left.measures and right.label):
        return Likeness.UNKNOWN
    return Likeness.COMPARABLE


def common_measures(left: Unit, right: Unit) -> list[tuple[Measure, Measure]]:
    """The pairs of meanings that share a dimension."""
    return [(mine, other) for mine in left.measures for other in right.measures if mine.dimension == other.dimension]


def converted(value: Fraction, measure: Measure) -> Fraction:
    """In the base unit of the measure's dimension."""
    return value * measure.factor + measure.offset


def _labels_agree(left: str, right: str) -> bool:
    """ "red ducks" and "duck" do; "ducks" and "eggs" do not."""
    mine, other = ({_PLURAL.sub("", word) for word in label.split()} for label in (left, right))
    return mine <= other or other <= mine
