"""What waits for reviewers: the solutions in a kind of dispute, and those that a reviewer has settled.

A queue is read by its key, from an index; its length stands in `DisputeCount`, and nobody counts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Task
from apps.projects.models import Project
from apps.quality.disputes.kinds import Dispute
from apps.quality.models import Consensus, DisputeCount, How, OpenDispute
from apps.quality.review.impartiality import without_own

SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    title: str
    about: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(Dispute.PEOPLE, "People disagree", "Two people name different first errors."),
        Kind(Dispute.PEOPLE_GOLD, "People against gold", "A label that counts contradicts gold."),
        Kind(Dispute.PEOPLE_MONTE_CARLO, "People against Monte Carlo", "Rollouts name none of what people name."),
        Kind(
            Dispute.MONTE_CARLO_GOLD,
            "Monte Carlo against gold",
            "Rollouts name a first error that gold does not accept.",
        ),
        Kind(
            Dispute.MONTE_CARLO_JUDGE, "Monte Carlo against judge", "A judge names another first error than rollouts."
        ),
        Kind(Dispute.RIGHT_WITH_BAD_STEP, "Right answer, bad step", "The answer is right, and a bad step is named."),
        Kind(Dispute.WRONG_WITHOUT_BAD_STEP, "Wrong answer, no bad step", "The answer is wrong, and no step is bad."),
        Kind(Dispute.UNSURE, "Unsure", "Somebody flagged a step as unsure."),
        Kind(
            Dispute.CONVINCING_WRONG_ANSWER, "Convincing wrong answers", "A verifier likes it, and the answer is wrong."
        ),
    )
}
# No dispute: where what reviewers settled is found again, to become gold.
WORDS_OF_REVIEWERS = Kind(SETTLED, "Settled by reviewers", "What reviewers said stands; it can become gold.")
QUEUES = KINDS | {SETTLED: WORDS_OF_REVIEWERS}

# Rows with a `solution`: an OpenDispute, or a Consensus.
Queue = QuerySet[Any]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Filters of a queue; None lets everything through. `labeler` is a user's id."""

    round: int | None = None
    source: str | None = None
    subject: str | None = None
    labeler: int | None = None


def queue_of(project: Project, kind: str, narrowing: Narrowing = Narrowing(), *, reviewer: User | None = None) -> Queue:
    """In the order of `solution_id`, each once. Raises DomainError for an unknown kind.

    What the `reviewer` labeled is not offered to them: they are a side there.
    """
    if kind not in QUEUES:
        raise DomainError(f"Kinds are {', '.join(QUEUES)}.", fields={"kind": f"unknown: {kind}"})
    if kind == SETTLED:
        rows: Queue = Consensus.objects.filter(project=project, how=How.ADJUDICATED)
    else:
        rows = OpenDispute.objects.filter(project=project, kind=kind)
        if reviewer is not None:
            rows = without_own(rows, reviewer, project)
    return narrowed(rows, project, narrowing).order_by("solution_id")


def narrowed(rows: Queue, project: Project, to: Narrowing) -> Queue:
    if to.source is not None:
        rows = rows.filter(solution__source=to.source)
    if to.subject is not None:
        rows = rows.filter(solution__problem__subject=to.subject)
    if to.round is not None:
        asked = Task.objects.filter(round__project=project, round__number=to.round, solution=OuterRef("solution_id"))
        rows = rows.filter(Exists(asked))
    if to.labeler is not None:
        counted = Assignment.objects.counted().filter(labeler=to.labeler, task__solution=OuterRef("solution_id"))
        rows = rows.filter(Exists(counted))
    return rows


def neighbours(queue: Queue, solution_id: int) -> tuple[int | None, int | None]:
    """The solutions before and behind this one, which may have left the queue already."""
    ids = queue.values_list("solution_id", flat=True)
    before = ids.filter(solution_id__lt=solution_id).order_by("-solution_id").first()
    return before, ids.filter(solution_id__gt=solution_id).order_by("solution_id").first()


def counts_of(project: Project) -> dict[str, int]:
    """How many solutions are in each kind of dispute."""
    counted = dict(DisputeCount.objects.filter(project=project).values_list("kind", "count"))
    return {kind: counted.get(kind, 0) for kind in KINDS}


def disputed(solutions: QuerySet[Solution], kind: str) -> QuerySet[Solution]:
    """The term `dispute:KIND` of a round's selection; `dispute:any` takes every kind."""
    if kind != "any" and kind not in KINDS:
        raise DomainError(
            f"dispute:{kind} names no kind of dispute.", fields={"select": f"dispute: any, {', '.join(KINDS)}"}
        )
    found = OpenDispute.objects.filter(solution=OuterRef("pk"), project=OuterRef("project"))
    return solutions.filter(Exists(found if kind == "any" else found.filter(kind=kind)))
