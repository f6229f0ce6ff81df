"""Nobody judges themselves: who labeled a solution does not settle it, unless the project allows that by its rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotAllowed
from apps.corpus.models import Solution
from apps.labeling.models import Assignment
from apps.projects.models import Project
from apps.quality.models import QualityRules

# What was submitted once, also when a reviewer has returned it. A retaken try at a screening says nothing any more.
JUDGED_STATES = (Assignment.State.SUBMITTED, Assignment.State.EXTRA, Assignment.State.RETURNED)


def allows_self_review(project_id: int) -> bool:
    return QualityRules.objects.filter(project=project_id, allows_self_review=True).exists()


def own_assignments(user: User) -> QuerySet[Assignment]:
    """What the user submitted, as a labeler. An assignment that was returned to them and leased again is theirs too."""
    return Assignment.objects.filter(Q(state__in=JUDGED_STATES) | Q(versions__gt=0), labeler=user).exclude(
        state=Assignment.State.RETAKEN
    )


def labeled_by(user: User, solution_ids: Collection[int]) -> set[int]:
    """Which of these solutions the user labeled, or wrote while labeling: in a dispute about them the user is a side."""
    asked = Q(task__solution__in=solution_ids) | Q(grown__in=solution_ids)
    pairs = own_assignments(user).filter(asked).values_list("task__solution_id", "grown_id")
    return {pk for pair in pairs for pk in pair if pk is not None} & set(solution_ids)


def barred_from(user: User, project: Project, solution_ids: Collection[int]) -> set[int]:
    """Which of these solutions the user may not judge."""
    own = labeled_by(user, solution_ids)
    return own if own and not allows_self_review(project.pk) else set()


def without_own(rows: QuerySet[Any], user: User, project: Project) -> QuerySet[Any]:
    """Rows with a `solution`, without those that the user labeled; all of them where the project allows it."""
    own, allowing = own_assignments(user), QualityRules.objects.filter(project=project, allows_self_review=True)
    on_task = Exists(own.filter(task__solution=OuterRef("solution_id")))
    written = Exists(own.filter(grown=OuterRef("solution_id")))
    return rows.filter(Exists(allowing) | ~(on_task | written))


def check_sides(solutions: Iterable[Solution], user: User) -> set[int]:
    """Solutions that the user labeled, and may judge since the project allows it: to be marked as self-reviewed.

    Raises NotAllowed, code `self_review`, where the project does not.
    """
    project_of = {one.pk: one.project_id for one in solutions}
    own = labeled_by(user, project_of.keys())
    refused = [pk for pk in sorted(own) if not allows_self_review(project_of[pk])]
    if refused:
        which = "this solution" if len(project_of) == 1 else f"solutions {', '.join(map(str, refused))}"
        raise NotAllowed(f"You labeled {which} yourself: another reviewer has to judge it.", code="self_review")
    return own


def check_reviewer(assignment: Assignment, reviewer: User) -> bool:
    """Whether the reviewer judges their own assignment, as the project allows.

    Raises NotAllowed, code `self_review`, where the project does not.
    """
    if assignment.labeler_id != reviewer.pk:
        return False
    if not allows_self_review(assignment.round.project_id):
        raise NotAllowed("This is your own work: another reviewer has to judge it.", code="self_review")
    return True
