"""Which tasks a round would have if it opened now. Opening stores the plan, the preview counts it; planning writes nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.core.errors import DomainError
from apps.corpus.comparisons import Pair
from apps.corpus.models import RESPLIT_INTO, Solution
from apps.inference.grants import check_usable
from apps.labeling.models import GoldLabel, Round, Task
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.protocols.comparison import ComparisonOptions
from apps.labeling.rounds.empty_solutions import selected_problems
from apps.labeling.rounds.pairs import existing_sides, planned_pairs
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Project

# Terms about properties that labelers see: gold that does not satisfy them would stand out among the tasks.
_VISIBLE_TERMS = ("subject", "level")


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """The tasks of a round in the order of their creation; of equal `priority` the first is served first.

    At most one of `solutions`, `problems`, `comparisons` and `pairs` holds the ordinary tasks: ids of solutions, of
    problems that get an empty solution, of existing comparisons, or pairs that become comparisons when the round opens.
    `gold` are ids of solutions. `refusal` says why the round cannot be opened.
    """

    solutions: Sequence[int] = ()
    problems: Sequence[int] = ()
    comparisons: Sequence[int] = ()
    pairs: Sequence[Pair] = ()
    gold: Sequence[int] = ()
    priorities: Sequence[int] = field(default=())
    refusal: DomainError | None = None

    @property
    def ordinary(self) -> Sequence[Any]:
        return self.solutions or self.problems or self.comparisons or self.pairs

    def in_order(self) -> list[Any]:
        """The ordinary tasks in the order in which the queue serves them."""
        ranked = zip(self.priorities or [0] * len(self.ordinary), self.ordinary, strict=True)
        return [subject for _, subject in sorted(ranked, key=lambda pair: -pair[0])]


def plan_round(round_: Round, added: str | None = None) -> RoundPlan:
    """The round's plan; the round need not be saved. Raises DomainError for a selection that cannot be parsed.

    With `added`, another selection for a round that has opened: its plan leaves out what has a task in the round already.
    """
    selection = Selection.parse(round_.selection.get("select", "all") if added is None else added)
    plan = plan_solutions
    if PROTOCOLS[round_.protocol].of == "comparison":
        plan = plan_comparisons
    elif round_.options.get("starts_from") == "problems":
        plan = plan_problems
    try:
        check_endpoint(round_)
        return plan(round_, selection)
    except DomainError as error:
        # A valid term may not be applicable now, for example while the run that it names is under way.
        return RoundPlan(refusal=error)


def selectable_solutions(project: Project) -> QuerySet[Solution]:
    """The solutions that a selection chooses from: those with steps, of problems that are not retired.

    Of a solution whose steps were split again, only the newest version.
    """
    solutions = Solution.objects.filter(project=project, step_count__gt=0, problem__retired_at=None)
    return solutions.exclude(extras__has_key=RESPLIT_INTO)


def selectable_in(round_: Round) -> QuerySet[Solution]:
    """What the round's selection chooses from: in a round that has opened, solutions without a task in it."""
    solutions = selectable_solutions(round_.project)
    if round_.task_count:
        return solutions.exclude(pk__in=Task.objects.filter(round=round_, solution__isnull=False).values("solution"))
    return solutions


def solutions_with_gold(project: Project, selection: Selection | None = None) -> set[int]:
    """Ids of the selectable solutions with gold labels that satisfy the selection's visible terms.

    Two queries, starting from the gold: as one join, PostgreSQL may start from all steps while it has no statistics of
    the tables yet.
    """
    gold = GoldLabel.objects.filter(step__chosen=True, step__solution__project=project).order_by()
    ids = set(gold.values_list("step__solution_id", flat=True))
    visible = tuple(term for term in selection.terms if term[0] in _VISIBLE_TERMS) if selection else ()
    solutions = Selection(visible).apply(selectable_solutions(project).filter(pk__in=ids))
    return set(solutions.values_list("pk", flat=True))


def reserved_gold(round_: Round) -> set[int]:
    """Solutions that a round of gold must leave out: training shows the answers of those that it has, so that no screening
    may test them, however old it is; it may be opened again."""
    kinds = {Round.Kind.SCREENING: Round.Kind.TRAINING, Round.Kind.TRAINING: Round.Kind.SCREENING}
    others = Round.objects.filter(project=round_.project, kind=kinds[Round.Kind(round_.kind)], origin="")
    return set(Task.objects.filter(round__in=others, is_gold=True).values_list("solution_id", flat=True))


# --- by the kind of task ----------------------------------------------------------------------------------


