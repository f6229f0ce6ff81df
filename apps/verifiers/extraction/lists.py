r"""Recognizes lists in plain words: `2, and the other is 3`, `5 for Tom, 6 for Ann`, `2 (or 3)`.

An answer may be followed by numbers of any kind: `27, but Tom has 9`, `5 apples while the other 3 are pears`, `120 (or 2
hours)`. Only a statement of a second value makes a list: a value that a conjunction joins and that ends its clause, a
value after `the other is`, or one value for each case.
"""

from __future__ import annotations

import re

from apps.verifiers.base import MATCH
from apps.verifiers.math.verifier import quick

AND = (
    "and|or|as well as|et|ou|ainsi que|und|oder|sowie|y|e|o|и|или|和|或|或者|还有|還有|与|與|及|以及|と|または"
    "|および|와|과|또는|و|أو|और|या"
)
ALSO = "also|else|finally|lastly|aussi|également|auch|también|também|anche|также"
# Words that introduce another value, even at the beginning of a clause that looks like an explanation.
MORE = (
    rf"(?:{AND}|{ALSO}|then|plus|besides|another|other|(?:the )?(?:other|second|third|last|next)|puis|dann|außerdem"
    r"|además|luego|além|inoltre|poi|затем)"
)
ADDS_VALUE = re.compile(rf"[\s,，、;；:(（–—-]*(?:(?<!\w){MORE}(?!\w)|[另还還以或和])", re.IGNORECASE)
CONTAINS_MORE = re.compile(rf"(?<!\w){MORE}(?!\w)|[另还還]", re.IGNORECASE)
_MARKS = r"[*_$\\(\[{]{0,4}"
NUMBER_WORDS = (
    r"(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|half)(?![\w’'])"
)
_VALUE = (
    rf"{_MARKS}[-−–+±]?(?:\.?\d[\d.,/^]*%?|\\?(?:d?frac|sqrt|pi)(?![A-Za-z])[^\s,;]*|[π√∞½⅓⅔¼¾]\S*|{NUMBER_WORDS}"
    r"|[A-Za-z]\s?=\s?[^\s,;]+|[B-HJ-Zb-hj-z](?![\w'’]))"
)
_VALUE_ENDS = rf"{_VALUE}(?:[$*_)\]]|\\\))*(?=[\s.]*(?:$|[,;.()\]]))"
_IN_BETWEEN = r"(?:,?\s*|,\s*[^,\d\n]{1,30},\s*)"
# Another value after a conjunction: "but also 3", "and also, by symmetry, 3".
_JOINED = re.compile(
    rf"[\s,，;:–—(-]*(?:(?:but |and )?(?<!\w)(?:{MORE}|respectively|resp\.?|alternatively|maybe|perhaps|possibly"
    r"|in the (?:other|second) case)(?!\w)[\s,]*|(?:while|whereas|but)\s+(?=[A-Za-z]\s?=)|以及|或者)+"
    rf"{_IN_BETWEEN}(?P<value>{_VALUE_ENDS})",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"(?<!\w)(?:(?:an|(?:the )?)other|(?:the )?(?:second|remaining)|and the total)(?: [\w-]+){0,3}?"
    rf" (?:is|are|was|equals?|being|=|gives?) {_VALUE}|另[^，。；、]{{0,6}}[是为為]\s?[-\d$]",
    re.IGNORECASE,
)
_REJECTED = re.compile(
    r"(?<!\w)(?:reject|discard|extraneous|invalid|negative|not (?:a|in|valid|allowed|positive)(?!\w)|ignore|impossible)",
    re.IGNORECASE,
)
_REASON = re.compile(r"[\s,(]*(?:because|since|as|due|given|using|where|that|i\.e|e\.g|which)(?!\w)", re.IGNORECASE)
_FOR_PERSON = re.compile(
    rf"[\s,]*for [A-Z]\w+(?:,|;| and|, and)\s*(?:{_VALUE}(?: \w+)? for [A-Z]\w|[A-Z]\w+ (?:gets?|has) {_VALUE})"
)
_CASES = "for|when|if|where"
_FOR_CASES = re.compile(
    rf"[\s,;]*(?:{_CASES})(?!\w)[^\n]*?(?:(?<!\w)(?:else|otherwise|elsewhere)(?!\w)"
    rf"|(?:[,;]|(?<!\w)(?:and|or|but))\s*(?:and |or |but )?(?:{_VALUE}[^,;\n]{{0,30}}(?<!\w)(?:{_CASES})(?!\w)"
    rf"|(?:{_CASES}) [^,;\n]{{1,30}} {_VALUE_ENDS}))",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"\s*[(（\[](?!resp)[^()（）\[\]]*[)）\]]")
