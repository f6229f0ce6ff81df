"""Services of scoring runs: start, pause, resume, cancel and end. `worker/` does the work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.jobs.wakeups import wake_on_commit
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.runs import lifecycle
from apps.runs.parameters import RequestBudget, checked
from apps.runs.selection import checked_selection, solutions_of
from apps.scoring.conclusion import conclusion
from apps.scoring.models import ScoringRun
from apps.scoring.parameters import checked_reducer
from apps.scoring.reducers import Reducer
from apps.scoring.reward_model import scorer_settings

APPLY_TASK = "apps.scoring.tasks.apply_scores"


@transaction.atomic
def start_scoring(
    *,
    project: Project,
    endpoint: Endpoint | None = None,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    prompt: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
    reducer: str = Reducer.PRODUCT,
    replaces_imported: bool = False,
    created_by: User | None = None,
) -> ScoringRun:
    """Freeze the parameters and queue the run. Raises DomainError with the name of the invalid parameter."""
    scorer = scorer_settings(project=project, endpoint=endpoint, kind=kind, options=options, prompt=prompt)
    solution_filter = checked_selection(selection or {})
    solutions = solutions_of(project, solution_filter)
    total = solutions.count()
    if not total:
        raise DomainError(
            "The selection matches no solution.", fields={"selection": "must match at least one solution"}
        )
    run = ScoringRun.objects.create(
        project=project,
        number=lifecycle.next_number(ScoringRun, project),
        kind=scorer.kind,
        model=scorer.endpoint.model,
        endpoint=scorer.endpoint,
        created_by=created_by,
        options=scorer.options,
        prompt=scorer.prompt,
        selection=solution_filter,
        budget=msgspec.to_builtins(checked(RequestBudget, budget or {}, "budget")),
        versions={"annotate": settings.VERSION},
        reducer=checked_reducer(reducer),
        replaces_imported=replaces_imported,
        price_in=scorer.endpoint.price_in,
        price_out=scorer.endpoint.price_out,
        total=total,
        last_item=solutions.aggregate(last=Max("id"))["last"],
    )
    lifecycle.record(created_by, "started", run)
    wake_on_commit(run.task, run.pk)
    return run


def pause_scoring(*, run: ScoringRun, actor: User | None = None, reason: str = "") -> ScoringRun:
    """Pause a live run: requests in flight are completed and stored. `reason` is set if no user paused it."""
    return lifecycle.pause(run, actor=actor, reason=reason)


def resume_scoring(
    *, run: ScoringRun, actor: User | None = None, budget: Mapping[str, Any] | None = None
) -> ScoringRun:
    """Resume the run, with a new budget if one is passed. Raises Conflict if it has finished or was cancelled."""
    return lifecycle.resume(run, limits=RequestBudget, actor=actor, budget=budget)


@transaction.atomic
def cancel_scoring(*, run: ScoringRun, actor: User | None = None) -> ScoringRun:
    """Cancel the run for good. Stored scores stay, and count; requests in flight are cancelled."""
    was_live = not run.has_ended
    run = lifecycle.cancel(run, actor=actor)
    if was_live:
        wake_on_commit(APPLY_TASK, run.pk)
    return run


# --- called by workers -------------------------------------------------------------------------------------


def finish_if_done(*, run: ScoringRun) -> bool:
    """End the run if all its solutions are processed. Returns whether it is over or paused."""
    return lifecycle.finish_if_done(run, conclusion)


def over_budget(run: ScoringRun) -> str | None:
    """A sentence that names the reached limit of the budget; None if no limit is reached."""
    spent = {"requests": run.requests, "tokens": run.tokens, "cost": run.cost, "seconds": run.seconds}
    return lifecycle.reached_limit(msgspec.convert(run.budget, RequestBudget), spent)
