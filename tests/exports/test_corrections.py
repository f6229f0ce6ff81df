"""A reviewer's ratings leave as the reviewer's, and the labeler's own stay the labeler's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.accounts.models import User
from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.records import Record
from apps.exports.formats import FORMATS
from apps.exports.labels.steps import resolve
from apps.exports.load.records import load_records
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.labeling.models import Assignment, GoldLabel
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import StepConsensus
from apps.quality.review.assignments import correct_assignment, withdraw_correction
from tests.cast import make_problem, make_round, make_solution
from tests.judging.verdicts import bring_in
from tests.quality.submissions import submission_of, submit_next


@pytest.fixture
def missed(project: Project, bob: User) -> Assignment:
    """Bob finds no error in three steps."""
    make_solution(make_problem(project))
    return submit_next(make_round(project), bob, 1, 1, 1)


@pytest.fixture
def corrected(missed: Assignment, rita: User) -> Assignment:
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita, note="4 + 4 is 8.")
    recompute_project(missed.round.project)
    return missed


def the_record(project: Project) -> Record:
    ((record,),) = load_records(project)
    return record


def rows(format_: str, record: Record, tally: Tally | None = None, **policy: Any) -> list[Any]:
    return list(FORMATS[format_].rows(record, LabelPolicy.from_dict(policy), tally or Tally()))


@pytest.mark.slow
@pytest.mark.parametrize("people", ["majority", "each", "first"])
@pytest.mark.parametrize("source", ["human", "consensus", "adjudicated"])
def test_every_source_has_the_reviewers_first_error(corrected: Assignment, people: str, source: str) -> None:
    policy = LabelPolicy.from_dict({"sources": [source], "people": people})
    assert [one.first_error for one in resolve(the_record(corrected.round.project), policy)] == [1]


def test_both_leave_as_who_said_it(corrected: Assignment, bob: User, rita: User) -> None:
    names = Membership.objects.filter(project=corrected.round.project).pseudonyms()
    (row,) = rows("annotate", the_record(corrected.round.project))
    labeler, reviewer = row["people"]
    assert (labeler["labeler"], labeler["role"], labeler["corrected_by"]) == (
        names[bob.pk],
        "labeler",
        names[rita.pk],
    )
    assert [step["rating"] for step in labeler["steps"]] == [1, 1, 1]
    assert (reviewer["labeler"], reviewer["role"], reviewer["corrects"]) == (
        names[rita.pk],
        "reviewer",
        names[bob.pk],
    )
    assert [step["rating"] for step in reviewer["steps"]] == [1, -1]
    assert reviewer["reason"] == "4 + 4 is 8."
    assert row["first_error"] == 1


def test_the_manifest_counts_what_was_corrected(corrected: Assignment) -> None:
    tally = Tally()
    (row,) = rows("trl-prm", the_record(corrected.round.project), tally)
    assert row["labels"] == [True, False]
    assert tally.left_out == {"ratings: corrected by a reviewer, whose ratings count instead": 3}


def test_in_prm800k_the_reviewers_row_stands_in_place_of_the_labelers(corrected: Assignment) -> None:
    tally = Tally()
    (row,) = rows("prm800k", the_record(corrected.round.project), tally)
    assert [step["completions"][0]["rating"] for step in row["label"]["steps"]] == [1, -1]
    assert row["label"]["finish_reason"] == "found_error"
    assert tally.left_out == {"ratings: corrected by a reviewer, whose ratings count instead": 3}


def test_a_correction_that_is_taken_back_leaves_the_labelers_ratings(corrected: Assignment, rita: User) -> None:
    withdraw_correction(assignment=corrected, reviewer=rita)
    record = the_record(corrected.round.project)
    assert [(person.role, person.corrected_by) for person in record.people] == [("labeler", None)]
    assert [one.first_error for one in resolve(record, LabelPolicy.from_dict({"sources": ["human"]}))] == [-1]


def test_suspended_labelers_leave_prm800k_unless_the_policy_keeps_them(missed: Assignment, bob: User) -> None:
    Membership.objects.filter(user=bob).update(status=Membership.Status.SUSPENDED)
    tally = Tally()
    record = the_record(missed.round.project)
    assert rows("prm800k", record, tally) == []
    assert tally.left_out == {"ratings: of suspended labelers": 3, "solutions: not labeled by people": 1}
    assert len(rows("prm800k", record, suspended="keep")) == 1
    (row,) = rows("annotate", record)
    assert [person["is_suspended"] for person in row["people"]] == [True]


def test_self_review_is_marked(corrected: Assignment) -> None:
    StepConsensus.objects.filter(step__position=1).update(self_reviewed=True)
    GoldLabel.objects.create(step=corrected.task.solution.steps.get(position=0), rating=1, self_reviewed=True)
    corrected.reviews.update(self_reviewed=True)
    (row,) = rows("annotate", the_record(corrected.round.project))
    assert [step["self_reviewed"] for step in row["consensus"]["steps"]] == [False, True]
    assert [step["self_reviewed"] for step in row["gold"]["steps"]] == [True]
    assert [person["self_reviewed"] for person in row["people"]] == [False, True]


def test_gold_that_a_side_made_says_so_in_another_project(corrected: Assignment, charlie: User) -> None:
    GoldLabel.objects.create(step=corrected.task.solution.steps.get(position=0), rating=1, self_reviewed=True)
    GoldLabel.objects.create(step=corrected.task.solution.steps.get(position=1), rating=-1)
    (row,) = rows("annotate", the_record(corrected.round.project))
    other = create_project(slug="other", name="Other", owner=charlie)
    batch = bring_in(other, [json.loads(json.dumps(row, default=str))])
    landed = GoldLabel.objects.filter(step__solution__project=other).order_by("step__position")
    assert list(landed.values_list("rating", "self_reviewed")) == [(1, True), (-1, False)]
    assert "people[].self_reviewed" not in batch.ignored, "no labeler's entry says it"


def test_what_comes_in_again_has_no_two_voices_for_one(corrected: Assignment) -> None:
    """Neither the corrected ratings nor the correction lands as a labeler's; both are told."""
    (row,) = rows("annotate", the_record(corrected.round.project))
    (again,) = READERS["jsonl"].read(json.loads(json.dumps(row, default=str)), ReaderOptions())
    assert again.people == []
    assert {"people[] (a reviewer's correction)", "people[] (ratings that a reviewer corrected)"} <= set(again.ignored)


def test_a_suspended_labelers_ratings_land_elsewhere_and_are_told(missed: Assignment, bob: User) -> None:
    Membership.objects.filter(user=bob).update(status=Membership.Status.SUSPENDED)
    (row,) = rows("annotate", the_record(missed.round.project))
    (again,) = READERS["jsonl"].read(json.loads(json.dumps(row, default=str)), ReaderOptions())
    assert len(again.people) == 1
    assert "people[].is_suspended (the labels count here)" in again.ignored
