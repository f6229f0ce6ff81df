"""OmegaPRM's tree: its search order, its results with the real reasoner, and its resumption."""

from __future__ import annotations

import itertools
import json
import random
from io import StringIO
from math import sqrt

import pytest
from django.core.management import call_command

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution, Step
from apps.demo.seeding import register_reasoner
from apps.estimation.engine.tree_search import CountedRollout, Leaf, TreeSearch
from apps.estimation.models import EstimationRun, Rollout, RolloutBatch, SolutionEstimate, StepEstimate
from apps.estimation.runs.forecast import forecasts
from apps.estimation.runs.services import pause_run, resume_run, start_run
from apps.estimation.sampling.services import run_sampling, start_sampling
from apps.estimation.strategies.tree import TreeOptions
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.models import Endpoint
from apps.projects.models import Project
from reasoner.problems import problems
from tests.cast import bearer, make_problem, signed_in

GIVEN = ("a", "b", "c", "the answer is 3")
WRONG, RIGHT = (
    CountedRollout(("x", "y", "the answer is 4"), is_right=False),
    CountedRollout(("z", "the answer is 5"), is_right=True),
)


def search(**options: float) -> TreeSearch:
    return TreeSearch(TreeOptions(**{"rollouts": 4, **options}), GIVEN, len(GIVEN) - 1)  # type: ignore[arg-type]


def selected(tree: TreeSearch) -> Leaf:
    leaf = tree.select()
    assert leaf is not None
    return leaf


def test_the_given_solution_is_bisected_first() -> None:
    tree = search()
    leaf = selected(tree)
    assert leaf.is_given
    assert tree.next_position(leaf) == 1
    tree.add_rollouts(leaf, 1, [WRONG, RIGHT, WRONG, WRONG])
    assert tree.next_position(leaf) == 2
    tree.add_rollouts(leaf, 2, [WRONG] * 4)
    assert tree.next_position(leaf) is None
    assert list(leaf.labels().hard) == [True, True, False, False]
    assert leaf.labels().first_error == 2


def test_only_wrong_rollouts_of_live_states_that_may_fail_are_searched_and_each_text_once() -> None:
    tree = search()
    leaf = selected(tree)
    tree.add_rollouts(leaf, 1, [WRONG, RIGHT, WRONG, WRONG])
    tree.add_rollouts(leaf, 2, [CountedRollout(("dead", "the answer is 9"), is_right=False)] * 4)
    tree.add_rollouts(leaf, 0, [RIGHT] * 4)
    derived = selected(tree)
    assert derived.steps == ("a", "b", *WRONG.steps)
    assert (derived.low, derived.high) == (1, 4)
    assert tree.select() is None


def test_a_prefix_that_is_known_already_is_not_rolled_out_again() -> None:
    tree = search()
    leaf = selected(tree)
    other = CountedRollout(("x", "y", "the answer is 7"), is_right=False)
    tree.add_rollouts(leaf, 1, [WRONG, other, RIGHT, RIGHT])
    first, second = selected(tree), selected(tree)
    assert tree.next_position(first) == 2
    tree.add_rollouts(first, 2, [WRONG] * 4)
    assert tree.next_position(first) is None
    assert tree.next_position(second) is None
    assert first.high == second.high == 2


def test_the_rollout_with_the_highest_q_and_u_of_the_paper_is_taken() -> None:
    """By hand: alpha ^ (1 - MC) * beta ^ (len / L) + c * sqrt(visits) / (1 + visits of the state)."""
    tree = search(rollouts=4, alpha=0.5, beta=0.9, length=4, exploration=0.125)
    leaf = selected(tree)
    long = CountedRollout(("w" * 64,), is_right=False)
    short = CountedRollout(("v" * 16,), is_right=False)
    tree.add_rollouts(leaf, 0, [long, RIGHT, RIGHT, RIGHT])
    tree.add_rollouts(leaf, 1, [short, WRONG, WRONG, RIGHT])
    worth = {leaf.steps[-1][0]: tree.priority(leaf) for leaf in tree._pool}
    assert worth["w"] == pytest.approx(0.5**0.25 * 0.9 ** (16 / 4) + 0.125 * sqrt(1) / 1)
    assert worth["v"] == pytest.approx(0.5**0.75 * 0.9 ** (4 / 4) + 0.125 * sqrt(1) / 1)
    assert selected(tree).steps[-1] == long.steps[-1]
    # Its state was visited: the others of it would count for less now.
    assert next(one for one in tree.states.values() if one.visits).value == 0.75


