"""What an export would be like, from as much of the project as can be read in about a second."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import msgspec

from apps.corpus.models import Problem
from apps.exports.description.balance import label_warnings, split_warnings
from apps.exports.description.manifest import labels_as_read
from apps.exports.files.writers import Row, Rows, lines_of
from apps.exports.formats import FORMATS
from apps.exports.load.spans import MOST_ID, Span
from apps.exports.policy import LabelPolicy
from apps.exports.rows.chunks import chunk_rows
from apps.exports.tally import Tally
from apps.projects.models import Project

SECONDS = 1.0  # No further problems are read when it is likely that they take longer.
MOST_SECONDS = 3.0  # Nothing more is read, not even of problems that were begun.
FIRST_PROBLEMS, GROWTH = 50, 4
ROWS = 3


class ExportPreview(msgspec.Struct, frozen=True):
    """The first rows as the file has them, and the counts of what was read.

    `is_whole`: that is all that the project has. `expected_rows` is then their number, else an estimate by the share of
    problems that were read, and None where not even the first ones could be read to their end.
    """

    rows: list[Row]
    tally: Tally
    records: int
    is_whole: bool
    expected_rows: int | None
    splits: dict[str, int]
    warnings: list[str]


def preview_export(
    *,
    project: Project,
    format: str,  # noqa: A002
    policy: LabelPolicy,
    seconds: float = SECONDS,
) -> ExportPreview:
    """Make the rows of the first problems, of more and more of them while there is time, and write nothing."""
    format_, tally = FORMATS[format], Tally()
    rows: list[Row] = []
    splits: Counter[str] = Counter()
    records, is_whole, last_read = 0, True, None
    started = time.monotonic()
    for span in _spans(project):
        spent = time.monotonic() - started
        # The problems of the next span are GROWTH times those of the last one.
        if last_read is not None and tally.rows and spent * (1 + GROWTH) > seconds:
            is_whole = False
            break
        with closing(chunk_rows(project, format_, policy, within=span)) as chunks:
            for chunk in chunks:
                for split, of_split in chunk.rows.items():
                    splits[split] += len(of_split)
                    rows += _first(of_split, ROWS - len(rows))
                tally.add(chunk.tally)
                records += chunk.records
                if time.monotonic() - started > max(MOST_SECONDS, seconds):
                    is_whole = False
                    break
        if not is_whole:
            break
        last_read = span.last
    named = labels_as_read(tally.labels, format_.label_names)
    splits_of_policy = {name: splits[name] for name in policy.splits}
    return ExportPreview(
        rows=rows,
        tally=tally,
        records=records,
        is_whole=is_whole,
        expected_rows=tally.rows if is_whole else _expected_rows(project, tally.rows, last_read),
        splits=splits_of_policy,
        warnings=[
            *format_.notices(policy, tally),
            *tally.notices,
            *(label_warnings(named) if format_.has_classes else ()),
            *split_warnings(splits_of_policy, policy.splits),
            *_warnings(tally, records, policy),
        ],
    )


def _spans(project: Project) -> Iterator[Span]:
    """The project's problems in the order of an export: a few, then more and more. None is looked at before its turn."""
    after, count = 0, FIRST_PROBLEMS
    problems = Problem.objects.filter(project=project).order_by("id").values_list("id", flat=True)
    while True:
        last = problems.filter(id__gt=after)[count - 1 : count].first()
        yield Span(after + 1, MOST_ID if last is None else last, 0)
        if last is None or not problems.filter(id__gt=last).exists():
            return
        after, count = last, count * GROWTH


def _expected_rows(project: Project, rows: int, last_read: int | None) -> int | None:
    if last_read is None:
        return None
    problems = Problem.objects.filter(project=project)
    return round(rows * problems.count() / problems.filter(id__lte=last_read).count())


def _first(rows: Rows, count: int) -> list[Row]:
    """The first rows by way of the lines that a file would have."""
    return [msgspec.json.decode(line) for line in lines_of(rows[:count]).splitlines()] if count > 0 else []


def _warnings(tally: Tally, records: int, policy: LabelPolicy) -> list[str]:
    warnings = []
    if not tally.rows:
        warnings.append("Nothing of this would be written." if records else "The project has nothing to export.")
    for limit, count in sorted(tally.long_rows.items()):
        if count:
            warnings.append(
                f"{count} of {tally.rows} rows are longer than {limit:,} tokens, at 4 characters a token. Trainers cut or drop "
                "long rows without a message."
            )
            break
    if "human" in policy.sources and policy.people == "each" and tally.rows:
        warnings.append("Each labeler has a row of their own, so rows may contradict each other.")
    ahead = policy.sources[: policy.sources.index("human")] if "human" in policy.sources else ()
    if policy.people != "majority" and {"adjudicated", "consensus"} & set(ahead):
        warnings.append(
            f"The choice of people ({policy.people}) is only for solutions that {' and '.join(ahead)} do not label: "
            "move human to the front for all of them."
        )
    return warnings
