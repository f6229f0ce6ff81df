"""A run's figures compare rollouts and certainty with the first errors that gold accepts, else with the settled consensus."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.labels import NO_ERROR
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.models import GoldLabel
from apps.labeling.problems import retire_problem
from apps.projects.models import Project
from apps.quality.metrics.estimation_runs import reliability, rollout_success
from apps.quality.models import AlsoAcceptable, Consensus
from tests.cast import make_problem, make_solution

STEPS = ["One.", "Two.", "Three.", "Four."]


@pytest.fixture
def run(project: Project) -> EstimationRun:
    return EstimationRun.objects.create(
        project=project, number=1, strategy="posterior-search", status=JobStatus.FINISHED
    )


def estimated(run: EstimationRun, first_error: int, *successes: int, surely: float = 0.95) -> Solution:
    """Each step with eight rollouts, of which so many reach the answer."""
    solution = make_solution(make_problem(run.project), STEPS)
    for step, count in zip(solution.steps.order_by("position"), successes, strict=True):
        StepEstimate.objects.create(run=run, step=step, rollouts=8, successes=count, hard=count > 0)
    SolutionEstimate.objects.create(run=run, solution=solution, first_error=first_error, probability=surely)
    return solution


def add_gold(solution: Solution, *ratings: int | None) -> Solution:
    for step, rating in zip(solution.steps.order_by("position"), ratings, strict=True):
        if rating is not None:
            GoldLabel.objects.create(step=step, rating=rating)
    return solution


def reliability_notes(run: EstimationRun) -> list[str]:
    return [one.note for one in reliability(run)]


def known(run: EstimationRun) -> tuple[int, int] | None:
    found = rollout_success(run)
    return found and (found.good_steps, found.bad_steps)


@pytest.mark.django_db
def test_a_gap_in_gold_names_no_first_error(run: EstimationRun) -> None:
    add_gold(estimated(run, 2, 8, 8, 0, 0), 1, None, -1, None)
    add_gold(estimated(run, NO_ERROR, 8, 8, 8, 8), 1, 1, 1, None)
    assert (reliability_notes(run), known(run)) == ([], None)


@pytest.mark.django_db
def test_a_bad_step_after_whole_gold_names_it_and_no_bad_step_means_no_error(run: EstimationRun) -> None:
    add_gold(estimated(run, 1, 8, 0, 0, 0), 1, -1, None, -1)
    add_gold(estimated(run, 2, 8, 8, 0, 0), 1, 0, 1, 1)
    assert reliability_notes(run) == ["1 of 2"]
    assert known(run) == (5, 3)


@pytest.mark.django_db
def test_every_first_error_that_gold_accepts_is_right_and_what_lies_between_is_not_known(run: EstimationRun) -> None:
    solution = add_gold(estimated(run, 3, 8, 8, 8, 0), 1, -1, None, None)
    AlsoAcceptable.objects.create(solution=solution, first_errors=[3])
    assert reliability_notes(run) == ["1 of 1"]
    assert known(run) == (1, 1)
    AlsoAcceptable.objects.filter(solution=solution).update(first_errors=[3, NO_ERROR])
    assert known(run) is None, "no step is known to be bad"


@pytest.mark.django_db
def test_acceptable_first_errors_count_where_the_ratings_of_gold_have_a_gap(run: EstimationRun) -> None:
    solution = add_gold(estimated(run, 2, 8, 8, 0, 0), None, None, -1, None)
    AlsoAcceptable.objects.create(solution=solution, first_errors=[1])
    assert reliability_notes(run) == ["0 of 1"]
    assert known(run) == (1, 3)


@pytest.mark.django_db
def test_people_count_where_gold_says_nothing_unless_the_problem_is_retired(run: EstimationRun, alice: User) -> None:
    solution = add_gold(estimated(run, 1, 8, 0, 0, 0), 1, None, None, None)
    Consensus.objects.create(solution=solution, project=run.project, state="settled", how="majority", first_error=1)
    other = estimated(run, 1, 8, 0, 0, 0)
    Consensus.objects.create(solution=other, project=run.project, state="thin", how="majority", first_error=3)
    assert (reliability_notes(run), known(run)) == (["1 of 1"], (1, 3))
    retire_problem(problem=solution.problem, reason="twice", actor=alice)
    assert (reliability_notes(run), known(run)) == ([], None)
