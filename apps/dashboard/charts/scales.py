"""Where values are on a chart, and which of them have a tick. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log, log10

from apps.dashboard.charts.model import Axis, Chart, Layer, Point

LETTER = 6.6  # The width of a letter, in units of the drawing.
TICK_PAD = 10
MOST_TICKS = 9
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places between `start` and `end`, on a linear or logarithmic axis. Categories have a slot each."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        if self.axis.names:
            return self.start + (self.end - self.start) * (value + 0.5) / len(self.axis.names)
        if self.high == self.low:
            return (self.start + self.end) / 2
        kept = min(max(value, self.low), self.high)
        if self.axis.is_logarithmic:
            return self.start + (self.end - self.start) * log(kept / self.low) / log(self.high / self.low)
        return self.start + (self.end - self.start) * (kept - self.low) / (self.high - self.low)


def x_scale(chart: Chart, start: float, end: float) -> Scale:
    xs = [point.x for _, point in chart.points] + [rule.value for rule in chart.rules if rule.axis == "x"]
    low, high = min(xs, default=0), max(xs, default=1)
    return Scale(chart.x, low if chart.x.low is None else chart.x.low, chart.x.high or high, start, end)


def y_scale(chart: Chart, start: float, end: float) -> tuple[Scale, list[float]]:
    """The scale and its ticks: round numbers around the values and their intervals; from 0 where there are columns."""
    axis = chart.y
    values = [value for layer, point in chart.points for value in _bounds(layer, point)]
    values += [rule.value for rule in chart.rules if rule.axis == "y"]
    if any(layer.shape == "columns" for layer in chart.layers):
        values.append(0)
    low = min(values, default=0) if axis.low is None else axis.low
    high = max(values, default=1) if axis.high is None else axis.high
    step = round_step(low, high, is_whole=all(value == round(value) for value in values))
    low, high = step * floor(low / step + 1e-9), step * ceil(high / step - 1e-9)
    if low == high:
        low, high = max(0.0, low - step), high if low >= step else high + step
    ticks = [step * number for number in range(round(low / step), round(high / step) + 1)]
    return Scale(axis, low, high, start, end), list(axis.ticks or ticks)


def round_step(low: float, high: float, *, is_whole: bool) -> float:
    """A step of 1, 2 or 5 times a power of ten that makes about five ticks."""
    span = (high - low) or 1.0
    if is_whole and span <= 1:
        return 1.0
    power = 10.0 ** floor(log10(span / 5))
    step = next(power * factor for factor in STEPS if power * factor * 6 >= span)
    return max(1.0, step) if is_whole else step


def x_ticks(chart: Chart, scale: Scale) -> list[float]:
    """Some of the values, so that their texts do not overlap; the last one is among them."""
    known = list(chart.x.ticks or sorted({point.x for _, point in chart.points}))
    if not chart.x.names:
        known = known[:: ceil(len(known) / MOST_TICKS) or 1]
    return apart(known, scale.place, chart.x.text)


def apart(values: Sequence[float], place: Callable[[float], float], text: Callable[[float], str]) -> list[float]:
    """The values from the last one back, without those whose text would touch that of a kept one."""
    kept: list[float] = []
    for value in reversed(values):
        if not kept or place(kept[-1]) - place(value) >= _width(text(kept[-1]), text(value)):
            kept.append(value)
    return kept[::-1]


def _width(*texts: str) -> float:
    """From the middle of one text to the middle of its neighbour."""
    return sum(len(text) for text in texts) * LETTER / 2 + TICK_PAD


def _bounds(layer: Layer, point: Point) -> Iterable[float]:
    """What must be inside: the value, and its interval where it is drawn."""
    yield point.y
    if layer.has_band:
        yield from (bound for bound in (point.low, point.high) if bound is not None)
