"""Lists leave out what is archived; `?archived=1` shows that instead."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest

Rows = TypeVar("Rows", bound="QuerySet[Any]")


def shows_archived(request: HttpRequest) -> bool:
    return request.GET.get("archived") == "1"


def listed(rows: Rows, request: HttpRequest) -> Rows:
    return rows.filter(archived_at__isnull=not shows_archived(request))
