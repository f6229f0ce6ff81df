"""The labeling desk over a day: the way back to the last submission, what is missing, reasons by key, comments, replies."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Step
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.review.assignments import return_to_labeler
from tests.browser.barriers import barriers, overflow
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.browser.test_comparing import Scale
from tests.cast import make_comparison, make_problem, make_solution
from tests.processes import eventually
from tests.world import rate

Pages = Callable[..., Page]


def make_tasks(project: Project, count: int) -> None:
    for number in range(count):
        make_solution(make_problem(project, f"Problem number {number}?"))


@pytest.fixture
def round_(project: Project) -> Round:
    make_tasks(project, 3)
    return open_round(project=project, protocol="first_error")


# --- back to the last submission --------------------------------------------------------------------------


def test_u_on_a_fresh_task_reopens_the_last_one_in_place_and_leads_back(
    round_: Round, bob: User, page_of: Pages
) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    expect(page.locator("#back-to-last")).to_be_disabled()
    page.evaluate("window.sameDocument = true")
    first = labeling.statement()
    labeling.press("3", "3", "3").submit()
    second, address = labeling.statement(), page.url
    held = Assignment.objects.get(labeler=bob, state="leased", task__solution__problem__statement=second)
    labeling.press("u")
    expect(page.locator("#submit")).to_have_text("Save correction Enter")
    assert (labeling.statement(), labeling.pressed()) == (first, ["great"] * 3)
    expect(page.locator('.ends [data-do="skip"]')).to_be_hidden()
    assert barriers(page) == []
    labeling.press("k", "1", "Enter")
    expect(page.locator("#notices")).to_contain_text(
        "Correction saved: step 2 from great to bad; step 3 from great to not rated."
    )
    assert (labeling.statement(), labeling.pressed()) == (second, [".", "-", "-"])
    expect(page.locator("#submit")).to_have_text("Submit Enter")
    corrected = Assignment.objects.get(labeler=bob, state="submitted")
    assert (corrected.versions, corrected.finish_reason) == (1, "found_error")
    held.refresh_from_db()
    assert held.state == "leased"
    assert page.evaluate("window.sameDocument") is True
    assert page.url == address
    labeling.press("3", "1").saved().submit()
    expect(page.locator("#round-count")).to_have_text("2 of 3")
    assert Assignment.objects.filter(labeler=bob, state="submitted").count() == 2


def test_the_task_behind_a_correction_keeps_its_ratings_and_their_history(
    round_: Round, bob: User, page_of: Pages
) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_).press("1").submit()
    second = labeling.statement()
    labeling.press("3", "2", "u", "u")  # Undo in a task comes first.
    assert labeling.statement() == second
    labeling.press("3", "2").saved()
    page.get_by_role("button", name="Back to the last").click()
    expect(page.locator("#submit")).to_have_text("Save correction Enter")
    labeling.press("3", "u", "u")
    expect(page.locator("#notices")).to_contain_text("There is nothing to undo")
    labeling.press("3")
    page.get_by_role("button", name="Back to your task").click()
    expect(page.locator("#notices")).to_contain_text("Your changes to the last task are not saved")
    assert (labeling.statement(), labeling.pressed()) == (second, ["great", "okay", "."])
    labeling.press("u")
    assert labeling.pressed() == ["great", ".", "-"]
    page.get_by_role("button", name="Back to the last").click()
    expect(page.locator("#notices")).to_contain_text("changes that are not saved yet")
    assert labeling.pressed() == ["great", ".", "-"]
    page.get_by_role("button", name="Discard the changes").click()
    labeling.press("Enter")
    expect(page.locator("#notices")).to_contain_text("Nothing was changed")
    assert labeling.statement() == second
    assert Assignment.objects.get(labeler=bob, state="submitted").versions == 0


def test_the_last_submission_is_known_after_a_reload_and_at_the_end_of_the_round(
    project: Project, bob: User, page_of: Pages
) -> None:
    make_tasks(project, 1)
    page = page_of(bob)
    round_ = open_round(project=project, protocol="first_error")
    labeling = LabelingPage(page).open(round_).press("1").submit(and_next=False)
    expect(page.locator("#round-count")).to_have_text("1 of 1")
    page.reload()
    labeling.ended().press("u").ready().press("3", "3", "3", "Enter")
    expect(page.locator("#notices")).to_contain_text("Correction saved: step 1 from bad to great; step 2")
    labeling.ended()


def test_where_corrections_are_not_allowed_it_says_so(project: Project, bob: User, page_of: Pages) -> None:
    make_tasks(project, 2)
    round_ = open_round(project=project, protocol="first_error", allows_corrections=False)
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_).press("1").submit()
    second = labeling.statement()
    labeling.press("u")
    expect(page.locator("#notices")).to_contain_text("This round does not allow corrections.")
    assert labeling.statement() == second


def test_a_submission_that_is_not_sent_yet_cannot_be_reopened_and_says_so(
    round_: Round, bob: User, watched: Watched
) -> None:
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    context = watched.context(bob)
    page = context.new_page()
    labeling = LabelingPage(page).open(round_).fetched_ahead()
    context.set_offline(True)
    labeling.press("1").submit()
    expect(page.locator("#save-state")).to_have_attribute("data-state", "offline")
    labeling.press("u")
    expect(page.locator("#notices")).to_contain_text("has not reached the server yet")
    context.set_offline(False)
    expect(page.locator("#round-count")).to_have_text("1 of 3")
    labeling.press("u")
    expect(page.locator("#submit")).to_have_text("Save correction Enter")


def test_what_waits_to_be_sent_from_another_round_is_not_the_last_submission_of_this_one(
    round_: Round, project: Project, bob: User, watched: Watched
) -> None:
    """This page would show it under the wrong protocol."""
    watched.expected = ("ERR_FAILED",)
    other = open_round(project=project, protocol="every_step")
    page = watched.context(bob).new_page()
    labeling = LabelingPage(page).open(round_).fetched_ahead()
    page.route("**/submit", lambda route: route.abort())
    labeling.press("1").submit()
    page.goto(f"/projects/{project.slug}/rounds/{other.number}/label")
    expect(page.locator("#save-state")).to_have_attribute("data-state", "offline")
    page.unroute("**/submit")
    labeling.ready()
    assert Assignment.objects.submitted().get().round == round_
    expect(page.locator("#back-to-last")).to_be_disabled()
    labeling.press("u")
    expect(page.locator("#notices")).to_contain_text("You have not submitted a task in this round yet")
    labeling.press("1", "2", "3").submit()
    labeling.press("u")
    expect(page.locator("#submit")).to_have_text("Save correction Enter")
    assert labeling.pressed() == ["bad", "okay", "great"]


def test_a_page_that_sends_what_waits_from_another_round_keeps_its_own_progress(
    round_: Round, project: Project, bob: User, watched: Watched
) -> None:
    watched.expected = ("ERR_FAILED",)
    other = open_round(project=project, protocol="every_step", redundancy=2)
    context = watched.context(bob)
    page, second = context.new_page(), context.new_page()
    here = LabelingPage(page).open(other).fetched_ahead()
    second.route("**/submit", lambda route: route.abort())
    LabelingPage(second).open(round_).fetched_ahead().press("1").submit()
    expect(page.locator("#round-count")).to_have_text("0 of 6")
    statement = here.statement()
    here.press("s")
    page.locator("#reason[open]").wait_for()
    here.press("Enter")
    expect(page.locator("#task .problem")).not_to_have_text(statement)
    eventually(lambda: Assignment.objects.submitted().filter(round=round_).exists())
    eventually(lambda: Assignment.objects.filter(round=other, state="skipped").exists())
    expect(page.locator("#save-state")).not_to_have_attribute("data-state", "saving")
    expect(page.locator("#round-count")).to_have_text("0 of 6")


def test_a_submission_that_the_server_refuses_is_not_the_last_one(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("409",)
    page = watched.context(bob).new_page()
    labeling = LabelingPage(page).open(round_).press("1").submit()
    expect(page.locator("#round-count")).to_have_text("1 of 3")
    refusal = {"error": {"code": "answer_seen", "message": "You have seen the answer."}}
    page.route("**/submit", lambda route: route.fulfill(status=409, json=refusal))
    labeling.press("3", "1").submit()
    expect(page.locator("#notices")).to_have_text("Your last task was not accepted: You have seen the answer. Dismiss")
    labeling.press("u")
    expect(page.locator("#submit")).to_have_text("Save correction Enter")
    assert labeling.pressed() == ["bad", "-", "-"]


# --- what is missing ----------------------------------------------------------------------------------------


def test_an_early_enter_shows_what_is_missing_and_leads_there(round_: Round, bob: User, page_of: Pages) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_).press("3", "k")
    missing, submit = page.locator("#missing"), page.locator("#submit")
    before = submit.bounding_box()
    labeling.press("Enter")
    expect(missing).to_have_class("missing pointed-out")
    expect(page.locator("#task .step").nth(1)).to_have_class("step here")
    expect(page.locator("#announcer")).to_contain_text("Not yet.")
    assert submit.bounding_box() == before
    assert Assignment.objects.submitted().count() == 0
    labeling.press("3")
    expect(missing).not_to_have_class("missing pointed-out")
    submit.click(force=True)  # Not disabled to a pointer: it answers.
    expect(missing).to_have_class("missing pointed-out")


def test_an_early_enter_in_a_comparison_leads_to_the_scale_and_then_to_the_rationale(
    project: Project, bob: User, page_of: Pages
) -> None:
    make_comparison(make_problem(project), ["Yes."], ["No."])
    round_ = open_round(project=project, protocol="comparison", options={"rationale": "required"})
    page = page_of(bob)
    labeling = Scale(page).open(round_).press("Enter")
    expect(page.locator("#thumbs")).to_be_focused()
    labeling.press("2", "Enter")
    expect(page.locator("#task textarea")).to_be_focused()


# --- reasons by key -------------------------------------------------------------------------------------------


def test_digits_choose_a_reason_and_enter_sends_it(round_: Round, bob: User, page_of: Pages) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    first = labeling.statement()
    labeling.press("b")
    dialog = page.locator("#reason[open]")
    expect(dialog).to_contain_text("1 to 4 choose a reason")
    assert barriers(page) == []
    labeling.press("2", "1")
    expect(page.locator("#reason-text")).to_have_value("Something is missing. The question is ambiguous")
    labeling.press("Control+Enter")
    expect(page.locator("#task .problem")).not_to_have_text(first)
    labeling.ready().press("g")
    dialog.wait_for()
    page.keyboard.type("No idea: 2 of 3.")
    expect(page.locator("#reason-text")).to_have_value("No idea: 2 of 3.")
    labeling.press("Meta+Enter")
    expect(page.locator("#day-count")).to_have_text("2 today")
    assert set(Assignment.objects.submitted().values_list("finish_reason", "reason")) == {
        ("bad_problem", "Something is missing. The question is ambiguous"),
        ("give_up", "No idea: 2 of 3."),
    }


def test_a_skipped_task_is_opened_again_by_its_problem(round_: Round, bob: User, rita: User, page_of: Pages) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    first = labeling.statement()
    labeling.press("3").saved().press("s", "2", "Enter")
    expect(page.locator("#task .problem")).not_to_have_text(first)
    labeling.ready()
    page.get_by_role("link", name="My work").first.click()
    page.get_by_role("link", name=first).click()
    assert (labeling.ready().statement(), labeling.pressed()) == (first, ["great", ".", "-"])
    page.reload()
    assert labeling.ready().statement() == first
    # Skipped again, and taken by somebody else: the list says so.
    labeling.press("s", "Enter")
    expect(page.locator("#task .problem")).not_to_have_text(first)
    labeling.ready()
    while isinstance(held := claim(round=round_, labeler=rita, holding=[]), Assignment):
        rate_it = held.task.solution
        assert rate_it is not None
        if rate_it.problem.statement == first:
            break
        rate(round_, rita, -1)
    page.goto(f"/projects/{round_.project.slug}/work")
    expect(page.get_by_role("region", name="Skipped")).to_contain_text("Others have taken this task")


def test_the_end_of_a_round_lists_what_one_has_skipped(project: Project, bob: User, rita: User, page_of: Pages) -> None:
    make_tasks(project, 1)
    round_ = open_round(project=project, protocol="first_error")
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    page.route("**/claim", lambda route: route.abort())
    page.unroute("**/claim")
    labeling.press("s")
    page.locator("#reason[open]").wait_for()
    page.keyboard.press("Escape")
    held = Assignment.objects.get(labeler=bob)
    Assignment.objects.filter(pk=held.pk).update(state="skipped", reason="Too tired")
    held.task.open_slots = 1
    held.task.save()
    assert isinstance(claim(round=round_, labeler=rita), Assignment)
    page.reload()
    labeling.ended()
    expect(page.locator(".skipped")).to_contain_text("Problem number 0?")
    expect(page.locator(".skipped")).to_contain_text("Others have taken this task")
    assert barriers(page) == []


# --- error follow-up, comments, replies -----------------------------------------------------------------------


def test_the_buttons_about_an_error_have_names_of_their_own(project: Project, bob: User, page_of: Pages) -> None:
    solution = make_solution(make_problem(project), ["One.", "Two."])
    Step.objects.create(solution=solution, position=0, candidate=1, text="Another.", chosen=False)
    round_ = open_round(project=project, protocol="first_error", options={"alternatives": True, "progress": True})
    page = page_of(bob, viewport={"width": 390, "height": 844})
    labeling = LabelingPage(page).open(round_)
    thumbs = page.locator("#thumbs")
    expect(thumbs).to_contain_text("Bad")
    labeling.press("1")
    expect(thumbs).to_have_attribute("aria-label", "Alternative 1")
    expect(thumbs.get_by_role("button", name="Also bad")).to_be_visible()
    expect(page.locator(".item .face").first).to_have_attribute("aria-label", "also bad")
    labeling.press("2")
    assert thumbs.locator("button:visible").all_inner_texts() == ["Nowhere", "Part of the way", "Nearly there"]
    assert overflow(page) == []
    assert barriers(page) == []
    labeling.press("k", "k")
    assert thumbs.locator("button:visible").all_inner_texts() == ["Bad", "Okay", "Great", "Unsure"]
    page.set_viewport_size({"width": 1240, "height": 860})
    labeling.press("j")
    expect(page.locator(".hints")).to_contain_text("1 also bad 2 okay instead")


def test_a_comment_on_a_step_is_drafted_offline_and_submitted(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    context = watched.context(bob)
    page = context.new_page()
    labeling = LabelingPage(page).open(round_)
    context.set_offline(True)
    labeling.press("3", "c")
    expect(page.get_by_role("textbox", name="Comment on step 2")).to_be_focused()
    page.keyboard.type("Is 1 c meant?")
    assert labeling.pressed() == ["great", ".", "-"]
    page.keyboard.press("Escape")
    expect(page.locator("#task .step").nth(1)).to_contain_text("Is 1 c meant?")
    context.set_offline(False)
    labeling.saved()
    page.reload()
    labeling.ready()
    expect(page.locator("#task .step").nth(1)).to_contain_text("Is 1 c meant?")
    assert barriers(page) == []
    labeling.press("1").submit()
    expect(page.locator("#round-count")).to_have_text("1 of 3")
    assignment = Assignment.objects.get(labeler=bob, state="submitted")
    assert list(assignment.step_labels.order_by("step__position").values_list("rating", "comment")) == [
        (1, ""),
        (-1, "Is 1 c meant?"),
    ]


def test_a_labeler_replies_to_the_note_of_a_reviewer(round_: Round, bob: User, rita: User, page_of: Pages) -> None:
    assignment = rate(round_, bob, 1, 1, 1)
    return_to_labeler(assignment=assignment, reviewer=rita, note="Look at step 2.")
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    expect(page.locator("#reviewer-note")).to_contain_text("Look at step 2.")
    page.get_by_label("Your reply to the reviewer").fill("It follows from step 1.")
    labeling.saved()
    page.reload()
    labeling.ready()
    expect(page.locator("#reply")).to_have_value("It follows from step 1.")
    assert barriers(page) == []
    page.locator("#reply").press("Control+Enter")
    expect(page.locator("#reviewer-note")).to_be_hidden()
    labeling.ready()
    expect(page.locator("#day-count")).to_have_text("1 today")
    assignment.refresh_from_db()
    assert (assignment.state, assignment.reply) == ("submitted", "It follows from step 1.")
    reviewing = page_of(rita)
    reviewing.goto(f"/projects/{round_.project.slug}/review/assignments/{assignment.pk}")
    expect(reviewing.locator("#review-panel details[open]")).to_contain_text("It follows from step 1.")
    assert barriers(reviewing) == []


# --- keyboards ------------------------------------------------------------------------------------------------


def test_letter_keys_work_on_a_russian_keyboard(round_: Round, bob: User, page_of: Pages) -> None:
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_).press("3")

    def typed(key: str, code: str, **more: bool) -> None:
        page.evaluate(
            """(event) => document.body.dispatchEvent(
                new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...event }))""",
            {"key": key, "code": code, **more},
        )

    typed("г", "KeyU")
    assert labeling.pressed() == [".", "-", "-"]
    typed("и", "KeyB", modifierAltGraph=True)
    expect(page.locator("#reason")).to_be_hidden()
    typed("и", "KeyB")
    page.locator("#reason[open]").wait_for()
