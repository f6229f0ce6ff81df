"""What the admin shows in place of raw values: JSON as nested lists of words, keys of rows as links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Field, ForeignKey, Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator

NOTHING = "–"
MOST_ITEMS, MOST_CHARACTERS, DEEPEST = 100, 2000, 4


def value_words(value: Any, depth: int = 0) -> SafeString | str:
    """JSON for people: objects as tables of names and values, lists as lists, booleans as words."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping) and depth < DEEPEST:
        items = list(value.items())
        rows = [(str(name).replace("_", " "), value_words(item, depth + 1)) for name, item in items[:MOST_ITEMS]]
        return format_html("{}{}", words_table((), rows), _more(len(items)))
    if isinstance(value, list) and depth < DEEPEST:
        if all(isinstance(item, str | int | float) and not isinstance(item, bool) for item in value):
            return ", ".join(map(str, value[:MOST_ITEMS])) + _more(len(value))
        parts = format_html_join("", "<li>{}</li>", ((value_words(item, depth + 1),) for item in value[:MOST_ITEMS]))
        return format_html("<ol>{}</ol>{}", parts, _more(len(value)))
    return Truncator(str(value)).chars(MOST_CHARACTERS)


def plain_words(value: Any) -> str:
    """JSON in one line, for lists."""
    if isinstance(value, Mapping):
        return (
            Truncator("; ".join(f"{name}: {plain_words(item)}" for name, item in value.items())).chars(120) or NOTHING
        )
    if isinstance(value, list):
        return Truncator(", ".join(map(plain_words, value))).chars(120) or NOTHING
    return NOTHING if value in (None, "") else str(value)


def words_table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> SafeString:
    """A table whose first column has the names of the rows. All cells are escaped."""
    top = (
        format_html("<thead><tr>{}</tr></thead>", format_html_join("", '<th scope="col">{}</th>', ((h,) for h in head)))
        if head
        else ""
    )
    body = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        ((name, format_html_join("", "<td>{}</td>", ((cell,) for cell in cells))) for name, *cells in rows),
    )
    return format_html('<div class="words"><table>{}<tbody>{}</tbody></table></div>', top, body)


def admin_link(model: type[Model], pk: Any, text: str) -> SafeString | str:
    """A link to the admin's page of a row."""
    try:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return text
    return format_html('<a class="text-link" href="{}">{}</a>', address, text)


def key_column(field: ForeignKey[Any, Any]) -> Callable[[Model], Any]:
    """A column for `solution_id` and the like: `solution 12`, a link, without a query."""
    model, noun = field.remote_field.model, str(field.verbose_name)

    def column(row: Model) -> SafeString | str:
        pk = getattr(row, field.attname)
        return NOTHING if pk is None else admin_link(model, pk, f"{noun} {pk}")

    return described(column, noun, order=field.attname)


def id_column(model: type[Model]) -> Callable[[Model], str]:
    noun = str(model._meta.verbose_name)
    return described(lambda row: f"{noun} {row.pk}", noun, order="pk")


def json_column(field: Field[Any, Any]) -> Callable[[Model], str]:
    return described(lambda row: plain_words(getattr(row, field.attname)), str(field.verbose_name))


def json_words(field: Field[Any, Any]) -> Callable[[Model], Any]:
    """For the page of a row."""
    return described(lambda row: value_words(getattr(row, field.attname)), str(field.verbose_name))


def described(function: Callable[[Any], Any], name: str, *, order: str | None = None) -> Callable[[Any], Any]:
    """The function as a column of this name."""
    function.short_description = name  # type: ignore[attr-defined]
    function.__name__ = name.replace(" ", "_")
    if order is not None:
        function.admin_order_field = order  # type: ignore[attr-defined]
    return function


def _more(count: int) -> str:
    return f" and {count - MOST_ITEMS} more" if count > MOST_ITEMS else ""
