"""Reviewing turns: a sample by labeler and risk, or all of them; accept, return with a note, correct."""

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
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError
from apps.corpus.models import Step
from apps.dashboard.access import Place, assignment_of, place_for
from apps.dashboard.pagination import Page, page_of
from apps.dashboard.review.forms import CorrectionForm, QueueForm, asked_of, narrowing_of
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.assignments.correct import said_of
from apps.labeling.models import Assignment, StepLabel
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.quality.models import Review
from apps.quality.review.assignments import (
    CORRECTABLE,
    accept,
    correct_assignment,
    return_to_labeler,
    take_correction_back,
)
from apps.quality.review.corrections import corrections_of
from apps.quality.review.impartiality import allows_self_review, barred_from
from apps.quality.review.queues import Narrowing
from apps.quality.review.risk import WORDS, Risk, sample
from apps.quality.review.waiting import risks_of, unreviewed, waiting

SIZE = 30
AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Shown:
    assignment: Assignment
    labeler: str
    labels: list[StepLabel]
    risk: Risk
    review: Review | None = None

    @property
    def reasons(self) -> list[str]:
        return [WORDS[reason] for reason in self.risk.reasons]

    @property
    def can_return(self) -> bool:
        return self.assignment.state == Assignment.State.SUBMITTED and not self.assignment.task.withdrawn


