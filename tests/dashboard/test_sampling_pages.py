"""Sampling by page: what it would take, started once, watched, paused, resumed, cancelled, and what came of it."""

from __future__ import annotations

import itertools
import re

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.demo.seeding import register_reasoner
from apps.estimation.models import SampledProblem, SamplingRun
from apps.estimation.sampling.forecast import sampling_forecast
from apps.estimation.sampling.services import run_sampling
from apps.inference.models import Endpoint
from apps.projects.models import Project
from reasoner.problems import problems
from tests.cast import make_problem, make_solution, signed_in
from tests.world import World

TERMS = {"per_problem": "3", "temperature": "1.0", "max_tokens": "200", "split": "newline", "seed": "7"}


@pytest.fixture
def endpoint(transactional_db: None, reasoner_server: str) -> Endpoint:
    return register_reasoner(url=reasoner_server)


def with_problems(project: Project, count: int) -> None:
    for one in itertools.islice(problems(43, held_out=True), count):
        make_problem(project, one.question, reference_answer=str(one.answer), verifier="numeric")


def started(project: Project, user: User, endpoint: Endpoint, **terms: str) -> SamplingRun:
    url = reverse("sampling-new", args=[project.slug])
    answer = signed_in(user).post(url, TERMS | {"endpoint": str(endpoint.pk)} | terms)
    assert answer.status_code == 302, answer.content.decode()
    run = SamplingRun.objects.get(project=project)
    assert answer["Location"] == reverse("sampling", args=[project.slug, run.number])
    return run


def stats(page: str) -> dict[str, str]:
    found = re.findall(r"<div><dt>([^<]+)</dt><dd>([^<]+)</dd></div>", page)
    return {name.strip(): value.strip() for name, value in found}


def test_a_run_is_started_by_the_form_and_its_results_add_up(project: Project, mia: User, endpoint: Endpoint) -> None:
    with_problems(project, 12)
    run = started(project, mia, endpoint, temperature="1.2")
    assert (run.created_by, run.seed, run.per_problem, run.total) == (mia, 7, 3, 12)
    assert (run.sampling["temperature"], run.sampling["max_tokens"], run.split) == (1.2, 200, "newline")
    run = run_sampling(run_id=run.pk)
    assert run.status == JobStatus.FINISHED, run.error
    found = Solution.objects.filter(project=project)
    assert run.solutions == found.count()
    assert (run.right, run.wrong) == (found.right().count(), found.wrong().count())
    assert run.wrong > 0
    assert run.solutions + run.duplicates + run.cut == 36
    page = signed_in(mia).get(reverse("sampling", args=[project.slug, run.number])).content.decode()
    shown = stats(page)
    assert (shown["new solutions"], shown["right"], shown["wrong"]) == tuple(
        map(str, (run.solutions, run.right, run.wrong))
    )
    assert (shown["duplicates"], shown["cut off"]) == (str(run.duplicates), str(run.cut))
    assert "not graded" not in shown
    listed = signed_in(mia).get(reverse("sampling-runs", args=[project.slug])).content.decode()
    assert f"Sampling {run.number}" in listed


def test_a_paused_run_rests_and_goes_on_where_it_was(project: Project, mia: User, endpoint: Endpoint) -> None:
    with_problems(project, 4)
    run, client = started(project, mia, endpoint), signed_in(mia)
    client.post(reverse("sampling-pause", args=[project.slug, run.number]))
    assert run_sampling(run_id=run.pk).status == JobStatus.PAUSED
    assert not SampledProblem.objects.filter(run=run).exists()
    page = client.get(reverse("sampling", args=[project.slug, run.number])).content.decode()
    assert "hx-trigger" not in page
    assert 'id="resume"' in page
    client.post(reverse("sampling-resume", args=[project.slug, run.number]))
    run = run_sampling(run_id=run.pk)
    assert (run.status, run.done) == (JobStatus.FINISHED, 4)


