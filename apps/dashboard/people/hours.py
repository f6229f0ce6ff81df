"""Hours and pace as a table: of all labelers for managers, of their own work for labelers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.dashboard.access import Place
from apps.dashboard.forms import ServiceForm
from apps.dashboard.solutions.evidence import labeler_names
from apps.labeling.models import Round
from apps.quality.metrics.hours import Hours, Work, hours_of
from apps.quality.review.names import PersonName

HEADER = [
    "Labeler",
    "Day",
    "Round",
    "Kind",
    "Submissions",
    "Corrections",
    "Active seconds",
    "Idle seconds",
    "Median seconds",
]


class DaysForm(ServiceForm):
    """The first and the last day, both included."""

    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))

    def hours(self, place: Place, labeler: User | None = None) -> Hours | None:
        """None if the dates are invalid: the form has the errors."""
        return self.run(lambda days: hours_of(place.project, labeler=labeler, **days))


def csv_rows(place: Place, hours: Hours) -> Iterator[list[Any]]:
    """One row for each labeler, day and round, then the totals, whose day is the word `total`."""
    names = _names(place, hours)
    rounds = Round.objects.in_bulk({row.round for row in hours.days})
    yield HEADER
    for row in hours.days:
        round_ = rounds[row.round]
        yield [names[row.labeler], row.day.isoformat(), str(round_), round_.kind, *_cells(row.work)]
    for labeler, work in hours.totals.items():
        yield [names[labeler], "total", "", "", *_cells(work)]
    yield ["all", "total", "", "", *_cells(hours.total)]


def _cells(work: Work) -> list[Any]:
    median = "" if work.median_s is None else round(work.median_s, 1)
    return [work.submissions, work.corrections, round(work.active_s, 1), round(work.idle_s, 1), median]


def _names(place: Place, hours: Hours) -> dict[int, str]:
    """The names that the reader may see, and their own."""
    own = place.membership
    names = labeler_names(place, set(hours.totals))
    return names | ({own.user_id: PersonName(str(own.user), own.pk)} if own.user_id in names else {})


def total_rows(place: Place, hours: Hours) -> list[tuple[str, Work]]:
    """Each labeler's total, the most active first."""
    names = _names(place, hours)
    return [(names[labeler], work) for labeler, work in sorted(hours.totals.items(), key=lambda row: -row[1].active_s)]
