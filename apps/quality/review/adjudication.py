"""Reviewers settle: a step by one word, a solution by naming its first error. Their word stands above every rule.

Whoever labeled the solution is a side and no judge: see `impartiality`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import DomainError
from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, UNKNOWN
from apps.corpus.labels import first_error as first_error_in
from apps.corpus.models import Solution, Step
from apps.labeling.models import Assignment, GoldLabel
from apps.quality.consensus.store import SETTLING
from apps.quality.disputes.detect import count_disputes
from apps.quality.models import AlsoAcceptable, Consensus, How, OpenDispute, Stale, StepConsensus
from apps.quality.review.impartiality import check_sides

Ratings = dict[int, int]


@transaction.atomic
def adjudicate_step(*, step: Step, rating: int | None, by: User, note: str = "") -> Consensus | None:
    """This rating stands for the step; None takes a reviewer's word back. Gives what stands for the solution.

    Raises DomainError for a step off the solution's own path, and for a rating that there is not.
    """
    if rating not in (BAD, OKAY, GREAT, None):
        raise DomainError("A rating is -1, 0 or 1.", fields={"rating": "unknown"})
    if not step.chosen:
        raise DomainError("Only steps on the solution's own path are settled.", fields={"step": "not on the path"})
    solution = _held(step.solution)
    is_own = bool(check_sides([solution], by))
    before = StepConsensus.objects.filter(step=step).first()
    if rating is None:
        StepConsensus.objects.filter(step=step, how=How.ADJUDICATED).delete()
        if not _adjudicated(solution).exists():
            _withdraw_corrections(solution)
    else:
        _put(step.pk, rating, is_own=is_own)
    record_event(
        actor=by,
        verb="step.adjudicated",
        target=str(step.pk),
        project=solution.project.slug,
        before={"rating": before.rating, "how": before.how} if before else None,
        after={"rating": rating, "note": note} | marked(is_own=is_own),
    )
    return _stand(solution, by, note)


@transaction.atomic
def adjudicate_solution(*, solution: Solution, first_error: int, by: User, note: str = "") -> Consensus | None:
    """This position is the first error (-1: there is none). Steps before it that stood as bad become okay.

    Those where nothing stood become great: who names a later first error says that they are not bad.

    Raises DomainError for a position that the solution does not have.
    """
    held = _held(solution)
    is_own = bool(check_sides([held], by))
    steps = list(held.steps.filter(chosen=True).order_by("position"))
    if not -1 <= first_error < len(steps):
        raise DomainError(f"There is no step {first_error + 1}.", fields={"first_error": "unknown"})
    stood = _ratings(held)
    last = first_error if first_error != NO_ERROR else len(steps) - 1
    for step in steps[: last + 1]:
        good = stood.get(step.position, GREAT)
        _put(step.pk, BAD if step.position == first_error else (OKAY if good == BAD else good), is_own=is_own)
    # What stood behind the first error was said by somebody else, and is no part of this word.
    StepConsensus.objects.filter(step__in=steps[last + 1 :], how=How.ADJUDICATED).delete()
    record_event(
        actor=by,
        verb="solution.adjudicated",
        target=str(held.pk),
        project=held.project.slug,
        before={"first_error": _error_of(stood, len(steps))},
        after={"first_error": first_error, "note": note} | marked(is_own=is_own),
    )
    return _stand(held, by, note)


@transaction.atomic
def adjudicate_correction(
    *, solution: Solution, ratings: Mapping[int, int], by: User, note: str, is_own: bool
) -> Consensus | None:
    """What a reviewer's correction says of the path, by position, in place of what reviewers said of it before."""
    held = _held(solution)
    _adjudicated(held).delete()
    for step in held.steps.filter(chosen=True, position__in=ratings.keys()).order_by("position"):
        _put(step.pk, ratings[step.position], is_own=is_own)
    return _stand(held, by, note)


@transaction.atomic
def take_back(*, solution: Solution, by: User) -> int:
    """Withdraw reviewers' words on the solution, corrections included, so that people's count again.

    Returns how many steps had one.
    """
    held = _held(solution)
    is_own = bool(check_sides([held], by))
    words = _adjudicated(held)
    before = dict(words.values_list("step__position", "rating"))
    withdrawn = _withdraw_corrections(held)
    if not (before or withdrawn):
        return 0
    words.delete()
    Consensus.objects.filter(pk=held.pk, how=How.ADJUDICATED).delete()
    record_event(
        actor=by,
        verb="solution.adjudicated",
        target=str(held.pk),
        project=held.project.slug,
        before={"first_error": _error_of(before, held.step_count)},
        after={"first_error": None, "note": ""} | marked(is_own=is_own),
    )
    Stale.objects.mark(held.project_id, [held.pk])
    return len(before) or withdrawn


@transaction.atomic
def adjudicate_as_it_stands(*, solutions: Sequence[Solution], by: User, note: str = "") -> int:
    """What a rule settled becomes a reviewer's word; returns how many. Where no first error stands, nothing is said.

    Raises NotAllowed that names the solutions which the reviewer labeled; then none is settled.
    """
    check_sides(solutions, by)
    for project_id in sorted({one.project_id for one in solutions}):
        advisory_xact_lock(SETTLING, project_id)  # Before it is read: another reviewer's word may be landing.
    stands = Consensus.objects.filter(solution__in=solutions, first_error__isnull=False)
    known = dict(stands.exclude(how=How.ADJUDICATED).order_by("pk").values_list("pk", "first_error"))
    for solution in sorted(solutions, key=lambda one: one.pk):
        first_error = known.get(solution.pk)
        if first_error is not None:
            adjudicate_solution(solution=solution, first_error=first_error, by=by, note=note)
    return len(known)


