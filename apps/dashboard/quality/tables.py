"""The figures of the quality pages as tables, the same for the page and for its CSV file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apps.dashboard.access import Place
from apps.dashboard.solutions.evidence import labeler_names
from apps.quality.metrics.stored import FIGURES, MIN_SOLUTIONS
from apps.quality.models import DisputeCount, Figure

RATINGS = ("bad", "okay", "great")

Data = Mapping[str, Any]

MAX_ROWS = 50  # Rows of a table on a page.
MAX_PLOTS = 6  # Plots of runs, of each kind.


@dataclass(frozen=True, slots=True)
class Cell:
    """A number with its 95 % interval, if it has one. Shares are shown in percent, coefficients as they are.

    `n` is the number of solutions that the number rests on, if known. If they are too few, a page shows n alone, but
    the file has the number too.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    is_share: bool = False
    n: int | None = None

    @classmethod
    def of(cls, measured: Data | None, *, is_share: bool = False) -> Cell:
        if measured is None:
            return cls(None, is_share=is_share)
        return cls(measured["value"], measured["low"], measured["high"], is_share, measured.get("solutions"))

    @classmethod
    def share(cls, measured: Data | None) -> Cell:
        return cls.of(measured, is_share=True)

    @property
    def is_shown(self) -> bool:
        return self.value is not None and (self.n is None or self.n >= MIN_SOLUTIONS)

    @property
    def sorting(self) -> tuple[bool, float]:
        """Lowest first, unknown last."""
        return self.value is None, self.value or 0.0


class Share(float):
    """A share without an interval."""


@dataclass(frozen=True, slots=True)
class Table:
    header: list[str]
    rows: list[list[Any]]

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Titles, and whether the column holds numbers."""
        first = self.rows[0] if self.rows else self.header
        return [(title, not isinstance(value, str)) for title, value in zip(self.header, first, strict=True)]

    @property
    def shown(self) -> list[list[Any]]:
        """The rows on the page; the file has all."""
        return self.rows[:MAX_ROWS]

    @property
    def left_out(self) -> int:
        return len(self.rows) - len(self.shown)

    def flat(self) -> Iterable[list[Any]]:
        """For a file: a number with its interval is four columns."""
        wide = [any(isinstance(row[index], Cell) for row in self.rows) for index in range(len(self.header))]
        yield [
            title
            for name, is_wide in zip(self.header, wide, strict=True)
            for title in ([name, f"{name} low", f"{name} high", f"{name} n"] if is_wide else [name])
        ]
        for row in self.rows:
            yield [
                field
                for value, is_wide in zip(row, wide, strict=True)
                for field in ([value.value, value.low, value.high, value.n] if is_wide else [value])
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
        figure = self.figures.get((name, scope))
        return figure.data if figure is not None else {}

    def scopes(self, name: str) -> list[tuple[str, Data]]:
        return [(scope, figure.data) for (key, scope), figure in self.figures.items() if key == name]

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
    def consensus(self) -> Data:
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
        return _calibrated(self.runs)[:MAX_PLOTS]

    @property
    def unplotted_runs(self) -> int:
        return len(_calibrated(self.runs)[MAX_PLOTS:])

    @property
    def plotted_judges(self) -> list[Data]:
        return _calibrated(self.judges)[:MAX_PLOTS]

    @property
    def unplotted_judges(self) -> int:
        return len(_calibrated(self.judges)[MAX_PLOTS:])

    def _newest_first(self, name: str) -> list[Data]:
        return sorted((data for _, data in self.scopes(name)), key=lambda data: data["number"], reverse=True)

    def table(self, name: str) -> Table:
        return TABLES[name](self)

    @property
    def tables(self) -> dict[str, Table]:
        return {name.replace("-", "_"): make(self) for name, make in TABLES.items()}


def _calibrated(runs: Iterable[Data]) -> list[Data]:
    return [run for run in runs if run.get("calibration")]


def overview_of(place: Place) -> Overview:
    """One query, whatever the project's size."""
    figures = Figure.objects.filter(project=place.project, name__in=FIGURES).order_by("name", "scope")
    return Overview(place, {(figure.name, figure.scope): figure for figure in figures})


def dispute_counts(place: Place) -> dict[str, int]:
    return dict(DisputeCount.objects.filter(project=place.project, count__gt=0).values_list("kind", "count"))


