"""What a run would take, before it is started: rollouts, tokens, money and time for every strategy.

Costs of adaptive strategies have no closed form: each is simulated on solutions as long as the project's, with a
completer that is neither weak nor strong and errors anywhere.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from django.db.models import Avg, Count, F, QuerySet
from django.db.models.functions import Length

from apps.corpus.models import Solution, Step
from apps.estimation.strategies import STRATEGIES, full_options, strategy_of
from apps.estimation.strategies.base import Case, Counts
from apps.estimation.strategies.tree import Tree
from apps.inference.models import Endpoint

SIMULATED = 60
LONGEST = 40  # Longer solutions are simulated as if they had so many steps, and scaled.
SAMPLE = 500
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected totals. None where prices or the endpoint's speed are not known."""

    strategy: str
    title: str
    about: str
    solutions: int
    by_answer: int
    steps: int
    rollouts: float
    tokens: float
    cost: float | None
    seconds: float | None


def forecasts(
    solutions: QuerySet[Solution], endpoint: Endpoint | None, *, answers_suffice: bool,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Forecast]:  # fmt: skip
    """One for each strategy; `options` by strategy, defaults elsewhere. Raises DomainError for options that cannot be."""
    lengths = list(
        solutions.order_by().values_list("step_count", "is_correct").annotate(count=Count("id")).order_by("step_count")
    )
    characters = characters_a_step(solutions)
    return [
        _forecast(name, (options or {}).get(name, {}), lengths, characters, endpoint, answers_suffice=answers_suffice)
        for name in STRATEGIES
    ]


def _forecast(
    name: str, options: Mapping[str, Any], lengths: list[tuple[int, bool | None, int]], characters: float,
    endpoint: Endpoint | None, *, answers_suffice: bool,
) -> Forecast:  # fmt: skip
    strategy = strategy_of(name, options)
    frozen = msgspec.json.encode(dict(options)).decode()
    rollouts = tokens_in = tokens_out = 0.0
    by_answer = 0
    for steps, is_correct, count in lengths:
        if answers_suffice and strategy.takes_answers and is_correct:
            by_answer += count
            continue
        expected = count * expected_rollouts(name, frozen, steps)
        rollouts += expected
        # A prefix holds half of a solution on average, and so does what is written after it.
        tokens_in += expected / 4 * steps / 2 * characters / CHARACTERS_A_TOKEN
        tokens_out += expected * steps / 2 * characters / CHARACTERS_A_TOKEN
    return Forecast(
        strategy=name,
        title=strategy.title,
        about=strategy.about,
        solutions=sum(count for *_, count in lengths),
        by_answer=by_answer,
        steps=sum(steps * count for steps, _, count in lengths),
        rollouts=rollouts,
        tokens=tokens_in + tokens_out,
        cost=cost_of(endpoint, tokens_in, tokens_out),
        seconds=rollouts / endpoint.rollouts_per_s if endpoint and endpoint.rollouts_per_s else None,
    )


def cost_of(endpoint: Endpoint | None, tokens_in: float, tokens_out: float) -> float | None:
    if endpoint is None or (endpoint.price_in is None and endpoint.price_out is None):
        return None
    return (float(endpoint.price_in or 0) * tokens_in + float(endpoint.price_out or 0) * tokens_out) / 1e6


def characters_a_step(solutions: QuerySet[Solution]) -> float:
    ids = list(solutions.order_by("id").values_list("id", flat=True)[:SAMPLE])
    found = Step.objects.filter(solution_id__in=ids, chosen=True).aggregate(mean=Avg(Length(F("text"))))["mean"]
    return float(found or 0)


@lru_cache(maxsize=2000)
def expected_rollouts(name: str, options: str, steps: int) -> float:
    """Rollouts for a solution with a wrong answer, on average over where its error is and how able the completer."""
    if steps < 1:
        return 0.0
    if name == Tree.name:
        # It grows until its budget is spent, or no rollout is left to search.
        return float(full_options(name, msgspec.json.decode(options))["budget"])
    strategy, length = strategy_of(name, msgspec.json.decode(options)), min(steps, LONGEST)
    dice, case, spent = random.Random(steps), Case(length, {length - 1: False}), 0  # noqa: S311 - a simulation
    for _ in range(SIMULATED):
        error, able = dice.randrange(length), dice.betavariate(1.5, 1.0)
        seen = [Counts() for _ in range(length)]
        while asks := strategy.next(case, seen):
            for ask in asks:
                chance = able if ask.position < error else 0.03
                hits = sum(dice.random() < chance for _ in range(ask.rollouts))
                old = seen[ask.position]
                seen[ask.position] = Counts(old.successes + hits, old.failures + ask.rollouts - hits)
        spent += sum(counts.rollouts for counts in seen)
    return spent / SIMULATED * steps / length
