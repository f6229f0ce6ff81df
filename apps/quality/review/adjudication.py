"""Adjudication: a reviewer decides the rating of a step or the first error of a solution, above every rule.

Reviewers who labeled the solution may not adjudicate it: see `impartiality`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import DomainError
from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, UNKNOWN
from apps.corpus.labels import first_error as first_error_of
from apps.corpus.models import Solution, Step
from apps.labeling.models import Assignment, GoldLabel
from apps.quality.consensus.store import CONSENSUS_LOCK
from apps.quality.disputes.detect import count_disputes
from apps.quality.models import (
    AlsoAcceptable,
    Consensus,
    ConsensusMethod,
    OpenDispute,
    StaleSolution,
    StepConsensus,
)
from apps.quality.review.impartiality import check_impartial


@transaction.atomic
def adjudicate_step(*, step: Step, rating: int | None, by: User, note: str = "") -> Consensus | None:
    """Adjudicate the step's rating; None withdraws its adjudication. Returns the consensus on the solution.

    Raises DomainError for a step off the solution's own path and for an invalid rating, NotAllowed if the reviewer
    labeled the solution.
    """
    if rating not in (BAD, OKAY, GREAT, None):
        raise DomainError("`rating` must be -1, 0 or 1.", fields={"rating": "must be -1, 0 or 1"})
    if not step.chosen:
        raise DomainError(
            "Only steps on the solution's own path can be adjudicated.", fields={"step": "not on the path"}
        )
    solution = _lock_solution(step.solution)
    is_own = bool(check_impartial([solution], by))
    before = StepConsensus.objects.filter(step=step).first()
    if rating is None:
        StepConsensus.objects.filter(step=step, how=ConsensusMethod.ADJUDICATED).delete()
        if not _adjudicated(solution).exists():
            _withdraw_corrections(solution)
    else:
        _store_rating(step.pk, rating, is_own=is_own)
    record_event(
        actor=by,
        verb="step.adjudicated",
        target=str(step.pk),
        project=solution.project.slug,
        before={"rating": before.rating, "how": before.how} if before else None,
        after={"rating": rating, "note": note} | self_review_note(is_own=is_own),
    )
    return _update_consensus(solution, by, note)


@transaction.atomic
def adjudicate_solution(*, solution: Solution, first_error: int, by: User, note: str = "") -> Consensus | None:
    """Adjudicate the position of the first error, or NO_ERROR; returns the consensus on the solution.

    Steps before it that were bad become okay, and those without a consensus become great: a reviewer who names a later
    first error declares that they are not bad.

    Raises DomainError for a position that the solution does not have, NotAllowed if the reviewer labeled it.
    """
    locked = _lock_solution(solution)
    is_own = bool(check_impartial([locked], by))
    steps = list(locked.steps.filter(chosen=True).order_by("position"))
    if not NO_ERROR <= first_error < len(steps):
        raise DomainError(
            f"The solution has no step {first_error + 1}.",
            fields={"first_error": f"must be between -1 and {len(steps) - 1}"},
        )
    ratings = _consensus_ratings(locked)
    last = first_error if first_error != NO_ERROR else len(steps) - 1
    for step in steps[: last + 1]:
        rating = ratings.get(step.position, GREAT)
        if step.position == first_error:
            rating = BAD
        elif rating == BAD:
            rating = OKAY
        _store_rating(step.pk, rating, is_own=is_own)
    # Adjudications of steps after the first error were made under another one, and do not belong to this one.
    StepConsensus.objects.filter(step__in=steps[last + 1 :], how=ConsensusMethod.ADJUDICATED).delete()
    record_event(
        actor=by,
        verb="solution.adjudicated",
        target=str(locked.pk),
        project=locked.project.slug,
        before={"first_error": _known_first_error(ratings, len(steps))},
        after={"first_error": first_error, "note": note} | self_review_note(is_own=is_own),
    )
    return _update_consensus(locked, by, note)


@transaction.atomic
def adjudicate_correction(
    *, solution: Solution, ratings: Mapping[int, int], by: User, note: str, is_own: bool
) -> Consensus | None:
    """Adjudicate the path's ratings by a correction, by position, in place of earlier adjudications."""
    locked = _lock_solution(solution)
    _adjudicated(locked).delete()
    for step in locked.steps.filter(chosen=True, position__in=ratings.keys()).order_by("position"):
        _store_rating(step.pk, ratings[step.position], is_own=is_own)
    return _update_consensus(locked, by, note)


