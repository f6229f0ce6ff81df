"""Replies of judges as pages show them: what was asked, the whole reply, and what the parser made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.corpus.comparisons import turned
from apps.judging.judges import pair_kind
from apps.judging.kinds import Ask
from apps.judging.kinds.pairs import PairKind
from apps.judging.models import Judge, JudgeReply
from apps.judging.playground import Trial
from apps.judging.verdicts import OutcomeVerdict, PreferenceVerdict, Reading, StepsVerdict, TextVerdict, unreadable

SIDES = {"left": "the left one", "right": "the right one", "tie": "neither"}
PLACES = {"left": "shown first", "right": "shown second"}


@dataclass(frozen=True, slots=True)
class ReadStep:
    """A step with the rating and the reason of one reply. Its rating is None if the reply does not rate it."""

    number: int
    text: str
    rating: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReply:
    """One reply to one question. `reading` says what the parser made of it; `system` and `request` were sent."""

    title: str
    attempt: int
    outcome: str
    outcome_label: str
    text: str
    reading: Reading
    steps: Sequence[ReadStep] = ()
    preferred: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    principle: str = ""
    system: str = ""
    request: str = ""

    @property
    def passes(self) -> bool | None:
        return self.reading.verdict.passes if isinstance(self.reading.verdict, OutcomeVerdict) else None

    @property
    def first_error(self) -> int | None:
        return self.reading.verdict.first_error if isinstance(self.reading.verdict, StepsVerdict) else None

    @property
    def margin(self) -> str:
        return (self.reading.verdict.margin or "") if isinstance(self.reading.verdict, PreferenceVerdict) else ""

    @property
    def reason(self) -> str:
        """The judge's reason for its verdict, or why there is none."""
        verdict = self.reading.verdict
        return verdict.reason if isinstance(verdict, OutcomeVerdict | PreferenceVerdict) else self.reading.reason

    @property
    def taken_text(self) -> str:
        """A critique or revision as it was taken from the reply."""
        return self.reading.verdict.text if isinstance(self.reading.verdict, TextVerdict) else ""


def stored_replies(judge: Judge, replies: Sequence[JudgeReply], steps: Sequence[str]) -> list[ReadReply]:
    """The replies about one item; `steps` are the texts of its steps, if it is a solution."""
    pairs = _pairs_of(judge)
    return [
        ReadReply(
            title=slot_title(judge, pairs, reply.slot),
            attempt=reply.attempt + 1,
            outcome=reply.outcome,
            outcome_label=reply.get_outcome_display(),
            text=reply.text,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            **_read(pairs, reply.slot, _reading_of(reply), steps),
        )
        for reply in replies
    ]


def trial_replies(judge: Judge, trial: Trial, steps: Sequence[str]) -> list[ReadReply]:
    pairs = _pairs_of(judge)
    return [
        ReadReply(
            title=slot_title(judge, pairs, exchange.ask.slot),
            attempt=1,
            outcome=exchange.reply.state,
            outcome_label=JudgeReply.Outcome(exchange.reply.state).label,
            text=exchange.reply.text,
            prompt_tokens=exchange.reply.prompt_tokens,
            completion_tokens=exchange.reply.completion_tokens,
            **_asked(exchange.ask),
            **_read(pairs, exchange.ask.slot, exchange.reply.reading, steps),
        )
        for exchange in trial.exchanges
    ]


def slot_title(judge: Judge, pairs: PairKind | None, slot: int) -> str:
    """What the question in this slot is, as the judge's kind numbers its slots. `pairs` is the kind of one that compares."""
    if judge.kind == Judge.Kind.CRITIQUE_REVISE:
        return f"{'Revision' if slot % 2 else 'Critique'} {slot // 2 + 1}"
    if pairs is None:
        return f"Vote {slot + 1}" if int(judge.options.get("votes") or 1) > 1 else "Reply"
    order, pair = pairs.order_and_pair(slot)
    shown = "right one first" if order else "left one first"
    return f"Vote {pair + 1}, {shown}" if pairs.pairs > 1 else shown.capitalize()


def _pairs_of(judge: Judge) -> PairKind | None:
    return pair_kind(judge) if judge.compares else None


def _asked(ask: Ask) -> dict[str, Any]:
    return {"principle": ask.principle, "system": ask.prompt.system, "request": ask.prompt.problem}


def _reading_of(reply: JudgeReply) -> Reading:
    if reply.outcome == JudgeReply.Outcome.LOST:
        return unreadable(reply.reason)
    values: Mapping[str, Any] = {"state": reply.outcome, "verdict": reply.verdict, "reason": reply.reason}
    return Reading.from_dict(values)


def _read(pairs: PairKind | None, slot: int, reading: Reading, steps: Sequence[str]) -> dict[str, Any]:
    verdict = reading.verdict
    read: dict[str, Any] = {"reading": reading}
    if isinstance(verdict, StepsVerdict):
        read["steps"] = [
            ReadStep(position + 1, text, verdict.ratings.get(position), verdict.reasons.get(position, ""))
            for position, text in enumerate(steps)
        ]
    if isinstance(verdict, PreferenceVerdict):
        assert pairs is not None
        order, _ = pairs.order_and_pair(slot)
        preferred = SIDES[turned(verdict.choice, is_turned=order == 1)]
        place = PLACES.get(verdict.choice)
        read["preferred"] = f"{preferred}, {place}" if place else preferred
    return read
