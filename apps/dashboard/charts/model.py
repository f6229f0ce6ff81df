"""What a chart shows: axes, layers of points, rules. Pure; `svg` gives everything its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Shape = Literal["line", "dots", "columns"]


@dataclass(frozen=True, slots=True)
class Axis:
    """`text` writes a value for people, `plain` for the file. Without `low` and `high` the axis spans the values.

    `prefix` stands before a value in a sentence, if that is not the title.
    `names` are the texts of an axis of categories, whose values are 0, 1, 2 and so on.
    """

    title: str
    text: Callable[[float], str]
    plain: Callable[[float], str] = "{:.6g}".format
    is_logarithmic: bool = False
    low: float | None = None
    high: float | None = None
    ticks: Sequence[float] | None = None
    names: Sequence[str] = ()
    prefix: str = ""


def categories(title: str, names: Sequence[str], plain: Sequence[str] = ()) -> Axis:
    """An axis of names, such as days or tenths."""
    texts = list(names)
    raw = list(plain) or texts
    return Axis(title, lambda value: texts[round(value)], lambda value: raw[round(value)], names=texts)


@dataclass(frozen=True, slots=True)
class Point:
    """A value, its interval if it has one, and what is to be known about it besides, such as a count."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    look: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """Points of one kind. `look` names its colour, dashes and marks (`svg.MARKS`). Bands show the intervals."""

    title: str
    look: str
    points: Sequence[Point]
    shape: Shape = "line"
    has_band: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across the chart at a value of an axis, such as where a round closed, or what is allowed."""

    axis: Literal["x", "y"]
    value: float
    label: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`empty` is what stands in its place without any value. `diagonal` is what the line of equal values means.

    The title of one that `is_section` is a heading of the page.
    """

    title: str
    about: str
    x: Axis
    y: Axis
    layers: Sequence[Layer]
    rules: Sequence[Rule] = ()
    diagonal: str = ""
    empty: str = "Not enough data yet."
    is_small: bool = False
    is_section: bool = False

    @property
    def points(self) -> list[tuple[Layer, Point]]:
        return [(layer, point) for layer in self.layers for point in layer.points]

    @property
    def is_drawn(self) -> bool:
        """A chart of one place is none: below two, its values are told in words."""
        valued = [point for layer, point in self.points if layer.shape != "columns" or point.y]
        return len({point.x for point in valued}) > 1
