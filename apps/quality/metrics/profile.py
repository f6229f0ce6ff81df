"""One labeler's work in a project: speed, accuracy on gold by week, what reviewers made of it, and how tasks ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.statistics import wilson
from apps.labeling.models import Assignment, Reservation, RoundProgress
from apps.projects.models import Project
from apps.quality.gold.marks import counted_marks
from apps.quality.metrics.stored import labeler_figures
from apps.quality.models import FastMark, Review, Suspension
from apps.quality.review.reports import reports_in

LATEST = 500
WEEKS = 26
# The upper ends of the bars of times, in seconds.
BARS = ((10, "under 10 s"), (30, "10 to 30 s"), (60, "30 to 60 s"), (120, "1 to 2 min"), (300, "2 to 5 min"))
LAST_BARS = ((600, "5 to 10 min"), (float("inf"), "over 10 min"))


@dataclass(frozen=True, slots=True)
class TimeBar:
    """How many of the latest submissions took so long."""

    label: str
    count: int
    share: float | None


@dataclass(frozen=True, slots=True)
class GoldWeek:
    """The gold tasks of one week whose first error gold names, and in how many of them the labeler found it."""

    week: date
    hits: int
    tasks: int

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.tasks)


@dataclass(frozen=True, slots=True)
class Endings:
    """How tasks of the labeler ended or wait, and what came of them; counts."""

    reported: int
    open_reports: int
    gave_up: int
    skipped: int
    returned: int
    leased: int
    assigned: int
    fast: int
    accepted: int
    returned_ever: int
    corrected: int


def endings_of(project: Project, labeler: User) -> Endings:
    own = Assignment.objects.filter(round__project=project, labeler=labeler)
    submitted = Q(state__in=Assignment.SUBMITTED)
    state, reason = Assignment.State, Assignment.FinishReason
    counts = own.aggregate(
        reported=Count("pk", filter=submitted & Q(finish_reason=reason.BAD_PROBLEM)),
        gave_up=Count("pk", filter=submitted & Q(finish_reason=reason.GIVE_UP)),
        skipped=Count("pk", filter=Q(state=state.SKIPPED)),
        returned=Count("pk", filter=Q(state=state.RETURNED)),
        leased=Count("pk", filter=Q(state=state.LEASED, leased_until__gt=timezone.now())),
    )
    decisions = Review.objects.filter(assignment__labeler=labeler, assignment__round__project=project).order_by()
    reviews = dict(decisions.values_list("decision").annotate(count=Count("assignment", distinct=True)))
    waiting = Reservation.objects.waiting().filter(labeler=labeler, round__project=project)
    return Endings(
        **counts,
        open_reports=reports_in([project]).filter(labeler=labeler).count(),
        assigned=waiting.count(),
        fast=FastMark.objects.filter(project=project, labeler=labeler).count(),
        accepted=reviews.get(Review.Decision.ACCEPTED, 0),
        returned_ever=reviews.get(Review.Decision.RETURNED, 0),
        corrected=reviews.get(Review.Decision.CORRECTED, 0),
    )


def gold_weeks(project: Project, labeler: User) -> list[GoldWeek]:
    """The latest weeks with gold tasks. Corrections do not count: marks are of first submissions."""
    marks = counted_marks(project).filter(labeler=labeler, exact__isnull=False)
    hits: Counter[date] = Counter()
    tasks: Counter[date] = Counter()
    for at, exact in marks.values_list("at", "exact"):
        week = date.fromisocalendar(*timezone.localdate(at).isocalendar()[:2], 1)
        tasks[week] += 1
        hits[week] += bool(exact)
    return [GoldWeek(week, hits[week], tasks[week]) for week in sorted(tasks)[-WEEKS:]]


def time_bars(project: Project, labeler: User) -> list[TimeBar]:
    """How long the latest submissions took that were not corrected since; empty without any."""
    own = Assignment.objects.submitted().filter(
        round__project=project, labeler=labeler, active_ms__isnull=False, submitted_at__isnull=False, versions=0
    )
    times = list(own.order_by("-submitted_at").values_list("active_ms", flat=True)[:LATEST])
    if not times:
        return []
    bars = (*BARS, *LAST_BARS)
    counts = Counter(next(label for end, label in bars if (time or 0) / 1000 < end) for time in times)
    return [TimeBar(label, counts[label], counts[label] / len(times)) for _, label in bars]


def rounds_of(project: Project, labeler: User) -> list[RoundProgress]:
    """The labeler's progress in each round, the newest round first, screenings with attempt and score."""
    rows = RoundProgress.objects.filter(round__project=project, labeler=labeler).select_related("round")
    return list(rows.order_by("-round"))


def suspensions_of(project: Project, labeler: User) -> Sequence[Suspension]:
    rows = Suspension.objects.filter(membership__project=project, membership__user=labeler)
    return list(rows.select_related("by", "lifted_by"))


def figures_of(project: Project, labeler: User) -> Mapping[str, object]:
    """The labeler's row of the computed figures (see `labelers.labeler_rows`); empty before the first are computed."""
    return labeler_figures(project).get(labeler.pk, {})
