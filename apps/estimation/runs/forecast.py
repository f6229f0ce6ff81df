"""Forecast of a run before its start: rollouts, tokens, cost and time of every strategy.

The cost of adaptive strategies has no closed form. Each is simulated on solutions as long as the project's, with the
error positions that their texts allow, and with the completer's ability as the project's solutions show it. A request is
billed its whole prompt (template, problem and prefix) once, however many rollouts it samples.
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
from apps.estimation.engine.tree_simulation import simulated_tree_probes
from apps.estimation.models import SamplingRun
from apps.estimation.runs.error_places import SAMPLE, ErrorPlaces, error_places
from apps.estimation.runs.exclusions import estimable_solutions
from apps.estimation.strategies import STRATEGIES, strategy_of
from apps.estimation.strategies.base import Case, Counts, Probe, Strategy
from apps.estimation.strategies.tree import Tree
from apps.inference.models import Endpoint
from apps.runs.parameters import SamplingSettings

SIMULATED = 120
LONGEST = 40  # Longer solutions are simulated with this number of steps, and scaled.
CHARACTERS_PER_TOKEN = 4.0
# The ability of an unknown completer, and the concentration of its beta distribution over problems.
DEFAULT_ABILITY, ABILITY_CONCENTRATION = 0.6, 2.5
# The same for rollouts from a wrong prefix that succeed: from most prefixes none does, from a few many do.
FALSE_SUCCESS, FALSE_SUCCESS_CONCENTRATION = 0.03, 0.5


@dataclass(frozen=True, slots=True)
class RunForecast:
    """Expected totals. `cost` is None without prices, `seconds` without a measured speed of the endpoint.

    `excluded` solutions are not among `solutions`: they have no steps, or no reference answer to compare with.
    """

    strategy: str
    title: str
    about: str
    solutions: int
    excluded: int
    by_answer: int
    steps: int
    rollouts: float
    tokens: float
    cost: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class ExpectedWork:
    """The expected work, of one solution or of several. Steps are counted each time they are sent or written."""

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
    """Mean sizes in tokens: of the prompt before the prefix, and of a step with its separator."""

    problem: float
    step: float


def forecasts(
    solutions: QuerySet[Solution],
    endpoint: Endpoint | None,
    *,
    answers_suffice: bool,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[RunForecast]:
    """One per strategy, with its `options` or its defaults. Raises DomainError if options are invalid."""
    total, solutions = solutions.count(), estimable_solutions(solutions)
    lengths = list(
        solutions.order_by().values_list("step_count", "is_correct").annotate(count=Count("id")).order_by("step_count")
    )
    excluded = total - sum(count for *_, count in lengths)
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
            excluded=excluded,
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
    excluded: int,
) -> RunForecast:
    strategy = strategy_of(name, options)
    frozen = msgspec.json.encode(dict(options)).decode()
    most = (endpoint.most_choices if endpoint else None) or 0
    work, by_answer = ExpectedWork(), 0
    for steps, is_correct, count in lengths:
        if answers_suffice and strategy.takes_answers and is_correct:
            by_answer += count
            continue
        mean = expected_work(
            name,
            frozen,
            steps,
            is_right=bool(is_correct),
            ability=round(ability, 2),
            most=most,
            places=() if is_correct else places.weights(steps),
        )
        work = work.plus(mean.times(count))
    tokens_in = work.requests * sizes.problem + work.steps_sent * sizes.step
    tokens_out = work.steps_written * sizes.step
    return RunForecast(
        strategy=name,
        title=strategy.title,
        about=strategy.about,
        solutions=sum(count for *_, count in lengths),
        excluded=excluded,
        by_answer=by_answer,
        steps=sum(steps * count for steps, _, count in lengths),
        rollouts=work.rollouts,
        tokens=tokens_in + tokens_out,
        cost=cost_of(endpoint, tokens_in, tokens_out),
        seconds=work.rollouts / endpoint.rollouts_per_s if endpoint and endpoint.rollouts_per_s else None,
    )


def cost_of(endpoint: Endpoint | None, tokens_in: float, tokens_out: float) -> float | None:
    if endpoint is None or not endpoint.has_prices:
        return None
    return (float(endpoint.price_in or 0) * tokens_in + float(endpoint.price_out or 0) * tokens_out) / 1e6


# --- sizes of texts ---------------------------------------------------------------------------------------


def text_sizes(solutions: QuerySet[Solution], endpoint: Endpoint | None) -> TextSizes:
    first = solutions.order_by("id").first()
    if first is None:
        return TextSizes(0.0, 0.0)
    density = density_of(first.project_id, endpoint)
    sample = solutions.order_by("id").values("problem_id")[:SAMPLE]
    statement = Problem.objects.filter(id__in=sample).aggregate(mean=Avg(Length("statement")))["mean"] or 0
    return TextSizes(
        (statement + template_length(endpoint)) / density.prompts,
        (characters_per_step(solutions) + len(first.separator)) / density.written,
    )


def template_length(endpoint: Endpoint | None) -> int:
    """Characters of a prompt without the problem and the prefix."""
    if endpoint is None:
        return 0
    return len(endpoint.system_prompt) + len(endpoint.problem_template.replace("{problem}", ""))


def characters_per_step(solutions: QuerySet[Solution]) -> float:
    ids = list(solutions.order_by("id").values_list("id", flat=True)[:SAMPLE])
    mean = Step.objects.filter(solution_id__in=ids, chosen=True).aggregate(mean=Avg(Length(F("text"))))["mean"]
    return float(mean or 0)


@dataclass(frozen=True, slots=True)
class Density:
    """Characters per token, of prompts and of written text: problems are prose, solutions may be mostly digits."""

    prompts: float
    written: float


def newest_sampling(project_id: int, endpoint: Endpoint | None) -> SamplingRun | None:
    """The project's newest sampling run of this endpoint with solutions and separate token counts."""
    if endpoint is None:
        return None
    runs = SamplingRun.objects.filter(project=project_id, endpoint=endpoint, prompt_tokens__gt=0, solutions__gt=0)
    return runs.order_by("-number").first()