@transaction.atomic
def adjudicate_consensus(*, solutions: Sequence[Solution], by: User, note: str = "") -> int:
    """Adjudicate the first error of each solution's consensus as it is; returns how many solutions have one.

    Raises NotAllowed, which names the solutions that the reviewer labeled; then none is adjudicated.
    """
    check_impartial(solutions, by)
    # Locked before the consensus is read, which another reviewer may be changing.
    for project_id in sorted({solution.project_id for solution in solutions}):
        advisory_xact_lock(CONSENSUS_LOCK, project_id)
    consensus = Consensus.objects.filter(solution__in=solutions, first_error__isnull=False)
    first_errors = dict(
        consensus.exclude(how=ConsensusMethod.ADJUDICATED).order_by("pk").values_list("pk", "first_error")
    )
    for solution in sorted(solutions, key=lambda solution: solution.pk):
        first_error = first_errors.get(solution.pk)
        if first_error is not None:
            adjudicate_solution(solution=solution, first_error=first_error, by=by, note=note)
    return len(first_errors)


@transaction.atomic
def withdraw_adjudication(*, solution: Solution, by: User) -> int:
    """Withdraw all adjudications of the solution, corrections included: labelers' ratings count again.

    Returns how many steps, or else corrections, it had. Raises NotAllowed if the reviewer labeled the solution.
    """
    locked = _lock_solution(solution)
    is_own = bool(check_impartial([locked], by))
    adjudicated = _adjudicated(locked)
    before = dict(adjudicated.values_list("step__position", "rating"))
    withdrawn = _withdraw_corrections(locked)
    if not (before or withdrawn):
        return 0
    adjudicated.delete()
    Consensus.objects.filter(pk=locked.pk, how=ConsensusMethod.ADJUDICATED).delete()
    record_event(
        actor=by,
        verb="solution.adjudicated",
        target=str(locked.pk),
        project=locked.project.slug,
        before={"first_error": _known_first_error(before, locked.step_count)},
        after={"first_error": None, "note": ""} | self_review_note(is_own=is_own),
    )
    StaleSolution.objects.mark(locked.project_id, [locked.pk])
    return len(before) or withdrawn


def self_review_note(*, is_own: bool) -> dict[str, bool]:
    """What an audit event holds in addition if the reviewer labeled the solution."""
    return {"self_reviewed": True} if is_own else {}


def _lock_solution(solution: Solution) -> Solution:
    """The solution, locked with its project's consensus against other reviewers and workers."""
    advisory_xact_lock(CONSENSUS_LOCK, solution.project_id)
    return Solution.objects.select_for_update(of=("self",)).select_related("project").get(pk=solution.pk)


def _store_rating(step_id: int, rating: int, *, is_own: bool) -> None:
    values = {
        "rating": rating,
        "certainty": 1.0,
        "how": ConsensusMethod.ADJUDICATED,
        "is_thin": False,
        "self_reviewed": is_own,
    }
    StepConsensus.objects.update_or_create(step_id=step_id, defaults=values)


def _adjudicated(solution: Solution) -> QuerySet[StepConsensus]:
    return StepConsensus.objects.filter(step__solution=solution, step__chosen=True, how=ConsensusMethod.ADJUDICATED)


def _withdraw_corrections(solution: Solution) -> int:
    """The labelers' own ratings count again; returns the number of corrections."""
    corrected = Assignment.objects.filter(task__solution=solution, corrected_by__isnull=False)
    return corrected.update(corrected_by=None)


def _consensus_ratings(solution: Solution) -> dict[int, int]:
    """The consensus rating of each step on the path, by position."""
    labels = StepConsensus.objects.filter(step__solution=solution, step__chosen=True)
    return dict(labels.values_list("step__position", "rating"))


def _known_first_error(ratings: Mapping[int, int], length: int) -> int | None:
    first_error = first_error_of(ratings, length)
    return None if first_error == UNKNOWN else first_error


def _update_consensus(solution: Solution, by: User, note: str) -> Consensus | None:
    """Update the consensus on the solution at once. A worker soon computes it again with all ratings."""
    StaleSolution.objects.mark(solution.project_id, [solution.pk])
    if not _adjudicated(solution).exists():
        # The last adjudication was withdrawn: a worker computes the consensus of the labelers' ratings.
        Consensus.objects.filter(pk=solution.pk, how=ConsensusMethod.ADJUDICATED).delete()
        return Consensus.objects.filter(pk=solution.pk).first()
    first_error = _known_first_error(_consensus_ratings(solution), solution.step_count)
    values = {
        "project_id": solution.project_id,
        "how": ConsensusMethod.ADJUDICATED,
        "first_error": first_error,
        "adjudicated_by": by,
        "note": note,
        "state": Consensus.State.OPEN if first_error is None else Consensus.State.SETTLED,
        "certainty": 0.0 if first_error is None else 1.0,
        "at": timezone.now(),
    }
    consensus, _ = Consensus.objects.update_or_create(solution=solution, defaults=values)
    if first_error is not None and OpenDispute.objects.filter(solution=solution).delete()[0]:
        count_disputes(solution.project)
    return consensus


