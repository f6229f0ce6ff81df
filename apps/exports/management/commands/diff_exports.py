"""diff_exports BEFORE AFTER"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError, NotFound
from apps.core.jobs.model import JobStatus
from apps.exports.diffs.services import compare_exports
from apps.exports.models import Export


class Command(JsonCommand):
    help = "Compare two exports of one format: rows, labels by source and step, policy, counts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("before", type=int, help="Number of the earlier export.")
        parser.add_argument("after", type=int, help="Number of the later export.")

    def perform(self, **options: Any) -> Result:
        before, after = _export(options["before"]), _export(options["after"])
        with self.stage(f"Comparing {before.rows:,} rows with {after.rows:,}"):
            diff = compare_exports(before=before, after=after, enqueue=False)
        if diff.status != JobStatus.FINISHED:
            raise DomainError(diff.error or "A worker is comparing these exports: try again later.")
        return diff.result or {}


def _export(pk: int) -> Export:
    export = Export.objects.select_related("project").filter(pk=pk).first()
    if export is None:
        raise NotFound(f"There is no export {pk}.")
    return export
