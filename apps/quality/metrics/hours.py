"""Hours and pace, for payment: what each labeler did on each day in each round.

Time counts on the day on which it was worked: a task that is corrected, or returned and submitted again, adds its first
submission to the first day and the rest to the day of the later one. Imported submissions are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import chain

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.labeling.models.counted import SUBMITTED_STATES
from apps.projects.models import Project

# Most assignments have one version alone, and are read straight from their table.
_OF_ONE_VERSION = """
SELECT labeler_id, (submitted_at AT TIME ZONE %(zone)s)::date, round_id, count(*), 0,
       coalesce(sum(greatest(active_ms, 0)), 0)::bigint, coalesce(sum(greatest(idle_ms, 0)), 0)::bigint,
       coalesce(array_agg(active_ms) FILTER (WHERE active_ms IS NOT NULL), '{}')
FROM labeling_assignment
WHERE round_id = ANY(ARRAY(SELECT id FROM labeling_round WHERE project_id = %(project)s AND origin = ''))
  AND (%(labeler)s::bigint IS NULL OR labeler_id = %(labeler)s) AND versions = 0 AND state = ANY(%(states)s)
  AND submitted_at >= %(since)s AND submitted_at < %(until)s
GROUP BY 1, 2, 3
"""
# Times of an assignment add up from version to version: what one version took is the difference from the one before. Each
# assignment with `versions` has past submissions: to begin with these keeps the database from reading the others again.
_OF_SEVERAL = """
WITH revised AS (
    SELECT id, labeler_id, round_id, state, versions, submitted_at, active_ms, idle_ms FROM labeling_assignment
    WHERE round_id = ANY(ARRAY(SELECT id FROM labeling_round WHERE project_id = %(project)s AND origin = ''))
      AND (%(labeler)s::bigint IS NULL OR labeler_id = %(labeler)s) AND versions > 0
      AND id IN (SELECT assignment_id FROM labeling_pastsubmission)
), versions AS (
    SELECT revised.id, p.number, p.submitted_at AS at, (p.submission ->> 'active_ms')::bigint AS active_ms,
           (p.submission ->> 'idle_ms')::bigint AS idle_ms
    FROM revised JOIN labeling_pastsubmission p ON p.assignment_id = revised.id
    UNION ALL
    SELECT revised.id, revised.versions + 1, greatest(revised.submitted_at, (
        SELECT max(p.replaced_at) FROM labeling_pastsubmission p WHERE p.assignment_id = revised.id
    )), revised.active_ms, revised.idle_ms
    FROM revised WHERE revised.state = ANY(%(states)s)
), parts AS (
    SELECT revised.labeler_id, revised.round_id, number, at,
           versions.active_ms - coalesce(lag(versions.active_ms) OVER by_number, 0) AS active_ms,
           versions.idle_ms - coalesce(lag(versions.idle_ms) OVER by_number, 0) AS idle_ms
    FROM versions JOIN revised ON revised.id = versions.id
    WINDOW by_number AS (PARTITION BY versions.id ORDER BY number)
)
SELECT labeler_id, (at AT TIME ZONE %(zone)s)::date, round_id,
       count(*) FILTER (WHERE number = 1), count(*) FILTER (WHERE number > 1),
       coalesce(sum(greatest(active_ms, 0)), 0)::bigint, coalesce(sum(greatest(idle_ms, 0)), 0)::bigint,
       coalesce(array_agg(active_ms) FILTER (WHERE number = 1 AND active_ms IS NOT NULL), '{}')
FROM parts
WHERE at >= %(since)s AND at < %(until)s
GROUP BY 1, 2, 3
"""
# One statement, so that an assignment that is corrected meanwhile counts in one of them.
_HOURS = f"({_OF_ONE_VERSION}) UNION ALL ({_OF_SEVERAL})"
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
    of_days: defaultdict[tuple[date, int, int], list[_Tally]] = defaultdict(list)
    of_labelers: defaultdict[int, list[_Tally]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_HOURS, parameters)
        for labeler_id, day, round_id, submissions, corrections, active, idle, first in cursor.fetchall():
            tally = _Tally(submissions, corrections, active, idle, np.array(first, dtype=np.int64))
            of_days[day, labeler_id, round_id].append(tally)
            of_labelers[labeler_id].append(tally)
    return Hours(
        since,
        until,
        [
            DayOfWork(labeler_id, day, round_id, _sum(tallies).work)
            for (day, labeler_id, round_id), tallies in sorted(of_days.items())
        ],
        {labeler_id: _sum(of_labelers[labeler_id]).work for labeler_id in sorted(of_labelers)},
        _sum(list(chain.from_iterable(of_days.values()))).work,
    )


@dataclass(frozen=True, slots=True)
class _Tally:
    """Times in milliseconds, and those of each first submission: medians do not add up."""

    submissions: int
    corrections: int
    active: int
    idle: int
    first: npt.NDArray[np.int64]

    @property
    def work(self) -> Work:
        median = float(np.median(self.first)) / 1000 if len(self.first) else None
        return Work(self.submissions, self.corrections, self.active / 1000, self.idle / 1000, median)


def _sum(tallies: Sequence[_Tally]) -> _Tally:
    return _Tally(
        sum(tally.submissions for tally in tallies),
        sum(tally.corrections for tally in tallies),
        sum(tally.active for tally in tallies),
        sum(tally.idle for tally in tallies),
        np.concatenate([tally.first for tally in tallies] or [np.array([], dtype=np.int64)]),
    )


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
