"""Review submitted assignments, a risk-weighted sample or all: accept, return with a note, or correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.dashboard.access import Place, assignment_of, place_for
from apps.dashboard.labeling.views import page_context
from apps.dashboard.pagination import Page, page_of
from apps.dashboard.review.forms import QueueForm, filters_in, narrowing_of, selected_ids
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.models import Assignment, StepLabel
from apps.projects.models import Membership
from apps.quality.models import Review
from apps.quality.review.assignments import accept
from apps.quality.review.backlog import SAMPLE_SIZE, why_none
from apps.quality.review.impartiality import allows_self_review
from apps.quality.review.queues import QueueFilters
from apps.quality.review.risk import REASON_TEXTS, Risk, sample
from apps.quality.review.unreviewed import newest_unreviewed, risks_of, unreviewed

SIZE = 30


@dataclass(frozen=True, slots=True)
class ReviewedAssignment:
    """An assignment as a reviewer sees it, with its labels and the risk that something is wrong."""

    assignment: Assignment
    labeler: str
    labels: list[StepLabel]
    risk: Risk

    @property
    def reasons(self) -> list[str]:
        return [REASON_TEXTS[reason] for reason in self.risk.reasons]


@login_required
@require_GET
def assignments(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """A sample; with `?show=all` all unreviewed submissions, and with `?show=reviewed` the reviews, newest first."""
    place = place_for(request.user, slug, "review")
    form, show = QueueForm(request.GET, place=place), request.GET.get("show", "")
    for name in ("source", "subject"):
        form.fields.pop(name, None)
    filters = filters_in(request.GET)
    narrowing = narrowing_of(place, filters)
    context: dict[str, Any] = {
        "form": form,
        "show": show,
        "is_filtered": bool(filters),
        "queue_query": f"?{urlencode(filters)}" if filters else "",
    }
    if show == "reviewed":
        rows = Review.objects.select_related("reviewer", "assignment__round", *_subjects("assignment__"))
        rows = _narrowed(rows, place, narrowing, "assignment__")
        reviews: Page[Review] = page_of(rows, request.GET, size=SIZE, newest_first=True)
        names = labeler_names(place, {review.assignment.labeler_id for review in reviews.rows})
        context["reviews"] = [(review, names[review.assignment.labeler_id]) for review in reviews.rows]
        context["page"] = reviews
    elif show == "all":
        submitted = _narrowed(Assignment.objects.submitted(), place, narrowing)
        if not allows_self_review(place.project.pk):
            submitted = submitted.exclude(labeler=request.user)
        page = page_of(unreviewed(submitted), request.GET, size=SIZE, newest_first=True)
        ids = [assignment.pk for assignment in page.rows]
        context |= {"assignments": _reviewed_assignments(place, ids, risks_of(ids)), "page": page}
    else:
        ids = newest_unreviewed(
            place.project, round_number=narrowing.round, labeler=narrowing.labeler, reviewer=request.user
        )
        risks = risks_of(ids)
        sampled = [risk.assignment for risk in sample(list(risks.values()), SAMPLE_SIZE, seed=place.project.slug)]
        context |= {"assignments": _reviewed_assignments(place, sampled, risks), "waiting": len(ids)}
    if show != "reviewed" and not context["assignments"]:
        context["why_none"] = why_none(request.user, place.project, is_narrowed=bool(filters))
    return render(request, "review/assignments.html", place.context("assignments", **context))


def _subjects(prefix: str = "") -> tuple[str, str]:
    """The paths to the problem of an assignment's solution or comparison."""
    return f"{prefix}task__solution__problem", f"{prefix}task__comparison__problem"


def _narrowed(rows: QuerySet[Any], place: Place, narrowing: QueueFilters, prefix: str = "") -> QuerySet[Any]:
    """Rows about assignments of the project's own rounds, filtered by round and labeler."""
    terms: dict[str, Any] = {"round__project": place.project, "round__origin": ""}
    terms |= {"round__number": narrowing.round} if narrowing.round is not None else {}
    terms |= {"labeler": narrowing.labeler} if narrowing.labeler is not None else {}
    return rows.filter(**{f"{prefix}{name}": value for name, value in terms.items()})


def _reviewed_assignments(place: Place, ids: Sequence[int], risks: dict[int, Risk]) -> list[ReviewedAssignment]:
    """In the order of the IDs."""
    rows = Assignment.objects.filter(pk__in=ids).select_related("round", *_subjects())
    assignments = {assignment.pk: assignment for assignment in rows}
    labels: dict[int, list[StepLabel]] = {pk: [] for pk in ids}
    for label in StepLabel.objects.filter(assignment__in=ids).order_by("step__position", "step__candidate"):
        labels[label.assignment_id].append(label)
    names = labeler_names(place, {assignment.labeler_id for assignment in assignments.values()})
    return [
        ReviewedAssignment(assignments[pk], names[assignments[pk].labeler_id], labels[pk], risks[pk])
        for pk in ids
        if pk in assignments
    ]


# --- one assignment ---------------------------------------------------------------------------------------


@login_required
@require_GET
def assignment(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    """The labeling page with one submission; its JavaScript goes on through the queue by the same filters."""
    place = place_for(request.user, slug, "review")
    reviewed = assignment_of(place, pk)
    filters = filters_in(request.GET)
    context = page_context(reviewed.round, request.user, reviewed.guideline) | {
        "review": {"list": _address("assignments", slug, filters), "solutions": reverse("solutions", args=[slug])}
    }
    context["bootstrap"]["review"] = {
        "assignment": reviewed.pk,
        "base": reverse("assignments", args=[slug]),
        "filters": _api_filters(place, filters),
    }
    return render(request, "review/assignment.html", context)


def _address(name: str, slug: str, filters: dict[str, str]) -> str:
    query = urlencode(filters)
    return reverse(name, args=[slug]) + (f"?{query}" if query else "")


def _api_filters(place: Place, filters: dict[str, str]) -> dict[str, str]:
    """The filters of round and labeler as the API takes them, which names labelers by pseudonym."""
    asked = {"round": filters["round"]} if "round" in filters else {}
    if "labeler" in filters:
        members = Membership.objects.filter(project=place.project, pk=int(filters["labeler"]))
        asked["labeler"] = members.values_list("pseudonym", flat=True).first() or "nobody"
    return asked


@login_required
@require_POST
def accept_selected(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    ids = selected_ids(request.POST, "assignment")
    rows = Assignment.objects.filter(round__project=place.project, round__origin="", pk__in=ids)
    count = accept(assignments=list(rows.select_related("round__project").order_by("pk")), reviewer=request.user)
    messages.success(request, f"{count} accepted.")
    return redirect(f"{reverse('assignments', args=[slug])}?{request.GET.urlencode()}")
