"""The tests' judge server as a process, with its control interface; and judges that ask it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from annotate.local.supervisor import free_port
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import Judge, JudgeReply, JudgeRun, SolutionVerdict
from apps.judging.models.verdicts import ComparisonVerdict, ItemOutcome
from apps.judging.worker.run import run_judging_slice
from apps.projects.models import Project
from tests.estimation.model import ROOT, Model, wait_for


@contextmanager
def serving_judges() -> Iterator[str]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "tests.judging.judge_server", str(port)], cwd=ROOT) as process:
        try:
            url = f"http://127.0.0.1:{port}/v1"
            wait_for(Model(url))
            yield url
        finally:
            process.kill()


@pytest.fixture(scope="session")
def judge_server() -> Iterator[str]:
    """The address of one server for all the tests of a process. Who asks it resets it first: `judges_of(address)`."""
    with serving_judges() as url:
        yield url


def judges_of(address: str, **behavior: object) -> Model:
    """The server as good as new, but for this behavior."""
    server = Model(address)
    server.reset()
    server.control(**behavior)
    return server


def make_judge(
    project: Project, server: Model, kind: str = "steps", *, transport: str = "completions", **values: Any
) -> Judge:
    """A judge at the server; one endpoint for each transport."""
    endpoint = project.endpoints.filter(name=transport).first() or add_endpoint(
        project=project,
        name=transport,
        url=server.url,
        model="judge-7b",
        settings={"max_in_flight": 32, "transport": transport, "timeout_s": 5.0},
    )
    return save_judge(project=project, endpoint=endpoint, kind=kind, **values)


def worked(run: JudgeRun) -> JudgeRun:
    while run_judging_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


def assert_counts(run: JudgeRun, *, complete: bool = True) -> None:
    """The counters of the run are those of its rows."""
    verdicts = ComparisonVerdict if run.judge.compares else SolutionVerdict
    outcomes = list(verdicts.objects.filter(run=run).values_list("outcome", flat=True))
    undecided = sum(outcome in (ItemOutcome.TIED, ItemOutcome.INCONSISTENT) for outcome in outcomes)
    assert run.done == len(outcomes) == run.verdicts + run.refusals + run.unreadable
    assert run.verdicts == outcomes.count(ItemOutcome.VERDICT) + undecided
    assert (run.undecided, run.refusals, run.unreadable) == (
        undecided,
        outcomes.count(ItemOutcome.REFUSAL),
        outcomes.count(ItemOutcome.UNREADABLE),
    )
    replies = list(JudgeReply.objects.filter(run=run).values_list("outcome", "prompt_tokens", "completion_tokens"))
    assert run.missing == sum(outcome != "verdict" for outcome, _, _ in replies)
    assert run.prompt_tokens == sum(tokens for _, tokens, _ in replies)
    assert run.completion_tokens == sum(tokens for _, _, tokens in replies)
    if complete:
        assert run.done == run.total
        assert not run.shards.filter(finished_at=None).exists()
