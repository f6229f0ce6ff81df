"""Reads query results as columns: from PostgreSQL into Arrow, without an object for each value.

A `Query` is compiled once, in the thread that owns Django's connection, and can then be read by another thread. Every value
is a parameter of the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl
import pyarrow as pa
from django.db import DatabaseError, OperationalError, connection, models
from django.db.models.expressions import Func, Value
from psycopg.conninfo import make_conninfo

from apps.core.db.prepared import Placeholder

Schema = Mapping[str, type[pl.DataType] | pl.DataType]

# Of Django's connection parameters, those that libpq does not know.
_NOT_OF_LIBPQ = ("cursor_factory", "context", "prepare_threshold", "row_factory")


class Reader(Protocol):
    """Reads queries, all in one snapshot of the database."""

    def read(self, query: Query, **values: Any) -> pl.DataFrame:
        """The rows, with the columns that the query declares. `values` are those of its placeholders."""


@dataclass(frozen=True, slots=True)
class Query:
    """A compiled queryset: its statement with `%s`, its parameters, and the columns of its result."""

    statement: str
    parameters: tuple[Any, ...]
    schema: Schema

    def fill(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[item.name] if isinstance(item, Placeholder) else item for item in self.parameters]


def compile_query(queryset: models.QuerySet[Any, Any], schema: Schema) -> Query:
    """`queryset` ends in `values_list`, with the columns of `schema` in its order."""
    statement, parameters = queryset.order_by().query.get_compiler(connection=connection).as_sql()
    return Query(statement, tuple(parameters), schema)


def placeholder(name: str) -> Value:
    return Value(Placeholder(name))


class _IsAnyOf(Func):
    template = "%(expressions)s)"
    arg_joiner = " = ANY("
    output_field = models.BooleanField()


def is_any_of(column: str, name: str) -> Func:
    """Whether the column is among the numbers of a placeholder, which are one parameter however many they are."""
    return _IsAnyOf(models.F(column), placeholder(name))


@contextmanager
def open_reader() -> Iterator[Reader]:
    """A reader on a connection of its own, which any thread may use; in a transaction, a reader on Django's connection.

    A transaction's changes are visible to no other connection.
    """
    if connection.in_atomic_block:
        yield _CursorReader()
        return
    # Imported late: with it comes pandas, where it is installed, which took 50 MB of every process.
    import adbc_driver_postgresql.dbapi as adbc

    with _as_errors_of_django(), adbc.connect(_conninfo()) as database, database.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield _ArrowReader(cursor)


@contextmanager
def _as_errors_of_django() -> Iterator[None]:
    """A lost connection is Django's OperationalError, after which a job is tried again."""
    import adbc_driver_postgresql.dbapi as adbc

    try:
        yield
    except adbc.OperationalError as error:
        raise OperationalError(str(error)) from error
    except adbc.Error as error:
        raise DatabaseError(str(error)) from error


def is_shared(reader: Reader) -> bool:
    """Whether another thread than that of Django's connection may use the reader."""
    return isinstance(reader, _ArrowReader)


def _conninfo() -> str:
    parameters = {
        name: value for name, value in connection.get_connection_params().items() if name not in _NOT_OF_LIBPQ
    }
    return make_conninfo(**parameters)


class _ArrowReader:
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def read(self, query: Query, **values: Any) -> pl.DataFrame:
        numbers = iter(range(1, len(query.parameters) + 1))
        statement = re.sub("%[s%]", lambda sign: f"${next(numbers)}" if sign[0] == "%s" else "%", query.statement)
        arrays = [_array(value) for value in query.fill(values)]
        parameters = pa.record_batch(arrays, names=[str(place) for place in range(len(arrays))]) if arrays else None
        self._cursor.execute(statement, parameters)
        table = pl.from_arrow(self._cursor.fetch_arrow_table().rename_columns(list(query.schema)))
        assert isinstance(table, pl.DataFrame)
        return table.select(pl.col(name).cast(kind) for name, kind in query.schema.items())


def _array(value: Any) -> pa.Array:
    """One parameter as a column of one row."""
    if isinstance(value, pl.Series):
        numbers = value.to_arrow()
        return pa.ListArray.from_arrays(pa.array([0, len(numbers)], pa.int32()), numbers)
    return pa.array([value])


class _CursorReader:
    def read(self, query: Query, **values: Any) -> pl.DataFrame:
        filled = [value.to_list() if isinstance(value, pl.Series) else value for value in query.fill(values)]
        with connection.cursor() as cursor:
            cursor.execute(query.statement, filled)
            rows = cursor.fetchall()
        return pl.DataFrame(rows, schema=dict(query.schema), orient="row")
