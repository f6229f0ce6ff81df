"""The modules of static/js by themselves, for tests of one: the site has them in bundles."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from playwright.sync_api import Page, Route

PREFIX = "/sources/"


def module_of(page: Page, name: str) -> str:
    """The address of a module of static/js/shared, which the page can import from now on."""
    page.route(f"**{PREFIX}**", _answer)
    return f"{PREFIX}js/shared/{name}.js"


def _answer(route: Route) -> None:
    path = finders.find(urlsplit(route.request.url).path.removeprefix(PREFIX))
    route.fulfill(path=path, content_type="text/javascript")
