"""What a sampling run would take, before it is started."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Avg
from django.db.models.functions import Length

from apps.corpus.models import Problem, Solution
from apps.estimation.runs.error_places import SAMPLE
from apps.estimation.runs.forecast import characters_a_step, cost_of, density_of, template_length
from apps.inference.models import Endpoint
from apps.projects.models import Project


@dataclass(frozen=True, slots=True)
class SamplingForecast:
    """Expected totals; the most there can be where no solution of the project tells how long they are.

    None where prices or the endpoint's speed are not known.
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
    written = _characters_a_solution(project) / density.written
    tokens_out = problems * per_problem * min(max_tokens, written or max_tokens)
    # A request asks for as many solutions of a problem as the server gives at once, and is billed its prompt once.
    requests = problems * -(
        -per_problem // (endpoint.most_choices if endpoint and endpoint.most_choices else per_problem)
    )
    tokens_in = requests * (_characters_a_problem(project) + template_length(endpoint)) / density.prompts
    speed = endpoint.rollouts_per_s if endpoint else None
    return SamplingForecast(
        problems=problems,
        solutions=problems * per_problem,
        tokens=tokens_in + tokens_out,
        is_most=not written,
        cost=cost_of(endpoint, tokens_in, tokens_out),
        # A rollout is half a solution on average.
        seconds=2 * problems * per_problem / speed if speed else None,
    )


def _characters_a_solution(project: Project) -> float:
    solutions = Solution.objects.filter(project=project)
    recent = solutions.order_by("-id").values_list("step_count", flat=True)[:SAMPLE]
    counts = list(recent)
    return sum(counts) / len(counts) * characters_a_step(solutions) if counts else 0.0


def _characters_a_problem(project: Project) -> float:
    some = Problem.objects.filter(project=project).order_by("id").values("id")[:SAMPLE]
    found = Problem.objects.filter(id__in=some).aggregate(mean=Avg(Length("statement")))["mean"]
    return float(found or 0)
