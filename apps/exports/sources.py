"""What each source says of a solution's candidates, under a policy. Pure.

Every rating that a source says comes out of here once: as a rating, or under the reason why no label follows from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from apps.corpus.labels import BAD, GREAT, UNKNOWN, hard_label, majority, more_than_half
from apps.corpus.records import EstimateRecord, JudgeRecord, PersonRecord, Record, SolutionRecord, StepCount, StepRating
from apps.estimation.strategies import STRATEGIES
from apps.exports.policy import LabelPolicy

GIVES_SOFT = frozenset(name for name, (kind, _) in STRATEGIES.items() if kind.gives_soft)

Place = tuple[int, int]
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
OTHER_ROUND = "of rounds that the policy does not take"
SCREENING = "answers of a screening"
GOLD_ANSWER = "answers to gold tasks"
SUSPENDED = "of suspended labelers"
CORRECTED = "corrected by a reviewer, whose ratings count instead"
EARLIER = "of an earlier assignment of the same labeler"
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

    def has_ratings(self) -> bool:
        return any(labeling.ratings for labeling in self.labelings)

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


def exclusion(person: PersonRecord, policy: LabelPolicy) -> str:
    """Why the policy does not count the person's work; empty where it does."""
    finish_reason = person.finish_reason or "solution"
    # The tasks of a screening are gold tasks too: each of the two has its own key.
    is_gold_answer = person.is_quality_control and not person.is_screening
    reasons = {
        OTHER_ROUND: bool(policy.rounds) and person.round not in policy.rounds,
        CORRECTED: person.corrected_by is not None,
        SCREENING: person.is_screening and policy.screening == "drop",
        GOLD_ANSWER: is_gold_answer and policy.quality_control == "drop",
        SUSPENDED: person.is_suspended and policy.suspended == "drop",
        f"of assignments that ended in {finish_reason}": finish_reason not in policy.finish_reasons,
    }
    return next((reason for reason, applies in reasons.items() if applies), "")


def counted(people: Sequence[PersonRecord], policy: LabelPolicy) -> dict[int, str]:
    """For each person by index, why their work does not count; empty where it does.

    Of several assignments of one labeler the newest that says anything counts, as in the consensus: nobody is a majority
    of two. One that a reviewer corrected does not count, and no older one in its place.
    """
    reasons = {index: exclusion(person, policy) for index, person in enumerate(people)}
    known = [index for index, reason in reasons.items() if reason in ("", CORRECTED) and _speaks(people[index], policy)]
    newest = {people[index].labeler: index for index in sorted(known, key=lambda index: _when(people[index]))}
    for index, reason in reasons.items():
        if not reason and policy.people != "first" and newest.get(people[index].labeler, index) != index:
            reasons[index] = EARLIER
    return reasons


def _speaks(person: PersonRecord, policy: LabelPolicy) -> bool:
    ratings = (_rating(one, policy, is_own=False) for one in person.steps)
    return person.preference is not None or any(rating is not None for rating in ratings)


def _when(person: PersonRecord) -> tuple[bool, float]:
    """A file may not say when: whatever is dated is newer."""
    at = person.submitted_at
    return at is not None, at.timestamp() if at is not None else 0.0


def _human(record: Record, solution: SolutionRecord, policy: LabelPolicy) -> Reading:
    labelings: list[Labeling] = []
    left_out: Counter[str] = Counter()
    asked: list[int] = []
    reasons = counted(record.people, policy)
    for index, person in enumerate(record.people):
        labeling = _person_labeling(person, solution, policy)
        if reasons[index]:
            left_out[reasons[index]] += len(labeling)
        else:
            labelings.append(labeling)
            asked += [person.asked] if labeling.ratings else []
    if policy.people == "majority":
        required = min(asked, default=1) if policy.thin == "leave_out" else 1
        reviewed = _reviewed(record, solution, labelings, policy)
        return Reading([_majority_labeling(labelings, reviewed, required)], left_out)
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
    own = {(step.position, step.candidate): step for step in solution.steps}
    path = set(path_places(solution).values())
    departed = min(
        (one.position for one in person.steps if one.chosen and (one.position, one.candidate) not in path), default=None
    )
    ratings: Ratings = {}
    withheld: dict[Place, str] = {}
    for said in person.steps:
        place = (said.position, said.candidate)
        step = own.get(place)
        rating = _rating(said, policy, is_own=step is not None and step.origin == "human" and said.chosen)
        if departed is not None and said.position > departed and (rating is not None or said.unsure):
            withheld[place] = DEPARTED
        elif rating is not None:
            ratings[place] = rating
        elif said.unsure:
            withheld[place] = UNSURE
    return Labeling(ratings, withheld)


def _rating(said: StepRating, policy: LabelPolicy, *, is_own: bool) -> int | None:
    """A step that the labeler wrote and chose counts as good: the interface asks for no rating of it."""
    if said.unsure:
        return {"drop": None, "positive": GREAT, "negative": BAD}[policy.unsure]
    if said.rating is None and is_own:
        return GREAT
    return said.rating


def _majority_labeling(labelings: Sequence[Labeling], reviewed: Ratings, required: int) -> Labeling:
    """One label for each step that enough rate; a tie is no label.

    As in the consensus by majority: of a solution as many must have spoken as are asked, and more than half of so many
    have rated the step.
    """
    is_thin = sum(bool(labeling.ratings) for labeling in labelings) < required
    votes: dict[Place, list[int]] = {}
    withheld: dict[Place, str] = {}
    for labeling in labelings:
        withheld |= labeling.withheld
        for place, rating in labeling.ratings.items():
            votes.setdefault(place, []).append(rating)
    decided = {place: majority(ratings) for place, ratings in votes.items()}
    withheld |= dict.fromkeys((place for place, label in decided.items() if label == UNKNOWN), TIE)
    thin = {place for place, said in votes.items() if is_thin or len(said) < more_than_half(required)}
    withheld |= dict.fromkeys(thin, THIN)
    decided |= dict.fromkeys(thin, UNKNOWN)
    ratings = {place: label for place, label in sorted(decided.items()) if label != UNKNOWN} | reviewed
    return Labeling(ratings, {place: reason for place, reason in withheld.items() if place not in ratings})


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
