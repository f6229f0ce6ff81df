"""What each source says of a solution's candidates, under a policy. Pure.

Every rating that a source says comes out of here once: as a rating, or under the reason why no label follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.corpus.labels import BAD, GREAT, UNKNOWN, hard_label, majority, more_than_half
from apps.corpus.records import EstimateRecord, JudgeRecord, PersonRecord, Record, SolutionRecord, StepCount
from apps.estimation.strategies import STRATEGIES
from apps.exports.labels.counted import Place, counted, people_needed, rating_of, steps_of
from apps.exports.policy import LabelPolicy

GIVES_SOFT = frozenset(name for name, (kind, _) in STRATEGIES.items() if kind.yields_soft)

Ratings = dict[Place, int]

TIE = "people are of two minds"
UNSURE = "the labeler is unsure"
THIN = "thin: fewer people than asked"
DEPARTED = "after a step that is not the solution's own"
UNKNOWN_STEP = "of a step that the solution does not have"
DISAGREE = "Monte Carlo and the judge disagree"
ONE_OF_TWO = "only one of Monte Carlo and the judge speaks of the step"
OTHER_RUN = "of an estimation run that the policy does not take"
OLDER_RUN = "of an older estimation run"
BIASED_RUN = "of an estimation run whose shares are biased"
OTHER_JUDGE = "of a judge that the policy does not take"
OLDER_JUDGE = "of an older run of a judge"
NOT_FIRST = "of labelers who were not the first"


@dataclass(frozen=True, slots=True)
class Labeling:
    """One voice on a solution: ratings by place, and the places of which it speaks to no effect, with the reason."""

    ratings: Ratings
    withheld: Mapping[Place, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ratings) + len(self.withheld)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source says: the labelings that count, and how many ratings of others do not, by reason."""

    labelings: Sequence[Labeling] = ()
    left_out: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return sum(len(labeling) for labeling in self.labelings) + self.left_out.total()


def path_places(solution: SolutionRecord) -> dict[int, Place]:
    """By position, the place of the solution's own step."""
    return {step.position: (step.position, step.candidate) for step in solution.steps if step.chosen}


def read(source: str, record: Record, policy: LabelPolicy) -> Reading:
    """What the source says of the record's solution."""
    assert record.solution is not None
    reading = _READ[source](record, record.solution, policy)
    known = {(step.position, step.candidate) for step in record.solution.steps}
    return Reading([_known(labeling, known) for labeling in reading.labelings], reading.left_out)


def _known(labeling: Labeling, known: set[Place]) -> Labeling:
    unknown = {place: UNKNOWN_STEP for place in (*labeling.ratings, *labeling.withheld) if place not in known}
    if not unknown:
        return labeling
    ratings = {place: rating for place, rating in labeling.ratings.items() if place not in unknown}
    return Labeling(ratings, {**labeling.withheld, **unknown})


def _on_path(solution: SolutionRecord, ratings: Iterable[tuple[int, int]]) -> Ratings:
    """Ratings by position, which are of the solution's own steps."""
    path = path_places(solution)
    return {path.get(position, (position, 0)): rating for position, rating in ratings}


# --- gold and consensus -----------------------------------------------------------------------------------


