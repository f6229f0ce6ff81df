"""What a round of comparisons compares: pairs that there are, as from a file, or that are made here of solutions or steps."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from apps.core.db.locks import advisory_xact_lock
from apps.corpus.comparisons import Pair, Side, shared_steps
from apps.corpus.imports.store.comparisons import store_pairs
from apps.corpus.models import Comparison, Solution, Step
from apps.labeling.protocols.comparison import ComparisonOptions
from apps.labeling.rounds.selection import Selection

CHUNK = 500
# For a hint pairs are made of so many solutions, and so many of them.
COUNTED_TO = 2000

Thing = TypeVar("Thing")
Candidate = tuple[int, UUID, bool | None]


def planned_pairs(options: ComparisonOptions, selection: Selection, solutions: QuerySet[Solution]) -> list[Pair]:
    """The pairs that are to be made, each once, in the order in which they are served.

    Both sides are of solutions that the selection lets through; its sample is one of pairs. Two sides that say the
    same throughout are nothing to compare, and take no place in it.
    """
    return _told_apart(list(_all_drawn(options, selection, solutions)), selection)


def pair_count(options: ComparisonOptions, selection: Selection, solutions: QuerySet[Solution]) -> int | None:
    """How many pairs would be made: that shows only when they are. None where it would take more than a moment."""
    chosen = replace(selection, sample=None).apply(solutions).order_by()
    if chosen[: COUNTED_TO + 1].count() > COUNTED_TO:
        return None
    drawn = list(itertools.islice(_all_drawn(options, selection, solutions), COUNTED_TO + 1))
    return len(_told_apart(drawn, selection)) if len(drawn) <= COUNTED_TO else None


def _all_drawn(options: ComparisonOptions, selection: Selection, solutions: QuerySet[Solution]) -> Iterator[Pair]:
    chosen = replace(selection, sample=None).apply(solutions)
    return _steps(chosen, options) if options.pairs == "steps" else _solutions(chosen, options)


def _told_apart(drawn: Sequence[Pair], selection: Selection) -> list[Pair]:
    found: dict[tuple[int, UUID], Pair] = {}
    for some in _batched(drawn):
        for pair in _with_shared(some):
            found.setdefault((pair.problem_id, pair.digest), pair)
    if selection.sample is None:
        return list(found.values())
    # The digest is a hash of the content: its order is as good as chance, and the same each time.
    return sorted(found.values(), key=lambda pair: pair.digest)[: selection.sample]


def create_comparisons(project_id: int, pairs: Sequence[Pair]) -> list[int]:
    """The ids of the comparisons of these pairs, in their order, made where there were none."""
    advisory_xact_lock("import", project_id)
    found: list[int] = []
    for some in _batched(pairs):
        found.extend(one.id for one in store_pairs(project_id, some))
    return found


def _standing(chosen: QuerySet[Solution]) -> QuerySet[Comparison]:
    """The comparisons that are there already, both sides of which were chosen."""
    ids = chosen.order_by().values("id")
    return Comparison.objects.filter(left__in=ids, right__in=ids)


def existing_sides(solutions: QuerySet[Solution], selection: Selection) -> list[tuple[int, int, int]]:
    """The comparisons that stand and fit, in the order in which they are served: id, left and right solution."""
    found = _standing(replace(selection, sample=None).apply(solutions))
    found = found.order_by("id") if selection.sample is None else found.order_by("digest")[: selection.sample]
    return list(found.values_list("id", "left", "right"))


def existing_count(solutions: QuerySet[Solution], selection: Selection, most: int) -> int:
    """How many comparisons stand that fit the selection; nobody waits for a count beyond `most`."""
    chosen = replace(selection, sample=None).apply(solutions)
    return _standing(chosen)[: min(most, selection.sample or most)].count()


# --- of solutions -----------------------------------------------------------------------------------------


def _solutions(chosen: QuerySet[Solution], options: ComparisonOptions) -> Iterator[Pair]:
    rows = chosen.order_by("problem_id", "id").values_list("problem_id", "id", "digest", "is_correct")
    for problem_id, group in itertools.groupby(rows.iterator(), key=lambda row: row[0]):
        candidates = [(pk, digest, is_correct) for _, pk, digest, is_correct in group]
        dice = random.Random(f"{options.seed}:{problem_id}")  # noqa: S311 - a choice to be repeated, no secret
        for left, right in _drawn(candidates, options, dice):
            yield Pair(problem_id, Side(left[0], left[1]), Side(right[0], right[1]))


def _drawn(
    candidates: Sequence[Candidate], options: ComparisonOptions, dice: random.Random
) -> Iterable[tuple[Candidate, Candidate]]:
    if options.pairs == "right_wrong":
        right, wrong = ([one for one in candidates if one[2] is said] for said in (True, False))
        for number in _sample(len(right) * len(wrong), options.each, dice):
            yield right[number // len(wrong)], wrong[number % len(wrong)]
    else:
        for one, two in any_two(len(candidates), options.each, dice):
            yield candidates[one], candidates[two]


def _sample(count: int, most: int, dice: random.Random) -> list[int]:
    return dice.sample(range(count), min(count, most))


def any_two(count: int, most: int, dice: random.Random) -> Iterator[tuple[int, int]]:
    """Different pairs of so many things, drawn by number, so that a thousand things need no list of their pairs."""
    for number in _sample(count * (count - 1) // 2, most, dice):
        # Pair `number` counts (0,1), (0,2), (1,2), (0,3) and so on: the larger one is at the triangular root.
        larger = (1 + math.isqrt(1 + 8 * number)) // 2
        yield number - larger * (larger - 1) // 2, larger


def _with_shared(pairs: Sequence[Pair]) -> list[Pair]:
    """How far the sides go together; two that say the same throughout are nothing to compare."""
    ids = {side.solution_id for pair in pairs for side in (pair.left, pair.right) if side.step_id is None}
    texts: defaultdict[int, list[str]] = defaultdict(list)
    path = Step.objects.filter(solution_id__in=ids, chosen=True).order_by("solution_id", "position")
    for solution_id, text in path.values_list("solution_id", "text"):
        texts[solution_id].append(text)
    measured: list[Pair] = []
    for pair in pairs:
        left, right = texts[pair.left.solution_id], texts[pair.right.solution_id]
        if pair.left.step_id is not None:
            measured.append(pair)
        elif left != right:
            measured.append(replace(pair, shared_steps=shared_steps(left, right)))
    return measured


# --- of steps ---------------------------------------------------------------------------------------------


def _steps(chosen: QuerySet[Solution], options: ComparisonOptions) -> Iterator[Pair]:
    """Candidates at one position of one solution, such as the alternatives to a bad step in PRM800K's phase 2."""
    branching = Step.objects.filter(candidate__gt=0, solution__in=chosen.order_by().values("id"))
    places = sorted(set(branching.order_by().values_list("solution_id", "position")))
    for some in _batched(places):
        yield from _of_places(some, options)


