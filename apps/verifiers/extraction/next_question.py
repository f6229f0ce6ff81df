"""Where a text goes on with a question of its own, as completers do that are not told to stop.

What is written after the answer to the question that was asked belongs to another one. A mark of a new question
counts only behind a stated answer: solutions begin by repeating their question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_WORDS = (
    "Question|Problem|Exercise|Q|Human|User|Instruction|Example|Task|Prompt|Student|问题|問題|题目|題目|题|例题|문제|질문|Pregunta|"
    "Problema|Ejercicio|Frage|Aufgabe|Exercice|Problème|Вопрос|Задача|Pergunta|Exercício|Domanda|Esercizio|السؤال|سؤال|مسألة|"
    "प्रश्न|सवाल"
)
_MARK = re.compile(
    rf"\n[ \t>]*(?:[#*_\[【]{{0,6}}[ \t]*(?:New |Next |Another )?(?:{_WORDS})[ \t\u00a0]*#?\d*[ \t]*[*_\]】]{{0,3}}[:：]"
    rf"|(?:#{{1,6}}|\*\*)[ \t]*(?:New |Next |Another )?(?:{_WORDS})[ \t]*#?\d*[ \t]*\**[ \t]*(?=\n))",
    re.IGNORECASE,
)
_MARK_INSIDE = re.compile(r"(?:Question|Problem|Human|User|Q)[ \t]?#?\d*:")
# What chat templates put between turns, where a server lets it through.
_SENTENCE_ENDS = tuple(".!?。！？।")
_TURN = re.compile(r"<\|[a-z_]+\|>|<(?:start|end)_of_turn>|\[INST\]|</s>")
_INSIDE = ("Question", "Problem", "Human", "User", "Q")
_TURNING = ("<|", "<start", "<end", "[INST]", "</s>")
# A paragraph that asks something with numbers in it, and is no thought about the solution.
_ASKING = re.compile(r"\n[ \t]*\n(?=[^\n]{30,}[?？؟][ \t]*(?:\n|$))(?=[^\n]*\d)(?P<paragraph>[^\n]+)")
# A runaway's first answer stands near its beginning.
_MOST_STARTS = 20
_THINKING = re.compile(
    r"\b(?:we|let|let's|i|wait|check|but|why|verify|actually|what about|does this|is this|is that|you|my)\b",
    re.IGNORECASE,
)


_SENTENCE = re.compile(r"[.!。！\n]|(?<=[?？؟])")
# Verbs that tell somebody to find something, at the beginning of a sentence or behind the comma of a supposition.
_TASK = re.compile(
    r"(?<![^\W\d_] )\b(?:Find|Compute|Determine|Evaluate|Calculate|Simplify|Solve|Prove|Show that|Express|Write|Factor|Expand"
    r"|Convert|Round|Give|Enter|List|Rationalize|What|How|Which)\b"
    r"|,\$?\s?(?:then\s)?(?:find|compute|determine|evaluate|calculate|express|simplify|what|how)\b"
    r"|(?:^|[.:。]\s{0,4}|\n\s{0,4})(?:求|计算|計算|Calcul[ea]\w*|Trouve[rz]?|Bestimme|Berechne|Encuentr[ae]|Encontre|Trova\w*"
    r"|Найдите|Вычислите)"
)
_OWN_QUESTION = re.compile(r"\b(?:this|that|it|we|i|us|right|correct|sure|why)\b", re.IGNORECASE)
_MOST_OWN_WORDS = 8


def asks(text: str) -> bool:
    """Whether a text may pose a task: it asks something, but for `Is that right?`, or tells somebody to find something."""
    if _TASK.search(text):
        return True
    questions = [one for one in _SENTENCE.split(text) if one.endswith(("?", "？", "؟"))]
    return any(len(one.split()) > _MOST_OWN_WORDS or not _OWN_QUESTION.search(one) for one in questions)


def before_next_question(text: str, states_answer: Callable[[str], bool]) -> str:
    """The text up to the first new question that stands behind a stated answer; all of it where there is none."""
    for start in sorted(_starts(text))[:_MOST_STARTS]:
        if start > 0 and states_answer(text[:start]):
            return text[:start].rstrip()
    return text


def _starts(text: str) -> Iterator[int]:
    """Each pattern is tried only where the text holds a sign that it cannot do without."""
    if ":" in text or "：" in text or ("\n" in text and ("#" in text or "**" in text)):
        yield from (match.start() for match in _MARK.finditer(text))
    if ":" in text and any(map(text.__contains__, _INSIDE)):
        for match in _MARK_INSIDE.finditer(text):
            if text[max(0, match.start() - 4) : match.start()].rstrip()[-1:] in _SENTENCE_ENDS:
                yield match.start()
    if any(map(text.__contains__, _TURNING)):
        yield from (match.start() for match in _TURN.finditer(text))
    if "?" in text or "？" in text or "؟" in text:
        for match in _ASKING.finditer(text):
            if not _THINKING.search(match["paragraph"]):
                yield match.start()
