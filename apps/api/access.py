"""The way from a URL to an object: through the project that the user may see."""

from __future__ import annotations

from typing import cast

from django.http import Http404
from rest_framework.request import Request

from apps.accounts.models import User
from apps.corpus.models import ImportBatch
from apps.exports.models import Export
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project
from apps.projects.policies import project_for


def user_of(request: Request) -> User:
    return cast("User", request.user)


def project_of(request: Request, slug: str, action: str) -> Project:
    return project_for(user_of(request), slug, action)


def round_of(request: Request, slug: str, number: int, action: str) -> Round:
    project = project_of(request, slug, action)
    found = Round.objects.filter(project=project, number=number).select_related("project").first()
    if found is None:
        raise Http404("No such round.")
    return found


def assignment_of(request: Request, pk: int) -> Assignment:
    """One's own only: other people's turns are nobody's business here."""
    found = Assignment.objects.filter(pk=pk, labeler=user_of(request)).select_related("task", "round__project").first()
    if found is None:
        raise Http404("No such assignment of yours.")
    project_for(user_of(request), found.round.project.slug, "label")
    return found


def import_of(request: Request, pk: int) -> ImportBatch:
    found = ImportBatch.objects.filter(pk=pk).select_related("project").first()
    if found is None:
        raise Http404("No such import.")
    project_for(user_of(request), found.project.slug, "import")
    return found


def export_of(request: Request, pk: int) -> Export:
    found = Export.objects.filter(pk=pk).select_related("project").first()
    if found is None:
        raise Http404("No such export.")
    project_for(user_of(request), found.project.slug, "export")
    return found
