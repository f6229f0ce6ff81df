"""Matches the candidates of a row with the stored steps of its solution, and adds new ones.

Several labelers of one PRM800K solution were offered different alternatives for the step that they called bad. All
become candidates at that position. A row's candidates are matched in their order and only forwards, so that a person's
ratings, which are sorted by candidate number, keep their order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from apps.corpus.imports.extensions import Place
from apps.corpus.records import StepRecord

StepRow = tuple[int, int, int, int, str, str, bool]


class StoredCandidate(NamedTuple):
    number: int
    text: str
    origin: str
    id: int


class StepIndex:
    """The steps of a chunk's solutions: the existing ones, and those to be stored (`new`)."""

    FIELDS = ("id", "solution", "position", "candidate", "text", "origin", "chosen")

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self._places: defaultdict[tuple[int, int], list[StoredCandidate]] = defaultdict(list)
        self._added: dict[int, tuple[list[int], Sequence[StepRecord]]] = {}
        self.new: list[StepRow] = []

    def load(self, stored: Iterable[tuple[int, int, int, int, str, str]]) -> None:
        """Take in existing steps: (id, solution, position, candidate, text, origin), by candidate number."""
        for pk, solution_id, position, number, text, origin in stored:
            self._places[solution_id, position].append(StoredCandidate(number, text, origin, pk))

    def add(self, solution_id: int, steps: Sequence[StepRecord]) -> dict[Place, int]:
        """The ids of the steps of a new solution, by the places that the row gives them."""
        ids = [next(self._ids) for _ in steps]
        self.new.extend(
            (pk, solution_id, step.position, step.candidate, step.text, step.origin, step.chosen)
            for pk, step in zip(ids, steps, strict=True)
        )
        self._added[solution_id] = (ids, steps)
        return {(step.position, step.candidate): pk for pk, step in zip(ids, steps, strict=True)}

    def match(self, solution_id: int, steps: Sequence[StepRecord]) -> dict[Place, int]:
        """The ids of the row's steps in an existing solution, by the row's places; new candidates are appended."""
        # Few solutions are in a chunk twice; only for these are the steps that were added indexed.
        for pk, step in zip(*self._added.pop(solution_id, ([], [])), strict=True):
            self._places[solution_id, step.position].append(StoredCandidate(step.candidate, step.text, step.origin, pk))
        ids: dict[Place, int] = {}
        last: defaultdict[int, int] = defaultdict(lambda: -1)
        for step in sorted(steps, key=lambda step: (step.position, step.candidate)):
            candidates = self._places[solution_id, step.position]
            match = next((each for each in candidates if self._fits(each, step, last[step.position])), None)
            if match is None:
                number = max((each.number for each in candidates), default=-1) + 1
                match = StoredCandidate(number, step.text, step.origin, next(self._ids))
                candidates.append(match)
                self.new.append((match.id, solution_id, step.position, number, step.text, step.origin, False))
            last[step.position] = match.number
            ids[step.position, step.candidate] = match.id
        return ids

    @staticmethod
    def _fits(candidate: StoredCandidate, step: StepRecord, after: int) -> bool:
        return candidate.number > after and candidate.text == step.text and candidate.origin == step.origin
