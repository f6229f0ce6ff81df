"""A derived solution is listed with its assignment; an empty one is not listed."""

from __future__ import annotations

from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.models import OpenDispute
from apps.quality.review.queues import QueueFilters, queue_of
from tests.cast import bearer, make_problem, make_solution, signed_in


def derived_by(project: Project, labeler: User, **options: object) -> Assignment:
    assignment = claim(round=open_round(project=project, protocol="branching", options=options), labeler=labeler)
    assert isinstance(assignment, Assignment)
    steps = [SubmittedStep(position=0, candidate=0, text="The answer is: 5", chosen=True)]
    if options.get("starts_from") != "problems":
        steps = [
            SubmittedStep(position=0, candidate=0, rating=-1),
            SubmittedStep(position=0, candidate=1, text="The answer is: 5", chosen=True),
        ]
    return submit(assignment=assignment, submission=Submission(steps=steps, finish_reason="solution"))


def test_the_assignment_is_on_the_page_of_its_derived_solution(project: Project, bob: User, rita: User) -> None:
    begun = make_solution(make_problem(project, reference_answer="5"), steps=["Six."])
    assignment = derived_by(project, bob)
    assert assignment.derived_solution is not None
    client = signed_in(rita)

    def assignments_of(solution: Solution) -> list[Assignment]:
        page = client.get(reverse("solution", args=[project.slug, solution.pk]))
        assert page.status_code == 200
        return [labeler.assignment for labeler in page.context["evidence"].labelers]

    assert assignments_of(assignment.derived_solution) == [assignment]
    assert assignments_of(begun) == []


def test_filters_of_a_queue_find_a_derived_solution(project: Project, bob: User, rita: User) -> None:
    make_solution(make_problem(project, reference_answer="5"), steps=["Six."])
    assignment = derived_by(project, bob)
    OpenDispute.objects.create(project=project, solution=assignment.derived_solution, kind="unsure")

    def ids(**filters: int) -> list[int]:
        return list(queue_of(project, "unsure", QueueFilters(**filters)).values_list("solution_id", flat=True))

    assert ids() == [assignment.derived_solution_id]
    assert ids(labeler=bob.pk) == ids(round=assignment.round.number) == ids()
    assert ids(labeler=rita.pk) == ids(round=assignment.round.number + 1) == []


def test_what_a_round_starts_from_is_shown_nowhere(project: Project, bob: User, rita: User) -> None:
    make_problem(project, reference_answer="5")
    assignment = derived_by(project, bob, starts_from="problems")
    blank = assignment.task.solution
    assert blank is not None
    assert blank.step_count == 0
    page = signed_in(rita).get(reverse("solutions", args=[project.slug]))
    listed = bearer(rita).get(f"/api/v1/projects/{project.slug}/solutions").json()["results"]
    assert [one["id"] for one in listed] == [assignment.derived_solution_id]
    assert [one.pk for one in page.context["page"].rows] == [assignment.derived_solution_id]


def test_two_rounds_that_start_from_problems_share_the_blank_ones(project: Project) -> None:
    problems = [make_problem(project, subject=subject) for subject in ("Algebra", "Algebra", "Geometry")]
    first = open_round(
        project=project, protocol="branching", select="subject:Algebra", options={"starts_from": "problems"}
    )
    second = open_round(project=project, protocol="branching", options={"starts_from": "problems"})
    third = open_round(project=project, protocol="branching", select="sample:2", options={"starts_from": "problems"})
    assert [one.task_count for one in (first, second, third)] == [2, 3, 2]
    assert Solution.objects.count() == len(problems)
