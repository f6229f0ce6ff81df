"""Gold among the other tasks: nothing that a labeler sees distinguishes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.corpus.models import Step
from apps.labeling.models import Assignment, GoldLabel, Round, Task
from apps.labeling.opaque_ids import opaque_id
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import bearer, make_problem, make_solution

pytestmark = pytest.mark.slow

# Of a hundred tasks about thirty are gold, and it hardly ever happens that this is not enough.
PLAIN, GOLD = 90, 60


@dataclass
class Served:
    """One pair of requests, as the labeler sees it, and what it was."""

    is_gold: bool
    claimed: dict[str, Any]
    submitted: dict[str, Any]
    statements: tuple[int, int]


@pytest.fixture
def gold_round(project: Project) -> Round:
    """Three solutions a problem; gold came in a block of its own, last."""
    for _ in range(PLAIN // 3):
        problem = make_problem(project, reference_answer="42")
        for _ in range(3):
            make_solution(problem)
    for _ in range(GOLD):
        step = Step.objects.filter(solution=make_solution(make_problem(project, reference_answer="42"))).first()
        GoldLabel.objects.create(step=step, rating=1)
    return open_round(project=project, protocol="first_error", gold_share=0.3)


def work(round_: Round, labeler: User, tasks: int) -> list[Served]:
    """One after another, by the API alone."""
    api, series = bearer(labeler), []
    for _ in range(tasks):
        with CaptureQueriesContext(connection) as to_claim:
            claimed = post(api, f"/projects/{round_.project.slug}/rounds/{round_.number}/claim", {})
        assignment = claimed["assignment"]
        steps = [{"position": step["position"], "candidate": 0, "rating": 1} for step in assignment["steps"]]
        with CaptureQueriesContext(connection) as to_submit:
            submitted = post(
                api, f"/assignments/{assignment['id']}/submit", {"steps": steps, "finish_reason": "solution"}
            )
        is_gold = Task.objects.get(assignments=assignment["id"]).is_gold
        series.append(Served(is_gold, claimed, submitted, (len(to_claim), len(to_submit))))
    return series


def post(api: Client, path: str, body: dict[str, Any]) -> Any:
    answer = api.post(f"/api/v1{path}", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def shape(value: Any) -> Any:
    """Names in their order and the kinds of the values."""
    if isinstance(value, dict):
        return [(name, shape(part)) for name, part in value.items()]
    return [shape(part) for part in value] if isinstance(value, list) else type(value).__name__


def separation(series: Sequence[Served], tell: Callable[[Served, Served], float]) -> float:
    """How often the figure is higher at gold than at another task: a half when it tells nothing, 0 or 1 when all."""
    figures = [(now.is_gold, tell(before, now)) for before, now in pairwise(series)]
    gold = [figure for is_gold, figure in figures if is_gold]
    plain = [figure for is_gold, figure in figures if not is_gold]
    wins = sum((one > other) + (one == other) / 2 for one in gold for other in plain)
    return wins / (len(gold) * len(plain))


def test_a_series_of_answers_does_not_reveal_gold(gold_round: Round, bob: User) -> None:
    series = work(gold_round, bob, 100)
    assert 8 < sum(one.is_gold for one in series) < 55
    assert len({str(shape(one.claimed)) for one in series}) == 1
    assert len({str(shape(one.submitted)) for one in series}) == 1
    # The count moves with each submission, and by as much.
    done = [one.submitted["progress"] for one in series]
    assert [one["done"] for one in done] == [min(number, PLAIN) for number in range(1, 101)]
    assert [one["today"] for one in done] == list(range(1, 101))
    # The same work in the database, once the labeler has a progress row with a cursor.
    begun = 1 + next(number for number, one in enumerate(series) if not one.is_gold)
    assert len({one.statements for one in series[max(2, begun) :]}) == 1
    numbers: list[Callable[[Served], int]] = [
        lambda one: one.claimed["assignment"]["id"],
        lambda one: one.claimed["assignment"]["task"],
        lambda one: one.claimed["assignment"]["problem"]["id"],
    ]
    for number in numbers[1:]:
        assert 0.2 < separation(series, lambda _, now, number=number: number(now)) < 0.8
    for number in numbers:
        assert 0.2 < separation(series, lambda before, now, number=number: number(now) - number(before)) < 0.8


def test_what_labelers_read_of_the_round_does_not_reveal_gold(gold_round: Round, bob: User, mia: User) -> None:
    series = work(gold_round, bob, 30)
    gold = sum(one.is_gold for one in series)
    assert gold
    address = f"/api/v1/projects/{gold_round.project.slug}/rounds"
    assert bearer(bob).get(f"{address}/1").json()["submitted"] == 30
    assert bearer(bob).get(address).json()["results"][0]["submitted"] == 30
    # Managers see the round's own count.
    assert bearer(mia).get(f"{address}/1").json()["submitted"] == 30 - gold


def test_gold_is_not_served_once_nothing_else_is_left(gold_round: Round, bob: User) -> None:
    Task.objects.filter(round=gold_round, is_gold=False).update(open_slots=0)
    api = bearer(bob)
    for _ in range(30):
        answer = post(api, f"/projects/{gold_round.project.slug}/rounds/1/claim", {})
        assert (answer["assignment"], answer["reason"]) == (None, "all_done")


def test_a_round_of_only_gold_serves_all_of_it(project: Project, bob: User) -> None:
    for step in Step.objects.filter(solution__in=[make_solution(make_problem(project)) for _ in range(5)]):
        GoldLabel.objects.create(step=step, rating=1)
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error", gold_share=1)
    series = work(round_, bob, 5)
    assert all(one.is_gold for one in series)
    assert Assignment.objects.filter(labeler=bob).values("task").distinct().count() == 5


def test_tasks_are_shuffled_where_gold_is_mixed_in(gold_round: Round) -> None:
    served = list(
        Task.objects.filter(round=gold_round, is_gold=False).order_by("id").values_list("solution", flat=True)
    )
    assert served != sorted(served)
    assert len(served) == PLAIN


def test_opaque_ids_differ_by_kind_and_number() -> None:
    masks = [opaque_id("task", number) for number in range(2000)]
    assert len(set(masks)) == 2000
    assert all(0 <= mask < 2**52 for mask in masks)
    assert opaque_id("task", 7) == masks[7] != opaque_id("problem", 7)
    rising = sum(one < other for one, other in pairwise(masks))
    assert 800 < rising < 1200
