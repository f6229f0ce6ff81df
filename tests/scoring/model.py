"""The tests' reward server as a process, with its control interface, and what it would score."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from annotate.local.supervisor import free_port
from apps.inference.scorers.prompt import ScoringPrompt
from apps.scoring.models import ScoringRun, SolutionScore, StepScore
from tests.estimation.model import ROOT, Model, wait_for
from tests.scoring.reward_server import score_of, step_text


class RewardServer(Model):
    """`url` ends in /v1; plain JSON is asked at `json_url`."""

    @property
    def json_url(self) -> str:
        return self.url.removesuffix("/v1") + "/score"


@contextmanager
def serving_rewards() -> Iterator[str]:
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "tests.scoring.reward_server", str(port)], cwd=ROOT) as process:
        try:
            url = f"http://127.0.0.1:{port}/v1"
            wait_for(Model(url))
            yield url
        finally:
            process.kill()


@pytest.fixture(scope="session")
def reward_server() -> Iterator[str]:
    """The address of one server for all the tests of a process. Who asks it resets it first: `rewards_of(address)`."""
    with serving_rewards() as url:
        yield url


def rewards_of(address: str, **behavior: object) -> RewardServer:
    """The server as good as new, but for this behavior."""
    server = RewardServer(address)
    server.reset()
    server.control(**behavior)
    return server


def token_scores(prompt: ScoringPrompt, problem: str, steps: Sequence[str]) -> list[float]:
    """What the server's probabilities of the signs say of each step."""
    return [score_of(prompt.prefix(problem, steps[: place + 1])) for place in range(len(steps))]


def json_scores(problem: str, steps: Sequence[str]) -> list[float]:
    return [score_of(step_text(problem, list(steps[: place + 1]))) for place in range(len(steps))]


def assert_exact(run: ScoringRun, *, complete: bool = True) -> None:
    """Assert that the stored scores, results and the run's counters agree."""
    results = list(SolutionScore.objects.filter(run=run).values_list("solution_id", "missing", "solution__step_count"))
    scores = StepScore.objects.filter(run=run)
    assert len(results) == len({solution_id for solution_id, *_ in results})
    assert run.done == len(results), "the run counts other solutions than are stored"
    assert run.steps == scores.count(), "the run counts other scores than are stored"
    assert run.missing == sum(missing for _, missing, _ in results), "the run counts other missing steps"
    per_solution: dict[int, int] = {}
    for solution_id in scores.values_list("step__solution_id", flat=True):
        per_solution[solution_id] = per_solution.get(solution_id, 0) + 1
    for solution_id, missing, steps in results:
        assert per_solution.pop(solution_id, 0) + missing == steps, "a solution is scored in part"
    assert not per_solution, "a step is scored whose solution has no result"
    if complete:
        assert run.status == "finished", run.error
        assert run.done == run.total, "solutions are left"


def values_of(run: ScoringRun) -> dict[int, list[float]]:
    """By solution: its scores in the order of the steps."""
    rows = StepScore.objects.filter(run=run).order_by("step__solution_id", "step__position")
    found: dict[int, list[Any]] = {}
    for solution_id, score in rows.values_list("step__solution_id", "score"):
        found.setdefault(solution_id, []).append(score)
    return found
