"""A labeler's own submissions in a project, with corrections and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.core.http.ids import parse_id
from apps.dashboard.access import place_for
from apps.dashboard.pagination import page_of
from apps.labeling.activity import submissions_by_day
from apps.labeling.assignments.changes import latest_changes
from apps.labeling.assignments.correct import why_not_correctable
from apps.labeling.assignments.returns import returned_assignments
from apps.labeling.median_time import seconds_per_assignment
from apps.labeling.models import Assignment, AssignmentQuerySet, StepLabel
from apps.labeling.progress import SubmissionCount, midnight, submission_counts
from apps.labeling.queue.reservations import waiting_reservations
from apps.labeling.queue.skipped import skipped_assignments, why_not_free
from apps.quality.gold.accuracy import gold_accuracy
from apps.quality.review.corrections import Correction, RatingChange, corrections_of, rating_changes

SIZE = 25
LONGEST_STRIP = 60


@dataclass(frozen=True, slots=True)
class OwnSubmission:
    """A submission as its labeler sees it. `why_not` says why it can no longer be corrected."""

    assignment: Assignment
    labels: list[StepLabel]
    is_cut: bool
    why_not: str | None
    correction: Correction | None = None
    changes: Sequence[RatingChange] = ()


@dataclass(frozen=True, slots=True)
class SkippedTask:
    """A task that the labeler has skipped. `why_not` says why it cannot be opened again now."""

    assignment: Assignment
    why_not: str | None


@login_required
@require_GET
def work(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "label")
    only_today = request.GET.get("when") == "today"
    own = Assignment.objects.filter(labeler=request.user, round__project=place.project)
    submitted = own.submitted()
    if only_today:
        submitted = submitted.filter(submitted_at__gte=midnight())
    page = page_of(
        submitted.select_related("round", "task__solution__problem", "task__comparison__problem"),
        request.GET,
        size=SIZE,
        newest_first=True,
        at="submitted_at",
    )
    skipped = skipped_assignments(request.user, place.project)
    # Gold counts like any other work: otherwise the count would show which tasks are gold.
    counts = submission_counts(own, "round").values()
    context = place.context(
        "work",
        page=page,
        submissions=_own_submissions(page.rows),
        only_today=only_today,
        assigned=waiting_reservations(request.user, place.project),
        returned=returned_assignments(request.user, place.project),
        skipped=[SkippedTask(assignment, why_not_free(assignment)) for assignment in skipped[:SIZE]],
        corrected=_corrected(own, request.GET.get("corrected", "")),
        days=submissions_by_day(own.submitted(), now=timezone.now()),
        seconds_each=seconds_per_assignment(own),
        submitted=SubmissionCount(sum(count.total for count in counts), sum(count.today for count in counts)),
        gold=gold_accuracy(place.project, request.user) if place.project.shows_scores else None,
    )
    return render(request, "labeling/work.html", context)


def _corrected(own: AssignmentQuerySet, text: str) -> Sequence[str] | None:
    """What the labeler changed last in the own submission that `?corrected=ID` names, in words; None if nothing."""
    pk = parse_id(text)
    assignment = own.submitted().filter(pk=pk, versions__gt=0).first() if pk is not None else None
    changes = latest_changes(assignment) if assignment is not None else ()
    return changes or None


def _own_submissions(assignments: list[Assignment]) -> list[OwnSubmission]:
    """The assignments with the labeler's own labels and what reviewers corrected."""
    labels: dict[int, list[StepLabel]] = {assignment.pk: [] for assignment in assignments}
    rows = StepLabel.objects.filter(assignment__in=assignments).select_related("step")
    for label in rows.order_by("step__position", "step__candidate"):
        labels[label.assignment_id].append(label)
    corrections = corrections_of(assignment.pk for assignment in assignments if assignment.corrected_by_id is not None)
    submissions = []
    for assignment in assignments:
        own, correction = labels[assignment.pk], corrections.get(assignment.pk)
        ratings = {(label.step.position, label.step.candidate): (label.rating, bool(label.unsure)) for label in own}
        submissions.append(
            OwnSubmission(
                assignment,
                own[:LONGEST_STRIP],
                len(own) > LONGEST_STRIP,
                why_not_correctable(assignment),
                correction,
                rating_changes(ratings, correction) if correction is not None else (),
            )
        )
    return submissions
