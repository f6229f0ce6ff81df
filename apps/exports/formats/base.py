"""What a format is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.labels import Labeled, resolve
from apps.exports.policy import LabelPolicy, PolicyError, Tally

Row = dict[str, Any]


class Format(Protocol):
    """Turns records into the rows that a trainer reads.

    `trainer` names the versions that read them, `of` the records that it is made of: solutions, comparisons, or both.
    """

    name: str
    title: str
    about: str
    trainer: str
    of: tuple[str, ...]

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        """The columns in Parquet."""

    def check(self, policy: LabelPolicy) -> None:
        """Raise PolicyError for a policy that this format cannot express."""

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        """The rows of one record that has passed the policy's filters; counts what it writes and leaves out."""


class OfSolutions:
    """Formats of solutions whose columns are the same whatever the policy."""

    of: tuple[str, ...] = ("solution",)
    columns: pa.Schema

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return self.columns


def check_two_classes(name: str, policy: LabelPolicy) -> None:
    if policy.neutral == "own_class":
        raise PolicyError("neutral", f"{name} has two classes; neutral can be positive, negative or dropped")


def supervised(record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[tuple[Labeled, list[str], list[int]]]:
    """Each labeling of the record as texts and labels, up to the first step that has no label."""
    labelings = resolve(record, policy)
    if not labelings:
        tally.left_out["no labels by this policy"] += 1
    for labeled in labelings:
        length = labeled.supervised()
        if not length:
            tally.left_out["no label on the first step"] += 1
            continue
        labels = [label for label in labeled.labels[:length] if label is not None]
        if length < len(labeled.labels) and labels[-1] != -1:
            tally.left_out["steps cut at one without a label"] += 1
        tally.sources[labeled.source] += 1
        tally.labels.update(str(label) for label in labels)
        yield labeled, list(labeled.texts[:length]), labels


def label_name(rating: int | None) -> str:
    """A rating as the manifest counts it; steps that somebody left unrated or unsure have none."""
    return "not rated" if rating is None else str(rating)
