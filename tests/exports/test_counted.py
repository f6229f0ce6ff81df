"""Whose work counts in an export: the same assignments as everywhere, unless the policy asks for more by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from apps.accounts.models import User
from apps.corpus.records import ConsensusRating, Record, StepRating, StepRecord
from apps.exports.formats import FORMATS
from apps.exports.labels.columns.reasons import EARLIER, EMPTY, OFF_PATH
from apps.exports.labels.counted import counted
from apps.exports.load.records import count_retired, load_records
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally
from apps.labeling.models import Assignment
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import QualityRules
from tests.cast import make_problem, make_round, make_screening, make_solution
from tests.exports.test_labels import labels, person, record
from tests.quality.submissions import submit_next
from tests.quality.test_earlier import give, reasons


def collected(project: Project) -> list[Record]:
    return [one for chunk in load_records(project) for one in chunk]


def names_that_count(project: Project, **policy: Any) -> set[tuple[str, int | None]]:
    chosen = LabelPolicy.from_dict(policy)
    return {
        (one.people[index].labeler, one.people[index].round)
        for one in collected(project)
        for index, reason in counted(one, chosen).items()
        if not reason
    }


@pytest.fixture
def spoken(project: Project, alice: User, bob: User, mia: User) -> Project:
    """Work that counts by bob; mia is suspended; alice answered a gold task and an entrance test."""
    make_round(project, redundancy=3)
    round_ = project.rounds.get()
    submit_next(round_, bob, 1, 1, -1)
    submit_next(round_, mia, 1, -1)
    asked = submit_next(round_, alice, -1)
    Assignment.objects.filter(pk=asked.pk).update(is_quality_control=True)
    submit_next(make_screening(project), alice, -1)
    Membership.objects.filter(project=project, user=mia).update(status=Membership.Status.SUSPENDED)
    return project


def test_by_default_they_are_the_counted_assignments(spoken: Project) -> None:
    members = Membership.objects.filter(project=spoken).pseudonyms()
    mine = {(members[one.labeler_id], one.round.number) for one in Assignment.objects.counted()}
    assert names_that_count(spoken) == mine
    assert len(mine) == 1


@pytest.mark.parametrize(
    ("policy", "more"),
    [({"suspended": "keep"}, 1), ({"quality_control": "keep"}, 1), ({"screening": "keep"}, 1), ({}, 0)],
)
def test_others_are_taken_by_name(spoken: Project, policy: dict[str, Any], more: int) -> None:
    assert len(names_that_count(spoken, **policy)) == 1 + more


def test_the_manifest_says_whose_ratings_were_left_out(spoken: Project) -> None:
    tally = Tally()
    policy = LabelPolicy.from_dict({"sources": ["human"], "thin": "take"})
    for one in collected(spoken):
        list(FORMATS["trl-prm"].rows(one, policy, tally))
    assert tally.left_out["ratings: of suspended labelers"] == 2
    assert tally.left_out["ratings: answers to gold tasks"] == 1
    assert tally.left_out["ratings: answers of a screening"] == 1
    assert tally.ratings() == {"read": 7, "written": 3, "left_out": 4, "repeated": 0, "made": 0}


def test_a_screening_answer_of_a_file_is_left_out(project: Project) -> None:
    screened = person("a", 1, -1, is_screening=True)
    assert labels(record(people=[screened])) == []
    assert labels(record(people=[screened]), screening="keep") == [[1, -1, None, None]]


def test_of_several_assignments_of_one_labeler_the_newest_counts() -> None:
    one = record(people=[person("a", -1, round=1), person("b", 1, 1), person("a", 1, 1, round=2)])
    assert labels(one) == [[1, 1, None, None]], "no tie of three voices of two people"
    assert labels(one, people="each") == [[1, 1, None, None], [1, 1, None, None]]
    assert labels(one, people="first") == [[-1, None, None, None]]
    assert labels(one, rounds=[1]) == [[-1, None, None, None]], "of the rounds that the policy takes"


def test_okay_against_great_is_okay() -> None:
    one = record(people=[person("a", 1, 0, 1), person("b", 0, 1, -1)])
    assert labels(one, neutral="own_class") == [[0, 0, None, None]]


def test_a_reviewers_rating_stands_above_the_majority() -> None:
    stands = [ConsensusRating(position=1, rating=-1, how="adjudicated", certainty=1.0)]
    people = [person("a", 1, 1, 1), person("b", 1, 1, 1)]
    assert labels(record(people=people, consensus=stands), sources=["human"]) == [[1, -1, None, None]]
    assert labels(record(consensus=stands), sources=["human"], rounds=[1]) == []
    each = labels(record(people=people, consensus=stands), sources=["human"], people="each")
    assert each == [[1, 1, 1, None], [1, 1, 1, None]], "what each says stays theirs"


def test_thin_consensus_is_taken_by_name_and_counted_otherwise() -> None:
    stands = [
        ConsensusRating(position=0, rating=1, how="majority", is_thin=True),
        ConsensusRating(position=1, rating=-1, how="majority", is_thin=True),
    ]
    one = record(consensus=stands)
    tally = Tally()
    assert list(FORMATS["trl-prm"].rows(one, LabelPolicy.from_dict({"sources": ["consensus"]}), tally)) == []
    assert tally.left_out == {
        "ratings: thin: fewer people than asked for": 2,
        "solutions: no source of the policy labels them": 1,
    }
    assert labels(one, sources=["consensus"], thin="take") == [[1, -1, None, None]]


def test_one_of_two_people_asked_is_thin_in_the_export(project: Project, bob: User, mia: User) -> None:
    round_ = make_round(project, redundancy=2)
    submit_next(round_, bob, 1, -1)
    recompute_project(project)
    (one,) = collected(project)
    assert [(step.people, step.is_thin) for step in one.consensus] == [(1, True), (1, True)]
    assert labels(one, sources=["consensus"]) == []
    assert labels(one, sources=["consensus"], thin="take") == [[1, -1, None]]
    assert labels(one) == [], "the source human says by majority, and so does one of two not"
    assert labels(one, thin="take") == labels(one, people="each") == [[1, -1, None]]
    submit_next(round_, mia, 1, -1)
    recompute_project(project)
    (one,) = collected(project)
    assert [(step.people, step.is_thin) for step in one.consensus] == [(2, False), (2, False)]
    assert labels(one, sources=["consensus"]) == labels(one) == [[1, -1, None]]


def test_a_step_that_few_of_those_asked_reached_is_thin() -> None:
    """Of three people two name an earlier first error: what the third says of later steps is no majority."""
    people = [person("a", 1, 1, 1), person("b", 1, -1), person("c", 1, 1, 1)]
    asked = [structs.replace(one, redundancy=3) for one in people]
    tally = Tally()
    policy = LabelPolicy.from_dict({"sources": ["human"]})
    assert labels(record(people=asked)) == [[1, 1, 1, None]]
    asked[2] = structs.replace(asked[2], steps=asked[2].steps[:2])
    list(FORMATS["trl-prm"].rows(record(people=asked), policy, tally))
    assert tally.left_out["ratings: thin: fewer people than asked for"] == 1
    assert labels(record(people=asked), thin="take") == [[1, 1, 1, None]]


def test_who_rates_nothing_is_not_heard() -> None:
    """As in the consensus: somebody who is unsure of every step does not make one voice two."""
    people = [person("a", 1, -1), person("b", None)]
    assert labels(record(people=[structs.replace(one, redundancy=2) for one in people])) == []
    assert labels(record(people=people)) == [[1, -1, None, None]]


def test_the_projects_own_number_stands_for_the_rounds(project: Project, bob: User) -> None:
    submit_next(make_round(project, redundancy=3), bob, 1, -1)
    QualityRules.objects.update_or_create(project=project, defaults={"min_labelers": 1})
    (one,) = collected(project)
    assert labels(one, sources=["human"]) == [[1, -1, None]]
    QualityRules.objects.filter(project=project).update(min_labelers=2)
    (one,) = collected(project)
    assert labels(one, sources=["human"]) == []


def test_a_filter_of_rounds_that_filters_nothing_is_refused() -> None:
    assert LabelPolicy.from_dict({"rounds": [2]}).rounds == (2,)
    for sources in (["consensus"], ["gold", "monte_carlo_hard"], ["adjudicated"]):
        with pytest.raises(PolicyError, match="belong to no round"):
            LabelPolicy.from_dict({"sources": sources, "rounds": [2]})


def test_a_retired_problems_solutions_are_counted(spoken: Project) -> None:
    assert count_retired(spoken, of=("solution",)) == {"solutions": 0}
    spoken.problems.update(retired_at="2026-01-01T00:00Z")
    assert collected(spoken) == []
    assert count_retired(spoken, of=("solution",))["solutions"] > 0


def test_the_newest_answer_of_a_labeler_is_told_by_its_time() -> None:
    """Not by its place in the record: of a reviewer's corrections that follows from the labelers whom they correct."""
    at = datetime(2026, 1, 5, tzinfo=UTC)
    people = [
        person("rita", 1, submitted_at=at, role="reviewer"),
        person("rita", -1, submitted_at=at - timedelta(days=1), role="reviewer"),
        person("rita", -1, role="reviewer"),
    ]
    assert [not reason for reason in counted(record(people=people), LabelPolicy(people="each")).values()] == [
        True,
        False,
        False,
    ]


