"""Counts the tasks that a round would have, in the database: a quick figure while its settings are filled in.

`plan.py` lists the tasks instead. Counting stops at a limit, so that a million solutions cost no more than a few.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.protocols.comparison import ComparisonOptions
from apps.labeling.rounds.empty_solutions import selected_problems
from apps.labeling.rounds.pairs import existing_count, pair_count
from apps.labeling.rounds.plan import (
    all_gold_error,
    check_endpoint,
    comparisons_by_error,
    comparisons_gold_error,
    no_problem_error,
    nothing_to_compare_error,
    problems_gold_error,
    reserved_gold,
    selectable_solutions,
    solutions_error,
    solutions_with_gold,
)
from apps.labeling.rounds.selection import Selection


@dataclass(frozen=True, slots=True)
class RoundCount:
    """`of` is the kind of the ordinary tasks: solutions, problems, (existing) comparisons, or pairs to be made.

    `tasks` is None where the pairs would have to be made to be counted. `fitting` is the number of selected solutions or
    problems, before gold is separated and pairs are made. `refusal` says why the round cannot be opened.
    """

    of: str
    tasks: int | None
    fitting: int
    gold: int = 0
    refusal: DomainError | None = None


def count_round(round_: Round, *, most: int) -> RoundCount:
    """What the round would contain if it opened now; it need not be saved. Counts stop at `most` + 1.

    Raises DomainError for a selection that cannot be parsed.
    """
    selection = Selection.parse(round_.selection.get("select", "all"))
    of, count = "solutions", count_solutions
    if PROTOCOLS[round_.protocol].of == "comparison":
        of, count = "comparisons", count_comparisons
    elif round_.options.get("starts_from") == "problems":
        of, count = "problems", count_problems
    try:
        check_endpoint(round_)
        return count(round_, selection, most)
    except DomainError as error:
        return RoundCount(of, 0, 0, refusal=error)


def count_solutions(round_: Round, selection: Selection, most: int) -> RoundCount:
    if round_.is_all_gold:
        all_gold, reserved = solutions_with_gold(round_.project), reserved_gold(round_)
        selected = selection.apply(selectable_solutions(round_.project))
        gold = _count_selected(selected, all_gold - reserved)
        is_reserved = not gold and _count_selected(selected, all_gold & reserved) > 0
        refusal = (
            None if gold else all_gold_error(round_, selection, is_anywhere=bool(all_gold), is_reserved=is_reserved)
        )
        return RoundCount("solutions", 0, _count_fitting(round_, selection, most), gold, refusal)
    gold_ids = solutions_with_gold(round_.project, selection) if round_.gold_share else set()
    fitting = _count_fitting(round_, selection, most)
    ordinary = _count_fitting(round_, selection, most, gold_ids) if gold_ids else fitting
    refusal = solutions_error(round_, selection, fitting=fitting, ordinary=ordinary, gold=len(gold_ids))
    return RoundCount("solutions", 0 if refusal else ordinary, fitting, len(gold_ids), refusal)


def _count_fitting(round_: Round, selection: Selection, most: int, without: Collection[int] = ()) -> int:
    """The number of selected solutions that are not in `without`."""
    solutions = selectable_solutions(round_.project)
    if selection.by:
        chosen = selection.apply(solutions).order_by()
        return (chosen.exclude(pk__in=without) if without else chosen).count()
    fitting = replace(selection, sample=None).apply(solutions).order_by()
    if selection.sample is None:
        return (fitting.exclude(pk__in=without) if without else fitting)[: most + 1].count()
    if not without:
        return fitting[: min(selection.sample, most + 1)].count()
    sampled = fitting[: selection.sample].count()
    return min(most + 1, sampled - _count_selected(selection.apply(solutions), without))


def _count_selected(selected: QuerySet[Solution], ids: Collection[int]) -> int:
    """How many of the ids are selected."""
    if not ids:
        return 0
    if selected.query.is_sliced:
        return Solution.objects.filter(pk__in=ids).filter(pk__in=selected.values("pk")).count()
    return selected.filter(pk__in=ids).count()


def count_problems(round_: Round, selection: Selection, most: int) -> RoundCount:
    if round_.gold_share:
        return RoundCount("problems", 0, 0, refusal=problems_gold_error())
    count = selected_problems(round_, selection)[: min(most + 1, selection.sample or most + 1)].count()
    refusal = None if count else no_problem_error(selection)
    return RoundCount("problems", count, count, refusal=refusal)


def count_comparisons(round_: Round, selection: Selection, most: int) -> RoundCount:
    options = options_of(round_.protocol, round_.options)
    assert isinstance(options, ComparisonOptions)
    of = "comparisons" if options.pairs == "existing" else "pairs"
    if round_.gold_share:
        return RoundCount(of, 0, 0, refusal=comparisons_gold_error())
    if selection.by:
        return RoundCount(of, 0, 0, refusal=comparisons_by_error())
    solutions = selectable_solutions(round_.project)
    if options.pairs == "existing":
        tasks: int | None = existing_count(solutions, selection, most + 1)
        fitting = tasks or 0
    else:
        tasks = pair_count(options, selection, solutions)
        fitting = _count_fitting(round_, replace(selection, sample=None), most)
    refusal = nothing_to_compare_error(selection) if tasks == 0 else None
    return RoundCount(of, tasks, fitting, refusal=refusal)
