"""Barriers on pages, found by axe, and what makes them move sideways."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


def flaws(page: Page) -> dict[str, Any]:
    """Barriers and sideways overflow by look: phone, wide, dark. Looks without flaws are left out.

    All rules apply at both widths; in dark those of colours, which are the same at every width. Open the page at the
    width of a phone: what is fitted when it loads must fit there. It has its size again in the end.
    """
    size_before = page.viewport_size
    assert size_before is not None
    found: dict[str, Any] = {}
    for look, size in (("phone", PHONE), ("wide", WIDE)):
        page.set_viewport_size(size)
        found[f"{look}, sideways"] = overflow(page)
        with full_height(page):
            found[look] = _violations(page, RULES)
            if size == WIDE:
                page.emulate_media(color_scheme="dark")
                found["dark"] = _violations(page, COLOURS)
                page.emulate_media(color_scheme="light")
    page.set_viewport_size(size_before)
    return {look: what for look, what in found.items() if what}


def barriers(page: Page) -> list[dict[str, Any]]:
    with full_height(page):
        return _violations(page, RULES)


@contextmanager
def full_height(page: Page) -> Iterator[None]:
    """The window is as high as the page: a bar that stays at the bottom lies over what can be scrolled from under it."""
    window = page.viewport_size
    assert window is not None
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": window["width"], "height": max(window["height"], height)})
    try:
        yield
    finally:
        page.set_viewport_size(window)


def _violations(page: Page, rules: dict[str, list[str]]) -> list[dict[str, Any]]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    found: list[dict[str, Any]] = page.evaluate(
        """([context, options]) => axe.run(context, options).then(({ violations }) => violations.map((one) =>
            ({ rule: one.id, help: one.help, at: one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200)) })))""",
        [ALL_BUT_FORMULAS, rules],
    )
    return found


def overflow(page: Page) -> list[str]:
    """What stands out at the side of a page that can be moved sideways."""
    return page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
            [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                .slice(0, 5).map((one) => one.outerHTML.slice(0, 150))"""
    )
