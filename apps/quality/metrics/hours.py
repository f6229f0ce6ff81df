"""Hours and pace, for payment: what each labeler did on each day in each round.

Time counts on the day on which it was worked: a task that is corrected, or returned and submitted again, adds its first
submission to the first day and the rest to the day of the later one. Imported submissions are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.labeling.models.counted import SUBMITTED_STATES
from apps.projects.models import Project

# Times of an assignment add up from version to version; what one version took is the difference from the one before.
_HOURS = """
WITH own AS (
    SELECT a.id, a.labeler_id, a.round_id, a.state, a.versions, a.submitted_at, a.active_ms, a.idle_ms
    FROM labeling_assignment a JOIN labeling_round r ON r.id = a.round_id
    WHERE r.project_id = %(project)s AND r.origin = '' AND (%(labeler)s::bigint IS NULL OR a.labeler_id = %(labeler)s)
      AND (a.versions > 0 OR a.submitted_at >= %(since)s AND a.submitted_at < %(until)s)
), versions AS (
    SELECT own.id, p.number, p.submitted_at AS at, (p.submission ->> 'active_ms')::bigint AS active_ms,
           (p.submission ->> 'idle_ms')::bigint AS idle_ms
    FROM own JOIN labeling_pastsubmission p ON p.assignment_id = own.id
    UNION ALL
    SELECT own.id, own.versions + 1, greatest(own.submitted_at, (
        SELECT max(p.replaced_at) FROM labeling_pastsubmission p WHERE p.assignment_id = own.id
    )), own.active_ms, own.idle_ms
    FROM own WHERE own.state = ANY(%(states)s)
), parts AS (
    SELECT id, number, at, active_ms - coalesce(lag(active_ms) OVER by_number, 0) AS active_ms,
           idle_ms - coalesce(lag(idle_ms) OVER by_number, 0) AS idle_ms
    FROM versions WINDOW by_number AS (PARTITION BY id ORDER BY number)
)
SELECT own.labeler_id, (parts.at AT TIME ZONE %(zone)s)::date AS day, own.round_id,
       count(*) FILTER (WHERE number = 1), count(*) FILTER (WHERE number > 1),
       coalesce(sum(greatest(parts.active_ms, 0)), 0), coalesce(sum(greatest(parts.idle_ms, 0)), 0),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY parts.active_ms) FILTER (WHERE number = 1)
FROM parts JOIN own ON own.id = parts.id
WHERE parts.at >= %(since)s AND parts.at < %(until)s
GROUP BY GROUPING SETS ((own.labeler_id, (parts.at AT TIME ZONE %(zone)s)::date, own.round_id), (own.labeler_id), ())
ORDER BY day, own.labeler_id, own.round_id
"""
DAYS = 31
FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(9999, 12, 30)


@dataclass(frozen=True, slots=True)
class Work:
    """Submissions, later versions of them, and times; the median is that of first submissions, in seconds."""

    submissions: int
    corrections: int
    active_s: float
    idle_s: float
    median_s: float | None


@dataclass(frozen=True, slots=True)
class DayOfWork:
    labeler: int
    day: date
    round: int
    work: Work


@dataclass(frozen=True, slots=True)
class Hours:
    """The days from `since` to `until`, both included, with the total of each labeler and of all."""

    since: date
    until: date
    days: Sequence[DayOfWork]
    totals: dict[int, Work]
    total: Work


def hours_of(
    project: Project, *, since: date | None = None, until: date | None = None, labeler: User | None = None
) -> Hours:
    """The work in the project from `since` to `until`, by default of the last month, of one labeler or of all.

    Days are those of the site's time zone. Raises DomainError if the dates are in the wrong order or out of range.
    """
    until = until or timezone.localdate()
    since = since or max(FIRST_DAY, until - timedelta(days=DAYS - 1))
    if not FIRST_DAY <= since <= until <= LAST_DAY:
        raise DomainError(
            "The first day comes before the last one.",
            fields={"since": f"must be between {FIRST_DAY} and the last day, {until}"},
        )
    parameters = {
        "project": project.pk,
        "labeler": labeler.pk if labeler is not None else None,
        "since": _start(since),
        "until": _start(until + timedelta(days=1)),
        "states": list(SUBMITTED_STATES),
        "zone": timezone.get_current_timezone_name(),
    }
    days: list[DayOfWork] = []
    totals: dict[int, Work] = {}
    total = Work(0, 0, 0.0, 0.0, None)
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, parameters)
        for labeler_id, day, round_id, submissions, corrections, active, idle, median in cursor.fetchall():
            seconds = None if median is None else median / 1000
            work = Work(submissions, corrections, float(active) / 1000, float(idle) / 1000, seconds)
            if labeler_id is None:
                total = work
            elif day is None:
                totals[labeler_id] = work
            else:
                days.append(DayOfWork(labeler_id, day, round_id, work))
    return Hours(since, until, days, totals, total)


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
