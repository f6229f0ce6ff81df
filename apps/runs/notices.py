"""Notices of a run: sentences shown beside its counts, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from apps.runs.models import Run

_MOST_REASONS = 3


@transaction.atomic
def add_notices(run: Run, notices: Sequence[str]) -> None:
    """Add the notices that the run lacks: several workers may report the same."""
    if not notices:
        return
    stored = type(run).objects.select_for_update(of=("self",)).get(pk=run.pk)
    new = [notice for notice in dict.fromkeys(notices) if notice not in stored.notices]
    if new:
        stored.notices = [*stored.notices, *new]
        stored.save(update_fields=["notices"])


def most_frequent(rows: QuerySet[Any], field: str, noun: str, suffix: str = "") -> list[str]:
    """The most frequent texts of a field, each with its count."""
    counts = rows.values_list(field).annotate(count=Count("pk")).order_by("-count", field)[:_MOST_REASONS]
    return [f"{count:,} {noun}{'s' if count > 1 else ''}{suffix}: {text}" for text, count in counts]
