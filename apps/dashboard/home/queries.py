"""What home and project page show: read from few rows (rounds, seats, imports), but for what a project holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import cast

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs import JobStatus
from apps.corpus.models import ImportBatch, Problem, Solution
from apps.dashboard.access import Place
from apps.estimation.models import EstimationRun
from apps.exports.models import Export
from apps.labeling.models import Assignment, Round, RoundProgress
from apps.labeling.progress import SubmissionCount, midnight, submission_counts
from apps.labeling.queue.eligibility import ScreeningAttempt, screening_attempt
from apps.projects.models import Membership, Project, Role

DAYS = 14
COUNTS_KEPT_S = 600
MOVING = (JobStatus.QUEUED, JobStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Work:
    """An open round, as the labeler who looks at it stands in it. `sitting` is theirs, where it is a screening."""

    round: Round
    done_by_me: int = 0
    today: int = 0
    holds: int = 0
    sitting: ScreeningAttempt | None = None

    @property
    def left(self) -> int:
        if self.sitting is not None:
            is_over = self.sitting.score is not None and not self.sitting.result().may_retake
            return 0 if is_over else self.round.task_count
        submitted: int = self.round.submitted  # type: ignore[attr-defined]
        return max(0, self.round.slot_count - submitted)

    @property
    def verb(self) -> str:
        """What the button says; empty when there is nothing to press it for."""
        if self.holds:
            return "Continue"
        if not self.left:
            return ""
        if self.sitting is not None and self.sitting.score is not None:
            return "Try again"
        return "Go on" if self.done_by_me else "Start"


def work_for(user: User, rounds: QuerySet[Round]) -> list[Work]:
    """The rounds with what the user has done in them and holds now. The work in hand comes first."""
    found = list(rounds.with_submitted(seen_by=user).select_related("project"))  # type: ignore[attr-defined]
    progress_rows = {
        progress.round_id: progress for progress in RoundProgress.objects.filter(labeler=user, round__in=found)
    }
    done = submission_counts(Assignment.objects.filter(labeler=user, round__in=found), "round")
    held = Assignment.objects.held_by(user).filter(round__in=found)
    holds = dict(held.order_by().values_list("round").annotate(count=Count("id")))
    work = [
        _work(one, progress_rows.get(one.pk), done.get(one.pk, SubmissionCount()), holds.get(one.pk, 0))
        for one in found
    ]
    return sorted(work, key=lambda one: (not one.holds, not one.left, one.round.project.name, -one.round.number))


def _work(round_: Round, progress: RoundProgress | None, done: SubmissionCount, holds: int) -> Work:
    is_own = round_.is_screening and not round_.origin
    sitting = screening_attempt(round_, progress or RoundProgress(round=round_, attempt=1)) if is_own else None
    # Gold too: it is work like any other, and a count that stood still would tell which it was.
    return Work(round_, done.total, done.today, holds, sitting)


def open_rounds_for(user: User) -> list[Work]:
    """Every round in which the user may work now."""
    mine = Membership.objects.filter(project=OuterRef("project"), user=user, status=Membership.Status.ACTIVE)
    return work_for(user, Round.objects.open().filter(Exists(mine)))


def memberships_of(user: User) -> list[Membership]:
    active = Membership.objects.filter(user=user, status=Membership.Status.ACTIVE)
    return list(active.select_related("project").order_by("project__name"))


def moving_imports(user: User) -> list[ImportBatch]:
    return list(ImportBatch.objects.filter(uploaded_by=user, status__in=MOVING).select_related("project")[:10])


def moving_exports(user: User) -> list[Export]:
    return list(Export.objects.filter(requested_by=user, status__in=MOVING).select_related("project")[:10])


def moving_runs(user: User) -> list[EstimationRun]:
    return list(EstimationRun.objects.filter(created_by=user, status__in=MOVING).select_related("project")[:10])


def submissions_by_day(assignments: QuerySet[Assignment], *, now: datetime, days: int = DAYS) -> list[tuple[date, int]]:
    """How many stand handed in of each of the last days, today last. Reads those days only."""
    first = timezone.localdate(now) - timedelta(days=days - 1)
    start = midnight(now) - timedelta(days=days - 1)
    counted = assignments.filter(submitted_at__gte=start, state__in=Assignment.SUBMITTED).annotate(
        day=TruncDate("submitted_at")
    )
    counts = dict(counted.order_by().values_list("day").annotate(count=Count("id")))
    return [(day, counts.get(day, 0)) for day in (first + timedelta(days=index) for index in range(days))]


def submissions_by_hour(assignments: QuerySet[Assignment], *, now: datetime) -> list[tuple[datetime, int]]:
    """How many stand handed in of today, hour by hour, up to the one that runs."""
    start = midnight(now)
    counted = assignments.filter(submitted_at__gte=start, state__in=Assignment.SUBMITTED).annotate(
        hour=TruncHour("submitted_at")
    )
    counts = dict(counted.order_by().values_list("hour").annotate(count=Count("id")))
    hours = [start + timedelta(hours=index) for index in range(timezone.localtime(now).hour + 1)]
    return [(hour, counts.get(hour, 0)) for hour in hours]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a project holds, wherever it came from; `labels`, `rejected` and `differences` are of its imports.

    `steps` are those on the solutions' own paths.
    """

    problems: int
    solutions: int
    steps: int
    labels: int
    rejected: int
    differences: int

    @property
    def is_empty(self) -> bool:
        return not (self.problems or self.solutions)


