"""How each labeler of a project does, as a manager or a reviewer may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.core.statistics import wilson
from apps.dashboard.access import Place
from apps.dashboard.quality.tables import Cell, Table
from apps.dashboard.solutions.evidence import labeler_names
from apps.projects.models import Membership
from apps.quality.metrics.refresh import MIN_SOLUTIONS
from apps.quality.models import Figure, Suspension
from apps.quality.rules import rules_for


@dataclass(frozen=True, slots=True)
class Labeler:
    """Figures by a worker; what is not known yet is None."""

    name: str
    membership: Membership | None
    suspension: Suspension | None
    figures: Mapping[str, Any]
    hourly_cost: Decimal | None

    @property
    def active_s(self) -> float:
        return float(self.figures.get("active_ms", 0)) / 1000

    @property
    def median_s(self) -> float | None:
        median = self.figures.get("median_ms")
        return None if median is None else median / 1000

    @property
    def last(self) -> datetime | None:
        last = self.figures.get("last")
        return datetime.fromisoformat(last) if last else None

    @property
    def cost(self) -> float | None:
        return None if self.hourly_cost is None else float(self.hourly_cost) * self.active_s / 3600

    @property
    def exact(self) -> Cell:
        return _share(self.figures.get("exact"))

    @property
    def gold_tasks(self) -> int:
        return int((self.figures.get("exact") or {}).get("of", 0))

    @property
    def within_one(self) -> Cell:
        return _share(self.figures.get("within_one"))

    @property
    def steps(self) -> Cell:
        return _share(self.figures.get("steps"))

    @property
    def agrees(self) -> Cell:
        """With the others, their own voice left out."""
        hits, of = self.figures.get("agrees", (0, 0))
        if of < MIN_SOLUTIONS:
            return Cell(None, is_share=True, n=of or None)
        return Cell(hits / of, *wilson(hits, of), is_share=True, n=of)

    @property
    def compared(self) -> int:
        """Solutions on which the labeler and the others can be compared."""
        return int(self.figures.get("agrees", (0, 0))[1])


def _share(told: Mapping[str, Any] | None) -> Cell:
    """Of gold; n are tasks, also where the share is of their steps."""
    if not told or not told["of"]:
        return Cell(None, is_share=True)
    low, high = told["interval"]
    return Cell(told["hits"] / told["of"], low, high, is_share=True, n=told.get("tasks", told["of"]))


def labelers_of(place: Place) -> list[Labeler]:
    """Everybody who handed anything in, the busiest first; four queries."""
    figure = Figure.objects.filter(project=place.project, name="labelers", scope="").first()
    rows = figure.data["labelers"] if figure is not None else []
    ids = {row["labeler"] for row in rows}
    names = labeler_names(place, ids)
    members = {one.user_id: one for one in Membership.objects.filter(project=place.project, user__in=ids)}
    standing = Suspension.objects.filter(membership__in=members.values(), lifted_at=None)
    suspended = {one.membership_id: one for one in standing}
    cost = rules_for(place.project).hourly_cost
    found = []
    for row in rows:
        member = members.get(row["labeler"])
        found.append(Labeler(names[row["labeler"]], member, suspended.get(member.pk) if member else None, row, cost))
    return found


def labeler_table(place: Place) -> Table:
    header = [
        "Labeler",
        "Assignments",
        "Median seconds",
        "Active hours",
        "Days",
        "Cost",
        "Gold tasks",
        "Gold, first error",
        "Gold, within one",
        "Gold, steps",
        "Agrees with the others",
        "Compared solutions",
        "Suspended",
    ]
    rows = [
        [
            one.name,
            one.figures["assignments"],
            one.median_s,
            one.active_s / 3600,
            one.figures["days"],
            one.cost,
            one.gold_tasks,
            one.exact,
            one.within_one,
            one.steps,
            one.agrees,
            one.compared,
            one.suspension.reason if one.suspension else "",
        ]
        for one in labelers_of(place)
    ]
    return Table(header, rows)