@login_required
@require_GET
def assignments(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    """`?show=all`: by the newest; `?show=reviewed`: who reviewed what; otherwise a sample."""
    place = place_for(request.user, slug, "review")
    form, show = QueueForm(request.GET, place=place), request.GET.get("show", "")
    for name in ("source", "subject"):
        form.fields.pop(name, None)
    filters = asked_of(request.GET)
    asked = narrowing_of(place, filters)
    context: dict[str, Any] = {"form": form, "show": show, "is_filtered": bool(filters)}
    if show == "reviewed":
        context |= _reviewed(place, request, asked)
    elif show == "all":
        context |= _all(place, request, asked)
    else:
        ids = waiting(place.project, round=asked.round, labeler=asked.labeler, reviewer=place.membership.user)
        risks = risks_of(ids)
        chosen = sample(list(risks.values()), SIZE, seed=place.project.slug)
        context |= {"shown": _shown(place, [one.assignment for one in chosen], risks), "weighed": len(ids)}
    return render(request, "review/assignments.html", place.context("review", **context))


def _all(place: Place, request: AuthenticatedRequest, asked: Narrowing) -> dict[str, Any]:
    found = _narrowed(Assignment.objects.submitted().filter(task__solution__isnull=False), place, asked, "")
    if not allows_self_review(place.project.pk):
        found = found.exclude(labeler=place.membership.user)
    page = page_of(unreviewed(found), request.GET, size=SIZE, newest_first=True)
    ids = [assignment.pk for assignment in page.rows]
    return {"shown": _shown(place, ids, risks_of(ids)), "page": page}


def _narrowed(rows: QuerySet[Any], place: Place, asked: Narrowing, prefix: str) -> QuerySet[Any]:
    wanted: dict[str, Any] = {"round__project": place.project, "round__origin": ""}
    wanted |= {"round__number": asked.round} if asked.round is not None else {}
    wanted |= {"labeler": asked.labeler} if asked.labeler is not None else {}
    return rows.filter(**{f"{prefix}{name}": value for name, value in wanted.items()})


def _reviewed(place: Place, request: AuthenticatedRequest, asked: Narrowing) -> dict[str, Any]:
    rows = Review.objects.select_related("reviewer", "assignment__round", "assignment__task__solution__problem")
    page: Page[Review] = page_of(
        _narrowed(rows, place, asked, "assignment__"), request.GET, size=SIZE, newest_first=True
    )
    names = labeler_names(place, {one.assignment.labeler_id for one in page.rows})
    return {"reviews": [(one, names[one.assignment.labeler_id]) for one in page.rows], "page": page}


def _shown(place: Place, ids: Sequence[int], risks: dict[int, Risk]) -> list[Shown]:
    """In the order of the ids."""
    rows = Assignment.objects.filter(pk__in=ids).select_related("round", "task__solution__problem")
    found = {assignment.pk: assignment for assignment in rows}
    labels: dict[int, list[StepLabel]] = {pk: [] for pk in ids}
    for label in StepLabel.objects.filter(assignment__in=ids).order_by("step__position", "step__candidate"):
        labels[label.assignment_id].append(label)
    reviews = {one.assignment_id: one for one in Review.objects.filter(assignment__in=ids).order_by("at")}
    names = labeler_names(place, {assignment.labeler_id for assignment in found.values()})
    return [
        Shown(found[pk], names[found[pk].labeler_id], labels[pk], risks[pk], reviews.get(pk))
        for pk in ids
        if pk in found
    ]


# --- one turn ---------------------------------------------------------------------------------------------


@login_required
@require_GET
def assignment(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    return _page(request, place, assignment_of(place, pk))


def _page(
    request: AuthenticatedRequest, place: Place, found: Assignment, form: CorrectionForm | None = None
) -> HttpResponse:
    (shown,) = _shown(place, [found.pk], risks_of([found.pk]))
    steps, correction = _asked(found), corrections_of([found.pk]).get(found.pk)
    form = form or CorrectionForm(
        steps=steps, initial=_initial(correction.submission if correction else said_of(found))
    )
    barred = _barred(place, found)
    own = _initial(said_of(found))
    rows = [(field, text, own.get(field.name, "")) for field, text in form.rows([text for _, _, text in steps])]
    reviews = Review.objects.filter(assignment=found).select_related("reviewer")
    context = place.context(
        "review",
        one=shown,
        form=form,
        rows=rows,
        reviews=reviews,
        correction=correction,
        barred=barred,
        problem=found.task.solution.problem if found.task.solution else None,
        can_correct=_can_correct(found) and not barred,
        is_submitted=found.is_submitted,
    )
    return render(request, "review/assignment.html", context, status=422 if form.errors else 200)


def _barred(place: Place, found: Assignment) -> str:
    """Why the reviewer may not judge this assignment: `own` work, or a `side` in what is said of the solution."""
    user, solution_id = place.membership.user, found.task.solution_id
    if found.labeler_id == user.pk:
        return "" if allows_self_review(place.project.pk) else "own"
    return "side" if solution_id is not None and barred_from(user, place.project, [solution_id]) else ""


def _can_correct(found: Assignment) -> bool:
    return found.is_submitted and found.round.protocol in CORRECTABLE


def _asked(found: Assignment) -> list[tuple[int, int, str]]:
    steps = Step.objects.filter(solution=found.task.solution_id, chosen=True).order_by("position")
    return list(steps.values_list("position", "candidate", "text"))


def _initial(said: Submission) -> dict[str, Any]:
    ratings = {
        f"step:{one.position}:{one.candidate}": "unsure"
        if one.unsure
        else ("" if one.rating is None else str(one.rating))
        for one in said.steps
    }
    return ratings | {"finish_reason": said.finish_reason}


@login_required
@require_POST
def accept_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    count = accept(assignments=[assignment_of(place, pk)], reviewer=request.user)
    messages.success(request, "Accepted." if count else "It was accepted already, or is not handed in.")
    return redirect("turns", slug)


@login_required
@require_POST
def accept_some(request: AuthenticatedRequest, slug: str) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    ids = request.POST.getlist("turn")
    if not ids:
        raise DomainError("Choose turns first.", fields={"turn": "none"})
    if len(ids) > AT_ONCE or not all(one.isdecimal() and len(one) < 18 for one in ids):
        raise DomainError(f"Choose up to {AT_ONCE} turns.", fields={"turn": "too many, or no turns"})
    rows = Assignment.objects.filter(round__project=place.project, round__origin="", pk__in=[int(one) for one in ids])
    count = accept(assignments=list(rows.select_related("round__project").order_by("pk")), reviewer=request.user)
    messages.success(request, f"{count} accepted.")
    return redirect(f"{reverse('turns', args=[slug])}?{request.GET.urlencode()}")


@login_required
@require_POST
def return_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    note = request.POST.get("note", "")[:2000]
    return_to_labeler(assignment=assignment_of(place, pk), reviewer=request.user, note=note)
    messages.success(request, "Returned: the labeler gets it before any new task, with your note.")
    return redirect("turns", slug)


@login_required
@require_http_methods(["POST"])
def correct_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    found = assignment_of(place, pk)
    if not _can_correct(found):
        raise DomainError("Only ratings of steps that are handed in can be corrected here.", code="not_correctable")
    form = CorrectionForm(request.POST, steps=_asked(found))
    done = form.run(
        lambda data: correct_assignment(
            assignment=found, submission=_submission(found, form), reviewer=request.user, note=data["note"]
        )
    )
    if done is None:
        return _page(request, place, found, form)
    messages.success(request, "Corrected, under your name. The labeler's own ratings stay theirs.")
    return redirect("turn", slug, pk)


@login_required
@require_POST
def take_back_one(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "review")
    is_done = take_correction_back(assignment=assignment_of(place, pk), reviewer=request.user)
    done = "The correction is taken back: the labeler's own ratings count again."
    messages.success(request, done if is_done else "There is no correction to take back.")
    return redirect("turn", slug, pk)


def _submission(found: Assignment, form: CorrectionForm) -> Submission:
    """As the labeler would hand it in: what else the turn says stays as it was."""
    before = said_of(found)
    said = {(one.position, one.candidate): one for one in before.steps}
    others = [one for place, one in said.items() if place not in form.places]
    steps = [*others]
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
