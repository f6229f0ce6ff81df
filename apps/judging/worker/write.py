"""Inserts of replies and results in bulk. A row that exists already was stored by a worker that took the item over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from apps.core.db.prepared import fetch
from apps.judging.engine.states import JudgedItem, ReplyBatch, SlotReply
from apps.judging.models import JudgeRun
from apps.judging.worker.revisions import store_revisions
from apps.runs.changes import RunChanges, first_of_each, storable
from apps.verifiers.pool.pool import GradingPool

# All rows of a statement are one JSON text: as arrays, every quote in them would be escaped in Python. A result whose replies
# are of the same flush is stored only if they all are: another worker may have stored others for the same slots.
_REPLIES = """
    WITH replies AS (
        INSERT INTO judging_judgereply
            (run_id, {item}, slot, attempt, outcome, text, verdict, reason, prompt_tokens, completion_tokens)
        SELECT %s, row.* FROM jsonb_to_recordset(%s::jsonb) AS row
            (item bigint, slot int, attempt int, outcome text, text text, verdict jsonb, reason text,
             prompt_tokens int, completion_tokens int)
        ON CONFLICT DO NOTHING RETURNING {item} AS item, slot, attempt
    ), stored AS (SELECT item, count(*) AS count FROM replies GROUP BY item)
"""
# With the verdicts on the steps of those solutions that have no result yet, and their number.
_OF_SOLUTIONS = f"""{_REPLIES.format(item="solution_id")}, new AS (
        INSERT INTO judging_solutionverdict
            (run_id, solution_id, outcome, first_error, passes, share, reason, prompt_tokens, completion_tokens)
        SELECT %s, row.item, outcome, first_error, passes, share, reason, prompt_tokens, completion_tokens
        FROM jsonb_to_recordset(%s::jsonb) AS row
            (item bigint, replies int, outcome text, first_error int, passes bool, share float8, reason text,
             prompt_tokens int, completion_tokens int)
        LEFT JOIN stored ON stored.item = row.item WHERE coalesce(stored.count, 0) = row.replies
        ON CONFLICT DO NOTHING RETURNING solution_id
    ), rated AS (
        INSERT INTO judging_stepverdict (run_id, step_id, rating, confidence, reason)
        SELECT %s, step, rating, confidence, reason FROM new JOIN jsonb_to_recordset(%s::jsonb) AS row
            (item bigint, step bigint, rating smallint, confidence float8, reason text) ON item = solution_id
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT item, slot, attempt, NULL FROM replies
    UNION ALL SELECT solution_id, NULL, NULL, (SELECT count(*) FROM rated) FROM new
"""  # noqa: S608
_OF_COMPARISONS = f"""{_REPLIES.format(item="comparison_id")}, new AS (
        INSERT INTO judging_comparisonverdict
            (run_id, comparison_id, outcome, choice, margin, share, pairs, flips, shown_first, principles, reason,
             prompt_tokens, completion_tokens)
        SELECT %s, row.item, outcome, choice, margin, share, pairs, flips, shown_first, principles, reason,
            prompt_tokens, completion_tokens
        FROM jsonb_to_recordset(%s::jsonb) AS row
            (item bigint, replies int, outcome text, choice text, margin text, share float8, pairs int, flips int,
             shown_first jsonb, principles jsonb, reason text, prompt_tokens int, completion_tokens int)
        LEFT JOIN stored ON stored.item = row.item WHERE coalesce(stored.count, 0) = row.replies
        ON CONFLICT DO NOTHING RETURNING comparison_id
    )
    SELECT item, slot, attempt, NULL FROM replies UNION ALL SELECT comparison_id, NULL, NULL, 0 FROM new
"""  # noqa: S608


def insert(
    run: JudgeRun, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem], pool: GradingPool
) -> RunChanges:
    """Insert both with one statement."""
    replies = as_stored([_reply_row(batch.item_id, reply) for batch in batches for reply in batch.replies])
    fresh = Counter[int]()
    for batch in batches:
        fresh[batch.item_id] += len(batch.replies)
    if run.judge.compares:
        rows = as_stored([_comparison_row(item, fresh[item.item_id]) for item in results])
        stored = fetch(_OF_COMPARISONS, [run.pk, replies, run.pk, rows])
    else:
        rows = as_stored([_solution_row(item, fresh[item.item_id]) for item in results])
        ratings = [row for item in results if item.result.outcome == "verdict" for row in _step_rows(item)]
        stored = fetch(_OF_SOLUTIONS, [run.pk, replies, run.pk, rows, run.pk, as_stored(ratings)])
    changes = _count_replies({row[:3] for row in stored if row[3] is None}, batches)
    rated = {item_id: steps for item_id, _, _, steps in stored if steps is not None}
    changes.taken_over |= {result.item_id for result in results} - rated.keys()
    changes.add(steps=next(iter(rated.values()), 0))
    new = [result for result in first_of_each(results, lambda result: result.item_id) if result.item_id in rated]
    _count_results(changes, new)
    store_revisions(run, new, pool, changes)
    return changes


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


def _count_replies(stored: set[tuple[int, int, int]], batches: Sequence[ReplyBatch]) -> RunChanges:
    """Count the replies that are new: another worker may have stored some of a batch, if fewer came than it asked for.

    `stored` has the item, slot and attempt of each new one.
    """
    changes = RunChanges()
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


def _solution_row(item: JudgedItem, replies: int) -> dict[str, Any]:
    """`replies` are those of the item that are stored with it."""
    result = item.result
    is_decided = result.outcome == "verdict"
    return {
        "item": item.item_id,
        "replies": replies,
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


def _comparison_row(item: JudgedItem, replies: int) -> dict[str, Any]:
    result = item.result
    is_decided = result.outcome == "verdict"
    readable = [pair for pair in result.pairs if pair.outcome in ("verdict", "inconsistent")]
    return {
        "item": item.item_id,
        "replies": replies,
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
