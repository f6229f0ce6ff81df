r"""Reads the value after a lead: `27`, `$2$ and $3$`, `27 because 9 x 3 = 27`, `27です。`

The text is read only as far as it is clearly the answer. A sentence of words is not an answer, and neither is an
expression whose meaning depends on the words around it (`3 more than 24`): the result is then None, which is not wrong.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from apps.verifiers.extraction.clauses import (
    EQUALS,
    FORMULAS,
    ITEM,
    JOIN,
    content,
    ends_sentence,
    has_more_values,
    is_unit_of,
    repeats,
    sentence_lines,
)
from apps.verifiers.extraction.leads import SPACE, Lead
from apps.verifiers.extraction.lists import are_separate_answers, is_ratio, may_be_rounded, with_plain_joins
from apps.verifiers.extraction.numerals import NUMBER, localized, without_measures
from apps.verifiers.extraction.sentences import answer_part
from apps.verifiers.math.quantities.measures import read_measures

_LONGEST = 600
_NUMBER_WORDS = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen"
    "|seventeen|eighteen"
    "|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|(?:a[ \t]+)?hundred|(?:a[ \t]+)?thousand|half"
)
_FILLERS = re.compile(
    rf"(?:{SPACE}*(?:[:：,，、*_]|\"|“|「)|{SPACE}*(?:therefore|thus|hence|then|so|simply|just|exactly|now|clearly"
    rf"|indeed|also|finally|"
    r"precisely|only|actually|still|again|approximately|about|roughly|around|of course|in fact|equal to|given by"
    r"|as follows|(?:a|the) (?:grand )?total of|in total|"
    r"(?:the )?(?:number|value|integer|fraction|option|choice|letter|set|ordered pair|pair|interval)|"
    r"donc|alors|ainsi|bien|environ|égale? à|also|somit|daher|folglich|genau|deshalb|gleich|por lo tanto|por tanto"
    r"|entonces|igual a|"
    r"portanto|então|assim|logo|quindi|dunque|allora|perciò|pertanto|uguale a|pari a|значит|таким образом|равен|число|إذن|"
    rf"约|大约|約|およそ|약)(?!\w))+{SPACE}*(?=\S)",
    re.IGNORECASE,
)
_MATH_START = re.compile(
    rf"[-+−–±]?{SPACE}?(?:[$€£¥₹]{SPACE}?)?(?:[-−])?(?:\d|\.\d|\\|[({{\[√π∞∅½⅓⅔¼¾])"
    rf"|[A-Za-z](?![\w'’])"
    rf"(?!{SPACE}+(?!(?:because|since|as|and|or|which|is)\b)[a-z]{{2,}})"
    rf"|(?:{_NUMBER_WORDS}|yes|no|true|false|none|undefined|infinity)(?!\w)(?!{SPACE}+(?:of|idea|longer|doubt|way|that))",
    re.IGNORECASE,
)
# After a formula these words belong to its value.
_CONTINUES = re.compile(
    r"[ \t]*(?:%|\\%|[*/^+=<>×·÷]|[-−](?=\s?\d)|percent|per[ \t]|times|plus|minus|over|divided|squared|cubed"
    r"|hundred|thousand|million|"
    r"billion|more|less|out[ \t]of|mod(?:ulo)?|to[ \t]+[$\d]|factorial|or[ \t]more|mil(?:le|lones|iardi)?[ \t.]|万"
    r"|億|亿|百|千|만|тысяч|por[ \t]ciento)",
    re.IGNORECASE,
)
# A shortcut for most answers, with the same result as the general case.
_BARE_NUMBER = re.compile(r"(-?[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?)\.?")
_TAIL = re.compile(
    rf"{SPACE}*(?:です|である|となります|となる|になります|になる|だ|でした|입니다|이다|이에요|예요|임"
    rf"|이{SPACE}됩니다|가{SPACE}됩니다|이{SPACE}된다|है|हैं|होगा|होती|होता){SPACE}*$"
)
_RELATING = re.compile(
    r"(?<!\w)(?:more|less|fewer|than|times|plus|minus|over|divided|out of|of|from|to|by|with|between|if|unless|except|either|at"
    r"|below|under|above|per(?=[ \t]+\d)|mille|milliers?|mil|millones|milhões|milioni|mila|tausend|millionen"
    r"|milliarden|por ciento|por cento"
    r"|pour cent|per cento|prozent|тысяч\w*|миллион\w*|процент\w*|ألف|آلاف|مليون|हज़ार|हजार|लाख|करोड़|सौ|प्रतिशत)(?!\w)",
    re.IGNORECASE,
)
_OR = re.compile(r"(?<!\w)or(?!\w)", re.IGNORECASE)
# Words between two numbers.
_SEPARATED = re.compile(r"\d[^\d]*?(?<![\\A-Za-z])(?P<words>[A-Za-z]{2,}[^\d]*?)[^\dA-Za-z\\]*\d")
_JOINING_WORDS = frozenset(["and", "or", "the", "pm", "am", "mod"])
_LETTERS = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_EMPTY = (
    "wrong correct right incorrect clear obvious unknown unclear below above here see this that it let we there i to "
    "in on as follows therefore is are was the"
)
_EMPTY_WORDS = frozenset(_EMPTY.split())
_ARITHMETIC = re.compile(
    r"(?:\\(?:times|cdot|div|frac|[dt]frac|sqrt|left|right|,|;|!)|[\d\s.,+*/×·÷^(){}%$−-]|(?<=[\d\s])x(?=[\d\s]))+"
)
_BULLET = r"(?:[-+*•]|\d{1,2}[.)]|\(?[a-z]\)|\(\d\))"
_BULLETS = re.compile(rf"[-+•] |{_BULLET}[ \t][^\n]*\n\s*{_BULLET}[ \t]")
_DISPLAY = re.compile(r"[\s*_:：]*(\$\$|\\\[|\\begin\{pmatrix\}|\\begin\{bmatrix\})")
_DISPLAY_ENDS = {"$$": "$$", "\\[": "\\]", "\\begin{pmatrix}": "\\end{pmatrix}", "\\begin{bmatrix}": "\\end{bmatrix}"}
_BLOCK = re.compile(r"\$\$(?:(?!\n\s*\n)[^$])+\$\$|\\\[(?:(?!\n\s*\n).)+?\\\]", re.DOTALL)
_EMPHASIS = re.compile(r"\*\*|__|`")
_BLANKS = re.compile(r"[ \t]{2,}")
_OPEN_BOX = re.compile(r"\\(?:boxed|fbox)\b")
_DIRECTIONS = dict.fromkeys([0x200B, 0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def value_after(text: str, lead: Lead) -> str | None:
    """The answer after the lead, on its line or, if that ends there, on the first line of the next paragraph."""
    near = _BLOCK.sub(lambda block: block.group().replace("\n", " "), text[lead.end : lead.end + _LONGEST])
    line, _, below = near.partition("\n")
    is_empty = not line.strip(" \t*_:：】]")
    body = below.lstrip(" \t_:：】]\r\n") if is_empty else near.lstrip(" \t:：")
    if is_empty and _BULLETS.match(body):
        # A bullet may be a sign, and no item of a list is the answer alone.
        return None
    if is_empty:
        body = body.removeprefix("* ")
    elif text.count("**", text.rfind("\n", 0, lead.start) + 1, lead.end) % 2:
        # Bold that began before the lead ends here.
        body = body.removeprefix("**").lstrip(" \t:：")
    display = _DISPLAY.match(near)
    closing = near.find(_DISPLAY_ENDS[display[1]], display.end()) if display else -1
    if display and closing >= 0:
        # A display formula may take several lines, and text may follow it.
        end = closing + len(_DISPLAY_ENDS[display[1]])
        body = near[display.start(1) : end].replace("\n", " ") + near[end:]
    body = _without_fillers(body)
    line, _, below = body.partition("\n")
    following = below.partition("\n")[0]
    is_list = ITEM.fullmatch(line.strip()) and ITEM.match(following)
    if not is_list and are_separate_answers(line, following):
        # It is ambiguous which of the two lines is the answer.
        return None
    body = sentence_lines(body)
    allows_words = (lead.is_explicit or is_empty) and lead.is_english
    return read_value(
        body if body.isascii() else body.translate(_DIRECTIONS),
        words=allows_words,
        decimal_commas=lead.has_decimal_commas,
    )


def _without_fillers(body: str) -> str:
    """Without the words and marks before a value, but with both marks of a value in bold."""
    filler = None if ITEM.match(body) else _FILLERS.match(body)
    if filler is None:
        return body
    mark, rest = filler.group().rstrip()[-2:], body[filler.end() :]
    return mark + rest if mark in ("**", "__") and ITEM.match(mark + rest) else rest


def read_value(body: str, *, words: bool, decimal_commas: bool = False) -> str | None:
    """The answer at the start of `body`; None where none is clear. With `words`, "Monday" is an answer."""
    bare = _BARE_NUMBER.fullmatch(body)
    if bare is not None:
        return localized(bare[1], decimal_commas=decimal_commas)
    body = _BLANKS.sub(" ", body[:_LONGEST])
    if _OPEN_BOX.search(body) and body.count("{") > body.count("}"):
        return None
    body = with_plain_joins(body)
    items = _items(body)
    answer = _read_items(items, body) if items else _plain_value(body, words=words)
    return localized(answer, decimal_commas=decimal_commas) if answer else None


def _plain_value(body: str, *, words: bool) -> str | None:
    plain = _head(body)
    if plain is None:
        return None
    tail = _TAIL.search(plain)
    plain = without_measures(plain[: tail.start()] if tail else plain) or ""
    if _MATH_START.match(plain):
        return None if _is_unclear(plain) else _result(plain)
    return plain if words and _is_name(plain) else None


def _head(body: str) -> str | None:
    part = answer_part(body)
    return None if part is None else tidy(part)


class _Items(NamedTuple):
    """The formulas and set-off words at the start of a text, and the properties of the last of them.

    `parts` is empty if one of them cannot be read; `joint` is the text before the last one.
    """

    parts: list[str]
    joint: str
    end: int
    kind: str
    ends_sentence: bool


def _items(body: str) -> _Items | None:
    parts: list[str] = []
    place, kind, joint, is_end = 0, "", "", False
    while item := ITEM.match(body, place):
        inner = content(item)
        if item.lastgroup not in FORMULAS:
            inner = read_value(_without_fillers(inner), words=True) or ""
        if not inner:
            return _Items([], joint, place, kind, is_end)
        if EQUALS.fullmatch(joint):
            parts.pop()
        last = "" if joint.strip() or not parts else parts[-1]
        if last and is_unit_of(inner, last):
            parts[-1] = f"{last} {inner}"
        elif not (last and repeats(inner, last)):
            parts.append(inner)
        place, kind, is_end = item.end(), item.lastgroup or "", ends_sentence(item)
        between = EQUALS.match(body, place) or JOIN.match(body, place)
        if not between or between.end() == place or not ITEM.match(body, between.end()):
            break
        joint, place = between.group(), between.end()
    return _Items(parts, joint, place, kind, is_end) if parts else None


def _read_items(items: _Items, body: str) -> str | None:
    """One value or a list of them; None where the text after them changes them."""
    parts, rest = items.parts, body[items.end :]
    if not parts or (len(parts) == 2 and _OR.search(items.joint) and may_be_rounded(*parts)):
        return None
    if _CONTINUES.match(rest):
        whole = _head(body)
        return None if whole is None or _is_unclear(whole) else whole
    join = JOIN.match(rest)
    if join and join.group().strip() and re.match(r"[-−]?\d", rest[join.end() :]):
        # Only the beginning of the list is set off.
        if items.kind not in FORMULAS:
            return _plain_value(_EMPHASIS.sub("", body), words=False)
        # `$2$ and 3 cm` is a list, `$27$ and 3 more are left` is not.
        whole = _head(body)
        words = _LETTERS.findall(_outside_formulas(whole).lower()) if whole else []
        is_list = whole and not _is_unclear(whole) and sum(word not in _JOINING_WORDS for word in words) <= 1
        return whole if is_list else None
    if not items.ends_sentence and has_more_values(rest, parts[-1], items.kind):
        # No answer is better than the first of several values.
        return None
    return ", ".join(tidy(part) for part in parts)


def _is_name(plain: str) -> bool:
    """Whether a text is a word or two, as in "Answer: Monday", and not the beginning of a sentence."""
    words = plain.split()
    if not 1 <= len(words) <= 3 or not plain.isascii() or not re.fullmatch(r"[A-Za-z][A-Za-z '’-]*", plain):
        return False
    return not _EMPTY_WORDS.intersection(word.lower() for word in words)


def _is_unclear(plain: str) -> bool:
    """Whether words decide what the numbers mean."""
    choices = _OR.split(plain)
    if is_ratio(plain) or (len(choices) == 2 and may_be_rounded(*choices)):
        return True
    outside = _outside_formulas(plain)
    words = _LETTERS.findall(outside)
    if len(words) > 8 or (words and _RELATING.search(outside)):
        return True
    # Between two numbers only the words that join a list or a measurement are clear; `27 on 3 shelves` is not.
    gap = _SEPARATED.search(outside)
    between = _LETTERS.findall(gap["words"].lower()) if gap else []
    return not all(word in _JOINING_WORDS or read_measures(word) for word in between)


def _outside_formulas(plain: str) -> str:
    return re.sub(r"\\[A-Za-z]+\s*\{[^{}]*\}|\$[^$]*\$", " ", plain)


def _result(plain: str) -> str:
    """In `9 x 3 = 27`, the side that is a number, or else the last. Equations with variables stay as they are."""
    sides = [side.strip() for side in re.split(r"(?<![<>!])[=≈]", plain)]
    if len(sides) < 2 or not all(
        side and _ARITHMETIC.fullmatch(side) for side in [*sides[:-1], sides[-1].split(" ")[0]]
    ):
        return plain
    return next(
        (
            side
            for side in reversed(sides)
            if NUMBER.match(side.lstrip("$")) and not re.search(r"[+*/×·÷x]|\d\s*[-−]", side)
        ),
        sides[-1],
    )


def tidy(answer: str) -> str:
    """Without emphasis, the full stop of its sentence, and dollars around the whole of it."""
    answer = answer.strip().strip("*`").strip()
    if answer.endswith(".") and not answer.endswith(".."):
        answer = answer[:-1].rstrip()
    answer = answer.strip("*`,;，；").strip()
    for opening, closing in (("\\(", "\\)"), ("\\[", "\\]")):
        if answer.startswith(opening) and answer.endswith(closing) and answer.count(opening) == 1:
            answer = answer[2:-2].strip()
    if len(answer) > 1 and answer[0] == answer[-1] == "$" and answer.count("$") == 2:
        answer = answer[1:-1].strip()
    return answer
