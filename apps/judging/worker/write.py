"""Inserts of replies and results in bulk. A row that exists already was stored by a worker that took the item over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.types.json import Jsonb

from apps.corpus.models import Step
from apps.judging.engine.states import JudgedItem, ReplyBatch, SlotReply
from apps.judging.kinds import Result
from apps.judging.models import JudgeRun
from apps.judging.worker.revisions import store_revisions
from apps.runs.changes import RunChanges, storable
from apps.verifiers.pool.pool import GradingPool

_REPLIES = """
    INSERT INTO judging_judgereply
        (run_id, {item}, slot, attempt, outcome, text, verdict, reason, prompt_tokens, completion_tokens)
    SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::text[], %s::text[], %s::jsonb[], %s::text[],
        %s::int[], %s::int[])
    ON CONFLICT DO NOTHING RETURNING {item}, slot, attempt
"""
_OF_SOLUTIONS = """
    INSERT INTO judging_solutionverdict
        (run_id, solution_id, outcome, first_error, passes, share, reason, prompt_tokens, completion_tokens)
    SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::bool[], %s::float8[], %s::text[], %s::int[],
        %s::int[])
    ON CONFLICT DO NOTHING RETURNING solution_id
"""
_OF_COMPARISONS = """
    INSERT INTO judging_comparisonverdict
        (run_id, comparison_id, outcome, choice, margin, share, pairs, flips, shown_first, principles, reason,
         prompt_tokens, completion_tokens)
    SELECT %s, * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::int[], %s::int[],
        %s::jsonb[], %s::jsonb[], %s::text[], %s::int[], %s::int[])
    ON CONFLICT DO NOTHING RETURNING comparison_id
"""
_OF_STEPS = """
    INSERT INTO judging_stepverdict (run_id, step_id, rating, confidence, reason)
    SELECT %s, * FROM unnest(%s::bigint[], %s::smallint[], %s::float8[], %s::text[])
    ON CONFLICT DO NOTHING
"""


def insert(
    run: JudgeRun, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem], pool: GradingPool
) -> RunChanges:
    """Insert both; the statements are sent before the result of either is read."""
    with connection.cursor() as reply_cursor, connection.cursor() as result_cursor:
        if batches:
            _insert_replies(reply_cursor, run, batches)
        if results:
            statement, columns = _comparison_rows(results) if run.judge.compares else _solution_rows(results)
            result_cursor.execute(statement, [run.pk, *columns])
        changes = _count_replies(reply_cursor, batches)
        new_ids = {item_id for (item_id,) in result_cursor.fetchall()} if results else set()
    changes.taken_over |= {result.item_id for result in results} - new_ids
    # A result that comes twice in one flush was stored once.
    new = list({result.item_id: result for result in reversed(results) if result.item_id in new_ids}.values())
    _count_results(changes, new)
    _insert_step_verdicts(run, new, changes)
    store_revisions(run, new, pool, changes)
    return changes


def _insert_replies(cursor: CursorWrapper, run: JudgeRun, batches: Sequence[ReplyBatch]) -> None:
    rows = [(batch.item_id, *_reply_row(reply)) for batch in batches for reply in batch.replies]
    item = "comparison_id" if run.judge.compares else "solution_id"
    cursor.execute(_REPLIES.format(item=item), [run.pk, *_columns(rows)])


def _reply_row(reply: SlotReply) -> tuple[Any, ...]:
    verdict = reply.reading.verdict.to_dict() if reply.reading.verdict else None
    return (
        reply.slot,
        reply.attempt,
        reply.state,
        storable(reply.text),
        None if verdict is None else Jsonb(_storable(verdict)),
        storable(reply.reading.reason),
        reply.prompt_tokens,
        reply.completion_tokens,
    )


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


def _solution_rows(results: Sequence[JudgedItem]) -> tuple[str, list[list[Any]]]:
    rows = []
    for item in results:
        result = item.result
        rows.append(
            (
                item.item_id,
                result.outcome,
                result.first_error if result.outcome == "verdict" else None,
                result.passes if result.outcome == "verdict" else None,
                result.share,
                _reason(result),
                item.prompt_tokens,
                item.completion_tokens,
            )
        )
    return _OF_SOLUTIONS, _columns(rows)


def _comparison_rows(results: Sequence[JudgedItem]) -> tuple[str, list[list[Any]]]:
    rows = []
    for item in results:
        result = item.result
        is_decided = result.outcome == "verdict"
        readable = [pair for pair in result.pairs if pair.outcome in ("verdict", "inconsistent")]
        rows.append(
            (
                item.item_id,
                result.outcome,
                (result.choice or "") if is_decided else "",
                (result.margin or "") if is_decided else "",
                result.share,
                len(readable),
                sum(pair.outcome == "inconsistent" for pair in readable),
                Jsonb(dict(result.shown_first)),
                Jsonb(list(result.principles)),
                _reason(result),
                item.prompt_tokens,
                item.completion_tokens,
            )
        )
    return _OF_COMPARISONS, _columns(rows)


def _insert_step_verdicts(run: JudgeRun, results: Sequence[JudgedItem], changes: RunChanges) -> None:
    """The ratings of the steps up to the first bad one. The confidence is the share of the votes for this first error."""
    rated = {item.item_id: item.result for item in results if item.result.outcome == "verdict" and item.result.ratings}
    if not rated:
        return
    steps = Step.objects.filter(solution_id__in=rated, chosen=True)
    rows = []
    for pk, solution_id, position in steps.values_list("id", "solution_id", "position"):
        result = rated[solution_id]
        if (rating := result.ratings.get(position)) is not None:
            rows.append((pk, rating, result.share, storable(result.reasons.get(position, ""))))
    with connection.cursor() as cursor:
        cursor.execute(_OF_STEPS, [run.pk, *_columns(rows)])
    changes.add(steps=len(rows))


def _reason(result: Result) -> str:
    return storable(result.sentence or result.reason)


def _storable(value: Any) -> Any:
    """The value with all its texts as PostgreSQL stores them."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {key: _storable(part) for key, part in value.items()}
    return value


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
