r"""Sentences that deny an answer: `That isn't right`, `This can't be it`, `27 is off by one`, `Das stimmt nicht`.

What is denied has to be the answer, and denied as an answer: `27 isn't a multiple of 2` and `it can't be negative` are
mathematics, `let me know if that isn't right` supposes, and `some say 28, but that isn't right` is about somebody else's.
"""

from __future__ import annotations

import re
from itertools import chain

_NT = r"n['’ʼ`´]?t"
_NUMBER = (
    r"(?<![\w.,^/*+=×-])(?:\*\*|[$\\(]{1,2})?-?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?:\*\*|[$\\)]{1,2})?(?![\w^/*+=×])"
)
_POINTED_AT = (
    r"(?<![\w-])(?:that|this|it|which|above|(?:(?:the|my|our|this|that) )?answer"
    r"|(?:the|my|our|this|that) (?:(?:last|previous|final|above|whole) )?"
    r"(?:result|value|total|sum|number|figure|count|solution|calculation|computation|reasoning|conclusion))"
)
_SUBJECT = rf"(?:{_POINTED_AT}|{_NUMBER})(?:, (?:however|though|unfortunately|of course|again),)?"
_LITTLE = (
    r"(?: (?:(?!hardly|scarcely)\w+ly|quite|just|still|even|at all|so|very|much|a bit|a little|way|far|close to|also|indeed"
    r"|the|my|an?|one|two|three)){0,3}"
)
_SEEMS = r"(?:['’]s| is| was| seems| looks| sounds| appears| feels)(?: to be)?"
_IS_NOT = (
    rf"(?:{_SEEMS}{_LITTLE} (?:not|hardly|far from|nowhere near|anything but)"
    rf"| (?:is|was){_NT}"
    rf"| (?:(?:ca|could|would|wo){_NT}|can ?not|could not|would not)(?: possibly| really)? (?:be|have been)"
    rf"| (?:do(?:es)?|did)(?:{_NT}| not)(?: really| quite| exactly)? (?:seem|look|sound|appear|feel)(?: to be)?)"
)
_END = r"(?=[ \t*_)$]*(?:[.,;:!…—–\n]|-|$))"
_AS_AN_ANSWER = (
    rf"(?:right\b(?![ -]?(?:angle|triang|prism|pyramid|cone|cylinder|circular|next|before|after|away|now))(?! to (?!me|us))"
    r"|correct\b(?! to (?!me|us))|accurate\b"
    rf"|(?:it|quite|exactly|quite there|the case){_END}|answer(?={_END}| to | we | I | that | they )"
    r"|what (?:\w+ ){1,4}(?:ask|want|need|look|seek)\w*"
    r"|[$\\(]{0,2}-?(?P<denied>\d+(?:,\d{3})*(?:\.\d+)?)(?![\w^/*+=×%]|[.,]\d))"
)
_WRONG = r"(?:wrong|incorrect|mistaken|erroneous|inaccurate|mistake|error|typo|slip)\b(?! to\b)"
_DENIED = re.compile(rf"{_SUBJECT}(?:{_SEEMS}{_LITTLE} {_WRONG}|{_IS_NOT}{_LITTLE} {_AS_AN_ANSWER})", re.IGNORECASE)
# These also speak of cases and conditions: they deny an answer as a sentence of their own, and with no other number before.
_CLAUSE = (
    r"(?:^|[.!?:;\n—–。！？…)]\s{0,4}|\s-+\s{0,4})[*_(（$]{0,3}"
    r"(?:(?:but|and|so|yet|well|hmm+|oh|ok|okay|however|though|unfortunately|clearly|obviously),? ){0,2}"
)
_UNFIT = (
    rf"(?:{_SEEMS}{_LITTLE} (?:off\b(?!-)|too (?:high|low|big|large|small|much|many|few|great|little|long|short)\b"
    r"|(?:many|much|few) too \w+|(?:high|low|many|few)(?= by )"
    rf"|(?:impossible|nonsense|absurd|unreasonable|invalid|unlikely){_END})"
    rf"|{_IS_NOT}{_LITTLE} (?:true|possible|plausible|reasonable|valid|enough|sensible){_END}"
    rf"| (?:(?:ca|could){_NT}|can ?not|could not)(?: possibly| really)?(?: be(?: so)?)?{_END}"
    rf"| (?:(?:do(?:es)?|did|will|would|ca|could|wo){_NT}|(?:do(?:es)?|did|will|would|can|could) ?not)(?: really| quite| even)?"
    rf" (?:work(?: out)?(?! (?:for|if|when|with|in|on)\b)|add up|make (?:any |much )?sense|check out|fit\b|match\b|balance\b))"
)
_MISFIT = re.compile(
    rf"{_CLAUSE}(?:(?!which){_SUBJECT}{_UNFIT}|(?:looks|seems|sounds|feels)(?: \w+ly| a bit)? (?:wrong|off|incorrect)\b"
    rf"|does(?:{_NT}| not) (?:quite )?(?:look|seem|sound|feel) (?:right|correct)\b"
    rf"|not (?:quite|exactly|right|correct|so fast){_END}|nope\b|(?:wrong|incorrect)(?=[!:,]))",
    re.IGNORECASE,
)
_DISBELIEVED = re.compile(
    rf"\b(?:I|we)(?: really| also| now)? (?:(?:do{_NT}|do not|ca{_NT}|cannot)(?: really| quite)? (?:think|believe|feel|see how)"
    rf"|doubt)(?: that)? {_SUBJECT}(?:['’]s| is| was| can be| could be){_LITTLE}"
    rf" (?:right|correct|it{_END}|true|accurate|answer)",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(
    r"(?:\bce|\bcela|\bça|\bceci|\bc['’]) ?(?:n['’] ?(?:est|était)|ne (?:peut|semble)) pas"
    r" (?:être )?(?:correct|juste|exact|bon|ça|possible)"
    r"|\bc['’]est (?:faux|inexact|incorrect|une erreur)"
    r"|\bstimmt (?:aber |so |doch |leider )?nicht\b|\b(?:das|dies|es) kann (?:so |aber |doch )?nicht (?:stimmen|sein|richtig)"
    r"|\b(?:das|dies|die antwort) (?:ist|war) (?:so |aber |doch |leider )?(?:falsch|nicht (?:ganz )?(?:richtig|korrekt))"
    r"|\b(?:eso|esto|la respuesta) (?:no (?:es|era|está|puede ser|parece) (?:correct[oa]|ciert[oa]|bien|así|posible)|está mal"
    r"|es incorrect[oa]|es un error)"
    r"|\b(?:isso|isto|a resposta) (?:não (?:está|é|pode (?:estar|ser)|parece) (?:cert[oa]|corret[oa]|possível)|está errad[oa])"
    r"|\b(?:questo|ciò|quello|la risposta) (?:non (?:è|può essere|sembra) (?:corrett[oa]|giust[oa]|esatt[oa]|possibile)"
    r"|è errat[oa])"
    r"|(?<!\w)(?:это|так|ответ) (?:неверн|неправильн|не (?:так|верно|правильно|может быть))"
    r"|(?:这|這|那|此|答案|结果|結果)(?:个|個)?(?:答案|结果|結果)?(?:好像|似乎|显然|顯然|看起来|应该)?(?:是)?"
    r"(?:不正确|不正確|有误|有誤|错|錯|不合理|不可能)"
    r"|正しくない|正しくありません|(?:これ|それ)は(?:違|おかしい)|맞지 않|옳지 않"
    r"|(?:هذا|ذلك) (?:غير صحيح|ليس صحيح)|(?:यह|ये|वह) सही नहीं",
    re.IGNORECASE,
)
_SUPPOSED = re.compile(
    r"\b(?:if|whether|unless|in case)\b[^.!?:;,\n—–]*$"
    r"|\b(?:some|someone|people|students|others|tempting|tempted|common)\b[^.!?\n]*$",
    re.IGNORECASE,
)
_LOOK_BACK = 120
_NEGATIONS = (
    "not",
    "n't",
    "n’t",
    "nʼt",
    "n`t",
    "n´t",
    "nt ",
    "hardly",
    "far from",
    "nowhere near",
    "anything but",
    "doubt",
)
_FAULTS = ("wrong", "incorrect", "mistake", "erroneous", "inaccurate", "error", "typo", "slip")
_FAILINGS = (
    *(" off", " too ", "nope", "impossible", "nonsense", "absurd", "unreasonable", "invalid", "unlikely"),
    *("high by ", "low by ", "many by ", "few by "),
)
_FOREIGN = (
    *("pas ", "c'est", "nicht", "falsch", "eso ", "esto ", "respuesta", "isso ", "isto ", "resposta"),
    *("questo ", "quello ", "risposta"),
)
_SENTENCE_END = re.compile(r"[.!?:](?=\s|$)|[\n。！？]")
_DIGITS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def denial_of(text: str, start: int, end: int, stated: str | None) -> int | None:
    """Where `text`, between the two places, denies the answer `stated` before: a number, or None for any other."""
    patterns = _possible(text[start:end].lower())
    denied = chain.from_iterable(pattern.finditer(text, start, end) for pattern in patterns if pattern is not _MISFIT)
    places = [match.start() for match in denied if _is_about(match, stated) and not _is_supposed(text, start, match)]
    if _MISFIT in patterns:
        misfit = next((match for match in _MISFIT.finditer(text, start, end) if _is_about(match, stated)), None)
        if misfit and not _holds_another(text[start : misfit.start()], stated):
            places.append(misfit.start())
    return min(places, default=None)


def _possible(lowered: str) -> list[re.Pattern[str]]:
    """Those patterns of which a text holds a sign that they cannot do without: most texts hold none."""
    is_foreign = not lowered.isascii() or any(map(lowered.__contains__, _FOREIGN))
    patterns = [_ELSEWHERE] if is_foreign else []
    if any(map(lowered.__contains__, _NEGATIONS)):
        return [*patterns, _DENIED, _DISBELIEVED, _MISFIT]
    if any(map(lowered.__contains__, _FAULTS)):
        return [*patterns, _DENIED, _MISFIT]
    return [*patterns, _MISFIT] if any(map(lowered.__contains__, _FAILINGS)) else patterns


def _is_about(match: re.Match[str], stated: str | None) -> bool:
    """A number that is named must be the one that was stated."""
    named = [match.groupdict().get(name) for name in ("number", "denied")]
    return all(number is None or number.replace(",", "") == stated for number in named)


def _is_supposed(text: str, start: int, match: re.Match[str]) -> bool:
    return _SUPPOSED.search(text, max(start, match.start() - _LOOK_BACK), match.start()) is not None


def _holds_another(between: str, stated: str | None) -> bool:
    """Whether another number stands between the sentence of the answer and the denial, which may be about that one."""
    sentence_end = _SENTENCE_END.search(between)
    numbers = _DIGITS.findall(between, sentence_end.end()) if sentence_end else []
    return any(number.replace(",", "") != stated for number in numbers)
