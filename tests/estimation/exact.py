"""Checks that a run's rows and counters agree, and that each step has its rollouts."""

from __future__ import annotations

from django.db import connection

from apps.core.jobs.model import JobStatus
from apps.estimation.engine.outcomes import MISSING
from apps.estimation.models import EstimationRun, RolloutBatch, SolutionEstimate, StepEstimate


def assert_exact(run: EstimationRun, *, steps: int, rollouts: int, complete: bool = True) -> None:
    """Assert that requests, steps, solutions and the run's counters agree.

    A complete run has so many counted rollouts at each step but the last of every solution.
    """
    batches = list(RolloutBatch.objects.filter(run=run).values_list("step_id", "ordinal", "outcomes", "tokens"))
    per_step: dict[int, str] = {}
    for step_id, _, outcomes, _ in batches:
        per_step[step_id] = per_step.get(step_id, "") + outcomes
    ordinals = [(step_id, ordinal + index) for step_id, ordinal, letters, _ in batches for index in range(len(letters))]
    assert len(ordinals) == len(set(ordinals)), "a rollout is numbered twice"
    missing = sum(letters.count(one) for letters in per_step.values() for one in MISSING)
    assert run.rollouts == sum(map(len, per_step.values())) - missing, "the run counts other rollouts than are stored"
    assert run.missing == missing, "the run counts other missing rollouts than are stored"
    assert run.completion_tokens == sum(tokens for *_, tokens in batches), "the run counts other tokens"
    estimates = StepEstimate.objects.filter(run=run, basis="rollouts")
    for step_id, counted, successes, lost in estimates.values_list("step_id", "rollouts", "successes", "missing"):
        letters = per_step[step_id]
        found = (letters.count("s") + letters.count("f"), letters.count("s"))
        assert (counted, successes) == found, "a step says other counts than are stored"
        assert lost == sum(letters.count(one) for one in MISSING), "a step says other missing rollouts"
        if complete:
            assert counted == rollouts, "a step has not what was asked for"
    done = SolutionEstimate.objects.filter(run=run)
    assert run.done == done.count(), "the run counts other solutions than are stored"
    if complete:
        assert run.status == JobStatus.FINISHED, run.error
        assert run.done == run.total, "solutions are left"
        assert estimates.count() == (steps - 1) * (run.total or 0), "steps are left"
        assert not done.exclude(failure="").exists(), "a solution has failed"


def lease_is_over(run: EstimationRun) -> None:
    """End the leases of the run, as if a minute had passed."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE estimation_shard SET leased_until = now() WHERE run_id = %s", [run.pk])
        cursor.execute(
            "UPDATE estimation_estimationrun SET beat_at = now() - interval '1 minute' WHERE id = %s", [run.pk]
        )