def _held(solution: Solution) -> Solution:
    """The solution as it is, and nobody else says meanwhile what stands: no other reviewer, and no worker."""
    advisory_xact_lock(SETTLING, solution.project_id)
    return Solution.objects.select_for_update(of=("self",)).select_related("project").get(pk=solution.pk)


def marked(*, is_own: bool) -> dict[str, bool]:
    """What an audit event says in addition of a reviewer who labeled the solution."""
    return {"self_reviewed": True} if is_own else {}


def _put(step_id: int, rating: int, *, is_own: bool) -> None:
    values = {
        "rating": rating,
        "certainty": 1.0,
        "how": How.ADJUDICATED,
        "is_thin": False,
        "self_reviewed": is_own,
    }
    StepConsensus.objects.update_or_create(step_id=step_id, defaults=values)


def _adjudicated(solution: Solution) -> QuerySet[StepConsensus]:
    return StepConsensus.objects.filter(step__solution=solution, step__chosen=True, how=How.ADJUDICATED)


def _withdraw_corrections(solution: Solution) -> int:
    """The labelers' own ratings of the solution count again."""
    corrected = Assignment.objects.filter(task__solution=solution, corrected_by__isnull=False)
    return corrected.update(corrected_by=None)


def _ratings(solution: Solution) -> Ratings:
    rows = StepConsensus.objects.filter(step__solution=solution, step__chosen=True)
    return dict(rows.values_list("step__position", "rating"))


def _error_of(ratings: Mapping[int, int], length: int) -> int | None:
    found = first_error_in(ratings, length)
    return None if found == UNKNOWN else found


def _stand(solution: Solution, by: User, note: str) -> Consensus | None:
    """What follows for the solution at once; a worker looks at it again soon, with all that is known."""
    Stale.objects.mark(solution.project_id, [solution.pk])
    steps = StepConsensus.objects.filter(step__solution=solution, step__chosen=True)
    is_mine = steps.filter(how=How.ADJUDICATED).exists()
    error = _error_of(_ratings(solution), solution.step_count)
    if not is_mine:
        # A word that was taken back stands no longer; what people say is worked out again in a moment.
        Consensus.objects.filter(pk=solution.pk, how=How.ADJUDICATED).delete()
        return Consensus.objects.filter(pk=solution.pk).first()
    told = {
        "project_id": solution.project_id,
        "how": How.ADJUDICATED,
        "first_error": error,
        "settled_by": by,
        "note": note,
        "state": Consensus.State.OPEN if error is None else Consensus.State.SETTLED,
        "certainty": 0.0 if error is None else 1.0,
        "at": timezone.now(),
    }
    stands, _ = Consensus.objects.update_or_create(solution=solution, defaults=told)
    if error is not None and OpenDispute.objects.filter(solution=solution).delete()[0]:
        count_disputes(solution.project)
    return stands


@transaction.atomic
def make_gold(*, solutions: Sequence[Solution], by: User) -> int:
    """Adjudicated ratings become gold, in place of gold that stood; returns the number of solutions that had any.

    Gold judges everybody who labeled the solution: whoever did so does not make it, unless the project allows it.
    """
    own = check_sides(solutions, by)
    count = 0
    for solution in solutions:
        ratings = _adjudicated(solution).values_list("step_id", "rating", "self_reviewed")
        said = {step_id: rating for step_id, rating, _ in ratings}
        if not said:
            continue
        is_own = solution.pk in own
        self_reviewed = {step_id for step_id, _, by_a_side in ratings if by_a_side or is_own}
        before = dict(GoldLabel.objects.filter(step__solution=solution).values_list("step_id", "rating"))
        GoldLabel.objects.filter(step__solution=solution).delete()
        GoldLabel.objects.bulk_create(
            GoldLabel(step_id=pk, rating=one, origin="adjudicated", self_reviewed=pk in self_reviewed)
            for pk, one in said.items()
        )
        Stale.objects.mark(solution.project_id, [solution.pk])
        record_event(
            actor=by,
            verb="gold.made",
            target=str(solution.pk),
            project=solution.project.slug,
            before=before or None,
            after=said | marked(is_own=bool(self_reviewed)),
        )
        count += 1
    return count


@transaction.atomic
def also_accept(*, solution: Solution, first_errors: Sequence[int], by: User) -> None:
    """Further first errors that gold takes for right, as PRM800K's researchers marked them; -1 is "no error"."""
    if any(not -1 <= one < solution.step_count for one in first_errors):
        raise DomainError("A first error is a step of the solution, or none.", fields={"first_errors": "unknown"})
    is_own = bool(check_sides([solution], by))
    wanted = sorted(set(first_errors))
    before = AlsoAcceptable.objects.filter(solution=solution).values_list("first_errors", flat=True).first()
    AlsoAcceptable.objects.update_or_create(solution=solution, defaults={"first_errors": wanted})
    Stale.objects.mark(solution.project_id, [solution.pk])
    record_event(
        actor=by,
        verb="gold.also_accepted",
        target=str(solution.pk),
        project=solution.project.slug,
        before=before,
        after={"first_errors": wanted, "self_reviewed": True} if is_own else wanted,
    )
