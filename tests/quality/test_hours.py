"""Hours and pace for payment: by labeler, day and round, as a page, as CSV and in the API."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.labeling.assignments.correct import correct
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.projects.models import Project
from apps.quality.metrics.hours import Work, hours_of
from tests.cast import bearer, make_problem, make_round, make_solution, signed_in

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


def submission(*ratings: int, active_ms: int | None = None, idle_ms: int | None = None) -> Submission:
    steps = [SubmittedStep(position=place, rating=rating) for place, rating in enumerate(ratings)]
    reason = "found_error" if -1 in ratings else "solution"
    return Submission(steps=steps, finish_reason=reason, active_ms=active_ms, idle_ms=idle_ms)


def work(round_: Round, labeler: User, at: datetime, seconds: int, idle: int = 0) -> Assignment:
    assignment = claim(round=round_, labeler=labeler, now=at)
    assert isinstance(assignment, Assignment)
    given = submission(1, 1, 1, active_ms=seconds * 1000, idle_ms=idle * 1000)
    return submit(assignment=assignment, submission=given, now=at)


@pytest.fixture
def round_(project: Project) -> Round:
    return make_round(project, tasks=5, redundancy=3)


def march(project: Project, labeler: User | None = None) -> Any:
    return hours_of(project, since=date(2026, 3, 1), until=date(2026, 3, 31), labeler=labeler)


def test_each_day_has_its_submissions_times_and_median(project: Project, round_: Round, bob: User, mia: User) -> None:
    for seconds in (10, 20, 60):
        work(round_, bob, MONDAY, seconds, idle=5)
    work(round_, bob, TUESDAY, 40)
    work(round_, mia, TUESDAY, 30)
    hours = march(project)
    assert [(row.labeler, row.day, row.round, row.work) for row in hours.days] == [
        (bob.pk, date(2026, 3, 2), round_.pk, Work(3, 0, 90.0, 15.0, 20.0)),
        (bob.pk, date(2026, 3, 3), round_.pk, Work(1, 0, 40.0, 0.0, 40.0)),
        (mia.pk, date(2026, 3, 3), round_.pk, Work(1, 0, 30.0, 0.0, 30.0)),
    ]
    assert hours.totals == {bob.pk: Work(4, 0, 130.0, 15.0, 30.0), mia.pk: Work(1, 0, 30.0, 0.0, 30.0)}
    assert hours.total == Work(5, 0, 160.0, 15.0, 30.0)


def test_both_ends_of_the_range_are_included(project: Project, round_: Round, bob: User) -> None:
    work(round_, bob, MONDAY, 10)
    work(round_, bob, TUESDAY, 20)
    monday = hours_of(project, since=MONDAY.date(), until=MONDAY.date())
    assert monday.total == Work(1, 0, 10.0, 0.0, 10.0)
    assert hours_of(project, since=MONDAY.date(), until=TUESDAY.date()).total.submissions == 2
    assert hours_of(project, since=TUESDAY.date() + timedelta(days=1), until=date(2026, 3, 31)).days == []


def test_days_are_those_of_the_sites_time_zone(project: Project, round_: Round, bob: User) -> None:
    assert settings.TIME_ZONE == "UTC"
    work(round_, bob, datetime(2026, 3, 2, 23, 30, tzinfo=UTC), 10)
    with timezone.override("Asia/Tokyo"):
        assert [row.day for row in march(project).days] == [date(2026, 3, 3)]


def test_time_of_a_correction_counts_on_its_own_day(project: Project, round_: Round, bob: User) -> None:
    done = work(round_, bob, MONDAY, 10)
    correct(assignment=done, submission=submission(1, -1, active_ms=5_000), now=TUESDAY)
    days = [(row.day.day, row.work) for row in march(project).days]
    assert days == [(2, Work(1, 0, 10.0, 0.0, 10.0)), (3, Work(0, 1, 5.0, 0.0, None))]


def test_corrected_and_uncorrected_work_of_a_day_is_one_row(project: Project, round_: Round, bob: User) -> None:
    corrected = work(round_, bob, MONDAY, 10)
    work(round_, bob, MONDAY, 50)
    work(round_, bob, MONDAY, 60)
    correct(assignment=corrected, submission=submission(1, -1, active_ms=5_000), now=MONDAY + timedelta(hours=1))
    (row,) = march(project).days
    assert row.work == Work(3, 1, 125.0, 0.0, 50.0)


def test_hours_are_read_by_one_statement(project: Project, round_: Round, bob: User) -> None:
    """Two would count an assignment twice that is corrected between them."""
    work(round_, bob, MONDAY, 10)
    with CaptureQueriesContext(connection) as queries:
        march(project)
    assert len(queries) == 1


def test_a_returned_task_has_the_time_of_both_submissions(project: Project, round_: Round, bob: User) -> None:
    done = work(round_, bob, MONDAY, 10, idle=3)
    return_assignment(assignment=done, note="Look at step 2.", now=MONDAY + timedelta(hours=1))
    assert march(project).total == Work(1, 0, 10.0, 3.0, 10.0)  # What was worked stays while it is returned.
    again = claim(round=round_, labeler=bob, now=TUESDAY)
    assert isinstance(again, Assignment)
    assert again.pk == done.pk
    submit(assignment=again, submission=submission(1, -1, active_ms=7_000, idle_ms=1_000), now=TUESDAY)
    again.refresh_from_db()
    assert (again.active_ms, again.idle_ms) == (17_000, 4_000)
    days = [(row.day.day, row.work) for row in march(project).days]
    assert days == [(2, Work(1, 0, 10.0, 3.0, 10.0)), (3, Work(0, 1, 7.0, 1.0, None))]


def test_a_returned_task_without_a_new_time_keeps_the_old_one(project: Project, round_: Round, bob: User) -> None:
    done = work(round_, bob, MONDAY, 10)
    return_assignment(assignment=done, note="Look again.", now=MONDAY)
    again = claim(round=round_, labeler=bob, now=TUESDAY)
    assert isinstance(again, Assignment)
    submit(assignment=again, submission=submission(1, -1), now=TUESDAY)
    again.refresh_from_db()
    assert again.active_ms == 10_000


def test_imported_submissions_are_left_out(project: Project, round_: Round, bob: User) -> None:
    work(round_, bob, MONDAY, 10)
    Round.objects.filter(pk=round_.pk).update(origin="annotate")
    assert march(project).total.submissions == 0


def test_days_in_the_wrong_order_are_refused_by_name(project: Project) -> None:
    with pytest.raises(DomainError) as refusal:
        hours_of(project, since=date(2026, 3, 2), until=date(2026, 3, 1))
    assert "since" in refusal.value.fields


# --- who sees it ----------------------------------------------------------------------------------------------


def rows_of(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_managers_download_all_rows_with_totals(project: Project, round_: Round, bob: User, mia: User) -> None:
    work(round_, bob, MONDAY, 10)
    work(round_, mia, TUESDAY, 30)
    days = "?since=2026-03-01&until=2026-03-31"
    rows = rows_of(signed_in(mia).get(reverse("hours-file", args=[project.slug]) + days))
    assert rows[0][:5] == ["Labeler", "Day", "Round", "Kind", "Submissions"]
    assert rows[1:] == [
        ["Bob", "2026-03-02", "round 1", "work", "1", "0", "10.0", "0.0", "10.0"],
        ["Mia", "2026-03-03", "round 1", "work", "1", "0", "30.0", "0.0", "30.0"],
        ["Bob", "total", "", "", "1", "0", "10.0", "0.0", "10.0"],
        ["Mia", "total", "", "", "1", "0", "30.0", "0.0", "30.0"],
        ["all", "total", "", "", "2", "0", "40.0", "0.0", "20.0"],
    ]
    page = signed_in(mia).get(reverse("hours", args=[project.slug]) + days).content.decode()
    assert "Bob" in page
    assert "hours.csv?since=2026-03-01&amp;until=2026-03-31" in page


def test_labelers_see_their_own_rows_only(project: Project, round_: Round, bob: User, mia: User) -> None:
    work(round_, bob, MONDAY, 10)
    work(round_, mia, TUESDAY, 30)
    days = "?since=2026-03-01&until=2026-03-31"
    rows = rows_of(signed_in(bob).get(reverse("own-hours-file", args=[project.slug]) + days))
    assert {row[0] for row in rows[1:]} == {"Bob", "all"}
    assert rows[-1][4:7] == ["1", "0", "10.0"]
    assert "Mia" not in signed_in(bob).get(reverse("own-hours", args=[project.slug]) + days).content.decode()
    for name in ("hours", "hours-file"):
        assert signed_in(bob).get(reverse(name, args=[project.slug])).status_code == 403


@pytest.mark.parametrize("name", ["hours", "hours-file", "own-hours", "own-hours-file"])
def test_strangers_find_nothing_and_wrong_days_are_named(project: Project, mia: User, charlie: User, name: str) -> None:
    address = reverse(name, args=[project.slug])
    assert signed_in(charlie).get(address).status_code == 404
    wrong = signed_in(mia).get(f"{address}?since=2026-03-02&until=2026-03-01")
    assert wrong.status_code == 422
    assert "must be between" in wrong.content.decode()


def test_the_api_has_the_same_figures(project: Project, round_: Round, bob: User, mia: User, charlie: User) -> None:
    work(round_, bob, MONDAY, 10)
    work(round_, mia, TUESDAY, 30)
    address = f"/api/v1/projects/{project.slug}/hours"
    body = bearer(mia).get(address, {"since": "2026-03-01", "until": "2026-03-31"}).json()
    assert [(row["email"], row["day"], row["round"], row["kind"], row["active_s"]) for row in body["days"]] == [
        (bob.email, "2026-03-02", 1, "work", 10.0),
        (mia.email, "2026-03-03", 1, "work", 30.0),
    ]
    assert body["total"]["submissions"] == 2
    own = bearer(bob).get(address, {"since": "2026-03-01", "until": "2026-03-31"}).json()
    assert [row["email"] for row in own["totals"]] == [bob.email]
    assert bearer(mia).get(address, {"from": "2026-03-01"}).status_code == 400
    assert bearer(charlie).get(address).status_code == 404


def test_the_page_costs_the_same_for_many_labelers(
    project: Project, bob: User, mia: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(4):
        make_solution(make_problem(project))
    round_ = make_round(project, redundancy=2)
    for labeler in (bob, mia):
        for _ in range(3):
            work(round_, labeler, timezone.now(), 10)
    client = signed_in(mia)
    with django_assert_max_num_queries(8):
        client.get(reverse("hours", args=[project.slug]))
