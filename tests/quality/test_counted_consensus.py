"""Consensus follows from counted assignments: enough of them, and none that only measures a labeler."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.corpus.models import Solution, Step
from apps.labeling.models import Assignment, GoldLabel, Round, StepLabel, Task
from apps.labeling.problems import bring_back, retire_problem
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Consensus, OpenDispute, QualityRules, StepConsensus
from apps.quality.review.adjudication import adjudicate_solution
from apps.quality.rules import change_rules
from tests.cast import make_problem, make_solution, make_user
from tests.quality.labeled_project import add_labelers
from tests.quality.submissions import add_gold, mark_all_stale

pytestmark = pytest.mark.slow


@pytest.fixture
def crew(project: Project) -> list[User]:
    return add_labelers(project, 5)


def make_task(solution: Solution, number: int = 1, **fields: Any) -> Task:
    is_gold = fields.pop("is_gold", False)
    round_ = Round.objects.create(
        project=solution.project, number=number, protocol="first_error", status="open", **fields
    )
    return Task.objects.create(round=round_, solution=solution, open_slots=0, is_gold=is_gold)


def answer(task: Task, labeler: User, *ratings: int | None, **fields: Any) -> Assignment:
    """A submission as the queue leaves it behind."""
    assignment = Assignment.objects.create(
        task=task, round=task.round, labeler=labeler, state="submitted", submitted_at=timezone.now(), **fields
    )
    steps = Step.objects.filter(solution=task.solution_id, chosen=True).order_by("position")
    for step, rating in zip(steps, ratings, strict=False):
        StepLabel.objects.create(assignment=assignment, step=step, rating=rating, unsure=rating is None)
    return assignment


def settle(project: Project) -> None:
    mark_all_stale(project)
    recompute_project(project)


def kinds(solution: Solution) -> set[str]:
    return set(OpenDispute.objects.filter(solution=solution).values_list("kind", flat=True))


# --- what counts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["screening", "training", "gold", "retired"])
def test_what_only_measures_a_labeler_settles_nothing(project: Project, crew: list[User], kind: str) -> None:
    solution = make_solution(make_problem(project, retired_at=timezone.now() if kind == "retired" else None))
    task = make_task(solution, kind=kind if kind in ("screening", "training") else "work", is_gold=kind == "gold")
    add_gold(solution, 1, 1, 1)
    answer(task, crew[0], 1, -1, is_quality_control=kind == "gold")
    answer(task, crew[1], None, is_quality_control=kind == "gold")
    settle(project)
    assert not Consensus.objects.exists()
    assert not StepConsensus.objects.exists()
    assert kinds(solution) == set()


def test_a_retired_problem_leaves_disputes_and_comes_back_to_them(
    project: Project, alice: User, crew: list[User]
) -> None:
    solution = make_solution(make_problem(project))
    task = make_task(solution, redundancy=2)
    answer(task, crew[0], 1, -1)
    answer(task, crew[1], -1)
    settle(project)
    assert kinds(solution) == {"people"}
    problem = retire_problem(problem=solution.problem, reason="twice in the set", actor=alice)
    recompute_project(project)
    assert (kinds(solution), Consensus.objects.count()) == (set(), 0)
    bring_back(problem=problem, actor=alice)
    recompute_project(project)
    assert (kinds(solution), Consensus.objects.count()) == ({"people"}, 1)


# --- gold -------------------------------------------------------------------------------------------------


def test_a_label_that_contradicts_gold_is_in_dispute_and_stays_in_the_consensus(
    project: Project, crew: list[User]
) -> None:
    solution = make_solution(make_problem(project))
    add_gold(solution, 1, 1, 1)
    answer(make_task(solution), crew[0], 1, -1)
    settle(project)
    assert Consensus.objects.get().first_error == 1
    assert "people_gold" in kinds(solution)


def test_gold_of_single_steps_is_contradicted_step_by_step(project: Project, crew: list[User]) -> None:
    """Gold speaks of the second step alone, so that it names no first error."""
    right, wrong = (make_solution(make_problem(project, f"{number}?")) for number in range(2))
    for number, (solution, ratings) in enumerate([(right, (1, -1)), (wrong, (1, 1, 1))]):
        add_gold(solution, 1, -1)
        GoldLabel.objects.filter(step__solution=solution, step__position=0).delete()
        answer(make_task(solution, number + 1), crew[0], *ratings)
    settle(project)
    assert (kinds(right), kinds(wrong)) == (set(), {"people_gold"})


def test_a_reviewer_who_contradicts_gold_leaves_that_dispute_open_and_no_other(
    project: Project, rita: User, crew: list[User]
) -> None:
    solution = make_solution(make_problem(project))
    add_gold(solution, 1, 1, 1)
    task = make_task(solution, redundancy=2)
    answer(task, crew[0], 1, -1)
    answer(task, crew[1], 1, 1, 1)
    settle(project)
    assert kinds(solution) == {"people", "people_gold"}
    adjudicate_solution(solution=solution, first_error=1, by=rita)
    recompute_project(project)
    assert kinds(solution) == {"people_gold"}
    adjudicate_solution(solution=solution, first_error=-1, by=rita)
    recompute_project(project)
    assert kinds(solution) == set()


# --- how many people --------------------------------------------------------------------------------------


def test_fewer_people_than_the_round_asks_for_leave_a_label_thin(project: Project, crew: list[User]) -> None:
    solution = make_solution(make_problem(project))
    task = make_task(solution, redundancy=3)
    states = []
    for labeler in crew[:3]:
        answer(task, labeler, 1, -1)
        settle(project)
        stands = Consensus.objects.get()
        states.append((stands.state, stands.first_error, stands.people, stands.required, round(stands.certainty, 3)))
    assert states == [("thin", 1, 1, 3, 0.75), ("thin", 1, 2, 3, 0.833), ("settled", 1, 3, 3, 0.875)]


def test_suspended_people_do_not_fill_the_number(project: Project, crew: list[User]) -> None:
    solution = make_solution(make_problem(project))
    task = make_task(solution, redundancy=2)
    answer(task, crew[0], 1, -1)
    answer(task, crew[1], 1, -1)
    project.memberships.filter(user=crew[1]).update(status="suspended")
    settle(project)
    stands = Consensus.objects.get()
    assert (stands.state, stands.people, stands.required) == ("thin", 1, 2)


def test_a_round_that_asks_for_one_is_settled_by_one_who_is_not_certain(project: Project, crew: list[User]) -> None:
    answer(make_task(make_solution(make_problem(project))), crew[0], 1, -1)
    settle(project)
    stands = Consensus.objects.get()
    assert (stands.state, stands.people, stands.required, stands.certainty) == ("settled", 1, 1, 0.75)
    assert set(StepConsensus.objects.values_list("certainty", "people", "is_thin")) == {(0.75, 1, False)}


@pytest.mark.parametrize(
    ("spoke", "expected"), [([3], ("thin", 1, 3)), ([1], ("settled", 1, 1)), ([3, 1], ("settled", 2, 1))]
)
def test_of_several_rounds_the_smallest_redundancy_of_counted_assignments_holds(
    project: Project, crew: list[User], spoke: list[int], expected: tuple[str, int, int]
) -> None:
    solution = make_solution(make_problem(project))
    tasks = {redundancy: make_task(solution, number=redundancy, redundancy=redundancy) for redundancy in (1, 3)}
    for labeler, redundancy in zip(crew, spoke, strict=False):
        answer(tasks[redundancy], labeler, 1, -1)
    settle(project)
    stands = Consensus.objects.get()
    assert (stands.state, stands.people, stands.required) == expected


def test_the_project_may_ask_for_a_number_of_its_own(project: Project, alice: User, crew: list[User]) -> None:
    answer(make_task(make_solution(make_problem(project))), crew[0], 1, -1)
    change_rules(project=project, actor=alice, min_labelers=2)
    recompute_project(project)
    stands = Consensus.objects.get()
    assert (stands.state, stands.required) == ("thin", 2)
    assert set(StepConsensus.objects.values_list("is_thin", flat=True)) == {True}


def test_what_one_of_three_says_behind_the_first_error_is_thin(project: Project, crew: list[User]) -> None:
    task = make_task(make_solution(make_problem(project)), redundancy=3)
    for labeler, ratings in zip(crew, [(1, -1), (1, -1), (1, 1, 1)], strict=False):
        answer(task, labeler, *ratings)
    settle(project)
    assert Consensus.objects.get().state == "settled"
    steps = StepConsensus.objects.order_by("step__position").values_list("rating", "people", "is_thin")
    assert list(steps) == [(1, 3, False), (-1, 3, False), (1, 1, True)]


def test_an_adjudication_is_not_thin(project: Project, rita: User, crew: list[User]) -> None:
    solution = make_solution(make_problem(project))
    answer(make_task(solution, redundancy=3), crew[0], 1, -1)
    settle(project)
    adjudicate_solution(solution=solution, first_error=1, by=rita)
    recompute_project(project)
    assert (Consensus.objects.get().state, Consensus.objects.get().certainty) == ("settled", 1.0)
    assert set(StepConsensus.objects.values_list("is_thin", flat=True)) == {False}


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["majority", "dawid-skene"])
def test_a_single_rating_is_never_certain(project: Project, crew: list[User], rule: str) -> None:
    """Whom nobody checks, Dawid and Skene's method takes at their word."""
    QualityRules.objects.create(project=project, rule=rule)
    for number in range(30):
        solution = make_solution(make_problem(project, f"{number}?"))
        answer(make_task(solution, number), crew[0], *([1, -1] if number % 2 else [1, 1, 1]))
    settle(project)
    assert Consensus.objects.count() == 30
    assert max(Consensus.objects.values_list("certainty", flat=True)) <= 0.75
    assert max(StepConsensus.objects.values_list("certainty", flat=True)) <= 0.75