def density_of(project_id: int, endpoint: Endpoint | None) -> Density:
    """As measured by the endpoint's newest sampling run in the project; else four characters per token."""
    default = Density(CHARACTERS_PER_TOKEN, CHARACTERS_PER_TOKEN)
    run = newest_sampling(project_id, endpoint)
    if run is None or run.tokens <= run.prompt_tokens:
        return default
    sampled = run.problems.aggregate(count=Count("id"), characters=Sum(Length("problem__statement")))
    prompts = (sampled["characters"] or 0) + sampled["count"] * template_length(endpoint)
    problems = run.problems.values("problem")
    written = Solution.objects.filter(project=project_id, source=run.generator, problem__in=problems)
    texts = Step.objects.filter(solution__in=written, chosen=True).aggregate(
        characters=Sum(Length("text")), steps=Count("id"), solutions=Count("solution", distinct=True)
    )
    if not prompts or not texts["solutions"]:
        return default
    # Only the tokens of duplicates and cut texts are known: they are assumed to be as long as the others.
    mean_length = ((texts["characters"] or 0) + texts["steps"]) / texts["solutions"]
    characters = mean_length * (run.solutions + run.duplicates + run.cut)
    # A problem takes several requests where a response held fewer choices than requested.
    requests_per_problem = max(1.0, run.requests / max(1, sampled["count"]))
    return Density(prompts * requests_per_problem / run.prompt_tokens, characters / (run.tokens - run.prompt_tokens))


def ability_of(solutions: QuerySet[Solution], sampling: SamplingRun | None = None) -> float:
    """How often another solution of the same problem is right, given a wrong one; between 0.05 and 0.95.

    A duplicate was stored once. Missing solutions are taken to be duplicates of right ones, which vary less than wrong ones.
    """
    graded = (
        solutions.order_by()
        .values("problem_id")
        .annotate(right=Count("id", filter=Q(is_correct=True)), wrong=Count("id", filter=Q(is_correct=False)))
    )
    sampled = set(sampling.problems.values_list("problem_id", flat=True)) if sampling and sampling.duplicates else set()
    hits = trials = 0.0
    for row in graded.filter(wrong__gt=0)[: 10 * SAMPLE].iterator():
        right, wrong = row["right"], row["wrong"]
        if right and sampling and row["problem_id"] in sampled:
            right = max(right, sampling.per_problem - wrong)
        if right + wrong > 1:
            hits += wrong * right / (right + wrong - 1)
            trials += wrong
    return min(0.95, max(0.05, hits / trials)) if trials >= 10 else DEFAULT_ABILITY


