"""The pages of evaluations: which lines are drawn, what is listed, and what the form allows."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.dashboard.evaluation.plots import Plots, plots_of
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.projects.models import Project
from tests.cast import make_problem, signed_in
from tests.evaluation.scored_project import make_sample, make_samples, make_scoring_run, score


def test_few_lines_are_drawn_and_all_of_them_are_in_the_table(project: Project, alice: User) -> None:
    for _ in range(6):
        run = make_samples(project, problems=1, samples=4)
    first = project.problems.order_by("pk")[0]
    for solution in first.solutions.all():
        for other in project.scoring_runs.exclude(step_scores__step__solution=solution).distinct():
            other.step_scores.bulk_create(
                other.step_scores.model(run=other, step=step, score=0.5) for step in solution.steps.all()
            )
    evaluation = create_evaluation(project=project, kind="best_of_n", options={"resamples": 20}, requested_by=alice)
    evaluation = run_evaluation(evaluation_id=evaluation.pk)
    assert evaluation.error == ""
    report: dict[str, Any] = evaluation.result or {}
    assert len(report["curves"]) == 2 + 6 * 5
    plots: Plots = plots_of("best_of_n", report)
    assert [len(plot.series) for plot in plots.curves] == [4 + 2, *[6] * 6]
    assert "prm, run 6, product of all steps" in [line.title for line in plots.curves[0].series]
    page = signed_in(alice).get(f"/projects/{project.slug}/evaluation/{evaluation.pk}").content.decode()
    assert page.count("prm, run 1, ") >= 5
    assert run.number == 6


def test_the_page_lists_convincing_wrong_answers_with_their_solutions_and_a_file(project: Project, alice: User) -> None:
    problem = make_problem(project, "What is <i>2</i> plus 4?")
    wrong, right = make_sample(problem, "7", right=False), make_sample(problem, "6", right=True)
    for model in ("prm", "small"):
        run = make_scoring_run(project, model)
        score(run, wrong, 0.9)
        score(run, right, 0.4)
    evaluation = create_evaluation(project=project, kind="best_of_n", options={"resamples": 20}, requested_by=alice)
    run_evaluation(evaluation_id=evaluation.pk)
    client = signed_in(alice)
    for address in ("evaluation", f"evaluation/{evaluation.pk}"):
        page = client.get(f"/projects/{project.slug}/{address}").content.decode()
        assert page.count(f'href="/projects/{project.slug}/solutions/{wrong.pk}"') == 2, "one list for each scorer"
        assert "What is &lt;i&gt;2&lt;/i&gt; plus 4?" in page
        assert "the highest product of scores by prm, run 1" in page
        assert "Most convincing wrong answers to small, run 2" in page
    file = client.get(f"/projects/{project.slug}/evaluation/{evaluation.pk}/convincing.csv")
    lines = b"".join(file.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0] == "Scorer,Solution,Problem,Answer,Score,Best right answer's score"
    assert lines[1] == f'"prm, run 1",{wrong.pk},What is <i>2</i> plus 4?,7,0.9,0.4'
    assert len(lines) == 3


def test_without_wrong_answers_there_is_no_list(project: Project, alice: User) -> None:
    run, problem = make_scoring_run(project), make_problem(project)
    for _ in range(2):
        score(run, make_sample(problem, "6", right=True), 0.5)
    evaluation = create_evaluation(project=project, kind="best_of_n", options={"resamples": 20}, requested_by=alice)
    run_evaluation(evaluation_id=evaluation.pk)
    assert "convincing" not in signed_in(alice).get(f"/projects/{project.slug}/evaluation").content.decode()


def test_the_form_has_the_bounds_of_the_options(project: Project, alice: User) -> None:
    address = f"/projects/{project.slug}/evaluation/new"
    client = signed_in(alice)
    page = client.get(f"{address}?kind=best_of_n").content.decode()
    assert 'value="best_of_n" checked' in page
    fields = {"kind": "steps", "truth": "gold", "by": "level", "dev_share": "0.95", "max_n": "1"}
    refused = client.post(address, fields)
    assert refused.status_code == 422
    assert "less than or equal to 0.9" in refused.content.decode()
    assert "greater than or equal to 2" in refused.content.decode()
    asked = client.post(address, fields | {"dev_share": "0.5", "max_n": "4", "threshold": "0.25"})
    (evaluation,) = project.evaluations.all()
    assert (evaluation.options["threshold"], evaluation.options["by"]) == (0.25, "level")
    assert set(evaluation.options) == set(EvaluationOptions.__struct_fields__)
    again = client.get(f"{address}?like={evaluation.pk}").content.decode()
    assert 'name="threshold" value="0.25"' in again
    assert client.get(asked["Location"]).status_code == 200
    cancelled = client.post(f"/projects/{project.slug}/evaluation/{evaluation.pk}/cancel")
    assert cancelled.status_code == 302
    evaluation.refresh_from_db()
    assert evaluation.status == "cancelled"
    assert client.get(f"/projects/{project.slug}/evaluation/{evaluation.pk}/steps.csv").status_code == 404