# --- tables -----------------------------------------------------------------------------------------------


def _agreement(overview: Overview) -> Table:
    header = [
        "Scope",
        "Compared solutions",
        "Same first error",
        "Within one",
        "Kappa of first errors",
        "Alpha, ordinal",
        "Alpha, nominal",
    ]
    rows = []
    for scope, data in sorted(overview.scopes("agreement"), key=lambda scoped: scoped[0]):
        kind, _, name = scope.partition(":")
        title = {"": "all", "round": f"round {name}", "subject": name}.get(kind, scope)
        errors, steps = data["first_errors"], data["steps"]
        shares = (errors["exact"], errors["within_one"])
        coefficients = (errors["kappa"], steps["alpha_ordinal"], steps["alpha_nominal"])
        rows.append([title, data["solutions"], *map(Cell.share, shares), *map(Cell.of, coefficients)])
    return Table(header, rows)


def _pairs(overview: Overview) -> Table:
    """Pairs who agree least come first, as sixty people make 1,770 pairs."""
    pairs = overview.data("pairs").get("pairs", [])
    names = labeler_names(overview.place, {pair[side] for pair in pairs for side in ("first", "second")})
    rows = [
        [
            names[pair["first"]],
            names[pair["second"]],
            pair["exact"]["solutions"],
            Cell.share(pair["exact"]),
            Cell.of(pair["kappa"]),
        ]
        for pair in pairs
    ]
    rows.sort(key=lambda row: row[3].sorting)
    return Table(["Labeler", "Other labeler", "Solutions", "Same first error", "Cohen's kappa of steps"], rows)


def _confusion(overview: Overview) -> Table:
    counts = overview.whole.get("steps", {}).get("confusion", [])
    if not any(count for row in counts for count in row):
        counts = []
    return Table(
        ["Rated by one", *(f"by another: {name}" for name in RATINGS)],
        [[name, *row] for name, row in zip(RATINGS, counts, strict=False)],
    )


def _over_time(overview: Overview) -> Table:
    rows = [[week["week"], week["solutions"], Cell.share(week["exact"])] for week in overview.weeks]
    return Table(["Week from", "Solutions", "Same first error"], rows)


MODEL_FIGURES = {
    "accuracy": "Accuracy",
    "kappa": "Kappa",
    "precision": "Precision of bad",
    "recall": "Recall of bad",
    "first_error_exact": "Same first error",
}


def _against_people(run: Data) -> Iterator[Cell | None]:
    """In the order of MODEL_FIGURES; all but kappa are shares."""
    return (Cell.of(run[name]) if name == "kappa" else Cell.share(run[name]) for name in MODEL_FIGURES)


def _monte_carlo(overview: Overview) -> Table:
    return Table(
        ["Run", "Strategy", *MODEL_FIGURES.values()],
        [[run["number"], run["strategy"], *_against_people(run)] for run in overview.runs],
    )


def _judges(overview: Overview) -> Table:
    return Table(
        ["Judge", "Version", "Run", *MODEL_FIGURES.values()],
        [[run["judge"], run["version"], run["number"], *_against_people(run)] for run in overview.judges],
    )


def _calibration(overview: Overview) -> Table:
    return Table(
        ["Run", "Soft estimate", "Steps", "Mean estimate", "Good according to people"],
        [[run["number"], *bin_] for run in overview.runs for bin_ in _bins(run)],
    )


def _confidence(overview: Overview) -> Table:
    header = ["Judge", "Version", "Run", "Confidence", "Verdicts", "Mean confidence", "Right according to people"]
    return Table(
        header, [[run["judge"], run["version"], run["number"], *bin_] for run in overview.judges for bin_ in _bins(run)]
    )


def _bins(run: Data) -> Iterator[list[Any]]:
    """The calibration bins that hold anything: range, count, mean, and the share of good ones."""
    for bin_ in run["calibration"]["bins"] if "calibration" in run else ():
        if bin_["of"]:
            good = Cell(bin_["good"] / bin_["of"], bin_["interval"][0], bin_["interval"][1], is_share=True)
            yield [f"{100 * bin_['low']:.0f} to {100 * bin_['high']:.0f} %", bin_["of"], Share(bin_["mean"]), good]


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
