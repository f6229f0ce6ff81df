r"""Finds the phrases that announce a final answer, in the languages in which solutions are written.

A lead is the phrase before the answer: `The answer is`, `答案是`, `La réponse est`. A phrase about another person's
answer, a wrong answer or a hypothetical one is not a lead. Without a known lead no answer is extracted; it is never
guessed from the last number in the text.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

SPACE = "[ \t\u00a0\u202f\u3000]"
_COLON = f"{SPACE}*[:：=＝]"


@dataclass(frozen=True, slots=True)
class Lead:
    """Where an announcement starts, and where it ends and its answer begins.

    `is_explicit`: it ends in a colon, so that the answer may be words as well as a number.
    """

    start: int
    end: int
    is_explicit: bool
    is_english: bool = False
    has_decimal_commas: bool = False


@dataclass(frozen=True, slots=True)
class _Language:
    stems: tuple[str, ...]
    pattern: re.Pattern[str]
    is_english: bool = False
    has_decimal_commas: bool = False


def _european(stems: str, nouns: str, adjectives: str, gap: str, verbs: str) -> _Language:
    """`La réponse finale à la question est`, or with a colon."""
    adjective = f"(?:{SPACE}+(?:{adjectives}))*" if adjectives else ""
    verb_with_colon = rf"{SPACE}*[,—–]?{SPACE}*(?:{verbs})(?!\w){SPACE}*(?P<colon>[:：]?)"
    pattern = rf"(?<!\w)(?:{nouns}){adjective}(?:{SPACE}+{gap})?\)?[*_]{{0,3}}(?:{verb_with_colon}|(?P<only>{_COLON}))"
    return _Language(tuple(stems.split()), re.compile(pattern, re.IGNORECASE), has_decimal_commas=True)


_ENGLISH = re.compile(
    rf"(?<!\w)(?:answers?|(?:(?<=correct )|(?<=right ))(?:option|choice)|ans(?=\.?{_COLON}))\.?"
    rf"(?:{SPACE}+(?:choice|option|value))?"
    rf"(?:{SPACE}+(?:to|of|for){SPACE}+(?:the|this|our|your){SPACE}+(?:\w+{SPACE}+){{0,2}}(?:problem|question"
    rf"|exercise|puzzle|task))?"
    rf"\)?[*_]{{0,3}}(?:{SPACE}*,?{SPACE}+(?:therefore|thus|hence|then|so|also),?)?"
    rf"(?:{SPACE}+(?:is|are|was|will{SPACE}+be|would{SPACE}+be|should{SPACE}+be|must{SPACE}+be"
    rf"|has{SPACE}+to{SPACE}+be|equals|becomes"
    rf"|comes{SPACE}+(?:out{SPACE}+)?to(?:{SPACE}+be)?|(?:turns|works){SPACE}+out{SPACE}+(?:to{SPACE}+be"
    rf"|as))(?!\w){SPACE}*(?P<colon>[:：]?)"
    rf"|(?P<only>{_COLON}))",
    re.IGNORECASE,
)
# The beginnings of the English pattern; "ans" also begins "answer".
_ENGLISH_STEMS = ("ans", "option", "choice")
_LANGUAGES = (
    _Language(("answer", "option", "choice", "ans"), _ENGLISH, is_english=True),
    _european(
        "réponse reponse",
        "réponses?|reponses?",
        "finales?|correctes?|exactes?|justes?|est",
        "(?:à|au|de)[ \t]+(?:la|cette|ce|l['’])?[ \t]?(?:question|problème|exercice)",
        "est|sont|vaut|serait|devient",
    ),
    _european(
        "antwort lösung endergebnis",
        "antwort(?:en)?|lösung(?=[ \t]+lautet)|endergebnis",
        "",
        "(?:auf|zu)[ \t]+(?:die|der|diese)[ \t]+(?:frage|aufgabe)",
        "ist|sind|lautet|lauten|beträgt|wäre",
    ),
    _european(
        "respuesta",
        "respuestas?",
        "finale?s?|correctas?|exactas?",
        "(?:a|al|de)[ \t]+(?:la|este|esta)?[ \t]?(?:pregunta|problema|ejercicio)",
        "es|son|será|sería|vale",
    ),
    _european(
        "resposta",
        "respostas?",
        "fina(?:l|is)|corretas?|exatas?",
        "(?:à|ao|da|do)[ \t]+(?:esta|este)?[ \t]?(?:pergunta|questão|problema)",
        "é|são|será|seria|vale",
    ),
    _european(
        "rispost",
        "rispost[ae]",
        "final[ei]|corrett[ae]|esatt[ae]|giust[ae]",
        "(?:alla|al|a)[ \t]+(?:questa|questo)?[ \t]?(?:domanda|problema)",
        "è|e['’]|sono|sarà|sarebbe|vale",
    ),
    _european(
        "ответ",
        "ответы?",
        "",
        "(?:на|к)[ \t]+(?:этот[ \t]+|данный[ \t]+)?(?:вопрос|задач[уе])",
        "это|равен|равны|является|будет|составляет|[—–](?=[ \t])",
    ),
    _Language(
        ("答案", "答", "选", "選"),
        re.compile(
            rf"(?:答案[】\]）)]?{SPACE}*[*_]{{0,3}}{SPACE}*(?:应该|應該|应|應|即|就|便)?(?:(?:是|为|為|等于|等於|选"
            rf"|選){SPACE}*(?P<colon>[:：]?)|(?P<only>[:：=＝】]))"
            rf"|^{SPACE}*答{SPACE}*(?P<line>[:：])"
            rf"|故{SPACE}*(?:本题)?(?:应)?[选選]{SPACE}*(?P<pick>[:：]?))[*_]{{0,3}}",
            re.MULTILINE,
        ),
    ),
    _Language(
        ("答", "解"),
        re.compile(
            rf"(?:答え|答|解答|正解|回答)[】\]）)]?{SPACE}*[*_]{{0,3}}{SPACE}*(?:は{SPACE}*、?{SPACE}*(?P<colon>[:：]?)|(?<=】)|(?P<only>[:：=＝]))"
        ),
    ),
    _Language(
        ("답",),
        re.compile(
            rf"(?<![가-힣])(?:최종{SPACE}*)?(?:정답|해답|답안|답){SPACE}*[*_]{{0,3}}(?:(?:은|는"
            rf"|이)(?![가-힣]){SPACE}*(?P<colon>[:：]?)|{SPACE}*(?P<only>[:：=＝]))"
        ),
    ),
    _Language(
        ("جواب", "جابة"),
        re.compile(
            rf"(?:ال)?(?:جواب|إجابة|اجابة)(?:{SPACE}+(?:النهائي|النهائية|الصحيح|الصحيحة))*{SPACE}*[*_]{{0,3}}"
            rf"(?:{SPACE}*(?:هو|هي|يساوي|تساوي)(?!\w){SPACE}*(?P<colon>[:：]?)|(?P<only>{_COLON}))"
        ),
    ),
    _Language(
        ("उत्तर", "जवाब"),
        re.compile(
            rf"(?:उत्तर|जवाब){SPACE}*[*_]{{0,3}}(?:{SPACE}*(?:है|हैं|होगा|=)?{SPACE}*(?P<only>[:：])|{SPACE}+(?:(?:है"
            rf"|हैं|होगा){SPACE}*)?)(?P<colon>)"
        ),
    ),
)

# English words that may directly precede "answer"; after any other word the answer is another person's or another one.
_OWN_WORDS = (
    "the our my your final correct right required requested desired exact numeric numerical simplified overall "
    "complete actual full short so thus hence therefore then is and that this as means gives be get model"
)
_OWN = frozenset(_OWN_WORDS.split())
# A clause with one of these words supposes, denies or reports an answer.
_UNSURE_WORDS = (
    "if suppose supposing assume assuming whether unless imagine why how thought guess guessed claim claims claimed "
    "said says not never wrong incorrect perhaps maybe possibly until else otherwise cannot doubt si mauvaise fausse "
    "autre pas wenn falls ob falsche falschen andere nicht incorrecta otra no se errada "
    "outra não sbagliata altra non если неверный неправильный другой не अगर यदि गलत إذا لو"
)
_UNSURE = frozenset(_UNSURE_WORDS.split())
_UNSURE_SIGNS = ("错", "錯", "誤", "若", "如果", "假设", "假設", "不是", "他的", "她的", "もし", "만약", "틀린", "잘못")
# Only a negation of the answer itself: "we don't count the ends, and the answer is" announces it.
_NEGATED = re.compile(
    r"n['’ʼ`´]t (?:\w+ )?(?:think|believe|say|claim|mean|imply|follow|be|true|right|correct|the case|sure|certain)"
    r"(?: (?:true|right|correct|the case|possible))?(?: (?:that|the|my|our|final|correct|right))*\s*$"
)
_CLAUSE = re.compile(r"[.;:!?,\n。；，！？、]")
_WORD = re.compile(r"[^\W\d_][\w'’]*", re.UNICODE)
_LOOK_BACK = 80

_NOUNS = (
    r"(?:the[ \t]+)?(?:final[ \t]+|correct[ \t]+)?answers?|réponse(?:[ \t]+finale)?|reponse(?:[ \t]+finale)?"
    r"|(?:endgültige[ \t]+)?antwort|respuesta(?:[ \t]+final)?|resposta(?:[ \t]+final)?|risposta(?:[ \t]+finale)?"
    r"|(?:окончательный[ \t]+)?ответ|(?:最终|最後|最后|最終)?(?:的|な)?答案|(?:最終的?な?|最終)?(?:答え|解答)"
    r"|(?:최종[ \t]*)?(?:정답|답)"
    r"|(?:الجواب|الإجابة|الاجابة)(?:[ \t]+النهائية?)?|(?:अंतिम[ \t]+)?उत्तर"
)
_HEADING = re.compile(
    rf"[ \t>]*(?:#{{1,6}}[ \t]*)?(?:\d+[.)][ \t]*)?[*_【\[]{{0,3}}[ \t]*(?:{_NOUNS})"
    r"[ \t]*[:：]?[ \t]*[*_】\]]{0,3}[ \t]*[:：]?[ \t]*",
    re.IGNORECASE,
)
_LONGEST_HEADING = 60
# Further announcements in one text are ignored.
_MOST_LEADS = 40
_STEMS = tuple({stem for language in _LANGUAGES for stem in language.stems})
_ASCII_STEMS = tuple(stem for stem in _STEMS if stem.isascii())
# Without those that contain another, so that each occurrence is counted once.
_COUNTED_STEMS = tuple(
    stem for stem in _ASCII_STEMS if not any(other in stem for other in _ASCII_STEMS if other != stem)
)


@lru_cache(maxsize=2)
def _stems_in(text: str) -> tuple[str, frozenset[str]]:
    """The text in lower case and the stems in it. Cached: `headings` and `leads` read the same text in a row."""
    lowered = text.lower()
    return lowered, frozenset(stem for stem in (_ASCII_STEMS if text.isascii() else _STEMS) if stem in lowered)


def holds_stem(text: str) -> bool:
    """Whether a text may announce an answer at all."""
    return _contains_any(text.lower(), _ASCII_STEMS if text.isascii() else _STEMS)


def stem_count(text: str) -> int:
    """The number of stems in an ASCII text."""
    lowered = text.lower()
    count = 0
    for stem in _COUNTED_STEMS:
        count += lowered.count(stem)
    return count


def headings(text: str) -> Iterator[Lead]:
    """Lines with nothing but the noun: `### Answer`, `**Final Answer**`, `答案：`."""
    lowered, stems = _stems_in(text)
    if stems and len(lowered) != len(text):
        lines = itertools.accumulate((len(line) + 1 for line in text.split("\n")), initial=0)
        starts = sorted(set(lines) - {len(text) + 1})
    else:
        starts = sorted({lowered.rfind("\n", 0, place) + 1 for stem in stems for place in _places(stem, lowered)})
    for start in starts:
        end = text.find("\n", start)
        line = text[start:] if end < 0 else text[start:end]
        if len(line) <= _LONGEST_HEADING and _HEADING.fullmatch(line) and _contains_any(line.lower(), stems):
            yield Lead(start, start + len(line), is_explicit=True, is_english="answer" in line.lower())


def leads(text: str, *, earliest: bool = False) -> Iterator[Lead]:
    """The last announcements in running text, or the earliest ones, unordered across languages."""
    lowered, stems = _stems_in(text)
    for language in _LANGUAGES if stems else ():
        if not stems.isdisjoint(language.stems):
            matches = _matches(language, text, lowered)
            for match in itertools.islice(matches, _MOST_LEADS) if earliest else deque(matches, maxlen=_MOST_LEADS):
                if _is_own_answer(text, match.start(), is_english=language.is_english):
                    groups = match.groupdict()
                    yield Lead(
                        match.start(),
                        match.end(),
                        is_explicit=any(groups.get(name) for name in ("colon", "only", "line", "pick")),
                        is_english=language.is_english,
                        has_decimal_commas=language.has_decimal_commas,
                    )


def _matches(language: _Language, text: str, lowered: str) -> Iterator[re.Match[str]]:
    """For English only at its stems, of which most texts contain few: a run reads hundreds of rollouts a second."""
    if not language.is_english or len(lowered) != len(text):
        yield from language.pattern.finditer(text)
        return
    for place in sorted(place for stem in _ENGLISH_STEMS for place in _places(stem, lowered)):
        if match := language.pattern.match(text, place):
            yield match


def _contains_any(lowered: str, stems: Iterable[str]) -> bool:
    for stem in stems:  # noqa: SIM110 - runs for every text, and a generator takes three times as long
        if stem in lowered:
            return True
    return False


def _places(stem: str, lowered: str) -> Iterator[int]:
    place = lowered.find(stem)
    while place >= 0:
        yield place
        place = lowered.find(stem, place + 1)


def _is_own_answer(text: str, start: int, *, is_english: bool) -> bool:
    """Whether the words before the lead, in its clause, permit it to announce the solution's own final answer."""
    before = text[max(0, start - _LOOK_BACK) : start]
    clause = _CLAUSE.split(before)[-1]
    if not clause.isascii() and any(sign in clause for sign in _UNSURE_SIGNS):
        return False
    clause = clause.lower()
    words = _WORD.findall(clause)
    if is_english and words and clause.rstrip(" \t*_([{>#").endswith(words[-1]) and words[-1] not in _OWN:
        return False
    return not (_UNSURE.intersection(words) or _NEGATED.search(clause))
