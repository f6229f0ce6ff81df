"""One problem: its reports, and forms to edit it, retire it or bring it back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.http import AuthenticatedRequest
from apps.corpus.models import Problem, SolutionGrade
from apps.corpus.problem_edits import edit_problem
from apps.dashboard.access import Place, place_for, problem_of
from apps.dashboard.problems.forms import EditProblemForm, RetireForm
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.problems import bring_back as bring_problem_back
from apps.labeling.problems import consequences_of, retire_problem
from apps.projects.audit import events_of
from apps.quality.review.reports import report_of, reports_of

SHOWN = 50
EVENT_TITLES = {
    "problem.edited": "edited the problem",
    "problem.graded": "solutions graded again",
    "problem.retired": "retired the problem",
    "problem.brought_back": "brought the problem back",
}


@login_required
@require_GET
def problem(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "browse")
    return _page(request, place, problem_of(place, pk))


def _page(
    request: AuthenticatedRequest,
    place: Place,
    problem: Problem,
    edit_form: EditProblemForm | None = None,
    retire_form: RetireForm | None = None,
) -> HttpResponse:
    initial = {"statement": problem.statement, "reference_answer": problem.reference_answer or ""}
    reports = list(reports_of(problem)[:SHOWN])
    names = labeler_names(place, {assignment.labeler_id for assignment in reports})
    events = events_of(place.project).filter(target=str(problem.pk), verb__in=EVENT_TITLES)
    context = place.context(
        "solutions",
        problem=problem,
        consequences=consequences_of(problem),
        reports=[(names[assignment.labeler_id], assignment, report_of(assignment)) for assignment in reports],
        solutions=problem.solutions.order_by("pk")[:SHOWN],
        ungraded=problem.solutions.filter(grade=SolutionGrade.UNGRADED).count() if problem.reference_answer else 0,
        history=[(event, EVENT_TITLES[event.verb]) for event in events.select_related("actor")[:SHOWN]],
        edit_form=edit_form or EditProblemForm(initial=initial),
        retire_form=retire_form or RetireForm(),
    )
    has_errors = any(form is not None and form.errors for form in (edit_form, retire_form))
    return render(request, "problems/problem.html", context, status=422 if has_errors else 200)


@login_required
@require_POST
def edit(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "edit_problems")
    problem, form = problem_of(place, pk), EditProblemForm(request.POST)
    if form.run(lambda data: edit_problem(problem=problem, actor=request.user, **data)) is None:
        return _page(request, place, problem, edit_form=form)
    messages.success(request, "Problem saved. If the answer changed, a worker grades the solutions again.")
    return redirect("problem", slug, pk)


@login_required
@require_POST
def retire(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "edit_problems")
    problem, form = problem_of(place, pk), RetireForm(request.POST)
    if form.run(lambda data: retire_problem(problem=problem, actor=request.user, **data)) is None:
        return _page(request, place, problem, retire_form=form)
    messages.success(request, "Problem retired. Its tasks are no longer served.")
    return redirect("problem", slug, pk)


@login_required
@require_POST
def bring_back(request: AuthenticatedRequest, slug: str, pk: int) -> HttpResponse:
    place = place_for(request.user, slug, "edit_problems")
    bring_problem_back(problem=problem_of(place, pk), actor=request.user)
    messages.success(request, "Problem brought back. Its tasks are served again.")
    return redirect("problem", slug, pk)
