"""Pairs of a chosen and a rejected answer, as TRL, HH-RLHF and LLaMA-Factory (sharegpt ranking) write them.

A prompt of several messages becomes one statement, a transcript; the messages are kept in the problem's extras. An
answer is split into steps; its text is kept in the extras where the steps do not give it back. Who preferred it the
files do not say: it lands as the word of a labeler called `preference`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from apps.corpus.readers.base import ReaderOptions, Row
from apps.corpus.readers.fields import Fields
from apps.corpus.records import (
    ComparisonRecord,
    PersonRecord,
    PreferenceRecord,
    ProblemRecord,
    Record,
    RowError,
    SolutionRecord,
    StepRecord,
)
from apps.corpus.splitting import split_steps

MARGINS = ("significantly", "clearly", "slightly", "negligibly")
# The two scales of Llama 2 (arXiv 2307.09288, table 27), from significantly better down.
SCALES = {"large": (3.0, 2.0, 1.0, 0.0), "small": (1.0, 2 / 3, 1 / 3, 0.0)}
ROLES = {"human": "user", "gpt": "assistant"}
NAMES = {"user": "Human", "assistant": "Assistant", "system": "System"}
_TURN = re.compile(r"\n\n(Human|Assistant): ?")
KNOWN = ("prompt", "chosen", "rejected", "margin", "conversations", "system")

Message = dict[str, str]


class Sides(NamedTuple):
    """A row taken apart: what was asked, as text or as messages, and the two answers to it."""

    prompt: str
    messages: list[Message]
    chosen: str
    rejected: str
    is_continued: bool = False


class Preference:
    name = "preference"
    title = "Preference pairs"
    about = "A prompt, a chosen and a rejected answer: TRL, HH-RLHF, sharegpt ranking."

    def looks_like(self, row: Row) -> bool:
        return {"chosen", "rejected"} <= row.keys()

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        sides = _sides(fields)
        if sides.chosen.strip() == sides.rejected.strip():
            raise RowError("rejected", "says the same as chosen: there is nothing to prefer")
        yield Record(
            problem=_problem(sides),
            comparison=ComparisonRecord(
                left=_solution("chosen", sides.chosen, options),
                right=_solution("rejected", sides.rejected, options),
                extras={"continues_prompt": True} if sides.is_continued else {},
            ),
            people=[_person(fields, options)],
            ignored=[name for name in fields.unknown(*KNOWN) if fields.row[name] not in (None, "", [], {})],
        )


def _sides(fields: Fields) -> Sides:
    if "conversations" in fields.row:
        return _sharegpt(fields)
    kinds = {type(fields.row.get(name)) for name in ("chosen", "rejected")}
    if kinds == {list}:
        return _conversational(fields)
    chosen, rejected = fields.text("chosen"), fields.text("rejected")
    if fields.row.get("prompt") is not None:
        if isinstance(fields.row["prompt"], list):
            return Sides("", _messages(fields, "prompt"), chosen, rejected)
        return Sides(fields.text("prompt"), [], chosen, rejected, is_continued=True)
    if _TURN.match(chosen) and _TURN.match(rejected):
        return _dialogue(chosen, rejected)
    return _implicit(chosen, rejected)


def _problem(sides: Sides) -> ProblemRecord:
    if not sides.messages:
        return ProblemRecord(statement=sides.prompt)
    if len(sides.messages) == 1 and sides.messages[0]["role"] == "user":
        return ProblemRecord(statement=sides.messages[0]["content"])
    return ProblemRecord(statement=transcript(sides.messages), extras={"messages": sides.messages})


def transcript(messages: Sequence[Message]) -> str:
    """A dialogue as people read it, who says what before each turn."""
    return "\n\n".join(f"{NAMES.get(one['role'], one['role'])}: {one['content']}" for one in messages)


def _solution(name: str, text: str, options: ReaderOptions) -> SolutionRecord:
    steps, separator = split_steps(text, options.split, options.separator)
    if not steps:
        raise RowError(name, "says nothing")
    return SolutionRecord(
        steps=[StepRecord(position=place, text=step) for place, step in enumerate(steps)],
        separator=separator,
        extras={"text": text} if separator.join(steps) != text else {},
    )


def _person(fields: Fields, options: ReaderOptions) -> PersonRecord:
    margin, number = _margin(fields, options)
    return PersonRecord(
        labeler=Preference.name,
        protocol="comparison",
        finish_reason="solution",
        preference=PreferenceRecord(choice="left", margin=margin),
        extras={"margin": number} if number is not None else {},
    )


def _margin(fields: Fields, options: ReaderOptions) -> tuple[str, float | None]:
    """The word for the file's margin; a number that is not on the scale is kept as it is."""
    given = fields.row.get("margin")
    if isinstance(given, str):
        if given not in MARGINS:
            raise fields.wrong("margin", f"a number, or one of {', '.join(MARGINS)}")
        return given, None
    number = fields.maybe_float("margin")
    if number is None:
        return "", None
    scale = SCALES[options.margins]
    word = next((word for word, value in zip(MARGINS, scale, strict=True) if abs(value - number) < 0.01), None)
    return (word, None) if word else ("", number)


