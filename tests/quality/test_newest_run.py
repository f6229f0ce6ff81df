"""One answer to what Monte Carlo says: strips, verify mode, queues, evidence and API use the same run."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.corpus.models import Solution
from apps.dashboard.solutions.queries import with_sources, with_strips
from apps.estimation.latest import newest_estimates, newest_first_errors
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.rounds.services import create_round, open_round
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.disputes.other_sources import other_sources
from apps.quality.metrics.refresh import refresh
from apps.quality.models import Figure, OpenDispute
from apps.quality.review.evidence import evidence_of
from tests.cast import bearer, make_problem, make_solution, signed_in
from tests.quality.submissions import mark_all_stale
from tests.quality.test_counted_consensus import answer, make_task

pytestmark = pytest.mark.slow

COUNTS_ALONE = "jsonl:1"  # The origin of a run whose file says how many rollouts succeeded, and concludes nothing.


def estimate(
    solution: Solution,
    number: int,
    *successes: int | None,
    status: str = "finished",
    failure: str = "",
    origin: str = "",
) -> EstimationRun:
    """A run of eight rollouts a step; None is a step of which none was counted."""
    run, _ = EstimationRun.objects.get_or_create(
        project=solution.project,
        number=number,
        defaults={"strategy": "math-shepherd", "status": status, "origin": origin},
    )
    for step, count in zip(solution.steps.order_by("position"), successes, strict=True):
        StepEstimate.objects.create(
            run=run,
            step=step,
            rollouts=0 if count is None else 8,
            successes=count or 0,
            hard=None if count is None or origin == COUNTS_ALONE else count > 0,
        )
    bad = next((place for place, count in enumerate(successes) if not count), None)
    error = NO_ERROR if bad is None else None if successes[bad] is None else bad
    if not origin:
        SolutionEstimate.objects.create(run=run, solution=solution, first_error=error, failure=failure)
    return run


def everywhere(solution: Solution) -> set[int]:
    """The first error that each place names for Monte Carlo; UNKNOWN where it names none."""
    solution = Solution.objects.select_related("problem", "project").get(pk=solution.pk)
    evidence = evidence_of(solution, lambda ids: dict.fromkeys(ids, "somebody"))
    named = [named.first_error for named in evidence.first_errors if named.source == "monte_carlo"]
    shown = newest_estimates(solution.pk)
    hard = {step["position"]: step["hard"] for step in shown["steps"]} if shown else {}
    verify = _first(["none" if hard.get(place) is None else "great" if hard[place] else "bad" for place in range(3)])
    strips = [strip.marks for strip in with_sources([solution])[0].sources if strip.source == "Monte Carlo"]  # type: ignore[attr-defined]
    strip = with_strips([solution])[0].strip  # type: ignore[attr-defined]
    browsed = _first(strip.marks) if strip.source == "Monte Carlo" else UNKNOWN
    queue = other_sources([solution.pk]).monte_carlo.get(solution.pk, UNKNOWN)
    return {named[0] if named else UNKNOWN, verify, _first(strips[0]) if strips else UNKNOWN, browsed, queue}


def _first(marks: list[str]) -> int:
    for place, mark in enumerate(marks):
        if mark != "great":
            return place if mark == "bad" else UNKNOWN
    return NO_ERROR


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project))


@pytest.mark.parametrize("status", ["queued", "running", "paused", "failed"])
def test_a_run_that_has_not_ended_says_nothing_anywhere(solution: Solution, status: str) -> None:
    estimate(solution, 1, 0, 0, 0, status=status)
    assert everywhere(solution) == {UNKNOWN}


@pytest.mark.parametrize("status", ["queued", "running", "paused", "failed"])
def test_the_run_that_ended_before_counts_while_another_is_running(solution: Solution, status: str) -> None:
    estimate(solution, 1, 8, 0, 0)
    estimate(solution, 2, 0, 0, 0, status=status)
    assert everywhere(solution) == {1}


def test_a_cancelled_run_counts_for_what_it_finished(solution: Solution) -> None:
    estimate(solution, 1, 0, 0, 0)
    estimate(solution, 2, 8, 8, 0, status=JobStatus.CANCELLED)
    assert everywhere(solution) == {2}


def test_a_run_that_failed_here_does_not_replace_the_one_before(solution: Solution) -> None:
    estimate(solution, 1, 8, 0, 0)
    estimate(solution, 2, 0, 0, 0, failure="too long")
    assert everywhere(solution) == {1}


def test_an_imported_run_counts_when_it_is_the_newest(solution: Solution) -> None:
    estimate(solution, 1, 8, 0, 0)
    estimate(solution, 2, 8, 8, 8, origin="jsonl:7")
    assert everywhere(solution) == {NO_ERROR}


def test_counts_alone_are_labels_everywhere(solution: Solution) -> None:
    estimate(solution, 1, 8, 3, 0, origin=COUNTS_ALONE)
    assert everywhere(solution) == {2}


def test_a_step_without_a_counted_rollout_is_unknown_and_not_bad(solution: Solution) -> None:
    estimate(solution, 1, 8, None, 0)
    assert everywhere(solution) == {UNKNOWN}
    strip = with_strips([solution])[0].strip  # type: ignore[attr-defined]
    assert strip.marks == ["great", "none", "bad"]
    assert newest_first_errors({solution.pk: 3})[solution.pk].first_error == UNKNOWN


def test_a_running_run_disputes_nothing_and_is_in_no_figure(
    project: Project, solution: Solution, bob: User, rita: User
) -> None:
    answer(make_task(solution), bob, 1, 1, 1)
    estimate(solution, 1, 0, 0, 0, status="running")
    mark_all_stale(project)
    recompute_project(project)
    refresh(project)
    assert not OpenDispute.objects.exists()
    assert not Figure.objects.filter(name="monte_carlo").exists()
    (row,) = bearer(rita).get(f"/api/v1/solutions/{solution.pk}/evidence").json()["runs"]
    assert (row["run"], row["counts"]) == (1, False)
    assert signed_in(rita).get(f"/projects/{project.slug}/solutions/{solution.pk}").status_code == 200


# --- the selection `unsure:RUN` -----------------------------------------------------------------------------


def doubt(solution: Solution, number: int, status: str, **fields: object) -> EstimationRun:
    run = estimate(solution, number, 8, 0, 0, status=status)
    SolutionEstimate.objects.filter(run=run).update(probability=0.5, **fields)
    return run


@pytest.mark.parametrize("status", [JobStatus.FINISHED, JobStatus.CANCELLED])
@pytest.mark.parametrize("select", ["unsure:3", "first:unsure:3"])
def test_a_round_asks_about_what_a_run_that_has_ended_is_unsure_of(
    solution: Solution, status: str, select: str
) -> None:
    doubt(solution, 3, status)
    round_ = open_round(project=solution.project, protocol="first_error", select=select)
    assert list(round_.tasks.values_list("solution", "priority")) == [(solution.pk, int(select.startswith("first")))]


@pytest.mark.slow
@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING, JobStatus.PAUSED, JobStatus.FAILED])
@pytest.mark.parametrize("select", ["unsure:3", "first:unsure:3", "right,unsure:3"])
def test_a_round_over_a_run_that_does_not_count_is_refused(
    solution: Solution, alice: User, status: JobStatus, select: str
) -> None:
    Solution.objects.filter(pk=solution.pk).update(is_correct=True)
    doubt(solution, 3, status)
    with pytest.raises(DomainError, match=f"Run 3 is {status.label}: ") as raised:
        open_round(project=solution.project, protocol="first_error", select=select)
    assert raised.value.fields == {"select": f"unsure: run 3 is {status.label}"}
    for protocol, options in (("first_error", {}), ("comparison", {"pairs": "right_wrong"})):
        draft = create_round(project=solution.project, protocol=protocol, select=select, options=options)
        page = signed_in(alice).get(f"/projects/algebra/rounds/{draft.number}")
        assert (page.status_code, f"Run 3 is {status.label}: " in page.content.decode()) == (200, True)


def test_a_run_of_another_project_with_the_same_number_refuses_nothing(solution: Solution) -> None:
    other = Project.objects.create(name="Other", slug="other")
    doubt(make_solution(make_problem(other)), 3, JobStatus.RUNNING)
    doubt(solution, 3, JobStatus.FINISHED)
    assert open_round(project=solution.project, protocol="first_error", select="unsure:3").task_count == 1


def test_the_form_counts_nothing_for_a_run_under_way(solution: Solution, alice: User) -> None:
    doubt(solution, 3, JobStatus.RUNNING)
    for protocol in ("first_error", "comparison"):
        answer = signed_in(alice).get(f"/projects/algebra/rounds/new/size?unsure=3&protocol={protocol}")
        assert answer.status_code == 200


def test_a_run_offers_a_round_over_its_doubts_once_it_counts(solution: Solution, alice: User) -> None:
    for number, status in enumerate((JobStatus.PAUSED, JobStatus.FAILED, JobStatus.FINISHED), start=1):
        doubt(solution, number, status)
        page = signed_in(alice).get(f"/projects/algebra/estimation/{number}").content.decode()
        assert ("open a round over them" in page) is (status == JobStatus.FINISHED)
