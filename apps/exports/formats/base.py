"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.labels.counted import Place
from apps.exports.labels.steps import Example, Labeled, resolution
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

Row = dict[str, Any]


class Format(Protocol):
    """Turns records into the rows that a trainer reads.

    `trainer` names the versions that read them, `of` the records that it is made of: solutions, comparisons, or both.
    `labels_steps`: its rows hold labels of steps. `in_turns` is a boolean column whose values are to be mixed evenly.
    """

    name: str
    title: str
    about: str
    trainer: str
    of: tuple[str, ...]
    labels_steps: bool
    in_turns: str

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        """The columns in Parquet."""

    def check(self, policy: LabelPolicy) -> None:
        """Raise PolicyError for a policy that this format cannot express."""

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        """The rows of one record that has passed the policy's filters; counts what it writes and leaves out."""


class OfSolutions:
    """Formats of solutions whose columns are the same whatever the policy."""

    of: tuple[str, ...] = ("solution",)
    labels_steps = True
    in_turns = ""
    columns: pa.Schema

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return self.columns


def check_two_classes(name: str, policy: LabelPolicy) -> None:
    if policy.neutral == "own_class":
        raise PolicyError("neutral", f"{name} has two classes; neutral can be positive, negative or dropped")


def supervised(
    record: Record, policy: LabelPolicy, tally: Tally, *, refusal: Callable[[Example], str] = lambda example: ""
) -> Iterator[Example]:
    """Each labeling of the record as rows; `refusal` says why the format cannot hold a row, or nothing.

    Counts every rating that a source of the policy says: it stands in some row, or is left out for one reason.
    """
    resolved = resolution(record, policy)
    tally.leave_out_ratings(resolved.left_out)
    rows = 0
    refusals: list[str] = []
    for labeled in resolved.labeled:
        examples = list(labeled.examples())
        refused = [refusal(example) for example in examples]
        kept = [example for example, reason in zip(examples, refused, strict=True) if not reason]
        _count(labeled, kept, dict(zip((one.places[-1] for one in examples), refused, strict=True)), tally)
        rows += len(kept)
        refusals += filter(None, refused)
        yield from kept
    if not rows:
        tally.leave_out("solutions", _reason(resolved.labeled, refusals))


def _reason(labeled: Sequence[Labeled], refusals: Sequence[str]) -> str:
    if not labeled:
        return "no source of the policy labels them"
    return refusals[0] if refusals else "no label on the first step"


def _count(labeled: Labeled, kept: Sequence[Example], refused: Mapping[Place, str], tally: Tally) -> None:
    """A rating whose rows were all refused is left out for the reason of the row that ends in it, or of the first."""
    carried = {place for example in kept for place in example.places}
    labels = [label for example in kept for label in example.labels]
    tally.labels.update(str(label) for label in labels)
    tally.sources[labeled.source] += bool(kept)
    written = carried & labeled.said
    tally.carried += len(written)
    tally.made += len(carried - labeled.said)
    tally.repeated += len(labels) - len(carried)
    fallback = next(filter(None, refused.values()), "")
    for place in labeled.said - carried:
        tally.leave_out("ratings", labeled.withheld.get(place) or refused.get(place) or fallback)


def label_name(rating: int | None) -> str:
    """A rating as the manifest counts it; steps that somebody left unrated or unsure have none."""
    return "not rated" if rating is None else str(rating)
