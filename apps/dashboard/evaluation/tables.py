"""The figures of an evaluation as tables, the same for the page and for its CSV file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from apps.dashboard.quality.tables import Cell, Data, Share, Table
from apps.evaluation.models import EvaluationKind
from apps.scoring.reducers import REDUCER_TITLES

Report = Mapping[str, Any]

RATER_KINDS = {
    "people": "people",
    "person": "labeler",
    "consensus": "consensus",
    "rollouts": "Monte Carlo",
    "judge": "judge",
    "reward_model": "reward model",
    "outcome_score": "scores of files",
}
THRESHOLDS = {"dev": "dev part", "given": "given", "usual": "usual"}
CHOICES = {
    "": "from a file",
    "all": "all that were selected",
    "random": "at random",
    "convincing": "by convincing wrong answers",
    "uncertainty": "by uncertainty",
    "disagreement": "by disagreement",
}
CURVE_TITLES = {"pass": "any of N (pass@N)", "majority": "majority"}


def share_of(measured: Data) -> Cell:
    """A share with its interval; the rows of these tables have a column of their own for how many it rests on."""
    return replace(Cell.share(measured), n=None)


def curve_title(curve: Data) -> str:
    """What a curve shows: pass@N, the majority, or a scorer with its reducer."""
    if curve["scorer"] is None:
        return CURVE_TITLES[curve["kind"]]
    parts = [curve["scorer"]["name"]]
    if curve["reducer"]:
        parts.append(REDUCER_TITLES[curve["reducer"]])
    if curve["kind"] == "weighted_vote":
        parts.append("weighted vote")
    return ", ".join(parts)


def _raters(report: Report) -> Table:
    header = ["Rater", "Kind", "F1", "On errors", "On right ones", "Mean F1 of parts", "Solutions", "Threshold"]
    rows = [
        [
            row["rater"]["name"],
            RATER_KINDS[row["rater"]["kind"]],
            *(share_of(row[name]) for name in ("f1", "erroneous", "correct", "average")),
            row["solutions"],
            _threshold(row),
        ]
        for row in report["raters"]
    ]
    return Table(header, rows)


def _parts(report: Report) -> Table:
    rows = [
        [
            row["rater"]["name"],
            part["name"] or "none",
            *(share_of(part[name]) for name in ("f1", "erroneous", "correct")),
            part["solutions"],
        ]
        for row in report["raters"]
        for part in row["parts"]
    ]
    return Table(["Rater", "Part", "F1", "On errors", "On right ones", "Solutions"], rows)


def _steps(report: Report) -> Table:
    header = ["Rater", "Kind", "PRM-Score", "F1", "Negative F1", "On good steps", "On bad steps", "Steps", "Threshold"]
    rows = [
        [
            row["rater"]["name"],
            RATER_KINDS[row["rater"]["kind"]],
            *(share_of(row[name]) for name in ("prm_score", "f1", "negative_f1", "good", "bad")),
            row["steps"],
            _threshold(row),
        ]
        for row in report["raters"]
    ]
    return Table(header, rows)


def _threshold(row: Data) -> str:
    threshold = row["threshold"]
    if threshold is None:
        return ""
    return f"{threshold['value']:.3f} ({THRESHOLDS[threshold['chosen']]})"


def _curves(report: Report) -> Table:
    ns = [point["n"] for point in report["curves"][0]["points"]] if report["curves"] else []
    rows = [
        [curve_title(curve), *(share_of(point | {"solutions": None}) for point in curve["points"])]
        for curve in report["curves"]
    ]
    return Table(["Choice", *(f"N = {n}" for n in ns)], rows)


def _convincing(report: Report) -> Table:
    rows = [
        [
            convincing["scorer"]["name"],
            row["solution"],
            row["problem"],
            row["answer"],
            row["score"],
            row["best_right"],
        ]
        for convincing in report.get("convincing", [])
        for row in convincing["solutions"]
    ]
    return Table(["Scorer", "Solution", "Problem", "Answer", "Score", "Best right answer's score"], rows)


def _scorers(report: Report) -> Table:
    header = ["Scorer", "Scores of", "Count", "Good", "Area under the curve", "Calibration error", "Brier"]
    rows = []
    for row in report["scorers"]:
        calibration = row["calibration"] or {"error": None, "brier": None}
        area = Cell(row["area"])
        cells = [replace(Cell.of(calibration[name]), n=None) for name in ("error", "brier")]
        rows.append([row["rater"]["name"], row["unit"], row["count"], Share(row["good"] / row["count"]), area, *cells])
    return Table(header, rows)


def _bins(report: Report) -> Table:
    rows = [
        [
            row["rater"]["name"],
            row["unit"],
            f"{100 * bin_['low']:.0f} to {100 * bin_['high']:.0f} %",
            bin_["of"],
            Share(bin_["mean"]),
            Cell(bin_["good"] / bin_["of"], bin_["interval"][0], bin_["interval"][1], is_share=True),
        ]
        for row in report["scorers"]
        for bin_ in (row["calibration"] or {"bins": []})["bins"]
        if bin_["of"]
    ]
    return Table(["Scorer", "Scores of", "Score", "Count", "Mean score", "Good"], rows)


def _histograms(report: Report) -> Table:
    rows = [
        [row["rater"]["name"], row["unit"], _range(row["histogram"], number), good, bad]
        for row in report["scorers"]
        for number, (good, bad) in enumerate(zip(row["histogram"]["good"], row["histogram"]["bad"], strict=True))
        if good or bad
    ]
    return Table(["Scorer", "Scores of", "Score", "Good", "Bad"], rows)


def _range(histogram: Data, number: int) -> str:
    low, width = histogram["low"], (histogram["high"] - histogram["low"]) / len(histogram["good"])
    return f"{low + number * width:.3g} to {low + (number + 1) * width:.3g}"


def round_title(row: Data) -> str:
    return f"{row['name']}, {CHOICES[row['choice']]}"


def _learning_runs(report: Report) -> Table:
    header = ["Run", "Line", "Started", "Labels", "Labeled solutions", "F1", "On errors", "On right ones", "Threshold"]
    rows = [
        [
            row["rater"]["name"],
            row["line"],
            minute_of(row["started_at"]),
            row["labels"],
            row["labeled_solutions"],
            *(share_of(row[name]) for name in ("f1", "erroneous", "correct")),
            _threshold(row),
        ]
        for row in report["runs"]
    ]
    return Table(header, rows)


def minute_of(timestamp: str) -> str:
    """2026-11-30 03:25 of an ISO timestamp in UTC."""
    return timestamp[:16].replace("T", " ")


def _rounds(report: Report) -> Table:
    """A row for each round and line; one without gains for a round that no line has runs before and after."""
    nothing = {"line": "", "before": None, "after": None, "labels": "", "gain": None}
    rows = [
        [
            row["name"],
            CHOICES[row["choice"]],
            minute_of(row["closed_at"]),
            gain["line"],
            f"{gain['before']} to {gain['after']}" if gain["line"] else "",
            row["labels"],
            gain["labels"],
            share_of(gain["gain"]),
        ]
        for row in report["rounds"]
        for gain in row["gains"] or [nothing]
    ]
    return Table(["Round", "Chosen", "Closed", "Line", "Runs", "Labels by then", "Labels between", "F1 gained"], rows)


def _ratios(report: Report) -> Table:
    rows = [
        [
            row["curve"],
            row["baseline"],
            Share(row["f1"]),
            row["labels"],
            Share(row["ratio"]),
            "yes" if row["is_upper_bound"] else "",
        ]
        for row in report["ratios"]
    ]
    return Table(["Line", "Reaches the F1 of", "F1", "That line's labels", "Share of them needed", "At most"], rows)


# By kind, the tables by the name of their file.
TABLES: dict[str, dict[str, Callable[[Report], Table]]] = {
    EvaluationKind.PROCESSBENCH: {"raters": _raters, "parts": _parts},
    EvaluationKind.STEPS: {"steps": _steps},
    EvaluationKind.BEST_OF_N: {"best-of-n": _curves, "convincing": _convincing},
    EvaluationKind.CALIBRATION: {"scorers": _scorers, "calibration": _bins, "histograms": _histograms},
    EvaluationKind.LEARNING_CURVE: {"runs": _learning_runs, "rounds": _rounds, "ratios": _ratios},
}
