"""Screenings and training on the desk: a test says that it is one, training shows the answer, and the end leads on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.models import Assignment, GoldLabel, Round, RoundProgress
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from tests.browser.barriers import barriers
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_gold, make_problem, make_screening, make_solution


def make_training(project: Project, *, tasks: int = 2) -> Round:
    """An open training round over solutions whose second step is bad, with an explanation of it."""
    for _ in range(tasks):
        make_gold(make_solution(make_problem(project)), 1, -1)
    GoldLabel.objects.filter(rating=-1).update(explanation="Two does not follow: $1 + 1 \\ne 3$.")
    return open_round(project=project, protocol="first_error", kind="training")


def at_desk(page: Page, round_: Round) -> LabelingPage:
    page.goto(f"/projects/{round_.project.slug}/rounds/{round_.number}/label")
    page.locator("#task .intro").wait_for()
    return LabelingPage(page)


def test_a_screening_says_that_it_is_a_test_and_passing_leads_to_work(
    project: Project, bob: User, page_of: Callable[..., Page]
) -> None:
    screening = make_screening(project, tasks=2, tries=2)
    work = open_round(project=project, protocol="first_error", name="Algebra", needs_screening=True)
    page = page_of(bob)
    page.goto("/")
    card = page.locator("article.card", has=page.get_by_role("link", name=f"round {screening.number}", exact=True))
    expect(card).to_contain_text("screening test")
    expect(card).to_contain_text("2 tasks, pass at 75 %, attempt 1 of 2")
    card.get_by_role("link", name="Start test").click()
    intro = page.locator("#task .intro")
    expect(intro.get_by_role("heading")).to_have_text("This is a screening test")
    expect(intro).to_contain_text("agree with 75 %")
    expect(intro).to_contain_text("1 of 2, 1 more after this one")
    expect(page.locator("header .tag")).to_have_text("screening test")
    assert not Assignment.objects.exists()  # No task is served before the labeler begins.
    assert barriers(page) == []
    labeling = LabelingPage(page)
    labeling.press("Enter")
    labeling.ready().press("3", "1").submit().press("3", "1").submit(and_next=False)
    end = page.locator("#task .no-task")
    expect(end.get_by_role("heading")).to_have_text("Screening passed")
    expect(end.get_by_role("link", name="Start labeling: Algebra")).to_be_visible()
    assert barriers(page) == []
    labeling.press("Enter")
    page.wait_for_url(f"**/rounds/{work.number}/label")
    labeling.ready()


def test_who_fails_reads_what_happens_next(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    screening = make_screening(project, tasks=1, tries=2)
    open_round(project=project, protocol="first_error", needs_screening=True)
    labeling = at_desk(page_of(bob), screening)
    labeling.press("Enter").ready().press("1").submit(and_next=False)
    end = labeling.page.locator("#task .no-task")
    expect(end).to_contain_text("One more attempt is left. You can try again now.")
    labeling.page.get_by_role("button", name="Try again").click()
    labeling.ready().press("1").submit(and_next=False)
    expect(end).to_contain_text("No attempt is left: ask a manager of the project what you can do.")
    expect(labeling.page.get_by_role("button", name="Try again")).to_be_hidden()
    assert RoundProgress.objects.get(round=screening).attempt == 2


def test_who_gives_up_does_not_agree_that_no_step_is_bad(
    project: Project, bob: User, page_of: Callable[..., Page]
) -> None:
    make_gold(make_solution(make_problem(project)), 1, 1, 1)
    labeling = at_desk(page_of(bob), open_round(project=project, protocol="first_error", kind="training"))
    labeling.press("Enter").ready().press("g", "1", "Control+Enter")
    answer = labeling.page.locator("#task .training")
    expect(answer.get_by_role("heading")).to_have_text("Your answer differs")
    expect(answer).to_contain_text("No step is bad.")


def test_training_shows_the_answer_with_its_explanation_after_each_task(
    project: Project, bob: User, page_of: Callable[..., Page]
) -> None:
    labeling = at_desk(page_of(bob), make_training(project))
    page = labeling.page
    expect(page.locator("#task .intro")).to_contain_text("This is training")
    labeling.press("Enter").ready().press("3", "3", "3")
    assert "Two does not" not in page.content()
    labeling.press("Enter")
    answer = page.locator("#task .training")
    expect(answer.get_by_role("heading")).to_have_text("Your answer differs")
    expect(answer).to_contain_text("The first bad step is step 2. You rated no step as bad.")
    second = answer.locator(".answer-row").nth(1)
    expect(second).to_contain_text("You: great. Answer: bad.")
    expect(second.locator(".explanation")).to_contain_text("Two does not follow")
    expect(second.locator(".explanation .katex")).to_have_count(1)
    expect(page.locator("#action-bar")).to_be_hidden()
    assert barriers(page) == []
    labeling.press("Enter").ready().press("3", "1", "Enter")
    expect(answer.get_by_role("heading")).to_have_text("You agree with the answer")
    labeling.press("Enter").ended()
    expect(page.locator("#round-count")).to_have_text("2 of 2")


def test_the_answer_waits_until_the_server_has_the_submission(
    project: Project, bob: User, page_of: Callable[..., Page], watched: Watched
) -> None:
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    labeling = at_desk(page_of(bob), make_training(project, tasks=1))
    labeling.press("Enter").ready().press("3", "1").saved()
    labeling.page.context.set_offline(True)
    labeling.press("Enter")
    expect(labeling.page.locator("#task")).to_contain_text("The server cannot be reached")
    assert not Assignment.objects.submitted().exists()
    labeling.page.context.set_offline(False)
    expect(labeling.page.locator("#task .training h2")).to_have_text("You agree with the answer")
    assert Assignment.objects.submitted().count() == 1


def test_the_end_of_a_round_offers_the_next_one_or_says_why_there_is_none(
    project: Project, bob: User, mia: User, page_of: Callable[..., Page]
) -> None:
    make_solution(make_problem(project), ["One."])
    first = open_round(project=project, protocol="first_error")
    second = open_round(project=project, protocol="every_step", name="Again")
    labeling = LabelingPage(page_of(bob)).open(first).press("1").submit(and_next=False)
    expect(labeling.page.get_by_role("link", name="Start labeling: Again")).to_be_visible()
    set_round_status(round=second, status="paused", actor=mia)
    labeling.page.get_by_role("button", name="Check again").click()
    expect(labeling.page.locator("#task .no-task")).to_contain_text("No other open round of your projects")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_bar_has_the_own_count_and_the_teams(
    width: int, project: Project, bob: User, mia: User, page_of: Callable[..., Page]
) -> None:
    for _ in range(3):
        make_solution(make_problem(project), ["One."])
    round_ = open_round(project=project, protocol="first_error", redundancy=2)
    LabelingPage(page_of(mia)).open(round_).press("1").submit()
    page = page_of(bob, viewport={"width": width, "height": 800})
    LabelingPage(page).open(round_).press("1").submit()
    expect(page.locator("#round-count")).to_have_text("2 of 6")
    expect(page.locator("#own-count")).to_have_text("1")
    expect(page.locator("#day-count")).to_have_text("1 today")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
