"""How other apps store their parts of imported records: people's labels, gold, estimates, verdicts.

The corpus knows nothing of the apps above it. `settings.RECORD_IMPORTERS` names their importers, which get each chunk
within its transaction, after its solutions and steps are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol, TypeVar

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Model
from django.utils.module_loading import import_string

from apps.corpus.models import ImportBatch
from apps.corpus.records import Record

Place = tuple[int, int]
Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(slots=True)
class StoredRecord:
    """A record whose solution or comparison is in the database. `step_ids` has its steps by the record's own places.

    `is_turned`: the stored comparison has the record's left side on its right. An importer sets `added` when it stores
    a part of the record, and names in `ignored` the new parts that it does not store.
    """

    line: int
    record: Record
    solution_id: int
    step_ids: dict[Place, int] = field(default_factory=dict)
    is_new: bool = True
    added: bool = False
    comparison_id: int | None = None
    is_turned: bool = False
    ignored: list[str] = field(default_factory=list)

    def contradict(self, part: str) -> None:
        """Note that this part of the record contradicts what is stored, which stays."""
        self.ignored.append(f"{part} (contradicts what is stored)")

    def step_id(self, position: int, candidate: int = 0) -> int:
        """The step at the record's own place. Raises IntegrityError where there is none, which readers rule out."""
        try:
            return self.step_ids[position, candidate]
        except KeyError:
            raise IntegrityError(f"there is no step {position}, candidate {candidate}, to label") from None

    def path_step_id(self, position: int) -> int:
        """The chosen step at a position."""
        steps = self.record.solution.steps if self.record.solution else ()
        candidate = next((step.candidate for step in steps if step.position == position and step.chosen), 0)
        return self.step_id(position, candidate)


class RecordImporter(Protocol):
    tables: tuple[type[Model], ...]

    def takes(self, record: Record) -> bool:
        """Whether the record has a part for this importer."""

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        """Store the importer's part of each record; returns the number of labels stored.

        A record that is imported again stores nothing. What is stored is never overwritten: where a record contradicts
        it, the importer calls `contradict`.
        """


def addition(values: Mapping[Key, Value], stored: Mapping[Key, Value]) -> dict[Key, Value] | None:
    """The values that are not stored yet; None where any of them contradicts a stored one."""
    if any(stored.get(key, value) != value for key, value in values.items()):
        return None
    return {key: value for key, value in values.items() if key not in stored}


def additions(
    records: Iterable[tuple[StoredRecord, Mapping[Key, Value]]], stored: Mapping[Key, Value], part: str
) -> dict[Key, Value]:
    """The values of the records, in their order, that are not stored yet; `part` names them where they contradict.

    The values of one record are stored together or not at all: otherwise a first error could result that no record has.
    """
    present = dict(stored)
    new: dict[Key, Value] = {}
    for record, values in records:
        added = addition(values, present)
        if added is None:
            record.contradict(part)
        elif added:
            record.added = True
            present |= added
            new |= added
    return new


@cache
def record_importers() -> tuple[RecordImporter, ...]:
    return tuple(import_string(path)() for path in settings.RECORD_IMPORTERS)
