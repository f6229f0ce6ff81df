r"""Reading the answer that stands behind its lead: `27`, `$2$ and $3$`, `27 because 9 x 3 = 27`, `27です。`

What follows is read only as far as it is clearly the answer. A sentence of words is none, and neither is an expression
whose meaning depends on the words around it (`3 more than 24`): those are None, and unread is not wrong.
"""

from __future__ import annotations

import re
import unicodedata

from apps.verifiers.answer_clauses import (
    CLAUSE_START,
    DEPENDS,
    EQUALS,
    FORMULAS,
    ITEM,
    JOIN,
    WORDY_COMMA,
    content,
    ends_sentence,
    goes_on_behind,
    measures,
    names_more,
    says_again,
    sentence_lines,
)
from apps.verifiers.answer_leads import SPACE, Lead
from apps.verifiers.measures import read_measures

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
_SENTENCE_END = re.compile(r"\.(?=\s|$)|[。｡؟।！？\n]|[!?](?=\s|$)|</|\*\*|(?<=\w)__|」|”|\[/")
# As most answers are; what is below says the same of them.
_BARE_NUMBER = re.compile(r"(-?[0-9](?:[0-9,]*[0-9])?(?:\.[0-9]+)?)\.?")
_ASKED_NUMBER = re.compile(r"\d[!?]$")
_EXPLAINED = re.compile(r"\s+[(（](?=[^()（）]*(?:=|[^\W\d_]{2,}|\d\s*[-+*x×/·]\s*\d))")
_CONCLUDES = re.compile(
    r"[,;]?\s*(?:and\s+)?(?:so|thus|hence|therefore|giving|making|totall?ing|for a total|meaning|altogether|in total)"
    r"\b[^\n]*\d",
    re.IGNORECASE,
)
_TAIL = re.compile(
    rf"{SPACE}*(?:です|である|となります|となる|になります|になる|だ|でした|입니다|이다|이에요|예요|임"
    rf"|이{SPACE}됩니다|가{SPACE}됩니다|이{SPACE}된다|है|हैं|होगा|होती|होता){SPACE}*$"
)
_MEASURES = (
    "平方厘米|平方米|立方厘米|立方米|厘米|千米|公里|公斤|千克|毫升|小时|小時|分钟|分鐘|時間|通り"
    "|[個个本元块塊米克升人只隻条條天秒岁歲次页頁棵朵辆台张張件名位支箱袋包瓶杯双对组种度冊円枚匹日回]"
    "|개|권|원|명|마리|장|대|시간|일|살|번|가지"
)
_MEASURED = re.compile(rf"(?:{_MEASURES})[^\W\d_]{{0,8}}$")
_NUMBER = re.compile(r"[-+−]?\d[\d.,]*%?")
_RELATING = re.compile(
    r"(?<!\w)(?:more|less|fewer|than|times|plus|minus|over|divided|out of|of|from|to|by|with|between|if|unless|except|either|at"
    r"|below|under|above|per(?=[ \t]+\d)|mille|milliers?|mil|millones|milhões|milioni|mila|tausend|millionen"
    r"|milliarden|por ciento|por cento"
    r"|pour cent|per cento|prozent|тысяч\w*|миллион\w*|процент\w*|ألف|آلاف|مليون|हज़ार|हजार|लाख|करोड़|सौ|प्रतिशत)(?!\w)",
    re.IGNORECASE,
)
# Words between two numbers, but for those that join a list or a measure of two units.
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
_OPEN_BOX = re.compile(r"\\(?:boxed|fbox)\b")
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x066B: ".",
    0x066C: ",",
    0x060C: ",",
    0x3001: ",",
}
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
    body = sentence_lines(body)
    is_word_welcome = (lead.is_explicit or is_empty) and lead.is_english
    return read_value(
        body if body.isascii() else body.translate(_DIRECTIONS),
        words=is_word_welcome,
        decimal_commas=lead.has_decimal_commas,
    )


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
    if _OPEN_BOX.search(body) and body.count("{") > body.count("}"):
        return None
    items = _items(body)
    if items is not None:
        return localized(items, decimal_commas=decimal_commas) if items else None
    plain = _head(body)
    if plain is None:
        return None
    tail = _TAIL.search(plain)
    plain = _without_measures(plain[: tail.start()] if tail else plain) or ""
    if _MATH_START.match(plain):
        return None if _is_unclear(plain) else localized(_result(plain), decimal_commas=decimal_commas)
    return plain if words and _is_name(plain) else None


def _items(body: str) -> str | None:
    """Formulas and set-off words at the beginning, one or a list of them; "" where what follows changes them."""
    parts: list[str] = []
    place, kind, joint, is_end = 0, "", "", False
    while item := ITEM.match(body, place):
        inner = content(item)
        if item.lastgroup not in FORMULAS:
            inner = read_value(_without_fillers(inner), words=True) or ""
        if not inner:
            return ""
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
    if not parts:
        return None
    rest = body[place:]
    if _GOES_ON.match(rest):
        whole = _head(body)
        return "" if whole is None or _is_unclear(whole) else whole
    join = JOIN.match(rest)
    if join and join.group().strip() and re.match(r"[-−]?\d", rest[join.end() :]):
        # A list of which only the beginning is set as a formula.
        return _head(body) or ""
    if not is_end and names_more(rest, parts[-1], kind):
        # Unread is not wrong; the first of several alone is.
        return ""
    return _tidy(parts[0]) if len(parts) == 1 else ", ".join(_tidy(part) for part in parts)


