"""Where the parts of a row go that the corpus itself has no place for: people's labels, gold, estimates, verdicts.

The corpus knows nothing of the apps above it. They are named in `settings.IMPORT_SINKS`, and are
given each chunk within its own transaction, when its solutions and steps have landed.
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
    """A record whose solution or comparison stands in the database. `step_ids` maps the record's own places.

    `is_turned`: the comparison that stands has the record's left on its right. A sink sets `added` when it
    stored something for the record, and says in `ignored` what it did not store though it does not stand.
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
        """This part of the record says other things than what stands, and what stands stays."""
        self.ignored.append(f"{part} (contradicts what stands)")

    def step_id(self, position: int, candidate: int = 0) -> int:
        """The step at the record's own place. Readers promise that it exists; the database insists."""
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
        """Whether the record holds anything for this sink."""

    def store_records(self, batch: ImportBatch, landed: Sequence[StoredRecord]) -> int:
        """Store the sink's part of each landed record; gives the number of labels stored.

        Landing the same record again stores nothing. What stands is never overwritten: where a record contradicts it,
        the sink calls `contradict`.
        """


def addition(said: Mapping[Key, Value], standing: Mapping[Key, Value]) -> dict[Key, Value] | None:
    """The part of what is said that does not stand yet; None where any of it contradicts what stands."""
    if any(standing.get(key, value) != value for key, value in said.items()):
        return None
    return {key: value for key, value in said.items() if key not in standing}


def additions(
    submitted: Iterable[tuple[StoredRecord, Mapping[Key, Value]]], standing: Mapping[Key, Value], part: str
) -> dict[Key, Value]:
    """What does not stand yet of what each record says, in their order; a record that contradicts it is told so.

    What one record says lands whole or not at all: else a first error might stand that no record says.
    """
    known = dict(standing)
    new: dict[Key, Value] = {}
    for one, said in submitted:
        added = addition(said, known)
        if added is None:
            one.contradict(part)
        elif added:
            one.added = True
            known |= added
            new |= added
    return new


@cache
def record_importers() -> tuple[RecordImporter, ...]:
    return tuple(import_string(path)() for path in settings.RECORD_IMPORTERS)