def test_a_cancelled_run_is_over(project: Project, mia: User, endpoint: Endpoint) -> None:
    with_problems(project, 2)
    run, client = started(project, mia, endpoint), signed_in(mia)
    client.post(reverse("sampling-cancel", args=[project.slug, run.number]))
    assert run_sampling(run_id=run.pk).status == JobStatus.CANCELLED
    page = client.get(reverse("sampling", args=[project.slug, run.number])).content.decode()
    assert 'id="cancel"' not in page
    resumed = client.post(reverse("sampling-resume", args=[project.slug, run.number]))
    assert resumed.status_code == 409
    assert "it cannot be resumed" in resumed.content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [("per_problem", "0"), ("per_problem", "1025"), ("split", "separator"), ("temperature", "-1"), ("endpoint", "0")],
)
def test_a_field_that_cannot_be_is_named_and_nothing_is_started(
    world: World, mia: User, field: str, value: str
) -> None:
    client, before = signed_in(mia), SamplingRun.objects.count()
    terms = TERMS | {"endpoint": str(world.endpoint.pk), field: value}
    answer = client.post(reverse("sampling-new", args=[world.project.slug]), terms)
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert SamplingRun.objects.count() == before


def test_a_project_without_problems_is_asked_to_import_some(project: Project, mia: User, endpoint: Endpoint) -> None:
    url = reverse("sampling-new", args=[project.slug])
    answer = signed_in(mia).post(url, TERMS | {"endpoint": str(endpoint.pk)})
    assert answer.status_code == 422
    assert "import some first" in answer.content.decode()


def test_the_form_does_its_work_once(world: World, mia: User) -> None:
    client, url = signed_in(mia), reverse("sampling-new", args=[world.project.slug])
    terms = TERMS | {"endpoint": str(world.endpoint.pk), "once": "abc"}
    assert [client.post(url, terms).status_code for _ in range(2)] == [302, 422]


def test_the_forecast_goes_by_the_lengths_of_the_projects_own_solutions_and_by_prices(project: Project) -> None:
    endpoint = Endpoint.objects.create(for_all=True, name="paid", url="http://x/v1", model="m", price_in=2, price_out=8)
    for _ in range(5):
        problem = make_problem(project, f"{len(Solution.objects.all()):0400d}")
        make_solution(problem, steps=["s" * 80] * 3)
    expected = sampling_forecast(project=project, endpoint=endpoint, per_problem=4, max_tokens=1000)
    # Five problems of 100 tokens each, and two line ends of the template; twenty solutions of three steps of 20 tokens.
    assert (expected.problems, expected.solutions, expected.tokens) == (5, 20, 5 * 100.5 + 20 * 60)
    assert expected.cost == pytest.approx((2 * 502.5 + 8 * 1200) / 1e6)
    assert not expected.is_most
    assert expected.seconds is None
    endpoint.rollouts_per_s = 10
    again = sampling_forecast(project=project, endpoint=endpoint, per_problem=4, max_tokens=30)
    assert again.tokens == 5 * 100.5 + 20 * 30
    assert again.seconds == pytest.approx(4)


def test_without_solutions_the_forecast_is_the_most_that_it_can_be(project: Project, mia: User) -> None:
    make_problem(project, "x" * 40)
    endpoint = Endpoint.objects.create(for_all=True, name="lab", url="http://x/v1", model="m")
    url = reverse("sampling-forecast", args=[project.slug])
    told = signed_in(mia).get(url, TERMS | {"endpoint": str(endpoint.pk)}).content.decode()
    assert "at most 610" in told
    unreadable = signed_in(mia).get(url, TERMS | {"endpoint": str(endpoint.pk), "per_problem": "many"})
    assert "Correct the fields to see the forecast" in unreadable.content.decode()


def test_members_who_may_only_view_see_no_buttons(world: World, rita: User) -> None:
    page = signed_in(rita).get(reverse("sampling", args=[world.project.slug, world.sampling.number])).content.decode()
    assert 'id="cancel"' not in page
    listed = signed_in(rita).get(reverse("sampling-runs", args=[world.project.slug])).content.decode()
    assert "Sampling 1" in listed
    assert reverse("sampling-new", args=[world.project.slug]) not in listed


def test_problems_that_the_endpoint_refused_are_listed_with_the_reason(world: World, mia: User) -> None:
    problem = world.solution.problem
    SampledProblem.objects.create(run=world.sampling, problem=problem, failure="too <long> for this server")
    page = signed_in(mia).get(reverse("sampling", args=[world.project.slug, world.sampling.number])).content.decode()
    assert "too &lt;long&gt; for this server" in page
