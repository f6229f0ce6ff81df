"""One's own work in a project: what one said, and how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import place_for
from apps.dashboard.home.queries import submissions_by_day
from apps.dashboard.pagination import page_of
from apps.labeling.assignments.correct import why_not_correctable
from apps.labeling.assignments.returns import returned_to
from apps.labeling.assignments.timing import seconds_per_assignment
from apps.labeling.models import Assignment, StepLabel
from apps.labeling.progress import HandedIn, handed_in_by, midnight
from apps.quality.gold.accuracy import gold_accuracy
from apps.quality.review.corrections import Correction, RatingChange, corrections_of, rating_changes

SIZE = 25
LONGEST_STRIP = 60


@dataclass(frozen=True, slots=True)
class Done:
    """A turn as its labeler sees it again."""

    assignment: Assignment
    labels: list[StepLabel]
    is_cut: bool
    why_not: str | None
    correction: Correction | None = None
    changes: Sequence[RatingChange] = ()


@login_required
@require_GET
def work(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "label")
    only_today = request.GET.get("when") == "today"
    mine = Assignment.objects.filter(labeler=request.user, round__project=place.project)
    submitted = mine.submitted()
    if only_today:
        submitted = submitted.filter(submitted_at__gte=midnight())
    page = page_of(
        submitted.select_related("round", "task__solution__problem"),
        request.GET,
        size=SIZE,
        newest_first=True,
        at="submitted_at",
    )
    context = place.context(
        "work",
        page=page,
        done=_done(page.rows),
        only_today=only_today,
        returned=returned_to(request.user, place.project),
        put_off=mine.filter(state=Assignment.State.SKIPPED, task__withdrawn="").select_related("round")[:SIZE],
        days=submissions_by_day(mine.submitted(), now=timezone.now()),
        seconds_each=seconds_per_assignment(mine),
        handed_in=_handed_in(mine),
        gold=gold_accuracy(place.project, request.user) if place.project.shows_scores else None,
    )
    return render(request, "labeling/work.html", context)


def _handed_in(assignments: QuerySet[Assignment]) -> HandedIn:
    """Gold counts as all else: a number that stood still would tell which tasks were gold."""
    rounds = handed_in_by(assignments, "round").values()
    return HandedIn(sum(one.total for one in rounds), sum(one.today for one in rounds))


def _done(assignments: list[Assignment]) -> list[Done]:
    """With their own labels, and what reviewers corrected."""
    labels: dict[int, list[StepLabel]] = {assignment.pk: [] for assignment in assignments}
    rows = StepLabel.objects.filter(assignment__in=assignments).select_related("step")
    for label in rows.order_by("step__position", "step__candidate"):
        labels[label.assignment_id].append(label)
    corrections = corrections_of(assignment.pk for assignment in assignments if assignment.corrected_by_id is not None)
    return [_done_one(assignment, labels[assignment.pk], corrections.get(assignment.pk)) for assignment in assignments]


def _done_one(assignment: Assignment, labels: list[StepLabel], correction: Correction | None) -> Done:
    own = {(one.step.position, one.step.candidate): (one.rating, bool(one.unsure)) for one in labels}
    return Done(
        assignment,
        labels[:LONGEST_STRIP],
        len(labels) > LONGEST_STRIP,
        why_not_correctable(assignment),
        correction,
        rating_changes(own, correction) if correction is not None else (),
    )
