"""In a round of fresh eyes nobody gets a solution that they have labeled in another round."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.labeling.models import Assignment, Task
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
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
