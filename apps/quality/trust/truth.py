"""The first errors that people accept: by gold, by the settled consensus, or by the labels of one blind round alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Q, QuerySet

from apps.core.db.prepared import run
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.corpus.models import RESPLIT_INTO, Solution
from apps.labeling.models import GoldLabel, Task
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.aggregation import rule_of
from apps.quality.consensus.load import load_ratings
from apps.quality.gold.labels import gold_of
from apps.quality.models import BlindSample, Consensus
from apps.quality.trust.blind_rounds import sampled_ids

_KEEP = """
    UPDATE quality_sampledsolution AS sampled SET first_error = kept.error
    FROM unnest(%(solutions)s::bigint[], %(errors)s::int[]) AS kept (solution, error)
    WHERE sampled.sample_id = %(sample)s AND sampled.solution_id = kept.solution
"""
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


def accepted_first_errors(
    project: Project, chosen: TrustFilter, among: QuerySet[Solution] | None = None
) -> dict[int, frozenset[int]]:
    """By solution id, ascending. Gold is the truth where there is gold, else the settled consensus of people.

    With `among`, only of these solutions.
    """
    selected = _selected(project, chosen)
    if among is not None:
        selected = selected.filter(pk__in=among.order_by().values("pk"))
    gold = _gold_among(project, selected)
    accepted = _by_people(settled_consensus(project).filter(solution__in=selected.order_by().values("pk"))) | gold
    return {pk: accepted[pk] for pk in sorted(accepted) if accepted[pk]}


def erroneous_share(project: Project) -> float | None:
    """The share of solutions with an error among those whose first error people know; None for fewer than FEWEST_KNOWN.

    Gold that accepts "no error" among others counts as without one.
    """
    gold = _gold_among(project, selectable_solutions(project))
    by_people = settled_consensus(project).exclude(solution__in=list(gold))
    counts = by_people.aggregate(known=Count("pk"), erroneous=Count("pk", filter=~Q(first_error=NO_ERROR)))
    by_gold = [errors for errors in gold.values() if errors]
    known = counts["known"] + len(by_gold)
    if known < FEWEST_KNOWN:
        return None
    return float((counts["erroneous"] + sum(NO_ERROR not in errors for errors in by_gold)) / known)


def _gold_among(project: Project, solutions: QuerySet[Solution]) -> dict[int, frozenset[int]]:
    """As `gold_first_errors`, of these solutions."""
    gold = gold_first_errors(project)
    kept = solutions.filter(pk__in=list(gold)).values_list("pk", flat=True) if gold else ()
    return {pk: gold[pk] for pk in kept}


def sampled_first_errors(sample: BlindSample) -> dict[int, frozenset[int]]:
    """By solution id of the blind sample: the first error that the labelers of its round name, by majority.

    Only what was submitted there counts, as it was submitted first. Corrections, adjudications, labels of other rounds and
    gold may come from people who saw verdicts. What fewer labelers name than the round asks for is not settled.
    """
    if sample.round is None:
        return {}
    loaded = load_ratings(sample.project, sampled_ids(sample), first_submissions=True, round_id=sample.round.pk)
    first_errors = rule_of("majority", {}).aggregate(loaded.ratings).first_errors
    labelers = np.bincount(loaded.ratings.first_errors().solutions, minlength=len(loaded.solutions))
    is_settled = (first_errors != UNKNOWN) & (labelers >= loaded.required)
    settled = zip(loaded.solutions[is_settled].tolist(), first_errors[is_settled].tolist(), strict=True)
    return {pk: frozenset({error}) for pk, error in settled}


def keep_truth(sample: BlindSample) -> dict[int, frozenset[int]]:
    """What decisions on this sample rest on: what was settled at the first one, stored then."""
    if kept := _kept_truth(sample):
        return {pk: frozenset({error}) for pk, error in kept.items()}
    accepted = sampled_first_errors(sample)
    errors = [error for errors in accepted.values() for error in errors]
    run(_KEEP, {"sample": sample.pk, "solutions": list(accepted), "errors": errors})
    return accepted


def truth_has_changed(sample: BlindSample) -> bool:
    """Whether labels that a decision rests on do not count any more: of a suspended labeler, or of a retired problem."""
    now = {pk: error for pk, errors in sampled_first_errors(sample).items() for error in errors}
    return _kept_truth(sample) != now


def _kept_truth(sample: BlindSample) -> dict[int, int]:
    kept = sample.solutions.filter(first_error__isnull=False).order_by("solution_id")
    return {pk: error for pk, error in kept.values_list("solution_id", "first_error") if error is not None}


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
