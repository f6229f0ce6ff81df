"""What the solutions of a round are, and in how many of them labelers are expected to find an error.

The expectation rests on the project's own counted submissions. A wrong answer without any is expected to have an error, as
some step must be wrong; what share of right answers has one is unknown before the first submissions.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Avg, Count, Q, QuerySet

from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project

_KINDS = {"right": True, "wrong": False, "ungraded": None}  # By `Solution.is_correct`.


@dataclass(frozen=True, slots=True)
class Composition:
    """Counts of solutions by their final answer, the number of their problems, and their mean verifier score."""

    right: int
    wrong: int
    ungraded: int
    problems: int
    mean_score: float | None

    @property
    def solutions(self) -> int:
        return self.right + self.wrong + self.ungraded


@dataclass(frozen=True, slots=True)
class ErrorShares:
    """The share of submissions that found an error, by the final answer; None without submissions."""

    right: float | None
    wrong: float | None
    ungraded: float | None

    def expected(self, composition: Composition) -> float | None:
        """The expected number of solutions with an error; None where the share of some of them is unknown."""
        wrong = 1.0 if self.wrong is None else self.wrong
        parts = [(composition.wrong, wrong), (composition.right, self.right), (composition.ungraded, self.ungraded)]
        if any(count and share is None for count, share in parts):
            return None
        return sum(count * share for count, share in parts if share is not None)


def composition_of(solutions: QuerySet[Solution]) -> Composition:
    counts = {kind: Count("pk", filter=Q(is_correct=is_correct)) for kind, is_correct in _KINDS.items()}
    # A slice cannot be aggregated with its own order.
    chosen = Solution.objects.filter(pk__in=solutions.values("pk"))
    return Composition(
        **chosen.aggregate(**counts, problems=Count("problem", distinct=True), mean_score=Avg("verifier_score"))
    )


def error_shares(project: Project, protocol: str) -> ErrorShares:
    """By the counted submissions of the project's rounds with this protocol."""
    counted = Assignment.objects.counted().filter(round__project=project, round__protocol=protocol)
    found = Q(finish_reason=Assignment.FinishReason.FOUND_ERROR)
    counts: dict[str, Count] = {}
    for kind, is_correct in _KINDS.items():
        of_kind = Q(task__solution__is_correct=is_correct)
        counts |= {kind: Count("pk", filter=of_kind), f"{kind}_found": Count("pk", filter=of_kind & found)}
    totals = counted.aggregate(**counts)
    return ErrorShares(**{kind: totals[f"{kind}_found"] / totals[kind] if totals[kind] else None for kind in _KINDS})


@dataclass(frozen=True, slots=True)
class RoundYield:
    """What a round is expected to find, and what as many solutions drawn at random would."""

    composition: Composition
    expected_errors: float | None
    expected_at_random: float | None


def round_yield(round_: Round, chosen: QuerySet[Solution], eligible: QuerySet[Solution]) -> RoundYield:
    """`chosen` are the round's solutions; `eligible` are those that its filters leave to choose from."""
    shares = error_shares(round_.project, round_.protocol)
    composition, whole = composition_of(chosen), composition_of(eligible)
    of_whole = shares.expected(whole)
    at_random = None if of_whole is None or not whole.solutions else of_whole * composition.solutions / whole.solutions
    return RoundYield(composition, shares.expected(composition), at_random)