def _gold(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    return Reading([Labeling(_on_path(solution, ((gold.position, gold.rating) for gold in record.gold)))])


def _adjudicated(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    """Reviewers' ratings, and nothing that a rule made of others'."""
    adjudicated = ((step.position, step.rating) for step in record.consensus if step.how == "adjudicated")
    return Reading([Labeling(_on_path(solution, adjudicated))])


def _consensus(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    """Reviewers' ratings, and the project's rule where they are silent."""
    path = path_places(solution)
    ratings: Ratings = {}
    withheld: dict[Place, str] = {}
    for step in record.consensus:
        place = path.get(step.position, (step.position, 0))
        if step.is_thin and policy.thin == "leave_out":
            withheld[place] = THIN
        else:
            ratings[place] = step.rating
    return Reading([Labeling(ratings, withheld)])


# --- Monte Carlo and judges -------------------------------------------------------------------------------


def _monte_carlo_hard(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    """Hard: good when some rollout reached the answer, or as the run's strategy concludes."""
    return _newest_run(record, solution, policy, hard_rating)


def _monte_carlo_soft(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
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
) -> Reading:
    """By the newest run that says anything, of those that the policy takes; records have the newest last."""
    labelings: list[Labeling] = []
    left_out: Counter[str] = Counter()
    for run in reversed(record.estimates):
        labels = _run_ratings(run, solution, rating_of)
        if policy.estimation_runs and run.run not in policy.estimation_runs:
            left_out[OTHER_RUN] += len(labels)
        elif strategies and run.strategy not in strategies:
            left_out[BIASED_RUN] += len(labels)
        elif labelings:
            left_out[OLDER_RUN] += len(labels)
        elif labels:
            labelings.append(Labeling(labels))
    return Reading(labelings, left_out)


def _run_ratings(run: EstimateRecord, solution: SolutionRecord, rating_of: Callable[[StepCount], int]) -> Ratings:
    """A step without counted rollouts is unknown, which is no rating."""
    ratings = ((count.position, rating_of(count)) for count in run.steps)
    return _on_path(solution, ((position, rating) for position, rating in ratings if rating != UNKNOWN))


def _judge(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    """By the newest run of a judge that speaks of the solution's own path; records have the newest last."""
    path = set(path_places(solution).values())
    labelings: list[Labeling] = []
    left_out: Counter[str] = Counter()
    for judge in reversed(record.judges):
        ratings = _verdicts(judge)
        if policy.judges and not set(judge.names) & set(policy.judges):
            left_out[OTHER_JUDGE] += len(ratings)
        elif labelings or not path & ratings.keys():
            left_out[OLDER_JUDGE if labelings else UNKNOWN_STEP] += len(ratings)
        else:
            labelings.append(Labeling(ratings))
    return Reading(labelings, left_out)


def _verdicts(judge: JudgeRecord) -> Ratings:
    return {(verdict.position, verdict.candidate): verdict.rating for verdict in judge.steps}


def _monte_carlo_and_judge(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    """Where both say bad, or neither does: rollouts know no okay, so what they agree on is good or bad."""
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
    return Reading([Labeling(ratings, withheld)], left_out)


# --- people -----------------------------------------------------------------------------------------------


Voice = tuple[PersonRecord, Labeling]


def _human(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    voices: list[Voice] = []
    left_out: Counter[str] = Counter()
    reasons = counted(record, policy)
    for index, person in enumerate(record.people):
        labeling = _person_labeling(person, solution, policy)
        if reasons[index]:
            left_out[reasons[index]] += len(labeling)
        else:
            voices.append((person, labeling))
    labelings = [labeling for _, labeling in voices]
    if policy.people == "majority":
        reviewed = _reviewed(record, solution, labelings, policy)
        return Reading([_majority_labeling(voices, solution, reviewed, policy)], left_out)
    if policy.people == "first":
        first = next((index for index, labeling in enumerate(labelings) if labeling.ratings), 0)
        left_out[NOT_FIRST] += sum(len(labeling) for labeling in labelings[first + 1 :])
        labelings = labelings[: first + 1]
    return Reading(labelings, left_out)


def _reviewed(record: Record, solution: SolutionRecord, labelings: Sequence[Labeling], policy: LabelPolicy) -> Ratings:
    """Reviewers' ratings stand above every majority. They are of no round: a policy of rounds alone takes none."""
    if policy.rounds and not labelings:
        return {}
    return next(iter(_adjudicated(record, solution, policy).labelings)).ratings


def _person_labeling(person: PersonRecord, solution: SolutionRecord, policy: LabelPolicy) -> Labeling:
    """Whoever goes on from another step than the solution's own rates what follows after that step."""
    steps = steps_of(solution)
    path = set(path_places(solution).values())
    departed = min(
        (one.position for one in person.steps if one.chosen and (one.position, one.candidate) not in path), default=None
    )
    ratings: Ratings = {}
    withheld: dict[Place, str] = {}
    for said in person.steps:
        place = (said.position, said.candidate)
        rating = rating_of(said, steps, policy)
        if departed is not None and said.position > departed and (rating is not None or said.unsure):
            withheld[place] = DEPARTED
        elif rating is not None:
            ratings[place] = rating
        elif said.unsure:
            withheld[place] = UNSURE
    return Labeling(ratings, withheld)


def _majority_labeling(
    voices: Sequence[Voice], solution: SolutionRecord, reviewed: Ratings, policy: LabelPolicy
) -> Labeling:
    """One label for each step that enough rate; a tie is no label."""
    votes: dict[Place, list[int]] = {}
    withheld: dict[Place, str] = {}
    for _, labeling in voices:
        withheld |= labeling.withheld
        for place, rating in labeling.ratings.items():
            votes.setdefault(place, []).append(rating)
    decided = {place: majority(ratings) for place, ratings in votes.items()}
    withheld |= dict.fromkeys((place for place, label in decided.items() if label == UNKNOWN), TIE)
    thin = _thin_places(votes, voices, solution) if policy.thin == "leave_out" else set()
    withheld |= dict.fromkeys(thin, THIN)
    decided |= dict.fromkeys(thin, UNKNOWN)
    ratings = {place: label for place, label in sorted(decided.items()) if label != UNKNOWN} | reviewed
    return Labeling(ratings, {place: reason for place, reason in withheld.items() if place not in ratings})


def _thin_places(votes: Mapping[Place, Sequence[int]], voices: Sequence[Voice], solution: SolutionRecord) -> set[Place]:
    """Steps of which fewer people speak than are asked.

    As in the consensus by majority: as many must have rated the path as are asked, and more than half of so many the
    step. What a person wrote beside the path is offered to nobody else, and stands by its author's word.
    """
    path = set(path_places(solution).values())
    of_path = [(person, labeling) for person, labeling in voices if path & labeling.ratings.keys()]
    heard = of_path or [(person, labeling) for person, labeling in voices if labeling.ratings]
    required = people_needed(person for person, _ in heard)
    is_thin = len(heard) < required
    thin = {place for place, ratings in votes.items() if is_thin or len(ratings) < more_than_half(required)}
    return thin - {place for place, step in steps_of(solution).items() if step.origin == "human" and not step.chosen}


Reader = Callable[[Record, SolutionRecord, LabelPolicy], Reading]

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
