"""The stored figures of a project, with the names of people as their reader may see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.projects.models import Project
from apps.quality.models import Figure

Data = dict[str, Any]

MIN_SOLUTIONS = 5  # A figure of fewer solutions depends mostly on which ones they are: pages show a dash.

# The names of the figures of the quality page. Others are `labelers`, whose rows are those of people, `run`, which is read by
# the page of an estimation run, and those of the trust page.
FIGURES = ("agreement", "pairs", "over_time", "consensus", "monte_carlo", "judges")


def labeler_figures(project: Project) -> dict[int, Data]:
    """By user id, everyone who has submitted anything, as `labeler_rows` made the rows; empty before the first refresh."""
    figure = Figure.objects.filter(project=project, name="labelers", scope="").first()
    return {row["labeler"]: row for row in figure.data["labelers"]} if figure is not None else {}


def with_labeler_names(figure: Figure, names: Mapping[int, str]) -> Data:
    """The data of the figure, in which people's ids are replaced by these names."""
    if figure.name != "pairs":
        return dict(figure.data)
    pairs = [
        {**pair, **{side: names.get(pair[side], "unknown") for side in ("first", "second")}}
        for pair in figure.data["pairs"]
    ]
    return {**figure.data, "pairs": pairs}
