r"""Finds where a plain answer ends in its sentence: `27 books` in `27 books (9 x 3), since each shelf holds 9.`

The rest of the sentence is cut off. If the rest changes the answer or has another one, the answer is ambiguous and the
result is None.
"""

from __future__ import annotations

import re
import unicodedata

from apps.verifiers.extraction.clauses import CLAUSE_START, FORMULAS, ITEM, WORDY_COMMA, continues_after_mark
from apps.verifiers.extraction.lists import NUMBER_WORDS, adds_value

_SENTENCE_END = re.compile(
    r"(?<!resp)(?<![ap]\.m)\.(?=\s|$)|(?<=[ap]\.m)\.(?=\s+[A-Z]|\s*$)|[。｡؟।！？\n]|[!?](?=\s|$)|</|\*\*|(?<=\w)__|」|”|\[/"
)
_ASKED_NUMBER = re.compile(r"\d[!?]$")
_EXPLAINED = re.compile(r"\s+[(（](?=[^()（）]*(?:=|[^\W\d_]{2,}|\d\s*[-+*x×/·]\s*\d))")
# "27, and all is well", but not "2, and three".
_VALUELESS = re.compile(
    rf"[,;]\s*(?:and|or)(?=(?:[\s,]+(?!(?:{NUMBER_WORDS}|pi|infinity)(?!\w))[A-Za-z'’]{{2,}})+[\s.]*$)", re.IGNORECASE
)
_OPENING, _CLOSING = "([{（", ")]}）"
_UNFINISHED = re.compile(r"(?<!\w)(?:and|or|but|resp)(?: also| then)?\s*$", re.IGNORECASE)
_CONCLUDES = re.compile(
    r"[,;]?\s*[(（]?(?:and\s+)?(?:so|thus|hence|therefore|giving|making|totall?ing|for a total|meaning|altogether|in total)"
    r"\b[^\n]*\d",
    re.IGNORECASE,
)
# "27, 9 for each": the share is not a second value and does not change the first; "9 for each, so 27" is 27.
_FOR_EACH = re.compile(r"\s*for (?:each|every)(?!\w)", re.IGNORECASE)
_SEVERAL = re.compile(r"\d[$*)\\}]*\s?(?:[,;]|\s[–—-])\s[$*(\\{]*\d")
_CONCLUDES_LATER = re.compile(rf"[,;–—-]\s*{_CONCLUDES.pattern}", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
# "A week", not A.
_ARTICLE = re.compile(r"\s*a\s*", re.IGNORECASE)
_AFTER_LETTER = re.compile(r"\s*[,;(]|\s+(?:because|since|as|which)\b")


def answer_part(body: str) -> str | None:
    """The plain text up to the end of its sentence or the start of an explanation. None where that is ambiguous."""
    sentence = _sentence(body)
    answer = None if sentence is None else _before_explanation(sentence)
    if sentence is None or answer is None or _UNFINISHED.search(answer) or _UNFINISHED.search(sentence):
        return None
    rest = sentence[len(answer) :]
    is_article = _ARTICLE.fullmatch(answer) and not _AFTER_LETTER.match(rest)
    is_shared = _FOR_EACH.match(rest) and (_SEVERAL.search(answer) or _CONCLUDES_LATER.search(rest))
    if rest and (is_article or is_shared or _CONCLUDES.match(rest) or adds_value(rest, answer)):
        # The rest holds the answer, adds another one, or decides what the first means.
        return None
    if not answer.isascii():
        answer = "".join(sign for sign in answer if unicodedata.category(sign) not in ("So", "Cf"))
    return answer


def _sentence(body: str) -> str | None:
    """The first sentence. None for a question, and where emphasis ends within a list."""
    end = _SENTENCE_END.search(body)
    sentence, sign = (body[: end.start()], end.group()) if end else (body, "")
    if sign in ("?", "？", "؟") or (sign == "!" and sentence[-1:].isdecimal()):
        # A question states nothing, and 5! may be a factorial.
        return None
    if sign in ("**", "__") and end is not None and continues_after_mark(body[end.end() :]):
        return None
    return None if sign == "" and _ASKED_NUMBER.search(sentence.rstrip()) else sentence


def _before_explanation(sentence: str) -> str | None:
    """`27` of `27 (9 x 3)`, without the bracket that opens the explanation; None for a value cut in two: `(2,`."""
    answer = sentence
    digit = _DIGIT.search(sentence)
    first = digit.end() if digit else len(sentence)
    # A comma between words does not start an explanation before the first number.
    for boundary, start in ((_VALUELESS, first), (CLAUSE_START, 1), (_EXPLAINED, 1), (WORDY_COMMA, first)):
        explanation = boundary.search(answer, start)
        while explanation and _is_inside_formula(answer, explanation.start()):
            explanation = boundary.search(answer, explanation.end())
        answer = answer[: explanation.start()] if explanation else answer
    if sum(map(answer.count, _OPENING)) <= sum(map(answer.count, _CLOSING)):
        # Also `]0, 1[`.
        return answer
    depth = 0
    for place in range(len(answer) - 1, -1, -1):
        depth += (answer[place] in _CLOSING) - (answer[place] in _OPENING)
        if depth < 0:
            is_aside = answer[:place].strip() and (answer[place - 1].isspace() or answer[place] == "（")
            return answer[:place] if is_aside else None
    return answer


def _is_inside_formula(text: str, place: int) -> bool:
    """Whether a place is inside braces or a set-off formula. A single dollar opens none: `$18, as she sells 9 at $2`."""
    if text.count("{", 0, place) > text.count("}", 0, place):
        return True
    return any(item.start() < place < item.end() for item in ITEM.finditer(text) if item.lastgroup in FORMULAS)
