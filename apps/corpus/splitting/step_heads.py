"""Finds where numbered steps begin: `Step 1:`, `## Step 1`, `**Step 1:**`, `1.`, `(1)`, also in other languages. Pure."""

from __future__ import annotations

import re

from apps.corpus.splitting.text_blocks import find_blocks

_ENGLISH = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_CJK = "[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341\u767e]{1,4}"
_NUMBER = rf"(?:\d{{1,3}}|{_CJK})"
# English, French, German, Spanish, Portuguese and Italian; Russian, Arabic, Hindi; Chinese, Japanese, Korean.
_WORD = (
    "step|\u00e9tape|etape|schritt|paso|passo|etapa|"
    "\u0448\u0430\u0433|"
    "\u0627\u0644\u062e\u0637\u0648\u0629|\u062e\u0637\u0648\u0629|"
    "\u091a\u0930\u0923|"
    "\u6b65\u9aa4|\u6b65\u9a5f|"
    "\u30b9\u30c6\u30c3\u30d7|\u624b\u9806|"
    "\ub2e8\uacc4|\uc2a4\ud15d"
)
# "First" to "tenth", as Arabic counts its steps.
_ARABIC = (
    "\u0627\u0644\u0623\u0648\u0644\u0649|\u0627\u0644\u062b\u0627\u0646\u064a\u0629|"
    "\u0627\u0644\u062b\u0627\u0644\u062b\u0629|\u0627\u0644\u0631\u0627\u0628\u0639\u0629|"
    "\u0627\u0644\u062e\u0627\u0645\u0633\u0629|\u0627\u0644\u0633\u0627\u062f\u0633\u0629|"
    "\u0627\u0644\u0633\u0627\u0628\u0639\u0629|\u0627\u0644\u062b\u0627\u0645\u0646\u0629|"
    "\u0627\u0644\u062a\u0627\u0633\u0639\u0629|\u0627\u0644\u0639\u0627\u0634\u0631\u0629"
)
# The number is before the word.
_NUMBER_FIRST = (
    rf"\u7b2c\s*{_NUMBER}\s*(?:\u6b65|\u30b9\u30c6\u30c3\u30d7|\u6bb5\u968e|\u6bb5)"
    r"|\uc81c?\s*\d{1,3}\s*\ub2e8\uacc4"
    r"|\d{1,3}[.\u00aa\u00ba]?\s*(?:schritt|\u00e9tape|paso|passo|etapa|\u0448\u0430\u0433)"
)
# A number in words before the word, as in "First step:", in the languages that write it in this way.
_ORDINAL_FIRST = (
    r"(?:first|second|third|fourth|fifth|sixth)[ \t]+step"
    r"|(?:premi\u00e8re|deuxi\u00e8me|seconde|troisi\u00e8me|quatri\u00e8me|cinqui\u00e8me)[ \t]+\u00e9tape"
    r"|(?:erst|zweit|dritt|viert|f\u00fcnft)er[ \t]+schritt"
    r"|(?:primer|segundo|tercer|cuarto|quinto)[ \t]+paso|(?:primeiro|segundo|terceiro|quarto|quinto)[ \t]+passo"
    r"|(?:\u043f\u0435\u0440\u0432\u044b\u0439|\u0432\u0442\u043e\u0440\u043e\u0439|\u0442\u0440\u0435\u0442\u0438\u0439"
    r"|\u0447\u0435\u0442\u0432\u0451\u0440\u0442\u044b\u0439|\u043f\u044f\u0442\u044b\u0439)[ \t]+\u0448\u0430\u0433"
)
_MARKUP = (
    r"[ \t]*(?:>[ \t]*)?(?:[-*+\u2022][ \t]+)?(?P<heading>\#{1,6}[ \t]*)?"
    r"(?:\\(?:textbf|textit|emph|underline|paragraph|(?:sub){0,2}section)\*?\{|\*{1,3}|_{1,3}|<(?:b|strong|h[1-6])>)?[ \t]*"
)
_BEHIND = (
    r"(?:[ \t]*(?:/|of|von|de|sur|\u0438\u0437)[ \t]*\d{1,3})?[ \t]*[)\uff09]?(?:\*{1,3}|_{2,3}|\}|</\w{1,6}>)?[ \t]*"
    r"(?:[:\uff1a)\uff09\]\u3011\u3001\uff0c\u060c\u3002\u0964]|\.(?!\d)|[-\u2013\u2014\u2212](?!\d)|$|(?<=[*}_>)\uff09]))"
)
_SIGN = r"(?:\#|no\.?|n[\u00ba\u00b0]\.?|\u2116|\u0631\u0642\u0645)"
_HEAD = re.compile(
    rf"^{_MARKUP}[(\uff08\[\u3010]?(?:(?:{_WORD})[ \t]*{_SIGN}?[ \t]*[-(\uff08]?(?:{_NUMBER}|(?:{_ENGLISH}|{_ARABIC})\b)"
    rf"|{_NUMBER_FIRST}|{_ORDINAL_FIRST})"
    rf"(?(heading)(?!\d)|{_BEHIND})",
    re.IGNORECASE | re.MULTILINE,
)
_ITEM = re.compile(
    rf"^(?P<indent>{_MARKUP})(?P<open>[(\uff08]?)(?P<number>\d{{1,3}})(?P<close>[.):\uff0e\u3001\uff09\uff1a])"
    r"(?:(?<=[\u3001\uff09])|(?=\s|\*\*|__|[^\d\s.,)]))",
    re.MULTILINE,
)


def find_step_heads(text: str) -> list[int]:
    """Where each step begins. Where the text names its steps, the items of lists within them are not steps."""
    blocks = find_blocks(text)
    named = [head.start() for head in _HEAD.finditer(text) if not blocks.hold(head.start(), head.start())]
    items = [item for item in _ITEM.finditer(text) if not blocks.hold(item.start(), item.start())]
    return named or list_heads(items)


def list_heads(items: list[re.Match[str]]) -> list[int]:
    """Where the items of one list begin: written like the first, each number one higher. One item is not a list."""
    if not items:
        return []
    style = _style(items[0])
    heads = [items[0]]
    for item in items[1:]:
        if _style(item) == style and int(item["number"]) == int(heads[-1]["number"]) + 1:
            heads.append(item)
    return [head.start() for head in heads] if len(heads) > 1 else []


def _style(item: re.Match[str]) -> tuple[str, str, str]:
    return item["indent"], item["open"], item["close"]
