"""Rows by the thousand."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core.db.copy import analyze, analyze_new, as_json, copy_rows, next_ids
from apps.corpus.models import ImportBatch, ImportFinding
from apps.projects.models import Project

FIELDS = ("id", "batch", "kind", "line", "field", "reason")


@pytest.fixture
def batch(project: Project) -> ImportBatch:
    return ImportBatch.objects.create(project=project, filename="a.jsonl", format="jsonl")


def rows(batch: ImportBatch, numbers: list[int], **changed: object) -> list[tuple[object, ...]]:
    one = {"kind": ImportFinding.Kind.REJECTED, "field": "", **changed}
    return [(pk, batch.pk, one["kind"], place, one["field"], f"reason {place}") for place, pk in enumerate(numbers)]


def test_reserved_ids_are_unique(batch: ImportBatch) -> None:
    first, second = next_ids(ImportFinding, 3), next_ids(ImportFinding, 3)
    assert len({*first, *second}) == 6
    assert next_ids(ImportFinding, 0) == []


def test_copied_rows_are_the_rows_that_were_given(batch: ImportBatch) -> None:
    numbers = next_ids(ImportFinding, 1000)
    text = 'tab\t, new line\n, backslash \\ and \N{SNOWMAN}, \\N and "quotes"'
    assert copy_rows(ImportFinding, FIELDS, rows(batch, numbers, field=text)) == 1000
    analyze(ImportFinding)
    stored = ImportFinding.objects.order_by("id")
    assert [one.pk for one in stored] == numbers
    assert {one.field for one in stored} == {text}
    assert [one.line for one in stored] == [*range(1000)]


def test_a_row_that_breaks_a_rule_leaves_none_of_them(batch: ImportBatch) -> None:
    numbers = next_ids(ImportFinding, 3)
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_rows(ImportFinding, FIELDS, rows(batch, [*numbers, numbers[0]]))
    assert not ImportFinding.objects.exists()


def test_nothing_is_stored_as_null_in_a_json_column() -> None:
    assert as_json({}) is None
    assert as_json(None) is None
    assert as_json({"a": 1}) is not None


@pytest.mark.parametrize(("known", "then"), [(-1, 100), (0, 100), (7, 7)])
def test_only_tables_without_statistics_are_analyzed(batch: ImportBatch, known: int, then: int) -> None:
    copy_rows(ImportFinding, FIELDS, rows(batch, next_ids(ImportFinding, 100)))
    table = [ImportFinding._meta.db_table]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser')")
        if cursor.fetchone() != ("on",):
            pytest.skip("only a superuser can make PostgreSQL forget its statistics")
        cursor.execute("UPDATE pg_class SET reltuples = %s WHERE relname = %s", [known, *table])
        analyze_new(ImportFinding)
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", table)
        assert cursor.fetchone() == (then,)
