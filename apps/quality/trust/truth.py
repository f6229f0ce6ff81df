"""The first errors that people accept: by gold, by the settled consensus, or by the labels of one blind round."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.corpus.labels import NO_ERROR
from apps.corpus.models import RESPLIT_INTO, Solution
from apps.labeling.models import GoldLabel, Task
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.gold.labels import gold_of
from apps.quality.models import BlindSample, Consensus
from apps.quality.trust.blind_rounds import sampled_ids

FEWEST_KNOWN = 20  # Solutions that people labeled, for a share or a weight that rests on them.


@dataclass(frozen=True, slots=True)
class TrustFilter:
    """Which solutions count; positions `first` to `last` limit the steps that rates and kappa rest on."""

    subject: str = ""
    level: str = ""
    round: int | None = None
    first: int | None = None
    last: int | None = None


def settled_consensus(project: Project) -> QuerySet[Consensus]:
    """Settled first errors of the solutions that a selection can choose."""
    consensus = Consensus.objects.settled().filter(project=project, first_error__isnull=False)
    consensus = consensus.filter(solution__problem__retired_at=None, solution__step_count__gt=0)
    return consensus.exclude(solution__extras__has_key=RESPLIT_INTO).order_by()


def gold_first_errors(project: Project) -> dict[int, frozenset[int]]:
    """By solution id, for all solutions with gold: every acceptable first error; none where gold names no first error."""
    labels = GoldLabel.objects.filter(step__chosen=True, step__solution__project=project).order_by()
    gold = gold_of(set(labels.values_list("step__solution_id", flat=True)))
    return {pk: known.acceptable for pk, known in gold.items()}


def accepted_first_errors(project: Project, chosen: TrustFilter) -> dict[int, frozenset[int]]:
    """By solution id, ascending. Gold is the truth where there is gold, else the settled consensus of people."""
    accepted = _by_people(settled_consensus(project)) | gold_first_errors(project)
    kept = set(_selected(project, chosen).filter(pk__in=accepted).values_list("pk", flat=True))
    return {pk: accepted[pk] for pk in sorted(kept) if accepted[pk]}


def erroneous_share(project: Project) -> float | None:
    """The share of solutions with an error among those whose first error people know; None for fewer than FEWEST_KNOWN.

    Gold that accepts "no error" among others counts as without one.
    """
    accepted = accepted_first_errors(project, TrustFilter())
    if len(accepted) < FEWEST_KNOWN:
        return None
    return sum(NO_ERROR not in errors for errors in accepted.values()) / len(accepted)


def sampled_first_errors(sample: BlindSample) -> dict[int, frozenset[int]]:
    """By solution id of the blind sample, where people have settled its first error: by their labels, never by gold."""
    return _by_people(settled_consensus(sample.project).filter(solution__in=sampled_ids(sample)))


def _by_people(consensus: QuerySet[Consensus]) -> dict[int, frozenset[int]]:
    """By solution id, ascending."""
    rows = consensus.order_by("solution_id").values_list("solution_id", "first_error")
    return {pk: frozenset({error}) for pk, error in rows if error is not None}


def _selected(project: Project, chosen: TrustFilter) -> QuerySet[Solution]:
    solutions = selectable_solutions(project)
    if chosen.subject:
        solutions = solutions.filter(problem__subject=chosen.subject)
    if chosen.level:
        solutions = solutions.filter(problem__level=chosen.level)
    if chosen.round is not None:
        tasks = Task.objects.filter(round__project=project, round__number=chosen.round)
        solutions = solutions.filter(pk__in=tasks.values("solution"))
    return solutions
