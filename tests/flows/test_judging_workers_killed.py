"""Workers of judge runs killed in the midst of them. Apart from the other faults, whose worker would do the work meanwhile."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from apps.inference.models import Endpoint
from apps.judging.models import ComparisonVerdict, JudgeReply, JudgeRun
from apps.projects.models import Project
from apps.runs.tasks import resume_abandoned
from tests.estimation.model import Model
from tests.flows.test_judging_under_fire import IN_FLIGHT, ended, endpoint, finished, server, started, stored
from tests.judging.corpus import add_checked, add_rivals
from tests.judging.exact import assert_one_revision_each, assert_texts, assert_true, assert_whole, lease_is_over
from tests.judging.model import assert_counts
from tests.processes import AtWork, StartWorker, eventually, kill

__all__ = ["endpoint", "server"]

ROUNDS = 3


def kill_workers(run: JudgeRun, start_worker: StartWorker, server: Model, is_under_way: Callable[[], bool]) -> None:
    """Two processes, killed at a random moment once it is true and more replies are stored; as often as ROUNDS says."""
    dice = random.Random(11)
    for round_ in range(ROUNDS):
        with start_worker(2) as process:
            before = JudgeReply.objects.filter(run=run).count()
            eventually(lambda count=before: JudgeReply.objects.filter(run=run).count() > count)  # type: ignore[misc]
            eventually(lambda: is_under_way() or ended(run))
            time.sleep(dice.uniform(0.0, 0.3))
            repeated = server.stats()["repeated"]
            kill(process)
        run.refresh_from_db()
        assert not run.has_ended, round_
        assert_counts(run, complete=False)
        lease_is_over(run)
        resume_abandoned()
        assert server.stats()["repeated"] - repeated <= IN_FLIGHT, round_


def assert_little_is_repeated(run: JudgeRun, server: Model) -> None:
    stats = server.stats()
    assert stats["repeated"] <= ROUNDS * IN_FLIGHT
    assert stats["most_in_flight"] <= IN_FLIGHT
    # What was in flight at a kill is not counted by the run: it was lost before it could be stored.
    assert 0 <= stats["requests"] - run.requests <= ROUNDS * IN_FLIGHT


def test_a_killed_worker_costs_at_most_what_was_in_flight(
    start_worker: StartWorker, at_work: AtWork, server: Model, project: Project, endpoint: Endpoint
) -> None:
    errors = add_checked(project, 400)
    faults = {"refuses": 0.08, "out_of_range": 0.15, "cut": 0.15}
    server.control(latency_s=0.2, **faults)
    run = started(endpoint)
    kill_workers(run, start_worker, server, lambda: True)
    with at_work():
        finished(run)
    assert min(run.verdicts, run.refusals, run.unreadable) > 0
    assert_whole(run)
    assert_true(run, errors)
    assert_texts(run, **faults)
    assert_little_is_repeated(run, server)


def test_votes_of_which_some_are_there_are_not_asked_for_again(
    start_worker: StartWorker, at_work: AtWork, server: Model, project: Project, endpoint: Endpoint
) -> None:
    errors = add_checked(project, 150)
    server.control(latency_s=0.2, fewer=0.5, out_of_range=0.1)
    run = started(endpoint, votes=4)
    kill_workers(run, start_worker, server, lambda: True)
    with at_work():
        finished(run)
    assert JudgeReply.objects.filter(run=run, attempt=0).count() == 150 * 4
    assert_true(run, errors)
    assert_little_is_repeated(run, server)


def one_order_is_there(run: JudgeRun) -> bool:
    """Of some comparison one order has its reply, and the other has none."""
    slots: dict[int, set[int]] = {}
    for comparison, slot in JudgeReply.objects.filter(run=run).values_list("comparison_id", "slot"):
        slots.setdefault(comparison, set()).add(slot)
    return any(len(found) == 1 for found in slots.values())


def test_both_orders_are_asked_once_when_workers_are_killed_between_them(
    start_worker: StartWorker, at_work: AtWork, server: Model, project: Project, endpoint: Endpoint
) -> None:
    """An endpoint with one place in flight answers one order after the other."""
    add_rivals(project, 40)
    Endpoint.objects.filter(pk=endpoint.pk).update(max_in_flight=1)
    server.control(latency_s=0.2, prefers="right")
    run = started(endpoint, "comparison", selection={"pairs": "right_wrong"})
    kill_workers(run, start_worker, server, lambda: one_order_is_there(run))
    server.control(latency_s=0.02)
    with at_work():
        finished(run)
    assert (run.verdicts, run.undecided) == (40, 0)
    assert JudgeReply.objects.filter(run=run).count() == 80
    assert_texts(run, prefers="right")
    for verdict in ComparisonVerdict.objects.filter(run=run).select_related("comparison__left"):
        assert (verdict.choice == "left") == verdict.comparison.left.is_correct
    assert server.stats()["repeated"] <= ROUNDS


def critique_is_there(run: JudgeRun) -> bool:
    """Of some solution the critique is stored, and no revision."""
    replies = JudgeReply.objects.filter(run=run)
    revised = replies.filter(slot=1).values("solution_id")
    return replies.filter(slot=0).exclude(solution_id__in=revised).exists()


def test_no_solution_is_revised_twice_when_workers_are_killed_after_its_critique(
    start_worker: StartWorker, at_work: AtWork, server: Model, project: Project, endpoint: Endpoint
) -> None:
    add_checked(project, 200)
    server.control(latency_s=0.3)
    run = started(endpoint, "critique-revise", revisions=1)
    kill_workers(run, start_worker, server, lambda: critique_is_there(run))
    with at_work():
        finished(run)
    assert (stored(run).verdicts, run.new_solutions) == (200, 200)
    assert JudgeReply.objects.filter(run=run).count() == 400
    assert_one_revision_each(run)
    assert_little_is_repeated(run, server)