def test_the_budget_and_the_number_of_searches_end_it() -> None:
    spent, rng = 0, random.Random(3)
    tree = search(rollouts=4, budget=30, searches=50)
    while leaf := tree.select():
        while (position := tree.next_position(leaf)) is not None:
            spent += 4
            texts = [(str(rng.random()), str(rng.random()), "end") for _ in range(4)]
            tree.add_rollouts(leaf, position, [CountedRollout(steps, rng.random() < 0.5) for steps in texts])
    assert spent == 28
    few = search(rollouts=4, budget=4)
    assert selected(few).is_given
    assert few.select() is None


# --- with the real model ----------------------------------------------------------------------------------


@pytest.fixture
def endpoint(transactional_db: None, reasoner_server: str) -> Endpoint:
    return register_reasoner(url=reasoner_server)


@pytest.fixture
def sampled(project: Project, endpoint: Endpoint) -> Project:
    for one in itertools.islice(problems(41, held_out=True), 40):
        make_problem(project, one.question, reference_answer=str(one.answer), verifier="numeric")
    run = start_sampling(
        project=project, endpoint=endpoint, per_problem=1, sampling={"max_tokens": 200, "temperature": 1.2}, seed=5
    )
    assert run_sampling(run_id=run.pk).status == JobStatus.FINISHED
    assert Solution.objects.filter(project=project, is_correct=False).count() >= 5
    return project


def started(project: Project, endpoint: Endpoint, **more: object) -> EstimationRun:
    return start_run(
        project=project,
        endpoint=endpoint,
        strategy="tree",
        options={"budget": 48},
        sampling={"temperature": 1.0, "max_tokens": 200},
        selection={"answers": "wrong"},
        seed=9,
        **more,  # type: ignore[arg-type]
    )


def finish(run: EstimationRun) -> EstimationRun:
    while run_estimation_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


LabelsByText = dict[tuple[int, tuple[str, ...]], list[tuple[object, ...]]]


def labels_by_text(run: EstimationRun) -> LabelsByText:
    """A run's labels by the texts of the solutions, independent of row IDs."""
    labels: LabelsByText = {}
    for solution in Solution.objects.filter(estimates__run=run):
        steps = list(Step.objects.filter(solution=solution).order_by("position"))
        estimates = {one.step_id: one for one in StepEstimate.objects.filter(run=run, step__in=steps)}
        labels[solution.problem_id, tuple(step.text for step in steps)] = [
            (one.rollouts, one.successes, one.hard) if (one := estimates.get(step.pk)) else () for step in steps
        ]
    return labels


def assert_exact(run: EstimationRun) -> None:
    """Nothing is numbered or counted twice, and no tree takes more than its budget."""
    spent: dict[int, int] = {}
    letters = 0
    for batch in RolloutBatch.objects.filter(run=run).select_related("step__solution"):
        derived = (batch.step.solution.extras or {}).get("derived_from")
        root = derived["solution"] if derived and derived["run"] == run.number else batch.step.solution_id
        counted = sum(batch.outcomes.count(one) for one in "sf")
        spent[root] = spent.get(root, 0) + counted
        letters += len(batch.outcomes)
    assert run.rollouts == sum(spent.values())
    assert run.rollouts + run.missing == letters
    assert max(spent.values()) <= run.options["budget"]
    assert Rollout.objects.filter(batch__run=run).count() == letters


def test_a_tree_labels_the_given_solutions_and_derives_new_ones_with_their_labels(
    sampled: Project, endpoint: Endpoint
) -> None:
    last = Solution.objects.latest("pk").pk
    run = finish(started(sampled, endpoint))
    assert run.status == JobStatus.FINISHED, run.error
    assert run.done == run.total == Solution.objects.filter(estimates__run=run, pk__lte=run.last_item).count()
    assert_exact(run)
    derived = Solution.objects.filter(project=sampled, pk__gt=last)
    assert derived.count() > 5
    for solution in derived.prefetch_related("steps"):
        assert (solution.is_correct, solution.source) == (False, run.completer)
        assert solution.extras is not None
        origin = Solution.objects.get(pk=solution.extras["derived_from"]["solution"])
        assert origin.problem_id == solution.problem_id
        estimate = SolutionEstimate.objects.get(run=run, solution=solution)
        hard = dict(StepEstimate.objects.filter(run=run, step__solution=solution).values_list("step__position", "hard"))
        if estimate.first_error is not None:
            assert [hard[place] for place in range(solution.step_count)] == [
                place < estimate.first_error for place in range(solution.step_count)
            ]
    soft = StepEstimate.objects.filter(run=run, rollouts__isnull=False)
    assert set(soft.values_list("rollouts", flat=True)) == {8}
    assert soft.filter(step__solution__in=derived, basis="rollouts").exists()
    assert soft.filter(step__solution__in=derived, basis="inferred").exists()


