"""Gold that a labeler released, skipped or let expire comes again after everything else, as ordinary tasks do."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.leases import expire_leases, release, skip
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_screening, make_solution
from tests.world import rate

PLAIN, GOLD = 8, 3


class AlwaysGold(random.Random):
    """Dice that ask for gold each time, and begin anywhere."""

    def random(self) -> float:
        return super().random() * 0.01


def let_lapse(assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(leased_until=timezone.now() - timedelta(minutes=1))
    expire_leases()


def give_back(assignment: Assignment) -> None:
    release(assignment=assignment)


WAYS: list[Callable[[Assignment], None]] = [give_back, let_lapse]


@pytest.fixture
def mixed(project: Project) -> Round:
    for number in range(PLAIN + GOLD):
        solution = make_solution(make_problem(project, reference_answer="1"))
        if number < GOLD:
            make_gold(solution, 1, 1, 1)
    return open_round(project=project, protocol="first_error", gold_share=0.5)


def drawn(round_: Round, labeler: User, leave: Callable[[Assignment], None], times: int) -> list[Task]:
    """The tasks of so many claims, each of which is left unrated."""
    tasks, dice = [], AlwaysGold(7)
    for _ in range(times):
        assignment = claim(round=round_, labeler=labeler, dice=dice)
        assert not isinstance(assignment, NoTask), assignment
        tasks.append(assignment.task)
        leave(assignment)
    return tasks


@pytest.mark.parametrize("leave", WAYS)
def test_no_task_comes_again_before_all_others(mixed: Round, bob: User, leave: Callable[[Assignment], None]) -> None:
    tasks = drawn(mixed, bob, leave, 3 * (PLAIN + GOLD))
    for start in range(0, len(tasks), PLAIN + GOLD):
        some = tasks[start : start + PLAIN + GOLD]
        assert len({task.pk for task in some}) == PLAIN + GOLD, "a task came again before the others of the pool"
        assert sum(task.is_gold for task in some) == GOLD


@pytest.mark.parametrize("leave", WAYS)
def test_gold_that_came_back_waits_while_there_are_new_tasks(
    mixed: Round, bob: User, leave: Callable[[Assignment], None]
) -> None:
    left = [task.pk for task in drawn(mixed, bob, leave, GOLD)]
    served = []
    for _ in range(PLAIN):
        assignment = claim(round=mixed, labeler=bob, dice=AlwaysGold(3))
        assert not isinstance(assignment, NoTask)
        served.append(assignment.task_id)
        assignment.round = mixed
        rate(mixed, bob, 1, 1, 1)
    assert not set(served) & set(left)
    # Nothing else is left to give: what came now could be nothing but gold.
    assert isinstance(claim(round=mixed, labeler=bob, dice=AlwaysGold(3)), NoTask)


@pytest.mark.parametrize("leave", WAYS)
def test_in_a_screening_tasks_that_came_back_are_served_last(
    project: Project, bob: User, leave: Callable[[Assignment], None]
) -> None:
    screening = make_screening(project, tasks=4)
    tasks = drawn(screening, bob, leave, 8)
    assert len({task.pk for task in tasks[:4]}) == 4
    assert [task.pk for task in tasks[4:]] == [task.pk for task in tasks[:4]]
    for _ in range(4):
        rate(screening, bob, 1, -1)
    assert Assignment.objects.submitted().filter(labeler=bob).values("task").distinct().count() == 4


def test_tasks_that_others_released_are_new_to_this_labeler(mixed: Round, bob: User, rita: User) -> None:
    drawn(mixed, rita, give_back, GOLD)
    assert all(task.is_gold for task in drawn(mixed, bob, give_back, GOLD))


def test_skipped_gold_comes_back_in_order_with_other_skipped_tasks(mixed: Round, bob: User) -> None:
    def put_off(assignment: Assignment) -> None:
        skip(assignment=assignment)

    tasks = drawn(mixed, bob, put_off, PLAIN + GOLD)
    assert len({task.pk for task in tasks}) == PLAIN + GOLD
    again = [claim(round=mixed, labeler=bob, dice=AlwaysGold(1))]
    assert isinstance(again[0], Assignment)
    assert again[0].task_id == tasks[0].pk
