"""A user's projects, and what a new project still needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.dashboard.access import Place
from apps.dashboard.rounds.queries import RoundWork
from apps.exports.models import Export
from apps.projects.models import Membership


def memberships_of(user: User, *, named: str = "", archived: bool = False) -> QuerySet[Membership]:
    """The active ones by the project's name: of projects that are not archived, or of those that are.

    With `named`, of projects that have this in their name or short name.
    """
    active = Membership.objects.filter(
        user=user, status=Membership.Status.ACTIVE, project__archived_at__isnull=not archived
    )
    if named:
        active = active.filter(Q(project__name__icontains=named) | Q(project__slug__icontains=named))
    return active.select_related("project").order_by("project__name", "pk")


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing that a new project needs, and whether it has it."""

    title: str
    text: str
    page: str
    done: bool


def next_steps(place: Place, rounds: Sequence[RoundWork]) -> list[NextStep]:
    """The way from an empty project to an export; empty once every step is done."""
    project = place.project
    exports = Export.objects.filter(project=project, status=JobStatus.FINISHED)
    members = project.memberships.filter(status=Membership.Status.ACTIVE).exclude(user=place.membership.user)
    steps = [
        NextStep(
            "Import problems and solutions",
            "JSON or Parquet, in a known format or with columns that you name.",
            "import-new",
            Solution.objects.filter(project=project).exists(),
        ),
        NextStep(
            "Write the guidelines",
            "Define great, okay and bad for this project.",
            "guidelines-edit",
            project.guidelines.exists(),
        ),
        NextStep("Invite people", "Send them an invitation link.", "people", members.exists()),
        NextStep("Open a round", "Choose solutions and how many people rate each.", "round-new", bool(rounds)),
        NextStep("Export the labels", "Create a file that a trainer reads.", "export-new", exports.exists()),
    ]
    return [] if all(step.done for step in steps) else steps