def test_a_tie_is_a_tie(project: Project, crew: list[User]) -> None:
    solution = make_solution(make_problem(project))
    task = make_task(solution, redundancy=2)
    answer(task, crew[0], 1, -1)
    answer(task, crew[1], 1, 1, 1)
    settle(project)
    stands = Consensus.objects.get()
    assert (stands.state, stands.first_error, stands.people) == ("tied", None, 2)


def test_an_unsure_step_is_no_tie(project: Project, crew: list[User]) -> None:
    answer(make_task(make_solution(make_problem(project))), crew[0], 1, None)
    settle(project)
    assert Consensus.objects.get().state == "open"


def test_rules_refuse_a_number_that_cannot_be(project: Project, alice: User) -> None:
    with pytest.raises(DomainError) as raised:
        change_rules(project=project, actor=alice, min_labelers=0)
    assert raised.value.fields == {"min_labelers": "must be empty or between 1 and 99"}


def test_an_old_extra_says_nothing_twice(project: Project) -> None:
    """A labeler who speaks twice is one person."""
    solution = make_solution(make_problem(project))
    labeler = make_user("twice")
    answer(make_task(solution, 1, redundancy=2), labeler, 1, -1)
    answer(make_task(solution, 2, redundancy=2), labeler, 1, 1, 1)
    settle(project)
    stands = Consensus.objects.get()
    assert (stands.state, stands.people, stands.first_error) == ("thin", 1, -1)
