"""Review submitted assignments, a risk-weighted sample or all: accept, return with a note, or correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.corpus.models import Step
from apps.dashboard.access import Place, assignment_of, place_for
from apps.dashboard.pagination import Page, page_of
from apps.dashboard.review.forms import CorrectionForm, QueueForm, filters_in, narrowing_of, selected_ids
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.assignments.replies import return_notes_of
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.models import Assignment, StepLabel
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.quality.models import Review
from apps.quality.review.assignments import (
    CORRECTABLE,
    accept,
    correct_assignment,
    return_to_labeler,
)
from apps.quality.review.assignments import (
    withdraw_correction as withdraw_correction_of,
)
from apps.quality.review.corrections import corrections_of
from apps.quality.review.impartiality import allows_self_review, barred_from
from apps.quality.review.queues import QueueFilters
from apps.quality.review.risk import REASON_TEXTS, Risk, sample
from apps.quality.review.unreviewed import newest_unreviewed, risks_of, unreviewed

SIZE = 30
LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class ReviewedAssignment:
    """An assignment as a reviewer sees it, with its labels and the risk that something is wrong."""

    assignment: Assignment
    labeler: str
    labels: list[StepLabel]
    risk: Risk
    review: Review | None = None

    @property
    def reasons(self) -> list[str]:
        return [REASON_TEXTS[reason] for reason in self.risk.reasons]

    @property
    def can_return(self) -> bool:
        return self.assignment.state == Assignment.State.SUBMITTED and not self.assignment.task.withdrawn


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
    context: dict[str, Any] = {"form": form, "show": show, "is_filtered": bool(filters)}
    if show == "reviewed":
        rows = Review.objects.select_related("reviewer", "assignment__round", "assignment__task__solution__problem")
        rows = _narrowed(rows, place, narrowing, "assignment__")
        reviews: Page[Review] = page_of(rows, request.GET, size=SIZE, newest_first=True)
        names = labeler_names(place, {review.assignment.labeler_id for review in reviews.rows})
        context["reviews"] = [(review, names[review.assignment.labeler_id]) for review in reviews.rows]
        context["page"] = reviews
    elif show == "all":
        submitted = _narrowed(Assignment.objects.submitted().filter(task__solution__isnull=False), place, narrowing)
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
        sampled = [risk.assignment for risk in sample(list(risks.values()), SIZE, seed=place.project.slug)]
        context |= {"assignments": _reviewed_assignments(place, sampled, risks), "waiting": len(ids)}
    return render(request, "review/assignments.html", place.context("assignments", **context))


def _narrowed(rows: QuerySet[Any], place: Place, narrowing: QueueFilters, prefix: str = "") -> QuerySet[Any]:
    """Rows about assignments of the project's own rounds, filtered by round and labeler."""
    terms: dict[str, Any] = {"round__project": place.project, "round__origin": ""}
    terms |= {"round__number": narrowing.round} if narrowing.round is not None else {}
    terms |= {"labeler": narrowing.labeler} if narrowing.labeler is not None else {}
    return rows.filter(**{f"{prefix}{name}": value for name, value in terms.items()})


def _reviewed_assignments(place: Place, ids: Sequence[int], risks: dict[int, Risk]) -> list[ReviewedAssignment]:
    """In the order of the IDs."""
    rows = Assignment.objects.filter(pk__in=ids).select_related("round", "task__solution__problem")
    assignments = {assignment.pk: assignment for assignment in rows}
    labels: dict[int, list[StepLabel]] = {pk: [] for pk in ids}
    for label in StepLabel.objects.filter(assignment__in=ids).order_by("step__position", "step__candidate"):
        labels[label.assignment_id].append(label)
    reviews = {review.assignment_id: review for review in Review.objects.filter(assignment__in=ids).order_by("at")}
    names = labeler_names(place, {assignment.labeler_id for assignment in assignments.values()})
    return [
        ReviewedAssignment(assignments[pk], names[assignments[pk].labeler_id], labels[pk], risks[pk], reviews.get(pk))
        for pk in ids
        if pk in assignments
    ]


# --- one assignment ---------------------------------------------------------------------------------------


