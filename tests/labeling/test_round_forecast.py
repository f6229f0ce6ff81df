"""The forecast of a round: a range, from the submissions since it opened, once there are enough."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.forecast import MIN_SUBMISSIONS, RoundForecast, forecast, window_start
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_solution, signed_in
from tests.world import rate

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def forecast_after(*, hours: float, submissions: int, remaining: int) -> RoundForecast:
    return forecast(remaining=remaining, submissions=submissions, since=NOW - timedelta(hours=hours), now=NOW)


def test_in_the_first_hour_it_is_hours_of_work_and_no_date() -> None:
    """Sixty in an hour, six hundred remaining: ten more hours, not a week."""
    expected = forecast_after(hours=1, submissions=60, remaining=600)
    assert expected.soonest is not None
    assert expected.latest is not None
    assert timedelta(hours=7) < expected.soonest < timedelta(hours=10) < expected.latest < timedelta(hours=14)
    assert (expected.is_in_days, expected.first_day, expected.last_day) == (False, None, None)


def test_after_a_day_it_is_a_range_of_days() -> None:
    expected = forecast_after(hours=72, submissions=300, remaining=1000)
    assert expected.first_day is not None
    assert expected.last_day is not None
    assert expected.first_day < NOW + timedelta(days=10) < expected.last_day
    assert expected.last_day - expected.first_day < timedelta(days=3)


@pytest.mark.parametrize(
    ("hours", "submissions", "remaining", "reason"),
    [
        (0.5, MIN_SUBMISSIONS - 1, 500, "19 of the 20 submissions"),
        (300, 3, 500, "3 of the 20 submissions"),
        (0.1, 50, 500, "15 minutes"),
        (168, 20, 10_000_000, "ten years"),
        (1, 60, 0, ""),
        (1, 0, 5, "0 of the 20 submissions"),
    ],
)
def test_too_few_submissions_make_no_forecast(hours: float, submissions: int, remaining: int, reason: str) -> None:
    expected = forecast_after(hours=hours, submissions=submissions, remaining=remaining)
    assert not expected.is_known
    assert reason in expected.why_not
    assert bool(reason) == bool(expected.why_not)


def test_more_submissions_make_the_range_narrower() -> None:
    widths = []
    for count in (20, 100, 1000):
        expected = forecast_after(hours=48, submissions=count, remaining=count)
        assert expected.soonest is not None
        assert expected.latest is not None
        widths.append(expected.latest / expected.soonest)
    assert widths == sorted(widths, reverse=True)


def test_submissions_of_at_most_a_week_count() -> None:
    assert window_start(NOW - timedelta(hours=1), NOW) == NOW - timedelta(hours=1)
    assert window_start(NOW - timedelta(days=30), NOW) == NOW - timedelta(days=7)


@pytest.fixture
def young(project: Project, bob: User) -> Round:
    """Opened an hour ago; 25 of 60 are submitted, and gold as well."""
    for _ in range(60):
        make_solution(make_problem(project))
    for _ in range(10):
        make_gold(make_solution(make_problem(project)), 1, 1, 1)
    round_ = open_round(project=project, protocol="first_error", gold_share=0.3)
    while Assignment.objects.filter(task__is_gold=False).count() < 25:
        rate(round_, bob, 1, 1, 1)
    Round.objects.filter(pk=round_.pk).update(opened_at=timezone.now() - timedelta(hours=1))
    return round_


def test_the_page_shows_the_forecast_of_the_submissions_that_fill_the_round(young: Round, mia: User, bob: User) -> None:
    page = signed_in(mia).get("/projects/algebra/rounds/1").content.decode()
    assert "25 submissions in 1 h" in page
    assert "A date is available after one day" in page
    assert "Complete about" not in page
    assert "forecast" not in signed_in(bob).get("/projects/algebra/rounds/1").content.decode()


def test_the_page_of_a_round_that_has_just_opened_says_that_it_is_too_early(project: Project, mia: User) -> None:
    make_solution(make_problem(project))
    open_round(project=project, protocol="first_error")
    assert "too early to say" in signed_in(mia).get("/projects/algebra/rounds/1").content.decode()
