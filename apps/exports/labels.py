"""From what was said of a solution to one label per step, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepCount, StepRating
from apps.estimation.strategies import STRATEGIES
from apps.exports.policy import LabelPolicy

GOOD, NEUTRAL, BAD = 1, 0, -1
GIVES_SOFT = frozenset(name for name, (kind, _) in STRATEGIES.items() if kind.gives_soft)
Labels = dict[int, int]


@dataclass(frozen=True, slots=True)
class Labeled:
    """A solution with its labels: 1, 0, -1, or None where nothing is said of a step.

    `first_error` is the position of the first bad step from 0, -1 when all steps are labeled and none
    is bad, and None when that is not known.
    """

    record: Record
    texts: Sequence[str]
    labels: Sequence[int | None]
    source: str

    @property
    def first_error(self) -> int | None:
        for position, label in enumerate(self.labels):
            if label is None:
                return None
            if label == BAD:
                return position
        return -1

    def supervised(self) -> int:
        """How many steps from the first on have a label without a gap."""
        return next((place for place, label in enumerate(self.labels) if label is None), len(self.labels))


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
    if record.solution is None:
        return []
    path = record.solution.path()
    for source in policy.sources:
        said = [labels for labels in _READ[source](record, policy) if labels]
        if said:
            texts = [step.text for step in path]
            return [Labeled(record, texts, _shaped(labels, len(path), policy), source) for labels in said]
    return []


def _shaped(labels: Mapping[int, int], length: int, policy: LabelPolicy) -> list[int | None]:
    """A label or None for each step, with what the policy makes of neutral and of the rest."""
    neutral = {"positive": GOOD, "negative": BAD, "own_class": NEUTRAL, "drop": None}[policy.neutral]
    shaped = [neutral if (label := labels.get(place)) == NEUTRAL else label for place in range(length)]
    first = next((place for place, label in enumerate(shaped) if label == BAD), None)
    if first is None or policy.after_first_error == "as_rated":
        return shaped
    rest = BAD if policy.after_first_error == "negative" else None
    return [*shaped[: first + 1], *([rest] * (length - first - 1))]


# --- sources ----------------------------------------------------------------------------------------------


def _gold(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    yield {gold.position: gold.rating for gold in record.gold}


def _adjudicated(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    """Reviewers' words, and nothing that a rule made of others'."""
    yield {one.position: one.rating for one in record.consensus if one.how == "adjudicated"}


def _consensus(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    """What stands: reviewers' words, and the project's rule where they are silent."""
    yield {one.position: one.rating for one in record.consensus}


def _monte_carlo_hard(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    """Hard: good when some rollout reached the answer, or as the run's strategy concludes."""
    yield from _newest(record, policy, lambda count: count.is_good())


def _monte_carlo_soft(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    """Soft: good when the share of rollouts that reached the answer is at least the policy's threshold.

    Of runs whose strategy gives unbiased shares; a step without rollouts stands by its own answer.
    """

    def is_good(count: StepCount) -> bool | None:
        if not count.rollouts or count.successes is None:
            return count.hard
        return count.successes / count.rollouts >= policy.soft_threshold

    yield from _newest(record, policy, is_good, strategies=GIVES_SOFT)


def _newest(
    record: Record, policy: LabelPolicy, is_good: Callable[[StepCount], bool | None], strategies: Collection[str] = ()
) -> Iterator[Labels]:
    """By the newest run that says anything, of those that the policy lets through."""
    for run in reversed(record.estimates):
        if (strategies and run.strategy not in strategies) or (
            policy.estimation_runs and run.run not in policy.estimation_runs
        ):
            continue
        said = {count.position: is_good(count) for count in run.steps}
        labels = {place: GOOD if good else BAD for place, good in said.items() if good is not None}
        if labels:
            yield labels
            return


def _judge(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    """By the newest run of a judge that says anything of the solution's own path; records have the newest last."""
    assert record.solution is not None
    path = {(step.position, step.candidate) for step in record.solution.steps if step.chosen}
    for judge in reversed(record.judges):
        if policy.judges and not set(judge.names) & set(policy.judges):
            continue
        labels = {said.position: said.rating for said in judge.steps if (said.position, said.candidate) in path}
        if labels:
            yield labels
            return


def _monte_carlo_and_judge(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    """Where both say bad, or neither does: rollouts know no okay, so what they agree on is good or bad."""
    for rollouts in _monte_carlo_hard(record, policy):
        for judged in _judge(record, policy):
            yield {
                place: label
                for place, label in rollouts.items()
                if place in judged and (label == BAD) == (judged[place] == BAD)
            }


def _human(record: Record, policy: LabelPolicy) -> Iterator[Labels]:
    assert record.solution is not None
    said = [_of_one(person, record.solution, policy) for person in heard(record, policy)]
    if policy.people == "majority":
        yield _majority(said)
    else:
        yield from said[: 1 if policy.people == "first" else None]


_READ: dict[str, Callable[[Record, LabelPolicy], Iterator[Labels]]] = {
    "gold": _gold,
    "adjudicated": _adjudicated,
    "consensus": _consensus,
    "human": _human,
    "monte_carlo_hard": _monte_carlo_hard,
    "monte_carlo_soft": _monte_carlo_soft,
    "judge": _judge,
    "monte_carlo_and_judge": _monte_carlo_and_judge,
}


def heard(record: Record, policy: LabelPolicy) -> list[PersonRecord]:
    """The people whose work counts."""
    return [
        person
        for person in record.people
        if (person.finish_reason or "solution") in policy.finish_reasons
        and not (person.is_quality_control and policy.quality_control == "drop")
        and (not policy.rounds or person.round in policy.rounds)
    ]


def _of_one(person: PersonRecord, solution: SolutionRecord, policy: LabelPolicy) -> Labels:
    """What one person says of the solution's own path."""
    path = {step.position: step for step in solution.steps if step.chosen}
    labels: Labels = {}
    for said in person.steps:
        step = path.get(said.position)
        if step is None or step.candidate != said.candidate:
            continue
        label = _of_rating(said, policy, is_own=step.origin == "human" and said.chosen)
        if label is not None:
            labels[said.position] = label
    return labels


def _of_rating(said: StepRating, policy: LabelPolicy, *, is_own: bool) -> int | None:
    """A step that the labeler wrote and chose counts as good: the interface asks for no rating of it."""
    if said.unsure:
        return {"drop": None, "positive": GOOD, "negative": BAD}[policy.unsure]
    if said.rating is None and is_own:
        return GOOD
    return said.rating


def _majority(said: Sequence[Labels]) -> Labels:
    """Of each step, what more people say than anything else. A tie is no label."""
    votes: dict[int, Counter[int]] = {}
    for labels in said:
        for place, label in labels.items():
            votes.setdefault(place, Counter())[label] += 1
    majority: Labels = {}
    for place, counts in sorted(votes.items()):
        (label, most), *others = counts.most_common(2)
        if not others or others[0][1] < most:
            majority[place] = label
    return majority
