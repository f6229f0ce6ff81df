"""A record as the preview of an import shows it: its steps with what each source says of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from apps.corpus.labels import BAD, GREAT, OKAY
from apps.corpus.records import Record

MOST_STEPS, MOST_MARKS = 30, 6
_HARD_WORDS = {None: "", True: "reached", False: "not reached"}
WORDS = {GREAT: ("good", "great"), OKAY: ("okay", "okay"), BAD: ("bad", "bad")}


@dataclass(frozen=True, slots=True)
class ShownMark:
    """A label of a step: the style of its badge, its word, and whose it is."""

    style: str
    word: str
    source: str


@dataclass(frozen=True, slots=True)
class ShownStep:
    text: str
    chosen: bool
    marks: list[ShownMark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record of a row; `labels` sums up what it says of the steps or the two answers."""

    line: int
    record: Record
    steps: list[ShownStep]
    more_steps: int
    labels: list[str]


def shown_record(line: int, record: Record) -> ShownRecord:
    steps = list(record.solution.steps) if record.solution else []
    marks: dict[tuple[int, int], list[ShownMark]] = {}
    for place, mark in _marks(record):
        marks.setdefault(place, []).append(mark)
    shown = [
        ShownStep(step.text, step.chosen, marks.get((step.position, step.candidate), [])[:MOST_MARKS])
        for step in steps[:MOST_STEPS]
    ]
    return ShownRecord(line, record, shown, max(0, len(steps) - MOST_STEPS), _sums(record))


def _marks(record: Record) -> Iterator[tuple[tuple[int, int], ShownMark]]:
    for person in record.people:
        for rating in person.steps:
            if rating.unsure:
                yield (rating.position, rating.candidate), ShownMark("unsure", "unsure", person.labeler)
            elif rating.rating is not None:
                yield (rating.position, rating.candidate), ShownMark(*WORDS[rating.rating], person.labeler)
    for judge in record.judges:
        for verdict in judge.steps:
            yield (verdict.position, verdict.candidate), ShownMark(*WORDS[verdict.rating], judge.judge)
    path = {step.position: step.candidate for step in record.solution.path()} if record.solution else {}
    for position, mark in _path_marks(record):
        yield (position, path.get(position, 0)), mark


def _path_marks(record: Record) -> Iterator[tuple[int, ShownMark]]:
    """What is said of the chosen steps, by their position."""
    for gold in record.gold:
        yield gold.position, ShownMark(*WORDS[gold.rating], "gold")
    for estimate in record.estimates:
        for count in estimate.steps:
            word = f"{count.successes} of {count.rollouts}" if count.rollouts else _HARD_WORDS[count.hard]
            if word:
                yield count.position, ShownMark("", word, "Monte Carlo")
    for scores in record.scores:
        for score in scores.steps:
            yield score.position, ShownMark("", f"{score.score:.2f}", scores.scorer)


def _sums(record: Record) -> list[str]:
    people = len({person.labeler for person in record.people})
    counts = (
        (len(record.gold), "gold label", "gold labels"),
        (people, "person's labels", "people's labels"),
        (len(record.judges), "judge", "judges"),
        (len(record.estimates), "run of rollouts", "runs of rollouts"),
        (len(record.scores), "reward model", "reward models"),
    )
    return [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
