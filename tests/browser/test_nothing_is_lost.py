"""Closing the tab, losing the network, an expired sign-in, a second tab, another device: no rating is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.models import Assignment, Round, StepLabel
from apps.projects.models import Project
from tests.browser.conftest import Watched, await_on, path_of, set_password
from tests.browser.labeling_page import LabelingPage
from tests.cast import PASSWORD, make_problem, make_round, make_solution
from tests.processes import eventually

PageOf = Callable[..., Page]


@pytest.fixture
def round_(project: Project) -> Round:
    for number in range(4):
        steps = [f"Step {place} of {number}." for place in range(5)]
        make_solution(make_problem(project, f"Problem {number}", reference_answer="4"), steps)
    return make_round(project)


def drafts(labeler: User) -> list[list[int | None]]:
    """What the server has of this labeler's open drafts."""
    assignments = Assignment.objects.filter(labeler=labeler, draft_version__gt=0, submitted_at=None).order_by("id")
    return [[step["rating"] for step in assignment.draft["steps"]] for assignment in assignments]


def test_a_tab_that_closes_at_once_has_saved(round_: Round, bob: User, watched: Watched) -> None:
    # Its last save may come in behind the next tab's opening, which finds the same ratings and goes on.
    watched.expected = ("409",)
    context = watched.context(bob)
    labeling = LabelingPage(context.new_page()).open(round_).press("3", "3", "2")
    labeling.page.close()
    again = LabelingPage(context.new_page()).open(round_)
    assert again.pressed() == ["great", "great", "okay", ".", "-"]
    again.saved()
    assert drafts(bob) == [[1, 1, 0]]


def test_what_a_closed_tab_had_sent_is_not_taken_for_another_device(round_: Round, bob: User, watched: Watched) -> None:
    """The server has a first save of which the tab never heard; the next tab goes on without a question."""
    watched.expected = ("ERR_FAILED", "409")
    context = watched.context(bob)
    labeling = LabelingPage(context.new_page()).open(round_)
    press_and_lose_the_answer(labeling, "3")
    assert drafts(bob) == [[1]]
    labeling.press("3", "2")
    labeling.page.close()
    again = LabelingPage(context.new_page()).open(round_)
    again.saved()
    assert again.pressed() == ["great", "great", "okay", ".", "-"]
    assert drafts(bob) == [[1, 1, 0]]


def test_a_tab_that_followed_a_closed_one_goes_on_without_a_question(
    round_: Round, bob: User, watched: Watched
) -> None:
    watched.expected = ("ERR_FAILED", "409")
    context = watched.context(bob)
    first, second = LabelingPage(context.new_page()).open(round_), LabelingPage(context.new_page()).open(round_)
    press_and_lose_the_answer(first, "3")
    first.page.close()
    eventually(lambda: second.pressed()[:2] == ["great", "."])
    second.page.bring_to_front()
    second.press("2").saved()
    assert second.pressed()[:3] == ["great", "okay", "."]
    assert drafts(bob) == [[1, 0]]


def press_and_lose_the_answer(labeling: LabelingPage, key: str) -> None:
    """The first save arrives and is not answered; what comes after it does not even arrive."""
    arrived: list[int] = []

    def lose_the_answer(route: Route) -> None:
        if not arrived:
            arrived.append(route.fetch().status)
        route.abort()

    labeling.page.route("**/draft", lose_the_answer)
    with labeling.page.expect_event("requestfailed"):
        labeling.press(key)
    assert arrived == [200]


