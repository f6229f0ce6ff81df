"""Prompts and answers as trainers join them: as texts, or as messages. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from apps.corpus.imports.readers.dialogue import normalized_role
from apps.corpus.imports.readers.prompts import NAMES
from apps.corpus.records import ComparisonRecord, ProblemRecord, RowError, SolutionRecord, StepPlace
from apps.exports.policy import LabelPolicy

Message = dict[str, str]

# LLaMA-Factory's default names of roles. A person's turn or a tool's is followed by one of the model.
_LLAMA_FACTORY_ROLES = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
SPEAKER_MARK = r"\n\n(Human|Assistant|System):"
SPEAKER_REASON = "a message contains a speaker's mark, such as “Human:”"
_TURN = re.compile(SPEAKER_MARK)


class TextError(ValueError):
    """Why a prompt or an answer could not be read back as it is."""


def side_texts(problem: ProblemRecord, comparison: ComparisonRecord, policy: LabelPolicy) -> tuple[Any, dict[str, Any]]:
    """The prompt and the answer of each side. Raises TextError."""
    prefix, texts = _sides(comparison)
    begun = prefix + comparison.left.separator if prefix else ""
    # The shared beginning belongs to both answers: in chat templates and transcripts a prompt cannot end within one.
    if policy.prompts != "standard":
        return conversation(problem), {side: answer_message(begun + text) for side, text in texts.items()}
    if problem.extras.get("messages"):
        return transcript(problem), {side: f" {_unmarked(begun + text)}" for side, text in texts.items()}
    if comparison.extras.get("continues_prompt"):
        return problem.statement + begun, texts
    return "\n".join([problem.statement.removesuffix("\n"), *([prefix] if prefix else []), ""]), texts


def prompt_and_answer(problem: ProblemRecord, answer: str, policy: LabelPolicy) -> tuple[Any, Any]:
    """The prompt and the answer of one whole solution. Raises TextError."""
    if policy.prompts != "standard":
        return conversation(problem), answer_message(answer)
    if problem.extras.get("messages"):
        return transcript(problem), f" {_unmarked(answer)}"
    return problem.statement.removesuffix("\n") + "\n", answer


def whole_answers(comparison: ComparisonRecord) -> dict[str, str]:
    """By side, the whole answer with the steps that both begin with, without white space around it."""
    prefix, texts = _sides(comparison)
    begun = prefix + comparison.left.separator if prefix else ""
    return {side: (begun + text).strip() for side, text in texts.items()}


def paired(prompt: Any, chosen: Any, rejected: Any, policy: LabelPolicy) -> dict[str, Any]:
    """The columns of a pair, as the readers of `policy.prompts` name them. Raises TextError."""
    if policy.prompts == "ms_swift":
        return {"messages": [*prompt, *chosen], "rejected_messages": [*prompt, *rejected]}
    if policy.prompts == "llama_factory":
        (best,), (worst,) = chosen, rejected
        return {
            "conversations": _alternating(prompt),
            "chosen": _llama_factory_turn(best),
            "rejected": _llama_factory_turn(worst),
        }
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


def _alternating(messages: Sequence[Message]) -> list[Message]:
    """The turns of a prompt, unless LLaMA-Factory would skip the row: the model speaks every second turn, and not last."""
    turns = messages[1:] if messages and messages[0]["role"] == "system" else messages
    expected = ({"user", "tool"}, {"assistant"})
    if len(turns) % 2 == 0 or any(turn["role"] not in expected[place % 2] for place, turn in enumerate(turns)):
        raise TextError("the dialogue's turns do not alternate, as LLaMA-Factory requires")
    return [_llama_factory_turn(message) for message in messages]


def _llama_factory_turn(message: Message) -> Message:
    return {"from": _LLAMA_FACTORY_ROLES[message["role"]], "value": message["content"]}


def conversation(problem: ProblemRecord) -> list[Message]:
    """The problem as messages, with the role names of chat templates."""
    messages = problem.extras.get("messages") or [{"role": "user", "content": problem.statement}]
    return [{"role": _role(str(message["role"])), "content": message["content"]} for message in messages]


def transcript(problem: ProblemRecord) -> str:
    """The messages as one text that ends where the answer begins, as in HH-RLHF."""
    turns = [f"\n\n{_speaker(message['role'])}: {_unmarked(message['content'])}" for message in conversation(problem)]
    return f"{''.join(turns)}\n\nAssistant:"


def _speaker(role: str) -> str:
    if role not in NAMES:
        raise TextError(f"the dialogue has the role {role!r}, which transcripts do not have")
    return NAMES[role]


def answer_message(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]


def _unmarked(text: str) -> str:
    """The text, unless it contains a speaker's mark, at which readers split a transcript."""
    if _TURN.search(f"\n\n{text}"):
        raise TextError(SPEAKER_REASON)
    return text


def _role(name: str) -> str:
    try:
        return normalized_role(name, "role")
    except RowError:
        raise TextError(f"the dialogue has the role {name!r}, which chat templates do not have") from None


def _sides(comparison: ComparisonRecord) -> tuple[str, dict[str, str]]:
    """The shared prefix of two steps (empty for whole solutions), and the text of each side."""
    left, right = comparison.sides()
    if comparison.left_step is None or comparison.right_step is None:
        return "", {"left": full_text(left), "right": full_text(right)}
    before = [step.text for step in left.path() if step.position < comparison.left_step.position]
    texts = {"left": _step_text(left, comparison.left_step), "right": _step_text(right, comparison.right_step)}
    return left.separator.join(before), texts


def full_text(solution: SolutionRecord) -> str:
    """The text as it was imported when joining its steps would not restore it."""
    return str(solution.extras.get("text") or solution.separator.join(step.text for step in solution.path()))


def _step_text(solution: SolutionRecord, place: StepPlace) -> str:
    return next(
        step.text for step in solution.steps if (step.position, step.candidate) == (place.position, place.candidate)
    )
