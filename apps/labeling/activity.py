"""How many assignments were submitted, by day and by hour."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from apps.labeling.models import Assignment, RoundProgress
from apps.labeling.progress import midnight
from apps.labeling.rounds.forecast import DAY, PACE_WINDOW, TeamPace
from apps.projects.models import Project

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


def submission_counts(project: Project) -> dict[int, int]:
    """By labeler id: how many of their submissions in the project filled a slot."""
    progress = RoundProgress.objects.filter(round__project=project).order_by()
    return dict(progress.values_list("labeler").annotate(count=Sum("submitted")))


def team_pace(project: Project, *, now: datetime) -> TeamPace:
    """The pace of the project's labelers in the last weeks, from the first submission in them on."""
    recent = Assignment.objects.submitted().filter(
        round__project=project, round__origin="", submitted_at__gte=now - PACE_WINDOW, active_ms__isnull=False
    )
    totals = recent.aggregate(count=Count("pk"), active_ms=Sum("active_ms", default=0), first=Min("submitted_at"))
    days = (now - totals["first"]) / DAY if totals["first"] is not None else 0.0
    return TeamPace(totals["count"], totals["active_ms"] / 3_600_000, days)


def submissions_by_day_and_hour(
    assignments: QuerySet[Assignment], *, now: datetime, days: int = DAYS
) -> tuple[list[tuple[date, int]], list[tuple[datetime, int]]]:
    """As `submissions_by_day`, and the number in each hour of today, up to the current one. One query."""
    today = midnight(now)
    first = timezone.localdate(now) - timedelta(days=days - 1)
    submitted = assignments.filter(
        submitted_at__gte=today - timedelta(days=days - 1), state__in=Assignment.SUBMITTED
    ).annotate(hour=TruncHour("submitted_at"))
    by_hour = dict(submitted.order_by().values_list("hour").annotate(count=Count("id")))
    by_day: Counter[date] = Counter()
    for hour, count in by_hour.items():
        by_day[timezone.localdate(hour)] += count
    hours = [today + timedelta(hours=index) for index in range(timezone.localtime(now).hour + 1)]
    return (
        [(day, by_day[day]) for day in (first + timedelta(days=index) for index in range(days))],
        [(hour, by_hour.get(hour, 0)) for hour in hours],
    )