def holdings_of(project: Project) -> Holdings:
    """Counted from the rows themselves, for solutions that a model sampled came with no import.

    Counting reads the whole project, so the counts are kept until there is a newer problem or solution.
    """
    newest = [
        rows.filter(project=project).order_by("-pk").values_list("pk", flat=True).first() or 0
        for rows in (Problem.objects.all(), Solution.objects.all())
    ]
    key = f"holdings:{project.pk}:{project.created_at.timestamp()}:{newest[0]}:{newest[1]}"
    counts = cast("dict[str, int]", cache.get_or_set(key, lambda: _counts(project), COUNTS_KEPT_S))
    names = ("labels", "rejected", "differences")
    sums = ImportBatch.objects.filter(project=project).aggregate(**{name: Sum(name, default=0) for name in names})
    return Holdings(**counts, **sums)


def _counts(project: Project) -> dict[str, int]:
    written = Solution.objects.written().filter(project=project)
    counts = written.aggregate(solutions=Count("pk"), steps=Sum("step_count", default=0))
    return {"problems": Problem.objects.filter(project=project).count(), **counts}


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing that a new project needs, and whether it has it."""

    title: str
    text: str
    page: str
    done: bool


def next_steps(place: Place, rounds: Sequence[Work]) -> list[NextStep]:
    """What a manager does to get from nothing to a file; empty once all of it has been done."""
    project = place.project
    exports = Export.objects.filter(project=project, status=JobStatus.FINISHED)
    others = project.memberships.filter(status=Membership.Status.ACTIVE).exclude(user=place.membership.user)
    steps = [
        NextStep(
            "Import problems and solutions",
            "JSONL, gzip, zstd or Parquet; eight formats are known.",
            "import-new",
            Solution.objects.filter(project=project).exists(),
        ),
        NextStep(
            "Write the guidelines",
            "What great, okay and bad mean here.",
            "guidelines-edit",
            project.guidelines.exists(),
        ),
        NextStep("Invite people", "A link makes whoever opens it a labeler.", "people", others.exists()),
        NextStep("Open a round", "Choose solutions and how many people rate each.", "round-new", bool(rounds)),
        NextStep("Export the labels", "As a file that a trainer reads.", "export-new", exports.exists()),
    ]
    return [] if all(step.done for step in steps) else steps


def people_of(project: Project) -> list[Membership]:
    """Members with `submitted`, the turns that they handed in and that filled a slot."""
    members = Membership.objects.filter(project=project).select_related("user").order_by("user__name", "pk")
    sums = dict(
        RoundProgress.objects.filter(round__project=project)
        .order_by()
        .values_list("labeler")
        .annotate(count=Sum("submitted"))
    )
    people = sorted(members, key=lambda one: -Role(one.role).rank)
    for member in people:
        member.submitted = sums.get(member.user_id, 0)  # type: ignore[attr-defined]
    return people
