"""Queries that are made once: for what every claim and every submission asks.

Making a query anew from Python costs several times what PostgreSQL needs to answer it, and most of what
PostgreSQL needs goes into planning it. Here a QuerySet is compiled at its first use, and the database
keeps the plan of each statement for as long as the connection lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Value, query

M = TypeVar("M")
# The stubs know neither psycopg's half of the cursor nor this function as our Django has it.
_populators: Any = query.get_related_populators
_Cursor: Any = ServerBindingCursor
Rows = list[tuple[Any, ...]]


def fetch(statement: str, values: Mapping[str, Any] | list[Any]) -> Rows:
    """Run a statement that gives rows; its plan is kept. Values travel apart from the text."""
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def run(statement: str, values: Mapping[str, Any] | list[Any]) -> int:
    """Run a statement that gives no rows; the number of those that it touched."""
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _cursor() -> Any:
    """Django's own cursor, but for one thing: values are not written into the statement's text."""
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    if database.queries_logged:
        return database.make_debug_cursor(_LoggedCursor(database.connection))
    return database.make_cursor(_Cursor(database.connection))


class _LoggedCursor(_Cursor):  # type: ignore[misc]
    """Remembers the text of a prepared statement, which psycopg does not, for Django's log of queries."""

    def _convert_query(self, *given: Any) -> Any:
        self._query = super()._convert_query(*given)
        return self._query


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands in a compiled query's parameters for the value that is given later."""

    name: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    statement: str
    parameters: tuple[Any, ...]
    read: Callable[[Rows], list[Any]]

    def fill(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[one.name] if isinstance(one, Gap) else one for one in self.parameters]


class Prepared(Generic[M]):
    """A QuerySet with gaps: `Prepared(lambda email: User.objects.filter(email=email), "email")`.

    `build` is called once, with an expression for each gap; use the columns' own names and lookups that
    take an expression (not `in`). It may select related rows and annotate.
    """

    def __init__(self, build: Callable[..., models.QuerySet[Any, M]], *gaps: str) -> None:
        self._build, self._gaps = build, gaps

    def first(self, **values: Any) -> M | None:
        """The first row, or None. The queryset should be one that has few."""
        found = self.rows(**values)
        return found[0] if found else None

    def rows(self, **values: Any) -> list[Any]:
        """All rows: instances, or tuples where the queryset is one of `values_list`."""
        return self._compiled.read(fetch(self._compiled.statement, self._compiled.fill(values)))

    @cached_property
    def _compiled(self) -> _Compiled:
        queryset: Any = self._build(**{name: Value(Gap(name)) for name in self._gaps})
        compiler = queryset.query.get_compiler(connection=connection)
        statement, parameters = compiler.as_sql()
        return _Compiled(statement, tuple(parameters), _reader(compiler, of_instances=queryset._fields is None))


def _reader(compiler: Any, *, of_instances: bool) -> Callable[[Rows], list[Any]]:
    """What a QuerySet does with rows, as `ModelIterable` has it, with all that can be known beforehand."""
    select, klass = compiler.select, compiler.klass_info
    converters = compiler.get_converters([column for column, *_ in select])

    def converted(rows: Rows) -> Any:
        return compiler.apply_converters(rows, converters) if converters else rows

    if not of_instances:
        return lambda rows: [tuple(row) for row in converted(rows)]
    fields = klass["select_fields"]
    start, end = fields[0], fields[-1] + 1
    names = [column.target.attname for column, *_ in select[start:end]]
    related = _populators(klass, select, connection.alias)
    annotated = list(compiler.annotation_col_map.items())

    def one(row: Any) -> Any:
        found = klass["model"].from_db(connection.alias, names, row[start:end])
        for populator in related:
            populator.populate(row, found)
        for name, place in annotated:
            setattr(found, name, row[place])
        return found

    return lambda rows: [one(row) for row in converted(rows)]
