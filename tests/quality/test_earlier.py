"""Of several assignments of one labeler the newest counts: in lists, evidence, disputes, contests and consensus alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Comparison, Solution
from apps.dashboard.solutions.evidence import comparisons_of
from apps.labeling.models import Assignment, PreferenceLabel, Round, StepLabel, Task, counted_q, newest_q
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Consensus, OpenDispute
from apps.quality.review.evidence import evidence_of
from apps.quality.sources import counted_ratings
from tests.cast import bearer, make_comparison, make_problem, make_solution
from tests.quality.submissions import mark_all_stale
from tests.quality.test_counted_consensus import answer, make_task

pytestmark = pytest.mark.slow

BEGIN = timezone.now() - timedelta(days=9)
AT: list[datetime | None] = [BEGIN + timedelta(days=day) for day in range(4)]


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project))


def give(solution: Solution, labeler: User, number: int, *ratings: int | None, **fields: Any) -> Assignment:
    """What the labeler says in a round of its own, which may be a screening."""
    task = make_task(solution, number, kind=fields.pop("kind", "work"))
    assignment = answer(task, labeler, *ratings)
    Assignment.objects.filter(pk=assignment.pk).update(**{"submitted_at": AT[number]} | fields)
    return assignment


def settle(project: Project) -> None:
    mark_all_stale(project)
    recompute_project(project)


def reasons(solution: Solution, reader: User) -> dict[int, str]:
    """By assignment, why it does not count; evidence, the list of step labels and consensus say the same."""
    client = bearer(reader)
    evidence = evidence_of(solution, lambda ids: dict.fromkeys(ids, "somebody"))
    not_counted = {labeler.assignment.pk: labeler.assignment.not_counted for labeler in evidence.labelers}
    rows = client.get(f"/api/v1/projects/{solution.project.slug}/step-labels?solution={solution.pk}").json()["results"]
    assert {row["assignment"]: row["not_counted"] for row in rows} == {
        pk: reason for pk, reason in not_counted.items() if StepLabel.objects.filter(assignment=pk).exists()
    }
    rated = StepLabel.objects.filter(
        counted_q("assignment__"), newest_q("assignment__"), step__solution=solution, rating__isnull=False
    )
    by_step: dict[int, list[int]] = {}
    for step, rating in rated.order_by("assignment__labeler").values_list("step", "rating"):
        by_step.setdefault(step, []).append(rating or 0)
    assert counted_ratings([solution]).by_step == by_step
    return not_counted


def test_the_newer_of_two_answers_counts_everywhere(
    project: Project, solution: Solution, alice: User, bob: User
) -> None:
    first, second = give(solution, bob, 1, 1, -1), give(solution, bob, 2, 1, 1, 1)
    settle(project)
    assert (Consensus.objects.get().people, Consensus.objects.get().first_error) == (1, -1)
    assert reasons(solution, alice) == {first.pk: "earlier", second.pk: ""}


NEWER: list[tuple[str, list[int | None], dict[str, Any], tuple[str, str]]] = [
    ("rated", [1, 1, 1], {}, ("earlier", "")),
    ("late", [1, 1, 1], {"state": "extra"}, ("earlier", "")),
    ("gave up with nothing", [], {"finish_reason": "give_up"}, ("", "")),
    ("unsure of all", [None, None], {}, ("", "")),
    ("a screening", [1, 1, 1], {"kind": "screening"}, ("", "screening")),
    ("training", [1, 1, 1], {"kind": "training"}, ("", "training")),
    ("a gold task", [1, 1, 1], {"is_quality_control": True}, ("", "quality_control")),
    ("returned by a reviewer", [1, 1, 1], {"state": "returned"}, ("", "not shown")),
    ("handed in before", [1, 1, 1], {"submitted_at": AT[0]}, ("", "earlier")),
    ("undated", [1, 1, 1], {"submitted_at": None}, ("", "earlier")),
]


@pytest.mark.parametrize(("name", "ratings", "fields", "expected"), NEWER, ids=[one[0] for one in NEWER])
def test_a_counted_assignment_with_ratings_replaces_the_earlier_one(
    solution: Solution,
    alice: User,
    bob: User,
    name: str,
    ratings: list[int | None],
    fields: dict[str, Any],
    expected: tuple[str, str],
) -> None:
    first, second = give(solution, bob, 1, 1, -1), give(solution, bob, 2, *ratings, **fields)
    not_counted = reasons(solution, alice)
    assert (not_counted[first.pk], not_counted.get(second.pk, "not shown")) == expected


def test_of_two_undated_answers_the_one_with_the_higher_number_is_newer(
    solution: Solution, alice: User, bob: User
) -> None:
    first, second = (give(solution, bob, number, 1, -1, submitted_at=None) for number in (1, 2))
    assert reasons(solution, alice) == {first.pk: "earlier", second.pk: ""}


def test_nothing_older_counts_in_place_of_what_a_reviewer_corrected(
    solution: Solution, alice: User, rita: User, bob: User
) -> None:
    first, second = give(solution, bob, 1, 1, -1), give(solution, bob, 2, 1, 1, 1, corrected_by=rita)
    assert reasons(solution, alice) == {first.pk: "earlier", second.pk: "corrected"}


def test_other_peoples_answers_and_answers_to_other_solutions_take_no_place(
    solution: Solution, alice: User, bob: User, rita: User
) -> None:
    own, other = give(solution, bob, 1, 1, -1), make_solution(solution.problem, ["Another."])
    of_rita = give(solution, rita, 2, 1, 1, 1)
    give(other, bob, 3, 1)
    assert reasons(solution, alice) == {own.pk: "", of_rita.pk: ""}


@pytest.mark.slow
def test_a_solution_that_grew_is_another_one_than_that_of_the_task(solution: Solution, alice: User, bob: User) -> None:
    """Bob labels the solution, leaves its path in a dialogue, and is asked about what grew there."""
    grown = make_solution(solution.problem, ["One.", "Another way."])
    first = give(solution, bob, 1, 1, -1)
    dialogue = give(solution, bob, 2, derived_solution=grown)
    StepLabel.objects.create(assignment=dialogue, step=grown.steps.get(position=0), rating=1)
    assert reasons(solution, alice) == {first.pk: ""}
    assert reasons(grown, alice) == {dialogue.pk: ""}
    later = give(grown, bob, 3, 1, 1)
    assert reasons(solution, alice) == {first.pk: ""}
    assert reasons(grown, alice) == {dialogue.pk: "earlier", later.pk: ""}


def test_an_unsure_flag_is_withdrawn_by_the_newer_answer(project: Project, solution: Solution, bob: User) -> None:
    give(solution, bob, 1, 1, None)
    settle(project)
    assert set(OpenDispute.objects.values_list("kind", flat=True)) == {"unsure"}
    give(solution, bob, 2, 1, 1, 1)
    settle(project)
    assert not OpenDispute.objects.exists()


# --- comparisons ------------------------------------------------------------------------------------------


def prefer(comparison: Comparison, labeler: User, number: int, choice: str) -> Assignment:
    """Without a choice: handed in with none."""
    round_ = Round.objects.create(project=comparison.project, number=number, protocol="comparison", status="open")
    task = Task.objects.create(round=round_, comparison=comparison, open_slots=0)
    assignment = Assignment.objects.create(
        task=task, round=round_, labeler=labeler, state="submitted", submitted_at=AT[number]
    )
    if choice:
        PreferenceLabel.objects.create(assignment=assignment, choice=choice)
    return assignment


def test_a_contest_counts_each_person_once(project: Project, alice: User, bob: User, rita: User) -> None:
    comparison = make_comparison(make_problem(project), ["One."], ["Two."])
    assignments = [
        prefer(comparison, bob, 1, "left"),
        prefer(comparison, bob, 2, "right"),
        prefer(comparison, bob, 3, ""),
        prefer(comparison, rita, 0, "left"),
    ]
    (counts,) = comparisons_of(comparison.left)
    assert (counts.own, counts.other, counts.ties) == (1, 1, 0)
    rows = bearer(alice).get(f"/api/v1/projects/{project.slug}/preferences").json()["results"]
    assert {row["assignment"]: row["not_counted"] for row in rows} == {
        assignments[0].pk: "earlier",
        assignments[1].pk: "",
        assignments[3].pk: "",
    }
