"""The way from a URL to an object: through the project that the user may see."""

from __future__ import annotations

from typing import cast

from django.db.models import F
from django.http import Http404
from rest_framework.request import Request

from apps.accounts.models import User
from apps.core.db.prepared import Prepared
from apps.corpus.models import ImportBatch, Problem, Solution, Step
from apps.estimation.models import EstimationRun, SamplingRun
from apps.exports.models import Export
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.permissions import allow, can, project_for

_ROUND = Prepared(
    lambda slug, number, user: (
        Round.objects.filter(project__memberships__user_id=user, project__slug=slug, number=number)
        .select_related("project")
        .annotate(member_role=F("project__memberships__role"), member_status=F("project__memberships__status"))
        .order_by()
    ),
    "slug",
    "number",
    "user",
)
_ASSIGNMENT = Prepared(
    lambda pk, user: (
        Assignment.objects.filter(pk=pk, labeler_id=user, round__project__memberships__user_id=user)
        .select_related("task", "round__project")
        .annotate(
            member_role=F("round__project__memberships__role"), member_status=F("round__project__memberships__status")
        )
    ),
    "pk",
    "user",
)


def user_of(request: Request) -> User:
    return cast("User", request.user)


def project_of(request: Request, slug: str, action: str) -> Project:
    return project_for(user_of(request), slug, action)


def round_of(request: Request, slug: str, number: int, action: str) -> Round:
    """The round, by one look at it and at the user's membership. A draft is there for who manages rounds alone."""
    user = user_of(request)
    found = _ROUND.first(slug=slug, number=number, user=user.pk)
    if found is None:
        # Either is missing: the project's door says which of the errors it is.
        project_of(request, slug, action)
        raise Http404("No such round.")
    membership = allow(_membership(found, found.project, user), action)
    if found.status == Round.Status.DRAFT and not can(membership, "manage_rounds"):
        raise Http404("No such round.")
    return found


def assignment_of(request: Request, pk: int) -> Assignment:
    """One's own only: other people's turns are nobody's business here."""
    user = user_of(request)
    found = _ASSIGNMENT.first(pk=pk, user=user.pk) if pk < 2**63 else None
    if found is None:
        raise Http404("No such assignment.")
    allow(_membership(found, found.round.project, user), "label")
    found.labeler = user
    return found


def problem_of(request: Request, pk: int, action: str) -> Problem:
    found = Problem.objects.filter(pk=pk).select_related("project").first()
    if found is None:
        raise Http404("No such problem.")
    project_for(user_of(request), found.project.slug, action)
    return found


def solution_of(request: Request, pk: int, action: str) -> Solution:
    found = Solution.objects.filter(pk=pk).select_related("project", "problem").first()
    if found is None:
        raise Http404("No such solution.")
    project_for(user_of(request), found.project.slug, action)
    return found


def _membership(found: Round | Assignment, project: Project, user: User) -> Membership:
    """From what came with the row."""
    return Membership(project=project, user=user, role=found.member_role, status=found.member_status)  # type: ignore[union-attr]


def step_of(request: Request, pk: int, action: str) -> Step:
    found = Step.objects.filter(pk=pk).select_related("solution__project").first()
    if found is None:
        raise Http404("No such step.")
    project_for(user_of(request), found.solution.project.slug, action)
    return found


def reviewed_of(request: Request, pk: int) -> Assignment:
    """Anybody's turn, for who reviews the project. What came with a file is nobody's to review."""
    assignments = Assignment.objects.filter(round__origin="").select_related("task", "round__project", "labeler")
    found = assignments.filter(pk=pk).first()
    if found is None:
        raise Http404("No such turn.")
    project_for(user_of(request), found.round.project.slug, "review")
    return found


def import_of(request: Request, pk: int) -> ImportBatch:
    found = ImportBatch.objects.filter(pk=pk).select_related("project").first()
    if found is None:
        raise Http404("No such import.")
    project_for(user_of(request), found.project.slug, "import")
    return found


def sampling_of(request: Request, pk: int, action: str) -> SamplingRun:
    found = SamplingRun.objects.filter(pk=pk).select_related("project", "endpoint").first()
    if found is None:
        raise Http404("No such run.")
    project_for(user_of(request), found.project.slug, action)
    return found


def run_of(request: Request, pk: int, action: str) -> EstimationRun:
    found = EstimationRun.objects.filter(pk=pk).select_related("project").first()
    if found is None:
        raise Http404("No such run.")
    project_for(user_of(request), found.project.slug, action)
    return found


def export_of(request: Request, pk: int) -> Export:
    found = Export.objects.filter(pk=pk).select_related("project").first()
    if found is None:
        raise Http404("No such export.")
    project_for(user_of(request), found.project.slug, "export")
    return found
