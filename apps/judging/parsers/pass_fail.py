"""Whether a solution passes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from apps.judging.parsers.base import Shown
from apps.judging.parsers.choices import WordForm, parse_word, plain_word
from apps.judging.verdicts import OutcomeVerdict, Reading

_WORDS = {"pass": True, "passes": True, "passed": True, "fail": False, "fails": False, "failed": False}
# Words that are clear only as the value of a key or a label.
_KEYED = _WORDS | {"correct": True, "incorrect": False}


def _keyed(values: dict[str, Any], key: str) -> bool | None:
    value = values[key]
    if isinstance(value, bool) and key in {"pass", "passes", "passed"}:
        return value
    return _KEYED.get(plain_word(value)) if isinstance(value, str) else None


_FORM = WordForm(
    keys=("verdict", "outcome", "decision", "judgment", "judgement", "pass", "passes", "passed"),
    labels=("verdict", "outcome", "decision", "judge?ment"),
    allowed="pass or fail",
    word=_WORDS.get,
    value=_keyed,
)


class PassFail:
    name: ClassVar = "pass-fail"
    title: ClassVar = "Pass or fail"
    about: ClassVar = "Reads pass or fail from JSON, a box, a line such as “Verdict: pass”, or the last line."

    def parse(self, text: str, shown: Shown, *, is_cut: bool = False) -> Reading:
        return parse_word(text, _FORM, _verdict, shown, is_cut=is_cut)


def _verdict(values: Sequence[bool], reason: str) -> OutcomeVerdict | None:
    return OutcomeVerdict(values[0], reason) if len(set(values)) == 1 else None
