"""A chart as SVG, with a legend, a table of its values and a file of them. Coordinates are texts: templates localize."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.dashboard.charts.model import Chart, Layer, Point, Rule
from apps.dashboard.charts.scales import Scale, apart, x_scale, x_ticks, y_scale
from apps.dashboard.csv_files import csv_text

LEFT, TOP, RIGHT_PAD = 54, 26, 28
SIZES = {False: (460, 266), True: (330, 150)}
# Marks around (0, 0), so that layers are told apart without their colours.
MARKS = {
    "line-1": "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z",
    "line-2": "M-3-3h6v6h-6z",
    "line-3": "M0-4.2L4 3H-4z",
    "line-4": "M0-4.4L4.4 0L0 4.4L-4.4 0z",
    "line-vote": "M-3.6-3.6L3.6 3.6M-3.6 3.6L3.6-3.6",
    "line-majority": "M-3.4 0h6.8M0-3.4v6.8",
    "line-pass": "M-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0z",
    "chosen": "M0-6.5L6.5 0L0 6.5L-6.5 0z",
    "failed": "M-3.8-3.8L3.8 3.8M-3.8 3.8L3.8-3.8",
    "untested": "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z",
}
SQUARE = "M-5-5h10v10h-10z"
COLUMN_GAP = 0.18  # Of a slot, between the columns of two slots.
HIT = 9  # The radius in which a mark tells its value to a pointer.
LONG_SUMMARY = 8


def render(chart: Chart) -> SafeString:
    context: dict[str, Any] = {
        "chart": chart,
        "rows": list(table_rows(chart)),
        "has_intervals": any(point.low is not None for _, point in chart.points),
        "has_notes": any(point.note for _, point in chart.points),
        "has_layers": len(chart.layers) > 1,
        "file": "data:text/csv;charset=utf-8," + quote(csv_text(csv_rows(chart))),
        "summary": summary(chart),
    }
    if chart.is_drawn:
        context |= _drawn(chart)
    else:
        context["words"] = [point_text(chart, layer, point) for layer, point in chart.points if point.y or point.note]
    return render_to_string("charts/chart.html", context)


def point_text(chart: Chart, layer: Layer, point: Point) -> str:
    """random, labels: 400: 50 % (20 to 60 %), 12 of 24."""
    name = f"{layer.title}, " if len(chart.layers) > 1 and layer.title else ""
    where = chart.x.text(point.x)
    where = where if chart.x.names else f"{chart.x.prefix or chart.x.title} {where}"
    note = f", {point.note}" if point.note else ""
    return f"{name}{where}: {chart.y.text(point.y)}{interval_text(chart, point)}{note}"


def interval_text(chart: Chart, point: Point) -> str:
    if point.low is None or point.high is None:
        return ""
    return f" ({chart.y.text(point.low)} to {chart.y.text(point.high)})"


def summary(chart: Chart) -> str:
    """For those who do not see it: first and last of each layer, and the rules."""
    texts = []
    for layer in chart.layers[:LONG_SUMMARY]:
        ends = [layer.points[0], layer.points[-1]] if len(layer.points) > 1 else list(layer.points)
        texts += [point_text(chart, layer, point) for point in ends]
    return ". ".join([*texts, *(rule.title for rule in chart.rules)])


def table_rows(chart: Chart) -> Iterator[dict[str, str]]:
    for layer, point in chart.points:
        yield {
            "layer": layer.title,
            "x": chart.x.text(point.x),
            "y": chart.y.text(point.y),
            "interval": interval_text(chart, point).strip(" ()"),
            "note": point.note,
        }


def csv_rows(chart: Chart) -> Iterator[list[str]]:
    yield ["series", chart.x.title, chart.y.title, "low", "high", "note"]
    for layer, point in chart.points:
        bounds = ["" if bound is None else chart.y.plain(bound) for bound in (point.low, point.high)]
        yield [layer.title, chart.x.plain(point.x), chart.y.plain(point.y), *bounds, point.note]


def _drawn(chart: Chart) -> dict[str, Any]:
    width, height = SIZES[chart.is_small]
    right, bottom = width - RIGHT_PAD, height - 42
    across = x_scale(chart, LEFT, right)
    upwards, ticks = y_scale(chart, bottom, TOP)
    layers = [_layer(chart, layer, number, across, upwards) for number, layer in enumerate(chart.layers)]
    return {
        "frame": {
            "width": width,
            "height": height,
            "left": LEFT,
            "right": right,
            "top": TOP,
            "bottom": bottom,
            "plot_height": bottom - TOP,
        },
        "labels": {
            "x": bottom + 17,
            "caption": height - 5,
            "y": LEFT - 7,
            "middle": (LEFT + right) // 2,
            "rule": bottom - 6,
        },
        "x_ticks": [{"x": _at(across, value), "label": chart.x.text(value)} for value in x_ticks(chart, across)],
        "y_ticks": [{"y": _at(upwards, value), "label": chart.y.text(value)} for value in ticks],
        "rules": list(_rules(chart, across, upwards)),
        "layers": layers,
        "diagonal": _diagonal(chart, across, upwards),
        "has_legend": len(chart.layers) > 1,
        "hit": HIT,
    }


def _at(scale: Scale, value: float) -> str:
    return f"{scale.place(value):.1f}"


def _layer(chart: Chart, layer: Layer, number: int, across: Scale, upwards: Scale) -> dict[str, Any]:
    shown: dict[str, Any] = {"title": layer.title, "look": layer.look, "shape": layer.shape}
    shown["mark"] = SQUARE if layer.shape == "columns" else MARKS.get(layer.look, MARKS["line-1"])
    shown["last"] = point_text(chart, Layer("", "", ()), layer.points[-1]) if layer.points else ""
    if layer.shape == "columns":
        shown["columns"] = list(_columns(chart, layer, number, across, upwards))
        return shown
    shown["points"] = [
        {
            "x": _at(across, point.x),
            "y": _at(upwards, point.y),
            "low": "" if point.low is None or layer.shape == "line" else _at(upwards, point.low),
            "high": "" if point.high is None or layer.shape == "line" else _at(upwards, point.high),
            "look": point.look,
            "mark": MARKS.get(point.look, shown["mark"]),
            "title": point_text(chart, layer, point),
        }
        for point in layer.points
    ]
    shown["path"] = " ".join(f"{point['x']},{point['y']}" for point in shown["points"]) if layer.shape == "line" else ""
    shown["band"] = _band(layer, across, upwards) if layer.shape == "line" and layer.has_band else ""
    return shown


def _band(layer: Layer, across: Scale, upwards: Scale) -> str:
    bounded = [
        (point.x, point.low, point.high) for point in layer.points if point.low is not None and point.high is not None
    ]
    upper = [f"{_at(across, x)},{_at(upwards, high)}" for x, _, high in bounded]
    lower = [f"{_at(across, x)},{_at(upwards, low)}" for x, low, _ in reversed(bounded)]
    return " ".join(upper + lower) if len(bounded) > 1 else ""


def _columns(chart: Chart, layer: Layer, number: int, across: Scale, upwards: Scale) -> Iterator[dict[str, str]]:
    """The columns of several layers stand side by side in their slot."""
    slot = (across.end - across.start) / max(1, len(chart.x.names))
    beside = [other for other in chart.layers if other.shape == "columns"]
    width = slot * (1 - COLUMN_GAP) / len(beside)
    for point in layer.points:
        top = upwards.place(point.y)
        yield {
            "x": f"{across.place(point.x) - slot * (1 - COLUMN_GAP) / 2 + number * width:.1f}",
            "slot_x": f"{across.place(point.x) - slot / 2 + number * slot / len(beside):.1f}",
            "slot_width": f"{slot / len(beside):.1f}",
            "width": f"{max(1.0, width - (1 if len(beside) > 1 else 0)):.1f}",
            "y": f"{top:.1f}",
            "height": f"{max(0.0, upwards.start - top):.1f}",
            "title": point_text(chart, layer, point),
        }


def _rules(chart: Chart, across: Scale, upwards: Scale) -> Iterator[dict[str, str]]:
    """Of vertical rules that are near to each other, one has a text."""
    labels = {rule.value: rule.label for rule in chart.rules if rule.axis == "x"}
    named = apart(sorted(labels), across.place, lambda value: labels[value] + "   ")
    middle = (across.start + across.end) / 2
    for rule in chart.rules:
        if rule.axis == "y":
            yield {"axis": "y", "y": _at(upwards, rule.value), "label": rule.label, "title": rule.title}
        else:
            yield _vertical(rule, across.place(rule.value), middle, rule.label if rule.value in named else "")


def _vertical(rule: Rule, x: float, middle: float, label: str) -> dict[str, str]:
    is_left = x < middle
    anchor, at = ("start", x + 4) if is_left else ("end", x - 4)
    return {"axis": "x", "x": f"{x:.1f}", "anchor": anchor, "at": f"{at:.1f}", "label": label, "title": rule.title}


def _diagonal(chart: Chart, across: Scale, upwards: Scale) -> dict[str, str]:
    if not chart.diagonal:
        return {}
    low, high = max(across.low, upwards.low), min(across.high, upwards.high)
    return {"x1": _at(across, low), "y1": _at(upwards, low), "x2": _at(across, high), "y2": _at(upwards, high)}