def at_rollouts_temperature(
    ability: float, lengths: list[tuple[int, bool | None, int]], sampling: SamplingRun | None
) -> float:
    """The ability at the temperature of rollouts, which is lower than that of sampled solutions.

    The odds of a right step at temperature T are those at temperature 1 to the power of 1 / T.
    """
    sampling_temperature, rollout_temperature = (
        (sampling.sampling.get("temperature", 0) if sampling else 0),
        SamplingSettings().temperature,
    )
    count = sum(count for *_, count in lengths)
    if not sampling_temperature or not count:
        return ability
    steps = max(1.0, sum(steps * count for steps, _, count in lengths) / count - 1)
    step = ability ** (1 / steps)
    odds = (step / (1 - step)) ** (sampling_temperature / rollout_temperature)
    return float((odds / (1 + odds)) ** steps)


# --- simulated work ---------------------------------------------------------------------------------------


@lru_cache(maxsize=4000)
def expected_work(
    name: str, options: str, steps: int, *, is_right: bool, ability: float, most: int, places: tuple[float, ...] = ()
) -> ExpectedWork:
    """The mean work of a solution with `steps` steps, over the positions of its error and the completer's ability.

    `most`: rollouts per request, 0 for any number. `places`: weights of the positions of the error, by default uniform.
    """
    if steps < 1:
        return ExpectedWork()
    strategy, length = strategy_of(name, msgspec.json.decode(options)), min(steps, LONGEST)
    if isinstance(strategy, Tree) and is_right:
        return ExpectedWork()
    rng = random.Random(steps)  # noqa: S311 - a simulation
    weights = list(accumulate(places or [1.0] * max(1, steps - 1)))
    total = ExpectedWork()
    for number in range(SIMULATED):
        # Positions in proportion to their weights: drawn at random, so few simulations would vary too much.
        error = (
            length if is_right else bisect_right(weights, weights[-1] * (number + 0.5) / SIMULATED) * length // steps
        )
        for probe in _simulated_probes(strategy, length, error, ability, rng):
            requests = -(-probe.rollouts // most) if most else 1
            remaining_steps = length - 1 - probe.position
            total = total.plus(
                ExpectedWork(
                    rollouts=probe.rollouts,
                    requests=requests,
                    steps_sent=requests * (probe.position + 1),
                    steps_written=probe.rollouts * remaining_steps,
                )
            )
    return total.times(steps / length / SIMULATED)


def _simulated_probes(
    strategy: Strategy, length: int, error: int, ability: float, rng: random.Random
) -> Iterator[Probe]:
    """The probes for one solution; it has no error if `error` is its length."""
    success = rng.betavariate(ABILITY_CONCENTRATION * ability, ABILITY_CONCENTRATION * (1 - ability))
    false_success = rng.betavariate(
        FALSE_SUCCESS_CONCENTRATION * FALSE_SUCCESS, FALSE_SUCCESS_CONCENTRATION * (1 - FALSE_SUCCESS)
    )

    def chance(position: int, *, is_good: bool) -> float:
        # The fewer steps remain, the fewer errors a rollout can make; the last step only states the answer.
        remaining = max(0, length - 2 - position) / max(1, length - 1)
        return float(success**remaining) if is_good else false_success

    if isinstance(strategy, Tree):
        yield from simulated_tree_probes(strategy.options, length, error, chance, rng)
        return
    case, step_counts = Case(length, {length - 1: error == length}), [Counts() for _ in range(length)]
    while probes := strategy.next(case, step_counts):
        for probe in probes:
            probability = chance(probe.position, is_good=probe.position < error)
            hits = sum(rng.random() < probability for _ in range(probe.rollouts))
            old = step_counts[probe.position]
            step_counts[probe.position] = Counts(old.successes + hits, old.failures + probe.rollouts - hits)
        yield from probes
