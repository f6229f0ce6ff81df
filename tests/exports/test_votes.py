"""The lists of votes beside labels equal a recount from the records, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from msgspec import structs

from apps.corpus.labels import UNKNOWN, hard_label
from apps.corpus.records import EstimateRecord, PersonRecord, Record
from apps.exports.description.features import features_of
from apps.exports.formats import FORMATS
from apps.exports.labels.columns.frames import YIELDS_SOFT, Place, frames_of
from apps.exports.labels.columns.votes import step_votes
from apps.exports.labels.counted import counted, rating_of, steps_of
from apps.exports.policy import SOURCES, LabelPolicy
from tests.exports.random_records import random_policy, random_record, with_consensus
from tests.exports.test_label_keys import rows, run
from tests.exports.test_labels import person, record

NAMES = {-1: "bad", 0: "okay", 1: "great"}
TWO_PEOPLE = record(people=[person("a", 1, 1, -1), person("b", 1, 0, 1, 1)], estimates=[run(4, 3, None, 0)])


def test_each_step_has_the_votes_of_each_source_of_the_policy() -> None:
    (row,) = rows(TWO_PEOPLE, columns=["votes"], sources=["human", "monte_carlo_hard", "gold"], unlabeled="mask")
    assert row["labels"] == [1, 1, -100, 1]
    assert row["votes"] == {
        "human": {"bad": [0, 0, 1, 0], "okay": [0, 1, 0, 0], "great": [2, 1, 1, 1]},
        "monte_carlo_hard": {"successes": [4, 3, None, 0], "rollouts": [4, 4, None, 4]},
        "gold": {"bad": [0, 0, 0, 0], "okay": [0, 0, 0, 0], "great": [0, 0, 0, 0]},
    }


def test_votes_and_values_can_be_asked_for_together_and_end_with_the_row() -> None:
    (row,) = rows(TWO_PEOPLE, columns=["votes", "values"], format_="qwen-prm")
    assert row["step_labels"] == [1, 1]
    assert row["values"] == [1.0, 0.75]
    assert row["votes"]["human"] == {"bad": [0, 0], "okay": [0, 1], "great": [2, 1]}


def test_votes_are_counted_before_a_minimum_withholds_the_label() -> None:
    policy: dict[str, Any] = {"columns": ["votes"], "unlabeled": "mask", "thin": "take"}
    (row,) = rows(TWO_PEOPLE, sources=["human"], minimum_labels=2, **policy)
    assert (row["labels"], row["votes"]["human"]["great"]) == ([1, 1, -100, -100], [2, 1, 1, 1])


def test_the_card_declares_the_types_of_votes() -> None:
    schema = FORMATS["trl-prm"].schema(LabelPolicy.from_dict({"sources": ["judge"], "columns": ["votes"]}))
    lists = [{"name": name, "list": "int64"} for name in ("bad", "okay", "great")]
    assert features_of(schema)[-1] == {"name": "votes", "struct": [{"name": "judge", "struct": lists}]}


@pytest.mark.parametrize("seed", range(6))
def test_votes_equal_a_recount_from_the_records(seed: int) -> None:
    dice = Random(seed)
    made = [random_record(dice, number=number) for number in range(40)]
    made = [structs.replace(one, consensus=with_consensus(dice, one)) for one in made]
    for _ in range(8):
        policy = random_policy(dice, sources=dice.sample(SOURCES, len(SOURCES)))
        votes = step_votes(frames_of(made), policy)
        assert list(votes) == list(policy.sources)
        places = [(one, place) for one in made for place in sorted(steps_of(one.solution))]
        for source, counts in votes.items():
            recounted = {id(one): recount(source, one, policy) for one in made}
            empty = dict.fromkeys(counts.columns, 0) | dict.fromkeys({"successes", "rollouts"} & {*counts.columns})
            wanted = [empty | recounted[id(one)].get(place, {}) for one, place in places]
            assert counts.to_dicts() == wanted, (source, policy)


def recount(source: str, one: Record, policy: LabelPolicy) -> dict[Place, dict[str, int]]:
    counts: dict[Place, dict[str, int]] = {}
    if source.startswith("monte_carlo"):
        for place, hits, trials in rollouts(one, policy, is_soft=source == "monte_carlo_soft"):
            counts[place] = {"successes": hits, "rollouts": trials}
    for place, rating in ratings(source, one, policy):
        names = dict.fromkeys(NAMES.values(), 0) | counts.get(place, {})
        counts[place] = names | {NAMES[rating]: names[NAMES[rating]] + 1}
    return counts


def ratings(source: str, one: Record, policy: LabelPolicy) -> Iterator[tuple[Place, int]]:
    assert one.solution is not None
    path = {step.position: (step.position, step.candidate) for step in one.solution.path()}
    if source == "gold":
        yield from ((path[gold.position], gold.rating) for gold in one.gold)
    elif source in {"adjudicated", "consensus"}:
        for step in one.consensus:
            is_reviewed = step.how == "adjudicated"
            is_few = not is_reviewed and (step.people or 0) < policy.minimum_labels
            is_left = is_few or (step.is_thin and policy.thin == "leave_out")
            if is_reviewed if source == "adjudicated" else not is_left:
                yield path[step.position], step.rating
    elif source == "human":
        for labeler in counted_people(one, policy):
            yield from rated_by(labeler, one, policy)
    elif source == "cascade" and one.machine_error is not None and one.machine_error < len(path):
        last = max(path) if one.machine_error == -1 else one.machine_error
        yield from ((path[place], -1 if place == one.machine_error else 1) for place in range(last + 1))
    elif source in {"judge", "monte_carlo_and_judge"}:
        newest = {
            judge.judge: judge
            for judge in one.judges
            if (not policy.judges or {*judge.names} & {*policy.judges})
            and any((verdict.position, verdict.candidate) in path.values() for verdict in judge.steps)
        }
        for judge in newest.values():
            yield from (((verdict.position, verdict.candidate), verdict.rating) for verdict in judge.steps)


def counted_people(one: Record, policy: LabelPolicy) -> Sequence[PersonRecord]:
    people = [one.people[number] for number, reason in counted(one, policy).items() if not reason]
    if policy.people != "first":
        return people
    raters = Counter(place for labeler in people for place, _ in rated_by(labeler, one, policy))
    labels = [{place for place, _ in rated_by(labeler, one, policy)} for labeler in people]
    has_label = [any(raters[place] >= policy.minimum_labels for place in places) for places in labels]
    return [labeler for labeler, makes in zip(people, has_label, strict=True) if makes][:1]


def rated_by(labeler: PersonRecord, one: Record, policy: LabelPolicy) -> Iterator[tuple[Place, int]]:
    """The ratings up to the first step that the labeler chose and that is not the solution's own."""
    steps = steps_of(one.solution)
    left = [step.position for step in labeler.steps if step.chosen and not steps[step.position, step.candidate].chosen]
    for step in labeler.steps:
        rating = rating_of(step, steps, policy)
        if rating is not None and step.position <= min(left, default=step.position):
            yield (step.position, step.candidate), rating


