"""The page of the API, made of the OpenAPI document, under the strict content security policy."""

from __future__ import annotations

import os
from collections.abc import Callable
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.projects.models import Project
from tests.browser.barriers import RULES, overflow

# Swagger UI has a `main` of its own within that of the page.
OURS = {
    **RULES,
    "rules": {rule: {"enabled": False} for rule in ("landmark-no-duplicate-main", "landmark-main-is-top-level")},
}


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/api-docs-{name}.png")


def test_a_request_is_found_tried_and_answered(project: Project, alice: User, page_of: Callable[..., Page]) -> None:
    page = page_of(alice)
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto("/account/tokens")
    page.get_by_role("link", name="All requests of the API").click()
    expect(page.locator("#operations-tag-members")).to_be_visible()
    picture(page, "wide")
    page.locator("#operations-tag-members").get_by_role("button").click()
    page.get_by_text("The members of the project").first.click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_placeholder("slug").fill(project.slug)
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text("alice@lab.example")
    picture(page, "answer")
    page.emulate_media(color_scheme="dark")
    picture(page, "dark")
    page.set_viewport_size({"width": 390, "height": 844})
    picture(page, "phone")
    assert overflow(page) == []
    hosts = {urlsplit(url).netloc for url in elsewhere if not url.startswith("data:")}
    assert hosts == {urlsplit(page.url).netloc}


def test_a_stranger_reads_it_too_and_what_is_ours_has_no_barriers(page_of: Callable[..., Page]) -> None:
    page = page_of()
    page.goto("/api/v1/docs")
    expect(page.locator("#operations-tag-members")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, context={"exclude": [["#api-docs"]]}, options=OURS).response["violations"]
        assert [one["id"] for one in found] == []
