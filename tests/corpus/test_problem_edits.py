"""A problem is edited, and its solutions are graded again."""

from __future__ import annotations

import pytest

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError
from apps.corpus.identity import problem_digest
from apps.corpus.models import Problem, Solution
from apps.corpus.problem_edits import edit_problem, grade_again
from apps.projects.models import Project
from tests.cast import make_problem, make_solution, signed_in
from tests.processes import eventually


@pytest.fixture
def problem(project: Project) -> Problem:
    problem = make_problem(project, "What is 20 + 22?", reference_answer="41")
    for answer in ("41", "42"):
        make_solution(
            problem, final_answer=answer, is_correct=answer == "41", grade="match" if answer == "41" else "no_match"
        )
    return problem


def grades(problem: Problem) -> dict[str | None, bool | None]:
    return dict(Solution.objects.filter(problem=problem).values_list("final_answer", "is_correct"))


def test_another_answer_ungrades_at_once_and_grades_again(problem: Problem, alice: User) -> None:
    edit_problem(problem=problem, actor=alice, statement=problem.statement, reference_answer="42")
    assert grades(problem) == {"41": None, "42": None}
    assert grade_again(problem_id=problem.pk) == 2
    assert grades(problem) == {"41": False, "42": True}
    assert grade_again(problem_id=problem.pk) == 0
    mended, graded = AuditEvent.objects.filter(verb__startswith="problem.").order_by("id")
    assert (mended.actor, mended.before["reference_answer"], mended.after["reference_answer"]) == (alice, "41", "42")
    assert graded.after == {"graded": 2, "right": 1, "wrong": 1}


def test_another_statement_leaves_the_grades(problem: Problem, alice: User) -> None:
    mended = edit_problem(problem=problem, actor=alice, statement="What is 21 + 20?\r\n", reference_answer="41")
    assert (mended.statement, mended.digest) == ("What is 21 + 20?", problem_digest("What is 21 + 20?"))
    assert grades(problem) == {"41": True, "42": False}


def test_nothing_new_changes_nothing(problem: Problem, alice: User) -> None:
    edit_problem(problem=problem, actor=alice, statement="What is 20 + 22?\r\n ", reference_answer=" 41")
    assert not AuditEvent.objects.filter(verb="problem.edited").exists()


def test_without_an_answer_there_is_nothing_to_grade(problem: Problem, alice: User) -> None:
    mended = edit_problem(problem=problem, actor=alice, statement=problem.statement, reference_answer=" ")
    assert mended.reference_answer is None
    assert grade_again(problem_id=problem.pk) == 0
    assert grades(problem) == {"41": None, "42": None}


@pytest.mark.parametrize("statement", ["", "  ", "What is asked elsewhere?"])
def test_an_invalid_statement_is_refused(problem: Problem, alice: User, statement: str) -> None:
    make_problem(problem.project, "What is asked elsewhere?")
    with pytest.raises(DomainError) as told:
        edit_problem(problem=problem, actor=alice, statement=statement, reference_answer="42")
    assert "statement" in told.value.fields
    assert grades(problem) == {"41": True, "42": False}


@pytest.mark.django_db(transaction=True)
def test_a_worker_grades_after_an_edit_by_the_api(problem: Problem, alice: User, worker: None) -> None:
    answer = signed_in(alice).patch(
        f"/api/v1/problems/{problem.pk}", {"reference_answer": "42"}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["statement"] == "What is 20 + 22?"
    eventually(lambda: grades(problem) == {"41": False, "42": True})
