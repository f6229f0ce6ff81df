"""The frequent statements touch a handful of rows, however many tasks there are.

QUEUE_TASKS=1000000 .venv/bin/python -m pytest tests/labeling/test_queue_plans.py
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.core.db.copy import analyze, copy_rows
from apps.corpus.models import Problem, Solution, Step
from apps.dashboard.home.queries import open_rounds_for
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Round, RoundProgress, Task
from apps.labeling.progress import progress_for
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import NoTask, claim, why_nothing_left
from apps.labeling.queue.leases import expire_leases, release
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.benchmarks.setting import add_solutions

pytestmark = pytest.mark.slow

TASKS = int(os.environ.get("QUEUE_TASKS", "20000"))
FEW = 120
Seen = tuple[str, int, Any]  # The statement, rows of one large table that it read, and its plan.
BIG = {"labeling_task", "labeling_assignment", "labeling_steplabel", "corpus_solution", "corpus_step"}


@pytest.fixture
def large(project: Project, bob: User, rita: User) -> Round:
    """Rita has done the first half; a thousand of the solutions are gold."""
    add_solutions(project, TASKS, steps=2)
    # As an import does: a plan for tables that are thought to be empty takes minutes.
    analyze(Problem, Solution, Step)
    gold = Step.objects.filter(solution__project=project, position=0).order_by("id").values_list("id", flat=True)
    copy_rows(GoldLabel, ["step", "rating", "origin"], ((pk, 1, "") for pk in gold[:: TASKS // 1000]))
    round_ = open_round(project=project, protocol="first_error", redundancy=2, gold_share=0.05)
    half = Task.objects.filter(round=round_, is_gold=False).order_by("id").values_list("id", flat=True)[: TASKS // 2]
    now, columns = (
        timezone.now(),
        [
            "task",
            "round",
            "labeler",
            "state",
            "draft_version",
            "finish_reason",
            "reason",
            "is_quality_control",
            "submitted_at",
        ],
    )
    done = ((pk, round_.pk, rita.pk, "submitted", 0, "solution", "", False, now) for pk in half)
    copy_rows(Assignment, columns, done)
    Task.objects.filter(round=round_, is_gold=False, pk__lte=list(half)[-1]).update(open_slots=1)
    RoundProgress.objects.create(round=round_, labeler=rita, cursor_rank=0, cursor_task=list(half)[-1])
    assert not isinstance(claim(round=round_, labeler=rita), NoTask)
    # The whole of it, as autovacuum does: a plan made from a small sample is a matter of luck. So is one over indexes
    # that are full of what other tests rolled back, which no vacuum has come to yet.
    with connection.cursor() as cursor:
        for table in sorted(BIG):
            cursor.execute(f"REINDEX TABLE {table}")
        cursor.execute("ANALYZE")
    return round_


@contextmanager
def touched() -> Iterator[list[Seen]]:
    """Rows of large tables that the statements of the block read, as PostgreSQL counts them while it runs them."""
    seen: list[Seen] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().split()[0] in {"SELECT", "WITH", "UPDATE", "INSERT"} and not many:
            with connection.cursor() as cursor:
                cursor.execute("SAVEPOINT look")
                cursor.cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
                (found,) = cursor.fetchone()
                cursor.execute("ROLLBACK TO look")
            plan = found if isinstance(found, list) else json.loads(found)
            seen.extend((sql, count, plan) for count in rows_of(plan[0]["Plan"]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield seen


def rows_of(plan: dict[str, Any]) -> Iterator[int]:
    if plan.get("Relation Name") in BIG and "Scan" in plan["Node Type"]:
        passed_by = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        yield int((plan["Actual Rows"] + passed_by) * plan["Actual Loops"])
    for part in plan.get("Plans", []):
        yield from rows_of(part)


def hold(seen: list[Seen]) -> None:
    assert seen
    for sql, count, plan in seen:
        assert count <= FEW, f"{count} rows for {sql}\n{json.dumps(plan, indent=1)}"


GOOD = Submission(steps=[SubmittedStep(position=place, rating=1) for place in range(2)], finish_reason="solution")


def test_a_claim_and_a_submission_touch_few_rows(large: Round, bob: User, rita: User) -> None:
    """From the start, from a cursor, past all that rita has had, and gold."""
    for labeler in (bob, bob, rita, rita):
        with touched() as seen:
            taken = claim(round=large, labeler=labeler)
            assert not isinstance(taken, NoTask)
            submit(assignment=taken, submission=GOOD)
        hold(seen)
    large.gold_share = 0.999
    with touched() as seen:
        for seed in range(5):
            taken = claim(round=large, labeler=bob, dice=random.Random(seed))
            assert not isinstance(taken, NoTask)
            assert taken.task.is_gold
            submit(assignment=taken, submission=GOOD)
    hold(seen)


def test_a_claim_in_verify_mode_reads_hardly_any_of_a_round_of_fresh_eyes(
    project: Project, large: Round, bob: User
) -> None:
    verify = open_round(project=project, protocol="first_error", mode="verify", select="sample:20")
    analyze(Task)
    for fresh_eyes in (True, False):
        Round.objects.filter(pk=large.pk).update(fresh_eyes=fresh_eyes)
        with touched() as seen:
            assert isinstance(claim(round=verify, labeler=bob), NoTask) == fresh_eyes
        hold(seen)


def test_the_beat_touches_what_has_lapsed_only(large: Round, bob: User) -> None:
    taken = claim(round=large, labeler=bob)
    assert not isinstance(taken, NoTask)
    with touched() as seen:
        assert expire_leases() == 0
        assert expire_leases(now=timezone.now() + timedelta(hours=3)) == 2
        release(assignment=taken)
    hold(seen)


def test_why_there_is_nothing_and_how_far_it_is_touch_few_rows(large: Round, bob: User) -> None:
    with touched() as seen:
        assert why_nothing_left(large, bob).code == "done_by_you"
        progress_for(large, bob)
        open_rounds_for(bob)
    hold(seen)
    Task.objects.filter(round=large, is_gold=False).update(open_slots=0)
    analyze(Task)
    with touched() as seen:
        assert why_nothing_left(large, bob).code == "all_leased"
    hold(seen)
