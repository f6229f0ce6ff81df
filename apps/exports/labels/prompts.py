"""Prompts and answers as trainers put them together: as texts, or as messages. Pure."""

from __future__ import annotations

import re
from typing import Any

from apps.corpus.imports.readers.dialogue import normalized_role
from apps.corpus.imports.readers.prompts import NAMES
from apps.corpus.records import ComparisonRecord, ProblemRecord, RowError, SolutionRecord
from apps.exports.policy import LabelPolicy

Message = dict[str, str]

_TURN = re.compile(r"\n\n(Human|Assistant|System):")


class TextError(ValueError):
    """A prompt or an answer that no reader would get back as it is: why."""


def side_texts(problem: ProblemRecord, compared: ComparisonRecord, policy: LabelPolicy) -> tuple[Any, dict[str, Any]]:
    """The prompt and the answer of each side. Raises TextError."""
    prefix, texts = _sides(compared)
    begun = prefix + compared.left.separator if prefix else ""
    # A begun answer belongs to both answers: neither chat templates nor transcripts know a prompt that ends within one.
    if policy.prompts == "conversational":
        return conversation(problem), {side: answer_message(begun + text) for side, text in texts.items()}
    if problem.extras.get("messages"):
        return transcript(problem), {side: _spoken(begun + text) for side, text in texts.items()}
    if compared.extras.get("continues_prompt"):
        return problem.statement + begun, texts
    return "\n".join([problem.statement.removesuffix("\n"), *([prefix] if prefix else []), ""]), texts


def prompt_and_answer(problem: ProblemRecord, answer: str, policy: LabelPolicy) -> tuple[Any, Any]:
    """Of one whole solution. Raises TextError."""
    if policy.prompts == "conversational":
        return conversation(problem), answer_message(answer)
    if problem.extras.get("messages"):
        return transcript(problem), _spoken(answer)
    return problem.statement.removesuffix("\n") + "\n", answer


def conversation(problem: ProblemRecord) -> list[Message]:
    """The problem as messages, with the roles that chat templates know whatever the file called them."""
    messages = problem.extras.get("messages") or [{"role": "user", "content": problem.statement}]
    return [{"role": _role(str(one["role"])), "content": one["content"]} for one in messages]


def transcript(problem: ProblemRecord) -> str:
    """The messages as one text that ends where the answer begins, as HH-RLHF has it."""
    turns = [f"\n\n{_speaker(message['role'])}: {_unmarked(message['content'])}" for message in conversation(problem)]
    return f"{''.join(turns)}\n\nAssistant:"


def _speaker(role: str) -> str:
    if role not in NAMES:
        raise TextError(f"the dialogue has the role {role!r}, which a transcript cannot tell")
    return NAMES[role]


def answer_message(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def _spoken(text: str) -> str:
    return f" {_unmarked(text)}"


def _unmarked(text: str) -> str:
    """Readers take a transcript apart at the names of those who speak."""
    if _TURN.search(f"\n\n{text}"):
        raise TextError("a message holds the mark of a turn, such as “Human:”")
    return text


def _role(name: str) -> str:
    try:
        return normalized_role(name, "role")
    except RowError:
        raise TextError(f"the dialogue has the role {name!r}, which chat templates do not know") from None


def _sides(compared: ComparisonRecord) -> tuple[str, dict[str, str]]:
    """What both sides begin with where steps are compared, and the text of each side."""
    left, right = compared.sides()
    if compared.left_step is None or compared.right_step is None:
        return "", {"left": full_text(left), "right": full_text(right)}
    before = [step.text for step in left.path() if step.position < compared.left_step[0]]
    texts = {"left": _step_text(left, compared.left_step), "right": _step_text(right, compared.right_step)}
    return left.separator.join(before), texts


def full_text(solution: SolutionRecord) -> str:
    """As it came, where its steps do not give it back."""
    return str(solution.extras.get("text") or solution.separator.join(step.text for step in solution.path()))


def _step_text(solution: SolutionRecord, place: tuple[int, int]) -> str:
    return next(step.text for step in solution.steps if (step.position, step.candidate) == place)