def test_work_goes_on_without_a_network_and_arrives_when_it_is_back(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    context = watched.context(bob)
    page = context.new_page()
    labeling = LabelingPage(page).open(round_).fetched_ahead()
    context.set_offline(True)
    labeling.press("3", "3", "1")
    expect(page.locator("#save-state")).to_have_text("Offline")
    labeling.submit()  # The next task had been fetched ahead.
    assert labeling.pressed() == [".", "-", "-", "-", "-"]
    labeling.press("1", "Enter")
    assert StepLabel.objects.count() == 0
    context.set_offline(False)
    eventually(lambda: Assignment.objects.filter(state="submitted").count() == 2)
    assert sorted(StepLabel.objects.values_list("rating", flat=True)) == [-1, -1, 1, 1]
    labeling.ready()
    expect(page.locator("#day-count")).to_have_text("2 today")


def without_api(page: Page) -> None:
    """The pages still come, as from a cache; the API does not answer."""
    page.context.route("**/api/v1/**", lambda route: route.abort())


def with_api(page: Page) -> None:
    page.context.unroute("**/api/v1/**")
    page.evaluate("dispatchEvent(new Event('online'))")
    eventually(lambda: not page.evaluate("Object.keys(localStorage).some((key) => key.includes('outbox:'))"))


def skipped_without_api(labeling: LabelingPage, *keys: str) -> str:
    """Rate the current task, skip it, then close and open the page; returns the task's problem."""
    page = labeling.fetched_ahead().page
    first = labeling.statement()
    without_api(page)
    labeling.press(*keys, "s", "Enter")
    expect(page.locator("#task .problem")).not_to_have_text(first, use_inner_text=True)
    page.reload()
    expect(page.locator("#save-state")).to_have_text("Offline, 1 to send")
    return first


def test_what_was_rated_offline_before_a_skip_is_on_the_server_with_it(
    round_: Round, bob: User, watched: Watched
) -> None:
    watched.expected = ("ERR_FAILED",)
    page = watched.page(bob)
    requests: list[str] = []
    page.on("requestfinished", lambda sent: sent.method in {"PUT", "POST"} and requests.append(sent.url.split("/")[-1]))
    first = skipped_without_api(LabelingPage(page).open(round_), "3", "3")
    assert not Assignment.objects.filter(draft_version__gt=0).exists()
    requests.clear()
    with_api(page)
    assignment = Assignment.objects.get(state="skipped")
    assert ([step["rating"] for step in assignment.draft["steps"]], assignment.draft_version) == ([1, 1], 1)
    await_on(page, lambda: "skip" in requests)
    assert [what for what in requests if what in {"draft", "skip"}] == ["draft", "skip"]
    labeling = LabelingPage(watched.page(bob)).open(round_)
    for _ in range(3):
        labeling.press("1").submit()
    assert labeling.statement() == first
    assert labeling.pressed() == ["great", "great", ".", "-", "-"]


def test_a_skip_overwrites_nothing_that_another_device_saved(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("ERR_FAILED", "409")
    page = watched.page(bob)
    labeling = LabelingPage(page).open(round_).press("3").saved()
    assignment = Assignment.objects.get(labeler=bob, draft_version=1)
    skipped_without_api(labeling, "3", "3")
    save_draft(assignment=assignment, version=1, draft={"steps": [{"position": 0, "candidate": 0, "rating": -1}]})
    with_api(page)
    expect(page.locator("#notices")).to_contain_text(
        "stay in this browser until it comes back: Another device has saved other ratings"
    )
    assignment.refresh_from_db()
    assert (assignment.state, assignment.draft_version, assignment.draft["steps"][0]["rating"]) == ("skipped", 2, -1)
    labeling.ready()
    for _ in range(2):
        labeling.press("1").submit()
    labeling.press("1", "Enter")
    page.locator("#conflict[open]").wait_for()


def test_an_expired_sign_in_keeps_what_was_pressed(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("401",)
    context = watched.context(bob)
    page = context.new_page()
    labeling = LabelingPage(page).open(round_).press("3").saved()
    context.clear_cookies()
    labeling.press("3")
    page.locator("#signed-out[open]").wait_for()
    set_password(bob)
    with context.expect_page() as opened:
        page.locator("#signed-out-link").click()
    opened.value.locator("input[name=login]").fill(bob.email)
    opened.value.locator("input[name=password]").fill(PASSWORD)
    opened.value.keyboard.press("Enter")
    opened.value.wait_for_url(lambda url: "login" not in url)
    expect(page.locator("#signed-out")).not_to_be_visible()
    labeling.saved()
    assert drafts(bob) == [[1, 1]]
    labeling.press("1").submit()
    eventually(lambda: Assignment.objects.filter(state="submitted").count() == 1)
    assert Assignment.objects.get(state="submitted").step_labels.count() == 3


def test_two_tabs_show_one_draft(round_: Round, bob: User, watched: Watched) -> None:
    context = watched.context(bob)
    first = LabelingPage(context.new_page()).open(round_).press("3").saved()
    second = LabelingPage(context.new_page()).open(round_)
    assert second.pressed()[:2] == ["great", "."]
    second.press("2").saved()
    eventually(lambda: first.pressed()[:3] == ["great", "okay", "."])
    first.page.bring_to_front()
    first.press("1").submit()
    labels = StepLabel.objects.filter(assignment__labeler=bob).order_by("step__position")
    eventually(lambda: list(labels.values_list("rating", flat=True)) == [1, 0, -1])
    assert Assignment.objects.filter(state="submitted").count() == 1


def test_another_device_is_asked_before_anything_is_overwritten(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("409",)
    here = LabelingPage(watched.page(bob)).open(round_).press("3").saved()
    there = LabelingPage(watched.page(bob)).open(round_).press("2").saved()
    here.press("1")
    here.page.locator("#conflict[open]").wait_for()
    assert drafts(bob) == [[1, 0]]
    here.page.locator("#conflict button[value=own]").click()
    here.saved()
    eventually(lambda: drafts(bob) == [[1, -1]])
    there.press("3")
    there.page.locator("#conflict[open]").wait_for()
    there.page.locator("#conflict button[value=saved]").click()
    eventually(lambda: there.pressed()[:3] == ["great", "bad", "-"])


def test_a_server_that_fails_for_a_while_loses_nothing(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("503",)
    page = watched.page(bob)
    labeling = LabelingPage(page).open(round_).fetched_ahead()
    page.route("**/api/v1/assignments/**", lambda route: route.fulfill(status=503, body="{}"))
    labeling.press("3", "1").submit()
    assert not Assignment.objects.filter(state="submitted").exists()
    page.unroute("**/api/v1/assignments/**")
    eventually(lambda: Assignment.objects.filter(state="submitted").count() == 1)


def test_a_submission_whose_answer_is_lost_counts_once(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("ERR_FAILED",)
    page = watched.page(bob)
    labeling = LabelingPage(page).open(round_)
    sent: list[int] = []

    def arrives_but_is_not_answered(route: object) -> None:
        sent.append(1)
        if len(sent) == 1:
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/submit", arrives_but_is_not_answered)
    labeling.press("3", "1").submit()
    await_on(page, lambda: len(sent) >= 2)
    expect(page.locator("#day-count")).to_have_text("1 today")
    assert Assignment.objects.filter(state="submitted").count() == 1


def test_undo_takes_back_and_a_key_held_down_rates_once(round_: Round, bob: User, page_of: PageOf) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    for _ in range(4):
        page.keyboard.down("3")
    page.keyboard.up("3")
    assert labeling.pressed() == ["great", ".", "-", "-", "-"]
    labeling.press("3", "3", "k", "k", "1")
    assert labeling.pressed() == ["great", "bad", "-", "-", "-"]
    labeling.press("u")
    assert labeling.pressed() == ["great", "great", "great", ".", "-"]
    for keys in ("Control+3", "Alt+3", "Meta+3"):
        page.keyboard.press(keys)
    assert labeling.pressed() == ["great", "great", "great", ".", "-"]


def test_leaving_an_unrated_task_gives_it_back(round_: Round, bob: User, page_of: PageOf) -> None:
    page = page_of(bob)
    LabelingPage(page).open(round_).fetched_ahead()
    assert Assignment.objects.filter(labeler=bob, state="leased").count() == 2
    page.goto("/")
    assert path_of(page) == "/"
    eventually(lambda: not Assignment.objects.filter(labeler=bob, state="leased").exists())
