"""Services of judge runs: start, pause, resume, cancel and end. `worker/` does the work."""

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
from apps.judging.judges import endpoint_of
from apps.judging.models import Judge, JudgeRun
from apps.judging.runs.comparisons import choose_comparisons
from apps.judging.runs.conclusion import conclusion
from apps.judging.runs.parameters import run_parameters
from apps.runs import lifecycle
from apps.runs.parameters import RequestBudget
from apps.runs.selection import solutions_of


@transaction.atomic
def start_judging(
    *,
    judge: Judge,
    options: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
    seed: int | None = None,
    created_by: User | None = None,
) -> JudgeRun:
    """Freeze the parameters and queue the run. Raises DomainError with the name of the invalid parameter."""
    endpoint = endpoint_of(judge)
    parameters = run_parameters(judge, options, selection, budget)
    run = JudgeRun.objects.create(
        project=judge.project,
        number=lifecycle.next_number(JudgeRun, judge.project),
        judge=judge,
        endpoint=endpoint,
        created_by=created_by,
        prompt=judge.prompt,
        versions={"annotate": settings.VERSION},
        seed=secrets.randbelow(2**31) if seed is None else seed,
        price_in=endpoint.price_in,
        price_out=endpoint.price_out,
        **parameters,
    )
    run.total, run.last_item = _chosen(run)
    if not run.total:
        noun = "comparison" if judge.compares else "solution"
        raise DomainError(f"The selection matches no {noun}.", fields={"selection": f"must match at least one {noun}"})
    run.save(update_fields=["total", "last_item"])
    lifecycle.record(created_by, "started", run)
    wake_on_commit(run.task, run.pk)
    return run


def _chosen(run: JudgeRun) -> tuple[int, int]:
    """The number of items, and the highest ID."""
    if run.judge.compares:
        ids = choose_comparisons(run)
        return len(ids), max(ids, default=0)
    solutions = solutions_of(run.project, run.selection)
    return solutions.count(), solutions.aggregate(last=Max("id"))["last"] or 0


def pause_judging(*, run: JudgeRun, actor: User | None = None, reason: str = "") -> JudgeRun:
    """Pause a live run: requests in flight are completed and stored. `reason` is set if no user paused it."""
    return lifecycle.pause(run, actor=actor, reason=reason)


def resume_judging(*, run: JudgeRun, actor: User | None = None, budget: Mapping[str, Any] | None = None) -> JudgeRun:
    """Resume the run, with a new budget if one is passed. Raises Conflict if it has finished or was cancelled."""
    return lifecycle.resume(run, limits=RequestBudget, actor=actor, budget=budget)


def cancel_judging(*, run: JudgeRun, actor: User | None = None) -> JudgeRun:
    """Cancel the run for good. Stored verdicts stay, and count; requests in flight are cancelled."""
    return lifecycle.cancel(run, actor=actor)


# --- called by workers -------------------------------------------------------------------------------------


def finish_if_done(*, run: JudgeRun) -> bool:
    """End the run if all its items are processed. Returns whether it is over or paused."""
    return lifecycle.finish_if_done(run, conclusion)


def over_budget(run: JudgeRun) -> str | None:
    """A sentence that names the reached limit of the budget; None if no limit is reached."""
    spent = {"requests": run.requests, "tokens": run.tokens, "cost": run.cost, "seconds": run.seconds}
    return lifecycle.reached_limit(msgspec.convert(run.budget, RequestBudget), spent)
