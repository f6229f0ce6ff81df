"""The evaluation pages: curves, intervals and histograms, wide, dark and on a phone, and their files."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.evaluation.models import EvaluationKind
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.projects.models import Project
from tests.browser.barriers import PHONE, WIDE, flaws
from tests.browser.conftest import Watched
from tests.cast import make_gold, make_problem, make_solution
from tests.evaluation.scored_project import (
    estimate,
    judge,
    label_round,
    make_estimation_run,
    make_judge_run,
    make_samples,
    make_scoring_run,
    score,
)


def rate_solutions(project: Project, count: int = 24) -> None:
    """Solutions with gold, rated by rollouts, a judge and a reward model with more or fewer mistakes."""
    run, judge_run, scoring_run = make_estimation_run(project), make_judge_run(project), make_scoring_run(project)
    for number in range(count):
        solution = make_solution(make_problem(project, subject=("Algebra", "Geometry")[number % 2]))
        is_erroneous, is_hard = number % 3 != 0, number % 5 == 0
        make_gold(solution, *((1, -1) if is_erroneous else (1, 1, 1)))
        found = -1 if is_hard or not is_erroneous else 1
        estimate(run, solution, found, [4, 0 if found == 1 else 3, 0 if found == 1 else 4])
        judge(judge_run, solution, 1, *((-1,) if is_erroneous and number % 7 else (1, 1)))
        score(scoring_run, solution, 0.9, 0.3 + 0.05 * (number % 4) if is_erroneous else 0.8, 0.7)


def train_models(project: Project, alice: User, bob: User) -> None:
    """Two models that are trained and scored on gold after each of three rounds, and get better."""
    gold = list(project.solutions.filter(steps__gold__isnull=False).distinct().order_by("pk"))
    for number in range(4):
        if number:
            label_round(project, bob, alice, solutions=2 * number, select=",by:convincing,sample:9")
        for name, start, gain in (("prm-convincing", 5, 3), ("prm-random", 4, 2)):
            run = make_scoring_run(project, f"{name}-{number}")
            for place, solution in enumerate(gold):
                is_named = place < start + gain * number
                score(run, solution, 0.9, 0.2 if is_named and place % 3 else 0.8, 0.7)


def evaluate_all(project: Project, alice: User) -> None:
    for kind in EvaluationKind:
        scorer = "run 1" if kind == EvaluationKind.BEST_OF_N else ""
        evaluation = create_evaluation(
            project=project, kind=kind, options={"resamples": 100, "scorer": scorer}, requested_by=alice
        )
        assert run_evaluation(evaluation_id=evaluation.pk).error == ""


def test_the_curves_are_looked_at_and_downloaded(project: Project, alice: User, watched: Watched) -> None:
    make_samples(project, problems=20, samples=16)
    page = watched.page(alice)
    page.goto(f"/projects/{project.slug}/evaluation")
    page.get_by_role("link", name="Evaluate", exact=True).first.click()
    page.get_by_label("Best-of-N How often").check()
    page.get_by_label("Largest N").fill("16")
    page.get_by_role("button", name="Evaluate").click()
    expect(page.get_by_text("waiting for a worker")).to_be_visible()
    (evaluation,) = project.evaluations.all()
    run_evaluation(evaluation_id=evaluation.pk)
    plots = page.locator("[data-plot] figure > svg")
    expect(plots).to_have_count(2)
    expect(page.get_by_role("img", name="Best-of-N", exact=True)).to_be_visible()
    legend = plots.first.locator("xpath=following-sibling::ul[contains(@class, 'chart-legend')]")
    expect(legend.locator("li")).to_have_count(3)
    expect(legend).to_contain_text("N = 16:")
    assert plots.first.locator("path.mark").count() == 3 * 5, "a mark at 1, 2, 4, 8 and 16"
    page.get_by_text("Figures", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").last.click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert rows[0]["Choice"] == "any of N (pass@N)"
    assert len(rows) == 2 + 4 + 1
    expect(page.get_by_role("row", name="majority", exact=False).first).to_contain_text(
        f"{100 * float(rows[1]['N = 16']):.0f} %"
    )
    convincing = page.get_by_role("region", name="Most convincing wrong answers to prm, run 1")
    expect(convincing.locator("tbody tr")).to_have_count(10)
    convincing.get_by_role("link").first.click()
    expect(page.get_by_role("link", name="Reward model")).to_be_visible()


def test_no_evaluation_page_has_a_barrier(project: Project, alice: User, bob: User, watched: Watched) -> None:
    make_samples(project, problems=12, samples=8)
    rate_solutions(project)
    page = watched.page(alice, viewport=PHONE)
    wrong: dict[str, Any] = {}
    page.goto(f"/projects/{project.slug}/evaluation")
    if found := flaws(page):
        wrong["nothing yet"] = found
    train_models(project, alice, bob)
    evaluate_all(project, alice)
    newest = project.evaluations.first()
    assert newest is not None
    for path in ("evaluation", "evaluation/new", f"evaluation/{newest.pk}"):
        page.goto(f"/projects/{project.slug}/{path}")
        for summary in page.locator("main details:not(.menu) > summary").all():
            summary.click()
        if found := flaws(page):
            wrong[path] = found
        photograph(page, path.replace("/", "-"))
    assert wrong == {}


def photograph(page: Page, name: str) -> None:
    """For whoever wants to see the pages: set EVALUATION_PICTURES to a folder."""
    folder = os.environ.get("EVALUATION_PICTURES")
    if folder:
        for look, size, scheme in (("wide", WIDE, "light"), ("dark", WIDE, "dark"), ("phone", PHONE, "light")):
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=f"{folder}/{name}-{look}.png", full_page=True)
        page.emulate_media(color_scheme="light")
