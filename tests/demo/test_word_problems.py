"""The word problems of the demo, by the bundled models: sampled, scored, judged, evaluated, and each of it once."""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections

from apps.core.jobs.model import JobStatus
from apps.corpus.labels import NO_ERROR
from apps.demo import seeding
from apps.demo.seeding import (
    SAMPLES,
    create_word_problems,
    register_critic,
    register_prm,
    register_reasoner,
    sample_word_problems,
)
from apps.evaluation.models import Evaluation
from apps.projects.models import Project
from apps.quality.models import Cascade, JudgeCertificate
from apps.scoring.services import pause_scoring, resume_scoring
from tests.cast import bearer, signed_in
from tests.evaluation.scored_project import settle
from tests.reasoner.serving import Models

PROBLEMS = 5


@pytest.fixture
def word_problems(transactional_db: None, model_servers: Models) -> Project:
    """The project with a few of its problems."""
    register_reasoner(url=model_servers.reasoner)
    project = create_word_problems()
    project.problems.exclude(external_id__in=[f"word-{number:02}" for number in range(1, PROBLEMS + 1)]).delete()
    return project


def contents(project: Project) -> dict[str, Any]:
    return {
        "solutions": project.solutions.count(),
        "sampling": [run.status for run in project.sampling_runs.all()],
        "scoring": [run.status for run in project.scoring_runs.all()],
        "estimation": Counter(project.estimation_runs.values_list("strategy", flat=True)),
        "evaluations": Counter(project.evaluations.values_list("kind", "status")),
        "rounds": project.rounds.count(),
    }


WHOLE = {
    "solutions": PROBLEMS * SAMPLES,
    "sampling": ["finished"],
    "scoring": ["finished"],
    "estimation": Counter(["math-shepherd", "posterior-search"]),
    "evaluations": Counter([("best_of_n", "finished"), ("calibration", "finished")]),
    "rounds": 1,
}


def test_all_of_it_is_there_once_however_often_it_is_started(word_problems: Project, model_servers: Models) -> None:
    register_prm(url=model_servers.prm)
    for _ in range(2):
        sample_word_problems()
        assert contents(word_problems) == WHOLE
    assert not word_problems.solutions.filter(verifier_score=None).exists()
    evaluation = Evaluation.objects.get(kind="best_of_n")
    assert evaluation.options["scorer"] == "run 1"
    result = evaluation.result or {}
    assert (result["problems"], result["largest_n"], result["duplicates"]) == (PROBLEMS, SAMPLES, 0)
    assert {curve["scorer"]["name"] for curve in result["curves"] if curve["scorer"]} == {"prm, run 1"}
    assert word_problems.rounds.get().tasks.count() == min(seeding.ROUND_SIZE, PROBLEMS * SAMPLES)
    owner = word_problems.memberships.get(role="owner").user
    page = signed_in(owner).get(f"/projects/{word_problems.slug}/evaluation").content.decode()
    wrong = word_problems.solutions.wrong().order_by("-verifier_score").first()
    assert wrong is not None
    assert "Most convincing wrong answers" in page
    assert f"/solutions/{wrong.pk}" in page
    asked = {"problem": wrong.problem.statement, "steps": [step.text for step in wrong.steps.order_by("position")]}
    answer = (
        bearer(owner)
        .post(f"/api/v1/projects/{word_problems.slug}/rewards", asked, content_type="application/json")
        .json()
    )
    assert answer["source"] == "model"
    assert prod(answer["rewards"]) == pytest.approx(wrong.verifier_score, abs=0.02)


class Killed(BaseException):
    """The worker's process ends here."""


def start_until(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start whose worker is killed when it calls this function."""

    def kill(**_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(seeding, name, kill)
        with pytest.raises(Killed):
            sample_word_problems()


def test_what_was_left_unfinished_is_completed(
    word_problems: Project, model_servers: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_prm(url=model_servers.prm)
    for name in ("run_sampling", "start_scoring", "run_scoring_slice", "run_evaluation", "open_round"):
        start_until(name, monkeypatch)
    assert word_problems.evaluations.filter(status=JobStatus.FINISHED).count() == 2
    assert not word_problems.rounds.exists()
    sample_word_problems()
    assert contents(word_problems) == WHOLE


def test_a_run_that_paused_by_itself_goes_on_and_one_that_a_user_paused_does_not(
    word_problems: Project, model_servers: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    register_prm(url=model_servers.prm)
    start_until("run_scoring_slice", monkeypatch)
    run = pause_scoring(run=word_problems.scoring_runs.get())
    sample_word_problems()
    without_scores = {"scoring": ["paused"], "evaluations": Counter()}
    assert contents(word_problems) == WHOLE | without_scores
    resume_scoring(run=run)
    pause_scoring(run=run, reason="The endpoint does not answer.")
    sample_word_problems()
    assert contents(word_problems) == WHOLE


def test_first_errors_are_evaluated_once_people_have_labeled_some(
    word_problems: Project, model_servers: Models
) -> None:
    register_prm(url=model_servers.prm)
    sample_word_problems()
    for solution in [*word_problems.solutions.wrong()[:2], *word_problems.solutions.right()[:2]]:
        settle(solution, NO_ERROR if solution.is_correct else 0)
    for _ in range(2):
        sample_word_problems()
        assert contents(word_problems)["evaluations"] == WHOLE["evaluations"] + Counter([("processbench", "finished")])
    raters = (Evaluation.objects.get(kind="processbench").result or {})["raters"]
    assert "prm, run 1" in [row["rater"]["name"] for row in raters]


def test_the_critic_judges_all_of_it_and_a_cascade_is_decided_once(
    word_problems: Project, model_servers: Models
) -> None:
    register_critic(url=model_servers.critic)
    for _ in range(2):
        sample_word_problems()
        run = word_problems.judge_runs.get()
        assert (run.status, run.done) == ("finished", PROBLEMS * SAMPLES)
        cascade = Cascade.objects.get(project=word_problems)
        assert cascade.status in (Cascade.Status.GRANTED, Cascade.Status.REFUSED)
        assert JudgeCertificate.objects.get(sample=cascade.sample).judge == run.judge
    owner = word_problems.memberships.get(role="owner").user
    browser = signed_in(owner)
    trust = browser.get(f"/projects/{word_problems.slug}/judging/trust").content.decode()
    assert run.judge.name in trust
    assert browser.get(f"/projects/{word_problems.slug}/judging/cascades/{cascade.number}").status_code == 200


def test_without_a_reward_model_there_is_all_but_the_scores(word_problems: Project) -> None:
    sample_word_problems()
    assert contents(word_problems) == WHOLE | {"scoring": [], "evaluations": Counter()}


def test_another_worker_at_it_is_left_alone(word_problems: Project) -> None:
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext(%s), %s)", [seeding.LOCK, word_problems.pk])
        sample_word_problems()
    finally:
        other.close()
    assert not word_problems.sampling_runs.exists()
