"""When a round will be done: told of what was observed since it opened, as a range, and not before enough was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboard.rounds.forecast import FEWEST, Forecast, forecast, window_of
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_solution, signed_in
from tests.world import rate

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def told(*, hours: float, submissions: int, left: int) -> Forecast:
    return forecast(left=left, submissions=submissions, since=NOW - timedelta(hours=hours), now=NOW)


def test_in_the_first_hour_it_is_hours_of_work_and_no_date() -> None:
    """Sixty in an hour, six hundred left: ten hours more of the same, not a week."""
    seen = told(hours=1, submissions=60, left=600)
    assert seen.soonest is not None
    assert seen.latest is not None
    assert timedelta(hours=7) < seen.soonest < timedelta(hours=10) < seen.latest < timedelta(hours=14)
    assert (seen.is_in_days, seen.first_day, seen.last_day) == (False, None, None)


def test_after_a_day_it_is_a_range_of_days() -> None:
    seen = told(hours=72, submissions=300, left=1000)
    assert seen.first_day is not None
    assert seen.last_day is not None
    assert seen.first_day < NOW + timedelta(days=10) < seen.last_day
    assert seen.last_day - seen.first_day < timedelta(days=3)


@pytest.mark.parametrize(
    ("hours", "submissions", "left", "words"),
    [
        (0.5, FEWEST - 1, 500, "19 of 20 submissions"),
        (300, 3, 500, "3 of 20 submissions"),
        (0.1, 50, 500, "15 minutes"),
        (168, 20, 10_000_000, "ten years"),
        (1, 60, 0, ""),
        (1, 0, 5, "0 of 20 submissions"),
    ],
)
def test_too_little_makes_no_forecast(hours: float, submissions: int, left: int, words: str) -> None:
    seen = told(hours=hours, submissions=submissions, left=left)
    assert not seen.is_told
    assert words in seen.why_not
    assert bool(words) == bool(seen.why_not)


def test_the_more_was_observed_the_narrower_it_is() -> None:
    widths = []
    for count in (20, 100, 1000):
        seen = told(hours=48, submissions=count, left=count)
        assert seen.soonest is not None
        assert seen.latest is not None
        widths.append(seen.latest / seen.soonest)
    assert widths == sorted(widths, reverse=True)


def test_a_week_is_looked_back_at_most() -> None:
    assert window_of(NOW - timedelta(hours=1), NOW) == NOW - timedelta(hours=1)
    assert window_of(NOW - timedelta(days=30), NOW) == NOW - timedelta(days=7)


@pytest.fixture
def young(project: Project, bob: User) -> Round:
    """Opened an hour ago; 25 of 60 are done, and gold besides."""
    for _ in range(60):
        make_solution(make_problem(project))
    for _ in range(10):
        make_gold(make_solution(make_problem(project)), 1, 1, 1)
    round_ = open_round(project=project, protocol="first_error", gold_share=0.3)
    while Assignment.objects.filter(task__is_gold=False).count() < 25:
        rate(round_, bob, 1, 1, 1)
    Round.objects.filter(pk=round_.pk).update(opened_at=timezone.now() - timedelta(hours=1))
    return round_


def test_the_page_tells_it_of_what_fills_the_round(young: Round, mia: User, bob: User) -> None:
    page = signed_in(mia).get("/projects/algebra/rounds/1").content.decode()
    assert "25 submissions in 1 h" in page
    assert "A date can be told after a day" in page
    assert "Done about" not in page
    assert "forecast" not in signed_in(bob).get("/projects/algebra/rounds/1").content.decode()


def test_the_page_of_a_round_that_has_just_opened_says_that_it_is_too_early(project: Project, mia: User) -> None:
    make_solution(make_problem(project))
    open_round(project=project, protocol="first_error")
    assert "too early to say" in signed_in(mia).get("/projects/algebra/rounds/1").content.decode()
