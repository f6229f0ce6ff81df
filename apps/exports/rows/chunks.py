"""From the database to the rows of an export, a chunk at a time: in columns where the format can, else record by record."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

from apps.core.readahead import read_ahead
from apps.exports.contamination import contamination_index
from apps.exports.files.mixer import Mix
from apps.exports.files.writers import Rows
from apps.exports.formats.annotate import Annotate
from apps.exports.formats.base import Format
from apps.exports.formats.columnar import ColumnFormat
from apps.exports.labels.columns.chunk import SolutionChunk
from apps.exports.labels.selection import selects_solutions
from apps.exports.load.arrow import Reader, is_shared, open_reader
from apps.exports.load.canonical import CanonicalLoader
from apps.exports.load.columns import ColumnLoader
from apps.exports.load.people import load_members
from apps.exports.load.records import load_records
from apps.exports.load.spans import Span, count_answers, cut_pieces, cut_spans, has_dialogues, regions
from apps.exports.policy import LabelPolicy
from apps.exports.rows.addresses import solution_addresses
from apps.exports.rows.chunk_rows import needs_whole_problems, rows_by_split
from apps.exports.rows.row_length import TOKEN_LIMITS, frame_tokens
from apps.exports.tally import Tally
from apps.projects.models import Project

COLUMN_CHUNK = 3000  # Solutions in memory at once, as columns.
CANONICAL_CHUNK = 2000  # Of the canonical row, which has more columns.
TEXT_CHUNK = 6000  # Of formats that need no steps.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChunkRows:
    """The rows of a chunk by split, their counts, and the number of records that were read."""

    rows: Mapping[str, Rows]
    tally: Tally
    records: int


def chunk_rows(
    project: Project, format_: Format, policy: LabelPolicy, *, within: Span | None = None
) -> Generator[ChunkRows, None, None]:
    """Yield the rows of the project, or of the problems of a span, in the order of their problems."""
    if isinstance(format_, ColumnFormat):
        yield from _in_columns(project, format_, policy, within)
    elif isinstance(format_, Annotate):
        yield from _canonical(project, format_, policy, within)
    else:
        yield from _by_records(project, format_, policy, within)


def expected_mix(project: Project, policy: LabelPolicy, *, within: Span | None = None) -> Mix | None:
    """The numbers of right and wrong answers among the rows of `chunk_rows`.

    None under a policy that leaves some out, and where there are dialogues, of which some make no row. Solutions that are
    blank make none, either, but are counted.
    """
    selects = policy.splits or policy.subjects or policy.generators or policy.contamination or policy.answers != "all"
    if selects or selects_solutions(policy) or has_dialogues(project, within):
        return None
    return Mix(*count_answers(project, within))


def _by_records(project: Project, format_: Format, policy: LabelPolicy, within: Span | None) -> Iterator[ChunkRows]:
    index = contamination_index(policy, project)
    for records in load_records(
        project,
        of=format_.kinds(policy),
        within=within,
        whole=needs_whole_problems(format_, policy),
        needs=format_.needs(policy),
    ):
        tally = Tally()
        rows = rows_by_split(records, format_, policy, tally, index)
        for of_split in rows.values():
            tally.count_rows(of_split)
        yield ChunkRows(rows, tally, len(records))


def _in_columns(
    project: Project, format_: ColumnFormat, policy: LabelPolicy, within: Span | None
) -> Iterator[ChunkRows]:
    loader = ColumnLoader(
        project,
        policy,
        load_members(project),
        needs_labels=format_.labels_steps,
        index=contamination_index(policy, project),
    )
    for span, chunk in _loaded(_spans(project, format_, policy, within), loader.load):
        yield _rows_of(chunk, format_, policy, span.size, project=project.slug)


def _canonical(project: Project, format_: Annotate, policy: LabelPolicy, within: Span | None) -> Iterator[ChunkRows]:
    """In columns too, except chunks with what is rare."""
    loader = CanonicalLoader(project, policy, load_members(project), index=contamination_index(policy, project))
    for span, chunk in _loaded(_spans(project, format_, policy, within), loader.load_if_plain):
        if chunk is None:
            yield from _by_records(project, format_, policy, span)
        else:
            yield _rows_of(chunk, format_, policy, span.size, project=project.slug)


def _loaded(spans: Iterable[list[Span]], load: Callable[[Reader, Span], T]) -> Iterator[tuple[Span, T]]:
    """Each span with its chunk. The next one is read in a thread while this one is worked on."""
    with open_reader() as reader:
        for batch in spans:
            chunks = (load(reader, span) for span in batch)
            ahead = read_ahead(chunks, most=1) if is_shared(reader) else nullcontext(chunks)
            with ahead as ready:
                yield from zip(batch, ready, strict=True)


def _spans(
    project: Project, format_: ColumnFormat | Annotate, policy: LabelPolicy, within: Span | None
) -> Iterator[list[Span]]:
    """The spans of a part; of a whole project the first problems at once, and the others when these are done.

    To cut a large project takes longer than a reader of its stream should wait.
    """
    is_whole = needs_whole_problems(format_, policy)
    size = _chunk_size(format_)
    for region in [within] if within is not None else regions(project):
        whole_spans = cut_spans(project, of=format_.of, size=size, within=region)
        yield [
            piece for span in whole_spans for piece in ([span] if is_whole else cut_pieces(project, span, size=size))
        ]


def _chunk_size(format_: ColumnFormat | Annotate) -> int:
    if isinstance(format_, Annotate):
        return CANONICAL_CHUNK
    return COLUMN_CHUNK if format_.labels_steps else TEXT_CHUNK


def _rows_of(
    chunk: SolutionChunk, format_: ColumnFormat | Annotate, policy: LabelPolicy, records: int, *, project: str
) -> ChunkRows:
    tally = chunk.tally
    frame = format_.frame(chunk, policy, tally)
    lengths = frame_tokens(frame)
    tally.count_frame(
        len(frame),
        longest=int(lengths.max(initial=0)),
        long_rows={limit: int((lengths > limit).sum()) for limit in TOKEN_LIMITS},
    )
    if policy.lineage == "column":
        solution_ids = chunk.solutions["solution"].gather(frame["row"])
        frame = frame.with_columns(solution_addresses(project, solution_ids))
    splits = chunk.solutions["split"].gather(frame["row"])
    frame = frame.drop("row")
    rows = {name: frame.filter(splits == name) for name in policy.splits} if policy.splits else {"": frame}
    return ChunkRows({name: of_split for name, of_split in rows.items() if len(of_split)}, tally, records)
