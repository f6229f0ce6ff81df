"""What a project holds is counted from its rows, whether a file brought them or a model wrote them."""

from __future__ import annotations

from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.holdings import holdings_of
from apps.corpus.identity import EMPTY_SOLUTION
from apps.corpus.models import Solution
from apps.projects.models import Project
from tests.cast import make_problem, make_solution, signed_in


def test_solutions_that_came_with_no_import_are_counted(project: Project, rita: User) -> None:
    problem = make_problem(project)
    make_solution(problem, ["One.", "Two."])
    make_solution(problem, ["One.", "Two.", "Three."])
    held = holdings_of(project)
    assert (held.problems, held.solutions, held.steps) == (1, 2, 5)
    for page in ("project", "solutions"):
        shown = " ".join(signed_in(rita).get(reverse(page, args=[project.slug])).content.decode().split())
        assert "<dd>2</dd>" in shown if page == "project" else "2 solutions of 1 problem." in shown


def test_empty_solutions_of_rounds_over_problems_are_none(project: Project) -> None:
    problem = make_problem(project)
    Solution.objects.create(project=project, problem=problem, digest=EMPTY_SOLUTION, step_count=0)
    held = holdings_of(project)
    assert (held.problems, held.solutions, held.steps) == (1, 0, 0)
