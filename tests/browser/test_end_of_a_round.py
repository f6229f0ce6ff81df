"""The page that stands when nothing is left: it says that all is saved, and never that it still saves."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.models import Assignment
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_solution


def test_after_the_last_task_the_page_says_saved(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    """Handed in before its draft was sent: the draft never is, and the submission says all."""
    for _ in range(2):
        make_solution(make_problem(project), ["One."])
    round_ = open_round(project=project, protocol="first_error")
    labeling = LabelingPage(page_of(bob)).open(round_)
    for is_last in (False, True):
        before = labeling.statement()
        labeling.page.evaluate(
            """() => {
                for (const key of ["1", "Enter"]) document.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
            }"""
        )
        if not is_last:
            expect(labeling.page.locator("#task .problem")).not_to_have_text(before, use_inner_text=True)
            labeling.ready()
    labeling.ended()
    state = labeling.page.locator("#save-state")
    expect(state).to_have_attribute("data-state", "saved")
    labeling.page.wait_for_timeout(700)  # Longer than it takes until a slow save is told.
    expect(state).to_have_text("Saved")
    assert Assignment.objects.filter(state="submitted", labeler=bob).count() == 2
