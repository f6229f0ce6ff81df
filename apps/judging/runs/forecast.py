"""Forecast of a judge run before its start: requests, tokens, cost and time.

The prompts of some items are rendered as the run would send them. What a reply takes is measured in the newest run of the
same prompt at the same model; without one it is assumed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.corpus.models import Comparison, Solution
from apps.estimation.runs.forecast import CHARACTERS_PER_TOKEN, cost_of
from apps.inference.models import Endpoint
from apps.judging.judges import endpoint_of, judge_kind
from apps.judging.kinds import ComparisonCase, Kind, SolutionCase
from apps.judging.models import Judge, JudgeReply, JudgeRun
from apps.judging.runs.comparisons import drawn_comparisons, existing_comparisons
from apps.judging.runs.parameters import run_parameters
from apps.judging.worker.load import comparison_case, paths_of, sides_of, solution_case
from apps.runs.selection import solutions_of

SAMPLE = 64  # Items whose prompts are rendered.
# Assumed tokens of a reply: of a critique of one step, and of what surrounds it.
TOKENS_PER_STEP, TOKENS_AROUND = 40, 60

Case = SolutionCase | ComparisonCase


@dataclass(frozen=True, slots=True)
class JudgingForecast:
    """Expected totals. `cost` is None without prices, `seconds` before the endpoint has judged anything.

    `is_measured`: the length of replies comes from an earlier run, not from an assumption.
    """

    items: int
    requests: int
    tokens_in: float
    tokens_out: float
    cost: float | None
    seconds: float | None
    is_measured: bool

    @property
    def tokens(self) -> float:
        return self.tokens_in + self.tokens_out


def judging_forecast(
    *,
    judge: Judge,
    options: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> JudgingForecast:
    """`judge` need not be stored. Raises DomainError, as `start_judging` would, if a parameter is invalid."""
    endpoint = endpoint_of(judge)
    chosen = run_parameters(judge, options, selection, budget)["selection"]
    count, cases = _compared(judge, chosen, seed) if judge.compares else _solved(judge, chosen)
    kind = judge_kind(judge)
    newest = newest_run(judge)
    per_reply = measured_tokens(newest) if newest else None
    per_item, characters_in, assumed_out = _sizes(kind, cases, endpoint.most_choices)
    tokens_in = characters_in / CHARACTERS_PER_TOKEN
    tokens_out = per_reply if per_reply is not None else assumed_out
    total_in, total_out = count * tokens_in, count * kind.requests * tokens_out
    requests = round(count * per_item)
    speed = requests_per_s(endpoint)
    return JudgingForecast(
        items=count,
        requests=requests,
        tokens_in=total_in,
        tokens_out=total_out,
        cost=cost_of(endpoint, total_in, total_out),
        seconds=requests / speed if speed else None,
        is_measured=per_reply is not None,
    )


def newest_run(judge: Judge) -> JudgeRun | None:
    """The newest run with replies of this prompt at this model, in any version of the judge."""
    runs = JudgeRun.objects.filter(
        project=judge.project, judge__model=judge.model, prompt=judge.prompt, completion_tokens__gt=0
    )
    return runs.order_by("-pk").first()


def measured_tokens(run: JudgeRun) -> float | None:
    """Completion tokens for each reply."""
    replies = JudgeReply.objects.filter(run=run, completion_tokens__gt=0).count()
    return run.completion_tokens / replies if replies else None


def requests_per_s(endpoint: Endpoint) -> float | None:
    """The speed of the newest judge run at the endpoint; None if there is none."""
    run = JudgeRun.objects.filter(endpoint=endpoint, requests__gt=0, started_at__isnull=False).order_by("-pk").first()
    return run.requests / run.seconds if run and run.seconds else None


def _sizes(kind: Kind[Any, Any], cases: Sequence[Case], most_choices: int | None) -> tuple[float, float, float]:
    """Means over the cases: requests for an item, characters of all its prompts, and assumed tokens of one reply.

    Votes on one prompt share a request, and its prompt is paid once, up to the most choices that the server returns.
    """
    requests = characters = replies = 0.0
    for case in cases:
        asks = kind.asks(case, {})
        # What is asked later depends on replies; it is taken to be as long as what is asked first.
        rounds = kind.requests / max(1, len(asks))
        for prompt, votes in Counter(ask.prompt for ask in asks).items():
            shared = math.ceil(votes / min(votes, most_choices or votes))
            requests += shared * rounds
            characters += shared * rounds * (len(prompt.system) + len(prompt.problem))
        replies += TOKENS_AROUND + TOKENS_PER_STEP * _step_count(case)
    count = max(1, len(cases))
    return requests / count, characters / count, replies / count


def _step_count(case: Case) -> int:
    return len(case.steps) if isinstance(case, SolutionCase) else len(case.left) + len(case.right)


def _solved(judge: Judge, selection: Mapping[str, Any]) -> tuple[int, list[Case]]:
    solutions = solutions_of(judge.project, selection)
    sample = list(solutions.select_related("problem").order_by("id")[:SAMPLE])
    paths = paths_of(sample)
    return solutions.count(), [solution_case(solution, paths[solution.pk], 0) for solution in sample]


def _compared(judge: Judge, selection: Mapping[str, Any], seed: int) -> tuple[int, list[Case]]:
    """New pairs are not stored for a forecast: they are shown as whole solutions."""
    if selection["pairs"] == "existing":
        ids = existing_comparisons(judge.project, selection)
        pairs = list(
            Comparison.objects.filter(pk__in=ids[:SAMPLE]).select_related(
                "problem", "left", "right", "left_step", "right_step"
            )
        )
        sides = sides_of(pairs)
        return len(ids), [comparison_case(pair, *sides[pair.pk], 0) for pair in pairs]
    drawn = drawn_comparisons(judge.project, selection, seed)
    first = drawn[:SAMPLE]
    solution_ids = {side.solution_id for pair in first for side in (pair.left, pair.right)}
    solutions = Solution.objects.filter(pk__in=solution_ids).select_related("problem").in_bulk()
    paths = paths_of(solutions.values())
    return len(drawn), [
        ComparisonCase(
            problem=solutions[pair.left.solution_id].problem.statement,
            left=paths[pair.left.solution_id].steps,
            right=paths[pair.right.solution_id].steps,
        )
        for pair in first
    ]
