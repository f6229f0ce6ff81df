"""Barriers on pages, found by axe, and what makes them move sideways."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

WIDE, PHONE = {"width": 1240, "height": 860}, {"width": 390, "height": 844}

RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # To describe each of thousands of nodes that pass takes axe half a minute.
    "resultTypes": ["violations"],
}
# All that a dark page can have which the light one has not: the server sends both the same page, and styles differ in
# colours alone, which `test_dark_pages_differ_in_colours_only` watches.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"], "resultTypes": ["violations"]}
# KaTeX's own, a node for each sign of a formula; what it stands in is looked at.
ALL_BUT_FORMULAS = {"exclude": [[".katex"]]}
# By all rules at both widths; in dark by those of colours, which are the same at every width.
LOOKS = (("wide", WIDE, "light", RULES), ("dark", WIDE, "dark", COLOURS), ("phone", PHONE, "light", RULES))


def flaws(page: Page) -> dict[str, Any]:
    """By look, barriers and what makes the page move sideways; none is left out. The page is wide and light again."""
    found: dict[str, Any] = {}
    for look, viewport, scheme, rules in LOOKS:
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme)
        found |= {look: barriers(page, rules), f"{look}, sideways": overflow(page)}
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    return {name: what for name, what in found.items() if what}


def barriers(page: Page, rules: dict[str, list[str]] = RULES) -> list[dict[str, Any]]:
    """In a window as high as the page: a bar that stays at the bottom lies over what can be scrolled from under it."""
    window = page.viewport_size
    assert window is not None
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": window["width"], "height": max(window["height"], height)})
    found = Axe().run(page, context=ALL_BUT_FORMULAS, options=rules).response["violations"]
    page.set_viewport_size(window)
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
