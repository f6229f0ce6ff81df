"""A manager finds a task, assigns it to a labeler, who gets exactly that one next; takes one back; and looks at the labeler."""

from __future__ import annotations

from playwright.sync_api import expect

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.browser.test_managing_journey import pictured
from tests.cast import make_problem, make_solution
from tests.processes import eventually


def test_a_manager_assigns_a_task_and_takes_it_back(project: Project, mia: User, bob: User, watched: Watched) -> None:
    for number in range(4):
        make_solution(make_problem(project, f"How many are {number} pears?", subject="Fruit" if number else "Nuts"))
    round_: Round = open_round(project=project, protocol="first_error", name="Autumn")
    page = watched.page(mia)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    page.locator(".page-head").get_by_role("link", name="Tasks").click()
    page.get_by_label("Problem or id").fill("3 pears")
    page.get_by_label("Problem or id").press("Enter")
    expect(page.get_by_text("1 task matches")).to_be_visible()
    wanted = Task.objects.get(solution__problem__statement__contains="3 pears")
    page.get_by_role("checkbox", name=f"Choose task {wanted.pk}").check()
    page.get_by_label("Assign to").select_option(label="Bob")
    page.get_by_label("Note or reason").fill("Please begin with this one.")
    page.get_by_role("button", name="Assign").click()
    expect(page.get_by_text("1 task assigned.")).to_be_visible()
    expect(page.get_by_text("assigned to Bob")).to_be_visible()

    at_work = watched.page(bob)
    at_work.goto(f"/projects/{project.slug}/work")
    expect(at_work.get_by_role("region", name="Assigned to you")).to_contain_text("Please begin with this one.")
    LabelingPage(at_work).open(round_).fetched_ahead()
    expect(at_work.get_by_text("How many are 3 pears?")).to_be_visible()
    expect(at_work.get_by_role("region", name="Assigned to you")).to_contain_text("Mia assigned this task to you")
    pictured(at_work, "assigned-task")

    page.goto(f"/projects/{project.slug}/tasks?state=in_work")
    expect(page.get_by_text("in work by Bob").first).to_be_visible()
    page.get_by_text("Saved views").click()
    page.get_by_label("Name").fill("In work")
    page.get_by_role("button", name="Save this view").click()
    expect(page.get_by_role("navigation", name="Saved views")).to_contain_text("In work")
    pictured(page, "task-table")
    page.get_by_role("checkbox", name=f"Choose task {wanted.pk}").check()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("1 task taken back")).to_be_visible()
    eventually(lambda: Assignment.objects.get(task=wanted).state == Assignment.State.RELEASED)

    page.get_by_role("link", name="Bob").first.click()
    expect(page.get_by_role("heading", name="Bob")).to_be_visible()
    expect(page.get_by_role("heading", name="Latest submissions")).to_be_visible()
    pictured(page, "labeler")
