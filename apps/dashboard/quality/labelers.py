"""The figures of each labeler of a project, as its reader may see them."""

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
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.quality.models import Figure, Suspension
from apps.quality.rules import rules_for


@dataclass(frozen=True, slots=True)
class LabelerFigures:
    """One labeler's row of the computed figures; unknown values are None."""

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
        return _gold_share(self.figures.get("exact"))

    @property
    def gold_tasks(self) -> int:
        return int((self.figures.get("exact") or {}).get("of", 0))

    @property
    def within_one(self) -> Cell:
        return _gold_share(self.figures.get("within_one"))

    @property
    def steps(self) -> Cell:
        return _gold_share(self.figures.get("steps"))

    @property
    def agrees(self) -> Cell:
        """Agreement with the consensus of the other labelers."""
        hits, of = self.figures.get("agrees", (0, 0))
        if of < MIN_SOLUTIONS:
            return Cell(None, is_share=True, n=of or None)
        return Cell(hits / of, *wilson(hits, of), is_share=True, n=of)

    @property
    def compared(self) -> int:
        """The number of solutions that both this labeler and others labeled."""
        return int(self.figures.get("agrees", (0, 0))[1])


def _gold_share(figure: Mapping[str, Any] | None) -> Cell:
    """A share over gold; n is the number of tasks, also for shares of steps."""
    if not figure or not figure["of"]:
        return Cell(None, is_share=True)
    low, high = figure["interval"]
    return Cell(figure["hits"] / figure["of"], low, high, is_share=True, n=figure.get("tasks", figure["of"]))


def labelers_of(place: Place, labeler: int | None = None) -> list[LabelerFigures]:
    """Everyone who submitted anything, most submissions first, or one of them; five queries."""
    figure = Figure.objects.filter(project=place.project, name="labelers", scope="").first()
    rows = figure.data["labelers"] if figure is not None else []
    if labeler is not None:
        rows = [row for row in rows if row["labeler"] == labeler]
    ids = {row["labeler"] for row in rows}
    names = labeler_names(place, ids)
    members = {member.user_id: member for member in Membership.objects.filter(project=place.project, user__in=ids)}
    active = Suspension.objects.filter(membership__in=members.values(), lifted_at=None)
    suspensions = {suspension.membership_id: suspension for suspension in active}
    cost = rules_for(place.project).hourly_cost
    labelers = []
    for row in rows:
        member = members.get(row["labeler"])
        suspension = suspensions.get(member.pk) if member else None
        labelers.append(LabelerFigures(names[row["labeler"]], member, suspension, row, cost))
    return labelers


def labeler_table(place: Place) -> Table:
    header = [
        "Labeler",
        "Submissions",
        "Median seconds",
        "Active hours",
        "Faster than reading",
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
            labeler.name,
            labeler.figures["assignments"],
            labeler.median_s,
            labeler.active_s / 3600,
            labeler.figures.get("fast", 0),
            labeler.figures["days"],
            labeler.cost,
            labeler.gold_tasks,
            labeler.exact,
            labeler.within_one,
            labeler.steps,
            labeler.agrees,
            labeler.compared,
            labeler.suspension.reason if labeler.suspension else "",
        ]
        for labeler in labelers_of(place)
    ]
    return Table(header, rows)
