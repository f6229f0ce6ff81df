"""Services of estimation runs: start, pause, resume, cancel and end. `worker/` does the work."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.jobs.wakeups import wake_on_commit
from apps.estimation.models import EstimationRun
from apps.estimation.runs.conclusion import conclusion
from apps.estimation.strategies import full_options, strategy_of
from apps.estimation.strategies.tree import Tree
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.runs import lifecycle
from apps.runs.parameters import Budget, checked, checked_sampling, template_of
from apps.runs.selection import checked_selection, solutions_of
from apps.verifiers.registry import VERIFIERS


@transaction.atomic
def start_run(
    *,
    project: Project,
    endpoint: Endpoint,
    strategy: str,
    options: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
    seed: int | None = None,
    answers_suffice: bool = True,
    keeps_rollouts: bool = False,
    created_by: User | None = None,
) -> EstimationRun:
    """Freeze the parameters and queue the run. Raises DomainError with the name of the invalid parameter."""
    check_usable(endpoint, project)
    chosen_strategy = strategy_of(strategy, options or {})
    solution_filter = checked_selection(selection or {})
    solutions = solutions_of(project, solution_filter)
    total = solutions.count()
    if not total:
        raise DomainError(
            "The selection matches no solution.", fields={"selection": "must match at least one solution"}
        )
    run = EstimationRun(
        project=project,
        number=next_number(project),
        strategy=strategy,
        completer=endpoint.model,
        endpoint=endpoint,
        created_by=created_by,
        options=full_options(strategy, options or {}),
        sampling=msgspec.to_builtins(checked_sampling(endpoint, sampling or {})),
        prompt=template_of(endpoint),
        selection=solution_filter,
        budget=msgspec.to_builtins(checked(Budget, budget or {}, "budget")),
        versions={"annotate": settings.VERSION, **{verifier.name: verifier.version for verifier in VERIFIERS.values()}},
        seed=secrets.randbelow(2**31) if seed is None else seed,
        answers_suffice=answers_suffice and chosen_strategy.takes_answers,
        # The tree strategy searches the texts of rollouts.
        keeps_rollouts=keeps_rollouts or isinstance(chosen_strategy, Tree),
        price_in=endpoint.price_in,
        price_out=endpoint.price_out,
        total=total,
        last_item=solutions.aggregate(last=Max("id"))["last"],
    )
    run.save()
    lifecycle.record(created_by, "started", run)
    wake_on_commit(run.task, run.pk)
    return run


def next_number(project: Project) -> int:
    """The next run number. Locked until the end of the transaction, so that no other run gets the same."""
    return lifecycle.next_number(EstimationRun, project)


def pause_run(*, run: EstimationRun, actor: User | None = None, reason: str = "") -> EstimationRun:
    """Pause a live run: requests in flight are completed and stored. `reason` is set if no user paused it."""
    return lifecycle.pause(run, actor=actor, reason=reason)


def resume_run(
    *, run: EstimationRun, actor: User | None = None, budget: Mapping[str, Any] | None = None
) -> EstimationRun:
    """Resume the run, with a new budget if one is passed. Raises Conflict if it has finished or was cancelled."""
    return lifecycle.resume(run, limits=Budget, actor=actor, budget=budget)


def cancel_run(*, run: EstimationRun, actor: User | None = None) -> EstimationRun:
    """Cancel the run for good. Stored results stay; requests in flight are cancelled."""
    return lifecycle.cancel(run, actor=actor)


# --- called by workers -------------------------------------------------------------------------------------


def begin_run(*, run_id: int) -> EstimationRun | None:
    """Mark the run as running and return it; None if it has ended or is paused."""
    return lifecycle.begin(EstimationRun, run_id)


def finish_if_done(*, run: EstimationRun) -> bool:
    """End the run if all its solutions are processed. Returns whether it is over or paused."""
    return lifecycle.finish_if_done(run, _concluded)


def _concluded(run: EstimationRun) -> lifecycle.Conclusion:
    """How the run ends. Its endpoint keeps the rate, for forecasts."""
    if run.endpoint_id and run.seconds and run.rollouts:
        Endpoint.objects.filter(pk=run.endpoint_id).update(rollouts_per_s=run.rollouts / run.seconds)
    return conclusion(run)


def over_budget(run: EstimationRun) -> str | None:
    """A sentence that names the reached limit of the budget; None if no limit is reached."""
    spent = {"rollouts": run.rollouts + run.missing, "tokens": run.tokens, "cost": run.cost, "seconds": run.seconds}
    return lifecycle.reached_limit(msgspec.convert(run.budget, Budget), spent)
