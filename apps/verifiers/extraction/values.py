r"""Reading the answer that stands behind its lead: `27`, `$2$ and $3$`, `27 because 9 x 3 = 27`, `27です。`

What follows is read only as far as it is clearly the answer. A sentence of words is none, and neither is an expression
whose meaning depends on the words around it (`3 more than 24`): those are None, and unread is not wrong.
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
    measures,
    names_more,
    says_again,
    sentence_lines,
)
from apps.verifiers.extraction.leads import SPACE, Lead
from apps.verifiers.extraction.lists import are_listed, in_few_words, is_ratio, may_round
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
# Behind a formula these words belong to its value.
_GOES_ON = re.compile(
    r"[ \t]*(?:%|\\%|[*/^+=<>×·÷]|[-−](?=\s?\d)|percent|per[ \t]|times|plus|minus|over|divided|squared|cubed"
    r"|hundred|thousand|million|"
    r"billion|more|less|out[ \t]of|mod(?:ulo)?|to[ \t]+[$\d]|factorial|or[ \t]more|mil(?:le|lones|iardi)?[ \t.]|万"
    r"|億|亿|百|千|만|тысяч|por[ \t]ciento)",
    re.IGNORECASE,
)
# As most answers are; what is below says the same of them.
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
# Words between two numbers, but for those that join a list or a measure of two units.
_OR = re.compile(r"(?<!\w)or(?!\w)", re.IGNORECASE)
_APART = re.compile(r"\d[^\d]*?(?<![\\A-Za-z])(?P<words>[A-Za-z]{2,}[^\d]*?)[^\dA-Za-z\\]*\d")
_JOINING_WORDS = frozenset(["and", "or", "the", "pm", "am", "mod"])
_LETTERS = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_VAIN = (
    "wrong correct right incorrect clear obvious unknown unclear below above here see this that it let we there i to "
    "in on as follows therefore is are was the"
)
_VAIN_WORDS = frozenset(_VAIN.split())
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
    """The answer behind the lead, on its line or, where that ends there, in the next paragraph's first line."""
    near = _BLOCK.sub(lambda block: block.group().replace("\n", " "), text[lead.end : lead.end + _LONGEST])
    line, _, below = near.partition("\n")
    is_empty = not line.strip(" \t*_:：】]")
    body = below.lstrip(" \t_:：】]\r\n") if is_empty else near.lstrip(" \t:：")
    if is_empty and _BULLETS.match(body):
        # A bullet, or a sign? And of several items none is the answer alone.
        return None
    if is_empty:
        body = body.removeprefix("* ")
    elif text.count("**", text.rfind("\n", 0, lead.start) + 1, lead.end) % 2:
        # Bold that began before the lead ends here.
        body = body.removeprefix("**").lstrip(" \t:：")
    body = _without_fillers(_display(near) or body)
    if _is_listed_below(body):
        return None
    body = sentence_lines(body)
    is_word_welcome = (lead.is_explicit or is_empty) and lead.is_english
    return read_value(
        body if body.isascii() else body.translate(_DIRECTIONS),
        words=is_word_welcome,
        decimal_commas=lead.has_decimal_commas,
    )


def _is_listed_below(body: str) -> bool:
    """Whether the next line looks like an answer too: which one is meant? Two formulas are a list."""
    line, _, below = body.partition("\n")
    following = below.partition("\n")[0]
    is_list = ITEM.fullmatch(line.strip()) and ITEM.match(following)
    return not is_list and are_listed(line, following)


def _without_fillers(body: str) -> str:
    """Without the words and marks before a value, but with both marks of one in bold."""
    filler = None if ITEM.match(body) else _FILLERS.match(body)
    if filler is None:
        return body
    mark, rest = filler.group().rstrip()[-2:], body[filler.end() :]
    return mark + rest if mark in ("**", "__") and ITEM.match(mark + rest) else rest


def _display(near: str) -> str | None:
    """A formula that is set apart, over as many lines as it takes, and what follows it in its sentence."""
    found = _DISPLAY.match(near)
    if found is None:
        return None
    end = _DISPLAY_ENDS[found[1]]
    closing = near.find(end, found.end())
    if closing < 0:
        return None
    closing += len(end)
    return near[found.start(1) : closing].replace("\n", " ") + near[closing:]


