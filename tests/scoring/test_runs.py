"""Scoring runs: parameters, results, what becomes the solutions' score, budgets, and the ends of runs."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution, Step
from apps.estimation.models import EstimationRun
from apps.inference.models import Endpoint
from apps.inference.scorers.prompt import PRESETS
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.scoring.apply import apply_scores, unapplied_runs
from apps.scoring.latest import newest_scores, run_scores
from apps.scoring.models import ScoringRun, SolutionScore, StepScore
from apps.scoring.reward_model import scorer_settings, set_reward_model
from apps.scoring.services import cancel_scoring, pause_scoring, resume_scoring, start_scoring
from apps.scoring.tasks import apply_unapplied
from apps.scoring.worker.run import run_scoring_slice
from tests.cast import make_problem, make_solution
from tests.inference.scripted import Reply, scripted
from tests.scoring.model import RewardServer, assert_exact, json_scores, rewards_of, token_scores, values_of

pytestmark = pytest.mark.django_db(transaction=True)

ANNOTATE = {"preset": "annotate"}


@pytest.fixture
def server(reward_server: str) -> RewardServer:
    return rewards_of(reward_server)


@pytest.fixture
def prm(server: RewardServer, project: Project) -> Endpoint:
    return add_endpoint(project=project, name="prm", url=server.url, model="prm-7b", settings={"max_in_flight": 8})


@pytest.fixture
def plain(server: RewardServer, project: Project) -> Endpoint:
    return add_endpoint(project=project, name="plain", url=server.json_url, model="own", settings={"max_in_flight": 8})


def fill(project: Project, count: int = 5, **fields: Any) -> list[Solution]:
    return [
        make_solution(
            make_problem(project, reference_answer="2"), [f"One {n}.", "Two.", f"Three {n}."][: 1 + n % 3], **fields
        )
        for n in range(count)
    ]


def worked(run: ScoringRun) -> ScoringRun:
    while run_scoring_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


def texts_of(solution: Solution) -> list[str]:
    return list(solution.steps.order_by("position").values_list("text", flat=True))


# --- results ----------------------------------------------------------------------------------------------


def test_each_step_gets_the_models_probability_and_each_solution_the_product(project: Project, prm: Endpoint) -> None:
    solutions = fill(project)
    run = worked(start_scoring(project=project, endpoint=prm, prompt=ANNOTATE))
    assert_exact(run)
    for solution in solutions:
        expected = token_scores(PRESETS["annotate"], solution.problem.statement, texts_of(solution))
        assert values_of(run)[solution.pk] == pytest.approx(expected)
        solution.refresh_from_db()
        assert solution.verifier_score == pytest.approx(math.prod(expected))
    assert (run.requests, run.missing, run.failed) == (run.steps, 0, 0)
    assert run.completion_tokens == run.steps
    assert run.applied_at is not None


@pytest.mark.parametrize(
    ("reducer", "expected"),
    [("product", math.prod), ("min", min), ("last", lambda s: s[-1]), ("mean", lambda s: sum(s) / len(s))],
)
def test_the_reducer_makes_the_score_of_the_solution(
    reducer: str, expected: Any, project: Project, plain: Endpoint
) -> None:
    (solution,) = fill(project, 1)
    Step.objects.create(solution=solution, position=1, text="More.")
    run = worked(start_scoring(project=project, endpoint=plain, kind="json", reducer=reducer))
    solution.refresh_from_db()
    scores = json_scores(solution.problem.statement, texts_of(solution))
    assert solution.verifier_score == pytest.approx(expected(scores))
    assert run.reducer == reducer


def test_candidates_that_were_not_chosen_are_neither_sent_nor_scored(project: Project, plain: Endpoint) -> None:
    (solution,) = fill(project, 1)
    other = Step.objects.create(solution=solution, position=0, candidate=1, text="Else.", chosen=False)
    worked(start_scoring(project=project, endpoint=plain, kind="json"))
    assert not StepScore.objects.filter(step=other).exists()
    assert StepScore.objects.count() == 1


def test_a_solution_with_a_missing_step_has_no_score_but_that_of_its_last_step(
    project: Project, plain: Endpoint, server: RewardServer
) -> None:
    solution = make_solution(make_problem(project), ["One.", "Two.", "Three."])
    server.control(json_scores=[0.5, None, 0.25])
    run = worked(start_scoring(project=project, endpoint=plain, kind="json"))
    assert_exact(run)
    assert (run.steps, run.missing, run.failed) == (2, 1, 0)
    solution.refresh_from_db()
    assert solution.verifier_score is None
    assert "Steps without a score: 1." in run.notices
    worked(start_scoring(project=project, endpoint=plain, kind="json", reducer="last"))
    solution.refresh_from_db()
    assert solution.verifier_score == 0.25


def test_a_solution_without_steps_is_counted_with_its_reason(project: Project, plain: Endpoint) -> None:
    fill(project, 2)
    empty = make_solution(make_problem(project), [])
    run = worked(start_scoring(project=project, endpoint=plain, kind="json"))
    assert (run.done, run.failed) == (3, 1)
    assert SolutionScore.objects.get(run=run, solution=empty).failure == "The solution has no steps."


# --- which score a solution has ---------------------------------------------------------------------------


def test_a_score_from_a_file_stays_unless_the_run_replaces_it(project: Project, plain: Endpoint) -> None:
    (solution,) = fill(project, 1, verifier_score=-7.5)
    worked(start_scoring(project=project, endpoint=plain, kind="json"))
    solution.refresh_from_db()
    assert solution.verifier_score == -7.5
    run = worked(start_scoring(project=project, endpoint=plain, kind="json", replaces_imported=True))
    solution.refresh_from_db()
    assert solution.verifier_score == pytest.approx(json_scores(solution.problem.statement, texts_of(solution))[0])
    assert SolutionScore.objects.get(run=run).replaced == -7.5


def test_a_newer_run_replaces_an_older_one_and_never_the_other_way(
    project: Project, plain: Endpoint, server: RewardServer
) -> None:
    (solution,) = fill(project, 1)
    older = start_scoring(project=project, endpoint=plain, kind="json")
    newer = start_scoring(project=project, endpoint=plain, kind="json")
    server.control(json_scores=[0.9])
    worked(newer)
    server.control(json_scores=[0.1])
    worked(older)
    solution.refresh_from_db()
    assert solution.verifier_score == 0.9
    assert newest_scores([solution.pk])[solution.pk].run_id == newer.pk
    assert run_scores(older, [solution.pk])[solution.pk].by_position == {0: 0.1}
    server.control(json_scores=[0.4])
    newest = worked(start_scoring(project=project, endpoint=plain, kind="json"))
    solution.refresh_from_db()
    assert solution.verifier_score == 0.4
    assert SolutionScore.objects.get(run=newest).replaced == 0.9


def test_scores_count_when_the_run_ends_and_also_when_it_is_cancelled(project: Project, plain: Endpoint) -> None:
    solutions = fill(project, 3)
    run = start_scoring(project=project, endpoint=plain, kind="json")
    ScoringRun.objects.filter(pk=run.pk).update(status=JobStatus.PAUSED)
    step = solutions[0].steps.get(position=0)
    StepScore.objects.create(run=run, step=step, score=0.5)
    SolutionScore.objects.create(run=run, solution=solutions[0], score=0.5)
    assert newest_scores([solutions[0].pk]) == {}
    apply_scores(run_id=run.pk)
    assert not Solution.objects.filter(verifier_score__isnull=False).exists()
    cancel_scoring(run=run)
    assert list(unapplied_runs()) == [run]
    apply_unapplied()
    assert newest_scores([solutions[0].pk])[solutions[0].pk].by_step == {step.pk: 0.5}
    assert list(Solution.objects.filter(verifier_score__isnull=False)) == [solutions[0]]
    assert list(unapplied_runs()) == []


def test_the_database_refuses_what_is_no_score(project: Project, plain: Endpoint) -> None:
    (solution,) = fill(project, 1)
    run = start_scoring(project=project, endpoint=plain, kind="json")
    step = solution.steps.get()
    for score in (-0.01, 1.01, math.nan, math.inf):
        with pytest.raises(IntegrityError), transaction.atomic():
            StepScore.objects.create(run=run, step=step, score=score)
    StepScore.objects.create(run=run, step=step, score=1.0)
    with pytest.raises(IntegrityError), transaction.atomic():
        StepScore.objects.create(run=run, step=step, score=0.5)


# --- the run ----------------------------------------------------------------------------------------------


def test_a_run_keeps_its_parameters_whatever_becomes_of_the_endpoint(project: Project, prm: Endpoint) -> None:
    fill(project, 2)
    run = start_scoring(project=project, endpoint=prm, prompt=ANNOTATE | {"tag": " =>"}, options={"top": 5})
    Endpoint.objects.filter(pk=prm.pk).update(model="another", price_in=1)
    run.refresh_from_db()
    assert run.model == "prm-7b"
    assert run.prompt["tag"] == " =>"
    assert run.prompt["good"] == ["+"]
    assert run.options == {"top": 5, "most": 400, "good_ids": [], "bad_ids": [], "extras": True}
    assert run.cost is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "magic"}, "kind"),
        ({"reducer": "median"}, "reducer"),
        ({"options": {"top": 0}}, "options"),
        ({"options": {"nonsense": 1}}, "options"),
        ({"prompt": {"preset": "no such"}}, "prompt"),
        ({"prompt": {"problem": "without a place"}}, "prompt"),
        ({"prompt": {"good": ["+"], "bad": ["+"]}}, "prompt"),
        ({"prompt": {"good": []}}, "prompt"),
        ({"kind": "json", "prompt": {"tag": "x"}}, "prompt"),
        ({"budget": {"requests": 0}}, "budget"),
        ({"selection": {"answers": "nice"}}, "selection"),
        ({"selection": {"source": "nobody"}}, "selection"),
    ],
)
def test_a_wrong_parameter_is_named(wrong: dict[str, Any], field: str, project: Project, prm: Endpoint) -> None:
    fill(project, 1)
    with pytest.raises(DomainError) as error:
        start_scoring(project=project, endpoint=prm, **wrong)
    assert list(error.value.fields) == [field]
    assert not ScoringRun.objects.exists()


def test_only_selected_solutions_are_scored(project: Project, plain: Endpoint) -> None:
    fill(project, 2, is_correct=True)
    wrong = fill(project, 3, is_correct=False)
    run = worked(start_scoring(project=project, endpoint=plain, kind="json", selection={"answers": "wrong"}))
    assert run.total == run.done == 3
    assert set(values_of(run)) == {solution.pk for solution in wrong}


@pytest.mark.parametrize("limit", [{"requests": 6}, {"tokens": 60}])
def test_a_budget_pauses_the_run_and_a_larger_one_lets_it_go_on(
    limit: dict[str, int], project: Project, prm: Endpoint, server: RewardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.runs.worker.WATCH_EVERY_S", 0.02)
    fill(project, 40)
    server.control(latency_s=0.05)
    run = worked(start_scoring(project=project, endpoint=prm, prompt=ANNOTATE, budget=limit))
    assert run.status == JobStatus.PAUSED
    assert next(iter(limit)) in run.error
    assert 0 < run.done < run.total  # type: ignore[operator]
    assert_exact(run, complete=False)
    server.control(latency_s=0.0)
    resume_scoring(run=run, budget={})
    assert_exact(worked(run))
    assert server.stats()["repeated"] == 0


def test_a_paused_run_goes_on_and_a_cancelled_one_does_not(project: Project, plain: Endpoint, alice: User) -> None:
    fill(project, 3)
    run = start_scoring(project=project, endpoint=plain, kind="json")
    pause_scoring(run=run, actor=alice)
    assert worked(run).done == 0
    resume_scoring(run=run, actor=alice)
    assert_exact(worked(run))
    with pytest.raises(Conflict, match="finished"):
        resume_scoring(run=run)
    other = cancel_scoring(run=start_scoring(project=project, endpoint=plain, kind="json"), actor=alice)
    assert worked(other).status == JobStatus.CANCELLED
    with pytest.raises(Conflict, match="cancelled"):
        resume_scoring(run=other)


def test_a_run_pauses_with_the_reason_when_its_endpoint_is_away_or_removed(
    project: Project, plain: Endpoint, server: RewardServer, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.inference.connection.FIRST_PAUSE_S", 0.01)
    fill(project, 8)
    server.control(is_down=True)
    run = worked(start_scoring(project=project, endpoint=plain, kind="json"))
    assert run.status == JobStatus.PAUSED
    assert "503" in run.error
    assert run.done == 0
    server.control(is_down=False)
    plain.delete()
    with pytest.raises(Conflict, match="was removed"):
        resume_scoring(run=ScoringRun.objects.get(pk=run.pk))


def test_a_server_that_never_scores_pauses_the_run_before_all_is_asked(
    project: Project, prm: Endpoint, server: RewardServer
) -> None:
    fill(project, 60)
    server.control(no_logprobs=True)
    run = worked(start_scoring(project=project, endpoint=prm, prompt=ANNOTATE))
    assert run.status == JobStatus.PAUSED
    assert run.error == "The endpoint returned no log-probabilities."
    assert run.done < 20


def test_a_run_without_any_score_has_failed(project: Project, plain: Endpoint, server: RewardServer) -> None:
    fill(project, 2)
    server.control(json_scores=["?", "?"])
    run = worked(start_scoring(project=project, endpoint=plain, kind="json"))
    assert run.status == JobStatus.FAILED
    assert run.error.startswith("No step got a score. Steps without a score: 3.")


def test_a_refused_text_is_missing_and_the_others_are_scored(project: Project) -> None:
    def script(request: Any) -> Reply:
        if "poison" in request.body["problem"]:
            return Reply({"error": {"message": "I do not read this"}}, status=400)
        return Reply({"scores": [0.5 for _ in request.body["steps"]]})

    with scripted(script) as server:
        endpoint = add_endpoint(project=project, name="own", url=server.url, model="m")
        fill(project, 3)
        bad = make_solution(make_problem(project, "How much poison?"), ["One.", "Two."])
        run = worked(start_scoring(project=project, endpoint=endpoint, kind="json"))
    assert_exact(run)
    assert (run.failed, run.missing) == (1, 2)
    assert "I do not read this" in SolutionScore.objects.get(run=run, solution=bad).failure


def test_runs_of_both_kinds_have_numbers_of_their_own(project: Project, plain: Endpoint) -> None:
    fill(project, 1)
    assert [start_scoring(project=project, endpoint=plain, kind="json").number for _ in range(2)] == [1, 2]
    assert not EstimationRun.objects.exists()


# --- the project's reward model ---------------------------------------------------------------------------


def test_the_projects_reward_model_is_used_where_none_is_named(
    project: Project, prm: Endpoint, plain: Endpoint
) -> None:
    fill(project, 1)
    with pytest.raises(DomainError) as error:
        start_scoring(project=project)
    assert error.value.code == "no_reward_model"
    set_reward_model(project=project, endpoint=prm, prompt=ANNOTATE, options={"top": 7})
    run = start_scoring(project=project)
    assert (run.endpoint, run.kind, run.options["top"], run.prompt["tag"]) == (prm, "token_probability", 7, "\n")
    # Another endpoint takes nothing from it.
    assert scorer_settings(project=project, endpoint=plain).options["top"] == 20
    assert (
        scorer_settings(project=project, endpoint=prm, prompt={"preset": "math-shepherd"}).prompt["tag"]
        == " \u043a\u0438"
    )


# --- the command ------------------------------------------------------------------------------------------


def command(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("score", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue().splitlines()[-1]))


def test_the_command_scores_and_returns_the_counts(project: Project, prm: Endpoint) -> None:
    fill(project, 4)
    named = ["--project", project.slug, "--endpoint", "prm", "--preset", "annotate"]
    result = command(*named, "--reducer", "min", "--default", "--wait")
    assert result["status"] == "finished"
    assert (result["solutions"], result["steps"], result["missing"], result["failed"]) == (4, 7, 0, 0)
    assert result["requests"] == 7
    assert result["tokens"] > 7
    assert result["seconds"] > 0
    again = command("--project", project.slug, "--wait")
    assert again["number"] == result["number"] + 1
    assert ScoringRun.objects.get(number=2).prompt == ScoringRun.objects.get(number=1).prompt


def test_the_command_ends_with_an_error_when_the_run_does(
    project: Project, server: RewardServer, plain: Endpoint
) -> None:
    fill(project, 1)
    server.control(json_scores=[2])
    with pytest.raises(CommandError, match="must be between 0 and 1"):
        command("--project", project.slug, "--endpoint", "plain", "--kind", "json", "--wait")
    with pytest.raises(CommandError, match="no endpoint 'nobody'"):
        command("--project", project.slug, "--endpoint", "nobody")
