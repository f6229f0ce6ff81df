"""Leases: a right to something that ends by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q


def until(*, now: datetime, minutes: int) -> datetime:
    return now + timedelta(minutes=minutes)


def running_q(now: datetime, field: str = "leased_until") -> Q:
    """Leases that still hold at `now`."""
    return Q(**{f"{field}__gt": now})


def lapsed_q(now: datetime, field: str = "leased_until") -> Q:
    """Leases that have run out by `now`."""
    return Q(**{f"{field}__lte": now})
