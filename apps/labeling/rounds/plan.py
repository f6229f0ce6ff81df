"""What a round asks: made once, counted by its preview and stored when it opens. Making a plan writes nothing."""

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
from apps.labeling.models import GoldLabel, Round
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.protocols.comparison import ComparisonOptions
from apps.labeling.rounds.empty_solutions import selected_problems
from apps.labeling.rounds.pairs import existing_sides, planned_pairs
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Project

# Terms about what a labeler sees of a problem: gold that they do not hold for would stand out among the tasks.
_VISIBLE_TERMS = ("subject", "level")


@dataclass(frozen=True, slots=True)
class RoundPlan:
    """The tasks of a round, in the order in which they are made; of equal `priority` the first is served first.

    Exactly one of `solutions`, `problems`, `comparisons` and `pairs` may hold ordinary tasks: solutions, problems of
    which blank solutions are made, comparisons that stand already, and those that are made when the round opens.
    `gold` are solutions. `refusal` says why the round cannot be opened.
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
        """The ordinary tasks as the queue serves them."""
        ranked = zip(self.priorities or [0] * len(self.ordinary), self.ordinary, strict=True)
        return [thing for _, thing in sorted(ranked, key=lambda one: -one[0])]


def plan_round(round_: Round) -> RoundPlan:
    """What the round would ask if it opened now. Raises DomainError for terms that cannot be read at all."""
    selection = Selection.parse(round_.selection.get("select", "all"))
    plan = _plan_solutions
    if PROTOCOLS[round_.protocol].of == "comparison":
        plan = _plan_comparisons
    elif round_.options.get("starts_from") == "problems":
        plan = _plan_problems
    try:
        check_endpoint(round_)
        return plan(round_, selection)
    except DomainError as error:
        # A term that can be read may not hold now: the run that it names is under way.
        return RoundPlan(refusal=error)


def askable(project: Project) -> QuerySet[Solution]:
    """The solutions that a selection chooses from: those with steps, of problems that are not retired.

    Of a solution whose steps were parted anew it is the newer version.
    """
    found = Solution.objects.filter(project=project, step_count__gt=0, problem__retired_at=None)
    return found.exclude(extras__has_key=RESPLIT_INTO)


def with_gold(project: Project, selection: Selection | None = None) -> set[int]:
    """Ids of the project's solutions that have gold labels and may be asked about, beside others of the selection.

    From the gold on, in two steps: as one join PostgreSQL may begin with all steps, where it knows nothing of the
    tables yet.
    """
    known = GoldLabel.objects.filter(step__chosen=True, step__solution__project=project).order_by()
    ids = set(known.values_list("step__solution_id", flat=True))
    visible = tuple(term for term in selection.terms if term[0] in _VISIBLE_TERMS) if selection else ()
    solutions = Selection(visible).apply(askable(project).filter(pk__in=ids))
    return set(solutions.values_list("pk", flat=True))


# --- by what is asked about -------------------------------------------------------------------------------


def _plan_solutions(round_: Round, selection: Selection) -> RoundPlan:
    ids = list(selection.apply(askable(round_.project)).values_list("id", flat=True))
    if round_.is_screening:
        # A screening asks about the gold among what is selected, and about nothing else.
        known = with_gold(round_.project)
        gold = sorted(known.intersection(ids))
        return RoundPlan(gold=gold, refusal=None if gold else no_gold(selection, is_anywhere=bool(known)))
    gold_ids = with_gold(round_.project, selection) if round_.gold_share else set()
    ordinary = [pk for pk in ids if pk not in gold_ids]
    if gold_ids:
        # Solutions of one problem would come one after another, and gold between them would show.
        random.Random(round_.pk).shuffle(ordinary)  # noqa: S311 - it mixes, it hides no secret
    rank = selection.priorities(round_.project)
    return RoundPlan(
        solutions=ordinary,
        gold=sorted(gold_ids),
        priorities=[rank.get(pk, 0) for pk in ordinary],
        refusal=refuse_solutions(round_, selection, fitting=len(ids), ordinary=len(ordinary), gold=len(gold_ids)),
    )


def _plan_problems(round_: Round, selection: Selection) -> RoundPlan:
    if round_.gold_share:
        return RoundPlan(refusal=refuse_gold_of_problems())
    ids = list(selected_problems(round_.project, selection).values_list("id", flat=True))
    if ids:
        return RoundPlan(problems=ids)
    return RoundPlan(refusal=no_problem(selection))


def _plan_comparisons(round_: Round, selection: Selection) -> RoundPlan:
    if round_.gold_share:
        return RoundPlan(refusal=refuse_gold_of_comparisons())
    options = options_of(round_.protocol, round_.options)
    assert isinstance(options, ComparisonOptions)
    rank, solutions = selection.priorities(round_.project), askable(round_.project)
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
    return plan if plan.ordinary else RoundPlan(refusal=nothing_to_compare(selection))


def _ranked(things: Sequence[Any], rank: Mapping[int, int], sides: Callable[[Any], tuple[int, int]]) -> list[int]:
    """A comparison comes as early as the earlier of its two sides."""
    return [max(rank.get(pk, 0) for pk in sides(thing)) for thing in things]


# --- why a round cannot be opened -------------------------------------------------------------------------


def check_endpoint(round_: Round) -> None:
    """Raises DomainError where the round's endpoint is no longer granted to its project."""
    if round_.endpoint is not None:
        check_usable(round_.endpoint, round_.project)


def refuse_solutions(
    round_: Round, selection: Selection, *, fitting: int, ordinary: int, gold: int
) -> DomainError | None:
    if round_.gold_share and not gold:
        return DomainError(
            f"No solution that could be served beside {selection} has gold labels.",
            fields={"gold_share": "no gold yet"},
        )
    if not fitting:
        return DomainError(f"No solution fits {selection}.", code="empty", fields={"select": "fits no solution"})
    if not ordinary:
        return DomainError(
            f"Every solution that fits {selection} has gold labels: nothing would be left to label beside the gold. "
            "Select more solutions, set the share of gold to 0, or make the round a screening.",
            code="empty",
            fields={"select": "fits gold alone"},
        )
    return None


def no_gold(selection: Selection, *, is_anywhere: bool) -> DomainError:
    if not is_anywhere:
        return DomainError("No solution of this project has gold labels.", fields={"gold_share": "no gold yet"})
    return DomainError(
        f"No solution that fits {selection} has gold labels.", code="empty", fields={"select": "fits no gold"}
    )


def refuse_gold_of_problems() -> DomainError:
    message = "Where a round starts from problems nothing is written yet: no step of it can have gold labels."
    return DomainError(message, fields={"gold_share": "there is no gold of problems"})


def no_problem(selection: Selection) -> DomainError:
    return DomainError(f"No problem fits {selection}.", code="empty", fields={"select": "fits no problem"})


def refuse_gold_of_comparisons() -> DomainError:
    return DomainError("No comparison has a known answer.", fields={"gold_share": "there is no gold of comparisons"})


def nothing_to_compare(selection: Selection) -> DomainError:
    return DomainError(
        f"Nothing to compare fits {selection}.", code="empty", fields={"select": "fits nothing to compare"}
    )
