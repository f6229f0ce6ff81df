"""Objects named in URLs, fetched through the project and its member's permissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.corpus.models import ImportBatch, Problem, Solution, Upload
from apps.dashboard.navigation.menu import Navigation
from apps.evaluation.models import Evaluation
from apps.exports.models import Export, SavedPolicy
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.permissions import NEEDS, can, membership_for


@dataclass(frozen=True, slots=True)
class Place:
    """A project as one of its members sees it, with the context that every page about it needs."""

    membership: Membership

    @property
    def project(self) -> Project:
        return self.membership.project

    def may(self, action: str) -> bool:
        return can(self.membership, action)

    def names_people(self) -> bool:
        """Managers see the names of labelers. Reviewers see pseudonyms, so that they review the work and not the person."""
        return self.may("invite")

    def context(self, page: str, /, **more: Any) -> dict[str, Any]:
        """The template context; `page` is the key of a page in `navigation.structure`, to which the shown one belongs."""
        return {
            "project": self.project,
            "membership": self.membership,
            "may": {action: self.may(action) for action in NEEDS},
            "navigation": Navigation(self.membership, page),
            **more,
        }


def place_for(user: User, slug: str, action: str) -> Place:
    """Raises NotFound for users outside the project and NotAllowed for members whose role is too low."""
    return Place(membership_for(user, action, project__slug=slug))


def rounds_of(place: Place) -> QuerySet[Round]:
    """The rounds of the project; only managers see drafts."""
    rounds = Round.objects.filter(project=place.project)
    return rounds if place.may("manage_rounds") else rounds.exclude(status=Round.Status.DRAFT)


def round_of(place: Place, number: int) -> Round:
    seen_by = None if place.may("browse") else place.membership.user
    rounds = Round.objects.with_submitted(seen_by).select_related("guideline", "endpoint")
    round_ = get_object_or_404(rounds, project=place.project, number=number)
    if round_.status == Round.Status.DRAFT and not place.may("manage_rounds"):
        raise NotFound("No such round.")
    round_.project = place.project
    return round_


def problem_of(place: Place, pk: int) -> Problem:
    problem = get_object_or_404(Problem, project=place.project, pk=pk)
    problem.project = place.project
    return problem


def solution_of(place: Place, pk: int) -> Solution:
    return get_object_or_404(Solution.objects.select_related("problem"), project=place.project, pk=pk)


def assignment_of(place: Place, pk: int) -> Assignment:
    """A labeler's assignment in the project. Imported assignments are not reviewed."""
    assignments = Assignment.objects.filter(round__origin="").select_related("round", "guideline")
    assignment = get_object_or_404(assignments, round__project=place.project, pk=pk)
    assignment.round.project = place.project
    return assignment


def import_of(place: Place, pk: int) -> ImportBatch:
    return get_object_or_404(ImportBatch.objects.select_related("uploaded_by"), project=place.project, pk=pk)


def upload_of(place: Place, pk: int) -> Upload:
    return get_object_or_404(Upload, project=place.project, pk=pk)


def export_of(place: Place, pk: int) -> Export:
    return get_object_or_404(Export.objects.select_related("requested_by"), project=place.project, pk=pk)


def saved_policy_of(place: Place, pk: int) -> SavedPolicy:
    return get_object_or_404(SavedPolicy.objects.select_related("project"), project=place.project, pk=pk)


def evaluation_of(place: Place, pk: int) -> Evaluation:
    return get_object_or_404(Evaluation.objects.select_related("requested_by"), project=place.project, pk=pk)


def membership_of(place: Place, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user", "project"), project=place.project, pk=pk)
