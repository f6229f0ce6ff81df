"""The charts of counts and shares: submissions by day, agreement by week, calibration, distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Protocol

from apps.dashboard.charts.model import Axis, Chart, Layer, Point, categories
from apps.dashboard.templatetags.numbers import share, thousands
from apps.quality.metrics.profile import GoldWeek

SHARES = Axis("share", share, low=0, high=1)


class Bar(Protocol):
    """A bar of a distribution, as `quality`, `judging` and `scoring` return it."""

    @property
    def label(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def share(self) -> float | None: ...


def activity_chart(days: Sequence[tuple[date, int]], title: str) -> Chart:
    """Counts by day, or by hour of today."""
    is_hourly = any(isinstance(day, datetime) for day, _ in days)
    form = "%H:00" if is_hourly else "%-d %b"
    exact = "%Y-%m-%dT%H:00" if is_hourly else "%Y-%m-%d"
    names, plain = [day.strftime(form) for day, _ in days], [day.strftime(exact) for day, _ in days]
    total = sum(count for _, count in days)
    about = f"{total:,} today, by hour" if is_hourly else f"{total:,} in the last {len(days)} days"
    unit = "hour" if is_hourly else "day"
    points = [Point(number, count) for number, (_, count) in enumerate(days)]
    layer = Layer(title, "line-1", points, "columns")
    y = Axis("submissions", thousands)
    return Chart(title, about, categories(unit, names, plain), y, [layer], is_small=True, empty="None yet.")


def _day_text(value: float) -> str:
    return f"{date.fromordinal(round(value)):%-d %b %Y}"


def _day_plain(value: float) -> str:
    return date.fromordinal(round(value)).isoformat()


def trend_chart(weeks: Sequence[Mapping[str, Any]], title: str, about: str) -> Chart:
    """Shares by week, with their intervals as a band."""
    known = [week for week in weeks if week["exact"]["value"] is not None]
    dates = [date.fromisoformat(week["week"]) for week in known]
    points = [
        Point(
            day.toordinal(),
            week["exact"]["value"],
            week["exact"]["low"],
            week["exact"]["high"],
            f"{week['solutions']:,} solutions" if week.get("solutions") is not None else "",
        )
        for day, week in zip(dates, known, strict=True)
    ]
    x = Axis("week from", _day_text, _day_plain)
    return Chart(title, about, x, SHARES, [Layer("", "line-1", points)])


def gold_chart(weeks: Sequence[GoldWeek]) -> Chart:
    """The share of gold tasks whose first error a labeler found, by week, with its interval as a band."""
    points = [
        Point(week.week.toordinal(), week.hits / week.tasks, *week.interval, f"{week.hits:,} of {week.tasks:,} tasks")
        for week in weeks
    ]
    about = "The share of gold tasks whose first error was found, by week, with 95 % intervals."
    x = Axis("week from", _day_text, _day_plain)
    return Chart("Gold by week", about, x, SHARES, [Layer("", "line-1", points)], is_section=True)


def reliability_chart(bins: Sequence[Mapping[str, Any]], title: str, about: str, across: str, what: str) -> Chart:
    """The share of good ones against the mean estimate, a dot for each bin; calibrated estimates are on the diagonal."""
    points = [
        Point(
            bin_["mean"],
            bin_["good"] / bin_["of"],
            bin_["interval"][0],
            bin_["interval"][1],
            f"{bin_['good']:,} of {bin_['of']:,} {what}",
        )
        for bin_ in bins
        if bin_["of"]
    ]
    x = Axis(across, share, low=0, high=1, ticks=[0, 0.2, 0.4, 0.6, 0.8, 1])
    y = Axis(f"share {what}", share, low=0, high=1)
    return Chart(title, about, x, y, [Layer("", "line-1", points, "dots")], diagonal="calibrated")


def distribution_chart(bars: Sequence[Bar], title: str, about: str, across: str, unit: str) -> Chart:
    """Counts by name or by tenth; with an empty unit, shares, whose counts are their notes."""
    names = [bar.label for bar in bars]
    if unit:
        points = [Point(number, bar.count) for number, bar in enumerate(bars)]
        y = Axis(unit, thousands)
    else:
        points = [
            Point(number, bar.share, note=getattr(bar, "note", ""))
            for number, bar in enumerate(bars)
            if bar.share is not None
        ]
        y = Axis("share", share, low=0, high=1)
    return Chart(
        title,
        about,
        categories(across, names),
        y,
        [Layer("", "line-1", points, "columns")],
        empty="Nothing yet.",
        is_section=True,
    )
