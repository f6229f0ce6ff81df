"""Notices of a run: sentences shown beside its counts, each once."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.runs.models import Run


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
