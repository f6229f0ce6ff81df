"""The ratings of a solution's candidates by each source, under a policy. Pure.

Every rating of a source is returned once: as a rating, or under the reason why it makes no label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.corpus.labels import BAD, GREAT, UNKNOWN, hard_label, majority, more_than_half
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepCount
from apps.estimation.strategies import STRATEGIES
from apps.exports.labels.counted import Place, counted, people_needed, rating_of, steps_of
from apps.exports.policy import LabelPolicy

GIVES_SOFT = frozenset(name for name, (kind, _) in STRATEGIES.items() if kind.yields_soft)

Ratings = dict[Place, int]

TIE = "people are tied"
UNSURE = "the labeler is unsure"
THIN = "thin: fewer people than asked for"
DEPARTED = "after a step that is not the solution's own"
UNKNOWN_STEP = "of a step that the solution does not have"
DISAGREE = "Monte Carlo and the judge disagree"
ONE_OF_TWO = "rated by only one of Monte Carlo and the judge"
OTHER_RUN = "of an estimation run that the policy does not select"
OLDER_RUN = "of an older estimation run"
BIASED_RUN = "of an estimation run whose shares are biased"
OTHER_JUDGE = "of a judge that the policy does not select"
OLDER_JUDGE = "of an older run of a judge"
NOT_FIRST = "of labelers who were not the first"


@dataclass(frozen=True, slots=True)
class Labeling:
    """The ratings of one rater: those that count by place, and the reason for each place whose rating does not."""

    ratings: Ratings
    withheld: Mapping[Place, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ratings) + len(self.withheld)


@dataclass(frozen=True, slots=True)
class SourceReading:
    """The labelings of a source that count, and how many of its other ratings do not, by reason."""

    labelings: Sequence[Labeling] = ()
    left_out: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return sum(len(labeling) for labeling in self.labelings) + self.left_out.total()


def path_places(solution: SolutionRecord) -> dict[int, Place]:
    """By position, the place of the chosen step."""
    return {step.position: (step.position, step.candidate) for step in solution.steps if step.chosen}


def read(source: str, record: Record, policy: LabelPolicy) -> SourceReading:
    """The source's reading of the record's solution."""
    assert record.solution is not None
    reading = _READ[source](record, record.solution, policy)
    known = {(step.position, step.candidate) for step in record.solution.steps}
    return SourceReading([_known(labeling, known) for labeling in reading.labelings], reading.left_out)


def _known(labeling: Labeling, known: set[Place]) -> Labeling:
    unknown = {place: UNKNOWN_STEP for place in (*labeling.ratings, *labeling.withheld) if place not in known}
    if not unknown:
        return labeling
    ratings = {place: rating for place, rating in labeling.ratings.items() if place not in unknown}
    return Labeling(ratings, {**labeling.withheld, **unknown})


def _on_path(solution: SolutionRecord, ratings: Iterable[tuple[int, int]]) -> Ratings:
    """Ratings by position as ratings of the chosen steps."""
    path = path_places(solution)
    return {path.get(position, (position, 0)): rating for position, rating in ratings}


# --- gold and consensus -----------------------------------------------------------------------------------


def _gold(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    return SourceReading([Labeling(_on_path(solution, ((gold.position, gold.rating) for gold in record.gold)))])


def _adjudicated(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    """Only ratings that reviewers adjudicated."""
    adjudicated = ((step.position, step.rating) for step in record.consensus if step.how == "adjudicated")
    return SourceReading([Labeling(_on_path(solution, adjudicated))])


def _consensus(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    """Adjudicated ratings, and the project's rule elsewhere."""
    path = path_places(solution)
    ratings: Ratings = {}
    withheld: dict[Place, str] = {}
    for step in record.consensus:
        place = path.get(step.position, (step.position, 0))
        if step.is_thin and policy.thin == "leave_out":
            withheld[place] = THIN
        else:
            ratings[place] = step.rating
    return SourceReading([Labeling(ratings, withheld)])


