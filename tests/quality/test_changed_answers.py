"""A changed reference answer marks the evidence that was based on the old one."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.problem_edits import edit_problem, grade_again
from apps.estimation.models import EstimationRun, StepEstimate
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import OpenDispute, StaleSolution
from apps.quality.review.evidence import Evidence, evidence_of
from tests.cast import make_problem, make_round, make_solution
from tests.quality.submissions import submit_next


def evidence(project: Project) -> Evidence:
    solution = project.solutions.select_related("problem", "project").get()
    return evidence_of(solution, lambda ids: dict.fromkeys(ids, "somebody"))


def kinds(project: Project) -> set[str]:
    return set(OpenDispute.objects.filter(project=project).values_list("kind", flat=True))


@pytest.mark.slow
def test_older_runs_and_assignments_are_marked_and_disputes_follow_the_new_answer(
    project: Project, bob: User, alice: User
) -> None:
    problem = make_problem(project, reference_answer="14")
    solution = make_solution(problem, final_answer="7", is_correct=False, grade="no_match")
    run = EstimationRun.objects.create(project=project, number=1, strategy="x", started_at=timezone.now())
    StepEstimate.objects.create(run=run, step=solution.steps.all()[0], rollouts=8, successes=0)
    submit_next(make_round(project), bob, 1, 1, 1)
    recompute_project(project)
    assert kinds(project) == {"wrong_without_bad_step"}
    assert not evidence(project).precedes_answer_change

    edit_problem(problem=problem, actor=alice, statement=problem.statement, reference_answer="7")
    assert StaleSolution.objects.filter(solution=solution).exists(), "ungraded: nothing is said of its answer"
    recompute_project(project)
    assert kinds(project) == set()
    grade_again(problem_id=problem.pk)
    assert StaleSolution.objects.filter(solution=solution).exists(), "graded: it is right now"
    recompute_project(project)
    assert kinds(project) == set()

    shown = evidence(project)
    assert shown.precedes_answer_change
    assert [one.precedes_answer_change for one in shown.runs] == [True]
    assert [one.precedes_answer_change for one in shown.labelers] == [True]
    later = EstimationRun.objects.create(project=project, number=2, strategy="x", started_at=timezone.now())
    StepEstimate.objects.create(run=later, step=solution.steps.all()[0], rollouts=8, successes=8)
    assert [one.precedes_answer_change for one in evidence(project).runs] == [True, False]


def test_another_statement_alone_marks_nothing(project: Project, bob: User, alice: User) -> None:
    problem = make_problem(project, reference_answer="14")
    make_solution(problem, final_answer="7", is_correct=False, grade="no_match")
    submit_next(make_round(project), bob, 1, 1, 1)
    recompute_project(project)
    edit_problem(problem=problem, actor=alice, statement="What is it?", reference_answer="14")
    assert not StaleSolution.objects.exists()
    assert evidence(project).answer_changed_at is None
