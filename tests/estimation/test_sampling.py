"""Sampling runs: the requested number of new solutions of each problem, graded and stored once."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import wake_on_commit
from apps.corpus.models import Problem, Solution, Step
from apps.estimation.models import SampledProblem, SamplingRun
from apps.estimation.sampling.services import (
    cancel_sampling,
    pause_sampling,
    resume_sampling,
    run_sampling,
    start_sampling,
)
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.runs.schedule import waiting_runs
from apps.runs.tasks import resume_abandoned
from tests.estimation.corpus import add_sums
from tests.estimation.model import Model, model_of
from tests.inference.scripted import ReceivedRequest, Reply, completions, scripted
from tests.processes import AtWork, StartWorker, eventually, kill


@pytest.fixture
def model(model_server: str) -> Model:
    return model_of(model_server, latency_s=0.02)


def endpoint_of(project: Project, url: str, in_flight: int = 32) -> Endpoint:
    settings = {"max_in_flight": in_flight, "timeout_s": 60.0}
    return add_endpoint(project=project, name="model", url=url, model="sums", settings=settings)


def sampled(project: Project, url: str, **more: object) -> SamplingRun:
    endpoint = endpoint_of(project, url)
    return run_sampling(run_id=start_sampling(project=project, endpoint=endpoint, seed=3, **more).pk)  # type: ignore[arg-type]


def new_ones(project: Project) -> list[Solution]:
    return list(Solution.objects.filter(project=project, source="sums").select_related("problem").order_by("id"))


@pytest.mark.django_db(transaction=True)
class TestDone:
    """Run in this process, by the function that a worker calls."""

    def test_every_problem_gets_its_solutions_split_graded_and_each_once(self, model: Model, project: Project) -> None:
        """The server writes one of two texts for a problem, so that most of eight are the same."""
        add_sums(project, 20)
        run = sampled(project, model.url, per_problem=8)
        assert (run.status, run.done, run.total, run.error) == (JobStatus.FINISHED, 20, 20, "")
        assert model.stats()["choices"] == 20 * 8
        assert run.solutions + run.duplicates == 20 * 8
        found = new_ones(project)
        assert run.solutions == len(found)
        assert max(Counter(solution.problem_id for solution in found).values()) <= 2
        for solution in found:
            assert solution.is_correct is (solution.final_answer == solution.problem.reference_answer)
            steps = list(Step.objects.filter(solution=solution).order_by("position").values_list("text", flat=True))
            assert steps[-1] == f"The answer is: {solution.final_answer}"
            assert len(steps) == solution.step_count == 2
        assert {solution.is_correct for solution in found} == {True, False}

    def test_a_second_run_finds_the_existing_solutions(self, model: Model, project: Project) -> None:
        add_sums(project, 5)
        first = sampled(project, model.url, per_problem=4)
        again = start_sampling(project=project, endpoint=Endpoint.objects.get(), per_problem=4, seed=3)
        second = run_sampling(run_id=again.pk)
        assert (second.number, second.solutions, second.duplicates) == (2, 0, 20)
        assert len(new_ones(project)) == first.solutions

    def test_repeated_texts_are_kept_where_votes_need_them(self, model: Model, project: Project) -> None:
        add_sums(project, 5)
        run = sampled(project, model.url, per_problem=8, keeps_repeated=True)
        assert (run.solutions, run.duplicates) == (40, 0)
        texts = Counter(step.text for step in Step.objects.filter(solution__in=new_ones(project), position=0))
        assert max(texts.values()) > 1
        again = start_sampling(project=project, endpoint=Endpoint.objects.get(), per_problem=8, seed=3)
        assert run_sampling(run_id=again.pk).duplicates < 40, "solutions by their text are not those by their number"

    def test_what_the_token_limit_cut_is_counted_and_left_out(self, model: Model, project: Project) -> None:
        add_sums(project, 10)
        model.control(cut=0.5)
        run = sampled(project, model.url, per_problem=4)
        assert 0 < run.cut < 40
        assert run.solutions + run.duplicates + run.cut == 40
        assert all(solution.final_answer for solution in new_ones(project))

    @pytest.mark.parametrize("fault", [{"fewer": 0.7}, {"most_choices": 3}, {"empty": 0.3}, {"too_many": 0.2}])
    def test_missing_choices_are_topped_up(self, fault: dict[str, float], model: Model, project: Project) -> None:
        add_sums(project, 10)
        model.control(**fault)
        run = sampled(project, model.url, per_problem=6)
        assert run.status == JobStatus.FINISHED, run.error
        assert run.solutions + run.duplicates == 60
        assert not SampledProblem.objects.exclude(failure="").exists()

    def test_a_server_that_ignores_n_is_asked_for_one_after_the_other(self, project: Project) -> None:
        add_sums(project, 3)
        texts = (f"Think {number}.\nThe answer is: {number}" for number in range(1000))
        with scripted(lambda _: completions(next(texts))) as server:
            run = sampled(project, server.url, per_problem=5)
        assert (run.solutions, run.duplicates, len(server.asked)) == (15, 0, 15)
        assert len({body["seed"] for body in server.bodies}) == 15

    def test_a_problem_that_the_server_refuses_says_so_and_the_others_go_on(self, project: Project) -> None:
        add_sums(project, 4)

        def script(asked: ReceivedRequest) -> Reply:
            if "Compute 2 + 2" in asked.body["prompt"]:
                return Reply({"error": {"message": "the prompt is too long"}}, status=400)
            return completions("One.\nThe answer is: 1")

        with scripted(script) as server:
            run = sampled(project, server.url, per_problem=1)
        assert (run.status, run.done, run.solutions) == (JobStatus.FINISHED, 4, 3)
        (failure,) = SampledProblem.objects.exclude(failure="").values_list("failure", flat=True)
        assert "the prompt is too long" in failure

    def test_a_model_that_says_nothing_ends_and_says_so(self, project: Project) -> None:
        add_sums(project, 1)
        with scripted(lambda _: completions("", "  ")) as server:
            run = sampled(project, server.url, per_problem=2)
        assert (run.status, run.solutions, len(server.asked)) == (JobStatus.FINISHED, 0, 4)
        assert SampledProblem.objects.get().failure == "The model wrote 0 of 2."

    def test_an_endpoint_that_refuses_the_key_pauses_the_run_which_can_be_resumed(
        self, model: Model, project: Project
    ) -> None:
        add_sums(project, 12)
        model.control(key="sk-right")
        run = sampled(project, model.url, per_problem=4)
        assert run.status == JobStatus.PAUSED
        assert "401" in run.error
        model.control(key="")
        resume_sampling(run=run)
        run = run_sampling(run_id=run.pk)
        assert (run.status, run.done, run.error) == (JobStatus.FINISHED, 12, "")
        assert run.solutions + run.duplicates == 48

    def test_a_run_waits_while_the_server_rate_limits(self, project: Project) -> None:
        """Each of the twelve requests is refused more than six times; an endpoint that is down would pause the run."""
        add_sums(project, 12)
        numbers = itertools.count()

        def script(_: ReceivedRequest) -> Reply:
            if next(numbers) < 80:
                return Reply({}, status=429, headers={"Retry-After": "0"})
            return completions("One.\nThe answer is: 1")

        with scripted(script) as server:
            run = sampled(project, server.url, per_problem=1)
        assert (run.status, run.done, run.error) == (JobStatus.FINISHED, 12, "")
        assert run.requests == len(server.asked) == 92

    def test_a_problem_that_always_fails_is_given_up_and_the_others_go_on(self, project: Project) -> None:
        add_sums(project, 6)

        def script(asked: ReceivedRequest) -> Reply:
            if "Compute 2 + 2" in asked.body["prompt"]:
                return Reply({}, status=500, headers={"Retry-After": "0"})
            return completions("One.\nThe answer is: 1")

        with scripted(script) as server:
            run = sampled(project, server.url, per_problem=1)
        assert (run.status, run.done, run.solutions) == (JobStatus.FINISHED, 6, 5)
        assert "500" in SampledProblem.objects.exclude(failure="").get().failure

    def test_texts_that_no_database_takes_are_mended(self, project: Project) -> None:
        add_sums(project, 1)
        with scripted(
            lambda _: completions("Nul \x00 here.\nThe answer is: 1", "Lone \ud800.\nThe answer is: 2")
        ) as server:
            run = sampled(project, server.url, per_problem=2)
        assert (run.status, run.solutions) == (JobStatus.FINISHED, 2)

    def test_a_run_that_has_ended_or_rests_is_left_alone(self, model: Model, project: Project) -> None:
        add_sums(project, 2)
        run = sampled(project, model.url)
        asked = model.stats()["requests"]
        assert run_sampling(run_id=run.pk).status == JobStatus.FINISHED
        with pytest.raises(Conflict):
            resume_sampling(run=run)
        other = start_sampling(project=project, endpoint=Endpoint.objects.get())
        pause_sampling(run=other)
        assert run_sampling(run_id=other.pk).status == JobStatus.PAUSED
        cancel_sampling(run=other)
        assert run_sampling(run_id=other.pk).status == JobStatus.CANCELLED
        assert model.stats()["requests"] == asked

    def test_an_endpoint_that_is_gone_fails_the_run(self, model: Model, project: Project) -> None:
        add_sums(project, 2)
        run = start_sampling(project=project, endpoint=endpoint_of(project, model.url))
        Endpoint.objects.all().delete()
        assert run_sampling(run_id=run.pk).error == "The endpoint of this run was removed."


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"per_problem": 0}, "per_problem"),
        ({"per_problem": 10_000}, "per_problem"),
        ({"split": "separator"}, "split"),
        ({"split": "by magic"}, "split"),
        ({"sampling": {"temperature": -1}}, "sampling"),
    ],
)
def test_terms_that_cannot_be_are_named(terms: dict[str, object], field: str, project: Project) -> None:
    endpoint = endpoint_of(project, "http://127.0.0.1:9/v1")
    with pytest.raises(DomainError) as caught:
        start_sampling(project=project, endpoint=endpoint)
    assert "project" in caught.value.fields
    add_sums(project, 1)
    with pytest.raises(DomainError) as caught:
        start_sampling(project=project, endpoint=endpoint, **terms)  # type: ignore[arg-type]
    assert field in caught.value.fields
    assert not SamplingRun.objects.exists()


# --- with real workers ------------------------------------------------------------------------------------


def under_way(project: Project, model: Model) -> SamplingRun:
    """A run over many problems, few at a time, with a wake-up message."""
    add_sums(project, 200)
    model.control(latency_s=0.2)
    run = start_sampling(project=project, endpoint=endpoint_of(project, model.url, in_flight=8), per_problem=4, seed=3)
    wake_on_commit(SamplingRun.task, run.pk)
    return run


def done(run: SamplingRun) -> int:
    run.refresh_from_db()
    return run.done


def assert_each_once(run: SamplingRun, problems: int) -> None:
    """The run's counters match the stored solutions, and each problem has one result."""
    run.refresh_from_db()
    assert run.done == SampledProblem.objects.filter(run=run).count() == problems
    assert run.solutions == len(new_ones(run.project))
    assert run.solutions + run.duplicates == 4 * problems
    assert Problem.objects.filter(project=run.project).count() == 200