def rollouts(one: Record, policy: LabelPolicy, *, is_soft: bool) -> Iterator[tuple[Place, int, int]]:
    """Of the newest selected run that says anything."""
    assert one.solution is not None
    path = {step.position: (step.position, step.candidate) for step in one.solution.path()}
    runs = [
        estimate
        for estimate in one.estimates
        if (not policy.estimation_runs or estimate.run in policy.estimation_runs)
        and (not is_soft or estimate.strategy in YIELDS_SOFT)
        and says_anything(estimate)
    ]
    for count in runs[-1].steps if runs else ():
        if count.rollouts and count.successes is not None:
            yield path[count.position], count.successes, count.rollouts


def says_anything(estimate: EstimateRecord) -> bool:
    return any(hard_label(count.rollouts, count.successes, hard=count.hard) != UNKNOWN for count in estimate.steps)


def test_the_recount_has_seen_every_source_disagree() -> None:
    """The property above is about something: every source rates steps in the drawn records, and people disagree."""
    dice = Random(0)
    made = [random_record(dice, number=number) for number in range(40)]
    made = [structs.replace(one, consensus=with_consensus(dice, one)) for one in made]
    policy = LabelPolicy.from_dict({"sources": SOURCES})
    seen: Counter[str] = Counter()
    for source in SOURCES:
        seen[source] = sum(len(recount(source, one, policy)) for one in made)
    assert all(seen[source] > 5 for source in SOURCES), seen
    assert any(sum(count.values()) > 1 for one in made for count in recount("human", one, policy).values())
