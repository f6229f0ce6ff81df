"""One day of a labeler and one of a manager, from signing in to the end, as people live them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.models import Assignment
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.review.assignments import return_to_labeler
from tests.browser.conftest import path_of, set_password
from tests.browser.labeling_page import LabelingPage
from tests.cast import PASSWORD, make_problem, make_screening, make_solution

STATEMENT = "Write `f{number}(x)` that **doubles** its argument.\n\n| in | out |\n|---|---|\n| `2` | $4$ |"
CODE = "```python\ndef f{number}(x: int) -> int:\n    return x * 2  # costs $0\n```"
STEPS = ["### Step 1\nWe need:\n- one argument\n- `return`", CODE, "So $f_{number}(2) = 2 \\cdot 2 = 4$."]
TASKS = 20


def make_coding_tasks(project: Project) -> None:
    for number in range(TASKS):
        problem = make_problem(
            project, STATEMENT.format(number=number), subject="code", reference_answer=r"\frac{8}{2}"
        )
        make_solution(problem, [step.replace("{number}", str(number)) for step in STEPS])


def test_a_labelers_day(project: Project, bob: User, rita: User, page_of: Callable[..., Page]) -> None:
    """Sign in, an entrance test, twenty tasks with one taken back, a return that is answered, and My work."""
    screening = make_screening(project, tasks=2)
    make_coding_tasks(project)
    work = open_round(project=project, protocol="first_error", name="Code", needs_screening=True, select="subject:code")
    set_password(bob)
    page = page_of()
    page.goto("/")
    page.keyboard.type(bob.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    # The entrance test says what it is, and leads to the round that it opens.
    page.get_by_role("link", name="Start test").click()
    expect(page.locator("#task .intro")).to_contain_text("This is a screening test")
    labeling = LabelingPage(page).press("Enter").ready()
    labeling.press("3", "1").submit().press("3", "1").submit(and_next=False)
    expect(page.get_by_role("heading", name="Screening passed")).to_be_visible()
    labeling.press("Enter")
    page.wait_for_url(f"**/rounds/{work.number}/label")
    labeling.ready()

    # Twenty tasks of Markdown and code; the fifth is taken back from the sixth, and corrected.
    for number in range(TASKS):
        expect(page.locator("#task pre.code .hljs-keyword").first).to_have_text("def")
        expect(page.locator("#task .problem table tr")).to_have_count(2)
        assert f"f{number}" in labeling.statement()
        if number == 5:
            labeling.press("u")
            expect(page.locator("#submit")).to_have_text("Save correction Enter")
            assert "f4" in labeling.statement()
            labeling.press("k", "1", "Enter")
            expect(page.locator("#notices")).to_contain_text("Correction saved: step 2 from great to bad")
            assert "f5" in labeling.statement()
        labeling.press("3", "3", "3").submit(and_next=number < TASKS - 1)
    labeling.ended()
    expect(page.locator("#round-count")).to_have_text(f"{TASKS} of {TASKS}")
    done = Assignment.objects.filter(round=work, labeler=bob, state="submitted").order_by("pk")
    assert [one.finish_reason for one in done] == [
        "found_error" if number == 4 else "solution" for number in range(TASKS)
    ]

    # A reviewer returns one with a note: it comes first, and is answered.
    returned = done[7]
    return_to_labeler(assignment=returned, reviewer=rita, note="Does the code return the double?")
    page.goto("/")
    page.get_by_role("link", name="Continue labeling").first.click()
    labeling.ready()
    expect(page.locator("#reviewer-note")).to_contain_text("Does the code return the double?")
    page.get_by_role("textbox", name="Your reply").fill("It does: x * 2.")
    page.keyboard.press("Escape")
    labeling.press("j", "j", "1", "Enter").ended()
    returned.refresh_from_db()
    assert (returned.state, returned.reply) == ("submitted", "It does: x * 2.")
    assert screening.assignments.count() == 2

    # My work has them all, with the answers.
    page.goto(f"/projects/{project.slug}/work")
    assert path_of(page) == f"/projects/{project.slug}/work"
    expect(page.get_by_text(f"{TASKS + 2}", exact=True).first).to_be_visible()
