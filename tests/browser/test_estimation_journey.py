"""Estimation as a manager does it, with the real model and a real worker: start, watch, pause, resume, export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Problem, Solution
from apps.demo.seeding import register_reasoner
from apps.estimation.models import EstimationRun, SamplingRun, StepEstimate
from apps.estimation.sampling.services import start_sampling
from apps.exports.files.storage import part_path
from apps.exports.models import Export
from apps.exports.services import create_export
from apps.inference.models import Endpoint
from apps.projects.models import Project
from reasoner.problems import problems
from tests.cast import make_problem
from tests.processes import eventually

pytestmark = pytest.mark.browser

# So much that a run is still under way when it is paused, some seconds after its start.
PROBLEMS, ROLLOUTS = 10, 24


@pytest.fixture
def endpoint(project: Project, reasoner_server: str) -> Endpoint:
    return register_reasoner(url=reasoner_server)


def with_solutions(project: Project, endpoint: Endpoint, count: int) -> None:
    """Written by the reasoner itself, some of them wrong."""
    source = problems(31, held_out=True)
    for _ in range(count):
        one = next(source)
        make_problem(project, one.question, reference_answer=str(one.answer), verifier="numeric")
    run = start_sampling(
        project=project, endpoint=endpoint, per_problem=2, sampling={"max_tokens": 200, "temperature": 1.0}, seed=5
    )
    eventually(lambda: SamplingRun.objects.get(pk=run.pk).has_ended)
    run.refresh_from_db()
    assert run.status == "finished", run.error
    assert run.solutions == Solution.objects.filter(project=project).count() > count


def test_a_run_is_started_watched_paused_resumed_and_exported(
    worker: None, project: Project, endpoint: Endpoint, mia: User, page_of: Callable[..., Page]
) -> None:
    with_solutions(project, endpoint, PROBLEMS)
    page = page_of(mia)
    page.goto(f"/projects/{project.slug}/estimation")
    page.get_by_role("link", name="Start a run").first.click()
    page.locator("input[name=strategy][value=math-shepherd]").check()
    page.get_by_label("Rollouts per step").fill(str(ROLLOUTS))
    expect(page.locator("#forecast tr.picked")).to_contain_text("Math-Shepherd")
    steps = sum(Solution.objects.filter(project=project).values_list("step_count", flat=True))
    expected = ROLLOUTS * (steps - Solution.objects.filter(project=project).count())
    expect(page.locator("#forecast tr.picked")).to_contain_text(f"{expected:,}")
    page.get_by_label("Maximum tokens per rollout").fill("200")
    page.get_by_label("Keep the texts of rollouts").check()
    page.get_by_role("button", name="Start run").click()

    # It moves by itself.
    expect(page.get_by_role("heading", level=1)).to_contain_text("Run 1")
    rollouts = page.locator(".stats > div", has_text="rollouts").locator("dd").first
    expect(rollouts).not_to_have_text("0")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run")).to_contain_text("paused")
    run = EstimationRun.objects.get(project=project)
    assert 0 < run.rollouts < expected
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run")).to_contain_text("finished")
    eventually(lambda: EstimationRun.objects.get(pk=run.pk).rollouts == expected)

    # What it found is on the page and beside each step, with the rollouts themselves.
    expect(page.get_by_role("heading", name="Soft labels")).to_be_visible()
    expect(page.get_by_role("heading", name="Dead steps by position")).to_be_visible()
    wrong = Solution.objects.filter(project=project, is_correct=False, step_count__gt=2).first()
    assert wrong is not None
    page.goto(f"/projects/{project.slug}/solutions/{wrong.pk}")
    page.get_by_role("link", name=re.compile(rf"of {ROLLOUTS}\b")).first.click()
    expect(page.locator("#rollouts li")).to_have_count(ROLLOUTS)
    assert_the_export_holds_the_counts(project, run)


def assert_the_export_holds_the_counts(project: Project, run: EstimationRun) -> None:
    policy = {"sources": ["monte_carlo_hard"], "after_first_error": "as_rated"}
    export = create_export(project=project, format="math-shepherd", policy=policy)
    eventually(lambda: Export.objects.get(pk=export.pk).status == "finished")
    export.refresh_from_db()
    rows = [json.loads(line) for line in part_path(export, 0).read_text().splitlines()]
    stored: dict[int, list[str]] = {}
    for one in StepEstimate.objects.filter(run=run).select_related("step").order_by("step__solution", "step__position"):
        good = one.successes > 0 if one.rollouts else one.hard
        stored.setdefault(one.step.solution_id, []).append("+" if good else "-")
        if one.rollouts:
            assert one.rollouts == ROLLOUTS
    signs = [re.findall(r" ([+-])$", row["label"], re.MULTILINE) for row in rows]
    assert len(rows) == Solution.objects.filter(project=project).count()
    assert sorted(signs) == sorted(stored.values())
    assert any("-" in found for found in signs)
    assert Problem.objects.filter(project=project).count() == PROBLEMS
