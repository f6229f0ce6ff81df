"""How problem, steps and the question after each step become one text or one chat for a reward model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(max_length=20_000)]
Token = Annotated[str, Meta(min_length=1, max_length=40)]
Tokens = Annotated[tuple[Token, ...], Meta(min_length=1, max_length=8)]


class ScoringPrompt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`tag` follows each step, and what the model would write next is the label of the step: `good` or `bad`.

    `head` is put before a step that does not begin with it; in it, {number} counts the steps from 1. `answer` takes the
    place of the label after the steps before the scored one. As a chat, the problem and each step are a message of the
    user, and `answer` is the reply.
    """

    style: Literal["text", "chat"] = "text"
    system: Text = ""
    problem: Annotated[str, Meta(max_length=20_000, pattern=r"\{problem\}", description="a text with {problem}")] = (
        "{problem}\n"
    )
    head: Text = ""
    tag: Text = ""
    answer: Text = ""
    separator: Text = "\n"
    good: Tokens = ("+",)
    bad: Tokens = ("-",)

    def step(self, number: int, text: str) -> str:
        head = self.head.replace("{number}", str(number))
        return text if text.lstrip().startswith(head.strip()) else head + text

    def statement(self, problem: str) -> str:
        return self.system + self.problem.replace("{problem}", problem)

    def prefix(self, problem: str, steps: Sequence[str]) -> str:
        """The text up to the place where the label of the last of these steps would follow."""
        parts = [self.step(number, text) + self.tag for number, text in enumerate(steps, 1)]
        return self.statement(problem) + (self.answer + self.separator).join(parts)

    def whole(self, problem: str, steps: Sequence[str]) -> str:
        """The text with all steps, for a model that scores all of them at once."""
        return self.prefix(problem, steps)

    def messages(self, problem: str, steps: Sequence[str]) -> list[dict[str, str]]:
        """The chat up to the reply that would be the label of the last of these steps."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        statement = self.problem.replace("{problem}", problem)
        for number, text in enumerate(steps, 1):
            content = (statement if number == 1 else "") + self.step(number, text) + self.tag
            messages.append({"role": "user", "content": content})
            if number < len(steps):
                messages.append({"role": "assistant", "content": self.answer or self.good[0]})
        return messages


# Signs of sentencepiece and of byte-level BPE stand for a space before the token.
_PLUS, _MINUS = ("+", " +", "\u2581+"), ("-", " -", "\u2581-")

PRESETS = {
    "annotate": ScoringPrompt(problem="Problem: {problem}\n", tag="\n", separator=""),
    "math-shepherd": ScoringPrompt(
        problem="{problem} ", head="Step {number}: ", tag=" \u043a\u0438", good=_PLUS, bad=_MINUS
    ),
    "rlhflow": ScoringPrompt(
        style="chat", problem="{problem} ", head="Step {number}: ", answer="+", good=_PLUS, bad=_MINUS
    ),
    "qwen-prm": ScoringPrompt(
        system=(
            "<|im_start|>system\nPlease reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n"
            "<|im_start|>user\n"
        ),
        problem="{problem}<|im_end|>\n<|im_start|>assistant\n",
        tag="<extra_0>",
        separator="",
    ),
}
PRESET_TITLES = {
    "annotate": "the reward model in the box",
    "math-shepherd": "Math-Shepherd",
    "rlhflow": "RLHFlow",
    "qwen-prm": "Qwen2.5-Math-PRM",
}
