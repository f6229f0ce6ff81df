"""What a run would take, before it is started: rollouts, tokens, money and time for every strategy.

Costs of adaptive strategies have no closed form: each is simulated on solutions as long as the project's, with errors
where the texts leave room for them, and with a completer as able as the project's solutions show it to be. A request is
billed with all of its prompt (template, problem and prefix) once, however many rollouts it asks for.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any

import msgspec
from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Length

from apps.corpus.models import Problem, Solution, Step
from apps.estimation.engine.tree_simulation import simulated_asks
from apps.estimation.models import SamplingRun
from apps.estimation.runs.error_places import SAMPLE, ErrorPlaces, error_places
from apps.estimation.runs.exclusions import without_hindrance
from apps.estimation.runs.parameters import SamplingSettings
from apps.estimation.strategies import STRATEGIES, strategy_of
from apps.estimation.strategies.base import Ask, Case, Counts, Strategy
from apps.estimation.strategies.tree import Tree
from apps.inference.models import Endpoint

SIMULATED = 120
LONGEST = 40  # Longer solutions are simulated as if they had so many steps, and scaled.
CHARACTERS_A_TOKEN = 4.0
# A completer of whom nothing is known; how much completers differ from problem to problem.
USUAL_ABILITY, SPREAD = 0.6, 2.5
# How often a rollout from a wrong prefix is right: from most never, from a few often.
LUCK, LUCK_SPREAD = 0.03, 0.5


@dataclass(frozen=True, slots=True)
class Forecast:
    """Expected totals. None where prices or the endpoint's speed are not known.

    `hindered` are solutions besides, about which nothing can be asked: without steps, or without a reference answer.
    """

    strategy: str
    title: str
    about: str
    solutions: int
    hindered: int
    by_answer: int
    steps: int
    rollouts: float
    tokens: float
    cost: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ExpectedWork:
    """Of one solution, on average. Steps are counted as often as they are sent, or written."""

    rollouts: float = 0.0
    requests: float = 0.0
    steps_sent: float = 0.0
    steps_written: float = 0.0

    def times(self, factor: float) -> ExpectedWork:
        return ExpectedWork(
            self.rollouts * factor, self.requests * factor, self.steps_sent * factor, self.steps_written * factor
        )

    def plus(self, other: ExpectedWork) -> ExpectedWork:
        return ExpectedWork(
            self.rollouts + other.rollouts,
            self.requests + other.requests,
            self.steps_sent + other.steps_sent,
            self.steps_written + other.steps_written,
        )


@dataclass(frozen=True, slots=True)
class TextSizes:
    """In tokens: what a request begins with, and a step with what joins it to the next."""

    problem: float
    step: float


def forecasts(
    solutions: QuerySet[Solution],
    endpoint: Endpoint | None,
    *,
    answers_suffice: bool,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Forecast]:
    """One for each strategy; `options` by strategy, defaults elsewhere. Raises DomainError for options that cannot be."""
    taken, solutions = solutions, without_hindrance(solutions)
    lengths = list(
        solutions.order_by().values_list("step_count", "is_correct").annotate(count=Count("id")).order_by("step_count")
    )
    hindered = taken.count() - sum(count for *_, count in lengths)
    first = solutions.order_by("id").first()
    sampling = newest_sampling(first.project_id, endpoint) if first else None
    sizes = text_sizes(solutions, endpoint)
    ability = at_rollouts_temperature(ability_of(solutions, sampling), lengths, sampling)
    places = error_places(solutions, duplicates=sampling.duplicates if sampling else 0)
    return [
        _forecast(
            name,
            (options or {}).get(name, {}),
            lengths,
            endpoint,
            sizes=sizes,
            ability=ability,
            places=places,
            answers_suffice=answers_suffice,
            hindered=hindered,
        )
        for name in STRATEGIES
    ]


def _forecast(
    name: str,
    options: Mapping[str, Any],
    lengths: list[tuple[int, bool | None, int]],
    endpoint: Endpoint | None,
    *,
    sizes: TextSizes,
    ability: float,
    places: ErrorPlaces,
    answers_suffice: bool,
    hindered: int,
) -> Forecast:
    strategy = strategy_of(name, options)
    frozen = msgspec.json.encode(dict(options)).decode()
    most = (endpoint.most_choices if endpoint else None) or 0
    work, by_answer = ExpectedWork(), 0
    for steps, is_correct, count in lengths:
        if answers_suffice and strategy.takes_answers and is_correct:
            by_answer += count
            continue
        one = expected_work(
            name,
            frozen,
            steps,
            is_right=bool(is_correct),
            ability=round(ability, 2),
            most=most,
            places=() if is_correct else places.weights(steps),
        )
        work = work.plus(one.times(count))
    tokens_in = work.requests * sizes.problem + work.steps_sent * sizes.step
    tokens_out = work.steps_written * sizes.step
    return Forecast(
        strategy=name,
        title=strategy.title,
        about=strategy.about,
        solutions=sum(count for *_, count in lengths),
        hindered=hindered,
        by_answer=by_answer,
        steps=sum(steps * count for steps, _, count in lengths),
        rollouts=work.rollouts,
        tokens=tokens_in + tokens_out,
        cost=cost_of(endpoint, tokens_in, tokens_out),
        seconds=work.rollouts / endpoint.rollouts_per_s if endpoint and endpoint.rollouts_per_s else None,
    )


def cost_of(endpoint: Endpoint | None, tokens_in: float, tokens_out: float) -> float | None:
    if endpoint is None or (endpoint.price_in is None and endpoint.price_out is None):
        return None
    return (float(endpoint.price_in or 0) * tokens_in + float(endpoint.price_out or 0) * tokens_out) / 1e6


# --- how long texts are -----------------------------------------------------------------------------------


def text_sizes(solutions: QuerySet[Solution], endpoint: Endpoint | None) -> TextSizes:
    first = solutions.order_by("id").first()
    if first is None:
        return TextSizes(0.0, 0.0)
    density = density_of(first.project_id, endpoint)
    some = solutions.order_by("id").values("problem_id")[:SAMPLE]
    statement = Problem.objects.filter(id__in=some).aggregate(mean=Avg(Length("statement")))["mean"] or 0
    joint = len(first.separator)
    return TextSizes(
        (statement + template_length(endpoint)) / density.prompts,
        (characters_a_step(solutions) + joint) / density.written,
    )


def template_length(endpoint: Endpoint | None) -> int:
    """Characters of a prompt besides the problem and the prefix."""
    if endpoint is None:
        return 0
    return len(endpoint.system_prompt) + len(endpoint.problem_template.replace("{problem}", ""))


def characters_a_step(solutions: QuerySet[Solution]) -> float:
    ids = list(solutions.order_by("id").values_list("id", flat=True)[:SAMPLE])
    found = Step.objects.filter(solution_id__in=ids, chosen=True).aggregate(mean=Avg(Length(F("text"))))["mean"]
    return float(found or 0)


@dataclass(frozen=True, slots=True)
class Density:
    """Characters a token: problems are prose, and solutions may be mostly digits."""

    prompts: float
    written: float


def newest_sampling(project_id: int, endpoint: Endpoint | None) -> SamplingRun | None:
    """The newest run of this endpoint that wrote solutions here and told tokens apart."""
    if endpoint is None:
        return None
    runs = SamplingRun.objects.filter(project=project_id, endpoint=endpoint, prompt_tokens__gt=0, solutions__gt=0)
    return runs.order_by("-number").first()


def density_of(project_id: int, endpoint: Endpoint | None) -> Density:
    """As measured by the newest sampling run of this endpoint that wrote solutions here; else the rule of thumb."""
    usual = Density(CHARACTERS_A_TOKEN, CHARACTERS_A_TOKEN)
    run = newest_sampling(project_id, endpoint)
    if run is None or run.tokens <= run.prompt_tokens:
        return usual
    asked = run.problems.aggregate(count=Count("id"), characters=Sum(Length("problem__statement")))
    prompts = (asked["characters"] or 0) + asked["count"] * template_length(endpoint)
    problems = run.problems.values("problem")
    written = Solution.objects.filter(project=project_id, source=run.generator, problem__in=problems)
    texts = Step.objects.filter(solution__in=written, chosen=True).aggregate(
        characters=Sum(Length("text")), steps=Count("id"), solutions=Count("solution", distinct=True)
    )
    if not prompts or not texts["solutions"]:
        return usual
    # Of texts that were written twice, or cut, only the tokens are known: they are taken to be as long as the others.
    each = ((texts["characters"] or 0) + texts["steps"]) / texts["solutions"]
    everything = each * (run.solutions + run.duplicates + run.cut)
    # A problem is asked more than once where an answer held fewer choices than were asked for.
    asks = max(1.0, run.requests / max(1, asked["count"]))
    return Density(prompts * asks / run.prompt_tokens, everything / (run.tokens - run.prompt_tokens))


def ability_of(solutions: QuerySet[Solution], sampling: SamplingRun | None = None) -> float:
    """How often a whole solution comes out right where another has come out wrong, problem by problem.

    A text that was sampled again was kept once. Taken for right ones: there are many ways to go wrong, and few to be right.
    """
    graded = (
        solutions.order_by()
        .values("problem_id")
        .annotate(right=Count("id", filter=Q(is_correct=True)), wrong=Count("id", filter=Q(is_correct=False)))
    )
    asked = set(sampling.problems.values_list("problem_id", flat=True)) if sampling and sampling.duplicates else set()
    hits = tries = 0.0
    for row in graded.filter(wrong__gt=0)[: 10 * SAMPLE].iterator():
        right, wrong = row["right"], row["wrong"]
        if right and sampling and row["problem_id"] in asked:
            right = max(right, sampling.per_problem - wrong)
        others = right + wrong - 1
        if others:
            hits += wrong * right / others
            tries += wrong
    return min(0.95, max(0.05, hits / tries)) if tries >= 10 else USUAL_ABILITY


def at_rollouts_temperature(
    ability: float, lengths: list[tuple[int, bool | None, int]], sampling: SamplingRun | None
) -> float:
    """Rollouts are colder than sampled solutions, and slip less: odds at temperature T are to the power of 1 / T.

    Those of a step, for that is about what is chosen at once.
    """
    sampled, rolled = (sampling.sampling.get("temperature", 0) if sampling else 0), SamplingSettings().temperature
    count = sum(count for *_, count in lengths)
    if not sampled or not count:
        return ability
    steps = max(1.0, sum(steps * count for steps, _, count in lengths) / count - 1)
    step = ability ** (1 / steps)
    odds = (step / (1 - step)) ** (sampled / rolled)
    return float((odds / (1 + odds)) ** steps)


# --- how much is asked ------------------------------------------------------------------------------------


@lru_cache(maxsize=4000)
def expected_work(
    name: str, options: str, steps: int, *, is_right: bool, ability: float, most: int, places: tuple[float, ...] = ()
) -> ExpectedWork:
    """Of a solution with so many steps, on average over where its error is and how able the completer.

    `most` rollouts fit into a request; 0 where any number does. `places`: how likely the error is at each step.
    """
    if steps < 1:
        return ExpectedWork()
    strategy, length = strategy_of(name, msgspec.json.decode(options)), min(steps, LONGEST)
    if isinstance(strategy, Tree) and is_right:
        return ExpectedWork()
    dice = random.Random(steps)  # noqa: S311 - a simulation
    weights = list(accumulate(places or [1.0] * max(1, steps - 1)))
    total = ExpectedWork()
    for number in range(SIMULATED):
        # Each place as often as it is likely: left to the dice, so few simulations would differ too much.
        error = (
            length if is_right else bisect_right(weights, weights[-1] * (number + 0.5) / SIMULATED) * length // steps
        )
        for ask in _simulated_asks(strategy, length, error, ability, dice):
            total = total.plus(_work_of(ask.position, ask.rollouts, length, most))
    return total.times(steps / length / SIMULATED)


def _simulated_asks(strategy: Strategy, length: int, error: int, ability: float, dice: random.Random) -> Iterator[Ask]:
    """Of one solution; without an error where it is as long as that."""
    able = dice.betavariate(SPREAD * ability, SPREAD * (1 - ability))
    luck = dice.betavariate(LUCK_SPREAD * LUCK, LUCK_SPREAD * (1 - LUCK))

    def chance(position: int, *, is_good: bool) -> float:
        # The nearer the end, the less is left to go wrong; the last step only states the answer.
        left = max(0, length - 2 - position) / max(1, length - 1)
        return float(able**left) if is_good else luck

    if isinstance(strategy, Tree):
        yield from simulated_asks(strategy.options, length, error, chance, dice)
        return
    case, seen = Case(length, {length - 1: error == length}), [Counts() for _ in range(length)]
    while asks := strategy.next(case, seen):
        for ask in asks:
            right = chance(ask.position, is_good=ask.position < error)
            hits = sum(dice.random() < right for _ in range(ask.rollouts))
            old = seen[ask.position]
            seen[ask.position] = Counts(old.successes + hits, old.failures + ask.rollouts - hits)
        yield from asks


def _work_of(position: int, rollouts: int, length: int, most: int) -> ExpectedWork:
    requests = -(-rollouts // most) if most else 1
    return ExpectedWork(rollouts, requests, requests * (position + 1), rollouts * (length - 1 - position))
