"""Forecast of a scoring run before its start: requests, tokens, cost and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, F, Sum
from django.db.models.functions import Length

from apps.corpus.models import Solution
from apps.estimation.runs.error_places import SAMPLE
from apps.estimation.runs.forecast import characters_per_step, cost_of, density_of
from apps.inference.models import Endpoint
from apps.inference.scorers.prompt import ScoringPrompt
from apps.projects.models import Project
from apps.runs.parameters import checked
from apps.runs.selection import checked_selection, solutions_of
from apps.scoring.models import ScoringRun
from apps.scoring.parameters import checked_kind, full_prompt


@dataclass(frozen=True, slots=True)
class ScoringForecast:
    """Expected totals. `cost` is None without prices, `seconds` before the endpoint has scored anything.

    Servers with a prefix cache read each step once: of `tokens_in` they compute only `new_tokens`, but bill all.
    """

    solutions: int
    steps: int
    requests: int
    tokens_in: float
    new_tokens: float
    tokens_out: float
    cost: float | None
    seconds: float | None

    @property
    def tokens(self) -> float:
        return self.tokens_in + self.tokens_out


def scoring_forecast(
    *,
    project: Project,
    endpoint: Endpoint | None,
    kind: str,
    prompt: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
) -> ScoringForecast:
    """Raises DomainError, as `start_scoring` would, if kind, prompt or selection are invalid."""
    solutions = solutions_of(project, checked_selection(selection or {}))
    texts = checked(ScoringPrompt, full_prompt(kind, prompt or {}), "prompt")
    sums = solutions.order_by().aggregate(
        steps=Sum("step_count"), prefixes=Sum(F("step_count") * (F("step_count") + 1) / 2)
    )
    count, steps, prefixes = solutions.count(), sums["steps"] or 0, sums["prefixes"] or 0
    per_step = checked_kind(kind).requests_per_step
    density = density_of(project.pk, endpoint).prompts
    sample = solutions.order_by("id").values("id")[:SAMPLE]
    mean = Solution.objects.filter(id__in=sample).aggregate(mean=Avg(Length("problem__statement")))["mean"] or 0
    statement = (mean + len(texts.statement(""))) / density
    step = (characters_per_step(solutions) + len(texts.head + texts.tag + texts.answer + texts.separator)) / density
    requests = steps if per_step else count
    tokens_in = requests * statement + (prefixes if per_step else steps) * step
    tokens_out = float(requests) if per_step else 0.0
    speed = requests_per_s(endpoint, kind)
    return ScoringForecast(
        solutions=count,
        steps=steps,
        requests=requests,
        tokens_in=tokens_in,
        new_tokens=count * statement + steps * step,
        tokens_out=tokens_out,
        cost=cost_of(endpoint, tokens_in, tokens_out),
        seconds=requests / speed if speed else None,
    )


def requests_per_s(endpoint: Endpoint | None, kind: str) -> float | None:
    """The speed of the newest run of this kind at the endpoint; None if there is none."""
    if endpoint is None:
        return None
    runs = ScoringRun.objects.filter(endpoint=endpoint, kind=kind, requests__gt=0, started_at__isnull=False)
    run = runs.order_by("-id").first()
    return run.requests / run.seconds if run and run.seconds else None
