"""Links from people and tasks, wherever a page names one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse
from django.utils.html import format_html

from apps.projects.models import Membership
from apps.quality.review.names import PersonName

register = template.Library()


@register.simple_tag(takes_context=True)
def person(context: Context, named: Any) -> str:
    """The name of a person, with a link to their page for those who may see it. Takes a `PersonName` or a membership."""
    if isinstance(named, Membership):
        named = PersonName(str(named.user), named.pk)
    if not isinstance(named, PersonName) or not _may(context, "review"):
        return str(named)
    return format_html(
        '<a href="{}">{}</a>', reverse("person", args=[context["project"].slug, named.membership]), named
    )


@register.simple_tag(takes_context=True)
def task_link(context: Context, pk: int) -> str:
    """The number of a task, with a link to its row of the task table for those who may see it."""
    if not _may(context, "manage_rounds"):
        return f"task {pk}"
    url = reverse("tasks", args=[context["project"].slug], query={"text": f"#{pk}"})
    return format_html('<a href="{}">task {}</a>', url, pk)


def _may(context: Context, action: str) -> bool:
    may: Mapping[str, bool] = context.get("may") or {}
    return bool(may.get(action))
