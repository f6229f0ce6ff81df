"""The rule that labelers do not review their own work: those who labeled a solution do not adjudicate it, unless the
project's rules allow it."""

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

# Submitted assignments, also those that a reviewer returned. A retaken screening attempt no longer counts.
LABELED_STATES = (Assignment.State.SUBMITTED, Assignment.State.EXTRA, Assignment.State.RETURNED)


def allows_self_review(project_id: int) -> bool:
    return QualityRules.objects.filter(project=project_id, allows_self_review=True).exists()


def own_assignments(user: User) -> QuerySet[Assignment]:
    """What the user submitted as a labeler, also if it was returned to them and leased again."""
    return Assignment.objects.filter(Q(state__in=LABELED_STATES) | Q(versions__gt=0), labeler=user).exclude(
        state=Assignment.State.RETAKEN
    )


def labeled_by(user: User, solution_ids: Collection[int]) -> set[int]:
    """Which of these solutions the user labeled, or wrote while labeling."""
    on_solutions = Q(task__solution__in=solution_ids) | Q(derived_solution__in=solution_ids)
    pairs = own_assignments(user).filter(on_solutions).values_list("task__solution_id", "derived_solution_id")
    return {pk for pair in pairs for pk in pair if pk is not None} & set(solution_ids)


def barred_from(user: User, project: Project, solution_ids: Collection[int]) -> set[int]:
    """Which of these solutions the user may not adjudicate."""
    own = labeled_by(user, solution_ids)
    return own if own and not allows_self_review(project.pk) else set()


def without_own(rows: QuerySet[Any], user: User, project: Project) -> QuerySet[Any]:
    """Rows with a `solution` that the user did not label; all rows if the project allows self-review."""
    own, allowing = own_assignments(user), QualityRules.objects.filter(project=project, allows_self_review=True)
    has_labeled = Exists(own.filter(task__solution=OuterRef("solution_id")))
    has_written = Exists(own.filter(derived_solution=OuterRef("solution_id")))
    return rows.filter(Exists(allowing) | ~(has_labeled | has_written))


def check_impartial(solutions: Iterable[Solution], user: User) -> set[int]:
    """The solutions that the user labeled and may review, as the project allows it: these are marked as self-reviewed.

    Raises NotAllowed, code `self_review`, if the project does not allow it.
    """
    project_of = {solution.pk: solution.project_id for solution in solutions}
    own = labeled_by(user, project_of.keys())
    barred = [pk for pk in sorted(own) if not allows_self_review(project_of[pk])]
    if barred:
        which = "this solution" if len(project_of) == 1 else f"solutions {', '.join(map(str, barred))}"
        raise NotAllowed(f"You labeled {which} yourself: another reviewer has to review it.", code="self_review")
    return own


def check_not_own_work(assignment: Assignment, reviewer: User) -> bool:
    """Whether the reviewer reviews their own assignment, as the project allows.

    Raises NotAllowed, code `self_review`, if the project does not allow it.
    """
    if assignment.labeler_id != reviewer.pk:
        return False
    if not allows_self_review(assignment.round.project_id):
        raise NotAllowed("This is your own work: another reviewer has to review it.", code="self_review")
    return True
