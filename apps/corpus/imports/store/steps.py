"""Which of a solution's candidates a row speaks of, and which it adds.

Several labelers of one PRM800K solution were offered different alternatives for the step that they
found bad. All become candidates at that position. A row's candidates are matched in their order
and only forwards, so that a person's ratings, read by candidate number, keep the order they had.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from apps.corpus.imports.extensions import Place
from apps.corpus.records import StepRecord

StepRow = tuple[int, int, int, int, str, str, bool]


class Candidate(NamedTuple):
    number: int
    text: str
    origin: str
    id: int


class StepBook:
    """The steps of a chunk's solutions: those that stand, and those to be stored (`new`)."""

    FIELDS = ("id", "solution", "position", "candidate", "text", "origin", "chosen")

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self._places: defaultdict[tuple[int, int], list[Candidate]] = defaultdict(list)
        self._added: dict[int, tuple[list[int], Sequence[StepRecord]]] = {}
        self.new: list[StepRow] = []

    def remember(self, stored: Iterable[tuple[int, int, int, int, str, str]]) -> None:
        """Steps that stand: (id, solution, position, candidate, text, origin), by candidate number."""
        for pk, solution_id, position, number, text, origin in stored:
            self._places[solution_id, position].append(Candidate(number, text, origin, pk))

    def add(self, solution_id: int, steps: Sequence[StepRecord]) -> dict[Place, int]:
        """The steps of a solution that is new: stored just as the row numbers them."""
        ids = [next(self._ids) for _ in steps]
        self.new.extend(
            (pk, solution_id, step.position, step.candidate, step.text, step.origin, step.chosen)
            for pk, step in zip(ids, steps, strict=True)
        )
        self._added[solution_id] = (ids, steps)
        return {(step.position, step.candidate): pk for pk, step in zip(ids, steps, strict=True)}

    def match(self, solution_id: int, steps: Sequence[StepRecord]) -> dict[Place, int]:
        """The row's places in a solution that stands; what it adds is appended."""
        self._recall(solution_id)
        placed: dict[Place, int] = {}
        last: defaultdict[int, int] = defaultdict(lambda: -1)
        for step in sorted(steps, key=lambda step: (step.position, step.candidate)):
            present = self._places[solution_id, step.position]
            found = next((one for one in present if self._fits(one, step, last[step.position])), None)
            found = found or self._append(solution_id, step, present)
            last[step.position] = found.number
            placed[step.position, step.candidate] = found.id
        return placed

    def _recall(self, solution_id: int) -> None:
        """Few solutions stand twice in a chunk; only then are the added ones looked at again."""
        ids, steps = self._added.pop(solution_id, ([], []))
        for pk, step in zip(ids, steps, strict=True):
            found = Candidate(step.candidate, step.text, step.origin, pk)
            self._places[solution_id, step.position].append(found)

    @staticmethod
    def _fits(present: Candidate, step: StepRecord, after: int) -> bool:
        return present.number > after and present.text == step.text and present.origin == step.origin

    def _append(self, solution_id: int, step: StepRecord, present: list[Candidate]) -> Candidate:
        number = max((one.number for one in present), default=-1) + 1
        candidate = Candidate(number, step.text, step.origin, next(self._ids))
        present.append(candidate)
        self.new.append((candidate.id, solution_id, step.position, number, step.text, step.origin, False))
        return candidate
