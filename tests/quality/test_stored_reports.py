"""Reports on judges that workers keep: the same figures as those of a request, and as fresh as they say."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.judging.models import JudgeRun
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.quality.metrics import refresh as refreshing
from apps.quality.metrics.refresh import refresh, refresh_judge_reports
from apps.quality.models import Consensus, Figure
from apps.quality.rules import rules_for
from apps.quality.trust.preferences import preference_reports
from apps.quality.trust.report import JudgeMeasures, JudgeReport, judge_reports
from apps.quality.trust.stored_reports import stored_judge_reports, stored_preference_reports
from apps.quality.trust.truth import TrustFilter
from tests.cast import bearer, make_problem, make_solution, signed_in
from tests.judging.model import judges_of, make_judge, worked
from tests.quality.judged_project import add_solutions, judge_all, settle_all, truths

pytestmark = pytest.mark.django_db(transaction=True)


def judged(project: Project, count: int = 40) -> dict[int, int]:
    """Two judges, one of which says UNKNOWN now and then, and people's consensus; returns the truth."""
    dice = random.Random(3)
    lengths = add_solutions(project, count)
    truth = truths(lengths, dice)
    settle_all(project, truth)
    judge_all(project, {pk: error if dice.random() < 0.8 else UNKNOWN for pk, error in truth.items()}, tokens=900)
    judge_all(project, dict.fromkeys(truth, NO_ERROR), name="optimist")
    return truth


def test_what_is_stored_is_what_a_request_measures(project: Project) -> None:
    judged(project)
    now = judge_reports(project)
    assert len(now) == 2
    assert stored_judge_reports(project) == now  # Before a worker came by.
    assert refresh(project)
    stored = stored_judge_reports(project)
    assert [report.at is not None for report in stored] == [True, True]
    assert [replace(report, at=None) for report in stored] == now


def test_what_is_stored_of_comparing_judges_is_what_a_request_measures(judge_server: str, project: Project) -> None:
    server = judges_of(judge_server, flips=0.3)
    for n in range(12):
        problem = make_problem(project, statement=f"Compute {n}.", reference_answer="2")
        for number in range(2):
            make_solution(problem, [f"It is {n}{number}." + " Indeed." * number])
    worked(start_judging(judge=make_judge(project, server, "comparison"), selection={"pairs": "random"}))
    now = preference_reports(project)
    assert refresh_judge_reports() == 1
    (stored,) = stored_preference_reports(project)
    assert stored.at is not None
    assert [replace(stored, at=None)] == now
    # It names no first errors, and has no report as a judge of steps.
    assert stored_judge_reports(project) == []
    assert refresh_judge_reports() == 0


def test_a_run_that_ends_or_goes_brings_the_report_of_its_judge_up_to_date(project: Project) -> None:
    truth = judged(project)
    assert [refresh_judge_reports(), refresh_judge_reports()] == [2, 0]
    judge_all(project, dict.fromkeys(truth, UNKNOWN), name="optimist")
    assert refresh_judge_reports() == 1
    report = next(report for report in stored_judge_reports(project) if report.judge.name == "optimist")
    assert report.figures.unreadable.value == 1
    JudgeRun.objects.filter(judge=report.judge).latest("number").delete()
    assert refresh_judge_reports() == 1
    report = next(report for report in stored_judge_reports(project) if report.judge.name == "optimist")
    assert report.figures.unreadable.value == 0
    JudgeRun.objects.filter(judge=report.judge).delete()
    assert [report.judge.name for report in stored_judge_reports(project)] == ["critic"]


def test_labels_that_change_bring_all_reports_up_to_date(project: Project) -> None:
    judged(project)
    refresh(project)
    Consensus.objects.filter(project=project).update(first_error=NO_ERROR)
    rules_for(project)
    before = {report.judge.name: report.figures.exact.value for report in stored_judge_reports(project)}
    assert before["optimist"] < 1
    refresh(project)
    after = {report.judge.name: report.figures.exact.value for report in stored_judge_reports(project)}
    assert after["optimist"] == 1


def test_a_filter_is_measured_at_the_request(project: Project) -> None:
    judged(project)
    refresh(project)
    assert all(report.at is None for report in stored_judge_reports(project, TrustFilter(first=0, last=0)))
    assert all(report.at for report in stored_judge_reports(project, TrustFilter()))


def test_a_judge_without_solutions_in_common_with_people_waits_for_them(project: Project) -> None:
    lengths = add_solutions(project, 5)
    judge_all(project, dict.fromkeys(lengths, NO_ERROR))
    assert [refresh_judge_reports(), refresh_judge_reports()] == [1, 0]
    assert stored_judge_reports(project) == []
    settle_all(project, dict.fromkeys(lengths, NO_ERROR))
    refresh(project)
    assert [report.solutions for report in stored_judge_reports(project)] == [5]


def test_a_project_whose_reports_fail_does_not_keep_the_others_waiting(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_project = create_project(slug="other")
    for one in (project, other_project):
        judge_all(one, dict.fromkeys(add_solutions(one, 5), NO_ERROR))
    make = refreshing.report_figures

    def fails(of: Project, only: Any = None) -> Any:
        if of == project:
            raise ValueError("a row that nobody expected")
        return make(of, only)

    monkeypatch.setattr(refreshing, "report_figures", fails)
    assert refresh_judge_reports() == 1
    assert list(Figure.objects.values_list("project", flat=True)) == [other_project.pk]


def test_page_file_and_api_show_what_is_stored_and_when(project: Project, mia: User) -> None:
    truth = judged(project)
    refresh(project)
    at = stored_judge_reports(project)[0].at
    assert at is not None
    page = signed_in(mia).get(reverse("trust", args=[project.slug])).content.decode()
    assert f"Measured at {at:%-d %b, %H:%M}" in page
    filtered = signed_in(mia).get(reverse("trust", args=[project.slug]) + "?first=1&last=2").content.decode()
    assert "Measured at" not in filtered
    judges = bearer(mia).get(f"/api/v1/projects/{project.slug}/trust").json()["judges"]
    assert [row["name"] for row in judges] == ["critic", "optimist"]
    assert all(row["at"] for row in judges)
    assert judges[0]["solutions"] == len(truth)


def test_a_page_reads_no_verdicts_where_reports_are_stored(project: Project, mia: User) -> None:
    judged(project)
    refresh(project)
    client = signed_in(mia)
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("trust", args=[project.slug]))
    reads = [query["sql"] for query in queries if 'FROM "judging_solutionverdict"' in query["sql"].split("EXISTS")[0]]
    assert reads == []


def test_measures_are_all_that_depends_on_verdicts_and_labels() -> None:
    """What a report has beyond them is read at each request: it must be as it is now."""
    assert {field.name for field in fields(JudgeReport)} - {field.name for field in fields(JudgeMeasures)} == {
        "judge",
        "certificate",
        "at",
    }
