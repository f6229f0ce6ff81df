"""Sampling as a manager does it, with the real model and a real worker: what it takes, start, watch, look at the results."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.demo.seeding import register_reasoner
from apps.estimation.models import SamplingRun
from apps.inference.models import Endpoint
from apps.projects.models import Project
from reasoner.problems import problems
from tests.cast import make_problem
from tests.processes import AtWork

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def endpoint(project: Project, reasoner_server: str) -> Endpoint:
    return register_reasoner(url=reasoner_server)


def test_solutions_are_sampled_watched_paused_resumed_and_looked_at(
    project: Project, endpoint: Endpoint, mia: User, page_of: Callable[..., Page], at_work: AtWork
) -> None:
    for one in itertools.islice(problems(37, held_out=True), 25):
        make_problem(project, one.question, reference_answer=str(one.answer), verifier="numeric")
    page = page_of(mia, viewport=PHONE)
    page.goto(f"/projects/{project.slug}/estimation/sampling")
    page.get_by_role("link", name="Sample solutions").first.click()
    page.get_by_label("Solutions per problem").fill("3")
    expect(page.locator("#forecast")).to_contain_text("75")
    page.get_by_label("Maximum tokens per solution").fill("200")
    page.get_by_role("button", name="Start sampling").click()

    # Nobody works on it yet: it waits, and can be paused and resumed.
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sampling 1")
    expect(page.locator("#run")).to_contain_text("waiting for a worker")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run")).to_contain_text("paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run")).to_contain_text("queued")
    with at_work():
        # It moves by itself.
        expect(page.locator("#run")).to_contain_text("finished")
    run = SamplingRun.objects.get(project=project)
    for name, value in (("new solutions", run.solutions), ("right", run.right), ("wrong", run.wrong)):
        expect(page.locator(".stats > div", has=page.get_by_text(name, exact=True)).locator("dd")).to_have_text(
            str(value)
        )
    assert run.right + run.wrong == run.solutions == Solution.objects.filter(project=project).count() > 25
    page.get_by_role("link", name="Solutions by reasoner").click()
    expect(page.locator("main")).to_contain_text("reasoner")
