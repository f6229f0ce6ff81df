"""Forecasts compared with actual spending, on the real bundled reasoner with fixed seeds."""

from __future__ import annotations

from typing import Any

import pytest
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.demo.seeding import SEED, create_word_problems, register_reasoner
from apps.estimation.models import EstimationRun, SamplingRun
from apps.estimation.runs.error_places import ErrorPlaces, error_places
from apps.estimation.runs.forecast import RunForecast, ability_of, at_rollouts_temperature, expected_work, forecasts
from apps.estimation.runs.services import start_run
from apps.estimation.sampling.forecast import sampling_forecast
from apps.estimation.sampling.services import run_sampling, start_sampling
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.runs.selection import checked_selection, solutions_of
from tests.cast import make_problem, make_solution, signed_in
from tests.inference.scripted import completions, scripted


# Numbers from the start: the seeds of rollouts hang on them.
@pytest.mark.django_db(transaction=True, reset_sequences=True)
def test_tokens_and_cost_are_foretold_within_15_percent(new_reasoner_server: str) -> None:
    """On the demo's word problems, its strategies as it starts them; Math-Shepherd at a quarter of its rollouts."""
    endpoint = register_reasoner(url=new_reasoner_server)
    endpoint.price_in, endpoint.price_out = 2, 8
    endpoint.save()
    project = create_word_problems()
    _sample(project, endpoint, SEED)
    for strategy, options, rollouts_within in (
        ("posterior-search", {}, 0.15),
        ("math-shepherd", {"rollouts": 2}, 0.01),
    ):
        forecast = _forecast(project, endpoint, strategy, options)
        spent = _spent(project, endpoint, strategy, options)
        assert forecast.rollouts == pytest.approx(spent.rollouts + spent.missing, rel=rollouts_within), strategy
        assert forecast.tokens == pytest.approx(spent.tokens, rel=0.15), strategy
        assert forecast.cost == pytest.approx(spent.cost, rel=0.15), strategy
    sampled = sampling_forecast(project=project, endpoint=endpoint, per_problem=4, max_tokens=200)
    assert sampled.tokens == pytest.approx(_sample(project, endpoint, SEED + 1).tokens, rel=0.15)


def _sample(project: Project, endpoint: Endpoint, seed: int) -> SamplingRun:
    run = start_sampling(project=project, endpoint=endpoint, per_problem=4, sampling={"max_tokens": 200}, seed=seed)
    return run_sampling(run_id=run.pk)


def _forecast(project: Project, endpoint: Endpoint, strategy: str, options: dict[str, Any]) -> RunForecast:
    solutions = solutions_of(project, checked_selection({}))
    found = forecasts(solutions, endpoint, answers_suffice=True, options={strategy: options})
    return next(one for one in found if one.strategy == strategy)


def _spent(project: Project, endpoint: Endpoint, strategy: str, options: dict[str, Any]) -> EstimationRun:
    run = start_run(
        project=project, endpoint=endpoint, strategy=strategy, options=options, sampling={"max_tokens": 200}, seed=SEED
    )
    while run_estimation_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


@pytest.mark.django_db(transaction=True)
def test_excluded_solutions_cost_nothing_and_are_counted(project: Project) -> None:
    """A run sends no request for them: no steps, no reference answer, or one that does not equal itself."""
    steps = ["One.", "Two.", "So it is 3."]
    for reference, verifier, is_correct in (("2", "numeric", False), ("3", "numeric", True), ("(2, 3)", "", False)):
        make_solution(
            make_problem(project, reference_answer=reference, verifier=verifier),
            steps,
            is_correct=is_correct,
            final_answer="3",
        )
    usual = _forecasts_without_endpoint(project)
    assert all(one.excluded == 0 and one.solutions == 3 for one in usual)
    for reference, verifier in ((None, ""), ("", "numeric"), ("See the figure.", "numeric"), ("12", "choice")):
        make_solution(make_problem(project, reference_answer=reference, verifier=verifier), steps)
    # Right by what its file says: without a reference answer it is not taken by its answer either.
    make_solution(make_problem(project, reference_answer=None), steps, is_correct=True)
    make_solution(make_problem(project, reference_answer="2", verifier="numeric"), [], is_correct=False)
    for before, now in zip(usual, _forecasts_without_endpoint(project), strict=True):
        assert (now.excluded, now.solutions, now.by_answer) == (6, 3, before.by_answer)
        assert (now.rollouts, now.tokens, now.steps) == (before.rollouts, before.tokens, before.steps)

    with scripted(lambda asked: completions(*["The answer is: 2"] * asked.body["n"])) as server:
        endpoint = add_endpoint(project=project, name="model", url=server.url, model="m")
        run = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", options={"rollouts": 2})
        while run_estimation_slice(run_id=run.pk):
            pass
    run.refresh_from_db()
    assert run.failed == 6, list(run.solutions.values_list("failure", "note"))
    (expected,) = [one for one in _forecasts_without_endpoint(project, rollouts=2) if one.strategy == run.strategy]
    assert run.rollouts + run.missing == expected.rollouts


def _forecasts_without_endpoint(project: Project, **options: int) -> list[RunForecast]:
    solutions = solutions_of(project, checked_selection({}))
    return forecasts(solutions, None, answers_suffice=True, options={"math-shepherd": options})


