from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.labeling.models import Task
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_problem, make_solution


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"protocol": "branching", "options": {"candidates": 9}}, "options"),
        ({"protocol": "branching", "options": {"starts_from": "nothing"}}, "options"),
        ({"protocol": "branching", "options": {"starts_from": "problems"}, "select": "wrong"}, "select"),
        ({"protocol": "nonsense"}, "protocol"),
        ({"redundancy": 0}, "redundancy"),
        ({"gold_share": 1.5}, "gold_share"),
        ({"gold_share": 0.1}, "gold_share"),
        ({"lease_minutes": 0}, "lease_minutes"),
        ({"select": "best"}, "select"),
        ({"select": "source"}, "select"),
        ({"select": "sample:0"}, "select"),
        ({"select": "subject:Poetry"}, "select"),
    ],
)
def test_an_invalid_round_names_the_field(project: Project, arguments: dict[str, object], field: str) -> None:
    make_solution(make_problem(project))
    with pytest.raises(DomainError) as caught:
        open_round(project=project, **{"protocol": "first_error", **arguments})  # type: ignore[arg-type]
    assert field in caught.value.fields
    assert not project.rounds.exists()


def test_a_round_needs_solutions(project: Project) -> None:
    with pytest.raises(DomainError, match="No solution"):
        open_round(project=project, protocol="first_error")


@pytest.mark.parametrize(
    ("select", "count"),
    [("all", 4), ("", 4), ("wrong", 2), ("right", 1), ("wrong,source:a", 1), ("subject:Algebra", 1), ("sample:3", 3)],
)
def test_the_selection_says_which_solutions(project: Project, select: str, count: int) -> None:
    algebra, other = make_problem(project, subject="Algebra"), make_problem(project)
    make_solution(algebra, is_correct=False, source="a")
    make_solution(other, is_correct=False, source="b")
    make_solution(other, is_correct=True, source="a")
    make_solution(other)
    make_solution(other, steps=[])
    assert open_round(project=project, protocol="first_error", select=select).task_count == count


def test_rounds_are_numbered_from_one_and_take_the_newest_guidelines(project: Project, alice: User) -> None:
    from apps.projects.services import publish_guidelines

    make_solution(make_problem(project))
    publish_guidelines(project=project, text="One.", author=alice)
    newest = publish_guidelines(project=project, text="Two.", author=alice)
    rounds = [open_round(project=project, protocol="every_step") for _ in range(2)]
    assert [one.number for one in rounds] == [1, 2]
    assert {one.guideline for one in rounds} == {newest}
    assert Task.objects.count() == 2
