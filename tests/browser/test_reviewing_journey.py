"""Reviewing as a reviewer does it: by keys, with everything that is known in view."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.corpus.problem_edits import edit_problem, grade_again
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.models import Assignment
from apps.projects.models import Project, Role
from apps.projects.services import add_member
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Consensus, OpenDispute, Review, StaleSolution
from tests.browser.barriers import PHONE, barriers, flaws, overflow
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_round, make_solution, make_user
from tests.judging.verdicts import judge
from tests.processes import eventually
from tests.quality.submissions import submit_next

STEPS = (
    r"Let $d$ be the denominator and $n$ the numerator. The first sentence says $d = 3n - 7$.",
    r"The second says $\frac{n}{d} = \frac{2}{5}$, so $5n = 2d$.",
    r"Put the first into the second: $5n = 2(3n - 7) = 6n - 14$.",
    r"Subtracting $5n$ from both sides gives $n = 7$.",
    r"Answer: $\boxed{7}$",
)
#: Words of the table over which the hint lies.
COVERED = """[...document.querySelectorAll(".evidence td *")].filter((one) => {
    const hint = document.getElementById("step-keys");
    if (hint.contains(one) || one.contains(hint)) return false;
    const [a, b] = [hint.getBoundingClientRect(), one.getBoundingClientRect()];
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}).map((one) => one.outerHTML)"""


def disputed(project: Project, count: int) -> list[Solution]:
    """Solutions of which two people name different first errors, with rollouts beside them."""
    people = [make_user(name) for name in ("ada", "ben", "cem")]
    for one in people:
        add_member(project=project, user=one, role=Role.LABELER)
    run = EstimationRun.objects.create(
        project=project,
        number=1,
        strategy="math-shepherd",
        completer="llama-7b",
        status="finished",
        started_at=timezone.now(),
    )
    solutions = []
    for number in range(count):
        problem = make_problem(
            project,
            f"The denominator of a fraction is 7 less than {number + 3} times the numerator. If the fraction is equivalent"
            " to $2/5$, what is the numerator of the fraction?",
            reference_answer="14",
        )
        solution = make_solution(
            problem,
            STEPS,
            final_answer="7",
            is_correct=False,
            grade="no_match",
            verifier_score=0.91,
            source="llama-7b",
        )
        estimates = zip(solution.steps.order_by("position"), (8, 8, 7, 3, 0), strict=True)
        StepEstimate.objects.bulk_create(
            StepEstimate(run=run, step=step, rollouts=8, successes=good, basis="rollouts") for step, good in estimates
        )
        SolutionEstimate.objects.create(run=run, solution=solution, first_error=4)
        solutions.append(solution)
    round_ = make_round(project, redundancy=3)
    for _ in range(count):
        submit_next(round_, people[0], 1, 1, 0, -1)
        submit_next(round_, people[1], 1, 1, 1, 1, -1)
        submit_next(round_, people[2], 1, 1, 0, 1, 1)
    recompute_project(project)
    return solutions


def judged(solutions: Sequence[Solution]) -> None:
    """Two judges of the same solutions, who name different first errors and say why."""
    why = "Both sides were multiplied by five, and the seven was forgotten, so that the sum is wrong from here on."
    for one in solutions:
        judge(one, "llama-3.3-70b-instruct-judge", 1, 1, 0, -1, -1, version=3, confidence=0.85, reason=why)
        judge(one, "critic", 1, 0, -1, version=12, confidence=0.4)
        StaleSolution.objects.mark(one.project_id, [one.pk])
    recompute_project(solutions[0].project)


def first_errors_text(page: Page) -> str:
    return " ".join(page.locator("#first-errors").inner_text().split())


def test_ten_disputed_solutions_are_adjudicated_with_keys_alone(project: Project, rita: User, watched: Watched) -> None:
    solutions = disputed(project, 10)
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/review")
    expect(page.locator("li", has_text="People disagree")).to_contain_text("10")
    page.goto(f"/projects/{project.slug}/review/people")
    page.get_by_role("link", name="Start reviewing").click()
    for number in range(10):
        page.wait_for_url(f"**/solutions/{solutions[number].pk}?queue=people")
        # It begins at the first step in dispute: the fourth.
        expect(page.locator("tr.here")).to_have_attribute("data-number", "4")
        if number % 2:
            page.keyboard.press("x")
            expect(page.locator("#first-errors")).to_contain_text("adjudicated")
        else:
            page.keyboard.press("3")
            page.keyboard.press("j")
            page.keyboard.press("1")
            expect(page.locator("tr.here .step-consensus")).to_contain_text("bad")
            page.keyboard.press("k")
            page.keyboard.press("k")
            expect(page.locator("tr.here")).to_have_attribute("data-number", "3")
            page.keyboard.press("ArrowUp")
            for key in "2k":
                page.keyboard.press(key)
            page.keyboard.press("0" if number == 0 else "2")
            expect(page.locator("tr.here .step-consensus")).to_contain_text("great" if number == 0 else "okay")
        assert page.evaluate("document.activeElement.closest('tr, body').matches('tr.here, body')")
        if number < 9:
            page.keyboard.press("n")
    expect(page.locator("#first-errors")).to_contain_text("adjudicated")
    errors = dict(Consensus.objects.filter(how="adjudicated").values_list("solution", "first_error"))
    assert [errors.get(one.pk) for one in solutions] == [-1, 3, 4, 3, 4, 3, 4, 3, 4, 3]
    assert not OpenDispute.objects.filter(kind="people").exists()
    recompute_project(project)
    assert Consensus.objects.filter(how="adjudicated", adjudicated_by=rita).count() == 10


def test_ratings_faster_than_the_server_responds_reach_their_own_steps(
    project: Project, rita: User, watched: Watched
) -> None:
    (solution,) = disputed(project, 1)
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    for key in "kkk3j2j3j1":
        page.keyboard.press(key)
    expect(page.locator("#first-errors")).to_contain_text("adjudicated")
    stands = solution.steps.order_by("position").values_list("consensus__rating", "consensus__how")
    # The page may name the first of the four before the last has been answered.
    expected = [(1, "adjudicated"), (0, "adjudicated"), (1, "adjudicated"), (-1, "adjudicated")]
    eventually(lambda: list(stands.all())[:4] == expected)


def test_the_current_step_shows_its_keys(project: Project, rita: User, watched: Watched) -> None:
    (solution,) = disputed(project, 1)
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    hint = page.locator("tr.here #step-keys")
    expect(hint).to_have_text("This step: 1 bad 2 okay 3 great Whole solution: x first error here 0 no bad step")
    rows = "[...document.querySelectorAll('tr[data-step]')].map((row) => row.getBoundingClientRect().height)"
    before = page.evaluate(rows)
    page.keyboard.press("j")
    expect(page.locator("tr.here")).to_have_attribute("data-number", "5")
    expect(hint).to_be_visible()
    expect(page.locator("#step-keys")).to_have_count(1)
    assert page.evaluate(rows) == before, "nothing moves when the hint comes along"
    assert page.evaluate(COVERED) == [], "and it lies over nothing"
    on_a_phone = watched.page(rita, viewport=PHONE)
    on_a_phone.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    expect(on_a_phone.locator("#step-keys")).to_be_hidden()
    names = "[...document.querySelectorAll('tr.here td[data-label]')].map((cell) => getComputedStyle(cell, '::before').content)"
    assert on_a_phone.evaluate(names) == ['"people "', '"Monte Carlo "', '"consensus "']
    assert overflow(on_a_phone) == []


def test_formulas_in_a_judge_s_reason_are_typeset_and_a_long_one_is_folded_not_cut(
    project: Project, rita: User, watched: Watched
) -> None:
    (solution,) = disputed(project, 1)
    judge(solution, "brief", 1, confidence=0.9, reason=r"The half is $\frac{1}{2}$.")
    judge(solution, "wordy", 1, confidence=0.9, reason="So it goes. " * 60 + r"At last $\frac{1}{3}$.")
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    step = page.locator("td.step").first
    expect(step.locator("div.critique .katex")).to_have_count(1)
    long = step.locator("details.critique")
    expect(long.locator(".katex:visible")).to_have_count(1)
    folded = long.bounding_box()
    long.locator("summary").click()
    opened = long.bounding_box()
    assert folded is not None
    assert opened is not None
    assert opened["height"] > 2 * folded["height"]
    assert barriers(page) == []


def test_an_adjudication_is_made_gold_and_withdrawn_and_its_note_is_kept(
    project: Project, rita: User, watched: Watched
) -> None:
    (solution,) = disputed(project, 1)
    page = watched.page(rita)
    watched.expected = ("400", "422")
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    page.keyboard.press("g")
    expect(page.locator("#trouble")).to_contain_text("Adjudicate the solution first")
    page.get_by_label("Note on your next decision").fill("n is 14 by the second line")
    page.locator("h1").evaluate("document.activeElement.blur()")
    page.keyboard.press("x")
    expect(page.locator("#first-errors")).to_contain_text("n is 14 by the second line")
    expect(page.locator("#announcer")).to_contain_text("step 4 is the first error")
    page.keyboard.press("g")
    expect(page.locator("tr.here .gold")).to_be_visible()
    page.locator("#history summary").click()
    expect(page.locator("#history")).to_contain_text("made the adjudicated labels gold")
    page.keyboard.press("u")
    expect(page.locator("#history")).to_contain_text("withdrawn")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_a_returned_assignment_comes_back_to_its_labeler_with_the_note(
    project: Project, rita: User, bob: User, watched: Watched
) -> None:
    make_solution(make_problem(project, "What is 20 + 22?", reference_answer="42"), ["Twenty.", "Plus 22.", "41"])
    round_ = make_round(project)
    assignment = submit_next(round_, bob, 1, 1, 1)
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/review/assignments")
    page.get_by_role("link", name="What is 20").click()
    LabelingPage(page).ready().press("r")
    page.get_by_label("What should the labeler check?").fill("Add the last line up once more.")
    page.locator("#reason-send").click()
    expect(page.locator("#task")).to_contain_text("Every submission has a review")

    bobs_page = watched.page(bob)
    bobs_page.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    expect(bobs_page.get_by_label("Returned to you")).to_contain_text("Add the last line up once more.")
    labeling = LabelingPage(bobs_page).open(round_)
    expect(bobs_page.locator("#reviewer-note")).to_contain_text("Add the last line up once more.")
    assert labeling.pressed() == ["great", "great", "great"]
    assert barriers(bobs_page) == []
    labeling.press("1")
    labeling.submit(and_next=False)
    expect(bobs_page.locator("#reviewer-note")).to_be_hidden()
    assert Assignment.objects.get(pk=assignment.pk).finish_reason == "found_error"

    page.goto(f"/projects/{project.slug}/review/assignments")
    page.get_by_role("checkbox", name="Select the submission").check()
    page.get_by_role("button", name="Accept selected").click()
    expect(page.locator(".messages")).to_contain_text("1 accepted")
    page.goto(f"/projects/{project.slug}/review/assignments?show=reviewed")
    expect(page.locator("tbody tr")).to_have_count(2)
    assert list(Review.objects.order_by("pk").values_list("decision", flat=True)) == ["returned", "accepted"]


def test_a_changed_reference_answer_shows_on_what_rested_on_it(
    project: Project, rita: User, alice: User, watched: Watched
) -> None:
    (solution,) = disputed(project, 1)
    page = watched.page(rita)
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    assert "old answer" not in page.locator("main").inner_text()
    expect(page.locator("#first-errors")).to_contain_text("convincing and wrong")
    edit_problem(problem=solution.problem, actor=alice, statement=solution.problem.statement, reference_answer="7")
    grade_again(problem_id=solution.problem_id)
    recompute_project(project)
    page.reload()
    expect(page.locator("#evidence thead")).to_contain_text("before the answer changed")
    expect(page.locator("main")).to_contain_text("before the answer changed")
    expect(page.locator(".verdict").first).to_contain_text("right")
    expect(page.locator("#first-errors")).not_to_contain_text("convincing and wrong")
    page.locator("#history summary").click()
    expect(page.locator("#history")).to_contain_text("14 → 7")
    expect(page.locator("#history")).to_contain_text("1 right, 0 wrong")


def test_the_pages_of_reviewers_have_no_barrier(project: Project, rita: User, watched: Watched) -> None:
    """Filled as they are at work; tests/browser/test_pages.py has them nearly empty."""
    solutions = disputed(project, 3)
    judged(solutions)
    page = watched.page(rita, viewport=PHONE)
    base, wrong = f"/projects/{project.slug}", {}
    assignment = Assignment.objects.order_by("pk").first()
    assert assignment is not None
    paths = (
        "review",
        "review/people",
        "review/monte_carlo_judge",
        f"solutions/{solutions[1].pk}?queue=people",
        "review/assignments",
        f"review/assignments/{assignment.pk}",
        f"solutions/{solutions[1].pk}/split",
    )
    for path in paths:
        page.goto(f"{base}/{path}")
        if path.startswith("review/assignments/"):
            LabelingPage(page).ready()
        if "queue=" in path:
            page.keyboard.press("1")
            expect(page.locator("tr.here .step-consensus")).to_contain_text("bad")
        if found := flaws(page):
            wrong[path] = found
    assert wrong == {}
