"""The navigation of one page, as a member sees it: entries, tabs, the way to the docs, and breadcrumbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.urls import ResolverMatch, reverse

from apps.dashboard.navigation.counts import COUNTED_TO, waiting_for
from apps.dashboard.navigation.structure import BELOW, ENTRIES, ENTRY_OF, MORE, PAGES, Entry, NavigationPage
from apps.projects.models import Membership
from apps.projects.permissions import can

# What a count counts, for those who cannot see where it stands. One number in an entry needs one meaning: the entry
# Label counts own tasks, and its tab Rounds the open rounds.
UNITS = {
    "rounds": "open",
    "work": "of your tasks wait",
    "review": "disputes wait",
    "assignments": "submissions wait",
    "flags": "reported problems wait",
}
COUNTED_IN_ENTRY = {"work", "review", "assignments", "flags"}
BOUNDED = {"assignments", "flags"}


@dataclass(frozen=True, slots=True)
class Link:
    """`current` is a value of aria-current: "page" for the page that is shown, "true" for an entry that has its tab."""

    title: str
    url: str
    current: str = ""
    count: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Crumb:
    """A step of the way to a page. The last one has no URL: it is the page."""

    title: str
    url: str = ""


@dataclass(frozen=True)
class Navigation:
    """Nothing is counted until a template asks, so that fragments of pages cost nothing. `current` is a key of `PAGES`."""

    membership: Membership
    current: str

    @property
    def entry(self) -> Entry:
        return ENTRY_OF[self.current]

    @property
    def page(self) -> NavigationPage:
        return PAGES[self.current]

    @property
    def is_in_more(self) -> bool:
        return self.entry.name == MORE

    @cached_property
    def entries(self) -> list[Link]:
        """At most seven."""
        entries = [(entry, self._seen(entry)) for entry in ENTRIES if entry.name != MORE]
        return [self._entry_link(entry, pages) for entry, pages in entries if pages]

    @cached_property
    def more(self) -> list[Link]:
        (entry,) = (entry for entry in ENTRIES if entry.name == MORE)
        return [self._page_link(page) for page in self._seen(entry)]

    @cached_property
    def tabs(self) -> list[Link]:
        """The pages of the entry; none if it has one only, or if they are in the menu."""
        pages = [] if self.is_in_more else self._seen(self.entry)
        return [self._page_link(page) for page in pages] if len(pages) > 1 else []

    @property
    def help_url(self) -> str:
        name, _, anchor = self.page.help.partition("#")
        url = reverse("docs-formats") if name == "formats" else reverse("docs-page", args=[name])
        return f"{url}#{anchor}" if anchor else url

    def crumbs(self, match: ResolverMatch | None, shown: Mapping[str, Any]) -> list[Crumb]:
        """Project, entry, page and thing. `shown` is what the page's template has, from which things take their names."""
        project = self.membership.project
        crumbs = [Crumb(project.name, reverse("project", args=[project.slug]))]
        pages = self._seen(self.entry)
        if not self.is_in_more:
            # A member who came here may see the page, and so at least one page of the entry.
            crumbs.append(Crumb(self.entry.title, self._url(pages[0] if pages else self.page)))
        if self.is_in_more or self.page.title != self.entry.title:
            crumbs.append(Crumb(self.page.title, self._url(self.page)))
        if match is not None and not self._is_at(match):
            crumbs += self._things(match, shown)
        return [*crumbs[:-1], Crumb(crumbs[-1].title)]

    def _is_at(self, match: ResolverMatch) -> bool:
        """Whether the URL is that of the page itself, and not of a thing below it."""
        args = tuple(value for name, value in match.kwargs.items() if name != "slug")
        return match.url_name == self.page.name and self.page.args in ((), args)

    def _things(self, match: ResolverMatch, shown: Mapping[str, Any]) -> list[Crumb]:
        thing, crumbs = BELOW.get(match.url_name or ""), []
        if thing is not None:
            crumbs.append(Crumb(title_of(thing.title, {**match.kwargs, **shown})))
        while thing is not None and thing.within:
            kwargs = {name: match.kwargs[name] for name in ("slug", *thing.takes)}
            name, thing = thing.within, BELOW[thing.within]
            crumbs.append(Crumb(title_of(thing.title, {**match.kwargs, **shown}), reverse(name, kwargs=kwargs)))
        return [crumb for crumb in reversed(crumbs) if crumb.title]

    def _seen(self, entry: Entry) -> list[NavigationPage]:
        return [page for page in entry.pages if can(self.membership, page.needs)]

    def _url(self, page: NavigationPage) -> str:
        return reverse(page.name, args=[self.membership.project.slug, *page.args])

    @cached_property
    def _waiting(self) -> dict[str, int]:
        return waiting_for(self.membership)

    def _entry_link(self, entry: Entry, pages: list[NavigationPage]) -> Link:
        counted = [page.key for page in pages if page.key in COUNTED_IN_ENTRY and self._waiting.get(page.key)]
        total = sum(self._waiting[key] for key in counted)
        is_bounded = any(key in BOUNDED and self._waiting[key] >= COUNTED_TO for key in counted)
        unit = UNITS[counted[0]] if len(counted) == 1 else "wait"
        current = ("true" if len(pages) > 1 else "page") if entry == self.entry else ""
        return Link(entry.title, self._url(pages[0]), current, _number(total, is_bounded=is_bounded), unit)

    def _page_link(self, page: NavigationPage) -> Link:
        count = self._waiting.get(page.key, 0) if page.key in UNITS else 0
        number = _number(count, is_bounded=page.key in BOUNDED and count >= COUNTED_TO)
        current = "page" if page.key == self.current else ""
        return Link(page.title, self._url(page), current, number, UNITS.get(page.key, ""))


def _number(count: int, *, is_bounded: bool) -> str:
    """Empty for 0; with a plus where more may wait."""
    return f"{count:,}{'+' if is_bounded else ''}" if count else ""


class _Shown(dict[str, Any]):
    """What a title may name. A name that a page does not have is empty, so that a crumb is never in the way of a page."""

    def __missing__(self, key: str) -> _Nothing:
        return _Nothing()


class _Nothing:
    def __getattr__(self, name: str) -> _Nothing:
        return self

    def __str__(self) -> str:
        return ""


def title_of(title: str, shown: Mapping[str, Any]) -> str:
    """The title with what it names of what the page shows; empty if the page does not have it.

    An object's own text begins as a title does; a name that people gave, such as that of a file, stays as it is.
    """
    is_given_name = "." in title
    title = title.format_map(_Shown(shown)).strip()
    if is_given_name:
        return title
    return title[:1].upper() + title[1:]
