"""The frame of pages: breadcrumbs of every page, in a project or not."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse

from apps.dashboard.navigation.menu import Crumb, Navigation, title_of

register = template.Library()

# Pages outside of projects that are below another page than the home page: its title and URL name.
OUTSIDE = {
    "project-new": [("New project", "")],
    "account": [("Account", "")],
    "tokens": [("Account", "account"), ("API tokens", "")],
    "token-new": [("Account", "account"), ("API tokens", "")],
    "account_change_password": [("Account", "account"), ("Password", "")],
    "account_logout": [("Account", "account"), ("Sign out", "")],
    "docs": [("Docs", "")],
    "docs-search": [("Docs", "docs"), ("Search", "")],
    "docs-formats": [("Docs", "docs"), ("Export formats", "")],
    "docs-format": [("Docs", "docs"), ("Export formats", "docs-formats"), ("{format.title}", "")],
    "docs-page": [("Docs", "docs"), ("{doc.title}", "")],
    "docs-decision": [("Docs", "docs"), ("Decisions", "docs-decisions"), ("{doc.title}", "")],
    "docs-decisions": [("Docs", "docs"), ("Decisions", "")],
}


@register.inclusion_tag("includes/_crumbs.html", takes_context=True)
def breadcrumbs(context: Context) -> dict[str, list[Crumb]]:
    """The way to the page: project, entry, page and thing. Empty on the home page and where there is no way."""
    shown: dict[Any, Any] = context.flatten()
    match = getattr(shown.get("request"), "resolver_match", None)
    navigation = shown.get("navigation")
    if isinstance(navigation, Navigation):
        return {"crumbs": navigation.crumbs(match, shown)}
    way = OUTSIDE.get(match.url_name or "", []) if match is not None else []
    named = [Crumb(title_of(title, shown), reverse(name) if name else "") for title, name in way]
    crumbs = [crumb for crumb in named if crumb.title]
    return {
        "crumbs": [Crumb("Home", reverse("home")), *crumbs] if crumbs and shown["user"].is_authenticated else crumbs
    }