def _of_places(places: Sequence[tuple[int, int]], options: ComparisonOptions) -> Iterator[Pair]:
    ids = {solution_id for solution_id, _ in places}
    rows = Solution.objects.filter(id__in=ids).values_list("id", "problem_id", "digest")
    known = {pk: (problem, digest) for pk, problem, digest in rows}
    offered: defaultdict[tuple[int, int], dict[str, tuple[int, int]]] = defaultdict(dict)
    steps = Step.objects.filter(solution_id__in=ids).order_by("solution_id", "position", "candidate")
    fields = ("id", "solution_id", "position", "candidate", "text")
    for pk, solution_id, position, candidate, text in steps.values_list(*fields):
        # Some sources offer the same text twice: that is no choice.
        offered[solution_id, position].setdefault(text.strip(), (pk, candidate))
    for solution_id, position in places:
        problem_id, digest = known[solution_id]
        candidates = list(offered[solution_id, position].values())
        sides = [Side(solution_id, digest, pk, (position, candidate)) for pk, candidate in candidates]
        dice = random.Random(f"{options.seed}:{solution_id}:{position}")  # noqa: S311
        for one, two in any_two(len(sides), options.each, dice):
            yield Pair(problem_id, sides[one], sides[two], shared_steps=position)


def _batched(things: Sequence[Thing]) -> Iterator[Sequence[Thing]]:
    yield from (things[start : start + CHUNK] for start in range(0, len(things), CHUNK))
