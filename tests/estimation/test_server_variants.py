"""Runs against servers that behave like real ones: they write past the answer, refuse settings and echo the prefix."""

from __future__ import annotations

import pytest

from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution, Step
from apps.estimation.models import EstimationRun, Rollout, RolloutBatch, SolutionEstimate, StepEstimate
from apps.estimation.runs.services import resume_run, start_run
from apps.estimation.sampling.services import run_sampling, start_sampling
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint, check_endpoint
from apps.projects.models import Project
from tests.cast import make_problem, make_solution
from tests.estimation.model import Model, model_of

pytestmark = pytest.mark.django_db(transaction=True)

RUNAWAY = "\nThe answer is 27.\n\nQuestion: Ann has 2 hats and gets 3. How many?\nAnswer: 2 + 3 = 5. The answer is 5."
STATEMENT = "A shelf holds 9 books. How many are on 3 shelves?"


@pytest.fixture
def model(model_server: str) -> Model:
    return model_of(model_server, latency_s=0.0, text="The answer is 27.")


@pytest.fixture
def shelf(project: Project) -> Solution:
    problem = make_problem(project, STATEMENT, reference_answer="27")
    return make_solution(
        problem, ["9 * 3 = 26.", "The answer is 26."], final_answer="26", is_correct=False, grade="no_match"
    )


def endpoint_of(project: Project, url: str, transport: str = "completions", **settings: object) -> Endpoint:
    chosen = {"transport": transport, "timeout_s": 20.0} | settings
    return add_endpoint(project=project, name="lab", url=url, model="small", settings=chosen)