def plan_solutions(round_: Round, selection: Selection) -> RoundPlan:
    ids = list(selection.apply(selectable_in(round_)).values_list("id", flat=True))
    if round_.is_all_gold:
        # It consists of the gold among the selected solutions, and of nothing else.
        all_gold = solutions_with_gold(round_.project)
        selected, reserved = all_gold.intersection(ids), reserved_gold(round_)
        gold = sorted(selected - reserved)
        refusal = (
            None if gold else all_gold_error(round_, selection, is_anywhere=bool(all_gold), is_reserved=bool(selected))
        )
        return RoundPlan(gold=gold, refusal=refusal)
    gold_ids = solutions_with_gold(round_.project, selection) if round_.gold_share else set()
    ordinary = [pk for pk in ids if pk not in gold_ids]
    if gold_ids:
        # Unshuffled, solutions of one problem would follow each other, and gold between them would stand out.
        random.Random(round_.pk).shuffle(ordinary)  # noqa: S311 - it hides no secret
    rank = selection.priorities(round_.project)
    return RoundPlan(
        solutions=ordinary,
        gold=sorted(gold_ids),
        priorities=[rank.get(pk, 0) for pk in ordinary],
        refusal=solutions_error(round_, selection, fitting=len(ids), ordinary=len(ordinary), gold=len(gold_ids)),
    )


def plan_problems(round_: Round, selection: Selection) -> RoundPlan:
    if round_.gold_share:
        return RoundPlan(refusal=problems_gold_error())
    ids = list(selected_problems(round_, selection).values_list("id", flat=True))
    if ids:
        return RoundPlan(problems=ids)
    return RoundPlan(refusal=no_problem_error(selection))


def plan_comparisons(round_: Round, selection: Selection) -> RoundPlan:
    if round_.gold_share:
        return RoundPlan(refusal=comparisons_gold_error())
    if selection.by:
        return RoundPlan(refusal=comparisons_by_error())
    options = options_of(round_.protocol, round_.options)
    assert isinstance(options, ComparisonOptions)
    rank, solutions = selection.priorities(round_.project), selectable_solutions(round_.project)
    if options.pairs == "existing":
        sides = existing_sides(solutions, selection)
        plan = RoundPlan(
            comparisons=[pk for pk, _, _ in sides],
            priorities=_ranked(sides, rank, lambda side: (side[1], side[2])),
        )
    else:
        pairs = planned_pairs(options, selection, solutions)
        plan = RoundPlan(
            pairs=pairs,
            priorities=_ranked(pairs, rank, lambda pair: (pair.left.solution_id, pair.right.solution_id)),
        )
    return plan if plan.ordinary else RoundPlan(refusal=nothing_to_compare_error(selection))


def _ranked(comparisons: Sequence[Any], rank: Mapping[int, int], sides: Callable[[Any], tuple[int, int]]) -> list[int]:
    """The priority of each comparison: the higher one of its two sides."""
    return [max(rank.get(pk, 0) for pk in sides(comparison)) for comparison in comparisons]


# --- why a round cannot be opened -------------------------------------------------------------------------


def check_endpoint(round_: Round) -> None:
    """Raises DomainError if the round's endpoint is no longer granted to its project."""
    if round_.endpoint is not None:
        check_usable(round_.endpoint, round_.project)


def solutions_error(
    round_: Round, selection: Selection, *, fitting: int, ordinary: int, gold: int
) -> DomainError | None:
    """Why a round over solutions cannot be opened, given how many are selected, are ordinary and are gold."""
    if round_.gold_share and not gold:
        return DomainError(
            f"No solution with gold labels could be served together with {selection}.",
            fields={"gold_share": "no gold yet"},
        )
    if not fitting:
        return DomainError(f"No solution matches {selection}.", code="empty", fields={"select": "matches no solution"})
    if not ordinary:
        return DomainError(
            f"Every solution that matches {selection} has gold labels, so nothing else would be left to label. "
            "Select more solutions, set the share of gold to 0, or make the round a screening.",
            code="empty",
            fields={"select": "matches only gold"},
        )
    return None


def all_gold_error(round_: Round, selection: Selection, *, is_anywhere: bool, is_reserved: bool) -> DomainError:
    """Why a screening or training has no tasks."""
    if not is_reserved:
        return no_gold_error(selection, is_anywhere=is_anywhere)
    if round_.is_training:
        message = "All gold that is selected belongs to a screening, which training would give away."
    else:
        message = "All gold that is selected belongs to a training round, which has shown its answers."
    return DomainError(f"{message} Make more gold.", code="empty", fields={"select": "matches no gold that is free"})


def no_gold_error(selection: Selection, *, is_anywhere: bool) -> DomainError:
    if not is_anywhere:
        return DomainError("No solution of this project has gold labels.", fields={"gold_share": "no gold yet"})
    return DomainError(
        f"No solution that matches {selection} has gold labels.", code="empty", fields={"select": "matches no gold"}
    )


def problems_gold_error() -> DomainError:
    message = "A round that starts from problems has no gold: its tasks have no steps yet."
    return DomainError(message, fields={"gold_share": "must be 0 for problems"})


def no_problem_error(selection: Selection) -> DomainError:
    return DomainError(f"No problem matches {selection}.", code="empty", fields={"select": "matches no problem"})


def comparisons_gold_error() -> DomainError:
    return DomainError("Comparisons have no gold labels.", fields={"gold_share": "must be 0 for comparisons"})


def comparisons_by_error() -> DomainError:
    message = "by: chooses solutions. A round of comparisons draws its pairs at random."
    return DomainError(message, fields={"select": "not available for comparisons: by"})


def nothing_to_compare_error(selection: Selection) -> DomainError:
    return DomainError(
        f"Nothing to compare matches {selection}.", code="empty", fields={"select": "matches nothing to compare"}
    )