def test_a_run_that_is_interrupted_again_and_again_counts_everything_once(sampled: Project, endpoint: Endpoint) -> None:
    run = started(sampled, endpoint, budget={"rollouts": 60})
    stops = 0
    while finish(run).status != JobStatus.FINISHED:
        assert run.status == JobStatus.PAUSED, run.error
        assert "budget" in run.error
        stops += 1
        resume_run(run=run, budget={"rollouts": run.rollouts + run.missing + 60})
    assert stops >= 2
    assert_exact(run)
    assert run.done == run.total
    # Every solution that was grown has its result, as if nothing had happened.
    derived = Solution.objects.filter(extras__derived_from__run=run.number)
    assert derived.count() == derived.filter(estimates__run=run).count() > 5


def test_a_worker_that_resumes_a_tree_requests_nothing_that_is_stored(sampled: Project, endpoint: Endpoint) -> None:
    run = finish(started(sampled, endpoint))
    expected, rollouts, solutions = labels_by_text(run), run.rollouts, Solution.objects.count()
    # As if it had been killed before it wrote any result.
    SolutionEstimate.objects.filter(run=run).delete()
    StepEstimate.objects.filter(run=run).delete()
    run.shards.all().delete()
    EstimationRun.objects.filter(pk=run.pk).update(
        status=JobStatus.QUEUED, claimed_upto=0, done=0, steps=0, finished_at=None
    )
    again = finish(run)
    assert again.status == JobStatus.FINISHED
    assert (again.rollouts, Solution.objects.count()) == (rollouts, solutions)
    assert labels_by_text(again) == expected


def test_a_second_tree_run_leaves_the_solutions_of_the_first_to_themselves(
    sampled: Project, endpoint: Endpoint
) -> None:
    first = finish(started(sampled, endpoint))
    derived = Solution.objects.filter(extras__derived_from__run=first.number).count()
    second = finish(started(sampled, endpoint))
    assert second.status == JobStatus.FINISHED, second.error
    assert second.total == first.total + derived
    assert second.done == second.total
    assert_exact(second)


def test_trees_keep_the_texts_of_their_rollouts_and_pause_like_other_runs(sampled: Project, endpoint: Endpoint) -> None:
    run = started(sampled, endpoint)
    assert run.keeps_rollouts
    pause_run(run=run)
    assert run_estimation_slice(run_id=run.pk) is False
    assert not RolloutBatch.objects.filter(run=run).exists()


def test_the_api_and_the_page_start_a_tree(sampled: Project, endpoint: Endpoint, alice: User) -> None:
    client = signed_in(alice)
    page = client.get(f"/projects/{sampled.slug}/estimation/new").content.decode()
    assert "OmegaPRM" in page
    wrong = Solution.objects.filter(project=sampled, is_correct=False).count()
    asked = {"endpoint": endpoint.pk, "strategy": "tree", "answers": "wrong", "temperature": "1", "max_tokens": "200"}
    output = client.get(f"/projects/{sampled.slug}/estimation/new/forecast", asked).content.decode()
    solutions = Solution.objects.filter(project=sampled, is_correct=False)
    (expected,) = [one for one in forecasts(solutions, endpoint, answers_suffice=True) if one.strategy == "tree"]
    assert 0 < expected.rollouts <= 128 * wrong
    assert f">{expected.rollouts:,.0f}<" in output
    posted = client.post(f"/projects/{sampled.slug}/estimation/new", asked)
    assert posted.status_code == 302, posted.content.decode()
    assert EstimationRun.objects.get(project=sampled).strategy == "tree"


def test_problems_without_a_solution_have_no_tree(project: Project, endpoint: Endpoint) -> None:
    make_problem(project)
    with pytest.raises(DomainError, match="matches no solution"):
        started(project, endpoint)


def test_command_and_api_take_the_options_of_a_tree(sampled: Project, endpoint: Endpoint, alice: User) -> None:
    output = StringIO()
    call_command(
        "estimate",
        "--project",
        sampled.slug,
        "--endpoint",
        endpoint.name,
        "--strategy",
        "tree",
        "--answers",
        "wrong",
        "--options",
        '{"budget": 16}',
        "--max-tokens",
        "200",
        "--wait",
        "--json",
        stdout=output,
    )
    run = EstimationRun.objects.get(pk=json.loads(output.getvalue())["run"])
    assert (run.status, run.options["budget"]) == (JobStatus.FINISHED, 16)
    assert_exact(run)

    asked = {"endpoint": endpoint.name, "strategy": "tree", "options": {"budget": 24, "alpha": 0.7}}
    client, url = bearer(alice), f"/api/v1/projects/{sampled.slug}/estimation-runs"
    answer = client.post(url, asked, content_type="application/json")
    assert answer.status_code == 201, answer.content
    assert (answer.json()["options"]["budget"], answer.json()["options"]["alpha"]) == (24, 0.7)
    refused = client.post(url, asked | {"options": {"alpha": 2}}, content_type="application/json")
    assert refused.status_code == 400
    assert "options" in refused.content.decode()
