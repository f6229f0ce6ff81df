r"""Lists in plain words: `2, and the other is 3`, `5 for Tom, 6 for Ann`, `2 (or 3)`.

Behind the first value of a list stand the same signs and words as behind an answer that is explained, so each kind is told
by what it says of a second value: `5, and we are done` has none, `27, because 2 and 3 sum to it` has two that are no answers.
"""

from __future__ import annotations

import re

from apps.verifiers.mathematical import quick
from apps.verifiers.verdicts import MATCH

AND = (
    "and|or|as well as|et|ou|ainsi que|und|oder|sowie|y|e|o|и|или|和|或|或者|还有|還有|与|與|及|以及|と|または"
    "|および|와|과|또는|و|أو|और|या"
)
ALSO = "also|else|finally|lastly|aussi|également|auch|también|também|anche|также"
# Words that bring another value, also where they begin a clause as those of an explanation do.
MORE = (
    rf"(?:{AND}|{ALSO}|then|plus|besides|another|other|(?:the )?(?:other|second|third|last|next)|puis|dann|außerdem"
    r"|además|luego|além|inoltre|poi|затем)"
)
BRINGS_MORE = re.compile(rf"[\s,，、;；:(（–—-]*(?:(?<!\w){MORE}(?!\w)|[另还還以或和])", re.IGNORECASE)
HOLDS_MORE = re.compile(rf"(?<!\w){MORE}(?!\w)|[另还還]", re.IGNORECASE)
_LONGEST_VALUE = 60
_MARKS = r"[*_$\\(\[{]{0,4}"
_NUMBER_WORDS = (
    r"(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    r"|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|half)(?![\w’'])"
)
_VALUE = (
    rf"(?<![A-Za-z0-9_.]){_MARKS}[-−–+±]?(?:\.?\d|\\?(?:d?frac|sqrt|pi)(?![A-Za-z])|[π√∞½⅓⅔¼¾]|{_NUMBER_WORDS}"
    r"|[B-HJ-Zb-hj-z](?=\s*(?:[=,.;:)\]$*]|$)))"
)
_LETTER = re.compile(r"[\s,]*[A-HJ-Z](?![\w'’.])")
VALUE = re.compile(_VALUE, re.IGNORECASE)
# Further words that bring another value or a doubt about the first.
_LEAD = re.compile(
    rf"(?:{BRINGS_MORE.pattern}(?!\.g\b)"
    r"|[\s,;:(\[–—-]*(?<!\w)(?:&|and/or|but|while|whereas|respectively|resp|alternatively|maybe|perhaps|possibly|sometimes"
    r"|followed by|together with|along with|later|afterwards|if not|unless|except)(?!\w))",
    re.IGNORECASE,
)
# The same value in other words, or what the answer is not: "or about 0.33", "but not 6", "also known as 3^3".
_SAID_AGAIN = re.compile(
    r"[\s,]*(?:equivalently|equal\w*|about|approx\w*|roughly|around|nearly|almost|simply|just|only"
    r"|in (?:other )?words|more precisely|exactly|precisely|written|known|called|expressed|denoted|i\.?e"
    r"|≈|~|=|not|never|no|nothing|none|neither|rather|instead)"
    r"(?!\w)",
    re.IGNORECASE,
)
# "and we are done": a clause of its own.
_NEW_CLAUSE = re.compile(
    r"[\s,]*(?:we|this|that|these|those|it|so|thus|hence|therefore|is|are|can|I|you|they|he|she|there|let|because|since|as"
    r"|our|its|their|by|in (?:total|all)|total|altogether|overall)(?!\w)",
    re.IGNORECASE,
)
_FINDS = re.compile(
    r"[\s,]*(?:we|I|you|this|that|it)(?: also| then)? (?:get|find|obtain|gives?|yields?)(?!\w)", re.IGNORECASE
)
_ONE_MORE = r"(?:another|(?:the )?(?:other|second|third|remaining))"
_OF_IT = r"(?!\w)(?: [\w-]+){0,3}?(?: (?:is|are|was|equals?|being|be|gives?|has|gets)|\s?[:=])?"
_OTHER_VALUE = re.compile(
    rf"(?<!\w)(?:also(?! (?:be )?(?:writ|known|called|express|see|check))|otherwise|else|{_ONE_MORE}){_OF_IT}"
    rf"\s*(?:{_VALUE}|one(?!\w))|另[^，。；、]{{0,6}}\d",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    rf"{_VALUE}[^.,;\n]{{0,40}}(?<!\w)(?:otherwise|elsewhere|also|too|as well)(?!\w)", re.IGNORECASE
)
_OTHER_ASIDE = re.compile(rf"\s*[(（\[]\s*(?:with )?{_ONE_MORE}{_OF_IT}\s*{_VALUE}", re.IGNORECASE)
_UNLESS = re.compile(rf"(?<!\w)or\s+{_VALUE}\S*\s+(?:if|when|otherwise)(?!\w)", re.IGNORECASE)
_REASON = re.compile(
    r"[\s,;(]*(?:because|since|as|due|given|using|based|after|where|that|i\.e|e\.g|which)(?!\w)", re.IGNORECASE
)
_ANOTHER = re.compile(r"(?:other|second|third|last|next)$", re.IGNORECASE)
_APART = re.compile(r"[,;]\s*(?:(?:and|but|while)\s+)?(?=(?:the )?(?:an)?other(?!\w))", re.IGNORECASE)
_ONE = re.compile(r"(?<!\w)(?:one|first)(?= (?:\w+ )?(?:is|has|are)(?!\w)| of )", re.IGNORECASE)
_CONDITIONS = "for|when|if|where|while|as|on|in|at|with|by|from|given|after|before|using|based on|under|without"
_CONDITION = re.compile(rf"[\s,;]*(?P<word>{_CONDITIONS})(?!\w)", re.IGNORECASE)
_CASES = frozenset(["for", "when", "if", "where", "while"])
_FOR_SOMEBODY = re.compile(r"(?<!\w)for [A-Z]\w")
_ELSE = re.compile(r"(?<!\w)(?:else|otherwise|elsewhere)(?!\w)", re.IGNORECASE)
_GETS = re.compile(rf"[,;]\s*(?:\w+ ){{1,3}}(?:gets?|has|have)\s+{_VALUE}", re.IGNORECASE)
_NEXT = re.compile(
    rf"(?:[,;]|(?<!\w)(?:and|or|but|while)(?!\w))\s*(?:and |or |but )?(?:(?P<value>{_VALUE})|(?P<word>{_CONDITIONS})(?!\w))",
    re.IGNORECASE,
)
_OF_SOMEBODY = re.compile(
    rf"[\s,]*[Ff]or [A-Z]\w+(?:,|;| and| while| but| whereas)\s*(?:and |while |but )?(?:{_VALUE}|[A-Z]\w+ (?:\w+ )?{_VALUE})"
)
_ASIDE = re.compile(r"\s*[(（\[][^()（）\[\]]*[)）\]]")
_CONDITIONAL_ASIDE = re.compile(
    rf"\s*[(（\[]\s*{_VALUE}[^()（）\[\]]{{0,20}}(?<!\w)(?:if|when|unless|including|counting)(?!\w)", re.IGNORECASE
)
_COMMA_VALUE = re.compile(rf"\s*[,;]\s*{_VALUE}", re.IGNORECASE)
# "1 in 4", "1 for every 4": one value with the number behind it.
_RATIO = re.compile(
    r"\s*(?:chances? )?(?:(?:in|of|out of|per|sur|von|aus|auf|de|en|em|su|di|из|на)(?: every| each)?|for (?:every|each))\s+"
    rf"{_MARKS}\d",
    re.IGNORECASE,
)
_ONE_IN = rf"(?:one|\d|{_NUMBER_WORDS})"
_RATIO_WITHIN = re.compile(
    rf"[\d$}})*]{_RATIO.pattern}|(?<!\w){_ONE_IN} (?:in|out of|of)(?: every)? {_ONE_IN}(?!\w)", re.IGNORECASE
)
_DECIMAL = re.compile(r"\d\.\d|\d\s?\\?%")
_EXACT = re.compile(r"\d/\d|\\[dt]?frac|\\sqrt|\\pi|[√π½⅓⅔¼¾]")
_NUMBER = re.compile(r"\d[\d.,]*(?<![.,])")
_WORDY_JOIN = re.compile(
    r"(?<=[\w)$}\]%*])(?:\s*,)?\s+(?:(?P<both>as well as|and also|and finally|and lastly)"
    rf"|or also|or else|or alternatively|and/or)\s*,?\s+(?={_MARKS}[-−]?\d)"
)
# Looked for first, for most texts have none of them.
_LONG_JOINS = ("as well", "also", "else", "finally", "lastly", "alternatively", "and/or")
_AMPERSAND = re.compile(r"(?<=[\w$*])\s*&\s*(?=[$*]{0,2}[-−]?\d)")
_JOINED_ASIDE = re.compile(
    r"(?<=[\w$}%*)])\s*[(（\[]\s*(?P<word>and|or)(?:\s+(?:also|else|alternatively))?,?\s+"
    r"(?P<value>-?\$?\d[\d.,/^]*%?(?:\s?[A-Za-z°]+)?|[A-Za-z]|\$[^$\n]{1,60}\$"
    rf"|{_NUMBER_WORDS})\s*[)）\]]"
)
_VALUES_ALONE = re.compile(r"(?:(?:and|or) )?(?:[A-Za-z] ?= ?)?[-+−$\\({\[]*\d[^A-Za-z\n]*(?:(?:and|or) [^A-Za-z\n]*)?")
_NUMBER_ALONE = re.compile(r"(?:[A-Za-z]\s?=\s?)?[-−]?\d[\d.,/]*")
_NUMBER_FOR = re.compile(rf"{_NUMBER_ALONE.pattern} (?:\w+ )?for (?:the )?\w+[.,;]?")
_UNMARKED = str.maketrans("", "", "*_$\\()[]")


def is_ratio(plain: str) -> bool:
    """Whether `1 in 4` stands in a text: no list, and no value that one of its numbers is."""
    return _RATIO_WITHIN.search(plain) is not None


def in_few_words(body: str) -> str:
    """`5 as well as 6` as `5 and 6`, and `5 (or 6)` as `5 or 6`."""
    if "(" in body or "[" in body or "（" in body:
        body = _JOINED_ASIDE.sub(lambda aside: f" {aside['word']} {aside['value']}", body, count=1)
    if "&" in body and "\\" not in body:
        body = _AMPERSAND.sub(" and ", body)
    if any(map(body.__contains__, _LONG_JOINS)):
        body = _WORDY_JOIN.sub(lambda join: " and " if join["both"] else " or ", body)
    return body


def brings_more(rest: str, first: str) -> bool:
    """Whether `rest`, what follows the value `first` in its sentence, has another value in plain words."""
    if _RATIO.match(rest) or _CONDITIONAL_ASIDE.match(rest) or _OTHER_ASIDE.match(rest):
        return True
    aside = None if _LEAD.match(rest) else _ASIDE.match(rest)
    if aside:
        rest = rest[aside.end() :]
    numbers = set(_NUMBER.findall(rest))
    if numbers and numbers <= set(_NUMBER.findall(first)):
        # "27, and the total is 27".
        return False
    if aside and _COMMA_VALUE.match(rest):
        return True
    if lead := _LEAD.match(rest):
        return _leads_to_value(lead.group(), rest[lead.end() :], first)
    return _is_of_cases(rest) or _names_other(rest)


def _leads_to_value(lead: str, tail: str, first: str) -> bool:
    if _SAID_AGAIN.match(tail) or (len(tail) < _LONGEST_VALUE and quick(first, tail.strip(" ,.)]")) == MATCH):
        return False
    if _NEW_CLAUSE.match(tail) and not _FINDS.match(tail) and not _ANOTHER.search(lead):
        return _OTHER_VALUE.search(tail) is not None
    return _LETTER.match(tail) is not None or VALUE.search(tail) is not None


def _names_other(rest: str) -> bool:
    """`; the other is 3`. A reason may have another value as well: `since one side is 9 and the other is 3`."""
    if _UNLESS.search(rest):
        return True
    if _REASON.match(rest):
        apart = _APART.search(rest)
        if apart is None or _ONE.search(rest, 0, apart.start()):
            return False
        return _OTHER_VALUE.match(rest, apart.end()) is not None
    return bool(_OTHER_VALUE.search(rest) or _OTHERWISE.search(rest))


def _is_of_cases(rest: str) -> bool:
    """`for x = 1, and 28 for x = 2`: each value has its case."""
    if _OF_SOMEBODY.match(rest) or _is_for_two(rest):
        return True
    condition = _CONDITION.match(rest)
    if condition is None:
        return False
    word = condition["word"].lower()
    if word in _CASES and _ELSE.search(rest, condition.end()):
        return True
    if word == "for" and _GETS.search(rest, condition.end()):
        return True
    following = list(_NEXT.finditer(rest, condition.end()))
    value = next((match for match in following if match["value"]), None)
    case = next((match for match in following if (match["word"] or "").lower() == word), None)
    words = "|".join(_CASES) if word in _CASES else word
    return bool(
        (value and re.search(rf"(?<!\w)(?:{words})(?!\w)", rest[value.end() :]))
        or (case and VALUE.search(rest, case.end()))
    )


def _is_for_two(rest: str) -> bool:
    """`which is for Tom, and 3 for Ann`."""
    somebody = _FOR_SOMEBODY.search(rest)
    following = _NEXT.finditer(rest, somebody.end()) if somebody else iter(())
    value = next((match for match in following if match["value"]), None)
    return value is not None and _FOR_SOMEBODY.search(rest, value.end()) is not None


def goes_on_below(line: str, following: str) -> bool:
    """Whether the line after one that states a value goes on with its list: `2,` and `3`; `2` and `the other is 3`."""
    if line.rstrip().endswith((",", ";", "，", "、")) and _VALUES_ALONE.fullmatch(following):
        return True
    return following[:1].islower() and brings_more(f" {following}", line)


def are_listed(line: str, following: str) -> bool:
    """Whether two lines are nothing but a number each, or a number for somebody: `2 for Tom`, `3 for Ann`."""
    lines = [one.translate(_UNMARKED).strip() for one in (line, following)]
    if all(map(_NUMBER_FOR.fullmatch, lines)):
        return True
    return not lines[0].endswith((".", ",")) and all(map(_NUMBER_ALONE.fullmatch, lines))


def may_round(one: str, other: str) -> bool:
    """Whether one of two alternatives may be the other, rounded: `1/3 or 0.33` is neither a list nor one value."""
    if bool(_DECIMAL.search(one)) == bool(_DECIMAL.search(other)) or not _EXACT.search(f"{one} {other}"):
        return False
    return quick(one, other) != MATCH