# --- gold -------------------------------------------------------------------------------------------------


@transaction.atomic
def make_gold(*, solutions: Sequence[Solution], by: User) -> int:
    """Make adjudicated ratings gold, in place of earlier gold; returns the number of solutions that had any.

    Raises NotAllowed if the reviewer labeled one of the solutions: gold measures all who labeled it.
    """
    own = check_impartial(solutions, by)
    count = 0
    for solution in solutions:
        labels = list(_adjudicated(solution).values_list("step_id", "rating", "self_reviewed"))
        if not labels:
            continue
        ratings = {step_id: rating for step_id, rating, _ in labels}
        self_reviewed = {step_id for step_id, _, is_own in labels if is_own or solution.pk in own}
        earlier = GoldLabel.objects.filter(step__solution=solution)
        before = dict(earlier.values_list("step_id", "rating"))
        explanations = dict(earlier.values_list("step_id", "explanation"))
        earlier.delete()
        GoldLabel.objects.bulk_create(
            GoldLabel(
                step_id=step_id,
                rating=rating,
                origin="adjudicated",
                self_reviewed=step_id in self_reviewed,
                # It explains the rating, so it stays with that.
                explanation=explanations[step_id] if before.get(step_id) == rating else "",
            )
            for step_id, rating in ratings.items()
        )
        StaleSolution.objects.mark(solution.project_id, [solution.pk])
        after: dict[Any, Any] = ratings | self_review_note(is_own=bool(self_reviewed))
        record_event(
            actor=by,
            verb="gold.made",
            target=str(solution.pk),
            project=solution.project.slug,
            before=before or None,
            after=after,
        )
        count += 1
    return count


@transaction.atomic
def make_explained_gold(*, solution: Solution, explanations: Mapping[int, str], by: User) -> bool:
    """Make the adjudicated ratings gold and explain steps of it. Returns whether there were any."""
    is_made = bool(make_gold(solutions=[solution], by=by))
    if explanations:
        explain_gold(solution=solution, explanations=explanations, by=by)
    return is_made


@transaction.atomic
def explain_gold(*, solution: Solution, explanations: Mapping[int, str], by: User) -> None:
    """Set why steps have their gold ratings, by position; an empty text removes it. Training rounds show it.

    Raises DomainError for a position without gold, NotAllowed if the reviewer labeled the solution.
    """
    check_impartial([solution], by)
    labels = GoldLabel.objects.select_for_update(of=("self",)).filter(step__solution=solution, step__chosen=True)
    by_position = {label.step.position: label for label in labels.select_related("step")}
    if unknown := sorted(set(explanations) - set(by_position)):
        raise DomainError(
            "Only a step with gold can be explained.",
            fields={"explanations": f"no gold at position {', '.join(map(str, unknown))}"},
        )
    before = {str(position): by_position[position].explanation for position in explanations}
    for position, text in explanations.items():
        by_position[position].explanation = text.strip()
        by_position[position].save(update_fields=["explanation"])
    record_event(
        actor=by,
        verb="gold.explained",
        target=str(solution.pk),
        project=solution.project.slug,
        before=before,
        after={str(position): text.strip() for position, text in explanations.items()},
    )


@transaction.atomic
def also_accept(*, solution: Solution, first_errors: Sequence[int], by: User) -> None:
    """Set the further first errors that gold accepts, as in PRM800K; NO_ERROR for none.

    Raises DomainError for a position that the solution does not have, NotAllowed if the reviewer labeled it.
    """
    if any(not NO_ERROR <= position < solution.step_count for position in first_errors):
        raise DomainError(
            "A first error is a step of the solution, or none.",
            fields={"first_errors": f"must be between -1 and {solution.step_count - 1}"},
        )
    is_own = bool(check_impartial([solution], by))
    positions = sorted(set(first_errors))
    before = AlsoAcceptable.objects.filter(solution=solution).values_list("first_errors", flat=True).first()
    AlsoAcceptable.objects.update_or_create(solution=solution, defaults={"first_errors": positions})
    StaleSolution.objects.mark(solution.project_id, [solution.pk])
    record_event(
        actor=by,
        verb="gold.also_accepted",
        target=str(solution.pk),
        project=solution.project.slug,
        before=before,
        after={"first_errors": positions, "self_reviewed": True} if is_own else positions,
    )