@login_required
@require_GET
def assignment(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    return _page(request, place, assignment_of(place, pk))


def _page(
    request: AuthenticatedRequest, place: Place, assignment: Assignment, form: CorrectionForm | None = None
) -> HttpResponse:
    (reviewed,) = _reviewed_assignments(place, [assignment.pk], risks_of([assignment.pk]))
    steps, correction = _shown_steps(assignment), corrections_of([assignment.pk]).get(assignment.pk)
    submission = current_submission(assignment)
    own, comments = _initial(submission), {_field_name(step): step.comment for step in submission.steps}
    form = form or CorrectionForm(steps=steps, initial=_initial(correction.submission) if correction else own)
    barred = _why_barred(place, assignment)
    rows = [
        (field, text, own.get(field.name, ""), comments.get(field.name, ""))
        for field, text in form.rows([text for _, _, text in steps])
    ]
    context = place.context(
        "assignments",
        reviewed=reviewed,
        form=form,
        rows=rows,
        return_notes=return_notes_of(assignment, assignment.past_submissions.all()),
        reviews=Review.objects.filter(assignment=assignment).select_related("reviewer"),
        correction=correction,
        barred=barred,
        problem=assignment.task.solution.problem if assignment.task.solution else None,
        can_correct=_can_correct(assignment) and not barred,
        is_submitted=assignment.is_submitted,
    )
    return render(request, "review/assignment.html", context, status=422 if form.errors else 200)


def _why_barred(place: Place, assignment: Assignment) -> str:
    """Why the reviewer may not judge this assignment: `own` work, or `labeled` the same solution; else empty."""
    user, solution_id = place.membership.user, assignment.task.solution_id
    if assignment.labeler_id == user.pk:
        return "" if allows_self_review(place.project.pk) else "own"
    return "labeled" if solution_id is not None and barred_from(user, place.project, [solution_id]) else ""


def _can_correct(assignment: Assignment) -> bool:
    return assignment.is_submitted and assignment.round.protocol in CORRECTABLE


def _shown_steps(assignment: Assignment) -> list[tuple[int, int, str]]:
    steps = Step.objects.filter(solution=assignment.task.solution_id, chosen=True).order_by("position")
    return list(steps.values_list("position", "candidate", "text"))


def _initial(submission: Submission) -> dict[str, Any]:
    """The submission as values of a CorrectionForm."""
    values: dict[str, Any] = {"finish_reason": submission.finish_reason}
    for step in submission.steps:
        rating = "" if step.rating is None else str(step.rating)
        values[_field_name(step)] = "unsure" if step.unsure else rating
    return values


def _field_name(step: SubmittedStep) -> str:
    """The name of the step's field in a CorrectionForm."""
    return f"step:{step.position}:{step.candidate}"


@login_required
@require_POST
def accept_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    count = accept(assignments=[assignment_of(place, pk)], reviewer=request.user)
    messages.success(request, "Submission accepted." if count else "Already accepted, or not submitted.")
    return redirect("assignments", slug)


@login_required
@require_POST
def accept_selected(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    ids = selected_ids(request.POST, "assignment")
    rows = Assignment.objects.filter(round__project=place.project, round__origin="", pk__in=ids)
    count = accept(assignments=list(rows.select_related("round__project").order_by("pk")), reviewer=request.user)
    messages.success(request, f"{count} accepted.")
    return redirect(f"{reverse('assignments', args=[slug])}?{request.GET.urlencode()}")


@login_required
@require_POST
def return_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    note = request.POST.get("note", "")[:LONGEST_NOTE]
    return_to_labeler(assignment=assignment_of(place, pk), reviewer=request.user, note=note)
    messages.success(request, "Submission returned. The labeler gets it before any new task, with your note.")
    return redirect("assignments", slug)


@login_required
@require_POST
def correct_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    assignment = assignment_of(place, pk)
    if not _can_correct(assignment):
        raise DomainError("Only submitted ratings of steps can be corrected here.", code="not_correctable")
    form = CorrectionForm(request.POST, steps=_shown_steps(assignment))
    corrected = form.run(
        lambda data: correct_assignment(
            assignment=assignment,
            submission=_corrected_submission(assignment, form),
            reviewer=request.user,
            note=data["note"],
        )
    )
    if corrected is None:
        return _page(request, place, assignment, form)
    messages.success(request, "Correction saved under your name. The labeler's own ratings are kept.")
    return redirect("assignment", slug, pk)


def _corrected_submission(assignment: Assignment, form: CorrectionForm) -> Submission:
    """The labeler's submission with the form's ratings; everything else stays as it was."""
    before = current_submission(assignment)
    steps = [step for step in before.steps if (step.position, step.candidate) not in form.places]
    for position, candidate in form.places:
        value = form.cleaned_data[f"step:{position}:{candidate}"]
        if value:
            rating = None if value == "unsure" else int(value)
            steps.append(SubmittedStep(position=position, candidate=candidate, rating=rating, unsure=value == "unsure"))
    return Submission(
        steps=steps,
        finish_reason=form.cleaned_data["finish_reason"],
        reason=before.reason,
        progress=before.progress,
        critiques=before.critiques,
    )


@login_required
@require_POST
def withdraw_correction(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    is_withdrawn = withdraw_correction_of(assignment=assignment_of(place, pk), reviewer=request.user)
    message = "Correction withdrawn. The labeler's own ratings count again."
    messages.success(request, message if is_withdrawn else "There is no correction to withdraw.")
    return redirect("assignment", slug, pk)