def test_the_forecast_of_a_project_without_reference_answers_is_zero(project: Project) -> None:
    make_solution(make_problem(project, reference_answer=None), ["One.", "Two."])
    for one in _forecasts_without_endpoint(project):
        assert (one.excluded, one.solutions, one.rollouts, one.tokens) == (1, 0, 0, 0)
    page = render_to_string("estimation/_forecast.html", {"forecasts": _forecasts_without_endpoint(project)})
    assert "1 more cannot be estimated: they have no steps, or no reference answer" in page


def test_a_request_sends_its_prefix_once_for_all_its_rollouts() -> None:
    by_one = expected_work("math-shepherd", "{}", 4, is_right=False, ability=0.6, most=1)
    at_once = expected_work("math-shepherd", "{}", 4, is_right=False, ability=0.6, most=0)
    assert (at_once.rollouts, at_once.requests, at_once.steps_sent) == (24, 3, 1 + 2 + 3)
    assert (by_one.rollouts, by_one.requests, by_one.steps_sent) == (24, 24, 8 * 6)
    assert at_once.steps_written == by_one.steps_written == 8 * (3 + 2 + 1)


def test_costs_are_a_column_where_the_endpoint_has_prices(project: Project, mia: User) -> None:
    make_solution(make_problem(project, reference_answer="2"))
    paid = Endpoint.objects.create(for_all=True, name="paid", url="http://x/v1", model="m", price_in=2)
    free = Endpoint.objects.create(for_all=True, name="free", url="http://x/v1", model="m")
    said = {"strategy": "math-shepherd", "temperature": "0.7", "max_tokens": "64", "answers": "any"}
    client, address = signed_in(mia), reverse("run-forecast", args=[project.slug])
    pages = [client.get(address, said | {"endpoint": one.pk}).content.decode() for one in (paid, free)]
    assert [page.count(">Rollouts<") for page in pages] == [1, 1]
    assert [page.count(">Cost<") for page in pages] == [1, 0]
    assert ["Enter the endpoint's prices" in page for page in pages] == [False, True]


def test_the_forecast_depends_on_the_completers_ability() -> None:
    works = [
        expected_work("early-stop", "{}", 6, is_right=False, ability=ability, most=0).rollouts for ability in (0.2, 0.9)
    ]
    assert works[0] > works[1]


def test_error_positions_are_forecast_from_the_steps_shared_with_right_solutions(project: Project) -> None:
    one, other = make_problem(project), make_problem(project)
    for steps in (["A", "B", "C", "D"], ["A", "B", "c", "D"]):
        make_solution(one, steps, is_correct=True)
    make_solution(one, ["A", "B", "X", "Y"], is_correct=False)
    make_solution(other, ["A", "X", "Y"], is_correct=False)
    places = error_places(Solution.objects.filter(project=project))
    assert (places.shared, places.similarity) == ({4: {2: 1}, 3: {None: 1}}, 2 / 4)
    assert places.weights(4) == (0, 0, 1)
    assert places.weights(3) == (0.5, 0.5)
    assert places.weights(5) == (0.25,) * 4
    assert places.weights(1) == (1.0,)


def test_the_step_after_a_shared_prefix_weighs_more_the_more_similar_right_solutions_are() -> None:
    assert ErrorPlaces({4: {1: 1}}, similarity=0.0).weights(4) == (0, 0.5, 0.5)
    assert ErrorPlaces({4: {1: 1}}, similarity=1.0).weights(4) == (0, 1, 0)
    assert ErrorPlaces({4: {0: 1, None: 1}}, similarity=1.0).weights(4) == pytest.approx((2 / 3, 1 / 6, 1 / 6))


def test_an_error_in_the_first_step_takes_all_rollouts_of_a_search() -> None:
    first, last = [
        expected_work("posterior-search", "{}", 6, is_right=False, ability=0.9, most=0, places=places).rollouts
        for places in ((1.0, 0, 0, 0, 0), (0, 0, 0, 0, 1.0))
    ]
    assert first > 4 * last


def test_the_forecast_of_a_tree_is_what_it_searches_and_zero_for_right_solutions() -> None:
    able, weak = [
        expected_work("tree", "{}", 6, is_right=False, ability=ability, most=0).rollouts for ability in (0.95, 0.5)
    ]
    assert 8 <= able < weak < 128
    assert expected_work("tree", "{}", 6, is_right=True, ability=0.5, most=0).rollouts == 0


def test_rollouts_at_a_lower_temperature_than_the_sampled_solutions_succeed_more_often() -> None:
    lengths: list[tuple[int, bool | None, int]] = [(5, False, 3)]
    assert at_rollouts_temperature(0.7, lengths, None) == 0.7
    assert at_rollouts_temperature(0.7, lengths, SamplingRun(sampling={"temperature": 0.7})) == pytest.approx(0.7)
    assert at_rollouts_temperature(0.7, lengths, SamplingRun(sampling={"temperature": 1.0})) > 0.8


def test_duplicates_count_for_the_ability(project: Project) -> None:
    run = SamplingRun.objects.create(project=project, number=1, generator="model", per_problem=4, duplicates=20)
    for _ in range(10):
        problem = make_problem(project)
        make_solution(problem, ["A", "B"], is_correct=True)
        make_solution(problem, ["A", "C"], is_correct=False)
        make_solution(problem, ["A", "D"], is_correct=False)
        run.problems.create(problem=problem)
    solutions = Solution.objects.filter(project=project)
    assert ability_of(solutions) == pytest.approx(1 / 2)
    assert ability_of(solutions, run) == pytest.approx(2 / 3)
