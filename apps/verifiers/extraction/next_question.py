"""Finds where a text continues with a new question, as completion models do without a stop sequence.

Everything after the new question belongs to that question. The mark of a new question counts only after a stated
answer, because solutions often begin by repeating their question.
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
_SENTENCE_ENDS = tuple(".!?。！？।")
# The separators of chat templates, which some servers include in the text.
_DIALOGUE_MARK = re.compile(r"<\|[a-z_]+\|>|<(?:start|end)_of_turn>|\[INST\]|</s>")
_INSIDE = ("Question", "Problem", "Human", "User", "Q")
_TURNING = ("<|", "<start", "<end", "[INST]", "</s>")
# A paragraph that asks a question with numbers in it, and does not reflect on the solution.
_ASKING = re.compile(r"\n[ \t]*\n(?=[^\n]{30,}[?？؟][ \t]*(?:\n|$))(?=[^\n]*\d)(?P<paragraph>[^\n]+)")
# The first new question is near the beginning of a text that never stops.
_MOST_STARTS = 20
_THINKING = re.compile(
    r"\b(?:we|let|let's|i|wait|check|but|why|verify|actually|what about|does this|is this|is that|you|my)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.!。！\n]|(?<=[?？؟])")
# Imperatives of a task, at the beginning of a sentence or after the comma of a condition.
_TASK = re.compile(
    r"(?<![^\W\d_] )\b(?:Find|Compute|Determine|Evaluate|Calculate|Simplify|Solve|Prove|Show that|Express|Write|Factor|Expand"
    r"|Convert|Round|Give|Enter|List|Rationalize|What|How|Which)\b"
    r"|,\$?\s?(?:then\s)?(?:find|compute|determine|evaluate|calculate|express|simplify|what|how)\b"
    r"|(?:^|[.:。]\s{0,4}|\n\s{0,4})(?:求|计算|計算|Calcul[ea]\w*|Trouve[rz]?|Bestimme|Berechne|Encuentr[ae]|Encontre|Trova\w*"
    r"|Найдите|Вычислите)"
)
_OWN_QUESTION = re.compile(r"\b(?:this|that|it|we|i|us|right|correct|sure|why)\b", re.IGNORECASE)
_MOST_OWN_WORDS = 8


def poses_task(text: str) -> bool:
    """Whether a text may pose a task, by an imperative or a question other than `Is that right?`."""
    if _TASK.search(text):
        return True
    questions = [sentence for sentence in _SENTENCE.split(text) if sentence.endswith(("?", "？", "؟"))]
    return any(len(question.split()) > _MOST_OWN_WORDS or not _OWN_QUESTION.search(question) for question in questions)


def before_next_question(text: str, states_answer: Callable[[str], bool]) -> str:
    """The text up to the first new question after a stated answer; the whole text where there is none."""
    for start in sorted(_starts(text))[:_MOST_STARTS]:
        if start > 0 and states_answer(text[:start]):
            return text[:start].rstrip()
    return text


def _starts(text: str) -> Iterator[int]:
    """Where new questions may start. Each pattern is tried only if the text contains a sign that it requires."""
    if ":" in text or "：" in text or ("\n" in text and ("#" in text or "**" in text)):
        yield from (match.start() for match in _MARK.finditer(text))
    if ":" in text and any(map(text.__contains__, _INSIDE)):
        for match in _MARK_INSIDE.finditer(text):
            if text[max(0, match.start() - 4) : match.start()].rstrip()[-1:] in _SENTENCE_ENDS:
                yield match.start()
    if any(map(text.__contains__, _TURNING)):
        yield from (match.start() for match in _DIALOGUE_MARK.finditer(text))
    if "?" in text or "？" in text or "؟" in text:
        for match in _ASKING.finditer(text):
            if not _THINKING.search(match["paragraph"]):
                yield match.start()
