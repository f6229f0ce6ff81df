"""The parameters that a judge run freezes, with their bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from apps.inference.models import Endpoint
from apps.inference.types import SamplingParameters
from apps.judging.engine.engine import MOST_ATTEMPTS, JudgePlan
from apps.judging.judges import judge_kind
from apps.judging.models import Judge, JudgeRun
from apps.runs.parameters import RequestBudget, checked
from apps.runs.selection import checked_selection


class RunOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a run asks its judge."""

    attempts: Annotated[
        int, Meta(ge=1, le=MOST_ATTEMPTS, description="How often an unreadable reply is asked for, at most.")
    ] = 3
    uses_schema: Annotated[
        bool, Meta(description="Hold the model to the prompt's JSON schema where the server can.")
    ] = True


class PairSelection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pairs are compared: existing comparisons, or pairs of solutions of one problem, at most `each` of each."""

    pairs: Literal["existing", "right_wrong", "score", "random"] = "existing"
    each: Annotated[int, Meta(ge=1, le=1000)] = 1


def run_parameters(
    judge: Judge,
    options: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
) -> dict[str, dict[str, Any]]:
    """What a run of the judge freezes of these, with their defaults. Raises DomainError with the field's name."""
    return {
        "options": msgspec.to_builtins(checked(RunOptions, options or {}, "options")),
        "selection": checked_run_selection(selection or {}, compares=judge.compares),
        "budget": msgspec.to_builtins(checked(RequestBudget, budget or {}, "budget")),
    }


def checked_run_selection(selection: Mapping[str, Any], *, compares: bool) -> dict[str, Any]:
    """The selection with its defaults. Raises DomainError, field `selection`."""
    values, names = dict(selection), ("pairs", "each") if compares else ()
    pairs: dict[str, Any] = {name: values.pop(name) for name in names if name in values}
    solutions = checked_selection(values)
    if not compares:
        return solutions
    return {**solutions, **msgspec.to_builtins(checked(PairSelection, pairs, "selection"))}


def judge_sampling(endpoint: Endpoint) -> SamplingParameters:
    """Pure sampling; temperature, tokens and schema come from each question."""
    return SamplingParameters(stop=tuple(endpoint.stop), extras=endpoint.sends_extras)


def plan_of(run: JudgeRun) -> JudgePlan:
    """The run's parameters for the engine. The run must have an endpoint."""
    assert run.endpoint is not None
    options = checked(RunOptions, run.options, "options")
    return JudgePlan(
        kind=judge_kind(run.judge),
        sampling=judge_sampling(run.endpoint),
        seed=run.seed,
        attempts=options.attempts,
        uses_schema=options.uses_schema,
    )