# --- the shapes of the rows -------------------------------------------------------------------------------


def _sharegpt(fields: Fields) -> Sides:
    messages = [
        {"role": ROLES.get(said := one.text("from"), said), "content": one.text("value")}
        for one in fields.objects("conversations")
    ]
    system = fields.maybe_text("system")
    if system and system.strip():
        messages.insert(0, {"role": "system", "content": system})
    if not messages:
        raise fields.wrong("conversations", "at least one turn")
    return Sides("", messages, fields.object("chosen").text("value"), fields.object("rejected").text("value"))


def _conversational(fields: Fields) -> Sides:
    """The prompt is given as messages or as a text, or is what both dialogues begin with."""
    chosen, rejected = _messages(fields, "chosen"), _messages(fields, "rejected")
    prompt = _messages(fields, "prompt") if isinstance(fields.row.get("prompt"), list) else []
    shared = [one for one, _ in takewhile(lambda both: both[0] == both[1], zip(chosen, rejected, strict=False))]
    if not prompt:
        prompt, chosen, rejected = shared, chosen[len(shared) :], rejected[len(shared) :]
    if not prompt:
        prompt = [{"role": "user", "content": fields.text("prompt")}]
    return Sides("", prompt, _answer("chosen", chosen), _answer("rejected", rejected))


def _answer(name: str, messages: Sequence[Message]) -> str:
    if not messages:
        raise RowError(name, "says nothing that the other does not say")
    return messages[0]["content"] if len(messages) == 1 else transcript(messages)


def _messages(fields: Fields, name: str) -> list[Message]:
    found = [{"role": one.text("role"), "content": one.text("content")} for one in fields.objects(name)]
    if not found:
        raise fields.wrong(name, "at least one message")
    return found


def _beginning(one: str, two: str) -> str:
    """What both texts begin with."""
    most = min(len(one), len(two))
    return one[: next((place for place in range(most) if one[place] != two[place]), most)]


def _dialogue(chosen: str, rejected: str) -> Sides:
    """HH-RLHF: the prompt goes up to the last turn of the assistant that both begin."""
    shared = _beginning(chosen, rejected)
    end = shared.rfind("\n\nAssistant:")
    if end <= 0:
        raise RowError("rejected", "does not begin with the same turns as chosen")
    start = end + len("\n\nAssistant:")
    _, *parts = _TURN.split(chosen[:end])
    roles = {"Human": "user", "Assistant": "assistant"}
    messages = [
        {"role": roles[who], "content": said} for who, said in zip(parts[::2], parts[1::2], strict=True) if said.strip()
    ]
    if not messages:
        raise RowError("chosen", "asks nothing")
    return Sides("", messages, chosen[start:].strip(), rejected[start:].strip())


def _implicit(chosen: str, rejected: str) -> Sides:
    """TRL's implicit prompt: what both begin with, up to the last white space, so that no word is torn."""
    shared = _beginning(chosen, rejected)
    end = max((place for place, sign in enumerate(shared) if sign.isspace()), default=0)
    if not shared[:end].strip():
        raise RowError("prompt", "is missing, and chosen and rejected do not begin with the same words")
    return Sides(chosen[:end], [], chosen[end:], rejected[end:], is_continued=True)
