"""The way from a URL to an object: through the project, as the member who asks may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.corpus.models import ImportBatch, Problem, Solution, Upload
from apps.exports.models import Export
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.permissions import NEEDS, can, membership_for

# Name of the page, its title in the tabs, what it needs.
TABS = (
    ("project", "Overview", "view"),
    ("rounds", "Rounds", "view"),
    ("work", "My work", "label"),
    ("flags", "Flags", "review"),
    ("solutions", "Solutions", "browse"),
    ("review", "Review", "review"),
    ("estimation", "Estimation", "browse"),
    ("quality", "Quality", "browse"),
    ("imports", "Imports", "import"),
    ("exports", "Exports", "export"),
    ("people", "People", "invite"),
    ("audit", "Trail", "audit"),
    ("guidelines", "Guidelines", "view"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A project as one of its members sees it: what every page about it shows."""

    membership: Membership

    @property
    def project(self) -> Project:
        return self.membership.project

    def may(self, action: str) -> bool:
        return can(self.membership, action)

    def names_people(self) -> bool:
        """Managers see who labeled; reviewers see pseudonyms, so that they judge the work."""
        return self.may("invite")

    def context(self, tab: str, **more: Any) -> dict[str, Any]:
        """For the template: `tab` is the page of `TABS` to mark."""
        slug = self.project.slug
        tabs = [(reverse(name, args=[slug]), title, name == tab) for name, title, needs in TABS if self.may(needs)]
        return {
            "project": self.project,
            "membership": self.membership,
            "may": {action: self.may(action) for action in NEEDS},
            "tabs": tabs,
            **more,
        }


def place_for(user: User, slug: str, action: str) -> Place:
    """Raises NotFound for strangers and NotAllowed for members whose role does not reach."""
    return Place(membership_for(user, action, project__slug=slug))


def rounds_of(place: Place) -> QuerySet[Round]:
    """All rounds of the project; drafts are their managers' business."""
    found = Round.objects.filter(project=place.project)
    return found if place.may("manage_rounds") else found.exclude(status=Round.Status.DRAFT)


def round_of(place: Place, number: int) -> Round:
    seen_by = None if place.may("browse") else place.membership.user
    rounds = Round.objects.with_submitted(seen_by).select_related("guideline", "endpoint")
    found = get_object_or_404(rounds, project=place.project, number=number)
    if found.status == Round.Status.DRAFT and not place.may("manage_rounds"):
        raise NotFound("No such round.")
    found.project = place.project
    return found


def problem_of(place: Place, pk: int) -> Problem:
    found = get_object_or_404(Problem, project=place.project, pk=pk)
    found.project = place.project
    return found


def solution_of(place: Place, pk: int) -> Solution:
    return get_object_or_404(Solution.objects.select_related("problem"), project=place.project, pk=pk)


def assignment_of(place: Place, pk: int) -> Assignment:
    """A member's turn at a solution of the project. What came with a file is nobody's to review."""
    assignments = Assignment.objects.filter(round__origin="", task__solution__isnull=False)
    assignments = assignments.select_related("task__solution__problem", "round", "labeler")
    found = get_object_or_404(assignments, round__project=place.project, pk=pk)
    found.round.project = place.project
    return found


def import_of(place: Place, pk: int) -> ImportBatch:
    return get_object_or_404(ImportBatch.objects.select_related("uploaded_by"), project=place.project, pk=pk)


def upload_of(place: Place, pk: int) -> Upload:
    return get_object_or_404(Upload, project=place.project, pk=pk)


def export_of(place: Place, pk: int) -> Export:
    return get_object_or_404(Export.objects.select_related("requested_by"), project=place.project, pk=pk)


def membership_of(place: Place, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("user", "project"), project=place.project, pk=pk)
