"""The labels of single solutions, by the rules of `columns`, for formats that write record by record. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from apps.corpus.labels import UNKNOWN, first_error
from apps.corpus.records import Record
from apps.exports.labels.batch import ask
from apps.exports.labels.columns.frames import PLACE_BITS, Place, frames_of, place_of
from apps.exports.labels.columns.reasons import TWO_LABELS as TWO_LABELS  # noqa: PLC0414 - formats import it from here
from apps.exports.labels.columns.steps import StepLabels, label_steps
from apps.exports.policy import LabelPolicy


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A prefix of a solution with a label on each step: the content of one row of a trainer's file."""

    texts: Sequence[str]
    labels: Sequence[int]
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate that is not on the path, with its label."""

    place: Place
    text: str
    label: int


@dataclass(frozen=True, slots=True)
class Labeled:
    """A solution with its labels: 1, 0, -1, or None for a step without one.

    `rated` are the places that the source rates; `withheld` gives the reason for each of them that has no label.
    """

    record: Record
    texts: Sequence[str]
    labels: Sequence[int | None]
    source: str
    places: Sequence[Place] = ()
    alternatives: Sequence[Alternative] = ()
    rated: frozenset[Place] = frozenset()
    withheld: Mapping[Place, str] = field(default_factory=dict)

    @property
    def first_error(self) -> int | None:
        """The position of the first bad step; -1: all steps are labeled and none is bad; None: it is not known."""
        error = first_error(dict(enumerate(self.labels)), len(self.labels))
        return None if error == UNKNOWN else error

    def supervised(self) -> int:
        """The number of labeled steps before the first one without a label."""
        return next((place for place, label in enumerate(self.labels) if label is None), len(self.labels))

    def examples(self) -> Iterator[TrainingExample]:
        """The path up to its first step without a label; then each alternative after its prefix."""
        labels = [label for label in self.labels[: self.supervised()] if label is not None]
        if labels:
            yield TrainingExample(self.texts[: len(labels)], labels, self.places[: len(labels)])
        for alternative in self.alternatives:
            position = alternative.place[0]
            yield TrainingExample(
                [*self.texts[:position], alternative.text],
                [*labels[:position], alternative.label],
                [*self.places[:position], alternative.place],
            )


@dataclass(frozen=True, slots=True)
class Resolution:
    """The labels of a solution by the source that labels it, and the counts of the other ratings, by reason."""

    labeled: Sequence[Labeled] = ()
    left_out: Counter[str] = field(default_factory=Counter)


def is_selected(record: Record, policy: LabelPolicy) -> bool:
    """Whether the policy's filters select the record."""
    solutions = [record.solution] if record.comparison is None else record.comparison.sides()
    if policy.subjects and (record.problem.subject or "") not in policy.subjects:
        return False
    is_correct = {"all": None, "right": True, "wrong": False}[policy.answers]
    return all(
        solution is not None
        and (is_correct is None or solution.is_correct is is_correct)
        and (not policy.generators or (solution.source or "") in policy.generators)
        for solution in solutions
    )


def resolve(record: Record, policy: LabelPolicy) -> list[Labeled]:
    """The labeled solution, or one for each person, by the first source with ratings; else none."""
    return list(resolution(record, policy).labeled)


def resolution(record: Record, policy: LabelPolicy) -> Resolution:
    """As `resolve`, with the counts of what the policy's other sources rate."""
    return ask(_resolutions, record, policy)


def _resolutions(records: Sequence[Record], policy: LabelPolicy) -> list[Resolution]:
    labels = label_steps(frames_of(records), policy)
    labeled: list[list[Labeled]] = [[] for _ in records]
    for row, solution in _labeled(records, labels):
        labeled[row].append(solution)
    left_out: list[Counter[str]] = [Counter() for _ in records]
    for key, why in zip(labels.left_out["key"], labels.left_out["reason"].cast(pl.String), strict=True):
        left_out[key >> PLACE_BITS][why] += 1
    return [Resolution(*of_record) for of_record in zip(labeled, left_out, strict=True)]


def _labeled(records: Sequence[Record], labels: StepLabels) -> Iterator[tuple[int, Labeled]]:
    texts = labels.frames.steps["text"]
    paths = _by_labeling(labels.path.with_columns(text=texts.gather(labels.path["step"])), len(labels.labelings))
    alternatives = _by_labeling(
        labels.alternatives.with_columns(text=texts.gather(labels.alternatives["step"])), len(labels.labelings)
    )
    rated = _by_labeling(labels.rated.with_columns(pl.col("reason").cast(pl.String)), len(labels.labelings))
    for number, (row, source) in enumerate(labels.labelings.iter_rows()):
        path, ratings = paths[number], rated[number]
        yield (
            row,
            Labeled(
                record=records[row],
                texts=[step["text"] for step in path],
                labels=[step["label"] for step in path],
                source=source,
                places=[place_of(step["key"]) for step in path],
                alternatives=[
                    Alternative(place_of(step["key"]), step["text"], step["label"]) for step in alternatives[number]
                ],
                rated=frozenset(place_of(rating["key"]) for rating in ratings),
                withheld={place_of(rating["key"]): rating["reason"] for rating in ratings if rating["reason"]},
            ),
        )


def _by_labeling(table: pl.DataFrame, count: int) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for row in table.iter_rows(named=True):
        rows[row["labeling"]].append(row)
    return rows
