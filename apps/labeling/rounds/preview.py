"""A preview of a round: what it would be if it opened now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.core.errors import DomainError
from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.labeling.activity import team_pace
from apps.labeling.median_time import seconds_per_assignment
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.eligibility import NoTask, eligibility_of_members
from apps.labeling.rounds.composition import RoundYield, round_yield
from apps.labeling.rounds.forecast import TeamPace
from apps.labeling.rounds.plan import RoundPlan, plan_round, selectable_solutions
from apps.labeling.rounds.selection import Selection
from apps.labeling.rounds.warnings import RoundWarning, round_warnings
from apps.projects.models import Membership

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class ExampleTask:
    """A task as labelers would see it: one solution, two sides to compare, or a problem without steps."""

    problem: Problem
    sides: Sequence[Sequence[str]]
    solutions: Sequence[Solution]

    @property
    def is_pair(self) -> bool:
        return len(self.sides) == 2


@dataclass(frozen=True, slots=True)
class RoundPreview:
    """The figures of a round, who may work in it, and its first tasks. `refusal` says why it cannot be opened.

    `expected` is what labelers should find in a round whose tasks are solutions; None for other rounds.
    """

    tasks: int
    gold_tasks: int
    redundancy: int
    seconds_each: float | None
    may_work: Sequence[Membership]
    may_not: Sequence[tuple[Membership, NoTask]]
    first_tasks: Sequence[ExampleTask]
    is_all_gold: bool
    refusal: DomainError | None
    expected: RoundYield | None = None
    warnings: Sequence[RoundWarning] = ()
    pace: TeamPace = field(default_factory=TeamPace)
    now: datetime | None = None

    @property
    def end(self) -> datetime | None:
        """When the round would be complete at the team's own pace, if it opened now."""
        return self.pace.end(self.seconds, self.now) if self.seconds is not None and self.now is not None else None

    @property
    def why_no_end(self) -> str:
        """Why the end is not known, as a clause; empty where it is."""
        if self.end is not None:
            return ""
        if self.pace.why_unknown:
            return self.pace.why_unknown
        return "no pace yet: nothing was submitted with this protocol" if self.seconds is None else "years away"

    @property
    def examples(self) -> list[Solution]:
        """The solutions of the first tasks."""
        return [solution for task in self.first_tasks for solution in task.solutions]

    @property
    def is_counted(self) -> bool:
        """Whether the task figures mean anything: some refusals come before tasks can be counted."""
        return self.refusal is None or self.refusal.code == "empty" or bool(self.tasks or self.gold_tasks)

    @property
    def submissions(self) -> int:
        """The submissions of labelers: in a screening and in training, everyone who may work does all tasks."""
        return self.gold_tasks * len(self.may_work) if self.is_all_gold else self.tasks * self.redundancy

    @property
    def seconds(self) -> float | None:
        return self.submissions * self.seconds_each if self.seconds_each is not None else None

    @property
    def hours(self) -> float | None:
        return self.seconds / 3600 if self.seconds is not None else None

    @property
    def seconds_per_person(self) -> float | None:
        return self.seconds / len(self.may_work) if self.seconds is not None and self.may_work else None


def preview_of(round_: Round) -> RoundPreview:
    """The preview of the plan that opening would store."""
    plan, members, now = plan_round(round_), eligibility_of_members(round_), timezone.now()
    may_work = [member for member, reason in members if reason is None]
    same_protocol = Assignment.objects.filter(round__project=round_.project, round__protocol=round_.protocol)
    return RoundPreview(
        tasks=len(plan.ordinary),
        gold_tasks=len(plan.gold),
        redundancy=round_.redundancy,
        seconds_each=seconds_per_assignment(same_protocol),
        may_work=may_work,
        may_not=[(member, reason) for member, reason in members if reason is not None],
        first_tasks=example_tasks(plan),
        is_all_gold=round_.is_all_gold,
        refusal=plan.refusal,
        expected=expected_yield(round_, plan) if plan.solutions else None,
        warnings=round_warnings(round_, plan, people=len(may_work)),
        pace=team_pace(round_.project, now=now),
        now=now,
    )


def expected_yield(round_: Round, plan: RoundPlan) -> RoundYield:
    selection = Selection.parse(round_.selection.get("select", "all"))
    solutions = selectable_solutions(round_.project).exclude(pk__in=plan.gold)
    eligible = replace(selection, sample=None, by="").apply(solutions)
    return round_yield(round_, Solution.objects.filter(pk__in=plan.solutions), eligible)


def example_tasks(plan: RoundPlan) -> list[ExampleTask]:
    first: Sequence[Any] = (plan.in_order() or plan.gold)[:EXAMPLES]
    if plan.problems:
        problems = Problem.objects.in_bulk(first)
        return [ExampleTask(problems[pk], [], []) for pk in first]
    if plan.comparisons:
        comparisons = Comparison.objects.in_bulk(first)
        sides = [
            [(comparison.left_id, comparison.left_step_id), (comparison.right_id, comparison.right_step_id)]
            for comparison in (comparisons[pk] for pk in first)
        ]
    elif plan.pairs:
        sides = [[(side.solution_id, side.step_id) for side in (pair.left, pair.right)] for pair in first]
    else:
        sides = [[(pk, None)] for pk in first]
    ids = {solution_id for task in sides for solution_id, _ in task}
    solutions = Solution.objects.select_related("problem").in_bulk(ids)
    return [
        ExampleTask(
            problem=solutions[task[0][0]].problem,
            sides=[_side(solution_id, step_id) for solution_id, step_id in task],
            solutions=[solutions[solution_id] for solution_id, _ in task],
        )
        for task in sides
    ]


def _side(solution_id: int, step_id: int | None) -> list[str]:
    """The texts of the whole solution, or of the one candidate that is compared."""
    steps = (
        Step.objects.filter(pk=step_id)
        if step_id is not None
        else Step.objects.filter(solution=solution_id, chosen=True)
    )
    return list(steps.order_by("position").values_list("text", flat=True))
