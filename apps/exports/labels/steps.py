"""From the ratings of a solution to one label per step, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from apps.corpus.labels import BAD, OKAY, UNKNOWN, first_error
from apps.corpus.records import Record, SolutionRecord
from apps.exports.labels.counted import Place
from apps.exports.labels.sources import Labeling, path_places, read
from apps.exports.policy import LabelPolicy

AFTER_ERROR = "after the first error"
BEHIND_GAP = "after a step without a label"
NEUTRAL_DROPPED = "okay, which the policy drops"
ALTERNATIVES_DROPPED = "alternatives, which the policy drops"
SAME_TEXT = "of a candidate with the same text and label as another"
TWO_LABELS = "of a candidate whose text has another label as well"


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
    if record.solution is None:
        return Resolution()
    labeled: list[Labeled] = []
    left_out: Counter[str] = Counter()
    for source in dict.fromkeys(policy.sources):
        reading = read(source, record, policy)
        if labeled:
            left_out[f"of the source {source}, since an earlier source labels the solution"] += len(reading)
            continue
        unlabeled = (labeling.withheld.values() for labeling in reading.labelings if not labeling.ratings)
        left_out += reading.left_out + Counter(reason for reasons in unlabeled for reason in reasons)
        labelings = (labeling for labeling in reading.labelings if labeling.ratings)
        labeled.extend(_labeled(record, record.solution, labeling, source, policy) for labeling in labelings)
    return Resolution(labeled, left_out)


def _labeled(record: Record, solution: SolutionRecord, labeling: Labeling, source: str, policy: LabelPolicy) -> Labeled:
    """Apply the policy to neutral ratings, to those after the first error, and to alternatives."""
    withheld = dict(labeling.withheld)
    ratings: dict[Place, int] = {}
    for place, rating in labeling.ratings.items():
        label = policy.neutral_label if rating == OKAY else rating
        if label is None:
            withheld[place] = NEUTRAL_DROPPED
        else:
            ratings[place] = label
    path = solution.path()
    path_place = path_places(solution)
    places = [path_place[step.position] for step in path]
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
        rated=frozenset({*labeling.ratings, *labeling.withheld}),
        withheld=withheld,
    )


def _path_labels(labels: list[int | None], policy: LabelPolicy) -> list[int | None]:
    """A label or None for each step of the path, after applying the policy to steps after the first error."""
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
    """The alternatives that make a row. The reason for each other one is added to `withheld`."""
    by_text: dict[tuple[int, str], list[Alternative]] = {}
    for step in sorted(solution.steps, key=lambda step: (step.position, step.candidate)):
        place = (step.position, step.candidate)
        if step.chosen or place not in ratings:
            continue
        before = labels[: step.position]
        if reason := _no_row(step.position, before, policy):
            withheld[place] = reason
            continue
        label = BAD if BAD in before and policy.after_first_error == "negative" else ratings[place]
        by_text.setdefault((step.position, step.text), []).append(Alternative(place, step.text, label))
    path_labels = {(step.position, step.text): labels[step.position] for step in solution.path()}
    rows: list[Alternative] = []
    for key, same in by_text.items():
        rows += _distinct(same, path_labels.get(key), withheld)
    return rows


def _no_row(position: int, before: Sequence[int | None], policy: LabelPolicy) -> str:
    """Why an alternative makes no row: it needs a label on every step before it."""
    if policy.alternatives == "drop":
        return ALTERNATIVES_DROPPED
    if BAD in before and policy.after_first_error == "leave_out":
        return AFTER_ERROR
    return BEHIND_GAP if None in before or position > len(before) else ""


def _distinct(same: Sequence[Alternative], on_path: int | None, withheld: dict[Place, str]) -> Sequence[Alternative]:
    """The first of several alternatives with one text, so that no row is repeated or contradicts another.

    `on_path` is the label of that text on the path, which already has its row.
    """
    labels = {alternative.label for alternative in same} | ({on_path} if on_path is not None else set())
    kept = same[:1] if on_path is None and len(labels) == 1 else ()
    reason = SAME_TEXT if len(labels) == 1 else TWO_LABELS
    withheld.update({alternative.place: reason for alternative in same[len(kept) :]})
    return kept
