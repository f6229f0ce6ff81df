r"""Finds sentences that deny an answer: `That isn't right`, `This can't be it`, `27 is off by one`, `Das stimmt nicht`.

The sentence must deny the answer, and deny it as an answer: `27 isn't a multiple of 2` and `it can't be negative` are
mathematics, `that's too many for one box` continues the story, `let me know if that isn't right` is hypothetical, and
`Option A says 2 is odd; this isn't right` is about something else. A pronoun therefore refers to the answer only in the
sentence directly after it, the denial must end its clause, and a sentence about another option denies nothing.
"""

from __future__ import annotations

import re

_NT = r"n['’ʼ`´]?t"
_NUMBER = (
    r"(?<![\w.,^/*+=×-])(?:\*\*|[$\\(]{1,2})?-?(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?:\*\*|[$\\)]{1,2})?(?![\w^/*+=×])"
)
_NOUN = "(?:answer|result|value|total|sum|number|figure|count|solution|calculation|computation|reasoning|conclusion)"
_NAMED = (
    rf"(?:(?<![\w-])(?:(?:the|my|our) (?:(?:last|previous|final|above|whole) )?{_NOUN}(?: above)?|above)|{_NUMBER})"
)
_POINTED_AT = rf"(?<![\w-])(?:(?:that|this)(?: {_NOUN})?|it|which)"
_ASIDE = r"(?:, (?:however|though|unfortunately|of course|again),)?"
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
_END = r"(?=[ \t*_)$]*(?:[.,;:!…—–\n]|-(?!\w)|$| (?:because|since|as|so|and|but|to me)\b))"
_AS_AN_ANSWER = (
    rf"(?:(?:right|correct|accurate|matching|it|quite|exactly|quite there|the case){_END}"
    rf"|(?:right |correct )?answer(?={_END}| to | we | I | that | they )"
    r"|what (?:\w+ ){1,4}(?:ask|want|need|look|seek)\w*"
    r"|[$\\(]{0,2}-?(?P<denied>\d+(?:,\d{3})*(?:\.\d+)?)(?![\w^/*+=×%]|[.,]\d))"
)
_WRONG = rf"(?:wrong|incorrect|mistaken|erroneous|inaccurate|mistake|error|typo|slip){_END}"
_DENYING_WORDS = rf"(?:{_SEEMS}{_LITTLE} {_WRONG}|{_IS_NOT}{_LITTLE} {_AS_AN_ANSWER})"
_NAMED_DENIED = re.compile(rf"{_NAMED}{_ASIDE}{_DENYING_WORDS}", re.IGNORECASE)
_POINTED_DENIED = re.compile(
    rf"{_POINTED_AT}{_ASIDE}{_DENYING_WORDS}"
    rf"|\b(?:I|we)(?: really| also| now)? (?:(?:do{_NT}|do not|ca{_NT}|cannot)(?: really| quite)? (?:think|believe|see how)"
    rf"|doubt)(?: that)? (?:{_POINTED_AT}|{_NAMED})(?:['’]s| is| was| can be| could be){_LITTLE}"
    rf" (?:right|correct|it|true|accurate){_END}",
    re.IGNORECASE,
)
# These phrases may also describe what the answer counts: they deny it only as the whole of the next sentence.
_MISFIT = re.compile(
    r"[*_(（$]{0,3}(?:(?:but|and|so|yet|well|hmm+|oh|ok|okay|however|though|unfortunately|clearly|obviously),? ){0,2}"
    rf"(?:(?:(?!which){_POINTED_AT}|{_NAMED}){_ASIDE}"
    rf"(?:{_SEEMS}{_LITTLE} (?:(?:off|too (?:high|low|big|large|small|much|many|few)|(?:high|low|many|few))(?: by [\w-]+)?"
    rf"|impossible|nonsense|absurd|unreasonable|invalid){_END}"
    rf"|{_IS_NOT}{_LITTLE} (?:true|possible|plausible|reasonable|valid){_END}"
    rf"| (?:(?:ca|could){_NT}|can ?not|could not)(?: possibly| really)?(?: be(?: so)?)?{_END}"
    rf"| (?:do(?:es)?|did)(?:{_NT}| not)(?: really| quite| even)? (?:work(?: out)?|add up|make (?:any |much )?sense"
    rf"|check out|fit|match){_END})"
    rf"|(?:looks|seems|sounds|feels)(?: \w+ly| a bit)? (?:wrong|off|incorrect){_END}"
    rf"|not (?:quite|exactly|right|correct|so fast){_END}"
    r"|(?:nope|wrong|incorrect)[!:,.]+ (?:it(?:['’]s| is) )?[$\\(*]{0,3}-?\d)",
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
# A mention of an option: "A)", "(B)", "A is wrong", "Option C"; not the article.
_OPTION = re.compile(
    r"(?<![\w'’\\])(?:[B-HJ](?![\w'’])|A(?=[).:：,，、;*_]|[ \t]*[–—-] "
    r"| (?:is|was|says|states|does|has|gives|can|could|would|and|or)(?!\w)))"
    r"|选项|選項|\b(?:[Oo]ption|[Cc]hoice|[Ss]tatement)s?\b"
)
_LOOK_BACK = 120
_LONGEST_LINE = 2000
_SIGNS = (
    *("not", "n't", "n’t", "nʼt", "n`t", "n´t", "nt ", "hardly", "far from", "nowhere near", "anything but", "doubt"),
    *("wrong", "incorrect", "mistake", "erroneous", "inaccurate", "error", "typo", "slip"),
    *(" off", " too ", "nope", "impossible", "nonsense", "absurd", "unreasonable", "invalid", " by "),
    *("pas ", "c'est", "nicht", "falsch", "eso ", "esto ", "respuesta", "isso ", "isto ", "resposta"),
    *("questo ", "quello ", "risposta"),
)
_SENTENCE_END = re.compile(r"[.!?](?=[\s*_)\]}$]|$)|[\n。！？]")


def denial_of(text: str, start: int, end: int, stated: str | None) -> int | None:
    """Where `text`, between `start` and `end`, denies the answer before it; None where it does not.

    `stated` is that answer's number, or None if it has none.
    """
    lowered = text[start:end].lower()
    if lowered.isascii() and not any(map(lowered.__contains__, _SIGNS)):
        # Most texts contain none of the signs.
        return None
    sentence_start = _sentence_end(text, start, end)
    next_start = end - len(text[sentence_start:end].lstrip(" \t\r\n*_)]}$."))
    next_end = _sentence_end(text, next_start, end)
    denials = [
        *_NAMED_DENIED.finditer(text, start, end),
        *_POINTED_DENIED.finditer(text, start, next_end),
        *_ELSEWHERE.finditer(text, start, next_end),
    ]
    if misfit := _MISFIT.match(text, next_start, end):
        denials.append(misfit)
    places: list[int] = []
    for denial in denials:
        # A number that the denial names must be the stated one.
        numbers = [denial.groupdict().get(name) for name in ("number", "denied")]
        if any(number is not None and number.replace(",", "") != stated for number in numbers):
            continue
        place = denial.start()
        line_start = max(sentence_start, text.rfind("\n", 0, place) + 1, place - _LONGEST_LINE)
        is_supposed = _SUPPOSED.search(text, max(sentence_start, place - _LOOK_BACK), place) is not None
        if not (is_supposed or _OPTION.search(text, line_start, place)):
            places.append(place)
    return min(places, default=None)


def _sentence_end(text: str, start: int, end: int) -> int:
    stop = _SENTENCE_END.search(text, start, end)
    return stop.end() if stop else end
