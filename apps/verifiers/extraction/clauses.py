r"""Decides whether the rest of an answer's sentence has another value (`and $3$`) or explains (`since $3^3 = 27$`).

An answer of several values is extracted as a whole or not at all, because the first value alone would be graded as a
complete answer. Anything else that is set off as a formula or in bold in the sentence that states the answer therefore
counts as another value, unless the words before it make it an explanation, a unit, or the same value again.
"""

from __future__ import annotations

import re

from apps.verifiers.extraction.lists import (
    ADDS_VALUE,
    ALSO,
    AND,
    CONTAINS_MORE,
    MORE,
    VALUES_ALONE,
    adds_value,
    continues_below,
)

ITEM = re.compile(
    r"(?:\*\*|__)?(?:\$\$(?P<display>[^$]+?)\$\$|\$(?=\S)(?P<inline>(?:\\.|[^$\\\n])*?(?<=\S))\$(?!\d)"
    r"|\\\((?P<round>.+?)\\\)"
    r"|\\\[(?P<square>.+?)\\\])(?:\*\*|__)?"
    r"|\*\*(?P<bold>[^*\n]+?)\*\*|__(?P<strong>[^_\n]+?)__(?!\w)|`(?P<code>[^`\n]+)`|[「“\"](?P<quoted>[^「」“”\"\n]+)[」”\"]",
    re.DOTALL,
)
FORMULAS = frozenset(["display", "inline", "round", "square"])
_BLOCKS = frozenset(["display", "square"])
_NEW_SENTENCE = re.compile(r"\s*[A-Z][a-z]")
JOIN = re.compile(
    rf"\s*(?:[,，、;；&]\s*)?(?:(?:\\(?:text|textrm|mathrm|mbox)\{{\s*)?(?:{AND})(?=[\s$\\*_`}}]|$)\s*\}}?\s*"
    rf"(?:(?:{ALSO})(?=[\s$\\*_`]|$),?\s*)?)?"
)
EQUALS = re.compile(r"\s*(?:=|≈|\\approx)\s*")
CLAUSE_START = re.compile(
    r"[,，;；]?\s*(?<!\w)(?:because|since|as|which|where|so|given|due|after|based|using|that|i\.e|e\.g|not|rather"
    r"|instead|but|while|when|for|or so|"
    r"in total|altogether|in all|overall|total|respectively"
    r"|and (?:this|that|we|so|it|the|not|nothing|no|thus|hence|therefore|is|can)|"
    r"porque|ya que|pues|puesto que|dado que|en total|car|parce que|puisque|soit|en tout|au total|weil|denn"
    r"|insgesamt|pois|já que|"
    r"uma vez que|no total|perché|poiché|dato che|in totale|infatti|так как|потому что|поскольку|ведь|всего|"
    r"لأن|لان|حيث|وذلك|क्योंकि|चूँकि|왜냐하면|이므로)(?!\w)"
    r"|[,，;；、]?\s*(?:因为|因為|なぜなら|ので)|\s+[–—-]{1,2}\s+(?=[^\W\d_]{2})|[;:]\s+(?=[^\W\d_]{2})"
    r"|:\s+(?=[^\n:]*=)|;\s+(?=[^\n]*(?<![\\A-Za-z])[a-z]{3,})",
    re.IGNORECASE,
)
WORDY_COMMA = re.compile(r"[,，]\s*(?!(?:and|or|et|ou|und|oder|y|e|o|и|или)\b)(?=[^\W\d_]{2,}\s*(?![=<>(_^]))(?!\\)")
_SET_OFF_DEPENDS = re.compile(
    r"[,;]?\s*(?:for|when|if|where|while)\b.*(?:\b(?:else|otherwise)\b"
    r"|(?:[,;]|\b(?:and|or|but)\b)\s*(?:\$|\\[(\[]|\*\*).*\b(?:for|when|if)\b)",
    re.IGNORECASE | re.DOTALL,
)
_MARKS = re.compile(r"\*\*|__")
_SENTENCE_END = re.compile(r"(?<!resp)\.(?=\s|$)|[。｡؟।！？]|[!?](?=\s|$)|</|\[/")
_CONTINUES_IN_MARKS = re.compile(rf"\s*(?:[,，、;；]|(?:[,，、;；]?\s*{MORE}(?!\w))+)\s*[-−]?[\d$\\]", re.IGNORECASE)
# "and we", "while" and "but" introduce another value as well as an explanation.
_NO_EXPLANATION = re.compile(
    r"[,，;；]?\s*(?:and|but|while|total|overall|altogether|respectively|in (?:all|total)|en tout|as well)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"[(（](?P<words>[^()（）]*)[)）]")
# "of the $8$ pieces", "in base $10$".
_PHRASE = re.compile(
    r".*(?<!\w)(?P<word>between|with|of|in|at|on|from|within|for|de|du|des|d['’]|del|sur|pour|en|von|aus|bei|im|auf|für|para|por|di|da|do|из|в|на"
    r"|для|при)(?!\w)[^,，、;；]*",
    re.IGNORECASE | re.DOTALL,
)
_RELATION = re.compile(r"[=<>]|\\(?:[lg]eq?|neq?|in|approx|equiv)(?![A-Za-z])")
_UNIT = re.compile(r"\s*(?:\{\})?\^?\s*\{?\s*\\(?:text|textrm|mathrm|rm|mbox|operatorname|circ|degree|%)")
_VALUE = re.compile(r"\s*(?:[-+−±]?[\d.$\\√π(\[{]|[A-Za-z]\s*(?:$|[=<>(]))")
_WORDS_OF_JOIN = re.compile(rf"(?=\\?\w)(?:\\text\{{)?(?<!\w)(?:{AND})(?!\w){JOIN.pattern}", re.IGNORECASE)
_ENDS_IN_JOIN = re.compile(rf"(?<!\w)(?:{AND})(?:\s+(?:{ALSO}))?\s*$|(?<=[$*`\])])\s*[,，、;；&]\s*$", re.IGNORECASE)
_STOPS = re.compile(r"[\s,，、;；.]*")


def has_more_values(rest: str, first: str, kind: str) -> bool:
    """Whether `rest`, the text after the value `first` of that kind, has another value in the same sentence."""
    if kind in _BLOCKS and _NEW_SENTENCE.match(rest):
        return False
    end = _SENTENCE_END.search(_masked(rest))
    sentence = rest[: end.start()] if end else rest
    return _sets_off_more(sentence, first, kind) or adds_value(sentence, first)


def _sets_off_more(sentence: str, first: str, kind: str) -> bool:
    """Whether another value is set off in the rest of a sentence, as a formula or as bold or quoted text."""
    if _SET_OFF_DEPENDS.match(sentence):
        return True
    # Items in parentheses do not count: `($9 \cdot 3$)`. But `(and $3$)` adds a value.
    asides = [
        aside.span() for aside in _ASIDE.finditer(_masked(sentence)) if not ADDS_VALUE.match(sentence, aside.start())
    ]
    place, word = 0, ""
    for item in ITEM.finditer(sentence):
        if any(start < item.start() < end for start, end in asides):
            continue
        between = sentence[place : item.start()]
        if _is_explained(sentence, place, item.start()):
            return False
        place = item.end()
        is_joined = bool(JOIN.fullmatch(between) and between.strip())
        phrase = _PHRASE.fullmatch(between)
        if phrase and not CONTAINS_MORE.search(between):
            word = phrase["word"].lower()
            if word != "with":
                continue
        if word == "between" and is_joined:
            word = "of"
            continue
        inner, is_formula = content(item), item.lastgroup in FORMULAS
        if word and _RELATION.search(inner) and not _RELATION.search(first):
            continue
        is_candidate = is_joined or is_formula == (kind in FORMULAS)
        is_value = is_formula or _VALUE.match(inner) or ADDS_VALUE.match(between)
        is_first = repeats(inner, first) or (not between.strip() and is_unit_of(inner, first))
        if is_candidate and is_value and not is_first:
            return True
    return False


def sentence_lines(text: str) -> str:
    """The first line, with the following lines that continue its list: `$2$ and`, `$3$`."""
    line, _, below = text.partition("\n")
    is_set_off = ITEM.match(line) is not None
    while below.strip():
        following, _, below = below.lstrip().partition("\n")
        following = following.strip()
        join = _WORDS_OF_JOIN.match(following)
        start = join.end() if join else 0
        is_joined = join is not None or _ENDS_IN_JOIN.search(line) is not None
        item = ITEM.match(following, start) if is_set_off else None
        if item is not None:
            is_more = is_joined or (
                not line.rstrip().endswith(".") and _STOPS.fullmatch(following, item.end()) is not None
            )
        else:
            is_word_alone = is_set_off and join is not None and start == len(following)
            is_more = is_word_alone or (is_joined and VALUES_ALONE.fullmatch(following, start) is not None)
        if not (is_more or (item is None and continues_below(line, following))):
            break
        line = f"{line} {following}"
    return line


def _masked(text: str) -> str:
    """With set-off items blanked, so that no sign inside them ends the sentence except a full stop at their end."""
    return ITEM.sub(lambda item: "x" * (len(item.group()) - 1) + ("." if ends_sentence(item) else "x"), text)


def _is_explained(sentence: str, start: int, end: int) -> bool:
    """Whether an explanation begins between two values."""
    for boundary in (CLAUSE_START, WORDY_COMMA):
        clause = boundary.search(sentence, start)
        while clause and clause.start() < end:
            is_more = ADDS_VALUE.match(sentence, clause.start()) or (
                # A comma does not explain if the clause adds a value: "$2$, in the other case $3$".
                boundary is WORDY_COMMA and CONTAINS_MORE.search(sentence, clause.end(), end)
            )
            if not is_more and not _NO_EXPLANATION.match(clause.group()):
                return True
            clause = boundary.search(sentence, clause.end())
    return False


def is_unit_of(inner: str, first: str) -> bool:
    r"""Whether a formula directly after another is its unit: `$27$ $\text{cm}^2$`."""
    return _UNIT.match(inner) is not None and re.search(r"\d", first) is not None


def repeats(inner: str, first: str) -> bool:
    r"""Whether two formulas state the same value: `27`, `9 \cdot 3 = 27`."""
    return _plain(inner) in _sides(first) or _plain(first) in _sides(inner)


def ends_sentence(item: re.Match[str]) -> bool:
    """Whether the full stop is inside the marks: `$27.$`."""
    return content(item).endswith((".", "?", "。")) and not content(item).endswith("..")


def content(item: re.Match[str]) -> str:
    """The text of a set-off item, without its marks."""
    return next(part for part in item.groups() if part is not None).strip()


def continues_after_mark(rest: str) -> bool:
    """Whether a list continues after the mark at which emphasis begins or ends: `2 **and** 3`."""
    return _CONTINUES_IN_MARKS.match(_MARKS.sub("", rest)) is not None


def _sides(formula: str) -> list[str]:
    return [_plain(side) for side in [formula, *re.split(r"=|\\approx|≈|\\equiv", formula)]]


def _plain(formula: str) -> str:
    return re.sub(r"\\[,;!: ]|\\left|\\right|[\s$*]", "", formula).rstrip(".,;")
