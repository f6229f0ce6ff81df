"""Evaluations as jobs: created, run, cancelled, interrupted; and the command."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError
from apps.core.jobs.model import SILENT_AFTER, JobStatus
from apps.evaluation.kinds import KINDS, KindOfEvaluation
from apps.evaluation.models import Evaluation
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import cancel_evaluation, create_evaluation
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_solution
from tests.evaluation.scored_project import estimate, make_estimation_run, make_samples, make_scoring_run


def test_options_are_frozen_with_their_defaults(project: Project, alice: User) -> None:
    evaluation = create_evaluation(project=project, kind="steps", options={"dev_share": 0.5}, requested_by=alice)
    assert set(evaluation.options) == set(EvaluationOptions.__struct_fields__)
    assert (evaluation.options["dev_share"], evaluation.options["truth"]) == (0.5, "gold_and_consensus")
    assert AuditEvent.objects.filter(verb="evaluation.created", target="steps").exists()


@pytest.mark.parametrize(
    ("kind", "options", "field", "reason"),
    [
        ("accuracy", {}, "kind", "must be one of processbench"),
        ("steps", {"reducer": "sum"}, "reducer", "unknown; there are scorer"),
        ("steps", {"dev_share": 1}, "dev_share", "<= 0.9"),
        ("steps", {"threshold": "high"}, "threshold", "Expected"),
        ("steps", {"truth": "judge"}, "truth", "judge"),
        ("best_of_n", {"max_n": 1}, "max_n", ">= 2"),
        ("best_of_n", {"scorer": "nobody"}, "scorer", "must be one of verifier_score"),
        ("best_of_n", {"scorer": "run 7"}, "scorer", "must be one of verifier_score"),
    ],
)
def test_bad_options_are_named(project: Project, kind: str, options: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(DomainError) as error:
        create_evaluation(project=project, kind=kind, options=options)
    assert reason in error.value.fields[field]
    assert not Evaluation.objects.exists()


def test_a_scorer_may_be_named_by_its_model_which_means_its_newest_run(project: Project) -> None:
    for model in ("prm", "prm", "orm"):
        make_scoring_run(project, model)
    evaluation = create_evaluation(project=project, kind="best_of_n", options={"scorer": "prm"})
    assert evaluation.options["scorer"] == "run 2", "a later run of the model does not change what was asked for"


def test_a_finished_evaluation_does_not_change(project: Project) -> None:
    solution = make_solution(make_problem(project))
    make_gold(solution, 1, -1)
    run = make_estimation_run(project)
    evaluation = run_evaluation(evaluation_id=create_evaluation(project=project, kind="processbench").pk)
    assert evaluation.status == JobStatus.FINISHED
    assert evaluation.result is not None
    assert evaluation.result["raters"] == []
    estimate(run, solution, 1)
    again = run_evaluation(evaluation_id=evaluation.pk)
    assert (again.result, again.finished_at) == (evaluation.result, evaluation.finished_at)


def test_an_evaluation_is_cancelled_while_it_runs(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compute(project: Project, options: EvaluationOptions, progress: Any) -> dict[str, Any]:
        progress(0, 2)
        cancel_evaluation(evaluation=evaluation, actor=alice)
        progress(1, 2)
        raise AssertionError("it went on")

    monkeypatch.setitem(KINDS, "steps", KindOfEvaluation(compute, "about"))
    evaluation = create_evaluation(project=project, kind="steps")
    ended = run_evaluation(evaluation_id=evaluation.pk)
    assert (ended.status, ended.result) == (JobStatus.CANCELLED, None)
    assert run_evaluation(evaluation_id=evaluation.pk).status == JobStatus.CANCELLED


def test_an_error_ends_it_and_an_outage_does_not(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_with(error: Exception) -> None:
        def compute(project: Project, options: EvaluationOptions, progress: Any) -> dict[str, Any]:
            raise error

        monkeypatch.setitem(KINDS, "steps", KindOfEvaluation(compute, "about"))

    evaluation = create_evaluation(project=project, kind="steps")
    fail_with(OperationalError("the server closed the connection"))
    with pytest.raises(OperationalError):
        run_evaluation(evaluation_id=evaluation.pk)
    evaluation.refresh_from_db()
    assert evaluation.status == JobStatus.RUNNING, "it is sent again"
    fail_with(ZeroDivisionError("division by zero"))
    assert "ZeroDivisionError" in run_evaluation(evaluation_id=evaluation.pk).error
    fail_with(DomainError("No common problem."))
    other = create_evaluation(project=project, kind="steps")
    assert run_evaluation(evaluation_id=other.pk).error == "No common problem."


def test_an_evaluation_whose_worker_died_starts_over(project: Project) -> None:
    from apps.core.jobs.model import abandoned_q

    evaluation = create_evaluation(project=project, kind="steps").start(at=timezone.now() - SILENT_AFTER)
    assert list(Evaluation.objects.filter(abandoned_q(timezone.now()))) == [evaluation]
    assert run_evaluation(evaluation_id=evaluation.pk).status == JobStatus.FINISHED


# --- the command ------------------------------------------------------------------------------------------


def evaluate(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("evaluate", *arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return found


def test_the_command_prints_the_result(project: Project) -> None:
    make_samples(project, problems=3, samples=4)
    options = json.dumps({"resamples": 0, "max_n": 2})
    found = evaluate(
        "--project", project.slug, "--kind", "best_of_n", "--scorer", "prm", "--options", options, "--wait"
    )
    assert found["status"] == "finished"
    assert found["options"]["max_n"] == 2
    assert [curve["kind"] for curve in found["result"]["curves"]] == [
        *("pass", "majority"),
        *["best_of_n"] * 4,
        "weighted_vote",
    ]
    assert found["result"]["curves"][0]["points"][0]["low"] is None, "no resamples, no intervals"


def test_without_waiting_a_worker_computes_it(project: Project, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        found = evaluate("--project", project.slug, "--kind", "steps")
    assert found["status"] == "queued"
    assert len(callbacks) == 1
    with pytest.raises(CommandError, match="unknown"):
        evaluate("--project", "none", "--kind", "steps")
    with pytest.raises(CommandError, match="nobody"):
        evaluate("--project", project.slug, "--kind", "steps", "--scorer", "nobody")
