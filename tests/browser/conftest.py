"""A real Chromium in front of the real web server.

Every page is watched: an error in its console, an answer of 500 or a breach of the content security
policy fails the test that opened it. A failed test leaves a screenshot of each page in its tmp_path.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from apps.accounts.models import User
from tests import chromium
from tests.cast import PASSWORD, signed_in
from tests.processes import await_silence, eventually, web_server

# Playwright keeps an event loop in the test's thread; the ORM is not used from within it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

# A browser that shares two cores with everything else stalls now and then: patience costs nothing where all is well.
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


FAILED = pytest.StashKey[bool]()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Gone before the tests of other folders: while Playwright's loop is in the thread, nothing else may run one."""
    path = chromium.find()
    if path is None:
        pytest.skip("there is no Chromium: install one, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def one_site(static_files: Path, django_db_setup: None) -> Iterator[str]:
    """A web server that has found the static files when it started."""
    settings.PROCESS_HOME.mkdir(parents=True, exist_ok=True)
    link = settings.PROCESS_HOME / "static"
    link.symlink_to(static_files / "static")
    with web_server() as address:
        yield address
    link.unlink()


@pytest.fixture
def site(one_site: str, transactional_db: None) -> Iterator[str]:
    """The address of the web server, static files and all."""
    yield one_site
    await_silence()


class Watched:
    """Contexts of the browser, and what went wrong in their pages."""

    def __init__(self, browser: Browser, site: str) -> None:
        self.browser, self.site = browser, site
        self.contexts: list[BrowserContext] = []
        self.wrong: list[str] = []
        # What a test brings about on purpose, as in going offline.
        self.expected: tuple[str, ...] = ()

    def context(self, user: User | None = None, **options: Any) -> BrowserContext:
        context = self.browser.new_context(
            base_url=self.site, viewport=options.pop("viewport", {"width": 1240, "height": 860}), **options
        )
        context.set_default_timeout(PATIENCE_MS)
        if user is not None:
            sign_in(context, user, self.site)
        context.on(
            "console",
            lambda said: said.type == "error" and self._note(f"console: {said.text} {said.location.get('url', '')}"),
        )
        context.on("weberror", lambda error: self._note(f"error: {error.error}"))
        context.on("response", lambda got: got.status >= 500 and self._note(f"{got.status}: {got.url}"))
        self.contexts.append(context)
        return context

    def page(self, user: User | None = None, **options: Any) -> Page:
        return self.context(user, **options).new_page()

    def _note(self, what: str) -> None:
        self.wrong.append(what)

    def unexpected(self) -> list[str]:
        return [one for one in self.wrong if not any(words in one for words in self.expected)]

    def close(self) -> None:
        for context in self.contexts:
            context.close()


@pytest.fixture
def watched(browser: Browser, site: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    one = Watched(browser, site)
    yield one
    pages = [page for context in one.contexts for page in context.pages]
    if request.node.stash.get(FAILED, True):
        for number, page in enumerate(pages):
            page.screenshot(path=tmp_path / f"page-{number}.png")
    one.close()
    assert one.unexpected() == []


@pytest.fixture
def page_of(watched: Watched) -> Callable[..., Page]:
    """`page_of(user)`: a new page in a browser of this person's own; `page_of()`: of nobody's."""
    return watched.page


def sign_in(context: BrowserContext, user: User, site: str) -> None:
    """By the session's cookie; the sign-in page itself has a test of its own."""
    cookie = signed_in(user).cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])


def set_password(user: User) -> None:
    """Of the kind that the web server knows: the tests' own hash is too weak for it."""
    User.objects.filter(pk=user.pk).update(password=Argon2PasswordHasher().encode(PASSWORD, "pepper-and-salt"))


def await_on(page: Page, true: Callable[[], bool]) -> None:
    """Wait until it is true of what the page's events bring: they come only while Playwright is at work."""

    def is_true() -> bool:
        page.wait_for_timeout(50)
        return true()

    eventually(is_true)


def path_of(page: Page) -> str:
    return urlsplit(page.url).path
