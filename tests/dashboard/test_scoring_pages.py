"""Scoring by page: what it would take, started once, watched, paused, resumed, cancelled, and what came of it."""

from __future__ import annotations

import html
import itertools
import re

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.demo.seeding import register_reasoner
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.scoring.forecast import scoring_forecast
from apps.scoring.models import RewardModel, ScoringRun, StepScore
from apps.scoring.worker.run import run_scoring_slice
from reasoner.problems import problems
from tests.cast import make_problem, make_solution, signed_in
from tests.scoring.model import assert_exact

FORM = {"kind": "token_probability", "preset": "annotate", "reducer": "product", "answers": "any"}


@pytest.fixture
def endpoint(transactional_db: None, reasoner_server: str) -> Endpoint:
    return register_reasoner(url=reasoner_server)


def with_solutions(project: Project, count: int) -> None:
    for number, one in enumerate(itertools.islice(problems(43, held_out=True), count)):
        problem = make_problem(project, one.question, reference_answer=str(one.answer), verifier="numeric")
        steps = ["First we add.", f"The answer is: {one.answer}"]
        make_solution(problem, steps, is_correct=number % 2 == 0, source="some model")


def started(project: Project, user: User, endpoint: Endpoint, **fields: str) -> ScoringRun:
    url = reverse("scoring-new", args=[project.slug])
    answer = signed_in(user).post(url, FORM | {"endpoint": str(endpoint.pk)} | fields)
    assert answer.status_code == 302, answer.content.decode()
    run = ScoringRun.objects.filter(project=project).latest("number")
    assert answer["Location"] == reverse("scoring", args=[project.slug, run.number])
    return run


def worked(run: ScoringRun) -> ScoringRun:
    while run_scoring_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


def stats(page: str) -> dict[str, str]:
    found = re.findall(r"<div><dt>([^<]+)</dt><dd>([^<]+)</dd></div>", page)
    return {name.strip(): value.strip() for name, value in found}


def test_the_bundled_model_scores_every_step_and_the_page_shows_it(
    project: Project, mia: User, rita: User, endpoint: Endpoint
) -> None:
    """The reasoner is no reward model, so that its scores mean nothing: but each is a real probability, of a real server."""
    with_solutions(project, 6)
    run = worked(started(project, mia, endpoint, is_default="on"))
    assert run.status == JobStatus.FINISHED, (run.error, run.notices)
    assert_exact(run)
    assert (run.steps, run.missing) == (12, 0)
    assert run.requests >= 12
    assert not run.tokens_are_estimated
    scores = list(StepScore.objects.filter(run=run).values_list("score", flat=True))
    assert len(set(scores)) > 6
    page = signed_in(rita).get(reverse("scoring", args=[project.slug, run.number])).content.decode()
    assert stats(page)["steps scored"] == "12"
    assert "Solutions with a wrong answer" in page
    assert RewardModel.objects.get(project=project).endpoint == endpoint
    listed = signed_in(rita).get(reverse("scoring-runs", args=[project.slug])).content.decode()
    assert f"Scoring {run.number}" in listed


def test_a_score_does_not_depend_on_the_bias_by_which_it_was_found(project: Project, endpoint: Endpoint) -> None:
    """On the real server, the probability of a token that is forced equals that among the most likely ones."""
    from apps.scoring.services import start_scoring

    with_solutions(project, 3)
    found = []
    for options in ({"top": 1, "most": 0}, {"top": 1, "most": 5000}):
        run = start_scoring(project=project, endpoint=endpoint, prompt={"preset": "annotate"}, options=options)
        assert_exact(worked(run))
        rows = StepScore.objects.filter(run=run).order_by("step_id")
        found.append(list(rows.values_list("score", flat=True)))
        assert run.requests > run.steps
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_the_forecast_names_the_requests_that_the_run_makes(project: Project, mia: User, endpoint: Endpoint) -> None:
    with_solutions(project, 4)
    Endpoint.objects.filter(pk=endpoint.pk).update(price_in=10, price_out=10)
    endpoint.refresh_from_db()
    expected = scoring_forecast(
        project=project, endpoint=endpoint, kind="token_probability", prompt={"preset": "annotate"}
    )
    assert (expected.solutions, expected.steps, expected.requests) == (4, 8, 8)
    assert expected.seconds is None
    url = reverse("scoring-forecast", args=[project.slug])
    page = signed_in(mia).get(url, FORM | {"endpoint": str(endpoint.pk)}).content.decode()
    assert "<dt>requests</dt><dd>8</dd>" in page
    run = worked(started(project, mia, endpoint))
    # Signs that are not likely for this model take more requests per step than the one that is foretold.
    assert expected.tokens / expected.requests == pytest.approx(run.tokens / run.requests, rel=0.4)
    again = scoring_forecast(
        project=project, endpoint=endpoint, kind="token_probability", prompt={"preset": "annotate"}
    )
    assert again.seconds is not None
    assert again.cost == pytest.approx(again.tokens * 10 / 1e6)


def test_what_is_wrong_with_a_form_is_at_its_field(project: Project, mia: User, endpoint: Endpoint) -> None:
    url = reverse("scoring-new", args=[project.slug])
    client = signed_in(mia)
    empty = client.post(url, FORM | {"endpoint": str(endpoint.pk)})
    assert empty.status_code == 422
    assert "must match at least one solution" in html.unescape(empty.content.decode())
    with_solutions(project, 1)
    wrong = client.post(url, FORM | {"endpoint": str(endpoint.pk), "kind": "json"})
    assert wrong.status_code == 422
    assert "must be empty for json" in html.unescape(wrong.content.decode())
    assert not ScoringRun.objects.exists()


def test_a_run_is_paused_resumed_and_cancelled_by_its_buttons(project: Project, mia: User, endpoint: Endpoint) -> None:
    with_solutions(project, 2)
    run = started(project, mia, endpoint)
    client = signed_in(mia)
    for act, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        client.post(reverse(f"scoring-{act}", args=[project.slug, run.number]))
        run.refresh_from_db()
        assert run.status == status


# --- where scores are shown -------------------------------------------------------------------------------


def test_a_reviewer_sees_the_scores_beside_the_other_sources_and_a_labeler_does_not(
    project: Project, rita: User, bob: User
) -> None:
    solution = make_solution(make_problem(project), ["One.", "Two."])
    old = ScoringRun.objects.create(project=project, number=1, kind="json", model="prm-7b", status="finished")
    run = ScoringRun.objects.create(project=project, number=2, kind="json", model="prm-7b", status="cancelled")
    live = ScoringRun.objects.create(project=project, number=3, kind="json", model="prm-7b", status="running")
    step = solution.steps.get(position=1)
    for one, score in ((old, 0.11), (run, 0.87), (live, 0.33)):
        StepScore.objects.create(run=one, step=step, score=score)
    url = reverse("solution", args=[project.slug, solution.pk])
    page = signed_in(rita).get(url).content.decode()
    assert "Reward model" in page
    assert "0.87" in page
    assert "0.11" not in page
    assert "0.33" not in page
    assert signed_in(bob).get(url).status_code == 403
    for name in ("scoring", "scoring-runs"):
        arguments = [project.slug, run.number] if name == "scoring" else [project.slug]
        assert signed_in(bob).get(reverse(name, args=arguments)).status_code == 403
    evidence = signed_in(rita).get(f"/api/v1/solutions/{solution.pk}/evidence").json()
    assert [row["scores"] for row in evidence["steps"]] == [[], [{"run": 2, "model": "prm-7b", "score": 0.87}]]
