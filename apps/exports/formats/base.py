"""What export formats have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.labels.columns.frames import Place
from apps.exports.labels.columns.reasons import NO_FIRST_LABEL, NO_SOURCE
from apps.exports.labels.steps import Labeled, TrainingExample, resolution
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

Row = dict[str, Any]


class Need(StrEnum):
    """What records have only where a format and its policy need it, since it costs a query for every chunk."""

    CASCADE = "cascade"
    JUDGE_PREFERENCES = "judge_preferences"
    REPLIES = "replies"
    REVISIONS = "revisions"


# What formats are grouped by, in the order of the export page.
VERIFIERS = "Verifiers and critics"
PROCESS = "Process rewards"
OUTCOME = "Outcome and preference"
ARCHIVES = "Archives and benchmarks"
GROUPS = (VERIFIERS, PROCESS, OUTCOME, ARCHIVES)


@dataclass(frozen=True, slots=True)
class Reader:
    """A program that reads the format, with the versions that were tried: what it makes of the file, and how it is called.

    `usage` is Markdown for the dataset card: the command or the settings, and what the reader leaves out without a word.
    """

    name: str
    versions: str
    purpose: str
    usage: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.versions} ({self.purpose})".replace("  ", " ")


class Format(Protocol):
    """Turns records into the rows that a trainer reads.

    `readers` are the programs that read them, `of` the records it takes: solutions, comparisons, or both. `group` is one
    of GROUPS. `labels_steps`: its rows have step labels. `mixed_column` is a boolean column whose values are mixed evenly.
    `masks`: it can hold steps without a label. `has_values`: it can hold the lists that `policy.columns` asks for.
    `label_names` are the values in the rows for the labels that the tally counts, where they differ.
    `has_classes`: the labels that the tally counts are classes that a trainer tells apart.
    `by_problem`: it sees all records of a problem at once, by `problem_rows`. Inherit `BaseFormat` for the usual answers.
    """

    name: str
    title: str
    about: str
    group: str
    readers: tuple[Reader, ...]
    of: tuple[str, ...]
    labels_steps: bool
    mixed_column: str
    label_names: Mapping[str, str]
    has_classes: bool
    by_problem: bool
    masks: bool
    has_values: bool

    def kinds(self, policy: LabelPolicy) -> tuple[str, ...]:
        """The records of `of` that this policy needs."""

    def needs(self, policy: LabelPolicy) -> frozenset[Need]:
        """What its records must have besides the usual."""

    def reads_labels(self, policy: LabelPolicy) -> bool:
        """Whether the policy's `sources` of step labels decide what is in the rows."""

    def notices(self, policy: LabelPolicy, tally: Tally) -> Sequence[str]:
        """Sentences for the dataset card on what the whole file holds."""

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        """The columns in Parquet."""

    def check(self, policy: LabelPolicy) -> None:
        """Raises PolicyError for a policy that this format cannot express."""

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        """Yield the rows of one selected record, and count in `tally` what is written and left out."""

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        """As `rows`, of all selected records of one problem."""


class BaseFormat:
    """A format of solutions whose rows are made of one record each."""

    group = OUTCOME
    of: tuple[str, ...] = ("solution",)
    labels_steps = False
    mixed_column = ""
    label_names: Mapping[str, str] = {}
    has_classes = False
    by_problem = False
    masks = False
    has_values = False

    def kinds(self, policy: LabelPolicy) -> tuple[str, ...]:
        return self.of

    def needs(self, policy: LabelPolicy) -> frozenset[Need]:
        is_needed = "cascade" in policy.sources and self.reads_labels(policy)
        return frozenset({Need.CASCADE}) if is_needed else frozenset()

    def reads_labels(self, policy: LabelPolicy) -> bool:
        return True

    def notices(self, policy: LabelPolicy, tally: Tally) -> Sequence[str]:
        return ()

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        return self.problem_rows([record], policy, tally)

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for record in records:
            yield from self.rows(record, policy, tally)


class SolutionFormat(BaseFormat):
    """Formats of solutions with step labels whose columns do not depend on the policy."""

    group = PROCESS
    labels_steps = True
    has_classes = True
    columns: pa.Schema

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return self.columns


def check_two_classes(name: str, policy: LabelPolicy) -> None:
    if policy.neutral == "own_class":
        raise PolicyError("neutral", f"must be positive, negative or drop: {name} has two classes")


def check_step_columns(format_: Format, policy: LabelPolicy) -> None:
    """Refuses keys that the format would silently ignore."""
    if policy.unlabeled == "mask" and not format_.masks:
        raise PolicyError("unlabeled", f"must be end_row: {format_.name} has no label for a step without one")
    if policy.columns and not format_.has_values:
        raise PolicyError("columns", f"must be empty: {format_.name} has no lists of a value for each step")


def check_plain_prompts(name: str, policy: LabelPolicy) -> None:
    if policy.prompts not in {"standard", "conversational"}:
        raise PolicyError(
            "prompts", f"must be standard or conversational: {name} has no rows for {policy.prompts} alone"
        )


def training_examples(
    record: Record,
    policy: LabelPolicy,
    tally: Tally,
    *,
    unfit_reason: Callable[[TrainingExample], str] = lambda example: "",
) -> Iterator[TrainingExample]:
    """Yield the examples of each labeling. `unfit_reason` returns why the format cannot hold an example, or "".

    Counts every rating by the policy's sources: it is in some row, or left out for one reason.
    """
    resolved = resolution(record, policy)
    tally.leave_out_ratings(resolved.left_out)
    rows = 0
    unfit: list[str] = []
    for labeled in resolved.labeled:
        examples = list(labeled.examples())
        reasons = [unfit_reason(example) for example in examples]
        fitting = [example for example, reason in zip(examples, reasons, strict=True) if not reason]
        _count(labeled, fitting, dict(zip((example.places[-1] for example in examples), reasons, strict=True)), tally)
        rows += len(fitting)
        unfit += filter(None, reasons)
        yield from fitting
    if not rows:
        fallback = NO_FIRST_LABEL if resolved.labeled else NO_SOURCE
        tally.leave_out("solutions", next(iter(unfit), fallback))


def _count(labeled: Labeled, examples: Sequence[TrainingExample], unfit: Mapping[Place, str], tally: Tally) -> None:
    """Count a labeling. A rating without a row is left out for the reason of the example that ends in it, or of the first."""
    carried = {place for example in examples for place in example.places}
    labels = [label for example in examples for label in example.labels]
    tally.labels.update(str(label) for label in labels)
    tally.sources[labeled.source] += bool(examples)
    written = carried & labeled.rated
    tally.carried += len(written)
    tally.made += len(carried - labeled.rated)
    tally.repeated += len(labels) - len(carried)
    fallback = next(filter(None, unfit.values()), "")
    for place in labeled.rated - carried:
        tally.leave_out("ratings", labeled.withheld.get(place) or unfit.get(place) or fallback)


def label_name(rating: int | None) -> str:
    """A rating as the manifest counts it; 'not rated' for steps that are unsure or not judged."""
    return "not rated" if rating is None else str(rating)
