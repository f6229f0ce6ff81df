r"""Finds phrases with which a text retracts the answer that it has just stated.

Some retract it whatever follows (`Wait`, `Actually`, `其实`), and so do sentences that deny it (`that can't be right`, see
`denials`). Phrases that announce a second look (`Let me double-check`, `the correct total is`) retract it unless the
text after them ends in the same value or confirms it.
"""

from __future__ import annotations

import re

from apps.verifiers.extraction.denials import denial_of

# Directly after the end of a sentence or line, after an ellipsis, or after a dash.
_OPENING = r"(?:^|[.!?\n—–。！？，…]\s{0,4}|\s-+\s{0,4})[*_(（]{0,3}"
_INTERJECTIONS = (
    r"wait\b|hold on\b|scratch that|correction\b|oops\b|whoops\b|sorry\b|apologies\b|(?:i )?apologi[sz]e\b|my (?:bad|mistake)\b"
    r"|actually\b|(?:on|upon) (?:second thoughts?|(?:closer|further|re-?) ?(?:inspection|examination|reflection|thought))\b"
    r"|never ?mind\b|hmm+\b|no(?=[,.!:;—–-])|(?:or )?rather,"
    r"|attend(?:s|ez)\b|en fait\b|pardon\b|désolée?\b|non,|warte\b|moment(?: mal)?[,.!:]|eigentlich\b|tatsächlich\b|korrektur\b"
    r"|entschuldigung\b|nein,|esper[ae]n?\b|en realidad\b|perdón\b|corrección\b|lo siento\b|na verdade\b|desculpe?\b|correção\b"
    r"|não,|aspetta\w*|in realtà\b|scus(?:a|ate|i)\b|correzione\b|подожди\w*|погоди\w*|стоп\b|на самом деле|извини\w*"
    r"|исправ\w*|нет,|其实|其實|实际上|實際上|更正|抱歉|对不起|對不起|慢着|いや|実は|訂正|すみません"
    r"|아니|사실|정정|죄송|انتظر|في الواقع|عذر|تصحيح|रुक|दरअसल|वास्तव में|माफ"
)
_ADMISSIONS = (
    r"\bI(?:['’]ve)? (?:have |had |just |may |might |must )*(?:made?|see|noticed?|found|spot(?:ted)?) (?:a|an|my|the)"
    r" (?:\w+ )?(?:mistake|error|slip)"
    r"|\bthere (?:is|was) (?:a|an) (?:\w+ )?(?:mistake|error)\b"
    r"|\bI(?:['’]ve)? (?:have |had |just )*(?:forgot(?:ten)?|mis(?:calculated|counted|read|spoke|took)|overlooked"
    r"|was (?:wrong|mistaken))\b"
    r"|\blet(?: me|['’]?s| us) (?:correct|fix|revise|redo|reconsider|rethink|try|start)\b"
    r"|trompée?\b|verrechnet|vertan\b|geirrt|equivoqu|me enganei|sbagliat|ошиб"
    r"|等等|等一下|不对|不對|错了|錯了|算错|算錯|待って|間違|잠깐|틀렸|실수|خطأ|أخطأ|ग़?लती"
)
_RETRACTION = re.compile(
    rf"{_OPENING}(?:(?:oh|ah|hmm+|but|no|oops|so|well|okay|ok|sorry|and),?\s+)?(?:{_INTERJECTIONS})|{_ADMISSIONS}"
    # "28, no, 27" and "28 (actually 27)".
    r"|[,(]\s?(?:or |but |oh,? )?(?:sorry|wait|no|actually|oops|correction|rather|I mean)\b[,:]?\s+(?:it(?:['’]s| is)\s+)?"
    r"[$\\(*]{0,3}-?\d",
    re.IGNORECASE,
)
_SECOND_LOOK = re.compile(
    r"\b(?:let(?: me|['’]?s| us)|I(?:['’]ll| will| should| need to| want to))"
    r" (?:just |quickly |now |also )?(?:re-?check|double[- ]?check|check|re-?verify|verify|re-?calculate|re-?compute|re-?count"
    r"|re-?examine|re-?evaluate|re-?read|review|count again|think again|look (?:at \w+ )?again|go over)\b"
    r"|\b(?:re|double)-?[ ]?checking\b"
    r"|\bthe (?:correct|right|real|actual|true|revised|corrected|updated) (?:answer|value|total|result|number|sum|count|amount"
    r"|solution)\b"
    r"|\bit should (?:actually |really )?(?:be|have been)\b(?=[ $\\(*]*[\d-])"
    r"|再检查|再檢查|重新(?:计算|計算|检查|檢查)|检查一下|檢查一下|验算|驗算|確認し|検算|다시|vérifions|überprüfe|verifiquemos|verifichiamo|проверим",
    re.IGNORECASE,
)
_CONFIRMING = re.compile(
    r"(?:\b(?:is|are|was|be|indeed|answer)|['’]s) (?:indeed |also |now |all |both )?(?:correct|right|valid|true|consistent"
    r"|confirmed|verified)\b|(?<!not )(?<!n['’]t )\b(?:checks? out|works?|confirms?|confirmed|match(?:es)?|verified|verifies"
    r"|as expected|holds?|satisf\w+|agrees?)\b|[✓✔✅]|(?:^|[.!?:\n]\s?)(?:correct|right|yes)[.!,]"
    r"|正确|正確|没错|成立|正しい|맞",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def retraction_of(text: str, start: int, end: int, answer: str) -> int | None:
    """Where `text`, between `start` and `end`, retracts the `answer` stated before; None where it does not."""
    start = min(start, end)
    retraction = _RETRACTION.search(text, start, end)
    denial = denial_of(text, start, retraction.start() if retraction else end, _last_number(answer))
    place = denial if denial is not None else retraction.start() if retraction else None
    second_look = _SECOND_LOOK.search(text, start, end if place is None else place)
    if second_look is not None:
        rest = text[second_look.end() : end]
        stated = _last_number(answer)
        # A second look that ends without a number finds nothing different.
        repeats_answer = (
            answer.casefold() in rest.casefold() if stated is None else _last_number(rest) in (None, stated)
        )
        if not repeats_answer and not _CONFIRMING.search(rest):
            return second_look.start()
    return place


def _last_number(text: str) -> str | None:
    numbers = _NUMBER.findall(text)
    return numbers[-1].replace(",", "") if numbers else None
