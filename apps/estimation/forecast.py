"""What a run would take, before it is started: rollouts, tokens, money and time for every strategy.

Costs of adaptive strategies have no closed form: each is simulated on solutions as long as the project's, with errors
anywhere, and with a completer as able as the project's solutions show it to be. A request is billed with all of its
prompt (template, problem and prefix) once, however many rollouts it asks for.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Length

from apps.corpus.models import Problem, Solution, Step
from apps.estimation.models import SamplingRun
from apps.estimation.strategies import STRATEGIES, full_options, strategy_of
from apps.estimation.strategies.base import Case, Counts
from apps.estimation.strategies.tree import Tree, TreeOptions
from apps.inference.models import Endpoint

SIMULATED = 120
LONGEST = 40  # Longer solutions are simulated as if they had so many steps, and scaled.
SAMPLE = 500
CHARACTERS_A_TOKEN = 4.0
# A completer of whom nothing is known; how much completers differ from problem to problem.
USUAL_ABILITY, SPREAD = 0.6, 2.5


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
    solutions: QuerySet[Solution], endpoint: Endpoint | None, *, answers_suffice: bool,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Forecast]:  # fmt: skip
    """One for each strategy; `options` by strategy, defaults elsewhere. Raises DomainError for options that cannot be."""
    lengths = list(
        solutions.order_by().values_list("step_count", "is_correct").annotate(count=Count("id")).order_by("step_count")
    )
    sizes, ability = text_sizes(solutions, endpoint), ability_of(solutions)
    return [
        _forecast(
            name,
            (options or {}).get(name, {}),
            lengths,
            endpoint,
            sizes=sizes,
            ability=ability,
            answers_suffice=answers_suffice,
        )
        for name in STRATEGIES
    ]


def _forecast(
    name: str, options: Mapping[str, Any], lengths: list[tuple[int, bool | None, int]], endpoint: Endpoint | None, *,
    sizes: TextSizes, ability: float, answers_suffice: bool,
) -> Forecast:  # fmt: skip
    strategy = strategy_of(name, options)
    frozen = msgspec.json.encode(dict(options)).decode()
    most = (endpoint.most_choices if endpoint else None) or 0
    work, by_answer = ExpectedWork(), 0
    for steps, is_correct, count in lengths:
        if answers_suffice and strategy.takes_answers and is_correct:
            by_answer += count
            continue
        work = work.plus(
            expected_work(name, frozen, steps, is_right=bool(is_correct), ability=round(ability, 2), most=most).times(
                count
            )
        )
    tokens_in = work.requests * sizes.problem + work.steps_sent * sizes.step
    tokens_out = work.steps_written * sizes.step
    return Forecast(
        strategy=name,
        title=strategy.title,
        about=strategy.about,
        solutions=sum(count for *_, count in lengths),
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


def density_of(project_id: int, endpoint: Endpoint | None) -> Density:
    """As measured by the newest sampling run of this endpoint that wrote solutions here; else the rule of thumb."""
    usual = Density(CHARACTERS_A_TOKEN, CHARACTERS_A_TOKEN)
    if endpoint is None:
        return usual
    runs = SamplingRun.objects.filter(project=project_id, endpoint=endpoint, prompt_tokens__gt=0, solutions__gt=0)
    run = runs.order_by("-number").first()
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


def ability_of(solutions: QuerySet[Solution]) -> float:
    """How often a whole solution comes out right where another has come out wrong, problem by problem."""
    graded = solutions.order_by().values("problem_id").annotate(
        right=Count("id", filter=Q(is_correct=True)), wrong=Count("id", filter=Q(is_correct=False))
    )  # fmt: skip
    hits = tries = 0.0
    for row in graded.filter(wrong__gt=0)[: 10 * SAMPLE].iterator():
        others = row["right"] + row["wrong"] - 1
        if others:
            hits += row["wrong"] * row["right"] / others
            tries += row["wrong"]
    return min(0.95, max(0.05, hits / tries)) if tries >= 10 else USUAL_ABILITY


# --- how much is asked ------------------------------------------------------------------------------------


@lru_cache(maxsize=4000)
def expected_work(name: str, options: str, steps: int, *, is_right: bool, ability: float, most: int) -> ExpectedWork:
    """Of a solution with so many steps, on average over where its error is and how able the completer.

    `most` rollouts fit into a request; 0 where any number does.
    """
    if steps < 1:
        return ExpectedWork()
    given = msgspec.json.decode(options)
    if name == Tree.name:
        return _expected_tree(full_options(name, given), steps)
    strategy, length = strategy_of(name, given), min(steps, LONGEST)
    dice, case = random.Random(steps), Case(length, {length - 1: is_right})  # noqa: S311 - a simulation
    total = ExpectedWork()
    for _ in range(SIMULATED):
        error = length if is_right else dice.randrange(length)
        able = dice.betavariate(SPREAD * ability, SPREAD * (1 - ability))
        seen = [Counts() for _ in range(length)]
        while asks := strategy.next(case, seen):
            for ask in asks:
                # The nearer the end, the less is left to go wrong.
                left = (length - 1 - ask.position) / length
                chance = able**left if ask.position < error else 0.03
                hits = sum(dice.random() < chance for _ in range(ask.rollouts))
                old = seen[ask.position]
                seen[ask.position] = Counts(old.successes + hits, old.failures + ask.rollouts - hits)
                total = total.plus(_work_of(ask.position, ask.rollouts, length, most))
    return total.times(steps / length / SIMULATED)


def _work_of(position: int, rollouts: int, length: int, most: int) -> ExpectedWork:
    requests = -(-rollouts // most) if most else 1
    return ExpectedWork(rollouts, requests, requests * (position + 1), rollouts * (length - 1 - position))


def _expected_tree(options: Mapping[str, Any], steps: int) -> ExpectedWork:
    """It grows until its budget is spent, or no rollout is left to search: from states anywhere."""
    settings = msgspec.convert(options, TreeOptions)
    requests = settings.budget / settings.rollouts
    return ExpectedWork(settings.budget, requests, requests * steps / 2, settings.budget * steps / 2)
