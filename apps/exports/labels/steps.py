"""From what was said of a solution to one label per step, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN, first_error
from apps.corpus.records import Record, SolutionRecord
from apps.exports.labels.counted import Place
from apps.exports.labels.sources import Labeling, Reading, path_places, read
from apps.exports.policy import LabelPolicy

AFTER_ERROR = "after the first error"
BEHIND_GAP = "behind a step without a label"
NEUTRAL_DROPPED = "okay, which the policy drops"
ALTERNATIVES_DROPPED = "alternatives, which the policy drops"
SAME_TEXT = "of a candidate with the same text and label as another"
TWO_LABELS = "of a candidate whose text has another label as well"


@dataclass(frozen=True, slots=True)
class Example:
    """A begun or whole solution with a label on each of its steps: what one row of a trainer's file holds."""

    texts: Sequence[str]
    labels: Sequence[int]
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate that is not on the solution's own path, with its label."""

    place: Place
    text: str
    label: int


@dataclass(frozen=True, slots=True)
class Labeled:
    """A solution with its labels: 1, 0, -1, or None where nothing is said of a step.

    `said` are the places of which the source speaks; `withheld` those that get no label, each with its reason.
    """

    record: Record
    texts: Sequence[str]
    labels: Sequence[int | None]
    source: str
    places: Sequence[Place] = ()
    alternatives: Sequence[Alternative] = ()
    said: frozenset[Place] = frozenset()
    withheld: Mapping[Place, str] = field(default_factory=dict)

    @property
    def first_error(self) -> int | None:
        """The position of the first bad step; -1: all steps are labeled and none is bad; None: it is not known."""
        error = first_error(dict(enumerate(self.labels)), len(self.labels))
        return None if error == UNKNOWN else error

    def supervised(self) -> int:
        """How many steps from the first on have a label without a gap."""
        return next((place for place, label in enumerate(self.labels) if label is None), len(self.labels))

    def examples(self) -> Iterator[Example]:
        """The solution up to its first step without a label; then each alternative after the steps before it."""
        labels = [label for label in self.labels[: self.supervised()] if label is not None]
        if labels:
            yield Example(self.texts[: len(labels)], labels, self.places[: len(labels)])
        for alternative in self.alternatives:
            position = alternative.place[0]
            yield Example(
                [*self.texts[:position], alternative.text],
                [*labels[:position], alternative.label],
                [*self.places[:position], alternative.place],
            )


@dataclass(frozen=True, slots=True)
class Resolution:
    """The labelings of a solution by the source that labels it, and the ratings of others, which label nothing."""

    labeled: Sequence[Labeled] = ()
    left_out: Counter[str] = field(default_factory=Counter)


def fits(record: Record, policy: LabelPolicy) -> bool:
    """Whether the policy's filters let the record through."""
    solutions = [record.solution] if record.comparison is None else record.comparison.sides()
    if policy.subjects and (record.problem.subject or "") not in policy.subjects:
        return False
    return all(solution is not None and _solution_fits(solution, policy) for solution in solutions)


def _solution_fits(solution: SolutionRecord, policy: LabelPolicy) -> bool:
    wanted = {"all": None, "right": True, "wrong": False}[policy.answers]
    return (wanted is None or solution.is_correct is wanted) and (
        not policy.generators or (solution.source or "") in policy.generators
    )


def resolve(record: Record, policy: LabelPolicy) -> list[Labeled]:
    """The labeled solution, or one for each person, by the first source that says anything; else none."""
    return list(resolution(record, policy).labeled)


def resolution(record: Record, policy: LabelPolicy) -> Resolution:
    """As `resolve`, with what the policy's other sources say."""
    if record.solution is None:
        return Resolution()
    labeled: list[Labeled] = []
    left_out: Counter[str] = Counter()
    for source in dict.fromkeys(policy.sources):
        reading = read(source, record, policy)
        if labeled:
            left_out[f"of the source {source}, for an earlier source labels the solution"] += len(reading)
            continue
        left_out += _without_ratings(reading)
        labelings = (labeling for labeling in reading.labelings if labeling.ratings)
        labeled.extend(_labeled(record, record.solution, labeling, source, policy) for labeling in labelings)
    return Resolution(labeled, left_out)


