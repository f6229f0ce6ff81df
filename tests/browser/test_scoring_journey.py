"""A manager has a reward model score the project's solutions, and a reviewer reads the scores: in a real browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.scoring.models import ScoringRun
from tests.browser.barriers import flaws
from tests.browser.conftest import Watched
from tests.cast import make_gold, make_problem, make_solution
from tests.scoring.model import rewards_of

PHONE = {"width": 390, "height": 844}


def fill(project: Project) -> Solution:
    for number in range(40):
        problem = make_problem(project, f"What is {number} + {number}?", reference_answer=str(2 * number))
        steps = [f"We add {number} to itself.", f"That is {2 * number}.", f"The answer is: {2 * number}"]
        solution = make_solution(problem, steps, is_correct=number % 3 > 0, source="some model")
    make_gold(solution, 1, 1, 1)
    return solution


def see(page: Page, name: str) -> None:
    """What a test may look at."""


def test_solutions_are_scored_and_the_scores_are_read(
    worker: None, watched: Watched, project: Project, mia: User, rita: User, reward_server: str
) -> None:
    server = rewards_of(reward_server)
    settings = {"max_in_flight": 16, "price_in": "0.2", "price_out": "0.2"}
    add_endpoint(project=project, name="prm", url=server.url, model="math-prm-7b", settings=settings)
    solution = fill(project)
    page = watched.page(mia)
    page.goto(f"/projects/{project.slug}/estimation/scoring")
    page.get_by_role("link", name="Score solutions").first.click()
    forecast = page.locator("#forecast")
    expect(forecast).to_contain_text("requests")
    page.get_by_label("Prompt").select_option("annotate")
    page.get_by_label("plain JSON").check()
    expect(forecast).to_contain_text("sends problem and steps as they are")
    page.get_by_label("token probability").check()
    expect(forecast.locator("dd").nth(2)).to_have_text("120")
    see(page, "new")
    page.get_by_label("Make it the project's reward model").check()
    page.get_by_role("button", name="Start scoring").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scoring 1")
    expect(page.locator("#run")).to_contain_text("finished")
    expect(page.get_by_role("heading", name="Solutions with a wrong answer")).to_be_visible()
    page.locator("#parameters-summary").click()
    see(page, "run")
    assert flaws(page) == {}
    run = ScoringRun.objects.get()
    assert (run.steps, run.missing) == (120, 0)
    assert not EstimationRun.objects.exists()

    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    expect(page.locator("#evidence thead")).to_contain_text("Reward model")
    expect(page.locator("#evidence tbody tr").first.locator("progress")).to_have_count(1)
    see(page, "evidence")
    page.goto(f"/projects/{project.slug}/estimation/scoring")
    see(page, "runs")
    page.get_by_role("link", name="Scoring 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scoring 1")


def test_the_pages_have_no_barrier_on_a_phone(
    worker: None, watched: Watched, project: Project, mia: User, reward_server: str
) -> None:
    server = rewards_of(reward_server)
    add_endpoint(project=project, name="prm", url=server.url, model="math-prm-7b")
    solution = fill(project)
    page = watched.page(mia, viewport=PHONE)
    page.goto(f"/projects/{project.slug}/estimation/scoring/new")
    assert flaws(page) == {}
    page.get_by_label("Prompt").select_option("annotate")
    page.get_by_role("button", name="Start scoring").click()
    expect(page.locator("#run")).to_contain_text("finished")
    see(page, "run-phone")
    assert flaws(page) == {}
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    see(page, "evidence-phone")
    assert flaws(page) == {}
    page.goto(f"/projects/{project.slug}/estimation/scoring")
    assert flaws(page) == {}
