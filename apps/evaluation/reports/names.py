"""The names of people in a report, which holds their user ids: who reads it decides between names and pseudonyms. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apps.evaluation.reports.base import Report


def users_in(report: Report) -> set[int]:
    return {row["rater"]["user"] for row in report.get("raters", []) if "user" in row["rater"]}


def with_names(report: Report, names: Mapping[int, str]) -> Report:
    """The report with these names in place of user ids; "unknown" for a user who is in none of them."""
    return {key: [_named(row, names) for row in rows] if key == "raters" else rows for key, rows in report.items()}


def _named(row: Report, names: Mapping[int, str]) -> Report:
    rater = row["rater"]
    if "user" not in rater:
        return row
    return {**row, "rater": {"kind": rater["kind"], "name": names.get(rater["user"], "unknown")}}