def test_a_killed_worker_costs_what_was_in_flight_and_nothing_stands_twice(
    start_worker: StartWorker, at_work: AtWork, model: Model, project: Project
) -> None:
    run = under_way(project, model)
    with start_worker() as process:
        eventually(lambda: done(run) >= 10)
        kill(process)
    assert run.status == JobStatus.RUNNING
    # The clock finds it without a worker at once, and calls one.
    eventually(lambda: [one.pk for one in waiting_runs()] == [run.pk])
    resume_abandoned()
    with at_work():
        model.control(latency_s=0.02)
        eventually(lambda: done(run) == 200)
        eventually(lambda: SamplingRun.objects.get(pk=run.pk).status == JobStatus.FINISHED)
    assert_each_once(run, 200)
    assert model.stats()["repeated"] <= 8


def test_a_run_pauses_resumes_and_is_cancelled_while_a_worker_is_at_it(
    worker: None, model: Model, project: Project
) -> None:
    run = under_way(project, model)
    eventually(lambda: done(run) >= 10)
    pause_sampling(run=run)
    eventually(lambda: model.stats()["in_flight"] == 0)
    eventually(lambda: model.stats()["answered"] == done(run))
    assert run.status == JobStatus.PAUSED
    assert_each_once(run, run.done)
    rested = run.done
    assert rested < 200

    resume_sampling(run=run)
    wake_on_commit(SamplingRun.task, run.pk)
    eventually(lambda: done(run) > rested)
    cancel_sampling(run=run)
    eventually(lambda: model.stats()["in_flight"] == 0)
    run.refresh_from_db()
    assert run.status == JobStatus.CANCELLED
    assert run.done < 200
    assert_each_once(run, run.done)
