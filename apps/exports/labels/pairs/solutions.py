"""Pairs of the solutions of one problem: a right answer and a wrong one, or better step labels and worse ones. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, zip_longest
from typing import Any

from apps.corpus.identity import ranking_hash
from apps.corpus.labels import BAD, NO_ERROR
from apps.corpus.records import Record, SolutionRecord
from apps.exports.labels.columns.reasons import NO_SOURCE
from apps.exports.labels.pairs.base import EQUAL_SIDES, SAME_PAIR, TextPair, score_margin
from apps.exports.labels.prompts import TextError, full_text, paired, prompt_and_answer
from apps.exports.labels.steps import resolve
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

UNKNOWN_ANSWER = "it is unknown whether the answer is right"
GAP = "a step before the first error has no label"
NO_SCORE = "without a verifier score"
EMPTY = "an empty completion"
MOST_SIDES = 500
OVER_MOST_SIDES = f"more than {MOST_SIDES} of a problem, which is the most that pairs are made of"

# How the manifest counts the pairs: by what says which side is better.
_RATERS = {"good_steps": "step labels", "first_error": "step labels", "verifier_score": "verifier score"}


class NoSide(ValueError):
    """Why a solution cannot be a side of a pair."""


@dataclass(frozen=True, slots=True)
class PairSide:
    """A solution that can be a side of a pair: of two, the one with the higher `grade` is chosen."""

    place: int
    text: str
    prompt: Any
    answer: Any
    grade: float
    score: float | None
    rank: int
    source: str | None
    verifier_score: float | None


SidePair = tuple[PairSide, PairSide]


def solution_sides(records: Sequence[Record], kind: str, policy: LabelPolicy) -> tuple[list[PairSide], dict[int, str]]:
    """The solutions that can be sides of pairs of this `kind`; by place, why others cannot."""
    sides: list[PairSide] = []
    reasons: dict[int, str] = {}
    for place, record in enumerate(records):
        if record.solution is None:
            continue
        try:
            sides.append(_side(place, record, record.solution, kind, policy))
        except (NoSide, TextError) as error:
            reasons[place] = str(error)
    return sides, reasons


def _side(place: int, record: Record, solution: SolutionRecord, kind: str, policy: LabelPolicy) -> PairSide:
    text = full_text(solution)
    if not text.strip():
        raise NoSide(EMPTY)
    score = None
    if kind == "answers":
        if solution.is_correct is None:
            raise NoSide(UNKNOWN_ANSWER)
        grade = float(solution.is_correct)
        if policy.margin_rule == "scores":
            score = _score_or_none(record, solution, policy)
    else:
        grade = score = label_score(record, solution, policy)
    prompt, answer = prompt_and_answer(record.problem, text, policy)
    paired(prompt, answer, answer, policy)  # Raises for a dialogue that the reader would skip.
    return PairSide(
        place=place,
        text=text,
        prompt=prompt,
        answer=answer,
        grade=grade,
        score=score,
        rank=ranking_hash(policy.split_seed, record.problem.statement, text),
        source=solution.source,
        verifier_score=solution.verifier_score,
    )


def _score_or_none(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> float | None:
    try:
        return label_score(record, solution, policy)
    except NoSide:
        return None


def label_score(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> float:
    """How good the solution is by `pair_score`. Raises NoSide where its labels do not reach an error or its end."""
    if policy.pair_score == "verifier_score":
        if solution.verifier_score is None:
            raise NoSide(NO_SCORE)
        return solution.verifier_score
    labeled = next(iter(resolve(record, policy)), None)
    if labeled is None:
        raise NoSide(NO_SOURCE)
    if labeled.first_error is None:
        raise NoSide(GAP)
    steps = len(labeled.labels)
    if policy.pair_score == "first_error":
        return 1.0 if labeled.first_error == NO_ERROR else labeled.first_error / steps
    return sum(label is not None and label != BAD for label in labeled.labels) / steps


def limited(sides: Sequence[PairSide], policy: LabelPolicy) -> list[PairSide]:
    """At most MOST_SIDES of a problem, of each grade in turns: all its pairs are made in memory."""
    if len(sides) <= MOST_SIDES:
        return list(sides)
    of_grade: defaultdict[float, list[PairSide]] = defaultdict(list)
    for side in sorted(sides, key=lambda side: (_hardness(side, policy), side.rank, side.place)):
        of_grade[side.grade].append(side)
    by_grade = [of_grade[grade] for grade in sorted(of_grade)]
    in_order = (side for same_place in zip_longest(*by_grade) for side in same_place if side is not None)
    return list(islice(in_order, MOST_SIDES))


def ordered_pairs(sides: Sequence[PairSide], policy: LabelPolicy) -> Iterator[SidePair]:
    """Every chosen and rejected side, in the order of `pair_matching`, and each solution as rarely as possible.

    The first pairs have no solution in common; only when no more can be made without one is a solution used again.
    """
    rounds: defaultdict[int, list[SidePair]] = defaultdict(list)
    used: defaultdict[int, int] = defaultdict(int)  # By place, the rounds in which the solution is, as bits.
    for chosen, rejected in sorted(_candidates(sides, policy), key=lambda pair: _order(pair, policy)):
        used_rounds = used[chosen.place] | used[rejected.place]
        free = ~used_rounds & (used_rounds + 1)
        used[chosen.place] |= free
        used[rejected.place] |= free
        rounds[free.bit_length()].append((chosen, rejected))
    for number in sorted(rounds):
        yield from rounds[number]


def _candidates(sides: Iterable[PairSide], policy: LabelPolicy) -> Iterator[SidePair]:
    for first, second in combinations(sides, 2):
        if first.grade == second.grade:
            continue
        if policy.pair_matching == "same_source" and (first.source is None or first.source != second.source):
            continue
        yield (first, second) if first.grade > second.grade else (second, first)


def _order(pair: SidePair, policy: LabelPolicy) -> tuple[float, int, int, int]:
    """Sorts pairs by `pair_matching`, then by hash: the sum of two hashes is as random as a hash of both."""
    chosen, rejected = pair
    if policy.pair_matching == "closest_length":
        preference: float = abs(len(chosen.text) - len(rejected.text))
    else:
        preference = _hardness(rejected, policy)
    return preference, (chosen.rank + rejected.rank) % 2**64, chosen.place, rejected.place


def _hardness(rejected: PairSide, policy: LabelPolicy) -> float:
    """Sorts wrong solutions with `hardest`: the highest score first, those without one last."""
    if policy.pair_matching != "hardest":
        return 0.0
    return float("inf") if rejected.verifier_score is None else -rejected.verifier_score


def distinct_pairs(pairs: Iterable[SidePair], seen: set[frozenset[str]], tally: Tally) -> Iterator[SidePair]:
    """The pairs of two different texts that are no pair yet. Counts the others; adds to `seen`."""
    for chosen, rejected in pairs:
        texts = _texts(chosen, rejected)
        if len(texts) == 1:
            tally.leave_out("pairs", EQUAL_SIDES)
        elif texts in seen:
            tally.leave_out("pairs", SAME_PAIR)
        else:
            seen.add(texts)
            yield chosen, rejected


def _texts(chosen: PairSide, rejected: PairSide) -> frozenset[str]:
    return frozenset((chosen.text.strip(), rejected.text.strip()))


def solution_pair(chosen: PairSide, rejected: PairSide, kind: str, policy: LabelPolicy) -> TextPair:
    return TextPair(
        columns=paired(chosen.prompt, chosen.answer, rejected.answer, policy),
        texts=_texts(chosen, rejected),
        source=kind,
        rater="final answer" if kind == "answers" else _RATERS[policy.pair_score],
        label="right over wrong" if kind == "answers" else "better over worse",
        margin=score_margin(chosen.score, rejected.score) if policy.margin_rule == "scores" else 0.0,
    )
