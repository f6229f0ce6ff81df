"""The quality pages' figures as tables: what a page shows and what its CSV holds is one and the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.dashboard.access import Place
from apps.dashboard.solutions.evidence import labeler_names
from apps.quality.metrics.refresh import MIN_SOLUTIONS
from apps.quality.models import DisputeCount, Figure

RATINGS = ("bad", "okay", "great")

Data = Mapping[str, Any]


MOST_SHOWN = 50  # Rows of a table on a page.
MOST_DRAWN = 6  # Plots of runs, of each kind.


@dataclass(frozen=True, slots=True)
class Cell:
    """A number with its 95 % interval, where it has one. A share is shown in percent, a coefficient as it is.

    `n` is the number of solutions that it rests on, where that is known. Of too few a page shows n alone; the file has the
    number, too.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    is_share: bool = False
    n: int | None = None

    @classmethod
    def of(cls, measured: Data | None) -> Cell:
        return (
            cls(None)
            if measured is None
            else cls(measured["value"], measured["low"], measured["high"], n=measured.get("solutions"))
        )

    @classmethod
    def share(cls, measured: Data | None) -> Cell:
        return replace(cls.of(measured), is_share=True)

    @property
    def is_shown(self) -> bool:
        return self.value is not None and (self.n is None or self.n >= MIN_SOLUTIONS)

    @property
    def sorting(self) -> tuple[bool, float]:
        """The lowest first, and what cannot be told last."""
        return self.value is None, self.value or 0.0


class Share(float):
    """A share without an interval."""


@dataclass(frozen=True, slots=True)
class Table:
    header: list[str]
    rows: list[list[Any]]

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Titles, and whether numbers stand below."""
        first = self.rows[0] if self.rows else self.header
        return [(title, not isinstance(value, str)) for title, value in zip(self.header, first, strict=True)]

    @property
    def shown(self) -> list[list[Any]]:
        """What a page has room for; the file has all."""
        return self.rows[:MOST_SHOWN]

    @property
    def left_out(self) -> int:
        return len(self.rows) - len(self.shown)

    def flat(self) -> Iterable[list[Any]]:
        """For a file: a number with its interval is four columns."""
        wide = [any(isinstance(row[index], Cell) for row in self.rows) for index in range(len(self.header))]
        yield [
            part
            for name, is_wide in zip(self.header, wide, strict=True)
            for part in ([name, f"{name} low", f"{name} high", f"{name} n"] if is_wide else [name])
        ]
        for row in self.rows:
            yield [
                part
                for value, is_wide in zip(row, wide, strict=True)
                for part in ([value.value, value.low, value.high, value.n] if is_wide else [value])
            ]


@dataclass(frozen=True, slots=True)
class Overview:
    """All figures of a project; empty until a worker has computed them."""

    place: Place
    figures: dict[tuple[str, str], Figure]

    @property
    def is_empty(self) -> bool:
        return not self.figures

    @property
    def at(self) -> Any:
        return max((figure.at for figure in self.figures.values()), default=None)

    def data(self, name: str, scope: str = "") -> Data:
        found = self.figures.get((name, scope))
        return found.data if found is not None else {}

    def scopes(self, name: str) -> list[tuple[str, Data]]:
        return [(scope, figure.data) for (named, scope), figure in self.figures.items() if named == name]

    @property
    def whole(self) -> Data:
        return self.data("agreement")

    @property
    def first_error(self) -> Cell:
        return Cell.share(self.whole.get("first_errors", {}).get("exact"))

    @property
    def alpha(self) -> Cell:
        return Cell.of(self.whole.get("steps", {}).get("alpha_ordinal"))

    @property
    def standing(self) -> Data:
        return self.data("consensus")

    @property
    def weeks(self) -> list[Data]:
        return list(self.data("over_time").get("weeks", []))

    @property
    def runs(self) -> list[Data]:
        return self._newest_first("monte_carlo")

    @property
    def judges(self) -> list[Data]:
        return self._newest_first("judges")

    @property
    def plotted_runs(self) -> list[Data]:
        return _calibrated(self.runs)[:MOST_DRAWN]

    @property
    def unplotted_runs(self) -> int:
        return len(_calibrated(self.runs)[MOST_DRAWN:])

    @property
    def plotted_judges(self) -> list[Data]:
        return _calibrated(self.judges)[:MOST_DRAWN]

    @property
    def unplotted_judges(self) -> int:
        return len(_calibrated(self.judges)[MOST_DRAWN:])

    def _newest_first(self, name: str) -> list[Data]:
        return sorted((data for _, data in self.scopes(name)), key=lambda one: one["number"], reverse=True)

    def table(self, name: str) -> Table:
        return TABLES[name](self)

    @property
    def tables(self) -> dict[str, Table]:
        return {name.replace("-", "_"): make(self) for name, make in TABLES.items()}


def _calibrated(runs: Iterable[Data]) -> list[Data]:
    return [one for one in runs if one.get("calibration")]


def overview_of(place: Place) -> Overview:
    """One query, whatever the project's size."""
    figures = Figure.objects.filter(project=place.project).order_by("name", "scope")
    return Overview(place, {(one.name, one.scope): one for one in figures})


