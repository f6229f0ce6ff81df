"""Who may claim, and the reasons shown to those who may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.eligibility import eligibility_of_members
from apps.labeling.queue.leases import release
from apps.labeling.rounds.services import create_round, set_round_status
from apps.projects.models import Membership, Project
from tests.cast import make_problem, make_round, make_solution

Bend = Callable[[Round, User, User], None]


def told(round_: Round, labeler: User) -> NoTask:
    answer = claim(round=round_, labeler=labeler)
    assert isinstance(answer, NoTask), answer
    return answer


def members(user: User) -> object:
    return Membership.objects.filter(user=user)


def suspend(round_: Round, bob: User, _: User) -> None:
    Membership.objects.filter(user=bob).update(status="suspended")


def leave(round_: Round, bob: User, _: User) -> None:
    Membership.objects.filter(user=bob).delete()


def name_another_labeler(round_: Round, _: User, rita: User) -> None:
    round_.is_for_named = True
    round_.labelers.set([rita])


def ask_for_skills(round_: Round, bob: User, _: User) -> None:
    round_.skills = ["algebra", "Lean"]
    Membership.objects.filter(user=bob).update(skills=["algebra"])


def pause(round_: Round, _: User, rita: User) -> None:
    set_round_status(round=round_, status="paused", actor=rita)


def close(round_: Round, _: User, rita: User) -> None:
    set_round_status(round=round_, status="closed", actor=rita)


def ask_for_screening(round_: Round, *_: User) -> None:
    round_.needs_screening = True


@pytest.mark.parametrize(
    ("bend", "code", "words"),
    [
        (suspend, "suspended", "suspended"),
        (leave, "not_a_member", "not a member"),
        (name_another_labeler, "not_named", "not one of them"),
        (ask_for_skills, "skills_missing", "you do not have here: Lean."),
        (ask_for_screening, "screening_missing", "no screening is open"),
        (pause, "round_paused", "paused"),
        (close, "round_closed", "closed"),
    ],
)
def test_a_claim_says_why_not(project: Project, bob: User, rita: User, bend: Bend, code: str, words: str) -> None:
    round_ = make_round(project)
    bend(round_, bob, rita)
    answer = told(round_, bob)
    assert answer.code == code
    assert words in answer.message


def test_a_draft_serves_no_tasks(project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    assert told(create_round(project=project, protocol="first_error"), bob).code == "round_draft"


def test_who_is_named_and_has_the_skills_gets_work(project: Project, bob: User, rita: User) -> None:
    Membership.objects.filter(user=bob).update(skills=["algebra", "Lean", "proof"])
    round_ = make_round(project, labelers=[bob], skills=["Lean"])
    assert isinstance(claim(round=round_, labeler=bob), Assignment)
    assert told(round_, rita).code == "not_named"


def test_the_rules_apply_to_each_claim_but_not_to_open_assignments(project: Project, bob: User) -> None:
    Membership.objects.filter(user=bob).update(skills=["Lean"])
    round_ = make_round(project, tasks=2, skills=["Lean"])
    held = claim(round=round_, labeler=bob)
    assert isinstance(held, Assignment)
    Membership.objects.filter(user=bob).update(skills=[])
    assert claim(round=round_, labeler=bob) == held
    release(assignment=held)
    assert told(round_, bob).code == "skills_missing"


def test_a_screening_passed_in_another_project_does_not_count(project: Project, bob: User, alice: User) -> None:
    from apps.projects.services import add_member, create_project
    from tests.cast import make_screening
    from tests.world import rate

    other = create_project(slug="other", owner=alice)
    add_member(project=other, user=bob, role="labeler")
    screening = make_screening(other, tasks=1)
    rate(screening, bob, 1, -1)
    assert told(make_round(project, needs_screening=True), bob).code == "screening_missing"


def test_the_rules_cost_two_queries_at_most(project: Project, bob: User) -> None:
    plain, strict = make_round(project), make_round(project, labelers=[bob], needs_screening=True)
    with CaptureQueriesContext(connection) as free:
        claim(round=plain, labeler=bob)
    with CaptureQueriesContext(connection) as asked:
        told(strict, bob)
    assert len(asked) <= len(free)


def test_a_manager_sees_who_may_work_and_why_others_may_not(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    Membership.objects.filter(user=bob).update(skills=["Lean"])
    round_ = make_round(project, skills=["Lean"])
    codes = {member.user: refused and refused.code for member, refused in eligibility_of_members(round_)}
    assert codes == {alice: "skills_missing", bob: None, rita: "skills_missing"}
