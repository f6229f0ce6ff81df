"""Reports on judges that workers keep: the same figures as those of a request, and as fresh as they say."""

from __future__ import annotations

import csv
import io
import random
from dataclasses import fields, replace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.comparisons import turned
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import ComparisonVerdict, Judge, JudgeRun
from apps.judging.runs.services import start_judging
from apps.labeling.assignments.correct import correct
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission, SubmittedPreference, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.quality.consensus.recompute import recompute_projects
from apps.quality.gold.suspensions import lift, suspend
from apps.quality.metrics import refresh as refreshing
from apps.quality.metrics.refresh import refresh, refresh_figures, refresh_judge_reports
from apps.quality.models import Figure
from apps.quality.trust import stored_reports
from apps.quality.trust.preferences import preference_reports
from apps.quality.trust.report import JudgeMeasures, JudgeReport, judge_reports
from apps.quality.trust.stored_reports import stored_judge_reports, stored_preference_reports
from apps.quality.trust.truth import TrustFilter
from tests.cast import bearer, make_comparison, make_problem, make_solution, signed_in
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


def read(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


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


def test_a_filter_is_measured_at_the_request(project: Project) -> None:
    judged(project)
    refresh(project)
    assert all(report.at is None for report in stored_judge_reports(project, TrustFilter(first=0, last=0)))
    assert all(report.at for report in stored_judge_reports(project, TrustFilter()))


def compared(project: Project, count: int = 4) -> list[int]:
    """A judge that prefers the left side of each comparison; returns the comparisons."""
    values = {"url": "http://127.0.0.1:9/v1", "model": "judge-7b", "settings": {}}
    judge = save_judge(
        project=project, endpoint=add_endpoint(project=project, name="judge", **values), kind="comparison"
    )
    run = JudgeRun.objects.create(project=project, judge=judge, number=9, status="finished", done=count, total=count)
    problem = make_problem(project)
    pks = [make_comparison(problem, [f"A{n}."], [f"B{n}."]).pk for n in range(count)]
    for pk in pks:
        ComparisonVerdict.objects.create(run=run, comparison_id=pk, outcome="verdict", choice="left")
    return pks


def choose(round_: Round, labeler: User, choice: str = "left") -> Assignment:
    taken = claim(round=round_, labeler=labeler)
    assert isinstance(taken, Assignment)
    return submit(assignment=taken, submission=preferring(choice, taken))


def preferring(choice: str, assignment: Assignment) -> Submission:
    """A submission for this side of the comparison, wherever it is shown."""
    shown = turned(choice, is_turned=assignment.sides_swapped)
    return Submission(finish_reason="solution", preference=SubmittedPreference(choice=shown, margin="clearly"))


def test_what_people_prefer_brings_reports_on_comparing_judges_up_to_date(
    project: Project, bob: User, alice: User
) -> None:
    compared(project)
    round_ = open_round(project=project, protocol="comparison", redundancy=1)

    def agreement() -> tuple[float | None, int]:
        assert refresh_judge_reports() == 1
        assert refresh_judge_reports() == 0
        (report,) = stored_preference_reports(project)
        return report.agreement.value, report.agreement.solutions

    assert agreement() == (None, 0)
    first = choose(round_, bob)
    assert agreement() == (1, 1)
    choose(round_, bob, "right")
    assert agreement() == (0.5, 2)
    correct(assignment=first, submission=preferring("right", first))
    assert agreement() == (0, 2)
    return_assignment(assignment=first, note="Look again.")
    assert agreement() == (0, 1)
    membership = Membership.objects.get(project=project, user=bob)
    suspend(membership=membership, reason="It is all the same to him.", by=alice)
    assert agreement() == (None, 0)
    # Of a judge without runs there is nothing to bring up to date, whatever people choose.
    JudgeRun.objects.all().delete()
    lift(membership=membership, by=alice)
    assert refresh_judge_reports() == 0
    assert stored_preference_reports(project) == []


def test_a_worker_that_fails_between_the_figures_of_a_judge_stores_neither(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared(project)
    assert refresh_judge_reports() == 1
    judge = Judge.objects.get()
    run = JudgeRun.objects.create(project=project, judge=judge, number=10, status="finished", done=1, total=1)
    pk = make_comparison(make_problem(project), ["C."], ["D."]).pk
    ComparisonVerdict.objects.create(run=run, comparison_id=pk, outcome="inconsistent")
    with monkeypatch.context() as failing:

        def fails(*_: object) -> None:
            raise ValueError("a reply that nobody expected")

        failing.setattr(stored_reports, "preference_reports", fails)
        assert refresh_judge_reports() == 0
    assert stored_preference_reports(project)[0].comparisons == 4
    assert refresh_judge_reports() == 1
    assert stored_preference_reports(project)[0].comparisons == 5


def test_reports_that_fail_leave_the_other_figures_and_are_made_at_the_request(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(project)

    def fails(*_: object) -> None:
        raise ValueError("a row that nobody expected")

    monkeypatch.setattr(refreshing, "report_figures", fails)
    assert refresh(project)
    assert Figure.objects.filter(project=project, name="agreement").exists()
    assert [report.at for report in stored_judge_reports(project)] == [None, None]


def test_what_another_version_of_annotate_measured_is_measured_again(project: Project, settings: Any) -> None:
    judged(project)
    assert refresh_judge_reports() == 2
    settings.VERSION = "99.0"
    assert [report.at for report in stored_judge_reports(project)] == [None, None]
    assert [refresh_judge_reports(), refresh_judge_reports()] == [2, 0]
    assert all(report.at for report in stored_judge_reports(project))


def test_labels_bring_all_reports_up_to_date(project: Project, bob: User) -> None:
    """From the submission to the page, by what workers do every few seconds."""
    lengths = add_solutions(project, 1, steps=2)
    judge_all(project, dict.fromkeys(lengths, NO_ERROR))
    refresh_judge_reports()
    round_ = open_round(project=project, protocol="first_error", redundancy=1)
    taken = claim(round=round_, labeler=bob)
    assert isinstance(taken, Assignment)
    steps = [SubmittedStep(position=0, rating=1), SubmittedStep(position=1, rating=-1)]
    submit(assignment=taken, submission=Submission(steps=steps, finish_reason="found_error"))
    recompute_projects()
    assert refresh_figures() == 1
    (report,) = stored_judge_reports(project)
    assert (report.at is not None, report.figures.exact.value) == (True, 0)


def test_each_table_says_from_when_it_is(project: Project, mia: User) -> None:
    """A filter applies to the judges of steps alone: what it shows of them is of now."""
    judged(project)
    compared(project)
    refresh(project)
    client, address = signed_in(mia), reverse("trust", args=[project.slug])
    assert client.get(address).content.decode().count("Measured at") == 2
    page = client.get(f"{address}?first=1&last=2").content.decode()
    assert page.count("Measured at") == 1
    assert page.index("Measured at") > page.index("Judges that compare")
    rows = list(csv.reader(io.StringIO(read(client.get(reverse("trust-table", args=[project.slug]))))))
    assert (rows[0][-1], bool(rows[1][-1])) == ("Measured at", True)
    rows = list(csv.reader(io.StringIO(read(client.get(reverse("trust-table", args=[project.slug]) + "?first=1")))))
    assert rows[1][-1] == ""


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
    compared(project)
    refresh(project)
    client = signed_in(mia)
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("trust", args=[project.slug]))
    tables = ("solutionverdict", "stepverdict", "comparisonverdict", "judgereply")
    # Whether a run has any is asked with EXISTS; what they say is not.
    asked = [query["sql"].split("EXISTS")[0] for query in queries]
    assert [sql for sql in asked if any(f'FROM "judging_{table}"' in sql for table in tables)] == []


def test_measures_are_all_that_depends_on_verdicts_and_labels() -> None:
    """What a report has beyond them is read at each request: it must be as it is now."""
    assert {field.name for field in fields(JudgeReport)} - {field.name for field in fields(JudgeMeasures)} == {
        "judge",
        "certificate",
        "at",
    }
