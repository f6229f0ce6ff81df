"""A run's page: its labels against gold and consensus, its certainty, and the limits of hard labels."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import strip_tags
from django.utils.timezone import localtime

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import ImportBatch, Solution
from apps.estimation.hard_labels import false_bad, false_good, most_useful_rollouts
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.models import GoldLabel
from apps.labeling.problems import retire_problem
from apps.labeling.resplit import resplit_steps
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.metrics import estimation_runs
from apps.quality.metrics.refresh import refresh, refresh_run_figures
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.quality.models import Figure
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


def page_of(run: EstimationRun, reader: User) -> str:
    return signed_in(reader).get(reverse("run", args=[run.project.slug, run.number])).content.decode()


def text_of(page: str) -> str:
    return " ".join(strip_tags(page.replace("<t", " <t")).split())


def test_reliability_is_measured_by_gold_as_well_as_by_people(run: EstimationRun, bob: User) -> None:
    right = solution_with(run, [8, 4, 0], first_error=2, probability=0.97)
    wrong = solution_with(run, [8, 0, 0], first_error=1, probability=0.93)
    unsure = solution_with(run, [1, 0, 0], first_error=1, probability=0.55)
    solution_with(run, [8, 0, 0], first_error=1, probability=0.55)
    gold(right, 1, 1, -1)
    gold(wrong, -1)
    round_ = open_round(project=run.project, protocol="first_error", select=f"unsure:{run.number}")
    while round_.tasks.filter(assignments=None).exists():
        rate(round_, bob, 1, -1)
    recompute_project(run.project)
    bins = {one.label: one.note for one in estimation_runs.reliability(run)}
    assert bins == {"0.9 to 1.0": "1 of 2", "0.5 to 0.6": "2 of 2"}
    assert Solution.objects.filter(pk=unsure.pk, tasks__assignments__labeler=bob).exists()


def test_gold_outweighs_people_and_half_of_a_gold_path_says_nothing(run: EstimationRun, bob: User) -> None:
    solution = solution_with(run, [8, 0, 0], first_error=1, probability=0.95)
    round_ = open_round(project=run.project, protocol="first_error")
    rate(round_, bob, 1, 1, -1)
    recompute_project(run.project)
    assert estimation_runs.reliability(run)[0].note == "0 of 1"
    gold(solution, 1)
    assert estimation_runs.reliability(run)[0].note == "0 of 1"
    GoldLabel.objects.create(step=solution.steps.get(position=1), rating=-1)
    assert estimation_runs.reliability(run)[0].note == "1 of 1"


def test_a_solution_without_an_error_by_people_counts_too(run: EstimationRun, bob: User) -> None:
    solution_with(run, [8, 8, 8], first_error=-1, probability=0.99)
    rate(open_round(project=run.project, protocol="first_error"), bob, 1, 1, 1)
    recompute_project(run.project)
    assert estimation_runs.reliability(run)[0].note == "1 of 1"


def test_what_is_given_up_says_nothing(run: EstimationRun, bob: User) -> None:
    solution_with(run, [8, 8, 8], first_error=-1, probability=0.99)
    rate(open_round(project=run.project, protocol="first_error"), bob, 1, finish="give_up", reason="no idea")
    recompute_project(run.project)
    assert estimation_runs.reliability(run) == []
    assert estimation_runs.rollout_success(run) is None


def test_rollout_success_is_counted_over_prefixes_that_are_known_to_be_good_or_bad(run: EstimationRun) -> None:
    for _ in range(3):
        gold(solution_with(run, [8, 4, 2, 0], first_error=3), 1, 1, -1)
    found = estimation_runs.rollout_success(run)
    assert found is not None
    assert (found.p, found.good_steps) == (12 / 16, 6)
    assert (found.q, found.bad_steps) == (2 / 16, 6)
    assert (found.good_solutions, found.bad_solutions) == (3, 3)
    assert found.most_useful == most_useful_rollouts(0.75, 0.125, 0.5)


def test_the_page_says_the_exact_facts_and_what_this_run_shows(run: EstimationRun, rita: User) -> None:
    for _ in range(MIN_SOLUTIONS):
        gold(solution_with(run, [8, 4, 2, 0], first_error=3), 1, 1, -1)
    assert refresh_run_figures() == 1
    page = page_of(run, rita)
    facts = page[page.index('id="hard-label-errors"') : page.index('id="rollout-success"')]
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
    assert "In this run 75 % of the rollouts from 10 prefixes" in page
    assert "each rollout of a step beyond 1 makes hard labels worse" in page


def test_a_page_compares_as_of_the_time_it_names_and_says_so_before(run: EstimationRun, bob: User, rita: User) -> None:
    """A worker compares each run that paused or ended once, and again with each change of what is known."""
    gold(solution_with(run, [8, 4, 0], first_error=2), 1, 1, -1)
    solution_with(run, [8, 0, 0], first_error=1)
    assert "are being computed, and will be here within minutes" in text_of(page_of(run, rita))
    assert [refresh_run_figures(), refresh_run_figures()] == [1, 0]
    figure = Figure.objects.get(name="run")
    assert f"Compared with gold labels and people at {date_format(localtime(figure.at), 'j M, H:i')};" in page_of(
        run, rita
    )
    assert "No step is labeled by both yet." in page_of(run, rita)
    # New labels, by the refresh of all figures of the project.
    rate(open_round(project=run.project, protocol="first_error", select="unlabeled"), bob, 1, -1)
    recompute_project(run.project)
    assert refresh(run.project)
    assert "2 steps labeled by both" in text_of(page_of(run, rita))
    # More results.
    EstimationRun.objects.filter(pk=run.pk).update(done=3, status=JobStatus.PAUSED)
    assert [refresh_run_figures(), refresh_run_figures()] == [1, 0]
    EstimationRun.objects.filter(pk=run.pk).update(done=4, status=JobStatus.RUNNING)
    assert refresh_run_figures() == 0


def test_a_later_run_with_the_number_of_a_deleted_one_is_compared_itself(run: EstimationRun, rita: User) -> None:
    gold(solution_with(run, [8, 4, 0], first_error=2), 1, 1, -1)
    assert refresh_run_figures() == 1
    project, number = run.project, run.number
    run.delete()
    later = EstimationRun.objects.create(
        project=project, number=number, strategy="posterior-search", status=JobStatus.FINISHED
    )
    assert "are being computed" in text_of(page_of(later, rita))
    assert refresh_run_figures() == 1
    assert "Compared with gold labels and people at" in text_of(page_of(later, rita))
    assert 'id="rollout-success"' not in page_of(later, rita)


def test_a_run_that_cannot_be_compared_delays_no_other(
    run: EstimationRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    other = EstimationRun.objects.create(project=run.project, number=2, strategy="tree", status=JobStatus.CANCELLED)

    def fails(compared: EstimationRun) -> estimation_runs.ConsensusAgreement:
        if compared == run:
            raise TypeError("unsupported operand")
        return against_people(compared)

    against_people = estimation_runs.against_people
    monkeypatch.setattr(estimation_runs, "against_people", fails)
    assert refresh_run_figures() == 1
    assert Figure.objects.get(name="run").scope == f"run:{other.number}"
    assert run.project.slug in caplog.text


@pytest.mark.slow
def test_figures_of_fewer_than_five_solutions_are_a_dash_as_on_the_quality_page(
    run: EstimationRun, bob: User, rita: User
) -> None:
    for count in range(1, MIN_SOLUTIONS + 1):
        gold(solution_with(run, [8, 4, 0], first_error=2, probability=0.95), 1, 1, -1)
        solution_with(run, [8, 0, 0], first_error=1)
        round_ = open_round(project=run.project, protocol="first_error", select="unlabeled")
        rate(round_, bob, 1, -1)
        rate(round_, bob, 1, -1)
        recompute_project(run.project)
        refresh(run.project)
        accuracy = Figure.objects.get(name="monte_carlo", scope="run:1").data["accuracy"]
        people = estimation_runs.against_people(run)
        assert (people.agreement, people.solutions) == (accuracy["value"], accuracy["solutions"]) == (0.75, 2 * count)
        page = text_of(page_of(run, rita))
        share = "75 %" if 2 * count >= MIN_SOLUTIONS else "–"
        assert f"{4 * count} steps labeled by both. Agreement: {share} n {2 * count}" in page
        calibration = page.partition("Calibration of the search")[2]
        assert (f"{count} of {count}" in calibration) is (count >= MIN_SOLUTIONS), calibration[:600]
        assert ("In this run 83 % of the rollouts" in page) is (2 * count >= MIN_SOLUTIONS)
        assert (f"So far there are {2 * count} and {2 * count}." in page) is (2 * count < MIN_SOLUTIONS)


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
def test_without_lucky_rollouts_no_number_is_too_many(p: float, q: float, good: float) -> None:
    assert most_useful_rollouts(p, q, good) is None


def test_dead_steps_are_shown_for_counts_that_came_without_labels(run: EstimationRun) -> None:
    for successes in ([8, 4, 0], [8, 0, 0]):
        solution_with(run, successes, first_error=-1)
    solution = make_solution(make_problem(run.project))
    for step, rollouts in zip(solution.steps.order_by("position"), (8, 0, 8), strict=True):
        StepEstimate.objects.create(run=run, step=step, rollouts=rollouts, successes=0)
    assert [one.note for one in estimation_runs.dead_steps(run)] == ["1 of 3", "1 of 2", "3 of 3"]
    StepEstimate.objects.update(hard=None)
    assert [one.note for one in estimation_runs.dead_steps(run)] == ["1 of 3", "1 of 2", "3 of 3"]
    # A search may conclude otherwise than the rollouts of a step.
    StepEstimate.objects.filter(rollouts=8, successes=0).update(hard=True)
    assert [one.note for one in estimation_runs.dead_steps(run)] == ["0 of 3", "0 of 2", "0 of 3"]


def test_plots_of_a_run_that_came_with_files_follow_the_imports(run: EstimationRun) -> None:
    EstimationRun.objects.filter(pk=run.pk).update(origin="jsonl:1")
    run.refresh_from_db()
    for count in (1, 2):
        solution_with(run, [8, 0, 0], first_error=1)
        ImportBatch.objects.create(project=run.project, format="jsonl", finished_at=timezone.now())
        assert [one.note for one in estimation_runs.distributions(run)["dead"]] == [
            f"0 of {count}",
            f"{count} of {count}",
            f"{count} of {count}",
        ]


def test_a_round_is_offered_over_what_it_could_ask_and_over_nothing_else(
    run: EstimationRun, alice: User, mia: User
) -> None:
    """Not over retired problems, nor over an older version of what was split into steps anew."""
    solutions = [solution_with(run, [8, 4, 0], first_error=2, probability=0.5) for _ in range(4)]
    solution_with(run, [8, 4, 0], first_error=2, probability=0.95)
    failed = solution_with(run, [8, 4, 0], first_error=2, probability=0.5)
    SolutionEstimate.objects.filter(solution=failed).update(failure="too long")
    retire_problem(problem=solutions[0].problem, reason="twice", actor=alice)
    resplit_steps(solution=solutions[1], texts=["step 0 step 1", "step 2"], actor=alice)
    assert "The search is less than 90 % sure of the first error of 2 solutions" in text_of(page_of(run, mia))
    count = estimation_runs.unsure_count(run)
    assert count == open_round(project=run.project, protocol="first_error", select="unsure:1").task_count == 2
    for solution in solutions[2:]:
        retire_problem(problem=solution.problem, reason="twice", actor=alice)
    assert estimation_runs.unsure_count(run) == 0
    assert "open a round over them" not in page_of(run, mia)


def test_a_tree_names_the_solutions_that_it_grew(world: World, mia: User) -> None:
    grown = make_solution(
        make_problem(world.project), source="small", extras={"derived_from": {"run": 1, "solution": 1}}
    )
    EstimationRun.objects.filter(pk=world.run.pk).update(status=JobStatus.FINISHED, strategy="tree")
    SolutionEstimate.objects.create(run=world.run, solution=grown, first_error=0)
    page = signed_in(mia).get(reverse("run", args=[world.project.slug, world.run.number])).content.decode()
    assert "1 new solution</b> derived" in page
    assert "?source=small" in page