def read_value(body: str, *, words: bool, decimal_commas: bool = False) -> str | None:
    """The answer at the beginning of `body`; None where there is none that is clear. `words`: "Monday" is one."""
    bare = _BARE_NUMBER.fullmatch(body)
    if bare is not None:
        return localized(bare[1], decimal_commas=decimal_commas)
    body = _BLANKS.sub(" ", body[:_LONGEST])
    if _OPEN_BOX.search(body) and body.count("{") > body.count("}"):
        return None
    body = in_few_words(body)
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
    return None if part is None else _tidy(part)


class _Items(NamedTuple):
    """Formulas and set-off words at the beginning of a text, and what is known of the last of them.

    `parts` has none where one of them cannot be read; `joint` is what stands before the last one.
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
        if last and measures(inner, last):
            parts[-1] = f"{last} {inner}"
        elif not (last and says_again(inner, last)):
            parts.append(inner)
        place, kind, is_end = item.end(), item.lastgroup or "", ends_sentence(item)
        between = EQUALS.match(body, place) or JOIN.match(body, place)
        if not between or between.end() == place or not ITEM.match(body, between.end()):
            break
        joint, place = between.group(), between.end()
    return _Items(parts, joint, place, kind, is_end) if parts else None


def _read_items(items: _Items, body: str) -> str | None:
    """One or a list of them; None where what follows changes them."""
    parts, rest = items.parts, body[items.end :]
    if not parts or (len(parts) == 2 and _OR.search(items.joint) and may_round(*parts)):
        return None
    if _GOES_ON.match(rest):
        whole = _head(body)
        return None if whole is None or _is_unclear(whole) else whole
    join = JOIN.match(rest)
    if join and join.group().strip() and re.match(r"[-−]?\d", rest[join.end() :]):
        # A list of which only the beginning is set off.
        return _whole_list(body) if items.kind in FORMULAS else _plain_value(_EMPHASIS.sub("", body), words=False)
    if not items.ends_sentence and names_more(rest, parts[-1], items.kind):
        # Unread is not wrong; the first of several alone is.
        return None
    return ", ".join(_tidy(part) for part in parts)


def _whole_list(body: str) -> str | None:
    """`$2$ and 3 cm`, but not `$27$ and 3 more are left`."""
    whole = _head(body)
    if whole is None or _is_unclear(whole):
        return None
    words = _LETTERS.findall(_outside(whole).lower())
    return whole if sum(word not in _JOINING_WORDS for word in words) <= 1 else None


def _is_name(plain: str) -> bool:
    """A word or two as an answer, as in "Answer: Monday": not the beginning of a sentence."""
    words = plain.split()
    if not 1 <= len(words) <= 3 or not plain.isascii() or not re.fullmatch(r"[A-Za-z][A-Za-z '’-]*", plain):
        return False
    return not _VAIN_WORDS.intersection(word.lower() for word in words)


def _is_unclear(plain: str) -> bool:
    """Whether words decide what the numbers mean."""
    choices = _OR.split(plain)
    if is_ratio(plain) or (len(choices) == 2 and may_round(*choices)):
        return True
    outside = _outside(plain)
    words = _LETTERS.findall(outside)
    return len(words) > 8 or bool(words and (_RELATING.search(outside) or _is_torn(outside)))


def _outside(plain: str) -> str:
    """Without its formulas."""
    return re.sub(r"\\[A-Za-z]+\s*\{[^{}]*\}|\$[^$]*\$", " ", plain)


def _is_torn(outside: str) -> bool:
    """Whether words that join nothing stand between two numbers, as in `27 on 3 shelves`."""
    found = _APART.search(outside)
    words = _LETTERS.findall(found["words"].lower()) if found else []
    measured = words and all(word in _JOINING_WORDS or read_measures(word) for word in words)
    return bool(words) and not measured


def _result(plain: str) -> str:
    """Of `9 x 3 = 27` the side that is a number, else the last. Equations with variables are left as they are."""
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


def _tidy(answer: str) -> str:
    """Without emphasis, the full stop of its sentence, and dollars that only say "this is LaTeX"."""
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


tidy = _tidy
