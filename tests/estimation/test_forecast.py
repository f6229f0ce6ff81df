"""Forecasts against what is spent, on the real bundled reasoner with fixed seeds."""

from __future__ import annotations

import itertools

import pytest

from apps.dashboard.seeding import register_reasoner
from apps.estimation.driving import work_on
from apps.estimation.forecast import expected_work, forecasts
from apps.estimation.sampling import run_sampling, start_sampling
from apps.estimation.sampling_forecast import sampling_forecast
from apps.estimation.selection import checked_selection, solutions_of
from apps.estimation.services import start_run
from apps.projects.models import Project
from reasoner.problems import problems
from tests.cast import make_problem
from tests.reasoner.serving import reasoner


@pytest.mark.django_db(transaction=True)
def test_tokens_and_cost_are_foretold_within_15_percent(project: Project) -> None:
    """A first sampling run teaches how long texts and tokens are; what follows is foretold by it."""
    with reasoner() as url:
        endpoint = register_reasoner(url=url)
        endpoint.price_in, endpoint.price_out = 2, 8  # type: ignore[assignment]
        endpoint.save()
        for one in itertools.islice(problems(43, held_out=True), 12):
            make_problem(project, one.question, reference_answer=str(one.answer), verifier="numeric")
        for seed in (7, 8):
            foretold = sampling_forecast(project=project, endpoint=endpoint, per_problem=4, max_tokens=200)
            run = start_sampling(
                project=project, endpoint=endpoint, per_problem=4, sampling={"max_tokens": 200}, seed=seed
            )
            run = run_sampling(run_id=run.pk)
        assert foretold.tokens == pytest.approx(run.tokens, rel=0.15)

        options = {"rollouts": 4}
        (expected,) = [
            one
            for one in forecasts(
                solutions_of(project, checked_selection({})), endpoint, answers_suffice=True,
                options={"math-shepherd": options},
            )
            if one.strategy == "math-shepherd"
        ]  # fmt: skip
        estimation = start_run(
            project=project, endpoint=endpoint, strategy="math-shepherd", options=options,
            sampling={"max_tokens": 200}, seed=7,
        )  # fmt: skip
        work_on(run_id=estimation.pk)
        estimation.refresh_from_db()
    assert expected.rollouts == pytest.approx(estimation.rollouts + estimation.missing, rel=0.05)
    assert expected.tokens == pytest.approx(estimation.tokens, rel=0.15)
    assert expected.cost == pytest.approx(estimation.cost, rel=0.15)


def test_a_request_sends_its_prefix_once_however_many_rollouts_it_asks_for() -> None:
    by_one = expected_work("math-shepherd", "{}", 4, is_right=False, ability=0.6, most=1)
    at_once = expected_work("math-shepherd", "{}", 4, is_right=False, ability=0.6, most=0)
    assert (at_once.rollouts, at_once.requests, at_once.steps_sent) == (24, 3, 1 + 2 + 3)
    assert (by_one.rollouts, by_one.requests, by_one.steps_sent) == (24, 24, 8 * 6)
    assert at_once.steps_written == by_one.steps_written == 8 * (3 + 2 + 1)


def test_a_weaker_completer_is_foretold_other_work() -> None:
    works = [
        expected_work("early-stop", "{}", 6, is_right=False, ability=ability, most=0).rollouts for ability in (0.2, 0.9)
    ]
    assert works[0] > works[1]
