"""Submissions reviewed in the labeling page, by keys alone, with everything that is known of them in view."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.assignments.correct import correct
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from apps.quality.models import Review, StepConsensus
from tests.browser.barriers import PHONE, flaws
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.browser.test_reviewing_journey import disputed, judged
from tests.cast import make_comparison, make_gold, make_problem, make_round, make_solution
from tests.processes import eventually
from tests.quality.submissions import submission_of, submit_next
from tests.world import rate


@pytest.fixture
def round_(project: Project, bob: User) -> Round:
    """Four submissions of one labeler, each of three steps of which none is bad."""
    for number in range(4):
        make_solution(make_problem(project, f"What is {number} + 22?", reference_answer="42"), ["A.", "B.", "C."])
    round_ = make_round(project)
    for _ in range(4):
        submit_next(round_, bob, 1, 1, 1)
    return round_


def opened(page: Page, project: Project) -> LabelingPage:
    page.goto(f"/projects/{project.slug}/review/assignments")
    page.get_by_role("link", name="Start reviewing").click()
    return LabelingPage(page).ready()


def shown_id(page: Page) -> int:
    return int(page.evaluate("location.pathname.split('/').at(-1)"))


def on_to_the_next(page: Page, before: int) -> int:
    page.wait_for_function("(before) => !location.pathname.endsWith('/' + before)", arg=before)
    LabelingPage(page).ready()
    return shown_id(page)


def decisions() -> list[tuple[int, str]]:
    return list(Review.objects.order_by("pk").values_list("assignment", "decision"))


def test_what_its_labeler_changed_meanwhile_is_shown_before_it_can_be_accepted(
    project: Project, round_: Round, rita: User, watched: Watched
) -> None:
    watched.expected = ("409",)
    page = watched.page(rita)
    desk = opened(page, project)
    own = Assignment.objects.get(pk=shown_id(page))
    correct(assignment=own, submission=submission_of([1, -1]))
    desk.press("Enter")
    expect(page.locator("#notices")).to_contain_text("changed or reviewed since you opened it")
    assert (shown_id(page), desk.ready().pressed()) == (own.pk, ["great", "bad", "-"])
    assert decisions() == []
    desk.press("Enter")
    on_to_the_next(page, own.pk)
    assert decisions() == [(own.pk, "accepted")]


def test_a_queue_is_reviewed_by_keys_alone(project: Project, round_: Round, rita: User, watched: Watched) -> None:
    page = watched.page(rita)
    desk = opened(page, project)
    first = shown_id(page)
    assert desk.pressed() == ["great", "great", "great"], "it shows what the labeler submitted"
    expect(page.locator("#submit")).to_have_text("Accept Enter")
    desk.fetched_ahead().press("Enter")
    second = on_to_the_next(page, first)

    desk.press("r")
    expect(page.locator("#reason-title")).to_have_text("Return this submission?")
    page.keyboard.type("Add the last line up once more.")
    page.keyboard.press("Control+Enter")
    third = on_to_the_next(page, second)

    desk.press("j", "1")
    expect(page.locator("#submit")).to_have_text("Save correction Enter")
    desk.press("Enter")
    expect(page.locator("#reason-title")).to_have_text("Save your correction?")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    fourth = on_to_the_next(page, third)

    desk.press("s")
    expect(page.locator("#task h2")).to_have_text("Nothing waits for your review")
    expect(page.locator("#task")).to_contain_text("passed over still wait")
    page.get_by_role("button", name="Check again").click()
    LabelingPage(page).ready()
    assert shown_id(page) == fourth
    desk.press("Enter")
    expect(page.locator("#task")).to_contain_text("Every submission has a review")

    assert decisions() == [(first, "accepted"), (second, "returned"), (third, "corrected"), (fourth, "accepted")]
    returned, corrected = Assignment.objects.get(pk=second), Review.objects.get(assignment=third)
    assert (returned.state, returned.note) == ("returned", "Add the last line up once more.")
    assert corrected.note == "The error comes earlier"
    assert [row["rating"] for row in corrected.submission["steps"]] == [1, -1]
    labels = StepConsensus.objects.filter(step__solution__tasks__assignments=third, how="adjudicated")
    assert list(labels.order_by("step__position").values_list("rating", flat=True)) == [1, -1]


def test_undo_leads_back_to_what_was_reviewed_last(
    project: Project, round_: Round, rita: User, watched: Watched
) -> None:
    page = watched.page(rita)
    desk = opened(page, project)
    first = shown_id(page)
    desk.press("u")
    expect(page.locator("#notices")).to_contain_text("You have not reviewed a submission yet")
    desk.press("Enter")
    second = on_to_the_next(page, first)
    desk.press("2")
    assert desk.pressed()[0] == "okay"
    desk.press("u")
    assert (desk.pressed()[0], shown_id(page)) == ("great", second), "what is changed is undone first"
    desk.press("u")
    assert on_to_the_next(page, second) == first
    page.keyboard.press("h")
    expect(page.locator("#review-panel")).to_contain_text("Rita accepted")
    desk.press("1", "Enter", "Enter")
    assert on_to_the_next(page, first) == second, "and it goes on where the reviewer was"
    assert decisions() == [(first, "accepted"), (first, "corrected")]


def test_a_correction_is_shown_beside_the_labelers_own_and_withdrawn(
    project: Project, round_: Round, rita: User, watched: Watched
) -> None:
    page = watched.page(rita)
    desk = opened(page, project)
    first = shown_id(page)
    desk.press("1", "Enter", "Enter")
    second = on_to_the_next(page, first)
    desk.press("u")
    assert on_to_the_next(page, second) == first
    assert desk.pressed() == ["bad", "-", "-"]
    expect(page.locator(".step").first).to_contain_text("submitted great")
    desk.press("r")
    expect(page.locator("#notices")).to_contain_text("Withdraw the correction before you return")
    page.get_by_role("button", name="Withdraw correction").click()
    expect(page.locator("#notices")).to_contain_text("own ratings count again")
    assert desk.pressed() == ["great", "great", "great"]
    assert Assignment.objects.get(pk=first).corrected_by is None


def test_all_evidence_stands_on_its_step(project: Project, rita: User, watched: Watched) -> None:
    solutions = disputed(project, 2)
    judged(solutions)
    make_gold(solutions[0], 1, 1, -1)
    assignment = Assignment.objects.filter(task__solution=solutions[0]).order_by("pk")[0]
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/review/assignments/{assignment.pk}")
    LabelingPage(page).ready()
    third, fourth = page.locator(".steps > .step").nth(2), page.locator(".steps > .step").nth(3)
    for words in ("gold bad", "Monte Carlo 7 of 8", "critic v12 bad 40 %", "submitted okay"):
        expect(third.locator(".opinions")).to_contain_text(words)
    expect(fourth).to_contain_text("the seven was forgotten")
    expect(page.locator("#review-panel .opinions")).to_contain_text("gold step 3")
    assert flaws(page) == {}


def test_what_waits_in_another_round_opens_on_its_own_page(
    project: Project, round_: Round, bob: User, rita: User, watched: Watched
) -> None:
    set_round_status(round=round_, status="closed", actor=rita)
    problem = make_problem(project, "Which one?")
    make_comparison(problem, ["It is 1."], ["It is 2."])
    pairs = open_round(project=project, protocol="comparison")
    compared = rate(pairs, bob, finish="bad_problem", reason="Both are empty.")
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/review/assignments/{round_.assignments.order_by('pk')[0].pk}")
    desk = LabelingPage(page).ready()
    desk.press("r")
    expect(page.locator("#notices")).to_contain_text("The round is closed")
    for _ in range(4):
        before = shown_id(page)
        desk.press("Enter")
        page.wait_for_function("(before) => !location.pathname.endsWith('/' + before)", arg=before)
        page.locator("#task[aria-busy=false] .task").wait_for()
    assert shown_id(page) == compared.pk
    expect(page.locator("#review-panel")).to_contain_text("A comparison cannot be corrected")
    expect(page.locator("#review-panel")).to_contain_text("reported the problem")
    page.keyboard.press("r")
    page.keyboard.type("Choose the second.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#task")).to_contain_text("Every submission has a review")
    eventually(lambda: Assignment.objects.get(pk=compared.pk).state == "returned")


def test_a_reviewer_sees_their_own_submission_without_a_decision(
    project: Project, rita: User, bob: User, watched: Watched
) -> None:
    make_solution(make_problem(project), ["A.", "B."])
    round_ = make_round(project, redundancy=2)
    own = submit_next(round_, rita, 1, 1)
    other = submit_next(round_, bob, 1, -1)
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/review/assignments/{own.pk}")
    desk = LabelingPage(page).ready()
    expect(page.locator("#review-panel")).to_contain_text("This is your own submission")
    desk.press("Enter", "1")
    assert desk.pressed() == ["great", "great"]
    assert not Review.objects.exists()
    page.goto(f"/projects/{project.slug}/review/assignments/{other.pk}")
    desk.ready()
    expect(page.locator("#review-panel")).to_contain_text("another reviewer returns or corrects it")
    desk.press("Enter")
    expect(page.locator("#task")).to_contain_text("Only your own submissions have no review yet")
    assert decisions() == [(other.pk, "accepted")]


def test_on_a_phone_the_submission_is_reviewed_with_thumbs(
    project: Project, round_: Round, rita: User, watched: Watched
) -> None:
    page = watched.page(rita, viewport=PHONE)
    opened(page, project)
    first = shown_id(page)
    page.locator("#thumbs .bad").click()
    page.locator("#submit").click()
    page.locator("#reason-send").click()
    on_to_the_next(page, first)
    assert decisions() == [(first, "corrected")]