# --- Monte Carlo and judges -------------------------------------------------------------------------------


def _monte_carlo_hard(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    """Hard: good when some rollout reached the answer, or as the run's strategy concludes."""
    return _newest_run(record, solution, policy, hard_rating)


def _monte_carlo_soft(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    """Soft: good when the share of rollouts that reached the answer is at least the policy's threshold.

    Of runs whose strategy gives unbiased shares; a step without rollouts has the label of its own answer.
    """

    def soft_rating(count: StepCount) -> int:
        if not count.rollouts or count.successes is None:
            return hard_label(None, None, hard=count.hard)
        return GREAT if count.successes / count.rollouts >= policy.soft_threshold else BAD

    return _newest_run(record, solution, policy, soft_rating, strategies=GIVES_SOFT)


def hard_rating(count: StepCount) -> int:
    return hard_label(count.rollouts, count.successes, hard=count.hard)


def _newest_run(
    record: Record,
    solution: SolutionRecord,
    policy: LabelPolicy,
    rating_of: Callable[[StepCount], int],
    strategies: Collection[str] = (),
) -> SourceReading:
    """By the newest selected run with ratings. Records have the newest run last."""
    labelings: list[Labeling] = []
    left_out: Counter[str] = Counter()
    for run in reversed(record.estimates):
        # Steps without counted rollouts have no rating.
        ratings = ((count.position, rating_of(count)) for count in run.steps)
        labels = _on_path(solution, ((position, rating) for position, rating in ratings if rating != UNKNOWN))
        if policy.estimation_runs and run.run not in policy.estimation_runs:
            left_out[OTHER_RUN] += len(labels)
        elif strategies and run.strategy not in strategies:
            left_out[BIASED_RUN] += len(labels)
        elif labelings:
            left_out[OLDER_RUN] += len(labels)
        elif labels:
            labelings.append(Labeling(labels))
    return SourceReading(labelings, left_out)


def _judge(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    """By the newest selected run that rates the path. Records have the newest run last."""
    path = set(path_places(solution).values())
    labelings: list[Labeling] = []
    left_out: Counter[str] = Counter()
    for judge in reversed(record.judges):
        ratings = {(verdict.position, verdict.candidate): verdict.rating for verdict in judge.steps}
        if policy.judges and not set(judge.names) & set(policy.judges):
            left_out[OTHER_JUDGE] += len(ratings)
        elif labelings or not path & ratings.keys():
            left_out[OLDER_JUDGE if labelings else UNKNOWN_STEP] += len(ratings)
        else:
            labelings.append(Labeling(ratings))
    return SourceReading(labelings, left_out)


def _monte_carlo_and_judge(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    """Steps that both call bad, or neither: rollouts have no okay, so they can agree only on good or bad."""
    runs, judges = _monte_carlo_hard(record, solution, policy), _judge(record, solution, policy)
    left_out = runs.left_out + judges.left_out
    rollouts = runs.labelings[0].ratings if runs.labelings else {}
    judged = judges.labelings[0].ratings if judges.labelings else {}
    ratings = {
        place: label
        for place, label in rollouts.items()
        if place in judged and (label == BAD) == (judged[place] == BAD)
    }
    withheld = {
        place: DISAGREE if place in rollouts and place in judged else ONE_OF_TWO
        for place in rollouts | judged
        if place not in ratings
    }
    return SourceReading([Labeling(ratings, withheld)], left_out)


# --- people -----------------------------------------------------------------------------------------------


PersonLabeling = tuple[PersonRecord, Labeling]


def _human(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> SourceReading:
    person_labelings: list[PersonLabeling] = []
    left_out: Counter[str] = Counter()
    reasons = counted(record, policy)
    for index, person in enumerate(record.people):
        labeling = _person_labeling(person, solution, policy)
        if reasons[index]:
            left_out[reasons[index]] += len(labeling)
        else:
            person_labelings.append((person, labeling))
    labelings = [labeling for _, labeling in person_labelings]
    if policy.people == "majority":
        # Adjudicated ratings override every majority. They belong to no round, so a policy of rounds alone has none.
        reviewed: Ratings = {}
        if labelings or not policy.rounds:
            reviewed = dict(_adjudicated(record, solution, policy).labelings[0].ratings)
        return SourceReading([_majority_labeling(person_labelings, solution, reviewed, policy)], left_out)
    if policy.people == "first":
        first = next((index for index, labeling in enumerate(labelings) if labeling.ratings), 0)
        left_out[NOT_FIRST] += sum(len(labeling) for labeling in labelings[first + 1 :])
        labelings = labelings[: first + 1]
    return SourceReading(labelings, left_out)


def _person_labeling(person: PersonRecord, solution: SolutionRecord, policy: LabelPolicy) -> Labeling:
    """One person's ratings. Those after a chosen step that is not on the path belong to another solution."""
    steps = steps_of(solution)
    path = set(path_places(solution).values())
    departed = min(
        (step.position for step in person.steps if step.chosen and (step.position, step.candidate) not in path),
        default=None,
    )
    ratings: Ratings = {}
    withheld: dict[Place, str] = {}
    for step in person.steps:
        place = (step.position, step.candidate)
        rating = rating_of(step, steps, policy)
        if departed is not None and step.position > departed and (rating is not None or step.unsure):
            withheld[place] = DEPARTED
        elif rating is not None:
            ratings[place] = rating
        elif step.unsure:
            withheld[place] = UNSURE
    return Labeling(ratings, withheld)


def _majority_labeling(
    person_labelings: Sequence[PersonLabeling], solution: SolutionRecord, reviewed: Ratings, policy: LabelPolicy
) -> Labeling:
    """One label for each step that enough people rate. A tie makes no label."""
    votes: dict[Place, list[int]] = {}
    withheld: dict[Place, str] = {}
    for _, labeling in person_labelings:
        withheld |= labeling.withheld
        for place, rating in labeling.ratings.items():
            votes.setdefault(place, []).append(rating)
    decided = {place: majority(ratings) for place, ratings in votes.items()}
    withheld |= dict.fromkeys((place for place, label in decided.items() if label == UNKNOWN), TIE)
    thin = _thin_places(votes, person_labelings, solution) if policy.thin == "leave_out" else set()
    withheld |= dict.fromkeys(thin, THIN)
    decided |= dict.fromkeys(thin, UNKNOWN)
    ratings = {place: label for place, label in sorted(decided.items()) if label != UNKNOWN} | reviewed
    return Labeling(ratings, {place: reason for place, reason in withheld.items() if place not in ratings})


def _thin_places(
    votes: Mapping[Place, Sequence[int]], person_labelings: Sequence[PersonLabeling], solution: SolutionRecord
) -> set[Place]:
    """Steps with fewer raters than asked for.

    As in the consensus by majority: the path needs as many raters as asked for, and a step more than half as many. An
    alternative that a labeler wrote was shown to no one else, so that its author's rating is enough.
    """
    path = set(path_places(solution).values())
    of_path = [(person, labeling) for person, labeling in person_labelings if path & labeling.ratings.keys()]
    counted_people = of_path or [(person, labeling) for person, labeling in person_labelings if labeling.ratings]
    required = people_needed(person for person, _ in counted_people)
    is_thin = len(counted_people) < required
    thin = {place for place, ratings in votes.items() if is_thin or len(ratings) < more_than_half(required)}
    return thin - {place for place, step in steps_of(solution).items() if step.origin == "human" and not step.chosen}


Reader = Callable[[Record, SolutionRecord, LabelPolicy], SourceReading]

_READ: dict[str, Reader] = {
    "gold": _gold,
    "adjudicated": _adjudicated,
    "consensus": _consensus,
    "human": _human,
    "monte_carlo_hard": _monte_carlo_hard,
    "monte_carlo_soft": _monte_carlo_soft,
    "judge": _judge,
    "monte_carlo_and_judge": _monte_carlo_and_judge,
}
