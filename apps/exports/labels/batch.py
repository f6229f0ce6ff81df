"""Answers about single records that are worked out for many at once. Pure.

The rules work on columns, and a frame of one record costs as much as one of hundreds. Whoever goes through many records does
so within `batched`, which changes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from apps.corpus.records import Record
from apps.exports.policy import LabelPolicy

T = TypeVar("T")
Question = Callable[[Sequence[Record], LabelPolicy], list[T]]


class _Batch:
    """Records about which a question is answered together, when it is first asked about one of them."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._numbers = {id(record): number for number, record in enumerate(records)}
        self._answers: dict[tuple[Question[Any], int], tuple[LabelPolicy, list[Any]]] = {}

    def __contains__(self, record: Record) -> bool:
        return id(record) in self._numbers

    def answer(self, question: Question[T], record: Record, policy: LabelPolicy) -> T:
        key = (question, id(policy))
        if key not in self._answers:
            # The policy is kept, so that no other one gets its identity.
            self._answers[key] = (policy, question(self._records, policy))
        answer: T = self._answers[key][1][self._numbers[id(record)]]
        return answer


_batch: ContextVar[_Batch | None] = ContextVar("batch", default=None)


@contextmanager
def batched(records: Sequence[Record]) -> Iterator[None]:
    """Within the block, questions about these records are answered together."""
    token = _batch.set(_Batch(records))
    try:
        yield
    finally:
        _batch.reset(token)


def ask(question: Question[T], record: Record, policy: LabelPolicy) -> T:
    """The record's answer out of those for its batch, or for itself alone."""
    batch = _batch.get()
    if batch is None or record not in batch:
        batch = _Batch([record])
    return batch.answer(question, record, policy)