def test_the_last_word_counts_though_it_ended_early(project: Project, alice: User, bob: User) -> None:
    """Bob called the solution right, was asked again, called its first step bad and gave up: nothing of his is left."""
    solution = make_solution(make_problem(project))
    first = give(solution, bob, 1, 1, 1, 1, finish_reason="solution")
    second = give(solution, bob, 2, -1, finish_reason="give_up")
    assert reasons(solution, alice) == {first.pk: "earlier", second.pk: ""}
    (one,) = collected(project)
    assert labels(one) == []
    assert labels(one, finish_reasons=["solution", "give_up"]) == [[-1, None, None]]
    assert labels(one, rounds=[1]) == [[1, 1, 1]], "a round is what is looked at"
    assert set(counted(one, LabelPolicy()).values()) == {EARLIER, "of assignments that ended in give_up"}


@pytest.mark.parametrize("fields", [{"finish": "give_up"}, {"finish": "bad_problem"}, {"corrected_by": "rita"}])
def test_what_is_looked_at_and_not_taken_brings_nothing_older_back(fields: dict[str, Any]) -> None:
    one = record(people=[person("bob", 1, 1), person("bob", -1, **fields)])
    assert labels(one) == labels(one, people="each") == []


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"is_screening": True}, "screening"),
        ({"is_quality_control": True}, "quality_control"),
        ({"is_quality_control": True, "corrected_by": "rita"}, ""),
    ],
)
def test_what_is_not_looked_at_takes_no_place(fields: dict[str, Any], key: str) -> None:
    one = record(people=[person("bob", 1, 1), person("bob", -1, **fields)])
    assert labels(one) == [[1, 1, None, None]]
    if key:
        assert labels(one, **{key: "keep"}) == [[-1, None, None, None]]


