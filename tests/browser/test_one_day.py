"""One day of a labeler and one of a manager, from signing in to the end, as people live them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.models import Assignment, Reservation, Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.review.assignments import return_to_labeler
from tests.browser.conftest import path_of, set_password
from tests.browser.labeling_page import LabelingPage
from tests.cast import PASSWORD, make_problem, make_screening, make_solution
from tests.processes import eventually

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


CSV = "ask,reply,key\r\n" + "".join(
    f'"What is {number} plus 1?","We add one.\n\nThe answer is: {number + 1}",{number + 1}\r\n' for number in range(6)
)


def test_a_managers_day(
    project: Project, mia: User, bob: User, rita: User, page_of: Callable[..., Page], worker: None, tmp_path: Path
) -> None:
    """A CSV file in and mapped, a round opened and edited, people added, tasks reassigned, and the round archived."""
    table = tmp_path / "sums.csv"
    table.write_text(CSV)
    page = page_of(mia)
    page.goto(f"/projects/{project.slug}/imports/new")
    page.locator("#id_file").set_input_files(table)
    page.wait_for_url("**/uploads/*")
    page.get_by_label("Problem (optional)", exact=True).select_option("ask")
    page.get_by_label("Solution, as one text").select_option("reply")
    page.get_by_label("Reference answer").select_option("key")
    expect(page.locator("#preview")).to_contain_text("6 valid")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("finished")).to_be_visible(timeout=120_000)
    assert project.solutions.count() == 6

    # The round is drafted with a warning, opened, and edited while it is open: a name, and a second person for each task.
    page.goto(f"/projects/{project.slug}/rounds/new")
    page.get_by_label("Name").fill("Sums")
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("The guidelines are empty")).to_be_visible()
    page.get_by_role("button", name="Open round").click()
    round_ = Round.objects.get(project=project, name="Sums")
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}/edit")
    page.get_by_label("Name").fill("Sums, twice")
    page.get_by_label("People per task").fill("2")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("heading", name="Sums, twice")).to_be_visible()
    round_.refresh_from_db()
    assert (round_.redundancy, round_.slot_count) == (2, 12)

    # People are added by a link.
    page.goto(f"/projects/{project.slug}/people")
    page.get_by_role("button", name="Create link").click()
    address = page.locator(".copy code").first.inner_text()
    assert "/join/" in address

    # Two tasks are assigned to Bob, who gets them first; one is taken back.
    page.goto(f"/projects/{project.slug}/tasks")
    for row in (4, 5):
        page.locator("input[name=task]").nth(row).check()
    page.get_by_label("Assign to").select_option(label="Bob")
    page.get_by_role("button", name="Assign", exact=True).click()
    reserved = list(Reservation.objects.filter(labeler=bob).values_list("task", flat=True))
    assert len(reserved) == 2
    labeling = LabelingPage(page_of(bob)).open(round_)
    labeling.press("3", "3").submit()
    eventually(lambda: Assignment.objects.filter(labeler=bob, state="submitted", task__in=reserved).count() == 1)

    # The round is closed and archived: it leaves the list, and is found again.
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Archive").click()
    page.goto(f"/projects/{project.slug}/rounds")
    expect(page.get_by_text("Sums, twice")).to_have_count(0)
    page.get_by_role("link", name="Archived").click()
    expect(page.get_by_text("Sums, twice").first).to_be_visible()
