"""What members see of rounds: their own work, and the activity and forecast of a round under way.

Counts come from progress rows and partial indexes; tasks are never counted.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboard.access import Place
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.activity import submissions_by_day_and_hour
from apps.labeling.median_time import seconds_per_assignment
from apps.labeling.models import Assignment, Round, RoundProgress
from apps.labeling.progress import SubmissionCount, midnight, submissions_in
from apps.labeling.protocols.base import LEFT_EARLY
from apps.labeling.queue.eligibility import ScreeningAttempt, ineligible_reason, screening_attempt
from apps.labeling.rounds.forecast import RoundForecast, forecast, window_start
from apps.quality.review.reports import Report, report_of, reports_in

SHOWN_EARLY_ENDS = 50


@dataclass(frozen=True, slots=True)
class RoundWork:
    """A round with the work of one labeler in it. `attempt` is theirs, where the round is a screening.

    `submitted` are their submissions, in a screening those of the current attempt.
    """

    round: Round
    submitted: int = 0
    submitted_today: int = 0
    leased: int = 0
    attempt: ScreeningAttempt | None = None
    awaits_screening: bool = False  # It is for labelers who have passed the screening, and this one has not.

    @property
    def remaining(self) -> int:
        if self.attempt is not None:
            is_over = self.attempt.score is not None and not self.attempt.result().may_retake
            return 0 if is_over else self.round.task_count
        if self.round.is_all_gold:
            return max(0, self.round.task_count - self.submitted)
        submitted: int = self.round.submitted  # type: ignore[attr-defined]
        return max(0, self.round.slot_count - submitted)

    @property
    def action(self) -> str:
        """The text of the button that leads to the work; empty if there is none."""
        if not self.leased and (self.awaits_screening or not self.remaining):
            return ""
        if not self.leased and self.attempt is not None and self.attempt.score is not None:
            return "Try again"
        return action_of(self.round, is_begun=bool(self.leased or self.submitted))


# What is started or continued, by the kind of round. static/js/labeling/empty-states.js has the same words.
_WORK_WORDS = {Round.Kind.WORK: "labeling", Round.Kind.SCREENING: "test", Round.Kind.TRAINING: "training"}


def action_of(round_: Round, *, is_begun: bool) -> str:
    """The words of every button that leads to the desk of a round."""
    return f"{'Continue' if is_begun else 'Start'} {_WORK_WORDS[Round.Kind(round_.kind)]}"


def work_for(user: User, rounds: QuerySet[Round]) -> list[RoundWork]:
    """The rounds with the user's work in them. Rounds in which the user holds tasks come first."""
    rows = list(rounds.with_submitted(seen_by=user).select_related("project"))  # type: ignore[attr-defined]
    progress_rows = {
        progress.round_id: progress for progress in RoundProgress.objects.filter(labeler=user, round__in=rows)
    }
    today = Assignment.objects.submitted().filter(labeler=user, round__in=rows, submitted_at__gte=midnight())
    submitted_today = dict(today.order_by().values_list("round").annotate(count=Count("id")))
    leases = Assignment.objects.held_by(user).filter(round__in=rows)
    leased = dict(leases.order_by().values_list("round").annotate(count=Count("id")))
    needing = {round_.project_id for round_ in rows if round_.needs_screening}
    passed = projects_passed(user, needing) if needing else set()
    work = []
    for round_ in rows:
        progress = progress_rows.get(round_.pk) or RoundProgress.not_begun(round_)
        attempt = screening_attempt(round_, progress) if round_.is_screening and round_.is_all_gold else None
        own, own_today = progress.own_submissions, submitted_today.get(round_.pk, 0)
        awaits_screening = round_.needs_screening and round_.project_id not in passed
        held = leased.get(round_.pk, 0)
        work.append(RoundWork(round_, own, own_today, held, attempt, awaits_screening))
    return sorted(work, key=lambda own: (not own.leased, not own.action, own.round.project.name, -own.round.number))


def projects_passed(user: User, projects: Collection[int]) -> set[int]:
    """Those of the projects in which the user has passed a screening."""
    passed = RoundProgress.objects.filter(labeler=user, passed_at__isnull=False, round__project__in=projects)
    return set(passed.values_list("round__project", flat=True))


def screening_attempt_of(round_: Round, user: User) -> ScreeningAttempt | None:
    """The user's attempt in a screening, the first one if they have not begun; None in other rounds."""
    if not round_.is_screening or round_.origin:
        return None
    progress = RoundProgress.objects.filter(round=round_, labeler=user).first()
    return screening_attempt(round_, progress or RoundProgress.not_begun(round_))


def rounds_opened_by(screening: Round, user: User) -> list[RoundWork]:
    """The rounds of the project that need a screening, where there is work for the user: what passing has opened."""
    rounds = Round.objects.open().filter(project=screening.project_id, needs_screening=True)
    return [work for work in work_for(user, rounds) if work.action and ineligible_reason(work.round, user) is None]


