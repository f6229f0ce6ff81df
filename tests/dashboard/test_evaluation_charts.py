"""The charts of evaluations: points are where they belong, and every figure is also in words."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from apps.accounts.models import User
from apps.dashboard.evaluation.plots import CurvePlot, LearningPlot, Plots, RoundMark, Series, plots_of
from apps.dashboard.templatetags.evaluation_charts import curve_plot, interval_bar, learning_plot, score_histogram
from apps.evaluation.metrics.learning_curve import LearningPoint, learning_curve
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.projects.models import Project
from apps.quality.statistics.bootstrap import Measured
from tests.cast import make_problem, signed_in
from tests.evaluation.scored_project import make_sample, make_samples, make_scoring_run, score


def svg_of(html: str) -> ET.Element:
    found = re.search(r"<svg.*?</svg>", html, re.DOTALL)
    assert found
    return ET.fromstring(found[0])  # noqa: S314 - our own chart


def line(look: str, *points: tuple[float, float]) -> Series:
    return Series(f"<b>{look}", look, [(n, value, value - 0.02, value + 0.02) for n, value in points])


def test_n_is_on_a_logarithmic_axis_and_titles_are_escaped() -> None:
    plot = CurvePlot("Best-of-N", "About.", [line("line-1", (1, 0.42), (8, 0.5), (64, 0.68))])
    drawn = curve_plot(plot)
    assert "<b>" not in drawn
    assert "style=" not in drawn
    svg = svg_of(drawn)
    marks = [mark.get("transform") or "" for mark in svg.iter("path")]
    xs = [float(re.findall(r"[\d.]+", mark)[0]) for mark in marks]
    assert xs[1] - xs[0] == xs[2] - xs[1], "8 is halfway from 1 to 64"
    labels = [text.text for text in svg.iter("text")]
    assert labels == ["40 %", "50 %", "60 %", "70 %", "1", "8", "64", "N, the number of samples"]
    assert [title.text for title in svg.iter("title")][1:] == [
        "<b>line-1, N = 1: 42 % (40 to 44 %)",
        "<b>line-1, N = 8: 50 % (48 to 52 %)",
        "<b>line-1, N = 64: 68 % (66 to 70 %)",
    ]
    assert "N = 64: 68 % (66 to 70 %)" in (svg.find("desc").text or "")  # type: ignore[union-attr]


def test_a_wide_plot_has_ticks_in_fifths_and_a_flat_one_has_a_height() -> None:
    wide = curve_plot(CurvePlot("Wide", "", [line("line-1", (1, 0.1), (2, 0.93))]))
    assert re.findall(r"(\d+ %)</text>", wide) == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    flat = curve_plot(CurvePlot("Flat", "", [Series("all", "line-pass", [(1, 1.0, None, None)])]))
    assert re.findall(r"(\d+ %)</text>", flat) == ["90 %", "100 %"]
    assert "<polygon" not in flat
    assert "Not enough data yet" in curve_plot(CurvePlot("None", "", []))


def test_labels_are_plotted_against_f1_with_the_rounds() -> None:
    points = [LearningPoint(f"run {n}", 100 * n, Measured(0.3 + n / 20, 0.2, 0.6, 40)) for n in (1, 2, 4)]
    curves = [learning_curve("random", points), learning_curve("none", [])]
    rounds = [
        RoundMark(100, "round 1", "round 1, at random"),
        RoundMark(390, "round 2", "r2"),
        RoundMark(400, "round 3", "r3"),
    ]
    drawn = learning_plot(LearningPlot(curves, rounds))
    assert "labels: 400: 50 % (20 to 60 %)" in drawn
    assert "round 1, at random: closed at 100 labels" in (svg_of(drawn).find("desc").text or "")  # type: ignore[union-attr]
    assert (svg_of(drawn).find("g[@class='round-mark']/text").get("y") or "") == "220"  # type: ignore[union-attr]
    assert re.findall(r">(round \d)</text>", drawn) == ["round 1", "round 3"], "texts do not overlap"
    assert drawn.count("<line x1") == 3 + len(re.findall(r" %</text>", drawn)), "each round has its line"
    early = learning_plot(LearningPlot(curves, [RoundMark(50, "round 1", "round 1")]))
    assert 'x1="42.0" x2="42.0"' in early, "the axis begins where the first round closed"
    assert "Not enough data yet" in learning_plot(LearningPlot([], rounds))


def test_a_histogram_has_good_ones_above_and_bad_ones_below() -> None:
    drawn = score_histogram({"low": 0.0, "high": 1.0, "good": [0, 3], "bad": [4, 0]}, "Scores")
    assert 'aria-label="Scores: 3 good, 4 bad"' in drawn
    svg = svg_of(drawn)
    assert [title.text for title in svg.iter("title")] == ["0 to 0.5: 0 good, 4 bad", "0.5 to 1: 3 good, 0 bad"]
    heights = [(rect.get("class"), float(rect.get("height") or 0)) for rect in svg.iter("rect")]
    assert heights == [("good", 0.0), ("bad", 62.0), ("good", 62.0), ("bad", 0.0)]
    assert score_histogram({"low": 0.0, "high": 1.0, "good": [0], "bad": [0]}, "Nothing")


def test_an_interval_is_a_band_around_its_mark() -> None:
    drawn = interval_bar({"value": 0.5, "low": 0.25, "high": 0.75})
    assert 'class="range" x="25.00" width="50.00"' in drawn
    assert 'class="value" x="49.50"' in drawn
    assert 'width="0.00"' in interval_bar({"value": 0.5, "low": None, "high": None})


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
