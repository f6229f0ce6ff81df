"""How many assignments were submitted, by day and by hour."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from apps.labeling.models import Assignment
from apps.labeling.progress import midnight

DAYS = 14


def submissions_by_day(assignments: QuerySet[Assignment], *, now: datetime, days: int = DAYS) -> list[tuple[date, int]]:
    """The number of submissions on each of the last `days` days, today last. Reads those days only."""
    first = timezone.localdate(now) - timedelta(days=days - 1)
    start = midnight(now) - timedelta(days=days - 1)
    submitted = assignments.filter(submitted_at__gte=start, state__in=Assignment.SUBMITTED).annotate(
        day=TruncDate("submitted_at")
    )
    counts = dict(submitted.order_by().values_list("day").annotate(count=Count("id")))
    return [(day, counts.get(day, 0)) for day in (first + timedelta(days=index) for index in range(days))]


def submissions_by_hour(assignments: QuerySet[Assignment], *, now: datetime) -> list[tuple[datetime, int]]:
    """The number of submissions in each hour of today, up to the current one."""
    start = midnight(now)
    submitted = assignments.filter(submitted_at__gte=start, state__in=Assignment.SUBMITTED).annotate(
        hour=TruncHour("submitted_at")
    )
    counts = dict(submitted.order_by().values_list("hour").annotate(count=Count("id")))
    hours = [start + timedelta(hours=index) for index in range(timezone.localtime(now).hour + 1)]
    return [(hour, counts.get(hour, 0)) for hour in hours]
