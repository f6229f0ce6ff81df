"""Inserts of replies and results in bulk. A row that exists already was stored by a worker that took the item over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from django.db import connection
from django.db.backends.utils import CursorWrapper

from apps.judging.engine.states import JudgedItem, ReplyBatch, SlotReply
from apps.judging.models import JudgeRun
from apps.judging.worker.revisions import store_revisions
from apps.runs.changes import RunChanges, first_of_each, storable
from apps.verifiers.pool.pool import GradingPool

# All rows of a statement are one JSON text: as arrays, every quote in them would be escaped in Python.
_REPLIES = """
    INSERT INTO judging_judgereply
        (run_id, {item}, slot, attempt, outcome, text, verdict, reason, prompt_tokens, completion_tokens)
    SELECT %s, row.* FROM jsonb_to_recordset(%s::jsonb) AS row
        (item bigint, slot int, attempt int, outcome text, text text, verdict jsonb, reason text,
         prompt_tokens int, completion_tokens int)
    ON CONFLICT DO NOTHING RETURNING {item}, slot, attempt
"""
# With the verdicts on the steps of those solutions that have no result yet, and their number.
_OF_SOLUTIONS = """
    WITH new AS (
        INSERT INTO judging_solutionverdict
            (run_id, solution_id, outcome, first_error, passes, share, reason, prompt_tokens, completion_tokens)
        SELECT %s, row.* FROM jsonb_to_recordset(%s::jsonb) AS row
            (item bigint, outcome text, first_error int, passes bool, share float8, reason text,
             prompt_tokens int, completion_tokens int)
        ON CONFLICT DO NOTHING RETURNING solution_id
    ), rated AS (
        INSERT INTO judging_stepverdict (run_id, step_id, rating, confidence, reason)
        SELECT %s, step, rating, confidence, reason FROM new JOIN jsonb_to_recordset(%s::jsonb) AS row
            (item bigint, step bigint, rating smallint, confidence float8, reason text) ON item = solution_id
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT solution_id, (SELECT count(*) FROM rated) FROM new
"""
_OF_COMPARISONS = """
    INSERT INTO judging_comparisonverdict
        (run_id, comparison_id, outcome, choice, margin, share, pairs, flips, shown_first, principles, reason,
         prompt_tokens, completion_tokens)
    SELECT %s, row.* FROM jsonb_to_recordset(%s::jsonb) AS row
        (item bigint, outcome text, choice text, margin text, share float8, pairs int, flips int, shown_first jsonb,
         principles jsonb, reason text, prompt_tokens int, completion_tokens int)
    ON CONFLICT DO NOTHING RETURNING comparison_id, 0
"""


def insert(
    run: JudgeRun, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem], pool: GradingPool
) -> RunChanges:
    """Insert both; the statements are sent before the result of either is read."""
    with connection.cursor() as reply_cursor, connection.cursor() as result_cursor:
        if batches:
            _insert_replies(reply_cursor, run, batches)
        if results:
            (_insert_comparisons if run.judge.compares else _insert_solutions)(result_cursor, run, results)
        changes = _count_replies(reply_cursor, batches)
        rows = result_cursor.fetchall() if results else []
    new_ids = {item_id for item_id, _ in rows}
    changes.taken_over |= {result.item_id for result in results} - new_ids
    changes.add(steps=rows[0][1] if rows else 0)
    new = [result for result in first_of_each(results, lambda result: result.item_id) if result.item_id in new_ids]
    _count_results(changes, new)
    store_revisions(run, new, pool, changes)
    return changes


def _insert_replies(cursor: CursorWrapper, run: JudgeRun, batches: Sequence[ReplyBatch]) -> None:
    rows = [_reply_row(batch.item_id, reply) for batch in batches for reply in batch.replies]
    item = "comparison_id" if run.judge.compares else "solution_id"
    cursor.execute(_REPLIES.format(item=item), [run.pk, as_stored(rows)])


def _reply_row(item_id: int, reply: SlotReply) -> dict[str, Any]:
    return {
        "item": item_id,
        "slot": reply.slot,
        "attempt": reply.attempt,
        "outcome": reply.state,
        "text": reply.text,
        "verdict": reply.reading.verdict.to_dict() if reply.reading.verdict else None,
        "reason": reply.reading.reason,
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
    }


def _count_replies(cursor: CursorWrapper, batches: Sequence[ReplyBatch]) -> RunChanges:
    """Count the replies that are new: another worker may have stored some of a batch, if fewer came than it asked for."""
    changes = RunChanges()
    stored = set(cursor.fetchall()) if batches else set()
    for batch in batches:
        keys = {(batch.item_id, reply.slot, reply.attempt): reply for reply in batch.replies}
        new = [reply for key, reply in keys.items() if key in stored]
        stored -= keys.keys()  # A batch that comes twice in one flush counts once.
        if len(new) < len(batch.replies):
            changes.taken_over.add(batch.item_id)
        if new:
            changes.add(
                requests=batch.requests,
                missing=sum(reply.state != "verdict" for reply in new),
                prompt_tokens=sum(reply.prompt_tokens for reply in new),
                completion_tokens=sum(reply.completion_tokens for reply in new),
            )
            changes.tokens_are_estimated |= batch.usage.is_estimated
    return changes


def _count_results(changes: RunChanges, results: Sequence[JudgedItem]) -> None:
    for item in results:
        outcome = item.result.outcome
        is_undecided = outcome in ("tied", "inconsistent")
        changes.add(
            done=1,
            failed=outcome != "verdict",
            verdicts=outcome == "verdict" or is_undecided,
            undecided=is_undecided,
            refusals=outcome == "refusal",
            unreadable=outcome == "unreadable",
        )


def _insert_solutions(cursor: CursorWrapper, run: JudgeRun, results: Sequence[JudgedItem]) -> None:
    rows = [_solution_row(item) for item in results]
    ratings = [row for item in results if item.result.outcome == "verdict" for row in _step_rows(item)]
    cursor.execute(_OF_SOLUTIONS, [run.pk, as_stored(rows), run.pk, as_stored(ratings)])


def _solution_row(item: JudgedItem) -> dict[str, Any]:
    result = item.result
    is_decided = result.outcome == "verdict"
    return {
        "item": item.item_id,
        "outcome": result.outcome,
        "first_error": result.first_error if is_decided else None,
        "passes": result.passes if is_decided else None,
        "share": result.share,
        "reason": result.sentence or result.reason,
        "prompt_tokens": item.prompt_tokens,
        "completion_tokens": item.completion_tokens,
    }


def _step_rows(item: JudgedItem) -> list[dict[str, Any]]:
    """The ratings of the steps up to the first bad one. The confidence is the share of the votes for this first error."""
    result = item.result
    return [
        {
            "item": item.item_id,
            "step": item.step_ids[position],
            "rating": rating,
            "confidence": result.share,
            "reason": result.reasons.get(position, ""),
        }
        for position, rating in result.ratings.items()
    ]


def _insert_comparisons(cursor: CursorWrapper, run: JudgeRun, results: Sequence[JudgedItem]) -> None:
    cursor.execute(_OF_COMPARISONS, [run.pk, as_stored([_comparison_row(item) for item in results])])


def _comparison_row(item: JudgedItem) -> dict[str, Any]:
    result = item.result
    is_decided = result.outcome == "verdict"
    readable = [pair for pair in result.pairs if pair.outcome in ("verdict", "inconsistent")]
    return {
        "item": item.item_id,
        "outcome": result.outcome,
        "choice": (result.choice or "") if is_decided else "",
        "margin": (result.margin or "") if is_decided else "",
        "share": result.share,
        "pairs": len(readable),
        "flips": sum(pair.outcome == "inconsistent" for pair in readable),
        "shown_first": dict(result.shown_first),
        "principles": list(result.principles),
        "reason": result.sentence or result.reason,
        "prompt_tokens": item.prompt_tokens,
        "completion_tokens": item.completion_tokens,
    }


def as_stored(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as JSON, with texts as PostgreSQL stores them. Few hold what it refuses, so all are checked at once."""
    try:
        encoded = msgspec.json.encode(rows)
    except UnicodeEncodeError:  # Half of a surrogate pair.
        return msgspec.json.encode(_storable(rows)).decode()
    return (msgspec.json.encode(_storable(rows)) if b"\\u0000" in encoded else encoded).decode()


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {key: _storable(part) for key, part in value.items()}
    return [_storable(part) for part in value] if isinstance(value, list) else value
