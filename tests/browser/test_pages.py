"""Every page in light and dark, wide and on a phone: no barrier that axe knows, nothing cut off, no error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from apps.accounts.models import User
from tests.browser.conftest import Watched
from tests.world import World

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDE, PHONE = {"width": 1240, "height": 860}, {"width": 390, "height": 844}

# By what a page is called, its path below the project or, from a slash on, of the site.
PAGES: dict[str, Callable[[World], str]] = {
    "home": lambda _: "/",
    "new project": lambda _: "/projects/new",
    "account": lambda _: "/account",
    "tokens": lambda _: "/account/tokens",
    "project": lambda _: "",
    "settings": lambda _: "settings",
    "guidelines": lambda _: "guidelines",
    "edit guidelines": lambda _: "guidelines/edit",
    "solutions": lambda _: "solutions",
    "solution": lambda world: f"solutions/{world.solution.pk}",
    "imports": lambda _: "imports",
    "new import": lambda _: "imports/new",
    "upload": lambda world: f"imports/uploads/{world.upload.pk}",
    "import": lambda world: f"imports/{world.batch.pk}",
    "exports": lambda _: "exports",
    "new export": lambda _: "exports/new",
    "export": lambda world: f"exports/{world.export.pk}",
    "rounds": lambda _: "rounds",
    "new round": lambda _: "rounds/new",
    "round": lambda world: f"rounds/{world.round.number}",
    "people": lambda _: "people",
    "labeling": lambda world: f"rounds/{world.round.number}/label",
    "join": lambda world: f"/join/{world.secret}/",
    "not found": lambda _: "/no/such/page",
    "change password": lambda _: "/accounts/password/change/",
}


def path_in(world: World, name: str) -> str:
    path = PAGES[name](world)
    return path if path.startswith("/") else f"/projects/{world.project.slug}/{path}"


def barriers(page: Page) -> list[dict[str, Any]]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        {"rule": one["id"], "help": one["help"], "at": [node["html"][:200] for node in one["nodes"][:3]]}
        for one in found
    ]


def overflow(page: Page) -> list[str]:
    """What stands out at the side of a page that can be moved sideways."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
            [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .slice(0, 5).map((one) => one.outerHTML.slice(0, 150))"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_page_has_a_barrier(
    world: World, alice: User, watched: Watched, viewport: dict[str, int], scheme: str
) -> None:
    """One test for all pages of a kind, as a server and a browser take seconds to start."""
    watched.expected = ("404",)
    page = watched.page(alice, viewport=viewport, color_scheme=scheme)
    wrong: dict[str, Any] = {}
    for name in PAGES:
        answer = page.goto(path_in(world, name))
        assert answer is not None
        assert answer.status == (404 if name == "not found" else 200), name
        if name == "labeling":
            page.locator("#stage[aria-busy=false]").wait_for()
        if found := barriers(page):
            wrong[name] = found
        if cut := overflow(page):
            wrong[f"{name}, sideways"] = cut
    assert wrong == {}


def test_the_sign_in_page_has_none_either(watched: Watched) -> None:
    for scheme in ("light", "dark"):
        page = watched.page(viewport=PHONE, color_scheme=scheme)
        page.goto("/accounts/login/")
        assert barriers(page) == []
        assert overflow(page) == []


def test_every_page_can_be_reached_and_left_by_keyboard(world: World, alice: User, watched: Watched) -> None:
    """The first stop skips to the content, and every stop shows where it is."""
    page = watched.page(alice)
    for name in ("home", "project", "solutions", "new round", "new export"):
        page.goto(path_in(world, name))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')?.startsWith('#')"), name
        for _ in range(8):
            page.keyboard.press("Tab")
            ring = page.evaluate(
                """() => { const style = getComputedStyle(document.activeElement);
                    return document.activeElement === document.body || style.outlineStyle !== "none"
                        || style.boxShadow !== "none"; }"""
            )
            assert ring, (name, page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
