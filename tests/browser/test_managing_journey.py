"""A manager changes an open round while a labeler works in it; and a draft warns, and a project is deleted."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.services import create_round, open_round
from apps.projects.models import Project
from apps.projects.services import publish_guidelines
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_solution
from tests.processes import eventually


def pictured(page: Page, name: str) -> None:
    """A picture for people, where somebody asks for one."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_a_manager_edits_an_open_round_while_a_labeler_works_in_it(
    project: Project, mia: User, bob: User, watched: Watched
) -> None:
    watched.expected = ("409",)
    first = publish_guidelines(project=project, text="Be fair.", author=mia)
    for number in range(2):
        make_solution(make_problem(project, f"Problem number {number}?"))
    round_ = open_round(project=project, protocol="first_error", name="Autumn")
    at_work = watched.page(bob)
    labeling = LabelingPage(at_work).open(round_).fetched_ahead()
    labeling.press("1").saved()

    second = publish_guidelines(project=project, text="Be **very** fair.", author=mia)
    make_solution(make_problem(project, "A late problem?"), is_correct=False)
    page = watched.page(mia)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("People per task").fill("2")
    page.get_by_label("Guidelines").select_option(label="version 2")
    page.get_by_label("Add the solutions that match these filters").check()
    page.get_by_label("Final answer").select_option("wrong")
    page.get_by_text("What cannot be changed").click()
    expect(page.get_by_label("Mode")).to_be_disabled()
    pictured(page, "edit-open-round")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("1 task added")).to_be_visible()

    labeling.submit()  # Nothing of what was under way is lost: this task, and the one that was fetched ahead.
    labeling.press("1").saved().submit()
    expect(at_work.get_by_text("A late problem?")).to_be_visible()
    expect(at_work.get_by_text("A manager has changed the guidelines.")).to_be_visible()
    at_work.get_by_role("button", name="Load the new version").click()
    labeling.ready().press("i")
    expect(at_work.locator("#guidelines-text")).to_contain_text("very")
    at_work.keyboard.press("Escape")
    labeling.press("1").saved().submit(and_next=False)
    eventually(lambda: Assignment.objects.submitted().count() == 3)
    versions = list(Assignment.objects.submitted().order_by("submitted_at").values_list("guideline", flat=True))
    assert versions == [first.pk, first.pk, second.pk]
    round_.refresh_from_db()
    assert (round_.redundancy, round_.task_count, round_.slot_count) == (2, 3, 6)


def test_a_draft_shows_its_warnings_and_a_project_is_deleted_by_its_name(
    project: Project, alice: User, watched: Watched
) -> None:
    watched.expected = ("422",)
    make_solution(make_problem(project))
    draft = create_round(project=project, protocol="first_error", redundancy=9)
    page = watched.page(alice)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"/projects/{project.slug}/rounds/{draft.number}")
        expect(page.get_by_text("Each task needs 9 people")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        pictured(page, f"draft-{width}")
        page.goto(f"/projects/{project.slug}/settings")
        page.get_by_role("link", name="Delete", exact=True).click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        pictured(page, f"delete-{width}")
    page.emulate_media(color_scheme="dark")
    pictured(page, "delete-dark")
    page.get_by_label("The name of the project").fill("something")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("must be Algebra")).to_be_visible()
    page.get_by_label("The name of the project").fill("Algebra")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Deleting project Algebra")).to_be_visible()
    pictured(page, "deletion")
    assert not Round.objects.filter(project__memberships__user=alice).exists()
