"""Twelve rows cost a page as many queries as three."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.corpus.services import create_import, keep_upload
from apps.estimation.models import EstimationRun, StepEstimate
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.exports.services import create_export
from apps.inference.services import add_endpoint
from apps.judging.judges import save_constitution, save_judge
from apps.judging.models import ComparisonVerdict, JudgeReply, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.runs.services import start_judging
from apps.labeling.models import Assignment, GoldLabel
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import skip
from apps.labeling.rounds.services import create_round, open_round
from apps.projects.models import Project
from apps.projects.services import add_member, create_project, invite, publish_guidelines
from tests.cast import make_comparison, make_gold, make_problem, make_screening, make_solution, make_user, signed_in
from tests.evaluation.scored_project import judge, make_judge_run
from tests.world import ROW, rate


def more_solutions(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        solution = make_solution(make_problem(project, reference_answer="2"), final_answer="2", source="a model")
        GoldLabel.objects.create(step=solution.steps.all()[0], rating=1)
    round_ = open_round(project=project, protocol="first_error")
    for _ in range(count):
        rate(round_, alice, 1, -1)


def more_turns(project: Project, alice: User, count: int) -> None:
    """So many people on one solution, and one Monte Carlo run."""
    if not project.solutions.exists():
        make_solution(make_problem(project))
    solution = project.solutions.get()
    run = EstimationRun.objects.create(
        project=project, number=project.estimation_runs.count() + 1, strategy="math-shepherd"
    )
    StepEstimate.objects.bulk_create(
        StepEstimate(run=run, step=step, rollouts=8, successes=3) for step in solution.steps.all()
    )
    round_ = open_round(project=project, protocol="first_error", redundancy=count)
    for _ in range(count):
        rate(round_, more_people(project, alice, 1), 1, 1, finish="give_up", reason="no idea")


def more_flags(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error", redundancy=2)
    for _ in range(count):
        rate(round_, alice, None, -1)
    reporter = more_people(project, alice, 1)
    for _ in range(count):
        rate(round_, reporter, finish="bad_problem", reason="unclear")


def more_put_off(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    for _ in range(count):
        assignment = claim(round=round_, labeler=alice)
        assert isinstance(assignment, Assignment)
        skip(assignment=assignment, reason="later")


def more_sitters(project: Project, alice: User, count: int) -> None:
    """So many people who have taken the same screening."""
    round_ = project.rounds.filter(number=-1).first() or make_screening(project, tasks=1)
    for _ in range(count):
        rate(round_, more_people(project, alice, 1), 1, -1)


def more_people(project: Project, alice: User, count: int) -> User:
    for _ in range(count):
        user = make_user(f"person{User.objects.count()}")
        add_member(project=project, user=user, role="labeler")
        invite(project=project, role="labeler", invited_by=alice)
    return user


def more_rounds(project: Project, alice: User, count: int) -> None:
    if not project.solutions.exists():
        make_solution(make_problem(project))
    for _ in range(count):
        round_ = open_round(project=project, protocol="first_error")
        rate(round_, alice, 1, -1)


def more_files(project: Project, alice: User, count: int) -> None:
    for number in range(count):
        create_import(
            project=project,
            file=ContentFile(ROW),
            filename=f"{number}.jsonl",
            format="jsonl",
            uploaded_by=alice,
        )
        keep_upload(project=project, file=ContentFile(ROW), filename=f"{number}.jsonl", uploaded_by=alice)
        create_export(project=project, format="annotate", requested_by=alice)


def more_evaluations(project: Project, alice: User, count: int) -> None:
    """As many finished ones, about as many raters."""
    solution = make_solution(make_problem(project))
    make_gold(solution, 1, -1)
    for _ in range(count):
        judge(make_judge_run(project), solution, 1, -1)
        for kind in ("processbench", "steps"):
            evaluation = create_evaluation(
                project=project, kind=kind, options={"resamples": 0}, requested_by=alice, enqueue=False
            )
            run_evaluation(evaluation_id=evaluation.pk)


def more_judges(project: Project, alice: User, count: int) -> None:
    """As many judges with a version and a constitution each, and results of theirs on one solution and one comparison."""
    comparison = project.comparisons.first() or make_comparison(make_problem(project), ["One.", "Two."], ["Three."])
    solution = comparison.left
    endpoint = project.endpoints.first() or add_endpoint(
        project=project, name="lab", url="http://127.0.0.1:9/v1", model="small"
    )
    for _ in range(count):
        name = f"judge-{project.judges.count()}"
        for kind in ("steps", "principle"):
            by = save_judge(project=project, endpoint=endpoint, kind=kind, name=f"{name}-{kind}", created_by=alice)
            run = start_judging(judge=by, created_by=alice, selection={"pairs": "existing"} if by.compares else {})
            JudgeRun.objects.filter(pk=run.pk).update(status="finished")
            if by.compares:
                ComparisonVerdict.objects.create(run=run, comparison=comparison, outcome="verdict", choice="left")
            else:
                SolutionVerdict.objects.create(run=run, solution=solution, outcome="verdict", first_error=1)
                steps = enumerate(solution.steps.order_by("position"))
                StepVerdict.objects.bulk_create(
                    StepVerdict(run=run, step=step, rating=-1 if place else 1, reason="So.") for place, step in steps
                )


def more_results(project: Project, alice: User, count: int) -> None:
    """As many solutions with a result, and replies about the first one, all of one run."""
    solutions = [make_solution(make_problem(project)) for _ in range(count)]
    run = project.judge_runs.first()
    if run is None:
        more_judges(project, alice, 1)
        run = project.judge_runs.get(judge__kind="steps")
        JudgeRun.objects.exclude(pk=run.pk).delete()
        JudgeRun.objects.update(number=1)
    for solution in solutions:
        SolutionVerdict.objects.create(run=run, solution=solution, outcome="refusal", reason="No.")
    first = run.solution_verdicts.order_by("solution").first()
    assert first is not None
    verdict = {"kind": "steps", "ratings": {"0": 1}, "reasons": {"0": "It holds."}}
    present = JudgeReply.objects.count()
    for slot in range(count):
        JudgeReply.objects.create(
            run=run, solution=first.solution, slot=present + slot, outcome="verdict", verdict=verdict
        )


def more_constitutions(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        text = {"critique": f"Name what is long, {project.constitutions.count()}.", "revision": "Cut.", "question": "?"}
        values = {"name": "own", "title": "Own", "principles": [{"name": "brevity", **text}]}
        save_constitution(project=project, values=values, created_by=alice)


def first_item(project: Project) -> str:
    solution = project.judge_runs.get().solution_verdicts.order_by("solution").first().solution_id  # type: ignore[union-attr]
    return f"/projects/{project.slug}/judging/runs/1/items/{solution}"


def more_projects(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        other = create_project(slug=f"project-{Project.objects.count()}", owner=alice)
        more_rounds(other, alice, 1)
        more_files(other, alice, 1)


def more_guidelines(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        publish_guidelines(project=project, text=f"Version {project.guidelines.count()}", author=alice)


def more_tokens(project: Project, alice: User, count: int) -> None:
    for _ in range(count):
        issue_token(user=alice)


def first_problem(project: Project) -> str:
    return f"/projects/{project.slug}/problems/{project.problems.order_by('pk').first().pk}"  # type: ignore[union-attr]


def a_draft(project: Project) -> str:
    make_solution(make_problem(project))
    drafted = create_round(project=project, protocol="first_error", skills=["Lean"])
    return f"/projects/{project.slug}/rounds/{drafted.number}"


def first_solution(project: Project) -> str:
    return f"/projects/algebra/solutions/{project.solutions.order_by('pk').first().pk}"  # type: ignore[union-attr]


def first_person(project: Project) -> str:
    return f"/projects/algebra/people/{project.memberships.order_by('pk')[0].pk}"


@pytest.mark.parametrize(
    ("page", "more"),
    [
        ("/", more_projects),
        ("/", more_rounds),
        ("/projects/algebra/", more_rounds),
        ("/projects/algebra/", more_people),
        ("/projects/algebra/", more_files),
        ("/projects/algebra/rounds", more_rounds),
        ("/projects/algebra/rounds/1", more_turns),
        ("/projects/algebra/rounds/-1", more_sitters),
        (a_draft, more_people),
        (first_problem, more_turns),
        ("/projects/algebra/work", more_solutions),
        ("/projects/algebra/work", more_put_off),
        ("/projects/algebra/tasks", more_solutions),
        ("/projects/algebra/tasks?round=1", more_turns),
        ("/projects/algebra/tasks?state=skipped&order=priority", more_put_off),
        (first_person, more_rounds),
        (first_person, more_flags),
        ("/projects/algebra/flags", more_flags),
        ("/projects/algebra/flags?kind=give_up", more_turns),
        ("/projects/algebra/flags?kind=bad_problem", more_flags),
        ("/projects/algebra/flags?kind=skip", more_put_off),
        ("/projects/algebra/solutions", more_solutions),
        (first_solution, more_turns),
        (first_solution, more_judges),
        ("/projects/algebra/judging", more_judges),
        ("/projects/algebra/judging/new", more_judges),
        ("/projects/algebra/judging/playground", more_judges),
        ("/projects/algebra/judging/runs/1", more_results),
        ("/projects/algebra/judging/runs/1/items", more_results),
        (first_item, more_results),
        ("/projects/algebra/judging/constitutions", more_constitutions),
        ("/projects/algebra/imports", more_files),
        ("/projects/algebra/exports", more_files),
        ("/projects/algebra/exports/new", more_rounds),
        ("/projects/algebra/evaluation", more_evaluations),
        ("/projects/algebra/evaluation/new", more_evaluations),
        ("/projects/algebra/people", more_people),
        ("/projects/algebra/guidelines", more_guidelines),
        ("/account", more_projects),
        ("/account/tokens", more_tokens),
    ],
)
def test_twelve_rows_take_as_many_queries_as_three(
    project: Project,
    alice: User,
    page: str | Callable[[Project], str],
    more: Callable[[Project, User, int], Any],
    django_assert_max_num_queries: Any,
) -> None:
    client = signed_in(alice)
    more(project, alice, 3)
    url = page if isinstance(page, str) else page(project)
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert client.get(url).status_code == 200
    cost = len(few)
    more(project, alice, 9)
    # What a project holds is counted anew when something came in, and kept until more does.
    client.get(url)
    with django_assert_max_num_queries(cost):
        assert client.get(url).status_code == 200


def test_the_lists_of_big_tables_are_never_counted(project: Project, alice: User) -> None:
    more_solutions(project, alice, 3)
    client = signed_in(alice)
    # What the project holds is counted once, and kept until something is added.
    assert client.get("/projects/algebra/solutions").status_code == 200
    for url in (
        "/projects/algebra/solutions",
        "/projects/algebra/solutions?answer=wrong&text=plus",
        first_solution(project),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        assert not [one["sql"] for one in queries if "COUNT(" in one["sql"] and "GROUP BY" not in one["sql"]]
