"""How much a round would make, counted in the database: what `plan.py` lists, for a hint while its terms are filled in.

Of a million solutions no list is made. Nobody waits for a count beyond `most` to choose a box.
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
    askable,
    check_endpoint,
    no_gold,
    no_problem,
    nothing_to_compare,
    refuse_gold_of_comparisons,
    refuse_gold_of_problems,
    refuse_solutions,
    with_gold,
)
from apps.labeling.rounds.selection import Selection


@dataclass(frozen=True, slots=True)
class RoundCount:
    """`of` says what the ordinary tasks are: solutions, problems, comparisons that stand, or pairs that are made.

    `tasks` is None where only making the pairs would tell. `fitting` is what the selection holds, before gold is set
    apart and pairs are made. `refusal`: why the round cannot be opened.
    """

    of: str
    tasks: int | None
    fitting: int
    gold: int = 0
    refusal: DomainError | None = None


def count_round(round_: Round, *, most: int) -> RoundCount:
    """What the round would ask if it opened now; it need not be saved. Raises DomainError for terms that cannot be read.

    Whatever is more than `most` is counted as one more.
    """
    selection = Selection.parse(round_.selection.get("select", "all"))
    of, count = "solutions", _count_solutions
    if PROTOCOLS[round_.protocol].of == "comparison":
        of, count = "comparisons", _count_comparisons
    elif round_.options.get("starts_from") == "problems":
        of, count = "problems", _count_problems
    try:
        check_endpoint(round_)
        return count(round_, selection, most)
    except DomainError as error:
        return RoundCount(of, 0, 0, refusal=error)


def _count_solutions(round_: Round, selection: Selection, most: int) -> RoundCount:
    chosen = selection.apply(askable(round_.project))
    if round_.is_screening:
        known = with_gold(round_.project)
        gold = _among(chosen, known)
        refusal = None if gold else no_gold(selection, is_anywhere=bool(known))
        return RoundCount("solutions", 0, _size(round_, selection, most), gold, refusal)
    gold_ids = with_gold(round_.project, selection) if round_.gold_share else set()
    fitting = _size(round_, selection, most)
    ordinary = _size(round_, selection, most, gold_ids) if gold_ids else fitting
    refusal = refuse_solutions(round_, selection, fitting=fitting, ordinary=ordinary, gold=len(gold_ids))
    return RoundCount("solutions", 0 if refusal else ordinary, fitting, len(gold_ids), refusal)


def _size(round_: Round, selection: Selection, most: int, without: Collection[int] = ()) -> int:
    """How many solutions the selection holds besides these."""
    fitting = replace(selection, sample=None).apply(askable(round_.project)).order_by()
    if selection.sample is None:
        return (fitting.exclude(pk__in=without) if without else fitting)[: most + 1].count()
    if not without:
        return fitting[: min(selection.sample, most + 1)].count()
    sampled = fitting[: selection.sample].count()
    return min(most + 1, sampled - _among(selection.apply(askable(round_.project)), without))


def _among(chosen: QuerySet[Solution], ids: Collection[int]) -> int:
    if not ids:
        return 0
    if chosen.query.is_sliced:
        return Solution.objects.filter(pk__in=ids).filter(pk__in=chosen.values("pk")).count()
    return chosen.filter(pk__in=ids).count()


def _count_problems(round_: Round, selection: Selection, most: int) -> RoundCount:
    if round_.gold_share:
        return RoundCount("problems", 0, 0, refusal=refuse_gold_of_problems())
    count = selected_problems(round_.project, selection)[: min(most + 1, selection.sample or most + 1)].count()
    refusal = None if count else no_problem(selection)
    return RoundCount("problems", count, count, refusal=refusal)


def _count_comparisons(round_: Round, selection: Selection, most: int) -> RoundCount:
    options = options_of(round_.protocol, round_.options)
    assert isinstance(options, ComparisonOptions)
    of = "comparisons" if options.pairs == "existing" else "pairs"
    if round_.gold_share:
        return RoundCount(of, 0, 0, refusal=refuse_gold_of_comparisons())
    solutions = askable(round_.project)
    if options.pairs == "existing":
        tasks: int | None = existing_count(solutions, selection, most + 1)
        fitting = tasks or 0
    else:
        tasks = pair_count(options, selection, solutions)
        fitting = _size(round_, replace(selection, sample=None), most)
    return RoundCount(of, tasks, fitting, refusal=nothing_to_compare(selection) if tasks == 0 else None)
