"""Parses numbers in English words: cardinals up to trillions, ordinals, fractions, `one and a half`, `negative five`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: value for value, word in enumerate(_UNITS)} | {word: 10 * place for place, word in enumerate(_TENS, 2)}
_LARGE = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fifth": 5,
    "eighth": 8,
    "ninth": 9,
    "twelfth": 12,
    **{f"{word}th": value for word, value in _SMALL.items() if word not in {"one", "two", "three", "zero"}},
    **{f"{word[:-1]}ieth": 10 * place for place, word in enumerate(_TENS, 2)},
    "hundredth": 100,
    "thousandth": 1000,
    "millionth": 10**6,
}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4} | {
    spelling: value for word, value in _ORDINALS.items() if value > 2 for spelling in (word, f"{word}s")
}
_WORD = re.compile(r"[A-Za-z]+")
_JOINTS = re.compile(r"[\s-]+")
_JOINTS_OF_LARGE = re.compile(r",?[\s-]+")
_MOST_WORDS = 16


class NumberInWords(NamedTuple):
    """`length` is the number of characters that it takes."""

    value: Fraction
    length: int


def read_number_words(text: str) -> NumberInWords | None:
    """The longest number that `text` begins with."""
    words: list[tuple[str, int]] = []
    position = 0
    # The words with their ends, up to the first character that cannot belong to a number in words.
    while match := _WORD.match(text, position):
        words.append((match.group().lower(), match.end()))
        joints = _JOINTS_OF_LARGE if words[-1][0] in _LARGE else _JOINTS
        joint = joints.match(text, match.end())
        if joint is None:
            break
        position = joint.end()
    words, sign = words[:_MOST_WORDS], 1
    if words and words[0][0] in {"negative", "minus"}:
        words, sign = words[1:], -1
    for count in range(len(words), 0, -1):
        value = _value([word for word, _ in words[:count]])
        if value is not None:
            return NumberInWords(sign * value, words[count - 1][1])
    return None


def _value(words: list[str]) -> Fraction | None:
    if words == ["a", "dozen"]:
        return Fraction(12)
    if words[-1] in _PARTS and len(words) > 1:
        return _fraction(words)
    if "point" in words[1:-1]:
        return _decimal(words)
    if words[-1] in _ORDINALS:
        return _ordinal(words)
    cardinal = _cardinal(words)
    return None if cardinal is None else Fraction(cardinal)


def _fraction(words: list[str]) -> Fraction | None:
    """`two thirds`, `a half`, `one and a half`; `twenty third` is an ordinal, and `two third` is neither."""
    whole = 0
    if "and" in words:
        place = len(words) - 1 - words[::-1].index("and")
        ahead = _cardinal(words[:place])
        if ahead is None:
            return _ordinal(words)
        whole, words = ahead, words[place + 1 :]
    counted = 1 if words[:-1] in (["a"], ["an"]) else _cardinal(words[:-1])
    single = words[-1] in _ORDINALS or words[-1] in {"half", "quarter"}
    if counted is None or (single and counted != 1):
        return _ordinal(words) if not whole else None
    return whole + Fraction(counted, _PARTS[words[-1]])


def _ordinal(words: list[str]) -> Fraction | None:
    value = _ORDINALS.get(words[-1])
    if value is None:
        return None
    if len(words) == 1:
        return Fraction(value)
    ahead = _cardinal(words[:-1])
    if ahead is None:
        return None
    if value in {100, 1000, 10**6}:
        return Fraction(ahead * value)
    return Fraction(ahead + value) if ahead % (100 if value > 9 else 10) == 0 and ahead > value else None


def _decimal(words: list[str]) -> Fraction | None:
    place = words.index("point")
    whole = _cardinal(words[:place])
    digits = [_SMALL.get(word, 99) for word in words[place + 1 :]]
    if whole is None or any(digit > 9 for digit in digits):
        return None
    return whole + Fraction(int("".join(map(str, digits))), 10 ** len(digits))


def _cardinal(words: list[str]) -> int | None:
    """None where the words are not a well-formed number, like `two three`."""
    if not words:
        return None
    total = below = 0
    last = 10**15
    for place, word in enumerate(words):
        if word in _LARGE:
            if not below or _LARGE[word] >= last:
                return None
            total, below, last = total + below * _LARGE[word], 0, _LARGE[word]
        elif word == "hundred":
            if not 0 < below < 100:
                return None
            below *= 100
        elif word in _SMALL:
            if not _fits(below, _SMALL[word], first=place == 0):
                return None
            below += _SMALL[word]
        elif word == "a" and place == 0 and len(words) > 1 and words[1] in {*_LARGE, "hundred"}:
            below = 1
        elif word != "and" or place in {0, len(words) - 1} or words[place - 1] not in {*_LARGE, "hundred"}:
            return None
    return total + below


def _fits(below: int, value: int, *, first: bool) -> bool:
    """After `twenty` only one to nine, after `hundred` any smaller number."""
    if value == 0:
        return first
    if below % 100 == 0:
        return True
    return below % 100 >= 20 and below % 10 == 0 and value < 10
