"""In a round of fresh eyes nobody gets a solution that they know: by a label of theirs, or by labels of models."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.assignments.verify_mode import open_in_verify_mode, shown_model_labels
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import release, skip
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_round, make_solution
from tests.labeling.test_queue import nothing, take
from tests.world import rate


def test_own_solutions_go_to_the_others(project: Project, bob: User, rita: User) -> None:
    first = make_round(project, tasks=2)
    rate(first, bob, 1, -1)
    again = open_round(project=project, protocol="first_error", fresh_eyes=True)
    of_bob = Assignment.objects.get(labeler=bob).task.solution_id
    assert take(again, bob).task.solution_id != of_bob
    rate(again, bob, 1, -1)
    assert nothing(again, bob) == "done_by_you"
    assert take(again, rita).task.solution_id == of_bob


def test_a_lease_that_was_never_submitted_is_no_label(project: Project, bob: User) -> None:
    take(make_round(project, tasks=1), bob)
    take(open_round(project=project, protocol="first_error", fresh_eyes=True), bob)


def test_other_rounds_serve_it_again(project: Project, bob: User) -> None:
    rate(make_round(project, tasks=1), bob, -1)
    take(open_round(project=project, protocol="first_error"), bob)


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_gold_does_not_come_once_only_known_tasks_are_left(project: Project, bob: User, share: float) -> None:
    """A task that comes when nothing else could come must be gold: the labeler would know."""
    rate(make_round(project, tasks=1), bob, -1)
    make_gold(make_solution(make_problem(project), ["Gold.", "So it is."]), 1, 1)
    round_ = open_round(project=project, protocol="first_error", fresh_eyes=True, gold_share=share)
    assert Task.objects.filter(round=round_, is_gold=False).count() == 1
    served = claim(round=round_, labeler=bob)
    assert isinstance(served, Assignment) == (share == 1.0)


# --- verify mode ------------------------------------------------------------------------------------------


def show(assignment: Assignment) -> bool:
    """Opens the assignment as the API does. Returns whether it shows labels of a model."""
    open_in_verify_mode(assignment, lambda solution_id: {"run": 1, "steps": []})
    return shown_model_labels(assignment) is not None


@pytest.mark.parametrize("leave", [skip, release, None])
def test_a_solution_whose_model_labels_were_shown_is_known(project: Project, bob: User, rita: User, leave: Any) -> None:
    opened = take(make_round(project, tasks=2, mode="verify"), bob)
    assert show(opened)
    if leave is not None:
        leave(assignment=opened)
    blind = open_round(project=project, protocol="first_error", fresh_eyes=True)
    assert rate(blind, bob, 1, -1).task.solution_id != opened.task.solution_id
    assert nothing(blind, bob) == "done_by_you"
    assert take(blind, rita).task.solution_id == opened.task.solution_id


@pytest.mark.parametrize("status", [Round.Status.OPEN, Round.Status.PAUSED])
def test_verify_mode_does_not_serve_what_waits_for_fresh_eyes(
    project: Project, alice: User, bob: User, rita: User, status: Round.Status
) -> None:
    blind = make_round(project, tasks=2, fresh_eyes=True)
    waiting = set(blind.tasks.values_list("solution_id", flat=True))
    rate(blind, bob, 1, -1)
    set_round_status(round=blind, status=status, actor=alice)
    other = make_solution(make_problem(project))
    verify = open_round(project=project, protocol="first_error", mode="verify", redundancy=2)
    assert rate(verify, bob, -1).task.solution_id == other.pk
    assert nothing(verify, bob) == "done_by_you", "they label one of them, and may still correct the other"
    set_round_status(round=blind, status=Round.Status.OPEN, actor=alice)
    rate(blind, rita, -1)
    served = take(verify, bob)
    assert served.task.solution_id in waiting, "the round is complete"
    assert show(served)


def test_gold_of_verify_mode_waits_as_well(project: Project, alice: User, bob: User) -> None:
    blind = make_round(project, fresh_eyes=True)
    make_gold(Solution.objects.get(tasks__round=blind), 1, 1)
    make_solution(make_problem(project))
    verify = open_round(project=project, protocol="first_error", mode="verify", gold_share=1.0)
    assert not rate(verify, bob, -1).task.is_gold
    nothing(verify, bob)
    set_round_status(round=blind, status=Round.Status.CLOSED, actor=alice)
    assert take(verify, bob).task.is_gold


def test_an_older_assignment_in_verify_mode_shows_nothing_meanwhile(project: Project, alice: User, bob: User) -> None:
    leased = take(make_round(project, mode="verify"), bob)
    blind = open_round(project=project, protocol="first_error", fresh_eyes=True)
    assert not show(leased)
    set_round_status(round=blind, status=Round.Status.CLOSED, actor=alice)
    assert show(leased)


def test_rounds_without_fresh_eyes_hide_nothing(project: Project, bob: User) -> None:
    make_round(project)
    open_round(project=project, protocol="first_error", mode="verify", fresh_eyes=True)
    assert show(take(open_round(project=project, protocol="first_error", mode="verify"), bob))
