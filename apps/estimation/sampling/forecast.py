"""Forecast of a sampling run: tokens, cost and time."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Avg
from django.db.models.functions import Length

from apps.corpus.models import Problem, Solution
from apps.estimation.runs.error_places import SAMPLE
from apps.estimation.runs.forecast import characters_per_step, cost_of, density_of, template_length
from apps.inference.models import Endpoint
from apps.projects.models import Project


@dataclass(frozen=True, slots=True)
class SamplingForecast:
    """Expected totals; upper bounds (`is_most`) if the project has no solutions from which to take their length.

    `cost` is None without prices, `seconds` without a measured speed of the endpoint.
    """

    problems: int
    solutions: int
    tokens: float
    is_most: bool
    cost: float | None
    seconds: float | None


def sampling_forecast(
    *, project: Project, endpoint: Endpoint | None, per_problem: int, max_tokens: int
) -> SamplingForecast:
    problems = Problem.objects.filter(project=project, retired_at=None).count()
    density = density_of(project.pk, endpoint)
    solutions = Solution.objects.filter(project=project)
    step_counts = list(solutions.order_by("-id").values_list("step_count", flat=True)[:SAMPLE])
    mean_steps = sum(step_counts) / len(step_counts) if step_counts else 0.0
    tokens_per_solution = mean_steps * characters_per_step(solutions) / density.written
    sample = Problem.objects.filter(project=project).order_by("id").values("id")[:SAMPLE]
    statement = Problem.objects.filter(id__in=sample).aggregate(mean=Avg(Length("statement")))["mean"] or 0
    tokens_out = problems * per_problem * min(max_tokens, tokens_per_solution or max_tokens)
    # A request asks for as many solutions as the server returns at once, and its prompt is billed once.
    requests = problems * -(
        -per_problem // (endpoint.most_choices if endpoint and endpoint.most_choices else per_problem)
    )
    tokens_in = requests * (statement + template_length(endpoint)) / density.prompts
    speed = endpoint.rollouts_per_s if endpoint else None
    return SamplingForecast(
        problems=problems,
        solutions=problems * per_problem,
        tokens=tokens_in + tokens_out,
        is_most=not tokens_per_solution,
        cost=cost_of(endpoint, tokens_in, tokens_out),
        # A rollout is half as long as a solution on average.
        seconds=2 * problems * per_problem / speed if speed else None,
    )