def test_ratings_beside_the_path_take_no_place_of_those_on_it() -> None:
    """And of the answers of one labeler one counts, also where none of them speaks of the path."""
    one = record(people=[person("bob", 1, 1)])
    assert one.solution is not None
    other = StepRecord(position=0, candidate=1, text="Other.", chosen=False)
    solution = structs.replace(one.solution, steps=[*one.solution.steps, other])
    beside = person("bob", finish="give_up")
    beside = structs.replace(beside, steps=[StepRating(position=0, candidate=1, rating=-1)])
    newer = structs.replace(one, solution=solution, people=[*one.people, beside])
    assert labels(newer) == [[1, 1, None, None]]
    assert counted(newer, LabelPolicy.from_dict({"finish_reasons": ["solution", "give_up"]})) == {0: "", 1: OFF_PATH}
    twice = [beside, structs.replace(beside, labeler="bob"), structs.replace(beside, labeler="mia")]
    twice = structs.replace(one, solution=solution, people=twice)
    policy = LabelPolicy.from_dict({"finish_reasons": ["give_up"]})
    assert [not reason for reason in counted(twice, policy).values()] == [False, True, True]


def test_a_corrected_answer_brings_no_older_one_back() -> None:
    people = [person("bob", -1), person("bob", 1, corrected_by="rita")]
    assert all(counted(record(people=people), LabelPolicy()).values())


def test_an_answer_that_says_nothing_takes_no_place() -> None:
    empty = person("bob", finish="found_error")
    unsure = person("bob", None)
    assert labels(record(people=[person("bob", -1), empty])) == [[-1, None, None, None]]
    assert labels(record(people=[person("bob", -1), unsure])) == [[-1, None, None, None]]
    assert labels(record(people=[person("bob", -1), unsure]), unsure="positive") == [[1, None, None, None]]
    assert counted(record(people=[person("bob", -1), unsure]), LabelPolicy()) == {0: "", 1: EMPTY}
    assert counted(record(people=[unsure, person("bob", -1)]), LabelPolicy()) == {0: EARLIER, 1: ""}
