"""The hint in the form for a round says what its preview says and what opening makes. All terms: `test_previews.py`."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.dashboard.rounds import size as round_size
from apps.labeling.models import Round
from apps.labeling.rounds import pairs as pairing
from apps.labeling.rounds.count import count_round
from apps.labeling.rounds.services import create_round
from apps.projects.models import Project
from tests.cast import make_comparison, make_gold, make_problem, make_solution, signed_in


@pytest.fixture
def ready(project: Project) -> Project:
    """Ten solutions, of which three have gold labels."""
    for number in range(10):
        solution = make_solution(make_problem(project), is_correct=number % 2 == 0)
        if number < 3:
            make_gold(solution, 1, -1)
    return project


def hint(client_of: User, project: Project, **asked: str) -> str:
    found = signed_in(client_of).get(reverse("round-size", args=[project.slug]), asked)
    return " ".join(found.content.decode().split())


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "<b>10 solutions</b> match <code>all</code>: 10 submissions"),
        ({"redundancy": "3"}, "<b>10 solutions</b> match <code>all</code>: 30 submissions"),
        ({"redundancy": ""}, "10 submissions"),
        (
            {"gold_percent": "10", "redundancy": "3"},
            "<b>7 solutions</b> match <code>all</code> and 3 with gold labels: 21",
        ),
        ({"gold_percent": "10", "sample": "4", "redundancy": "2"}, " submissions"),
        ({"sample": "4", "lease_minutes": "too many", "once": "1"}, "<b>4 solutions</b> match <code>sample:4</code>"),
        ({"redundancy": "many"}, "Correct the fields"),
        ({"redundancy": "101"}, "Correct the fields"),
        ({"protocol": "comparison", "kind": "screening"}, "Comparisons have no gold labels"),
    ],
)
def test_the_hint_knows_gold_and_redundancy(ready: Project, mia: User, asked: dict[str, str], says: str) -> None:
    assert says in hint(mia, ready, **asked)


def test_a_screening_makes_its_gold_alone_for_each_who_may_work(
    ready: Project, mia: User, bob: User, charlie: User
) -> None:
    asked = {"kind": "screening", "redundancy": "5"}
    everybody = create_round(project=ready, protocol="first_error", kind="screening")
    page = signed_in(mia).get(reverse("round", args=[ready.slug, everybody.number])).content.decode()
    people = page.count("<li>") and int(page.split("people who may work</dt><dd>")[1].split("<")[0])
    says = hint(mia, ready, **asked)
    assert "3 solutions with gold labels</b> match <code>all</code>." in says
    assert f"{people} people may work, each on all of them: {3 * people} submissions." in says
    says = hint(mia, ready, **asked, labelers=str(bob.pk))
    assert "1 person may work, each on all of them: 3 submissions." in says
    assert "0 submissions" in hint(mia, ready, **asked, skills="topology")
    assert "have gold labels" not in hint(mia, ready, **asked, answer="wrong")


def test_the_page_of_a_draft_shows_its_own_terms_from_the_start(ready: Project, mia: User) -> None:
    client = signed_in(mia)
    assert "<b>10 solutions</b>" in client.get(reverse("round-new", args=[ready.slug])).content.decode()
    draft = create_round(project=ready, protocol="first_error", redundancy=3, gold_share=0.1, created_by=mia)
    page = " ".join(client.get(reverse("round-edit", args=[ready.slug, draft.number])).content.decode().split())
    assert "<b>7 solutions</b> match <code>all</code> and 3 with gold labels: 21 submissions" in page
    screening = create_round(project=ready, protocol="first_error", kind="screening", created_by=mia)
    page = client.get(reverse("round-edit", args=[ready.slug, screening.number])).content.decode()
    assert "3 solutions with gold labels</b>" in page
    # A form that comes back with something to mend shows what stands in it.
    answer = client.post(reverse("round-new", args=[ready.slug]), {"redundancy": "2", "lease_minutes": "0"})
    assert answer.status_code == 422
    assert "10 solutions</b> match <code>all</code>: 20 submissions" in answer.content.decode()


def test_the_count_makes_no_list_of_solutions_and_stops_at_its_limit(ready: Project) -> None:
    for terms in ({}, {"gold_share": 0.1}, {"gold_share": 1.0, "kind": "screening"}):
        for select in ("all", "sample:6", "wrong"):
            round_ = Round(project=ready, protocol="first_error", selection={"select": select}, **terms)
            with CaptureQueriesContext(
                connection,
            ) as asked:
                counted = count_round(round_, most=4)
            lists = [one["sql"] for one in asked if "COUNT(" not in one["sql"]]
            # Of what has gold labels alone.
            assert all("IN (" in sql or "goldlabel" in sql for sql in lists)
            assert counted.tasks is not None
            assert counted.tasks <= 5
    assert count_round(Round(project=ready, protocol="first_error", selection={"select": "all"}), most=4).tasks == 5


@pytest.mark.parametrize(
    ("bound", "asked", "says"),
    [
        # Ten solutions, of which three have gold labels: seven are left beside the gold.
        (
            6,
            {},
            "<b>More than 6 solutions</b> match <code>all</code>: more than 6 submissions. More than 1 min of work",
        ),
        (9, {}, "<b>More than 9 solutions</b> match <code>all</code>: more than 9 submissions. More than 1 min 30 s"),
        (10, {}, "<b>10 solutions</b> match <code>all</code>: 10 submissions. About 1 min 40 s of work"),
        (6, {"gold_percent": "10"}, "<b>More than 6 solutions</b> match <code>all</code> and 3"),
        (
            7,
            {"gold_percent": "10"},
            "<b>7 solutions</b> match <code>all</code> and 3 with gold labels: 7 submissions. About",
        ),
        (
            2,
            {"kind": "screening"},
            "<b>3 solutions with gold labels</b> match <code>all</code>. 1 person may work, each on all",
        ),
        (2, {"kind": "screening"}, " of them: 3 submissions. About 30 s of work"),
        (
            1,
            {"protocol": "comparison", "pairs": "existing"},
            "<b>More than 1 comparison</b> matches <code>all</code>: more",
        ),
        (
            2,
            {"protocol": "comparison", "pairs": "existing"},
            "<b>2 comparisons</b> match <code>all</code>: 2 submissions.",
        ),
        (1, {"sample": "1"}, "<b>1 solution</b> matches <code>sample:1</code>: 1 submission."),
    ],
)
def test_a_count_that_stopped_at_its_limit_is_shown_as_more_than(
    ready: Project, mia: User, bob: User, monkeypatch: pytest.MonkeyPatch, bound: int, asked: dict[str, str], says: str
) -> None:
    if "comparison" in asked.values():
        for _ in range(2):
            make_comparison(make_problem(ready), ["A."], ["B."])
    monkeypatch.setattr(round_size, "COUNTED_TO", bound)
    monkeypatch.setattr(round_size, "seconds_per_assignment", lambda _: 10.0)
    assert says in hint(mia, ready, labelers=str(bob.pk), **asked)


def test_pairs_of_very_many_solutions_are_counted_by_opening_alone(
    ready: Project, mia: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        make_solution(ready.problems.get(pk=ready.solutions.earliest("pk").problem_id), ["Other."])
    asked = {"protocol": "comparison", "pairs": "random", "each": "3", "redundancy": "2"}
    assert "makes 2 pairs" in hint(mia, ready, **asked) or "makes 3 pairs" in hint(mia, ready, **asked)
    for bound in (2, 11):
        monkeypatch.setattr(pairing, "COUNTED_TO", bound)
        says = hint(mia, ready, **asked)
        assert "12 solutions</b> match" in says
        assert "submission" not in says
        assert "The draft shows how many; 2 people compare each pair" in says
