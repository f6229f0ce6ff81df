"""How fast people work, read from the latest turns."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.labeling.models import Assignment

LATEST = 200


def seconds_per_turn(turns: QuerySet[Assignment]) -> float | None:
    """The median of the latest turns, for those that say how long they took."""
    latest = turns.filter(submitted_at__isnull=False, active_ms__isnull=False).order_by("-submitted_at")
    times = sorted(time for time in latest.values_list("active_ms", flat=True)[:LATEST] if time is not None)
    return times[len(times) // 2] / 1000 if times else None
