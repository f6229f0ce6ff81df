"""A manager has a judge judge solutions and comparisons, reads its reasons and asks it herself: in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import Constitution, Judge, JudgeReply, JudgeRun
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from tests.browser.barriers import PHONE, flaws
from tests.browser.conftest import Watched
from tests.cast import make_problem, make_solution
from tests.estimation.model import Model
from tests.judging.model import judges_of
from tests.processes import eventually

pytestmark = pytest.mark.browser

SOLUTIONS = 40


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server)


def fill(project: Project) -> list[Solution]:
    """A right and a wrong solution of each problem; the wrong one says so in its second step."""
    solutions = []
    for number in range(SOLUTIONS // 2):
        problem = make_problem(project, f"What is {number} + {number}?", reference_answer=str(2 * number))
        for word in ("fine", "wrong"):
            steps = [f"We add {number} to itself.", f"That is {word}, as we see at once.", "So we have the answer."]
            solutions.append(make_solution(problem, steps, is_correct=word == "fine", source="some model"))
    return solutions


def add_model(project: Project, server: Model, **settings: object) -> None:
    settings = {"max_in_flight": 4, "price_in": "0.2", "price_out": "0.6", **settings}
    add_endpoint(project=project, name="critic", url=server.url, model="critic-7b", settings=settings)


def ended(run: JudgeRun) -> JudgeRun:
    """By the worker's process: Playwright's loop runs in this one."""
    eventually(lambda: JudgeRun.objects.get(pk=run.pk).has_ended)
    run.refresh_from_db()
    assert run.status == "finished", run.error
    return run


def see(page: Page, name: str) -> None:
    """What a test may look at."""


def test_a_run_is_started_watched_paused_resumed_and_its_reasons_are_read(
    worker: None, watched: Watched, project: Project, mia: User, rita: User, server: Model
) -> None:
    add_model(project, server)
    solutions = fill(project)
    server.control(latency_s=0.5)
    page = watched.page(mia)
    page.goto(f"/projects/{project.slug}/judging")
    see(page, "empty")
    page.locator(".empty").get_by_role("link", name="New judge run").click()
    forecast = page.locator("#forecast")
    expect(forecast.locator("dd").nth(1)).to_have_text("40")
    expect(forecast).to_contain_text("assumed")

    # Another kind has other prompts, and other settings.
    page.locator("input[name=kind][value=comparison]").check()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("comparison v1")
    expect(page.get_by_label("What is compared")).to_be_visible()
    page.get_by_label("What is compared").select_option("right_wrong")
    expect(forecast.locator("dd").nth(1)).to_have_text("40")
    see(page, "new-comparison")
    page.locator("input[name=kind][value=steps]").check()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("steps-first-error v1")
    page.get_by_label("Votes").fill("3")
    expect(forecast.locator("dd").nth(3)).to_contain_text("21,600")  # Three replies to each request.
    expect(forecast.locator("dd").nth(1)).to_have_text("40")
    page.get_by_text("Edit the text of the prompt").click()
    expect(page.locator("#id_user")).to_have_value(re.compile(r"\{problem\}"))
    see(page, "new")
    page.get_by_role("button", name="Start run").click()

    # It moves by itself.
    expect(page.get_by_role("heading", level=1)).to_contain_text("Judge run 1")
    requests = page.locator(".stats > div", has_text="requests").locator("dd")
    expect(requests).not_to_have_text("0")
    see(page, "running")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#run")).to_contain_text("paused")
    run = JudgeRun.objects.get(project=project)
    assert 0 < run.requests < 40
    see(page, "paused")
    server.control(latency_s=0.0)
    page.get_by_label("Pause after this many requests").fill("5000")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run")).to_contain_text("finished")
    expect(page.get_by_role("heading", name="First errors")).to_be_visible()
    run.refresh_from_db()
    assert (run.done, run.verdicts, run.budget["requests"]) == (SOLUTIONS, SOLUTIONS, 5000)
    page.locator("#parameters-summary").click()
    see(page, "finished")
    assert flaws(page) == {}

    # Its reasons are at the steps, and its replies a click away.
    wrong = solutions[1]
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/solutions/{wrong.pk}")
    expect(page.locator("#evidence tr[data-number='2']")).to_contain_text("It fails.")
    see(page, "evidence")
    page.get_by_role("link", name="run 1, replies").click()
    expect(page.get_by_role("heading", name="Vote 1")).to_be_visible()
    expect(page.locator(".reply").first).to_contain_text("\\boxed{1}")
    see(page, "item")
    assert flaws(page) == {}
    page.goto(f"/projects/{project.slug}/judging")
    see(page, "judges")
    expect(page.get_by_role("link", name="New judge run")).to_have_count(0)


def test_one_solution_is_judged_in_the_playground_and_nothing_is_stored(
    watched: Watched, project: Project, mia: User, server: Model
) -> None:
    add_model(project, server, transport="chat-instruct")
    wrong = fill(project)[1]
    page = watched.page(mia, viewport=PHONE)
    page.goto(f"/projects/{project.slug}/solutions/{wrong.pk}")
    page.get_by_role("link", name="Ask a judge").click()
    expect(page.locator("#id_solution")).to_have_value(str(wrong.pk))
    see(page, "playground-form")
    page.get_by_role("button", name="Ask").click()
    trial = page.locator("#trial")
    expect(trial).to_contain_text("first error: 2")
    expect(trial.locator(".read-steps")).to_contain_text("It fails.")
    page.get_by_text("Request, as it was sent").click()
    expect(trial).to_contain_text("<step_1>")
    see(page, "playground")
    assert flaws(page) == {}

    # What is wrong stands beside the field, and the form keeps what was entered.
    watched.expected = ("422",)
    page.get_by_text("Edit the text of the prompt").click()
    page.locator("#id_user").fill("Is {problem} solved?")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#id_user_error")).to_contain_text("must contain {steps}")
    expect(page.locator("#id_user")).to_have_value("Is {problem} solved?")
    see(page, "playground-error")
    assert not Judge.objects.exists()
    assert not JudgeReply.objects.exists()


def test_a_constitution_is_edited_and_revises_solutions(
    worker: None, watched: Watched, project: Project, mia: User, server: Model
) -> None:
    add_model(project, server)
    solution = fill(project)[0]
    page = watched.page(mia)
    page.goto(f"/projects/{project.slug}/judging/constitutions")
    expect(page.get_by_role("heading", name="no-harm")).to_be_visible()
    see(page, "constitution")
    page.get_by_role("link", name="Edit").click()
    page.get_by_role("button", name="Add a principle").click()
    added = page.locator("fieldset.principle").last
    added.get_by_label("Name").fill("brevity")
    added.get_by_label("Request for a critique").fill("Name every sentence that says nothing.")
    added.get_by_label("Request for a revision").fill("Leave it out.")
    added.get_by_label("Question about two solutions").fill("Which is shorter?")
    page.locator("#principle-1").get_by_label("Delete").check()
    see(page, "constitution-edit")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("Saved as default v1.")).to_be_visible()
    names = [principle["name"] for principle in Constitution.objects.get().principles]
    assert (names[0], names[-1], len(names)) == ("lawful", "brevity", 9)

    endpoint = project.endpoints.get()
    judge = save_judge(project=project, endpoint=endpoint, kind="critique-revise", options={"revisions": 2})
    run = ended(start_judging(judge=judge))
    assert run.new_solutions
    page.goto(f"/projects/{project.slug}/judging/runs/{run.number}/items/{solution.pk}")
    expect(page.get_by_role("heading", name="Revision 2 by")).to_be_visible()
    see(page, "revision")
    assert flaws(page) == {}


def test_a_judge_that_looks_at_places_is_seen_through(
    worker: None, watched: Watched, project: Project, rita: User, server: Model
) -> None:
    add_model(project, server)
    solution = fill(project)[0]
    server.control(prefers="A")
    judge = save_judge(project=project, endpoint=project.endpoints.get(), kind="comparison")
    run = ended(start_judging(judge=judge, selection={"pairs": "right_wrong"}))
    assert run.undecided == SOLUTIONS // 2
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/judging/runs/{run.number}")
    expect(page.get_by_role("heading", name="Position")).to_be_visible()
    see(page, "position")
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    expect(page.locator(".comparisons")).to_contain_text("it chose whichever was shown first")
    see(page, "evidence-comparison")
    page.locator(".preferred a").click()
    expect(page.get_by_role("heading", name="Right one first")).to_be_visible()
    see(page, "item-comparison")
    assert flaws(page) == {}
