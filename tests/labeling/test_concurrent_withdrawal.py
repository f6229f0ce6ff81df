"""Retiring a problem or resplitting a solution while labelers work on it loses no label, slot or request."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import User
from apps.corpus.models import Problem, Solution
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, RoundProgress, StepLabel, Task
from apps.labeling.problems import bring_back, retire_problem
from apps.labeling.queue.leases import skip
from apps.labeling.resplit import resplit_steps
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from tests.at_once import while_uncommitted
from tests.cast import make_problem, make_round, make_solution
from tests.labeling.test_queue import BAD, GOOD, take
from tests.labeling.test_retired_problems import slots


@pytest.fixture
def bad(transactional_db: None, project: Project) -> Problem:
    problem = make_problem(project, reference_answer="42")
    for _ in range(2):
        make_solution(problem)
    return problem


@pytest.fixture
def retire(bad: Problem, alice: User) -> Callable[[], Problem]:
    return lambda: retire_problem(problem=bad, reason="x", actor=alice)


def slot_count() -> int:
    return Round.objects.get().slot_count


def test_a_submission_under_way_is_stored(
    project: Project, bad: Problem, retire: Callable[[], Problem], bob: User, alice: User
) -> None:
    held = take(make_round(project, redundancy=2), bob)
    while_uncommitted(lambda: submit(assignment=held, submission=GOOD), retire)
    assert Assignment.objects.get().state == "submitted"
    assert (StepLabel.objects.count(), RoundProgress.objects.get().submitted, slot_count()) == (3, 1, 1)
    bring_back(problem=bad, actor=alice)
    assert (slots(), slot_count()) == ([1, 2], 4)


def test_a_skip_under_way_is_stored(project: Project, retire: Callable[[], Problem], bob: User) -> None:
    held = take(make_round(project), bob)
    while_uncommitted(lambda: skip(assignment=held), retire)
    assert Assignment.objects.get().state == "skipped"
    assert slots() == [0, 0]


def test_an_assignment_returned_at_the_same_time_waits(
    project: Project, bad: Problem, retire: Callable[[], Problem], bob: User, alice: User
) -> None:
    held = submit(assignment=take(make_round(project), bob), submission=GOOD)
    while_uncommitted(lambda: return_assignment(assignment=held, note="Look again."), retire)
    assert (Assignment.objects.get().state, RoundProgress.objects.get().submitted, slot_count()) == ("returned", 0, 0)
    bring_back(problem=bad, actor=alice)
    assert (slots(), slot_count()) == ([0, 1], 2)


def test_a_returned_assignment_claimed_at_the_same_time_is_ended(
    project: Project, bad: Problem, retire: Callable[[], Problem], bob: User, alice: User
) -> None:
    round_ = make_round(project)
    held = submit(assignment=take(round_, bob), submission=GOOD)
    return_assignment(assignment=held, note="Look again.")
    while_uncommitted(lambda: take(round_, bob), retire)
    assert Assignment.objects.get().state == "released"
    assert submit(assignment=held, submission=GOOD).state == "extra"
    bring_back(problem=bad, actor=alice)
    assert (slots(), slot_count()) == ([1, 1], 2)


@pytest.mark.parametrize("which", ["retire", "retire another of the round", "resplit"])
def test_a_worker_that_opens_slots_is_waited_for(
    project: Project, bad: Problem, bob: User, rita: User, alice: User, which: str
) -> None:
    other = make_solution(make_problem(project))
    round_ = make_round(project, redundancy=2, most_people=3)
    solution = bad.solutions.order_by("pk").first()
    assert solution is not None
    for labeler, said in ((bob, GOOD), (rita, BAD)):
        submit(assignment=take(round_, labeler), submission=said)
    acts: dict[str, Callable[[], object]] = {
        "retire": lambda: retire_problem(problem=bad, reason="x", actor=alice),
        "retire another of the round": lambda: retire_problem(problem=other.problem, reason="x", actor=alice),
        "resplit": lambda: resplit_steps(solution=solution, texts=["One.Two.", "Three."], actor=alice),
    }
    while_uncommitted(lambda: recompute_project(project), acts[which])
    task = Task.objects.get(solution=solution)
    assert (task.extra_slots, task.open_slots) == (1, 1 if which == "retire another of the round" else 0)
    # Six places and the extra one; of a retired problem those of two labelers stay, of a resplit solution as well.
    assert slot_count() == {"retire": 4, "retire another of the round": 5, "resplit": 8}[which]


@pytest.mark.parametrize("which", ["retire", "resplit"])
def test_a_dialogue_that_derives_a_solution_is_waited_for(
    project: Project, bad: Problem, bob: User, alice: User, which: str
) -> None:
    """What it refers to is looked up when it is committed."""
    held = take(make_round(project), bob)
    old = held.task.solution
    assert old is not None
    acts: dict[str, Callable[[], object]] = {
        "retire": lambda: retire_problem(problem=bad, reason="x", actor=alice),
        "resplit": lambda: resplit_steps(solution=old, texts=["One.Two.", "Three."], actor=alice),
    }

    def hand_in() -> None:
        submit(assignment=held, submission=GOOD)
        make_solution(bad)

    while_uncommitted(hand_in, acts[which])
    assert Assignment.objects.get(pk=held.pk).state == "submitted"
    assert Solution.objects.filter(problem=bad).count() == {"retire": 3, "resplit": 4}[which]
