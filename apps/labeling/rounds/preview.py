"""What a round would be if it opened now: looked at before it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.core.errors import DomainError
from apps.corpus.comparisons import Pair
from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.labeling.assignments.timing import seconds_per_assignment
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.eligibility import NoTask, admitted
from apps.labeling.rounds.plan import RoundPlan, plan_round
from apps.projects.models import Membership

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """A task as labelers would see it: one solution, two sides to compare, or a problem without any step."""

    problem: Problem
    sides: Sequence[Sequence[str]]
    solutions: Sequence[Solution]

    @property
    def is_pair(self) -> bool:
        return len(self.sides) == 2


@dataclass(frozen=True, slots=True)
class Preview:
    """Figures of a round, who may work in it, and what would be served first. `refusal`: why it cannot be opened."""

    tasks: int
    gold_tasks: int
    redundancy: int
    seconds_each: float | None
    may_work: Sequence[Membership]
    may_not: Sequence[tuple[Membership, NoTask]]
    first_tasks: Sequence[Example]
    is_screening: bool
    refusal: DomainError | None

    @property
    def examples(self) -> list[Solution]:
        """The solutions that the first tasks ask about."""
        return [solution for task in self.first_tasks for solution in task.solutions]

    @property
    def is_counted(self) -> bool:
        """Whether the figures of its tasks say anything: a refusal may come before there is anything to count."""
        return self.refusal is None or self.refusal.code == "empty" or bool(self.tasks or self.gold_tasks)

    @property
    def submissions(self) -> int:
        """Those that people hand in: in a screening everybody who may work does all of it."""
        return self.gold_tasks * len(self.may_work) if self.is_screening else self.tasks * self.redundancy

    @property
    def seconds(self) -> float | None:
        return self.submissions * self.seconds_each if self.seconds_each is not None else None

    @property
    def hours(self) -> float | None:
        return self.seconds / 3600 if self.seconds is not None else None

    @property
    def seconds_per_person(self) -> float | None:
        return self.seconds / len(self.may_work) if self.seconds is not None and self.may_work else None


def preview_of(round_: Round) -> Preview:
    """The plan that opening stores, counted."""
    plan, members = plan_round(round_), admitted(round_)
    of_its_kind = Assignment.objects.filter(round__project=round_.project, round__protocol=round_.protocol)
    return Preview(
        tasks=len(plan.ordinary),
        gold_tasks=len(plan.gold),
        redundancy=round_.redundancy,
        seconds_each=seconds_per_assignment(of_its_kind),
        may_work=[member for member, refused in members if refused is None],
        may_not=[(member, refused) for member, refused in members if refused is not None],
        first_tasks=_examples(plan),
        is_screening=round_.is_screening,
        refusal=plan.refusal,
    )


def _examples(plan: RoundPlan) -> list[Example]:
    first: Sequence[Any] = (plan.in_order() or plan.gold)[:EXAMPLES]
    if plan.problems:
        problems = Problem.objects.in_bulk(first)
        return [Example(problems[pk], [], []) for pk in first]
    if plan.comparisons:
        compared = Comparison.objects.select_related("problem", "left", "right").in_bulk(first)
        return [_of_comparison(compared[pk]) for pk in first]
    if plan.pairs:
        return [_of_pair(pair) for pair in first]
    found = Solution.objects.select_related("problem").in_bulk(first)
    return [Example(found[pk].problem, [_side(pk, None)], [found[pk]]) for pk in first]


def _of_comparison(one: Comparison) -> Example:
    sides = [_side(one.left_id, one.left_step_id), _side(one.right_id, one.right_step_id)]
    return Example(one.problem, sides, [one.left, one.right])


def _of_pair(pair: Pair) -> Example:
    sides = [_side(side.solution_id, side.step_id) for side in (pair.left, pair.right)]
    ids = [pair.left.solution_id, pair.right.solution_id]
    found = Solution.objects.select_related("problem").in_bulk(ids)
    return Example(found[ids[0]].problem, sides, [found[pk] for pk in ids])


def _side(solution_id: int, step_id: int | None) -> list[str]:
    """The whole solution, or the one candidate that is compared."""
    steps = (
        Step.objects.filter(pk=step_id)
        if step_id is not None
        else Step.objects.filter(solution=solution_id, chosen=True)
    )
    return list(steps.order_by("position").values_list("text", flat=True))
