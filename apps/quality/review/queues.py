"""Reviewers' queues: the solutions in each kind of dispute, and those that a reviewer adjudicated.

A queue is read page by page from an index. Its length is stored in `DisputeCount`, as counting takes too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, QuerySet, Subquery

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Task
from apps.projects.models import Project
from apps.quality.disputes.kinds import MODEL_DISPUTES, Dispute
from apps.quality.models import Consensus, ConsensusMethod, DisputeCount, OpenDispute
from apps.quality.review.impartiality import without_own
from apps.quality.trust.blind_rounds import hidden_in

ADJUDICATED = "adjudicated"


@dataclass(frozen=True, slots=True)
class QueueKind:
    name: str
    title: str
    about: str


KINDS = {
    kind.name: kind
    for kind in (
        QueueKind(Dispute.PEOPLE, "People disagree", "Two people name different first errors."),
        QueueKind(Dispute.PEOPLE_GOLD, "People against gold", "A label that counts contradicts gold."),
        QueueKind(
            Dispute.PEOPLE_MONTE_CARLO, "People against Monte Carlo", "Rollouts name none of the people's first errors."
        ),
        QueueKind(
            Dispute.PEOPLE_JUDGE, "People against judge", "A judge names a first error that none of the people names."
        ),
        QueueKind(
            Dispute.MONTE_CARLO_GOLD,
            "Monte Carlo against gold",
            "Rollouts name a first error that gold does not accept.",
        ),
        QueueKind(
            Dispute.MONTE_CARLO_JUDGE,
            "Monte Carlo against judge",
            "A judge names another first error than rollouts.",
        ),
        QueueKind(
            Dispute.RIGHT_WITH_BAD_STEP, "Right answer, bad step", "The answer is right, and a bad step is named."
        ),
        QueueKind(
            Dispute.WRONG_WITHOUT_BAD_STEP, "Wrong answer, no bad step", "The answer is wrong, and no step is bad."
        ),
        QueueKind(Dispute.UNSURE, "Unsure", "A labeler flagged a step as unsure."),
        QueueKind(
            Dispute.CONVINCING_WRONG_ANSWER,
            "Convincing wrong answers",
            "A verifier scores it highly, and the answer is wrong.",
        ),
    )
}
# Not a dispute: here reviewers find what they adjudicated, to make it gold.
ADJUDICATED_QUEUE = QueueKind(ADJUDICATED, "Adjudicated", "Solutions that reviewers adjudicated; they can become gold.")
QUEUES = KINDS | {ADJUDICATED: ADJUDICATED_QUEUE}

# Rows with a `solution`: OpenDispute or Consensus.
Queue = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class QueueFilters:
    """Filters of a queue; None does not filter. `labeler` is a user's id."""

    round: int | None = None
    source: str | None = None
    subject: str | None = None
    labeler: int | None = None


NO_FILTERS = QueueFilters()


def queue_of(project: Project, kind: str, filters: QueueFilters = NO_FILTERS, *, reviewer: User | None = None) -> Queue:
    """The rows of a queue in the order of `solution_id`, each solution once. Raises DomainError for an unknown kind.

    Solutions that the `reviewer` labeled are left out, unless the project allows self-review; and from queues that tell what
    a model says those that people label in an open blind round.
    """
    if kind not in QUEUES:
        raise DomainError(f"Unknown kind of queue: {kind}.", fields={"kind": f"must be one of {', '.join(QUEUES)}"})
    if kind == ADJUDICATED:
        rows: Queue = Consensus.objects.filter(project=project, how=ConsensusMethod.ADJUDICATED)
    else:
        rows = OpenDispute.objects.filter(project=project, kind=kind)
        if kind in MODEL_DISPUTES:
            rows = rows.exclude(solution__in=hidden_in(project))
        if reviewer is not None:
            rows = without_own(rows, reviewer, project)
    return filter_queue(rows, project, filters).order_by("solution_id")


def filter_queue(rows: Queue, project: Project, filters: QueueFilters) -> Queue:
    if filters.source is not None:
        rows = rows.filter(solution__source=filters.source)
    if filters.subject is not None:
        rows = rows.filter(solution__problem__subject=filters.subject)
    if filters.round is not None:
        in_round = Task.objects.filter(
            round__project=project, round__number=filters.round, solution=OuterRef("solution_id")
        )
        derived = Assignment.objects.filter(
            round__project=project, round__number=filters.round, derived_solution=OuterRef("solution_id")
        )
        rows = rows.filter(Exists(in_round) | Exists(derived))
    if filters.labeler is not None:
        counted = Assignment.objects.counted().filter(labeler=filters.labeler)
        rows = rows.filter(counted.exists_for(OuterRef("solution_id")))
    return rows


def neighbours(queue: Queue, solution_id: int) -> tuple[int | None, int | None]:
    """The ids of the previous and the next solution, also if this one has already left the queue."""
    ids = queue.values_list("solution_id", flat=True)
    previous = ids.filter(solution_id__lt=solution_id).order_by("-solution_id").first()
    return previous, ids.filter(solution_id__gt=solution_id).order_by("solution_id").first()


def counts_of(project: Project) -> dict[str, int]:
    """How many solutions are in each kind of dispute."""
    counts = dict(DisputeCount.objects.filter(project=project).values_list("kind", "count"))
    return {kind: counts.get(kind, 0) for kind in KINDS}


def disputed(solutions: QuerySet[Solution], kind: str) -> QuerySet[Solution]:
    """The filter `dispute:KIND` of a round's selection; `dispute:any` takes every kind.

    Raises DomainError for an unknown kind.
    """
    if kind != "any" and kind not in KINDS:
        raise DomainError(
            f"dispute:{kind} names no kind of dispute.",
            fields={"select": f"dispute: must be one of any, {', '.join(KINDS)}"},
        )
    disputes = OpenDispute.objects.filter(solution=OuterRef("pk"), project=OuterRef("project"))
    return solutions.filter(Exists(disputes if kind == "any" else disputes.filter(kind=kind)))


def most_disputed(solutions: QuerySet[Solution], size: int) -> list[int]:
    """The rule `by:disagreement`: ids of the solutions in the most kinds of dispute, of equal ones the highest verifier score.

    Solutions that are in no dispute are left out. Raises DomainError if there are no others.
    """
    open_kinds = OpenDispute.objects.filter(solution=OuterRef("pk")).order_by().values("solution")
    kinds = Subquery(open_kinds.annotate(kinds=Count("pk")).values("kinds"))
    disputed_solutions = solutions.annotate(kinds=kinds).filter(kinds__isnull=False)
    order = ("-kinds", F("verifier_score").desc(nulls_last=True), "digest")
    ids = list(disputed_solutions.order_by(*order).values_list("id", flat=True)[:size])
    if not ids:
        raise DomainError(
            "by:disagreement needs solutions in dispute, and none of the selected ones is in any.",
            fields={"select": "by: disagreement needs solutions in dispute"},
        )
    return ids
