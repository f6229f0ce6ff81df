"""People at work in a real browser: skipping, correcting, the screening, keys; and a manager with a bad problem."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Problem
from apps.dashboard.solutions.queries import with_strips
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.models import Assignment, PastSubmission, Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_screening, make_solution
from tests.processes import eventually
from tests.world import rate

Pages = Callable[..., Page]


@pytest.fixture
def page_of(watched: Watched) -> Pages:
    """On a busy machine a draft may be overtaken by its own submission: the server says 409, and the page knows why."""
    watched.expected = ("409",)
    return watched.page


def make_tasks(project: Project, count: int) -> None:
    for number in range(count):
        make_solution(make_problem(project, f"Problem number {number}?"))


def test_a_task_is_skipped_by_key_and_comes_back_last_with_its_ratings(
    project: Project, bob: User, page_of: Pages
) -> None:
    make_tasks(project, 2)
    round_ = open_round(project=project, protocol="first_error")
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    first = page.locator("#task .problem").inner_text()
    labeling.press("3").saved()
    labeling.press("s")
    page.get_by_role("button", name="I have to look something up").click()
    page.get_by_role("button", name="Skip the task").click()
    expect(page.locator("#task .problem")).not_to_have_text(first)
    labeling.ready()
    assert labeling.pressed() == [".", "-", "-"]
    labeling.press("1").saved().submit()
    assert page.locator("#task .problem").inner_text() == first
    assert labeling.pressed()[0] == "great"
    labeling.press("3", "3").saved().submit(and_next=False)
    assert Assignment.objects.submitted().count() == 2


def test_s_and_enter_skip_without_a_reason(project: Project, bob: User, page_of: Pages) -> None:
    # Of two the first would come back at once, for nothing else is left to fetch.
    make_tasks(project, 3)
    page = page_of(bob)
    labeling = LabelingPage(page).open(open_round(project=project, protocol="first_error"))
    first = page.locator("#task .problem").inner_text()
    labeling.press("s", "Enter")
    expect(page.locator("#task .problem")).not_to_have_text(first)
    labeling.ready().press("s", "Escape")
    expect(page.locator("#task .problem")).not_to_have_text(first)
    eventually(lambda: Assignment.objects.filter(state="skipped", reason="").count() == 1)
    labeling.saved()


def test_a_skip_waits_for_the_network(project: Project, bob: User, watched: Watched) -> None:
    make_tasks(project, 3)
    watched.expected = ("ERR_FAILED", "409")
    page = watched.page(bob)
    labeling = LabelingPage(page).open(open_round(project=project, protocol="first_error"))
    labeling.fetched_ahead()
    page.context.route("**/skip", lambda route: route.abort())
    first = page.locator("#task .problem").inner_text()
    labeling.press("s", "Enter")
    expect(page.locator("#task .problem")).not_to_have_text(first)
    expect(page.locator("#save-state")).to_have_attribute("data-state", "offline")
    assert not Assignment.objects.filter(state="skipped").exists()
    page.context.unroute("**/skip")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#save-state")).not_to_have_attribute("data-state", "offline")
    eventually(lambda: not page.evaluate("Object.keys(localStorage).some((key) => key.includes('outbox:'))"))
    assert Assignment.objects.filter(state="skipped").count() == 1


def test_a_submitted_task_is_corrected_from_my_work(project: Project, bob: User, page_of: Pages) -> None:
    make_tasks(project, 1)
    assignment = rate(open_round(project=project, protocol="first_error"), bob, 1, 1, 1)
    page = page_of(bob)
    page.goto(f"/projects/{project.slug}/work")
    expect(page.get_by_role("row").nth(1)).to_contain_text("reached the end")
    page.get_by_role("link", name="Correct").click()
    labeling = LabelingPage(page).ready()
    assert labeling.pressed() == ["great", "great", "great"]
    expect(page.locator("[data-do=skip]")).to_have_count(0)
    labeling.press("k", "k", "1", "Enter")
    page.wait_for_url(lambda url: "/work?corrected=" in url)
    expect(page.get_by_role("status").first).to_contain_text("Correction saved")
    expect(page.get_by_role("row").nth(1)).to_contain_text("found the first error, resubmitted")
    assignment.refresh_from_db()
    assert (assignment.finish_reason, assignment.versions) == ("found_error", 1)
    assert PastSubmission.objects.get().submission["finish_reason"] == "solution"


def pass_through(labeling: LabelingPage, *keys: str, tasks: int) -> None:
    for left in reversed(range(tasks)):
        labeling.press(*keys).saved().submit(and_next=left > 0)


def test_a_screening_is_failed_taken_again_and_passed(project: Project, bob: User, alice: User, page_of: Pages) -> None:
    round_ = make_screening(project, tasks=2, tries=2)
    real = open_round(project=project, protocol="first_error", needs_screening=True)
    page = page_of(bob)
    page.goto(f"/projects/{project.slug}/rounds/{real.number}/label")
    expect(page.get_by_role("heading", name="Take the screening first")).to_be_visible()
    labeling = LabelingPage(page).open(round_)
    pass_through(labeling, "1", tasks=2)
    expect(page.get_by_role("heading", name="Screening not passed")).to_be_visible()
    expect(page.locator(".no-task")).to_contain_text("you agree with 0 %")
    expect(page.locator(".no-task")).to_contain_text("One more attempt is left")
    page.get_by_role("button", name="Try again").click()
    labeling.ready()
    pass_through(labeling, "3", "1", tasks=2)
    expect(page.get_by_role("heading", name="Screening passed", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    LabelingPage(page).open(real)
    managers = page_of(alice)
    managers.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    expect(managers.get_by_role("row").nth(1)).to_contain_text("Bob")
    expect(managers.get_by_role("row").nth(1)).to_contain_text("passed")
    expect(managers.get_by_role("row").nth(1)).to_contain_text("2 of 2")


def test_a_screening_without_another_try_says_so(project: Project, bob: User, page_of: Pages) -> None:
    round_ = make_screening(project, tasks=1)
    page = page_of(bob)
    pass_through(LabelingPage(page).open(round_), "1", tasks=1)
    expect(page.locator(".no-task")).to_contain_text("No attempt is left")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()


def test_keys_that_were_changed_are_the_same_on_another_machine(project: Project, bob: User, page_of: Pages) -> None:
    make_tasks(project, 1)
    round_ = open_round(project=project, protocol="first_error")
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    labeling.press("?")
    page.get_by_role("button", name="The step is great: 3").click()
    with page.expect_response(lambda answer: answer.url.endswith("/me/keys")):
        labeling.press("d")
    bob.refresh_from_db()
    assert bob.key_map["great"] == "d"
    other = LabelingPage(page_of(bob)).open(round_)
    other.press("d")
    assert other.pressed()[0] == "great"


# Rollouts, successes and the label that the run concludes: a search goes by more than the rollouts from one step.
SAID = [(8, 8, True), (2, 0, True), (8, 1, False), (8, 0, None), (None, None, False), (8, None, None)]


def test_in_verify_mode_the_steps_say_what_models_say(project: Project, bob: User, page_of: Pages) -> None:
    solution = make_solution(make_problem(project), [f"Step {place}." for place in range(len(SAID))])
    run = EstimationRun.objects.create(
        project=project, number=1, strategy="posterior-search", status=JobStatus.FINISHED
    )
    SolutionEstimate.objects.create(run=run, solution=solution, first_error=2)
    for step, (rollouts, successes, hard) in zip(solution.steps.order_by("position"), SAID, strict=True):
        StepEstimate.objects.create(run=run, step=step, rollouts=rollouts, successes=successes, hard=hard)
    page = page_of(bob)
    LabelingPage(page).open(open_round(project=project, protocol="first_error", mode="verify"))
    said = page.locator(".step .models")
    assert said.all_inner_texts() == [
        "estimated good: 8 of 8 rollouts reached the answer",
        "estimated good: 0 of 2 rollouts reached the answer",
        "estimated bad: 1 of 8 rollouts reached the answer",
        "estimated bad: 0 of 8 rollouts reached the answer",
        "estimated bad: the answer is not reached from here",
    ]
    # What is drawn is what the strip draws; of the last step nothing is known.
    drawn = said.evaluate_all("all => all.map((one) => ['good', 'bad'].filter((name) => one.classList.contains(name)))")
    strip = with_strips([solution])[0].strip  # type: ignore[attr-defined]
    assert strip.marks == ["great", "great", "bad", "bad", "bad", "none"]
    assert drawn == [["good"], ["good"], ["bad"], ["bad"], ["bad"]]


def test_a_manager_drafts_a_round_looks_and_opens_it(project: Project, alice: User, bob: User, page_of: Pages) -> None:
    make_tasks(project, 3)
    page = page_of(alice)
    page.goto(f"/projects/{project.slug}/rounds/new")
    page.get_by_label("Name", exact=False).first.fill("Second generation")
    page.get_by_label("People per task").fill("2")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_label("Preview")).to_contain_text("6")
    expect(page.locator("article.card")).to_have_count(3)
    page.get_by_role("link", name="Edit").click()
    expect(page.get_by_label("People per task")).to_have_value("2")
    page.get_by_text("Choose people").click()
    page.get_by_label("Bob").check()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("heading", name="Who may not work")).to_be_visible()
    page.get_by_role("button", name="Open round").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    round_ = Round.objects.get()
    assert (round_.status, round_.task_count, round_.slot_count, list(round_.labelers.all())) == ("open", 3, 6, [bob])


def test_a_reported_problem_is_retired_and_brought_back(
    project: Project, alice: User, bob: User, page_of: Pages
) -> None:
    make_tasks(project, 2)
    round_ = open_round(project=project, protocol="first_error", redundancy=2)
    rate(round_, bob, finish="bad_problem", reason="Something is missing")
    page = page_of(alice)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    page.get_by_role("link", name="Edit or retire the problem").click()
    expect(page.locator("main")).to_contain_text("Something is missing")
    page.get_by_label("Reason").fill("A number is missing")
    page.get_by_role("button", name="Retire").click()
    expect(page.locator("h1")).to_contain_text("retired")
    assert Problem.objects.exclude(retired_at=None).get().retired_reason == "A number is missing"
    labeling = LabelingPage(page_of(bob)).open(round_)
    labeling.press("1").submit(and_next=False)
    page.get_by_role("button", name="Bring back").click()
    expect(page.get_by_role("button", name="Retire")).to_be_visible()
    assert not Problem.objects.exclude(retired_at=None).exists()
