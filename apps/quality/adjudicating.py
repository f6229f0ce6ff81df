"""Reviewers settle: a step by one word, a solution by naming its first error. Their word stands above every rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.bulk import lock_project
from apps.core.errors import DomainError
from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, UNKNOWN
from apps.corpus.labels import first_error as first_error_in
from apps.corpus.models import Solution, Step
from apps.labeling.models import GoldLabel
from apps.quality.disputing import count_disputes
from apps.quality.models import AlsoAcceptable, Consensus, How, OpenDispute, Stale, StepConsensus
from apps.quality.storing import SETTLING

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
    before = StepConsensus.objects.filter(step=step).first()
    if rating is None:
        StepConsensus.objects.filter(step=step, how=How.ADJUDICATED).delete()
    else:
        _put(step.pk, rating)
    record_event(
        actor=by, verb="step.adjudicated", target=str(step.pk), project=solution.project.slug,
        before={"rating": before.rating, "how": before.how} if before else None, after={"rating": rating, "note": note},
    )  # fmt: skip
    return _stand(solution, by, note)


@transaction.atomic
def adjudicate_solution(*, solution: Solution, first_error: int, by: User, note: str = "") -> Consensus | None:
    """This position is the first error (-1: there is none). Steps before it that stood as bad become okay.

    Those where nothing stood become great: who names a later first error says that they are not bad.

    Raises DomainError for a position that the solution does not have.
    """
    held = _held(solution)
    steps = list(held.steps.filter(chosen=True).order_by("position"))
    if not -1 <= first_error < len(steps):
        raise DomainError(f"There is no step {first_error + 1}.", fields={"first_error": "unknown"})
    stood = _ratings(held)
    last = first_error if first_error != NO_ERROR else len(steps) - 1
    for step in steps[: last + 1]:
        good = stood.get(step.position, GREAT)
        _put(step.pk, BAD if step.position == first_error else (OKAY if good == BAD else good))
    # What stood behind the first error was said by somebody else, and is no part of this word.
    StepConsensus.objects.filter(step__in=steps[last + 1 :], how=How.ADJUDICATED).delete()
    record_event(
        actor=by, verb="solution.adjudicated", target=str(held.pk), project=held.project.slug,
        before={"first_error": _error_of(stood, len(steps))}, after={"first_error": first_error, "note": note},
    )  # fmt: skip
    return _stand(held, by, note)


@transaction.atomic
def take_back(*, solution: Solution, by: User) -> int:
    """Reviewers' words on the solution are withdrawn, and people's count again; gives how many steps had one."""
    held = _held(solution)
    words = StepConsensus.objects.filter(step__solution=held, step__chosen=True, how=How.ADJUDICATED)
    before = dict(words.values_list("step__position", "rating"))
    if not before:
        return 0
    words.delete()
    Consensus.objects.filter(pk=held.pk, how=How.ADJUDICATED).delete()
    record_event(
        actor=by, verb="solution.adjudicated", target=str(held.pk), project=held.project.slug,
        before={"first_error": _error_of(before, held.step_count)}, after={"first_error": None, "note": ""},
    )  # fmt: skip
    Stale.objects.mark(held.project_id, [held.pk])
    return len(before)


@transaction.atomic
def adjudicate_as_it_stands(*, solutions: Sequence[Solution], by: User, note: str = "") -> int:
    """What a rule settled becomes a reviewer's word; gives how many. Where no first error stands, nothing is said."""
    for project_id in sorted({one.project_id for one in solutions}):
        lock_project(project_id, SETTLING)  # Before it is read: another reviewer's word may be landing.
    stands = Consensus.objects.filter(solution__in=solutions, first_error__isnull=False)
    known = dict(stands.exclude(how=How.ADJUDICATED).order_by("pk").values_list("pk", "first_error"))
    for solution in sorted(solutions, key=lambda one: one.pk):
        first_error = known.get(solution.pk)
        if first_error is not None:
            adjudicate_solution(solution=solution, first_error=first_error, by=by, note=note)
    return len(known)


def _held(solution: Solution) -> Solution:
    """The solution as it is, and nobody else says meanwhile what stands: no other reviewer, and no worker."""
    lock_project(solution.project_id, SETTLING)
    return Solution.objects.select_for_update(of=("self",)).select_related("project").get(pk=solution.pk)


def _put(step_id: int, rating: int) -> None:
    told = {"rating": rating, "certainty": 1.0, "how": How.ADJUDICATED, "is_thin": False}
    StepConsensus.objects.update_or_create(step_id=step_id, defaults=told)


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
        "project_id": solution.project_id, "how": How.ADJUDICATED, "first_error": error, "settled_by": by, "note": note,
        "state": Consensus.State.OPEN if error is None else Consensus.State.SETTLED,
        "certainty": 0.0 if error is None else 1.0, "at": timezone.now(),
    }  # fmt: skip
    stands, _ = Consensus.objects.update_or_create(solution=solution, defaults=told)
    if error is not None and OpenDispute.objects.filter(solution=solution).delete()[0]:
        count_disputes(solution.project)
    return stands


@transaction.atomic
def make_gold(*, solutions: Sequence[Solution], by: User) -> int:
    """Adjudicated ratings become gold, in place of gold that stood; gives the number of solutions that had any."""
    count = 0
    for solution in solutions:
        ratings = StepConsensus.objects.filter(step__solution=solution, step__chosen=True, how=How.ADJUDICATED)
        said = dict(ratings.values_list("step_id", "rating"))
        if not said:
            continue
        before = dict(GoldLabel.objects.filter(step__solution=solution).values_list("step_id", "rating"))
        GoldLabel.objects.filter(step__solution=solution).delete()
        GoldLabel.objects.bulk_create(
            GoldLabel(step_id=pk, rating=one, origin="adjudicated") for pk, one in said.items()
        )
        Stale.objects.mark(solution.project_id, [solution.pk])
        record_event(
            actor=by, verb="gold.made", target=str(solution.pk), project=solution.project.slug,
            before=before or None, after=said,
        )  # fmt: skip
        count += 1
    return count


@transaction.atomic
def also_accept(*, solution: Solution, first_errors: Sequence[int], by: User) -> None:
    """Further first errors that gold takes for right, as PRM800K's researchers marked them; -1 is "no error"."""
    if any(not -1 <= one < solution.step_count for one in first_errors):
        raise DomainError("A first error is a step of the solution, or none.", fields={"first_errors": "unknown"})
    wanted = sorted(set(first_errors))
    before = AlsoAcceptable.objects.filter(solution=solution).values_list("first_errors", flat=True).first()
    AlsoAcceptable.objects.update_or_create(solution=solution, defaults={"first_errors": wanted})
    Stale.objects.mark(solution.project_id, [solution.pk])
    record_event(
        actor=by, verb="gold.also_accepted", target=str(solution.pk), project=solution.project.slug,
        before=before, after=wanted,
    )  # fmt: skip