def dispute_counts(place: Place) -> dict[str, int]:
    return dict(DisputeCount.objects.filter(project=place.project, count__gt=0).values_list("kind", "count"))


# --- tables -----------------------------------------------------------------------------------------------


def _agreement(overview: Overview) -> Table:
    header = [
        "Where",
        "Compared solutions",
        "Same first error",
        "Within one",
        "Kappa of first errors",
        "Alpha, ordinal",
        "Alpha, nominal",
    ]
    rows = []
    for scope, data in sorted(overview.scopes("agreement"), key=lambda one: one[0]):
        errors, steps = data["first_errors"], data["steps"]
        shares = (errors["exact"], errors["within_one"])
        coefficients = (errors["kappa"], steps["alpha_ordinal"], steps["alpha_nominal"])
        rows.append([_scope(scope), data["solutions"], *map(Cell.share, shares), *map(Cell.of, coefficients)])
    return Table(header, rows)


def _scope(scope: str) -> str:
    kind, _, name = scope.partition(":")
    return {"": "all", "round": f"round {name}", "subject": name}.get(kind, scope)


def _pairs(overview: Overview) -> Table:
    """Those who agree least come first: sixty people are 1,770 pairs."""
    pairs = sorted(overview.data("pairs").get("pairs", []), key=lambda one: Cell.of(one["exact"]).sorting)
    names = labeler_names(overview.place, {one[side] for one in pairs for side in ("first", "second")})
    rows = [
        [
            names[one["first"]],
            names[one["second"]],
            one["exact"]["solutions"],
            Cell.share(one["exact"]),
            Cell.of(one["kappa"]),
        ]
        for one in pairs
    ]
    return Table(["One", "Other", "Solutions", "Same first error", "Cohen's kappa of steps"], rows)


def _confusion(overview: Overview) -> Table:
    table = overview.whole.get("steps", {}).get("confusion", [])
    if not any(count for row in table for count in row):
        table = []
    return Table(
        ["One says", *(f"another: {name}" for name in RATINGS)],
        [[name, *counts] for name, counts in zip(RATINGS, table, strict=False)],
    )


def _over_time(overview: Overview) -> Table:
    rows = [[one["week"], one["solutions"], Cell.share(one["exact"])] for one in overview.weeks]
    return Table(["Week from", "Solutions", "Same first error"], rows)


MACHINE = {
    "accuracy": "Accuracy",
    "kappa": "Kappa",
    "precision": "Precision of bad",
    "recall": "Recall of bad",
    "first_error_exact": "Same first error",
}


def _against_people(one: Data) -> Iterator[Cell | None]:
    """In the order of MACHINE; kappa alone is no share."""
    return (Cell.of(one[name]) if name == "kappa" else Cell.share(one[name]) for name in MACHINE)


def _monte_carlo(overview: Overview) -> Table:
    return Table(
        ["Run", "Strategy", *MACHINE.values()],
        [[one["number"], one["strategy"], *_against_people(one)] for one in overview.runs],
    )


def _judges(overview: Overview) -> Table:
    return Table(
        ["Judge", "Version", "Run", *MACHINE.values()],
        [[one["judge"], one["version"], one["number"], *_against_people(one)] for one in overview.judges],
    )


def _calibration(overview: Overview) -> Table:
    return Table(
        ["Run", "Soft estimate", "Steps", "Mean estimate", "Good by people"],
        [[run["number"], *bin_] for run in overview.runs for bin_ in _bins(run)],
    )


def _confidence(overview: Overview) -> Table:
    header = ["Judge", "Version", "Run", "Confidence", "Verdicts", "Mean confidence", "Right by people"]
    return Table(
        header, [[one["judge"], one["version"], one["number"], *bin_] for one in overview.judges for bin_ in _bins(one)]
    )


def _bins(run: Data) -> Iterator[list[Any]]:
    for one in run["calibration"]["bins"] if "calibration" in run else ():
        if one["of"]:
            told = Cell(one["good"] / one["of"], one["interval"][0], one["interval"][1], is_share=True)
            yield [f"{100 * one['low']:.0f} to {100 * one['high']:.0f} %", one["of"], Share(one["mean"]), told]


TABLES: dict[str, Callable[[Overview], Table]] = {
    "agreement": _agreement,
    "pairs": _pairs,
    "confusion": _confusion,
    "over-time": _over_time,
    "monte-carlo": _monte_carlo,
    "calibration": _calibration,
    "judges": _judges,
    "judge-confidence": _confidence,
}
