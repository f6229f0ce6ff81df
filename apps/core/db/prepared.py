"""Prepared queries, for the statements that every claim and every submission runs.

Building a query in Python costs several times what PostgreSQL needs to answer it, and most of PostgreSQL's time goes
into planning. Here a QuerySet is compiled once, at its first use, and the database keeps the plan of each statement for
the lifetime of the connection, unless `keeps_plan` is false.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.models import Value, query
from psycopg.sql import Literal

M = TypeVar("M")
# The stubs lack psycopg's half of the cursor and this function of Django 5.2.
_populators: Any = query.get_related_populators
_Cursor: Any = ServerBindingCursor
Rows = list[tuple[Any, ...]]


def fetch(statement: str, values: Mapping[str, Any] | list[Any], *, keeps_plan: bool = True) -> Rows:
    """Run a statement and return its rows. Values are sent apart from its text.

    `keeps_plan` is false for a statement whose best plan depends on the values, as on how much of a table a range covers:
    it is planned each time.
    """
    with _cursor(keeps_plan=keeps_plan) as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def run(statement: str, values: Mapping[str, Any] | list[Any]) -> int:
    """Run a statement without a result. Returns the number of affected rows."""
    with _cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _cursor(*, keeps_plan: bool = True) -> Any:
    """Django's own cursor, except that values are not interpolated into the statement's text."""
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    is_logged = database.queries_logged
    cursor = (_LoggedCursor if is_logged else _ServerBoundCursor)(database.connection)
    cursor.prepare = None if keeps_plan else False
    return database.make_debug_cursor(cursor) if is_logged else database.make_cursor(cursor)


class _ServerBoundCursor(_Cursor):  # type: ignore[misc]
    """`prepare`: None leaves it to psycopg and its setting `prepare_threshold`; False never prepares."""

    prepare: bool | None = None

    def execute(self, statement: Any, values: Any = None) -> Any:
        return super().execute(statement, values, prepare=self.prepare)


class _LoggedCursor(_ServerBoundCursor):
    """Keeps the text of a prepared statement, which psycopg does not, for Django's query log."""

    def _convert_query(self, *arguments: Any) -> Any:
        self._query = super()._convert_query(*arguments)
        return self._query


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A parameter of a compiled query whose value is passed at each call."""

    name: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    statement: str
    parameters: tuple[Placeholder, ...]
    read: Callable[[Rows], list[Any]]

    def fill(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[parameter.name] for parameter in self.parameters]


class Prepared(Generic[M]):
    """A QuerySet with placeholders: `Prepared(lambda email: User.objects.filter(email=email), "email")`.

    `build` is called once, with an expression for each placeholder. Use column names and lookups that accept an
    expression (not `in`). The QuerySet may select related rows and annotate. `keeps_plan` is that of `fetch`.
    """

    def __init__(
        self, build: Callable[..., models.QuerySet[Any, M]], *placeholders: str, keeps_plan: bool = True
    ) -> None:
        self._build, self._placeholders, self._keeps_plan = build, placeholders, keeps_plan

    def first(self, **values: Any) -> M | None:
        """The first row, or None. Reads all rows: the queryset should have few."""
        rows = self.rows(**values)
        return rows[0] if rows else None

    def rows(self, *, most: int | None = None, **values: Any) -> list[Any]:
        """All rows, or the first `most`: instances, or tuples if the queryset ends in `values_list`."""
        statement, parameters = self._compiled.statement, self._compiled.fill(values)
        if most is not None:
            statement, parameters = f"{statement} LIMIT %s", [*parameters, most]
        return self._compiled.read(fetch(statement, parameters, keeps_plan=self._keeps_plan))

    @cached_property
    def _compiled(self) -> _Compiled:
        queryset: Any = self._build(**{name: Value(Placeholder(name)) for name in self._placeholders})
        compiler = queryset.query.get_compiler(connection=connection)
        statement, parameters = compiler.as_sql()
        return _Compiled(
            *_with_literals(statement, parameters), _reader(compiler, of_instances=queryset._fields is None)
        )


def _with_literals(statement: str, parameters: Sequence[Any]) -> tuple[str, tuple[Placeholder, ...]]:
    """The statement with its constants written out, and the placeholders that remain.

    With a parameter in place of a constant, a kept plan could not use an index with a condition.
    """
    connection.ensure_connection()
    remaining, placeholders = iter(parameters), []

    def written(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return match[0]
        parameter = next(remaining)
        if isinstance(parameter, Placeholder):
            placeholders.append(parameter)
            return match[0]
        return Literal(parameter).as_string(connection.connection).replace("%", "%%")

    return re.sub("%%|%s", written, statement), tuple(placeholders)


def _reader(compiler: Any, *, of_instances: bool) -> Callable[[Rows], list[Any]]:
    """A function from rows to instances or tuples. It does what `ModelIterable` does, with all lookups done in advance."""
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

    def instance_of(row: Any) -> Any:
        instance = klass["model"].from_db(connection.alias, names, row[start:end])
        for populator in related:
            populator.populate(row, instance)
        for name, column in annotated:
            setattr(instance, name, row[column])
        return instance

    return lambda rows: [instance_of(row) for row in converted(rows)]
