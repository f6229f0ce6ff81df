"""Compares answers in words: names, directions, yes and no.

Letter case, articles, quotation marks and full stops are ignored. Two different wordings are different answers only if
neither can be a shorter form of the other ("regular hexagon", "E" for east, "Evelyn Smith").
"""

from __future__ import annotations

import re

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome, unparsed
from apps.verifiers.latex.normalize import untext

WORDINGS = "the two wordings may have the same meaning"
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
_YES_OR_NO = re.compile(r"(?P<word>yes|no|true|false)(?:[.!]|(?P<more>[,.;:]\s+[a-z].*))?", re.IGNORECASE | re.DOTALL)
_NONE = frozenset(["none", "nothing", "no solution", "nobody", "never"])


def plain_wording(cleaned: str) -> str:
    """The text to compare: lower case, without articles, quotation marks and typesetting commands."""
    text = _COMMANDS.sub(lambda command: _COMMAND_WORDS[command.group().strip()], untext(cleaned))
    words = _QUOTES.sub("", text).casefold().replace("-", " ").split()
    words = [word.strip(_EDGES) for word in words]
    content = [word for word in words if word and word not in _FILLERS]
    return " ".join(content or [word for word in words if word])


def compare_wordings(reference: str, answer: str) -> GradeOutcome:
    first, second = plain_wording(reference), plain_wording(answer)
    if first == second and len(first) == 1 and untext(reference) != untext(answer):
        return unparsed(WORDINGS)
    if first == second or any({first, second} <= group for group in _SAME):
        return MATCH
    first_stems, second_stems = set(map(_stem, first.split())), set(map(_stem, second.split()))
    related = first_stems <= second_stems or second_stems <= first_stems
    related = related or any({first, second} <= group for group in _VAGUE)
    is_initial = _is_initial(first, second) or _is_initial(second, first)
    if related or is_initial or first.isascii() != second.isascii():
        return unparsed(WORDINGS)
    return NO_MATCH


def compare_yes_no(reference: str, answer: str) -> GradeOutcome | None:
    """`Yes, it is` is yes. None unless both begin with yes or no and at least one continues."""
    matches = [_YES_OR_NO.fullmatch(untext(side)) for side in (reference, answer)]
    if not all(matches) or not any(match and match["more"] for match in matches):
        return None
    words = {match["word"].casefold() for match in matches if match}
    return MATCH if len(words) == 1 else NO_MATCH


def is_known_wording(cleaned: str) -> bool:
    """Whether the text is a known answer that is not a number: yes, no solution, infinitely many."""
    return any(plain_wording(cleaned) in group for group in _SAME)


def compare_prose(reference: str, answer: str) -> GradeOutcome:
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
