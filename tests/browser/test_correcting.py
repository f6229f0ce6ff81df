"""A submitted task is corrected: as clear as labeling it was, and nothing that was changed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.assignments.correct import correct
from apps.labeling.models import Assignment
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from apps.quality.review.assignments import correct_assignment, return_to_labeler
from tests.browser.barriers import barriers
from tests.browser.conftest import Watched, await_on
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_solution
from tests.labeling.test_queue import BAD
from tests.world import rate

#: The page of one's own work, which confirms the correction.
SAVED = re.compile(r"/work\?corrected=\d+$")


@pytest.fixture
def assignment(project: Project, bob: User) -> Assignment:
    """Three steps, all great."""
    make_solution(make_problem(project))
    return rate(open_round(project=project, protocol="first_error"), bob, 1, 1, 1)


def opened(page: Page, assignment: Assignment) -> LabelingPage:
    page.goto(
        f"/projects/{assignment.round.project.slug}/rounds/{assignment.round.number}/label?assignment={assignment.pk}"
    )
    return LabelingPage(page).ready()


def versions(assignment: Assignment) -> int:
    assignment.refresh_from_db()
    return assignment.versions


def held_up(page: Page) -> list[Any]:
    """Corrections that are on their way, until the test lets them go on."""
    routes: list[Any] = []
    page.route("**/correct", lambda route: routes.append(route))  # noqa: PLW0108
    return routes


def test_the_button_says_what_it_does_and_keys_rest_while_it_is_sent(
    assignment: Assignment, bob: User, watched: Watched
) -> None:
    page = watched.page(bob)
    labeling = opened(page, assignment)
    button = page.locator("#submit")
    expect(button).to_have_text("Save correction Enter")
    routes = held_up(page)
    labeling.press("k", "1")
    expect(button).to_have_text("Save correction Enter")
    labeling.press("Enter")
    await_on(page, lambda: bool(routes))
    expect(button).to_have_text("Saving… Enter")
    expect(button).to_be_disabled()
    assert barriers(page) == []
    before = labeling.pressed()
    labeling.press("k", "3", "u", "g", "Enter")
    page.locator("#task .face").first.click(force=True)
    assert (labeling.pressed(), len(routes)) == (before, 1)
    expect(page.locator("#reason")).to_be_hidden()
    routes[0].continue_()
    page.wait_for_url(SAVED)
    assert versions(assignment) == 1


def test_unsaved_changes_are_there_again_after_a_reload_and_can_be_discarded(
    assignment: Assignment, bob: User, watched: Watched
) -> None:
    context = watched.context(bob)
    page = context.new_page()
    labeling = opened(page, assignment)
    expect(page.locator("#save-state")).to_be_hidden()
    labeling.press("k", "1")
    expect(page.locator("#save-state")).to_have_text("Unsaved")
    page.close()
    page = context.new_page()
    labeling = opened(page, assignment)
    assert labeling.pressed() == ["great", "bad", "-"]
    expect(page.locator("#notices")).to_contain_text("changes that are not saved yet")
    expect(page.locator("#save-state")).to_have_text("Unsaved")
    assert barriers(page) == []
    page.get_by_role("button", name="Discard the changes").click()
    assert labeling.pressed() == ["great", "great", "great"]
    labeling.press("u")
    assert labeling.pressed() == ["great", "bad", "-"]
    labeling.press("u", "u")
    page.reload()
    assert labeling.ready().pressed() == ["great", "bad", "-"]
    page.get_by_role("button", name="Discard the changes").click()
    page.reload()
    assert labeling.ready().pressed() == ["great", "great", "great"]
    expect(page.locator("#notices")).to_contain_text("You have submitted this task")
    assert versions(assignment) == 0


def test_what_was_submitted_in_the_browser_and_is_restored_is_no_change(
    project: Project, bob: User, watched: Watched
) -> None:
    """Its labels say more than ratings (which candidate the path took): that is no difference."""
    make_solution(make_problem(project))
    page = watched.page(bob)
    LabelingPage(page).open(open_round(project=project, protocol="first_error")).press("3", "3", "3").submit(
        and_next=False
    )
    assignment = Assignment.objects.get(labeler=bob)
    labeling = opened(page, assignment).press("k", "1")
    expect(page.locator("#save-state")).to_have_attribute("data-state", "kept")
    labeling.press("u")
    expect(page.locator("#save-state")).to_have_attribute("data-state", "idle")
    page.reload()
    labeling.ready()
    expect(page.locator("#notices")).to_contain_text("You have submitted this task")


def test_a_saved_correction_leaves_nothing_unsaved(assignment: Assignment, bob: User, watched: Watched) -> None:
    page = watched.page(bob)
    opened(page, assignment).press("k", "1", "Enter")
    page.wait_for_url(SAVED)
    labeling = opened(page, assignment)
    assert labeling.pressed() == ["great", "bad", "-"]
    expect(page.locator("#notices")).to_contain_text("You have submitted this task")


def test_changes_say_when_the_task_was_corrected_elsewhere(assignment: Assignment, bob: User, watched: Watched) -> None:
    page = watched.page(bob)
    opened(page, assignment).press("k", "1")
    correct(assignment=assignment, submission=BAD)
    labeling = opened(page, assignment)
    assert labeling.pressed() == ["great", "bad", "-"]
    expect(page.locator("#notices")).to_contain_text("corrected elsewhere")


def test_a_correction_does_not_overwrite_one_that_was_made_meanwhile(
    assignment: Assignment, bob: User, watched: Watched
) -> None:
    """The first Enter tells of it and keeps the changes; the second says that they are meant all the same."""
    watched.expected = ("409",)
    page = watched.page(bob)
    labeling = opened(page, assignment).press("k", "1")
    correct(assignment=assignment, submission=BAD)
    labeling.press("Enter")
    expect(page.locator("#notices")).to_contain_text("corrected elsewhere")
    assert (labeling.ready().pressed(), versions(assignment)) == (["great", "bad", "-"], 1)
    labeling.press("Enter")
    page.wait_for_url(SAVED)
    assert versions(assignment) == 2


def test_what_a_reviewer_corrected_meanwhile_stays_theirs(
    assignment: Assignment, bob: User, rita: User, watched: Watched
) -> None:
    watched.expected = ("409",)
    page = watched.page(bob)
    labeling = opened(page, assignment).press("k", "1")
    correct_assignment(assignment=assignment, submission=BAD, reviewer=rita, note="The sum is 5.")
    labeling.press("Enter")
    expect(page.locator("#notices")).to_contain_text("A reviewer has corrected this task")
    expect(page.locator("#notices")).to_contain_text("Your changes are kept in this browser")
    assert versions(assignment) == 0
    page.goto(f"/projects/{assignment.round.project.slug}/work")
    expect(page.locator("table.stacks")).to_contain_text("Rita changed step 1 to bad, step 2 to not rated")
    expect(page.locator("table.stacks")).to_contain_text("The sum is 5.")
    expect(page.locator("table.stacks")).to_contain_text("final")


def test_a_returned_task_brings_the_changes_along(
    assignment: Assignment, bob: User, rita: User, watched: Watched
) -> None:
    """What a reviewer returned cannot be corrected: it is labeled again, and nothing that was changed is lost."""
    watched.expected = ("409",)
    page = watched.page(bob)
    labeling = opened(page, assignment).press("k", "1")
    return_to_labeler(assignment=assignment, reviewer=rita, note="Look at step 2.")
    labeling.press("Enter")
    expect(page.locator("#notices")).to_contain_text("A reviewer has returned this task to you")
    expect(page.locator("#notices")).to_contain_text("Your changes are kept in this browser")
    expect(page.locator("#submit")).to_be_enabled()
    assert labeling.pressed() == ["great", "bad", "-"]
    labeling.open(assignment.round)
    assert labeling.pressed() == ["great", "bad", "-"]
    page.locator("#conflict[open]").wait_for()
    page.locator("#conflict button[value=own]").click()
    labeling.saved().submit(and_next=False)
    assignment.refresh_from_db()
    assert assignment.finish_reason == "found_error"


def test_a_refusal_keeps_the_changes_and_the_reason(
    assignment: Assignment, bob: User, alice: User, watched: Watched
) -> None:
    watched.expected = ("409",)
    page = watched.page(bob)
    labeling = opened(page, assignment).press("k", "2")
    set_round_status(round=assignment.round, status="paused", actor=alice)
    labeling.press("g")
    page.locator("#reason-text").fill("I cannot tell.")
    page.locator("#reason-send").click()
    expect(page.locator("#notices")).to_contain_text("Nothing has changed on the server")
    assert labeling.pressed() == ["great", "okay", "great"]
    labeling.press("g")
    expect(page.locator("#reason-text")).to_have_value("I cannot tell.")
    page.locator("#reason-cancel").click()
    set_round_status(round=assignment.round, status="open", actor=alice)
    labeling.press("Enter")
    page.wait_for_url(SAVED)
    assert versions(assignment) == 1


def test_without_a_network_it_waits_and_says_what_is_safe(assignment: Assignment, bob: User, watched: Watched) -> None:
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    context = watched.context(bob)
    page = context.new_page()
    labeling = opened(page, assignment).press("k", "1")
    context.set_offline(True)
    labeling.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Your changes are kept in this browser")
    expect(page.locator("#submit")).to_have_text("Saving… Enter")
    assert versions(assignment) == 0
    context.set_offline(False)
    page.wait_for_url(SAVED)
    assert versions(assignment) == 1
