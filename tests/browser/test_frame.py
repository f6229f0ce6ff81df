"""The frame of pages in a browser: by keyboard, on a phone, without JavaScript; and charts that tell and hand out values."""

from __future__ import annotations

import csv
from pathlib import Path

from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.barriers import PHONE, barriers, overflow
from tests.browser.conftest import Watched
from tests.cast import make_problem, make_solution
from tests.world import World, rate


def test_on_a_phone_entries_and_tabs_are_in_one_menu(world: World, alice: User, watched: Watched) -> None:
    page = watched.page(alice, viewport=PHONE)
    page.goto(f"/projects/{world.project.slug}/judging/trust")
    expect(page.locator(".entries")).to_be_hidden()
    menu = page.locator("details.phone-nav")
    expect(menu.locator("summary")).to_have_text("Models · Trust")
    menu.locator("summary").press("Enter")
    expect(menu.get_by_role("link", name="Trust")).to_have_attribute("aria-current", "page")
    assert overflow(page) == []
    assert barriers(page) == []
    menu.get_by_role("link", name="Cascades").click()
    expect(page).to_have_url(f"{page.url.split('/projects')[0]}/projects/{world.project.slug}/judging/cascades")
    expect(page.locator("ol.crumbs [aria-current]")).to_have_text("Cascades")


def test_the_menu_behind_the_entries_is_reached_by_keyboard_and_has_no_barrier(
    world: World, alice: User, watched: Watched
) -> None:
    page = watched.page(alice)
    page.goto(f"/projects/{world.project.slug}/")
    page.locator(".entries summary").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Audit log")).to_be_visible()
    assert barriers(page) == []
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Guidelines", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Audit log")).to_be_hidden()


def test_the_navigation_works_without_javascript(world: World, alice: User, watched: Watched) -> None:
    page = watched.page(alice, java_script_enabled=False)
    page.goto(f"/projects/{world.project.slug}/")
    page.locator(".entries summary").click()
    page.get_by_role("link", name="Audit log").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit log")
    page.get_by_role("link", name="Help: Audit log").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Quality")


def test_the_frame_is_as_wide_on_every_page(world: World, alice: User, watched: Watched) -> None:
    page = watched.page(alice)
    places = set()
    for path in ("", "solutions", "rounds/new", "judging/trust", "quality/rules", "settings", "audit", "exports/new"):
        page.goto(f"/projects/{world.project.slug}/{path}")
        places.add(_place(page))
    assert len(places) == 1


def _place(page: Page) -> tuple[int, int]:
    box = page.locator(".frame-nav").bounding_box()
    assert box is not None
    return round(box["x"]), round(box["width"])


def test_a_chart_tells_its_values_and_hands_them_out(
    project: Project, alice: User, bob: User, watched: Watched, tmp_path: Path
) -> None:
    for _ in range(2):
        make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    rate(round_, bob, 1, -1)
    rate(round_, bob, 1, -1)
    page = watched.page(alice)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}")
    figure = page.locator("figure.chart", has_text="Submissions").last
    figure.get_by_text("Values").click()
    expect(figure.get_by_role("table")).to_be_visible()
    with page.expect_download() as download:
        figure.get_by_role("link", name="Download CSV").click()
    file = tmp_path / "chart.csv"
    download.value.save_as(file)
    assert download.value.suggested_filename.endswith(".csv")
    rows = list(csv.reader(file.read_text().splitlines()))
    assert rows[0][:3] == ["series", "day", "submissions"]
    assert sum(int(row[2]) for row in rows[1:]) == 2
    assert barriers(page) == []
