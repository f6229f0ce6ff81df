"""One problem: what people report of it, and mending, retiring or bringing it back."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.accounts.models import AuditEvent
from apps.corpus.models import Problem, SolutionGrade
from apps.corpus.problem_edits import edit_problem
from apps.corpus.tasks import grade_problem
from apps.dashboard.access import Place, place_for, problem_of
from apps.dashboard.problems.forms import EditProblemForm, RetireForm
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.problems import bring_back, consequences_of, retire_problem
from apps.quality.review.reports import report_of, reports_of

SHOWN = 50
_VERBS = {
    "problem.mended": "changed it",
    "problem.graded": "its solutions were graded again",
    "problem.retired": "retired it",
    "problem.brought_back": "brought it back",
}


@login_required
@require_GET
def problem(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    return _page(request, place, problem_of(place, pk))


def _page(
    request: AuthenticatedRequest,
    place: Place,
    found: Problem,
    mend: EditProblemForm | None = None,
    retire: RetireForm | None = None,
) -> HttpResponse:
    initial = {"statement": found.statement, "reference_answer": found.reference_answer or ""}
    reports = list(reports_of(found)[:SHOWN])
    names = labeler_names(place, {assignment.labeler_id for assignment in reports})
    events = AuditEvent.objects.filter(project=place.project.slug, target=str(found.pk), verb__in=_VERBS)
    context = place.context(
        "solutions",
        problem=found,
        follows=consequences_of(found),
        reports=[(names[assignment.labeler_id], assignment, report_of(assignment)) for assignment in reports],
        solutions=found.solutions.order_by("pk")[:SHOWN],
        ungraded=found.solutions.filter(grade=SolutionGrade.UNGRADED).count() if found.reference_answer else 0,
        history=[(event, _VERBS[event.verb]) for event in events.select_related("actor")[:SHOWN]],
        mend=mend or EditProblemForm(initial=initial),
        retire=retire or RetireForm(),
    )
    wrong = any(form is not None and form.errors for form in (mend, retire))
    return render(request, "problems/problem.html", context, status=422 if wrong else 200)


@login_required
@require_POST
def mend(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "edit_problems")
    found, form = problem_of(place, pk), EditProblemForm(request.POST)
    with transaction.atomic():
        mended = form.run(lambda data: edit_problem(problem=found, actor=request.user, **data))
        if mended is None:
            return _page(request, place, found, mend=form)
        transaction.on_commit(partial(grade_problem.delay, mended.pk))
    messages.success(request, "Saved. Where the answer changed, a worker grades the solutions again.")
    return redirect("problem", slug, pk)


@login_required
@require_POST
def retire(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "edit_problems")
    found, form = problem_of(place, pk), RetireForm(request.POST)
    if form.run(lambda data: retire_problem(problem=found, actor=request.user, **data)) is None:
        return _page(request, place, found, retire=form)
    messages.success(request, "The problem is retired: nobody is asked about it any more.")
    return redirect("problem", slug, pk)


@login_required
@require_POST
def back(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "edit_problems")
    bring_back(problem=problem_of(place, pk), actor=request.user)
    messages.success(request, "The problem is at work again.")
    return redirect("problem", slug, pk)