_CONDITIONAL_ASIDE = re.compile(
    rf"\s*[(（\[]\s*(?:or )?{_VALUE}[^()（）\[\]]{{0,20}}(?<!\w)(?:if|when|unless)(?!\w)", re.IGNORECASE
)
_COMMA_VALUE = re.compile(rf"\s*[,;]\s*{_VALUE_ENDS}", re.IGNORECASE)
# "1 in 4", but not "60 in 4 weeks" or "27 in 2024": it is not a list, and neither of its numbers is its value.
_RATIO = re.compile(
    rf"(?P<part>\d+|one)(?: chances?)? (?:in|of|out of|per|for|sur|von)(?: every| each)? (?P<whole>\d+|{NUMBER_WORDS})[\s.]*",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_DECIMAL = re.compile(r"\d\.\d|\d\s?\\?%")
_EXACT = re.compile(r"\d/\d|\\[dt]?frac|\\sqrt|\\pi|[√π½⅓⅔¼¾]")
_NUMBER = re.compile(r"\d[\d.,]*(?<![.,])")
_WORDY_JOIN = re.compile(
    r"(?<=[\w)$}\]%*])(?:\s*,)?\s+(?:(?P<both>as well as|and also|and finally|and lastly)"
    rf"|or also|or else|or alternatively|and/or)\s*,?\s+(?={_MARKS}[-−]?\d)"
)
# Checked first, because most texts contain none of them.
_LONG_JOINS = ("as well", "also", "else", "finally", "lastly", "alternatively", "and/or")
_AMPERSAND = re.compile(r"(?<=[\w$*])\s*&\s*(?=[$*]{0,2}[-−]?\d)")
_JOINED_ASIDE = re.compile(
    r"(?<=[\w$}%*)])\s*[(（\[]\s*(?P<word>and|or)(?:\s+(?:also|else|alternatively))?,?\s+(?P<value>[^()（）\[\]\n]{1,60})[)）\]]"
)
_LETTER = re.compile(r"[A-J]")
_DIGITS = re.compile(rf"[\d.,/]+|{NUMBER_WORDS}")
VALUES_ALONE = re.compile(r"(?:(?:and|or) )?(?:[A-Za-z] ?= ?)?[-+−$\\({\[]*\d[^A-Za-z\n]*(?:(?:and|or) [^A-Za-z\n]*)?")
_COUNTED = re.compile(r"[-−$]*\d[\d.,/]*(?: \w+){1,2}[.,;]?")
_NUMBER_ALONE = re.compile(r"(?:[A-Za-z]\s?=\s?)?[-−]?\d[\d.,/]*")
_NUMBER_FOR = re.compile(rf"{_NUMBER_ALONE.pattern} (?:\w+ )?for (?:the )?\w+[.,;]?")
_UNMARKED = str.maketrans("", "", "*_$\\()[]")


def is_ratio(plain: str) -> bool:
    """Whether a text is `1 in 4` and nothing else."""
    ratio = _RATIO.fullmatch(plain.translate(_UNMARKED).strip())
    if ratio is None or _YEAR.fullmatch(ratio["whole"]):
        return False
    part, whole = ratio["part"].replace("one", "1"), ratio["whole"]
    return not whole.isdecimal() or int(part) < int(whole)


def with_plain_joins(body: str) -> str:
    """`5 as well as 6` as `5 and 6`, and `5 (or 6)` as `5 or 6`; `120 (or 2 hours)` stays as it is."""
    aside = _JOINED_ASIDE.search(body) if "(" in body or "[" in body or "（" in body else None
    if aside and _kind(body[: aside.start()]) == _kind(aside["value"]):
        body = f"{body[: aside.start()]} {aside['word']} {aside['value']}{body[aside.end() :]}"
    if "&" in body and "\\" not in body:
        body = _AMPERSAND.sub(" and ", body)
    if any(map(body.__contains__, _LONG_JOINS)):
        body = _WORDY_JOIN.sub(lambda join: " and " if join["both"] else " or ", body)
    return body


def _kind(value: str) -> str:
    """What two values must share to form a list: their unit, or that both are letters."""
    plain = value.translate(_UNMARKED).strip()
    return "a letter" if _LETTER.fullmatch(plain) else " ".join(_DIGITS.sub("", plain).split())


def adds_value(rest: str, first: str) -> bool:
    """Whether `rest`, the text after the value `first` in its sentence, states another value in plain words."""
    if is_ratio(first + rest) or _CONDITIONAL_ASIDE.match(rest):
        return True
    numbers = set(_NUMBER.findall(rest))
    if numbers and numbers <= set(_NUMBER.findall(first)):
        # "27, and the total is 27".
        return False
    # `; the other is 3` adds one, but a reason does not: `since one side is 9 and the other is 3`.
    start = rest.find(";") if _REASON.match(rest) else 0
    other = _OTHER.search(rest, start) if start >= 0 else None
    if other and not _REJECTED.search(rest, other.end()):
        return True
    if aside := _ASIDE.match(rest):
        rest = rest[aside.end() :]
        if _COMMA_VALUE.match(rest):
            return True
    joined = _JOINED.match(rest)
    if joined:
        return not is_same(first, joined["value"].strip(" ,.)]"))
    return bool(_FOR_PERSON.match(rest) or _FOR_CASES.match(rest))


def continues_below(line: str, following: str) -> bool:
    """Whether the next line continues a stated value as a list: `2,` and `3`; `2` and `the other is 3`."""
    if line.rstrip().endswith((",", ";", "，", "、")) and (
        VALUES_ALONE.fullmatch(following) or _COUNTED.fullmatch(following)
    ):
        return True
    return following[:1].islower() and adds_value(f" {following}", line)


def are_separate_answers(line: str, following: str) -> bool:
    """Whether each of two lines is only a number, or a number for a person: `2 for Tom`, `3 for Ann`."""
    lines = [text.translate(_UNMARKED).strip() for text in (line, following)]
    if all(map(_NUMBER_FOR.fullmatch, lines)):
        return True
    are_numbers = not lines[0].endswith((".", ",")) and all(map(_NUMBER_ALONE.fullmatch, lines))
    return are_numbers and not is_same(*lines)


def may_be_rounded(first: str, second: str) -> bool:
    """Whether one of two alternatives may be the other, rounded: `1/3 or 0.33` is neither a list nor one value."""
    if bool(_DECIMAL.search(first)) == bool(_DECIMAL.search(second)) or not _EXACT.search(f"{first} {second}"):
        return False
    return not is_same(first, second)


def is_same(first: str | None, second: str) -> bool:
    """Whether two values are equal, as far as that can be determined without computer algebra."""
    return first is not None and quick(first, second) == MATCH