def _without_ratings(reading: Reading) -> Counter[str]:
    """The ratings of those who do not count, or who say nothing that makes a label."""
    silent = (labeling.withheld.values() for labeling in reading.labelings if not labeling.ratings)
    return reading.left_out + Counter(reason for reasons in silent for reason in reasons)


def _labeled(record: Record, solution: SolutionRecord, labeling: Labeling, source: str, policy: LabelPolicy) -> Labeled:
    """What the policy makes of neutral ratings, of those after the first error, and of alternatives."""
    neutral = {"positive": GREAT, "negative": BAD, "own_class": OKAY, "drop": None}[policy.neutral]
    withheld = dict(labeling.withheld)
    ratings: dict[Place, int] = {}
    for place, rating in labeling.ratings.items():
        label = neutral if rating == OKAY else rating
        if label is None:
            withheld[place] = NEUTRAL_DROPPED
        else:
            ratings[place] = label
    path = solution.path()
    own = path_places(solution)
    places = [own[step.position] for step in path]
    labels = _path_labels([ratings.get(place) for place in places], policy)
    alternatives = _alternatives(solution, ratings, labels, policy, withheld)
    error = labels.index(BAD) if BAD in labels else len(labels)
    supervised = labels.index(None) if None in labels else len(labels)
    for position, place in enumerate(places):
        if place in ratings and position >= supervised:
            withheld[place] = AFTER_ERROR if position > error else BEHIND_GAP
    return Labeled(
        record=record,
        texts=[step.text for step in path],
        labels=labels,
        source=source,
        places=places,
        alternatives=alternatives,
        said=frozenset({*labeling.ratings, *labeling.withheld}),
        withheld=withheld,
    )


def _path_labels(labels: list[int | None], policy: LabelPolicy) -> list[int | None]:
    """A label or None for each step of the path, with what the policy makes of the steps after the first error."""
    if BAD not in labels or policy.after_first_error == "as_rated":
        return labels
    first = labels.index(BAD)
    rest = BAD if policy.after_first_error == "negative" else None
    return [*labels[: first + 1], *([rest] * (len(labels) - first - 1))]


def _alternatives(
    solution: SolutionRecord,
    ratings: Mapping[Place, int],
    labels: Sequence[int | None],
    policy: LabelPolicy,
    withheld: dict[Place, str],
) -> list[Alternative]:
    """Those that make a row of their own; each other one is put down in `withheld` with the reason."""
    found: dict[tuple[int, str], list[Alternative]] = {}
    for step in sorted(solution.steps, key=lambda step: (step.position, step.candidate)):
        place = (step.position, step.candidate)
        if step.chosen or place not in ratings:
            continue
        before = labels[: step.position]
        if reason := _no_row(step.position, before, policy):
            withheld[place] = reason
            continue
        label = BAD if BAD in before and policy.after_first_error == "negative" else ratings[place]
        found.setdefault((step.position, step.text), []).append(Alternative(place, step.text, label))
    own = {(step.position, step.text): labels[step.position] for step in solution.path()}
    return [one for key, same in found.items() for one in _distinct(same, own.get(key), withheld)]


def _no_row(position: int, before: Sequence[int | None], policy: LabelPolicy) -> str:
    """Why an alternative makes no row: each needs the steps before it, all of them labeled."""
    if policy.alternatives == "drop":
        return ALTERNATIVES_DROPPED
    if BAD in before and policy.after_first_error == "leave_out":
        return AFTER_ERROR
    return BEHIND_GAP if None in before or position > len(before) else ""


def _distinct(same: Sequence[Alternative], own: int | None, withheld: dict[Place, str]) -> Sequence[Alternative]:
    """Of alternatives with one text, the first: rows are not doubled, and no text is good in one row and bad in another.

    `own` is the label of that text on the solution's own path, which has its row already.
    """
    labels = {alternative.label for alternative in same} | ({own} if own is not None else set())
    kept = same[:1] if own is None and len(labels) == 1 else ()
    reason = SAME_TEXT if len(labels) == 1 else TWO_LABELS
    withheld.update({alternative.place: reason for alternative in same[len(kept) :]})
    return kept
