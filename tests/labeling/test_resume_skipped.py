"""A skipped task is opened again by its labeler, if it is still free."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.queue.leases import skip
from apps.labeling.queue.skipped import resume_skipped, skipped_assignments, why_not_free
from apps.labeling.rounds.services import set_round_status
from apps.projects.models import Membership, Project
from tests.cast import make_round
from tests.labeling.test_queue import GOOD, take


@pytest.fixture
def round_(project: Project) -> Round:
    return make_round(project, tasks=4)


def skipped(round_: Round, labeler: User) -> Assignment:
    held = take(round_, labeler)
    skip(assignment=held)
    return reloaded(held)


def reloaded(assignment: Assignment) -> Assignment:
    return Assignment.objects.select_related("task", "round__project", "labeler").get(pk=assignment.pk)


def test_the_very_task_is_leased_again_with_its_draft(round_: Round, bob: User) -> None:
    held = take(round_, bob)
    save_draft(assignment=held, version=0, draft={"steps": [{"position": 0, "rating": 1}]})
    skip(assignment=held)
    resumed = resume_skipped(assignment=reloaded(held))
    assert (resumed.pk, resumed.state, resumed.draft_version) == (held.pk, "leased", 1)
    assert Task.objects.get(pk=held.task_id).open_slots == 0
    assert take(round_, bob).pk == held.pk
    assert resume_skipped(assignment=reloaded(held)).pk == held.pk
    assert Task.objects.get(pk=held.task_id).open_slots == 0


def test_one_of_several_is_chosen(round_: Round, bob: User) -> None:
    skipped(round_, bob)
    second = skipped(round_, bob)
    assert resume_skipped(assignment=second).pk == second.pk


def test_what_others_have_taken_is_not_free(round_: Round, bob: User, rita: User) -> None:
    own = skipped(round_, bob)
    while take(round_, rita).task_id != own.task_id:
        submit(assignment=take(round_, rita), submission=GOOD)
    assert "Others have taken this task" in str(why_not_free(reloaded(own)))
    with pytest.raises(Conflict) as refused:
        resume_skipped(assignment=reloaded(own))
    assert refused.value.code == "not_free"


def test_a_withdrawn_task_says_why(round_: Round, bob: User) -> None:
    own = skipped(round_, bob)
    Task.objects.filter(pk=own.task_id).update(withdrawn="retired", open_slots=0)
    with pytest.raises(Conflict, match="the problem is retired"):
        resume_skipped(assignment=reloaded(own))


def test_a_paused_round_opens_nothing(round_: Round, bob: User, alice: User) -> None:
    own = skipped(round_, bob)
    set_round_status(round=round_, status="paused", actor=alice)
    with pytest.raises(Conflict, match="paused"):
        resume_skipped(assignment=reloaded(own))


def test_who_may_get_no_task_may_not_open_a_skipped_one(round_: Round, bob: User) -> None:
    own = skipped(round_, bob)
    Membership.objects.filter(user=bob).update(status=Membership.Status.SUSPENDED)
    with pytest.raises(Conflict) as refused:
        resume_skipped(assignment=reloaded(own))
    assert refused.value.code == "suspended"


def test_who_holds_two_tasks_finishes_one_first(round_: Round, bob: User) -> None:
    own = skipped(round_, bob)
    first = take(round_, bob)
    take(round_, bob, holding=[first.pk])
    with pytest.raises(Conflict) as refused:
        resume_skipped(assignment=reloaded(own))
    assert refused.value.code == "holding_enough"


def test_only_a_skipped_task_is_opened_again(round_: Round, bob: User) -> None:
    done = submit(assignment=take(round_, bob), submission=GOOD)
    with pytest.raises(Conflict, match="not skipped"):
        resume_skipped(assignment=reloaded(done))


def test_the_list_holds_own_skipped_tasks_with_their_problems(
    round_: Round, bob: User, rita: User, project: Project
) -> None:
    own = skipped(round_, bob)
    skipped(round_, rita)
    (listed,) = skipped_assignments(bob, project)
    assert (listed.pk, bool(listed.task.problem.statement), why_not_free(listed)) == (own.pk, True, None)
