"""What the answers that people gave in a labeling tool mean here. Pure.

A tool's choices are words of the team that made them. The option `meanings` names what each means; without it, only
words that leave no doubt are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.corpus.imports.files import named
from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, SIDES
from apps.corpus.records import RowError

UNSURE, NOT_JUDGED, NO_ERRORS = "unsure", "not_judged", "no_error"
RATING_OF = {"great": GREAT, "okay": OKAY, "bad": BAD}
MEANINGS = (*RATING_OF, UNSURE, NOT_JUDGED, NO_ERRORS, *SIDES, "tie")
MOST_MEANINGS = 100

# Without yes and no, true and false: the question may be whether the step is right, or whether it is wrong.
_WORDS: dict[str, tuple[str, ...]] = {
    "great": ("great", "good", "correct", "right", "positive", "+"),
    "okay": ("okay", "ok", "neutral"),
    "bad": ("bad", "incorrect", "wrong", "negative", "error", "-"),
    UNSURE: ("unsure", "not sure", "uncertain"),
    NOT_JUDGED: ("not judged", "skip", "n/a"),
}
_SIDES: dict[str, tuple[str, ...]] = {
    "left": ("left", "a", "response_a", "answer_a", "first"),
    "right": ("right", "b", "response_b", "answer_b", "second"),
    "tie": ("tie", "equal", "same", "both"),
}
_NO_ERRORS = ("none", "no error", "no errors", "all correct")
# A minus is a sign where no word ends in it: that of "-1", and not that of "step-3".
_NUMBER = re.compile(r"\D*?((?:(?<!\w)[-\u2212])?\d{1,6})\D*")


def check_meanings(meanings: Any) -> None:
    """Raises RowError that names the option."""
    if not isinstance(meanings, dict) or len(meanings) > MOST_MEANINGS:
        raise RowError("meanings", f"expected an object of at most {MOST_MEANINGS} choices of the file")
    for choice, meaning in meanings.items():
        if meaning not in MEANINGS:
            raise RowError(
                "meanings", f"{choice[:60]!r}: expected one of {', '.join(MEANINGS)}, found {named(meaning)}"
            )


def usual_meaning(choice: str) -> str:
    """The meaning of a word that leaves no doubt; empty for any other."""
    word = choice.strip().lower()
    return next((meaning for words in (_WORDS, _SIDES) for meaning, known in words.items() if word in known), "")


def rating_meaning(value: Any, at: str, meanings: Mapping[str, str]) -> str:
    """`great`, `okay`, `bad`, `unsure` or `not_judged`. Raises RowError for a choice whose meaning is not known."""
    meaning = meanings.get(str(value)) or _usual(value, _WORDS)
    if meaning in (*RATING_OF, UNSURE, NOT_JUDGED):
        return meaning
    raise _no_meaning(value, at, meaning, "okay")


def side_meaning(value: Any, at: str, meanings: Mapping[str, str]) -> str:
    """`left`, `right` or `tie`. Raises RowError for a choice whose meaning is not known."""
    meaning = meanings.get(str(value)) or _usual(value, _SIDES)
    if meaning in (*SIDES, "tie"):
        return meaning
    raise _no_meaning(value, at, meaning, "left")


def _usual(value: Any, words: Mapping[str, tuple[str, ...]]) -> str:
    word = value.strip().lower() if isinstance(value, str) else None
    return next((meaning for meaning, known in words.items() if word in known), "")


def _no_meaning(value: Any, at: str, meaning: str, example: str) -> RowError:
    if meaning:
        return RowError(at, f"{named(value)} means {meaning}, which does not answer this question")
    hint = f'{{"{str(value)[:40]}": "{example}"}}'
    return RowError(at, f"{named(value)} has no meaning: name one with the option meanings, {hint}")


def step_number(value: Any, at: str, meanings: Mapping[str, str]) -> int | None:
    """The number in an answer such as 3 or "Step 3"; None where it says that there is no error."""
    if meanings.get(str(value)) == NO_ERRORS or str(value).strip().lower() in _NO_ERRORS:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    match = _NUMBER.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None and (isinstance(value, bool) or not isinstance(value, int)):
        raise RowError(at, f"expected the number of a step, or none, found {named(value)}")
    number = int(match[1].replace("\u2212", "-")) if match else int(value)
    return None if number == NO_ERROR else number
