"""From one question to its sampling parameters, and from a response to the replies to several questions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apps.inference.transports.completions import Completions
from apps.inference.types import CompletionChoice, CompletionPrompt, ModelResponse, SamplingParameters
from apps.judging.engine.states import SlotReply
from apps.judging.kinds import Ask
from apps.judging.parsers import Reply

# A reply that could not be read is asked for again at least this hot: at temperature 0 the same reply would come again.
REPEATED_TEMPERATURE = 0.7


def sent_prompt(prompt: CompletionPrompt, transport: str) -> CompletionPrompt:
    """The prompt as this transport sends it: `completions` joins the texts, so they need a blank line between them."""
    if transport != Completions.name or not prompt.system:
        return prompt
    return replace(prompt, system=f"{prompt.system}\n\n")


def sampling_for(
    ask: Ask, attempt: int, sampling: SamplingParameters, *, uses_schema: bool = True
) -> SamplingParameters:
    """The question's temperature, length and schema, with all else as in `sampling`."""
    return replace(
        sampling,
        temperature=max(ask.temperature, REPEATED_TEMPERATURE) if attempt else ask.temperature,
        max_tokens=ask.max_tokens,
        schema=ask.schema if uses_schema else None,
    )


def replies_to(asks: Sequence[Ask], attempt: int, response: ModelResponse) -> tuple[SlotReply, ...]:
    """One reply for each choice. The first bears the tokens of the prompt, and completion tokens go by length."""
    choices = response.choices[: len(asks)]
    characters = sum(len(choice.text) for choice in choices) or 1
    total, replies, given = response.usage.completion_tokens, [], 0
    for index, (ask, choice) in enumerate(zip(asks, choices, strict=False)):
        is_last = index == len(choices) - 1
        tokens = total - given if is_last else total * len(choice.text) // characters
        given += tokens
        reading = ask.read(Reply.of_choice(choice, choice.refusal))
        prompt_tokens = 0 if index else response.usage.prompt_tokens
        replies.append(SlotReply(ask.slot, attempt, _whole(choice), reading, prompt_tokens, tokens))
    return tuple(replies)


def _whole(choice: CompletionChoice) -> str:
    """The reply with the model's reasoning, in the tags in which open models write it."""
    text = choice.text or choice.refusal
    return f"<think>\n{choice.reasoning.strip()}\n</think>\n\n{text}" if choice.reasoning.strip() else text
