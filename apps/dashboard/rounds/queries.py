"""What reviewers and managers see of a round while it runs: from seats and partial indexes, never by counting tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboard.access import Place
from apps.dashboard.home.queries import Work, submissions_by_day, submissions_by_hour
from apps.dashboard.rounds.forecast import Forecast, forecast, window_of
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.median_time import seconds_per_assignment
from apps.labeling.models import Assignment, Round, RoundProgress
from apps.labeling.progress import SubmissionCount, submission_counts
from apps.labeling.protocols.base import LEFT_EARLY
from apps.labeling.queue.eligibility import ScreeningAttempt, screening_attempt
from apps.quality.review.reports import Report, report_of, reports_in

SHOWN_REASONS = 50


@dataclass(frozen=True, slots=True)
class Present:
    """Somebody who holds tasks now. The page renews a lease while they work: that is their sign of life."""

    name: str
    tasks: int
    last_sign: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Remark:
    """A turn that somebody ended early or put off, and why."""

    name: str
    assignment: Assignment
    kind: str
    words: str
    at: datetime | None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class LabelerRow:
    """One labeler's seat, how much they handed in, and in a screening how it went."""

    name: str
    progress: RoundProgress
    done: SubmissionCount
    sitting: ScreeningAttempt | None


def watched(place: Place, work: Work, *, now: datetime) -> dict[str, object]:
    round_, assignments = work.round, Assignment.objects.filter(round=work.round)
    done = submission_counts(assignments, "labeler", now)
    progress_rows = sorted(
        RoundProgress.objects.filter(round=round_),
        key=lambda progress: (-done.get(progress.labeler_id, SubmissionCount()).total, progress.pk),
    )
    early, present = _early(assignments), _present(assignments, now)
    people = {
        *(progress.labeler_id for progress in progress_rows),
        *(one.labeler_id for one in early),
        *(row[0] for row in present),
    }
    names = labeler_names(place, people)
    days, finishes = submissions_by_day(assignments, now=now), _finishes(round_)
    hours = submissions_by_hour(assignments, now=now)
    return {
        "chairs": [_chair(round_, progress, names, done) for progress in progress_rows],
        "present": [_presence(round_, row, names) for row in present],
        "remarks": [_remark(assignment, names) for assignment in early],
        "finishes": finishes,
        "turns_ended": sum(count for _, _, count in finishes),
        "days": days,
        "hours": hours,
        "has_hours": any(count for _, count in hours),
        "has_days": any(count for _, count in days),
        "seconds_each": seconds_per_assignment(assignments),
        "forecast": _forecast(round_, progress_rows, now),
        "reported": reports_in([place.project]).filter(round=round_).count(),
    }


def _chair(
    round_: Round, progress: RoundProgress, names: dict[int, str], done: dict[int, SubmissionCount]
) -> LabelerRow:
    sitting = screening_attempt(round_, progress) if round_.is_screening else None
    return LabelerRow(names[progress.labeler_id], progress, done.get(progress.labeler_id, SubmissionCount()), sitting)


def _present(assignments: QuerySet[Assignment], now: datetime) -> list[tuple[int, int, datetime]]:
    held = assignments.filter(state=Assignment.State.LEASED, leased_until__gt=now).order_by()
    rows = held.values_list("labeler").annotate(count=Count("id"), until=Max("leased_until"))
    return sorted(rows, key=lambda row: row[2], reverse=True)


def _presence(round_: Round, row: tuple[int, int, datetime], names: dict[int, str]) -> Present:
    labeler, tasks, until = row
    return Present(names[labeler], tasks, until - timedelta(minutes=round_.lease_minutes), until)


def _early(assignments: QuerySet[Assignment]) -> list[Assignment]:
    """The latest that were left early, and what is put off now."""
    assignments = assignments.select_related(
        "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by"
    )
    ended = assignments.filter(finish_reason__in=LEFT_EARLY).order_by("-pk")[:SHOWN_REASONS]
    off = assignments.filter(state=Assignment.State.SKIPPED).order_by("-pk")[:SHOWN_REASONS]
    found = sorted([*ended, *off], key=lambda one: one.submitted_at or one.leased_until or timezone.now(), reverse=True)
    return found[:SHOWN_REASONS]


def _remark(assignment: Assignment, names: dict[int, str]) -> Remark:
    is_off = assignment.state == Assignment.State.SKIPPED
    kind = "skip" if is_off else assignment.finish_reason
    words = "put off" if is_off else assignment.get_finish_reason_display()
    at = assignment.leased_until if is_off else assignment.submitted_at
    return Remark(names[assignment.labeler_id], assignment, kind, words, at, None if is_off else report_of(assignment))


def _finishes(round_: Round) -> list[tuple[str, str, int]]:
    """How the turns of a round ended: reason, its words, how many."""
    ended = Assignment.objects.submitted().filter(round=round_).exclude(finish_reason="").order_by()
    counts = dict(ended.values_list("finish_reason").annotate(count=Count("id")))
    return [(reason, label, counts[reason]) for reason, label in Assignment.FinishReason.choices if reason in counts]


def _forecast(round_: Round, progress_rows: Sequence[RoundProgress], now: datetime) -> Forecast | None:
    """At the pace of the submissions that fill a slot, since the round opened; None for a round that is not open."""
    if round_.status != Round.Status.OPEN or round_.opened_at is None or round_.is_screening:
        return None
    since = window_of(round_.opened_at, now)
    filled = Assignment.objects.filter(
        round=round_, state=Assignment.State.SUBMITTED, submitted_at__gte=since, task__is_gold=False
    )
    left = max(0, round_.slot_count - sum(progress.submitted for progress in progress_rows))
    return forecast(left=left, submissions=filled.count(), since=since, now=now)


def attempt_of(round_: Round, user: User) -> ScreeningAttempt | None:
    """How the user stands in a screening that they have begun."""
    if not round_.is_screening or round_.origin:
        return None
    progress = RoundProgress.objects.filter(round=round_, labeler=user).first()
    return screening_attempt(round_, progress) if progress is not None else None
