"""Prompts and whole answers of many solutions: `labels.prompts.prompt_and_answer` in columns. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
import polars as pl

from apps.corpus.records import ProblemRecord
from apps.exports.labels.prompts import SPEAKER_MARK, SPEAKER_REASON, TextError, conversation, transcript
from apps.exports.policy import LabelPolicy

MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


def with_prompts(solutions: pl.DataFrame, policy: LabelPolicy) -> pl.DataFrame:
    """Solutions, whose text is in `completion`, with `prompt` and `completion` as trainers join them, and the plain `text`.

    `problem_reason` and `answer_reason` say why one of them could not be read back as it is.
    """
    is_conversation = policy.prompts == "conversational"
    has_dialogue = pl.col("messages").is_not_null() & ~pl.col("messages").is_in(["[]", "null"])
    solutions = solutions.with_columns(text="completion", messages=pl.when(has_dialogue).then("messages"))
    dialogues = _dialogues(solutions["messages"].drop_nulls().unique(), is_conversation=is_conversation)
    rows = solutions.join(dialogues, on="messages", how="left", maintain_order="left")
    is_dialogue = pl.col("messages").is_not_null()
    if is_conversation:
        single = _message("user", pl.col("statement"))
        return rows.with_columns(
            prompt=pl.when(is_dialogue).then("dialogue").otherwise(single),
            completion=_message("assistant", pl.col("text")),
            answer_reason=pl.lit(None, dtype=pl.String),
        )
    plain = pl.col("statement").str.replace(r"\n\z", "") + "\n"
    has_mark = is_dialogue & (pl.lit("\n\n") + pl.col("text")).str.contains(SPEAKER_MARK)
    return rows.with_columns(
        prompt=pl.when(is_dialogue).then("dialogue").otherwise(plain),
        completion=pl.when(is_dialogue).then(pl.lit(" ") + pl.col("text")).otherwise("text"),
        answer_reason=pl.when(has_mark).then(pl.lit(SPEAKER_REASON)),
    )


def _message(role: str, content: pl.Expr) -> pl.Expr:
    """A list of one message."""
    return pl.concat_list(pl.struct(role=pl.lit(role), content=content))


def _dialogues(messages: pl.Series, *, is_conversation: bool) -> pl.DataFrame:
    """By the problem's `messages`, as JSON: its `dialogue`, or the `problem_reason` why it has none."""
    kind = MESSAGES if is_conversation else pl.String
    make = conversation if is_conversation else transcript
    rows: list[tuple[str, Any, str | None]] = []
    for text in messages:
        problem = ProblemRecord(statement="", extras={"messages": msgspec.json.decode(text)})
        try:
            rows.append((text, make(problem), None))
        except TextError as error:
            rows.append((text, None, str(error)))
    return pl.DataFrame(
        rows, schema={"messages": pl.String, "dialogue": kind, "problem_reason": pl.String}, orient="row"
    )
