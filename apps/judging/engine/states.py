"""An item in the engine with its readings so far, and what is stored of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from apps.inference.types import Usage
from apps.judging.kinds import ComparisonCase, Result, SolutionCase
from apps.judging.verdicts import Reading

LOST = "lost"  # The state of a reply that the endpoint did not send; readings know only the other three.


@dataclass(slots=True)
class JudgeState:
    """An item to be judged. `readings` are final, by slot; `attempts` counts the replies of each slot, unreadable ones
    included. `step_ids` are those of a solution's steps, in their order."""

    item_id: int
    case: SolutionCase | ComparisonCase
    readings: dict[int, Reading] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_taken_over: bool = False
    is_judged: bool = False  # Its result is stored, or about to be.
    open_requests: int = 0  # Whose replies are not stored yet.
    step_ids: tuple[int, ...] = ()

    def add(self, reply: SlotReply, most_attempts: int) -> None:
        """Count the reply. It is final if it can be read, if the endpoint gave none, or if it was the last attempt."""
        self.attempts[reply.slot] = max(reply.attempt + 1, self.attempts.get(reply.slot, 0))
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        is_last = self.attempts[reply.slot] >= most_attempts
        if reply.is_lost or is_last or reply.reading.state != "unreadable":
            self.readings[reply.slot] = reply.reading


class SlotReply(msgspec.Struct, frozen=True):
    """A reply to the question in one slot. `is_lost`: the endpoint did not answer, and `reading` says why."""

    slot: int
    attempt: int
    text: str
    reading: Reading
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_lost: bool = False

    @property
    def state(self) -> str:
        return LOST if self.is_lost else self.reading.state


class ReplyBatch(msgspec.Struct, frozen=True):
    """The replies to one request, ready to be stored."""

    item_id: int
    replies: tuple[SlotReply, ...]
    usage: Usage
    requests: int


class JudgedItem(msgspec.Struct, frozen=True):
    """An item's result, ready to be stored. `step_ids` are those of a solution's steps, by position."""

    item_id: int
    result: Result
    prompt_tokens: int = 0
    completion_tokens: int = 0
    step_ids: tuple[int, ...] = ()
