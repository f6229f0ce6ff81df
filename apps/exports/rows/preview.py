"""What an export would be like, from a sample of the project."""

from __future__ import annotations

from itertools import chain, islice

import msgspec

from apps.exports.contamination import contamination_index
from apps.exports.files.writers import Row
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.policy import LabelPolicy
from apps.exports.rows.chunk_rows import needs_whole_problems, rows_by_split
from apps.exports.tally import Tally
from apps.projects.models import Project

SAMPLE = 200  # Solutions or comparisons, about.
MOST_SAMPLES = 5  # Further ones are read until some of them make rows.
ROWS = 3


class ExportPreview(msgspec.Struct, frozen=True):
    """The first rows, and the counts of the sample. `is_whole`: the sample is all that the project has."""

    rows: list[Row]
    tally: Tally
    records: int
    is_whole: bool
    splits: dict[str, int]
    warnings: list[str]


def preview_export(*, project: Project, format: str, policy: LabelPolicy) -> ExportPreview:  # noqa: A002
    """Make the rows of the first solutions and comparisons, and write nothing."""
    format_, tally, index = FORMATS[format], Tally(), contamination_index(policy, project)
    chunks = load_records(
        project,
        of=format_.kinds(policy),
        chunk=SAMPLE,
        whole=needs_whole_problems(format_, policy),
        needs=format_.needs(policy),
    )
    rows: dict[str, list[Row]] = {}
    records = 0
    for chunk in islice(chunks, MOST_SAMPLES):
        records += len(chunk)
        for split, of_split in rows_by_split(chunk, format_, policy, tally, index).items():
            rows.setdefault(split, []).extend(of_split)
            tally.count_rows(of_split)
        if tally.rows:
            break
    return ExportPreview(
        rows=list(islice(chain.from_iterable(rows.values()), ROWS)),
        tally=tally,
        records=records,
        is_whole=next(chunks, None) is None,
        splits={name: len(rows.get(name, [])) for name in policy.splits},
        warnings=[*format_.notices(policy, tally), *_warnings(tally, records, policy)],
    )


def _warnings(tally: Tally, records: int, policy: LabelPolicy) -> list[str]:
    warnings = list(tally.notices)
    if not tally.rows:
        warnings.append("Nothing of the sample would be written." if records else "The project has nothing to export.")
    if len(tally.labels) == 1:
        warnings.append(
            f"All labels of the sample are {next(iter(tally.labels))}: a trainer learns nothing from one class."
        )
    for limit, count in sorted(tally.long_rows.items()):
        if count:
            warnings.append(
                f"{count} of {tally.rows} rows are longer than {limit:,} tokens, at 4 characters a token. Trainers cut or drop "
                "long rows without a message."
            )
            break
    if "human" in policy.sources and policy.people == "each" and tally.rows:
        warnings.append("Each labeler has a row of their own, so rows may contradict each other.")
    return warnings