def estimated(project: Project, endpoint: Endpoint, **more: object) -> EstimationRun:
    options = {"rollouts": 4}
    run = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", options=options, seed=3, **more)  # type: ignore[arg-type]
    run_estimation_slice(run_id=run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.parametrize("finish_reason", ["stop", "length"])
def test_what_a_completer_writes_after_its_answer_does_not_decide(
    finish_reason: str, model: Model, project: Project, shelf: Solution
) -> None:
    model.control(text=RUNAWAY, finish_reason=finish_reason)
    run = estimated(project, endpoint_of(project, model.url), keeps_rollouts=True)
    assert (run.status, run.rollouts, run.missing) == (JobStatus.FINISHED, 4, 0)
    estimate = StepEstimate.objects.get(step__position=0)
    assert (estimate.successes, estimate.rollouts, estimate.hard) == (4, 4, True)
    assert set(Rollout.objects.values_list("answer", flat=True)) == {"27"}
    assert "\nQuestion:" in run.sampling["stop"]


def test_stop_texts_of_an_endpoint_or_a_run_go_before_the_usual_ones(
    model: Model, project: Project, shelf: Solution
) -> None:
    endpoint = endpoint_of(project, model.url, stop=["\n\nNext"])
    assert estimated(project, endpoint).sampling["stop"] == ["\n\nNext"]
    assert estimated(project, endpoint, sampling={"stop": []}).sampling["stop"] == []


def test_a_solution_that_a_generator_writes_ends_before_its_own_question(
    model: Model, project: Project, shelf: Solution
) -> None:
    model.control(text=f"9 * 3 = 27.{RUNAWAY}")
    run = start_sampling(project=project, endpoint=endpoint_of(project, model.url), per_problem=1)
    run_sampling(run_id=run.pk)
    new = Solution.objects.latest("pk")
    assert (new.final_answer, new.is_correct) == ("27", True)
    assert list(Step.objects.filter(solution=new).order_by("position").values_list("text", flat=True)) == [
        "9 * 3 = 27.",
        "The answer is 27.",
    ]


def test_a_rollout_in_which_no_answer_is_found_is_missing_and_never_a_failure(
    model: Model, project: Project, shelf: Solution
) -> None:
    model.control(text="There are many books.")
    run = estimated(project, endpoint_of(project, model.url))
    assert (run.status, run.rollouts) == (JobStatus.FAILED, 0)
    assert "without a readable answer" in run.error
    assert not StepEstimate.objects.filter(basis="rollouts").exists()


@pytest.mark.parametrize("reason", ["max_tokens", "model_length", "content_filter"])
def test_every_word_for_cut_leaves_rollouts_missing(
    reason: str, model: Model, project: Project, shelf: Solution
) -> None:
    model.control(finish_reason=reason)
    run = estimated(project, endpoint_of(project, model.url))
    assert (run.status, run.rollouts) == (JobStatus.FAILED, 0)
    assert run.error.startswith("No rollout could be counted.")
    assert "cut off before their end" in run.error


@pytest.mark.parametrize("setting", ["max_tokens", "temperature", "seed", "top_p"])
def test_a_run_goes_on_without_a_setting_that_the_endpoint_refuses_and_tells_so(
    setting: str, model: Model, project: Project, shelf: Solution
) -> None:
    model.control(refuses=setting)
    endpoint = endpoint_of(project, model.url, "chat-instruct")
    run = estimated(project, endpoint)
    assert (run.status, run.rollouts, run.missing, run.error) == (JobStatus.FINISHED, 4, 0, "")
    assert [f"refuses {setting}" in notice for notice in run.notices] == [True]
    endpoint.refresh_from_db()
    assert endpoint.refused_settings == [setting]
    model.forget()
    again = estimated(project, endpoint)
    assert again.notices == run.notices
    assert model.stats()["statuses"] == {"200": 1}


def test_a_run_that_would_be_refused_altogether_pauses_with_the_servers_sentence_and_can_go_on(
    model: Model, project: Project, shelf: Solution
) -> None:
    model.control(refuses_all="Your plan does not include this model.")
    run = estimated(project, endpoint_of(project, model.url, "chat-instruct"))
    assert (run.status, run.rollouts, run.missing, run.done) == (JobStatus.PAUSED, 0, 0, 0)
    assert "Your plan does not include this model." in run.error
    model.control(refuses_all="")
    resume_run(run=run)
    run_estimation_slice(run_id=run.pk)
    run.refresh_from_db()
    assert (run.status, run.rollouts, run.error) == (JobStatus.FINISHED, 4, "")


def test_a_sampling_run_that_would_be_refused_altogether_pauses_too(
    model: Model, project: Project, shelf: Solution
) -> None:
    model.control(refuses_all="Your plan does not include this model.")
    endpoint = endpoint_of(project, model.url)
    run = run_sampling(run_id=start_sampling(project=project, endpoint=endpoint, per_problem=2).pk)
    assert (run.status, run.solutions) == (JobStatus.PAUSED, 0)
    assert "Your plan" in run.error
    model.control(refuses_all="", refuses="seed")
    again = run_sampling(run_id=start_sampling(project=project, endpoint=endpoint, per_problem=2).pk)
    assert (again.status, len(again.notices)) == (JobStatus.FINISHED, 1)


def test_a_prompt_that_is_too_long_is_asked_once_and_counted_as_missing(
    model: Model, project: Project, shelf: Solution
) -> None:
    long = make_problem(project, "x" * 3000, reference_answer="27")
    make_solution(long, ["One.", "The answer is 26."], final_answer="26", is_correct=False, grade="no_match")
    model.control(longest_prompt=2000)
    run = estimated(project, endpoint_of(project, model.url))
    assert (run.status, run.rollouts, run.missing) == (JobStatus.FINISHED, 4, 4)
    assert model.stats()["statuses"] == {"200": 1, "400": 1}
    batch = RolloutBatch.objects.exclude(reason="").get()
    assert batch.reason.startswith("The prompt is too long for the model.")
    assert any("The prompt is too long" in notice for notice in run.notices)
    assert "too long" in SolutionEstimate.objects.get(solution__problem=long).note


def test_a_doubled_prefix_is_cut_where_the_server_repeats_it(model: Model, project: Project, shelf: Solution) -> None:
    model.control(echoes=True, text=" So 27.\nThe answer is 27.")
    endpoint = endpoint_of(project, model.url, "chat-prefill")
    run = estimated(project, endpoint, keeps_rollouts=True)
    assert run.rollouts == 4
    assert {text.strip() for text in Rollout.objects.values_list("text", flat=True)} == {"So 27.\nThe answer is 27."}
    endpoint.refresh_from_db()
    assert endpoint.echoes_prefill is True
    model.control(echoes=False)
    assert check_endpoint(endpoint=endpoint).echoes_prefill is False


def test_a_model_that_repeats_its_prefix_of_its_own_accord_keeps_its_words(
    model: Model, project: Project, shelf: Solution
) -> None:
    """The server does not echo: a probe that no model would repeat shows that."""
    model.control(text="9 * 3 = 26. That is wrong.\nThe answer is 27.")
    endpoint = endpoint_of(project, model.url, "chat-prefill")
    estimated(project, endpoint, keeps_rollouts=True)
    assert all(text.startswith("9 * 3 = 26.") for text in Rollout.objects.values_list("text", flat=True))
    endpoint.refresh_from_db()
    assert endpoint.echoes_prefill is False


def test_the_real_llama_server_echoes_and_no_kept_rollout_repeats_its_prefix(
    project: Project, reasoner_server: str
) -> None:
    problem = make_problem(
        project, "Tom has 3 apples and buys 4 more. How many apples does Tom have now?", reference_answer="7"
    )
    steps = ["Step 1: Tom starts with 3 apples.", "The answer is 8."]
    make_solution(problem, steps, final_answer="8", is_correct=False, grade="no_match")
    endpoint = endpoint_of(project, reasoner_server, "chat-prefill")
    assert check_endpoint(endpoint=endpoint).check_error == ""
    assert endpoint.echoes_prefill is True
    sampling = {"max_tokens": 30, "temperature": 1.0}
    run = estimated(project, endpoint, keeps_rollouts=True, sampling=sampling)
    texts = list(Rollout.objects.filter(batch__run=run).values_list("text", flat=True))
    assert texts
    assert not any("Tom starts with 3 apples" in text for text in texts)
