"""Which submissions of a record count, by the rules of `columns`, for formats that write record by record. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from apps.corpus.labels import GREAT, is_own_step
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepRating, StepRecord
from apps.exports.labels.batch import ask
from apps.exports.labels.columns.counted import counted_people, excluded
from apps.exports.labels.columns.frames import Place, frames_of, people_of
from apps.exports.policy import LabelPolicy

Steps = Mapping[Place, StepRecord]


def counted(record: Record, policy: LabelPolicy) -> dict[int, str]:
    """By index of `record.people`, why a submission does not count; empty when it does."""
    reasons: list[str] = ask(_counted, record, policy)
    return dict(enumerate(reasons))


def exclusion_reasons(record: Record, policy: LabelPolicy) -> list[str]:
    """As `counted`, in order, without regard to a labeler's other submissions."""
    return ask(_excluded, record, policy)


def _counted(records: Sequence[Record], policy: LabelPolicy) -> list[list[str]]:
    return _by_record(counted_people(frames_of(records), policy), records)


def _excluded(records: Sequence[Record], policy: LabelPolicy) -> list[list[str]]:
    return _by_record(excluded(people_of(records), policy), records)


def _by_record(people: pl.DataFrame, records: Sequence[Record]) -> list[list[str]]:
    reasons = iter(people["reason"].cast(pl.String).fill_null("").to_list())
    return [[next(reasons) for _ in record.people] for record in records]


def steps_of(solution: SolutionRecord | None) -> Steps:
    return {(step.position, step.candidate): step for step in solution.steps} if solution is not None else {}


def rating_of(rating: StepRating, steps: Steps, policy: LabelPolicy) -> int | None:
    """The rating under the policy; None when the step is not judged, or unsure and the policy drops it.

    Of one rating as `columns.counted.rated_steps` of all.
    """
    if rating.unsure:
        return policy.unsure_label
    step = steps.get((rating.position, rating.candidate))
    origin = step.origin if step is not None else ""
    is_own = is_own_step(rating.rating, unsure=rating.unsure, chosen=rating.chosen, origin=origin)
    return GREAT if is_own else rating.rating


def people_needed(people: Iterable[PersonRecord]) -> int:
    """How many people a label needs so that it is not thin: the smallest number asked for, as in the consensus."""
    return min((person.redundancy for person in people if person.redundancy is not None), default=1)
