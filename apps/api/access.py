"""The way from a URL to an object: through the project that the user may see."""

from __future__ import annotations

from typing import cast

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from apps.accounts.models import User
from apps.corpus.models import ImportBatch, Solution, Step
from apps.estimation.models import EstimationRun, SamplingRun
from apps.exports.models import Export
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project
from apps.projects.policies import membership_for, project_for


def user_of(request: Request) -> User:
    return cast("User", request.user)


def project_of(request: Request, slug: str, action: str) -> Project:
    return project_for(user_of(request), slug, action)


def round_of(request: Request, slug: str, number: int, action: str) -> Round:
    project = project_of(request, slug, action)
    found = get_object_or_404(Round, project=project, number=number)
    found.project = project
    return found


def assignment_of(request: Request, pk: int) -> Assignment:
    """One's own only: other people's turns are nobody's business here."""
    mine = Assignment.objects.filter(labeler=user_of(request)).select_related("task", "round")
    found = get_object_or_404(mine, pk=pk)
    found.round.project = membership_for(user_of(request), "label", project=found.round.project_id).project
    found.labeler = user_of(request)
    return found


def solution_of(request: Request, pk: int, action: str) -> Solution:
    found = Solution.objects.filter(pk=pk).select_related("project", "problem").first()
    if found is None:
        raise Http404("No such solution.")
    project_for(user_of(request), found.project.slug, action)
    return found


def step_of(request: Request, pk: int, action: str) -> Step:
    found = Step.objects.filter(pk=pk).select_related("solution__project").first()
    if found is None:
        raise Http404("No such step.")
    project_for(user_of(request), found.solution.project.slug, action)
    return found


def reviewed_of(request: Request, pk: int) -> Assignment:
    """Anybody's turn, for who reviews the project. What came with a file is nobody's to review."""
    turns = Assignment.objects.filter(round__origin="").select_related("task", "round__project", "labeler")
    found = turns.filter(pk=pk).first()
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