def _head(body: str) -> str | None:
    """The plain text up to the end of its sentence or the beginning of an explanation. None for a question."""
    end = _SENTENCE_END.search(body)
    head, sign = (body[: end.start()], end.group()) if end else (body, "")
    if sign in ("?", "？", "؟") or (sign == "!" and head[-1:].isdecimal()):
        # A question states nothing; and nobody knows whether 5! is a factorial.
        return None
    if sign in ("**", "__") and end is not None and goes_on_behind(body[end.end() :]):
        return None
    if sign == "" and _ASKED_NUMBER.search(head.rstrip()):
        return None
    whole = head
    for boundary in (CLAUSE_START, _EXPLAINED):
        found = boundary.search(head, 1)
        while found and _is_inside_formula(head, found.start()):
            found = boundary.search(head, found.end())
        head = head[: found.start()] if found else head
    comma = WORDY_COMMA.search(head)
    if comma and any(map(str.isdecimal, head[: comma.start()])):
        head = head[: comma.start()]
    if _CONCLUDES.match(whole, len(head)) or DEPENDS.match(whole, len(head)):
        # "9 on each shelf, so 27": what was cut off is the answer, or says it again.
        return None
    if (
        head.strip() in ("a", "A")
        and whole != head
        and not re.match(r"\s*[,;(]|\s+(?:because|since|as|which)\b", whole[len(head) :])
    ):
        # An article, not a letter.
        return None
    if not head.isascii():
        head = "".join(sign for sign in head if unicodedata.category(sign) not in ("So", "Cf"))
    return _tidy(head)


def _is_inside_formula(text: str, place: int) -> bool:
    return text.count("$", 0, place) % 2 == 1 or text.count("{", 0, place) > text.count("}", 0, place)


def _without_measures(plain: str) -> str | None:
    """`27本` is 27. What else follows a number in those scripts may change it (`27万`, `27分の2`): None."""
    if plain.isascii():
        return plain
    found = _NUMBER.match(plain.translate(_FULL_WIDTH))
    rest = plain[found.end() :].strip() if found else ""
    if not rest or not re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", rest):
        return plain
    if found and _MEASURED.match(rest):
        return found.group().rstrip(".,")
    parts = [
        part.strip()
        for part in re.split(r"[,，、]|和|或者|或|与|與|以及|及|と|または|および|와|과|또는", plain)
        if part.strip()
    ]
    read = [_without_measures(part) for part in parts] if len(parts) > 1 else []
    return ", ".join(part for part in read if part) if read and all(read) else None


def _is_name(plain: str) -> bool:
    """A word or two as an answer, as in "Answer: Monday": not the beginning of a sentence."""
    words = plain.split()
    if not 1 <= len(words) <= 3 or not plain.isascii() or not re.fullmatch(r"[A-Za-z][A-Za-z '’-]*", plain):
        return False
    return not _VAIN_WORDS.intersection(word.lower() for word in words)


def _is_unclear(plain: str) -> bool:
    """Whether words decide what the numbers mean."""
    outside = re.sub(r"\\[A-Za-z]+\s*\{[^{}]*\}|\$[^$]*\$", " ", plain)
    words = _LETTERS.findall(outside)
    return len(words) > 8 or bool(words and (_RELATING.search(outside) or _is_torn(outside)))


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
            if _NUMBER.match(side.lstrip("$")) and not re.search(r"[+*/×·÷x]|\d\s*[-−]", side)
        ),
        sides[-1],
    )


def localized(answer: str, *, decimal_commas: bool) -> str | None:
    """With ASCII digits, and numbers as English writes them. None for `1.234` where that may be either."""
    if not answer.isascii():
        answer = "".join(
            str(unicodedata.decimal(sign)) if not sign.isascii() and unicodedata.category(sign) == "Nd" else sign
            for sign in answer
        ).translate(_FULL_WIDTH)
    bare = answer.replace("{,}", ",")
    found = re.match(r"[-+−]?\d+(?:[.,\s\u00a0\u202f]\d+)*", bare) if decimal_commas else None
    if found is None:
        return answer
    number, rest = found.group(), bare[found.end() :]
    if re.fullmatch(r"[-+−]?\d{1,3}([., \u00a0\u202f])\d{3}(?:\1\d{3})*", number):
        compact = re.sub(r"[., \u00a0\u202f]", "", number)
        is_sure = not re.search(r"[.,]", number) or len(re.findall(r"[.,]", number)) > 1
        return compact + rest if is_sure else None
    if re.fullmatch(r"[-+−]?[\d. \u00a0\u202f]*\d,\d+", number):
        return re.sub(r"[. \u00a0\u202f]", "", number).replace(",", ".") + rest
    return answer


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
