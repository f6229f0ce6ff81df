"""What follows the first error, by keyboard alone, to an export."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Step
from apps.labeling.models import Assignment, Critique
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.barriers import barriers, overflow
from tests.browser.labeling_page import LabelingPage
from tests.browser.test_branching_journey import exported
from tests.cast import make_problem, make_solution


def test_alternatives_progress_and_critiques_of_an_error_by_keyboard(
    project: Project, bob: User, page_of: Callable[..., Page]
) -> None:
    solution = make_solution(
        make_problem(project, "What is $2 + 3$?", reference_answer="5"), ["Two is $2$.", "So it is $2 + 3 = 6$.", "6"]
    )
    for number, text in ((1, "So it is $2 + 3 = 5$."), (2, "Three is $3$.")):
        Step.objects.create(solution=solution, position=1, candidate=number, text=text, chosen=False)
    bad = solution.steps.get(position=1, candidate=0)
    Critique.objects.create(step=bad, text="Two and three are five.", origin="model", source="critic-1")
    options = {"alternatives": True, "progress": True, "critiques": True}
    round_ = open_round(project=project, protocol="first_error", options=options)
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    expect(page.locator("#task .item")).to_have_count(0)
    labeling.press("3", "1")
    # Two alternatives, how far it came, one critique, and the place for one's own.
    expect(page.locator("#task .item")).to_have_count(5)
    missing = page.locator("#missing")
    expect(missing).to_have_text("Rate 2 alternatives")
    expect(page.locator("#submit")).to_be_disabled()
    labeling.press("Enter", "3")
    expect(missing).to_have_text("Rate the alternative")
    labeling.press("4")
    expect(missing).to_have_text("Rate how far the solution came")
    labeling.press("2")
    expect(missing).to_have_text("Rate a critique, or write one (w)")
    labeling.press("1")
    expect(page.locator("#submit")).to_be_enabled()
    labeling.press("w")
    expect(page.locator(".followup textarea")).to_be_focused()
    page.keyboard.type("It counts $1$ too many.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".followup .item .katex").last).to_be_visible()
    assert barriers(page) == []
    assert overflow(page) == []
    labeling.saved()
    page.reload()
    labeling.ready()
    expect(page.locator("#task .item")).to_have_count(5)
    expect(page.locator("#submit")).to_be_enabled()
    # Rating the bad step differently drops the follow-up answers; undo restores them.
    labeling.press("k", "2")
    expect(page.locator("#task .item")).to_have_count(0)
    labeling.press("u")
    expect(page.locator("#submit")).to_be_enabled()
    labeling.press("Enter")
    labeling.ended()

    assignment = Assignment.objects.get(labeler=bob)
    assert (assignment.finish_reason, assignment.progress) == ("found_error", 0)
    (row,) = exported(project, "prm800k")
    assert [(one["rating"], one["flagged"]) for one in row["label"]["steps"][1]["completions"]] == [
        (-1, False),
        (1, False),
        (None, True),
    ]
    assert row["label"]["steps"][1]["chosen_completion"] is None
    (ours,) = exported(project, "annotate")
    (person,) = ours["people"]
    assert person["progress"] == 0
    assert [(one["text"], one["rating"], one["is_own"]) for one in person["critiques"]] == [
        ("Two and three are five.", -1, False),
        ("It counts $1$ too many.", None, True),
    ]
