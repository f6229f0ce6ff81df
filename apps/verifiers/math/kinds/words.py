"""Answers in words: names, directions, yes and no.

Letter case, articles, quotation marks and full stops say nothing. Two wordings that are not the same are different
answers only when neither can be the other at more or less length ("regular hexagon", "E" for east, "Evelyn Smith").
"""

from __future__ import annotations

import re

from apps.verifiers.base import MATCH, NO_MATCH, Outcome, unparsed
from apps.verifiers.latex.normalize import untext

WORDINGS = "two wordings that may mean the same"
_QUOTES = re.compile(r"[\"'`*]")
_COMMANDS = re.compile(r"\\(?:emptyset|infty)(?![A-Za-z])\s?")
_COMMAND_WORDS = {"\\emptyset": " no solution ", "\\infty": " infinity "}
_EDGES = " ().,!?;:"
_FILLERS = frozenset(["a", "an", "the", "there", "it", "its", "is", "are", "was", "he", "she", "they"])
_SAME = (
    frozenset(["yes", "y"]),
    frozenset(["no", "n"]),
    frozenset(["true", "t"]),
    frozenset(["false", "f"]),
    frozenset(["dne", "does not exist"]),
    frozenset(["infinite", "infinitely many", "infinity", "infinitely many solutions", "infinite solutions"]),
    frozenset(
        [
            *("no solution", "no solutions", "no real solution", "no real solutions", "no real roots", "no roots"),
            *("there is no solution", "there are no solutions", "there are no real solutions", "no such x"),
            *("empty set", "none", "has no solution", "has no solutions", "no values", "no real solution exists"),
            *("no solution exists", "no solutions exist", "no real numbers"),
        ]
    ),
)
_VAGUE = (
    frozenset(["dne", "does not exist", "undefined", "no limit", "infinity", "none", "no solution", "diverges"]),
    frozenset(["yes", "true", "correct"]),
    frozenset(["no", "false", "incorrect"]),
    frozenset(["tie", "draw", "equal", "same", "neither", "both"]),
    frozenset(["always", "yes", "true"]),
)
_SAID = re.compile(r"(?P<word>yes|no|true|false)(?:[.!]|(?P<more>[,.;:]\s+[a-z].*))?", re.IGNORECASE | re.DOTALL)
_NONE = frozenset(["none", "nothing", "no solution", "nobody", "never"])


def plain_wording(cleaned: str) -> str:
    """What is compared: lower case, without articles, quotation marks and commands that set type."""
    text = _COMMANDS.sub(lambda command: _COMMAND_WORDS[command.group().strip()], untext(cleaned))
    words = _QUOTES.sub("", text).casefold().replace("-", " ").split()
    words = [word.strip(_EDGES) for word in words]
    kept = [word for word in words if word and word not in _FILLERS]
    return " ".join(kept or [word for word in words if word])


def compare_wordings(reference: str, answer: str) -> Outcome:
    left, right = plain_wording(reference), plain_wording(answer)
    if left == right and len(left) == 1 and untext(reference) != untext(answer):
        return unparsed(WORDINGS)
    if left == right or any({left, right} <= group for group in _SAME):
        return MATCH
    mine, other = set(map(_stem, left.split())), set(map(_stem, right.split()))
    related = mine <= other or other <= mine or any({left, right} <= group for group in _VAGUE)
    if related or _is_initial(left, right) or _is_initial(right, left) or left.isascii() != right.isascii():
        return unparsed(WORDINGS)
    return NO_MATCH


def compare_said(reference: str, answer: str) -> Outcome | None:
    """`Yes, it is` is yes. None where neither goes on behind its yes or no."""
    said = [_SAID.fullmatch(untext(side)) for side in (reference, answer)]
    if not all(said) or not any(side and side["more"] for side in said):
        return None
    words = {side["word"].casefold() for side in said if side}
    return MATCH if len(words) == 1 else NO_MATCH


def is_known_wording(cleaned: str) -> bool:
    """Whether it surely is no number in words: yes, no solution, infinitely many."""
    return any(plain_wording(cleaned) in group for group in _SAME)


def compare_prose(reference: str, answer: str) -> Outcome:
    same = plain_wording(reference) == plain_wording(answer)
    return MATCH if same else unparsed("the answer is prose")


def is_none(cleaned: str) -> bool:
    return plain_wording(cleaned) in _NONE


def names_no_solution(cleaned: str) -> bool:
    return plain_wording(cleaned) in _SAME[-1]


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _is_initial(short: str, long: str) -> bool:
    """ "E" may be east, "Wed" Wednesday and "ne" north east."""
    initials = "".join(word[0] for word in long.split())
    return 0 < len(short) < len(long) and ((long.startswith(short) and len(short) < 5) or short == initials)
