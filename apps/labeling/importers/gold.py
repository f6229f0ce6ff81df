"""Imports gold labels."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.db.copy import copy_rows
from apps.corpus.imports.extensions import StoredRecord, addition
from apps.corpus.models import ImportBatch
from apps.corpus.records import GoldRating, Record
from apps.labeling.models import GoldLabel


class GoldImporter:
    """The first gold label of a step is kept; reviewers may change it.

    A record's gold is stored as a whole or not at all, so that gold from two records never mixes in one solution.
    """

    tables = (GoldLabel,)

    def takes(self, record: Record) -> bool:
        return bool(record.gold)

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        """Store the records' gold labels. Returns their number."""
        gold_of = [
            (record, {record.path_step_id(gold.position): gold for gold in record.record.gold}) for record in records
        ]
        # The steps of new records have no gold yet.
        older_steps = {step_id for record, gold in gold_of if not record.is_new for step_id in gold}
        stored = dict(GoldLabel.objects.filter(step_id__in=older_steps).values_list("step_id", "rating"))
        new: dict[int, GoldRating] = {}
        for record, gold in gold_of:
            added = addition({step_id: label.rating for step_id, label in gold.items()}, stored)
            if added is None:
                record.contradict("gold")
            elif added:
                record.added = True
                stored |= added
                new |= {step_id: gold[step_id] for step_id in added}
        return copy_rows(
            GoldLabel,
            ["step", "rating", "origin", "self_reviewed", "explanation"],
            (
                (step_id, label.rating, batch.format, label.self_reviewed, label.explanation)
                for step_id, label in new.items()
            ),
        )
