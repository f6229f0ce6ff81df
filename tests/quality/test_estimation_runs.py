"""What a run's page says of its labels: against gold and people, how sure it may be, and what rollouts cannot tell."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs import JobStatus
from apps.corpus.models import Solution
from apps.estimation.intervals import false_bad, false_good, most_useful_rollouts
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.models import GoldLabel
from apps.labeling.services import open_round
from apps.projects.models import Project
from apps.quality import estimation_runs as insights
from apps.quality.settling import settle_project
from tests.cast import make_problem, make_solution, signed_in
from tests.world import World, rate


@pytest.fixture
def run(project: Project) -> EstimationRun:
    return EstimationRun.objects.create(
        project=project, number=1, strategy="posterior-search", status=JobStatus.FINISHED, options={"rollouts": 12}
    )


def solution_with(
    run: EstimationRun, successes: list[int], *, first_error: int, probability: float | None = None
) -> Solution:
    solution = make_solution(make_problem(run.project), steps=[f"step {place}" for place in range(len(successes))])
    StepEstimate.objects.bulk_create(
        StepEstimate(run=run, step=step, rollouts=8, successes=count, hard=count > 0)
        for step, count in zip(solution.steps.order_by("position"), successes, strict=True)
    )
    SolutionEstimate.objects.create(run=run, solution=solution, first_error=first_error, probability=probability)
    return solution


def gold(solution: Solution, *ratings: int) -> None:
    steps = solution.steps.order_by("position")
    GoldLabel.objects.bulk_create(
        GoldLabel(step=step, rating=rating) for step, rating in zip(steps, ratings, strict=False)
    )


def test_reliability_is_told_by_gold_as_well_as_by_people(run: EstimationRun, bob: User) -> None:
    right = solution_with(run, [8, 4, 0], first_error=2, probability=0.97)
    wrong = solution_with(run, [8, 0, 0], first_error=1, probability=0.93)
    unsure = solution_with(run, [1, 0, 0], first_error=1, probability=0.55)
    solution_with(run, [8, 0, 0], first_error=1, probability=0.55)
    gold(right, 1, 1, -1)
    gold(wrong, -1)
    round_ = open_round(project=run.project, protocol="first_error", select=f"unsure:{run.number}")
    while round_.tasks.filter(assignments=None).exists():
        rate(round_, bob, 1, -1)
    settle_project(run.project)
    bins = {one.label: one.note for one in insights.reliability(run)}
    assert bins == {"0.9 to 1.0": "1 of 2", "0.5 to 0.6": "2 of 2"}
    assert Solution.objects.filter(pk=unsure.pk, tasks__assignments__labeler=bob).exists()


def test_gold_outweighs_people_and_half_of_a_gold_path_says_nothing(run: EstimationRun, bob: User) -> None:
    solution = solution_with(run, [8, 0, 0], first_error=1, probability=0.95)
    round_ = open_round(project=run.project, protocol="first_error")
    rate(round_, bob, 1, 1, -1)
    settle_project(run.project)
    assert insights.reliability(run)[0].note == "0 of 1"
    gold(solution, 1)
    assert insights.reliability(run)[0].note == "0 of 1"
    GoldLabel.objects.create(step=solution.steps.get(position=1), rating=-1)
    assert insights.reliability(run)[0].note == "1 of 1"


def test_a_solution_that_people_found_no_error_in_is_told_too(run: EstimationRun, bob: User) -> None:
    solution_with(run, [8, 8, 8], first_error=-1, probability=0.99)
    rate(open_round(project=run.project, protocol="first_error"), bob, 1, 1, 1)
    settle_project(run.project)
    assert insights.reliability(run)[0].note == "1 of 1"


def test_what_is_given_up_says_nothing(run: EstimationRun, bob: User) -> None:
    solution_with(run, [8, 8, 8], first_error=-1, probability=0.99)
    rate(open_round(project=run.project, protocol="first_error"), bob, 1, finish="give_up", reason="no idea")
    settle_project(run.project)
    assert insights.reliability(run) == []
    assert insights.luck(run) is None


def test_luck_is_counted_over_prefixes_that_are_known_to_be_good_or_bad(run: EstimationRun) -> None:
    for _ in range(3):
        gold(solution_with(run, [8, 4, 2, 0], first_error=3), 1, 1, -1)
    found = insights.luck(run)
    assert found is not None
    assert (found.p, found.good_steps) == (12 / 16, 6)
    assert (found.q, found.bad_steps) == (2 / 16, 6)
    assert found.most_useful == most_useful_rollouts(0.75, 0.125, 0.5)


def test_the_page_says_the_exact_facts_and_what_this_run_shows(run: EstimationRun, rita: User) -> None:
    gold(solution_with(run, [8, 4, 2, 0], first_error=3), 1, 1, -1)
    page = signed_in(rita).get(reverse("run", args=[run.project.slug, run.number])).content.decode()
    facts = page[page.index('id="facts"') : page.index('id="luck"')]
    # At 8 rollouts: 0.9 ^ 8, 0.8 ^ 8, 0.5 ^ 8 and 1 - 0.98 ^ 8, 1 - 0.95 ^ 8. The run's own 12 has a row as well.
    assert '<th scope="row" class="num">12</th>' in facts
    row = facts[facts.index('<th scope="row" class="num">8</th>') :].split("</tr>")[0]
    assert [part.split("</td>")[0] for part in row.split('<td class="num">')[1:]] == [
        "43 %",
        "17 %",
        "0 %",
        "15 %",
        "34 %",
    ]
    assert "In this run 75 % of the rollouts" in page
    assert "more than 1 rollouts a step" in page


@pytest.mark.parametrize(("p", "n", "expected"), [(0.1, 8, 0.430), (0.1, 16, 0.185), (0.2, 8, 0.168), (0.3, 8, 0.058)])
def test_a_good_step_is_missed_as_often_as_the_formula_says(p: float, n: int, expected: float) -> None:
    assert false_bad(p, n) == pytest.approx(expected, abs=5e-4)
    assert false_good(0.05, 8) == pytest.approx(0.337, abs=5e-4)


@pytest.mark.parametrize(("p", "q", "good"), [(0.5, 0.05, 0.7), (0.2, 0.05, 0.7), (0.1, 0.05, 0.7), (0.8, 0.02, 0.9)])
def test_beyond_n_star_every_rollout_more_makes_hard_labels_worse(p: float, q: float, good: float) -> None:
    most = most_useful_rollouts(p, q, good)
    assert most is not None

    def wrong(n: int) -> float:
        return good * false_bad(p, n) + (1 - good) * false_good(q, n)

    best = min(range(1, 200), key=wrong)
    assert best - 1 <= most <= best
    assert wrong(best) < wrong(best + 1) < wrong(best + 10)


@pytest.mark.parametrize(("p", "q", "good"), [(0.5, 0.0, 0.7), (0.1, 0.2, 0.7), (1.0, 0.1, 0.5), (0.5, 0.1, 1.0)])
def test_without_luck_no_number_is_too_many(p: float, q: float, good: float) -> None:
    assert most_useful_rollouts(p, q, good) is None


def test_a_tree_names_the_solutions_that_it_grew(world: World, mia: User) -> None:
    grown = make_solution(make_problem(world.project), source="small", extras={"grown": {"run": 1, "from": 1}})
    EstimationRun.objects.filter(pk=world.run.pk).update(status=JobStatus.FINISHED, strategy="tree")
    SolutionEstimate.objects.create(run=world.run, solution=grown, first_error=0)
    page = signed_in(mia).get(reverse("run", args=[world.project.slug, world.run.number])).content.decode()
    assert "1 new solution</b> grew" in page
    assert "?source=small" in page