def announced_action(round_: Round, user: User, attempt: ScreeningAttempt | None) -> str:
    """The words that begin a screening or training which the desk announces first; empty once the user has begun it."""
    is_over = attempt is not None and attempt.score is not None
    if not round_.is_all_gold or is_over or round_.status != Round.Status.OPEN:
        return ""
    progress = RoundProgress.objects.filter(round=round_, labeler=user).first()
    if ineligible_reason(round_, user) is not None or (progress is not None and progress.own_submissions):
        return ""
    return action_of(round_, is_begun=False)


# --- the activity of a round ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActiveLabeler:
    """A labeler who holds tasks now. The labeling page renews their leases, last at `last_seen`."""

    name: str
    tasks: int
    last_seen: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class EarlyEnd:
    """An assignment that was given up, reported or skipped, and why."""

    name: str
    assignment: Assignment
    kind: str
    title: str
    at: datetime | None
    report: Report | None = None


@dataclass(frozen=True, slots=True)
class LabelerRow:
    """One labeler's progress and submissions in a round."""

    name: str
    progress: RoundProgress
    submitted: SubmissionCount


def round_activity(place: Place, work: RoundWork, *, now: datetime) -> dict[str, object]:
    """The template context for reviewers and managers of a round. `finishes` is how its assignments ended."""
    round_, assignments = work.round, Assignment.objects.filter(round=work.round)
    submitted, reasons = submissions_in(round_, now)
    progress_rows = sorted(
        RoundProgress.objects.filter(round=round_),
        key=lambda progress: (-submitted.get(progress.labeler_id, SubmissionCount()).total, progress.pk),
    )
    early_ends = _early_ends(assignments)
    leases = assignments.filter(state=Assignment.State.LEASED, leased_until__gt=now).order_by()
    holders = leases.values_list("labeler").annotate(count=Count("id"), until=Max("leased_until"))
    active = sorted(holders, key=lambda holder: holder[2], reverse=True)
    people = {
        *(progress.labeler_id for progress in progress_rows),
        *(assignment.labeler_id for assignment in early_ends),
        *(labeler for labeler, _, _ in active),
    }
    names = labeler_names(place, people)
    days, hours = submissions_by_day_and_hour(assignments, now=now)
    finishes = [
        (reason, label, reasons[reason]) for reason, label in Assignment.FinishReason.choices if reason in reasons
    ]
    lease = timedelta(minutes=round_.lease_minutes)
    return {
        "labelers": [
            LabelerRow(
                names[progress.labeler_id],
                progress,
                submitted.get(progress.labeler_id, SubmissionCount()),
            )
            for progress in progress_rows
        ],
        "active": [ActiveLabeler(names[labeler], tasks, until - lease, until) for labeler, tasks, until in active],
        "early_ends": [_early_end(assignment, names) for assignment in early_ends],
        "finishes": finishes,
        "finished": sum(count for _, _, count in finishes),
        "days": days,
        "hours": hours,
        "has_hours": any(count for _, count in hours),
        "has_days": any(count for _, count in days),
        "seconds_each": seconds_per_assignment(assignments),
        "forecast": round_forecast(round_, progress_rows, now),
        "reported": reports_in([place.project]).filter(round=round_).count(),
    }


def _early_ends(assignments: QuerySet[Assignment]) -> list[Assignment]:
    """The latest assignments that were given up, reported or skipped."""
    assignments = assignments.select_related(
        "task__solution__problem", "task__comparison__problem", "dismissal__dismissed_by"
    )
    ended = assignments.filter(finish_reason__in=LEFT_EARLY).order_by("-pk")[:SHOWN_EARLY_ENDS]
    skipped = assignments.filter(state=Assignment.State.SKIPPED).order_by("-pk")[:SHOWN_EARLY_ENDS]
    now = timezone.now()
    latest = sorted(
        [*ended, *skipped],
        key=lambda assignment: assignment.submitted_at or assignment.leased_until or now,
        reverse=True,
    )
    return latest[:SHOWN_EARLY_ENDS]


def _early_end(assignment: Assignment, names: dict[int, str]) -> EarlyEnd:
    name = names[assignment.labeler_id]
    if assignment.state == Assignment.State.SKIPPED:
        return EarlyEnd(name, assignment, "skip", "skipped", assignment.leased_until)
    title, report = assignment.get_finish_reason_display(), report_of(assignment)
    return EarlyEnd(name, assignment, assignment.finish_reason, title, assignment.submitted_at, report)


def round_forecast(round_: Round, progress_rows: Collection[RoundProgress], now: datetime) -> RoundForecast | None:
    """The forecast at the pace of submissions that fill a slot; None for a round that is not open."""
    if round_.status != Round.Status.OPEN or round_.opened_at is None or round_.is_all_gold:
        return None
    since = window_start(round_.opened_at, now)
    filled = Assignment.objects.filter(
        round=round_, state=Assignment.State.SUBMITTED, submitted_at__gte=since, task__is_gold=False
    )
    remaining = max(0, round_.slot_count - sum(progress.submitted for progress in progress_rows))
    return forecast(remaining=remaining, submissions=filled.count(), since=since, now=now)
