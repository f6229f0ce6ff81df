"""Where a labeler can go on when a round has no task for them, and why nowhere."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import User
from apps.labeling.models import Round
from apps.labeling.queue.next_rounds import next_rounds_for
from apps.labeling.rounds.services import create_round, open_round, set_round_status
from apps.projects.models import Membership, Project, Role
from apps.projects.services import create_project
from apps.removal.kinds import KINDS
from apps.removal.services import archive
from tests.cast import bearer, make_problem, make_screening, make_solution
from tests.quality.submissions import submit_next

pytestmark = pytest.mark.django_db


def numbers(labeler: User, after: Round) -> list[tuple[str, int]]:
    return [(next_.round.project.slug, next_.round.number) for next_ in next_rounds_for(labeler, after).rounds]


@pytest.fixture
def done(project: Project, bob: User) -> Round:
    """A round in which bob has done the one task."""
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    submit_next(round_, bob, 1, 1, 1)
    return round_


def test_rounds_of_the_same_project_come_first(done: Round, project: Project, bob: User, charlie: User) -> None:
    other = create_project(slug="aaa", name="AAA", owner=charlie)
    Membership.objects.create(project=other, user=bob, role=Role.LABELER, status="active")
    make_solution(make_problem(other))
    open_round(project=other, protocol="first_error")
    open_round(project=project, protocol="every_step")
    assert numbers(bob, done) == [("algebra", 2), ("aaa", 1)]


def test_only_rounds_with_a_task_for_the_labeler_are_offered(
    done: Round, project: Project, bob: User, mia: User, charlie: User
) -> None:
    create_round(project=project, protocol="every_step")
    paused = open_round(project=project, protocol="every_step")
    set_round_status(round=paused, status="paused", actor=mia)
    open_round(project=project, protocol="every_step", labelers=[mia])
    finished = open_round(project=project, protocol="every_step")
    submit_next(finished, mia, 1, 1, 1)
    strange = create_project(slug="strange", name="Strange", owner=charlie)
    make_solution(make_problem(strange))
    open_round(project=strange, protocol="first_error")
    following = next_rounds_for(bob, done)
    assert following.rounds == []
    assert "No other open round of your projects has a task for you now." in following.why_none


def test_no_round_of_an_archived_project_is_offered(done: Round, project: Project, bob: User, charlie: User) -> None:
    other = create_project(slug="aaa", name="AAA", owner=charlie)
    Membership.objects.create(project=other, user=bob, role=Role.LABELER, status="active")
    make_solution(make_problem(other))
    open_round(project=other, protocol="first_error")
    archive(kind=KINDS["project"], row=other, project=other, actor=charlie)
    assert numbers(bob, done) == []


def test_the_reason_names_what_the_labeler_can_do(done: Round, project: Project, bob: User) -> None:
    open_round(project=project, protocol="every_step", skills=["algebra"])
    why = next_rounds_for(bob, done).why_none
    assert "round 2: This round needs skills that you do not have here: algebra." in why


def test_a_begun_round_is_continued(done: Round, project: Project, bob: User) -> None:
    for _ in range(2):
        make_solution(make_problem(project))
    second = open_round(project=project, protocol="every_step")
    submit_next(second, bob, 1, 1, 1)
    assert [next_.is_begun for next_ in next_rounds_for(bob, done).rounds] == [True]


def test_passing_a_screening_offers_first_what_it_opened(project: Project, bob: User) -> None:
    screening = make_screening(project, tasks=1)
    ordinary = open_round(project=project, protocol="first_error")
    opened = open_round(project=project, protocol="every_step", needs_screening=True)
    assert numbers(bob, screening) == [("algebra", ordinary.number)]
    submit_next(screening, bob, 1, -1)
    assert numbers(bob, screening) == [("algebra", opened.number), ("algebra", ordinary.number)]


def test_a_claim_without_a_task_has_the_next_rounds(done: Round, project: Project, bob: User) -> None:
    address = f"/api/v1/projects/{project.slug}/rounds/{done.number}/claim"
    nowhere: Any = bearer(bob).post(address).json()
    assert nowhere["next_rounds"] == []
    assert nowhere["why_no_next"]
    open_round(project=project, protocol="every_step", name="Again")
    body: Any = bearer(bob).post(address).json()
    assert body["next_rounds"] == [
        {
            "project": "algebra",
            "project_name": "Algebra",
            "number": 2,
            "name": "Again",
            "kind": "work",
            "is_begun": False,
        }
    ]
    assert body["why_no_next"] == ""


def test_looking_for_the_next_round_costs_a_few_queries_for_each(
    done: Round, project: Project, bob: User, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        open_round(project=project, protocol="every_step")
    with django_assert_max_num_queries(2 + 3 * 2):
        assert len(next_rounds_for(bob, done).rounds) == 3
