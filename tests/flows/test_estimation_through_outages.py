"""Estimation while what it stands on goes away and comes back: PostgreSQL, Valkey, workers at any moment."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

from tests.estimation.model import Model, serving
from tests.flows.own_servers import OwnServers, own
from tests.processes import eventually, kill

__all__ = ["own"]

STEPS, ROLLOUTS, IN_FLIGHT = 4, 4, 16
SOLUTIONS = 120


@pytest.fixture
def model() -> Iterator[Model]:
    with serving() as url:
        found = Model(url)
        found.control(latency_s=0.15)
        yield found


def start(own: OwnServers, model: Model, solutions: int = SOLUTIONS) -> None:
    own.do("start", url=model.url, solutions=solutions, steps=STEPS, rollouts=ROLLOUTS, in_flight=IN_FLIGHT)
    own.do("call")


def ended(own: OwnServers) -> bool:
    state = own.do("state")
    assert state["status"] != "failed", state["error"]
    return bool(state["status"] == "finished")


def end_exact(own: OwnServers) -> None:
    eventually(lambda: ended(own), every=0.1)
    assert own.do("check", steps=STEPS, rollouts=ROLLOUTS) == ""


@pytest.mark.parametrize("crash", [False, True], ids=["in order", "by a crash"])
def test_a_run_outlives_a_restart_of_postgresql(crash: bool, own: OwnServers, model: Model) -> None:
    """A crash may undo the newest commits: what had been concluded from them is concluded anew."""
    start(own, model)
    with own.worker():
        for _ in range(2):
            own.goes_on()
            own.restart_postgres(crash=crash)
        end_exact(own)


@pytest.mark.parametrize("crash", [False, True], ids=["in order", "and all that it held is gone"])
def test_a_run_outlives_a_restart_of_the_broker(crash: bool, own: OwnServers, model: Model) -> None:
    start(own, model)
    with own.worker():
        own.goes_on()
        own.restart_valkey(crash=crash)
        own.goes_on(by=1)
        end_exact(own)
    assert model.stats()["repeated"] == 0
    assert model.stats()["most_in_flight"] <= 2 * IN_FLIGHT


def test_a_run_whose_messages_went_with_the_broker_is_called_again(own: OwnServers, model: Model) -> None:
    start(own, model, solutions=30)
    own.restart_valkey(crash=True)
    with own.worker():
        own.do("time_passes")
        end_exact(own)


def test_workers_killed_at_random_moments_while_a_run_pauses_and_resumes(own: OwnServers, model: Model) -> None:
    start(own, model)
    dice = random.Random(5)
    for round_ in range(2):
        with own.worker() as worker:
            eventually(lambda: own.do("state")["status"] != "queued")
            own.goes_on(by=1)
            time.sleep(dice.uniform(0, 0.3))
            if round_ % 2:
                own.do("pause")
                time.sleep(dice.uniform(0, 0.4))
            repeated = model.stats()["repeated"]
            kill(worker)  # type: ignore[arg-type]
        assert own.do("check", steps=STEPS, rollouts=ROLLOUTS) != "a rollout is numbered twice"
        if round_ % 2:
            own.do("resume")
        own.do("time_passes")
        assert model.stats()["repeated"] - repeated <= IN_FLIGHT
    with own.worker():
        end_exact(own)
    assert model.stats()["repeated"] <= 2 * IN_FLIGHT


def test_a_storm_of_too_many_requests_slows_a_run_down_and_it_is_fast_again_when_it_ends(
    own: OwnServers, model: Model
) -> None:
    start(own, model, solutions=240)
    model.control(latency_s=0.05)
    with own.worker():
        own.goes_on()
        model.control(too_many=1.0)
        refused = model.stats()["statuses"].get("429", 0)
        eventually(lambda: model.stats()["statuses"].get("429", 0) > refused + 150)
        model.control(too_many=0.0)
        end_exact(own)
    told = model.stats()
    assert told["most_in_flight"] <= IN_FLIGHT
    assert told["repeated"] == 0
    assert told["statuses"]["429"] < told["requests"]
