"""A task that a manager assigns to somebody is theirs: they get it next, and nobody else gets its slot."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Reservation, Round, RoundProgress, Task
from apps.labeling.problems import bring_back, retire_problem
from apps.labeling.queue.claim import NoTask, claim, has_task
from apps.labeling.queue.leases import expire_leases, release, skip
from apps.labeling.queue.reservations import (
    HIGHEST_PRIORITY,
    MOST_TASKS,
    release_tasks,
    reserve,
    set_priority,
    waiting_reservations,
)
from apps.labeling.queue.skipped import resume_skipped, skipped_assignments
from apps.labeling.rounds.completion import is_complete
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.quality.gold.suspensions import suspend
from apps.removal.kinds import KINDS
from apps.removal.services import delete
from tests.at_once import while_uncommitted
from tests.cast import make_round, make_screening
from tests.labeling.test_queue import GOOD, LATER, nothing, take


@pytest.fixture
def round_(project: Project) -> Round:
    return make_round(project, tasks=4)


def tasks_of(round_: Round) -> list[int]:
    return list(Task.objects.filter(round=round_).order_by("pk").values_list("pk", flat=True))


def slots(task: int) -> int:
    return Task.objects.get(pk=task).open_slots


def assign(round_: Round, tasks: list[int], labeler: User, by: User, note: str = "") -> dict[int, str]:
    return dict(reserve(project=round_.project, tasks=tasks, labeler=labeler, actor=by, note=note).refused)


def test_the_labeler_gets_exactly_that_task_next(round_: Round, alice: User, bob: User) -> None:
    *_, last = tasks_of(round_)
    assert assign(round_, [last], bob, alice, "Please look at this one.") == {}
    assert slots(last) == 0
    assert [row.task_id for row in waiting_reservations(bob, round_.project)] == [last]
    taken = take(round_, bob)
    assert taken.task_id == last
    assert task_payload(taken)["assigned"] == {"by": str(alice), "note": "Please look at this one."}
    assert task_payload(take(round_, bob, holding=[taken.pk]))["assigned"] is None
    assert waiting_reservations(bob, round_.project) == []


def test_several_come_in_the_order_in_which_they_were_named(round_: Round, alice: User, bob: User) -> None:
    first, second, third, fourth = tasks_of(round_)
    assign(round_, [fourth, second], bob, alice)
    order = []
    for _ in range(4):
        taken = take(round_, bob)
        order.append(taken.task_id)
        submit(assignment=taken, submission=GOOD)
    assert order == [fourth, second, first, third]


def test_nobody_else_gets_it(round_: Round, alice: User, bob: User, rita: User) -> None:
    first, *rest = tasks_of(round_)
    assign(round_, [first], bob, alice)
    for _ in rest:
        taken = take(round_, rita)
        assert taken.task_id != first
        submit(assignment=taken, submission=GOOD)
    assert nothing(round_, rita) == "all_assigned"
    assert not is_complete(round_)
    assert has_task(round_, bob)
    assert not has_task(round_, rita)


def test_it_comes_before_what_was_returned_or_begun(round_: Round, alice: User, bob: User) -> None:
    first, *_, last = tasks_of(round_)
    begun = take(round_, bob)
    assert begun.task_id == first
    submit(assignment=begun, submission=GOOD)
    Assignment.objects.filter(pk=begun.pk).update(state=Assignment.State.RETURNED)
    assign(round_, [last], bob, alice)
    assert take(round_, bob).task_id == last


def test_what_the_labeler_had_begun_comes_back_with_its_draft(round_: Round, alice: User, bob: User) -> None:
    held = take(round_, bob)
    save_draft(assignment=held, version=0, draft={"steps": [{"position": 0, "rating": 1}]})
    skip(assignment=held)
    assert assign(round_, [held.task_id], bob, alice) == {}
    taken = take(round_, bob)
    assert (taken.pk, taken.draft_version) == (held.pk, 1)
    skip(assignment=taken)
    assert assign(round_, [held.task_id], bob, alice, "Again, please.") == {}
    assert take(round_, bob).pk == held.pk
    assert slots(held.task_id) == 0
    assert Reservation.objects.get().note == "Again, please."


@pytest.mark.parametrize("how", ["released", "expired"])
def test_it_stays_theirs_until_they_submit_it_although_the_page_was_closed(
    round_: Round, alice: User, bob: User, rita: User, how: str
) -> None:
    """A page that closes releases what nobody has begun, and a computer that sleeps lets the lease expire."""
    first, *rest = tasks_of(round_)
    assign(round_, [first], bob, alice, "Please.")
    held = take(round_, bob)
    if how == "released":
        release(assignment=held)
    else:
        assert expire_leases(now=timezone.now() + LATER) == 0
    assert slots(first) == 0
    for _ in rest:
        submit(assignment=take(round_, rita), submission=GOOD)
    assert nothing(round_, rita) == "all_assigned"
    again = take(round_, bob)
    assert (again.task_id, task_payload(again)["assigned"]["note"]) == (first, "Please.")
    submit(assignment=again, submission=GOOD)
    assert slots(first) == 0


def test_an_assigned_task_whose_lease_a_manager_takes_back_is_free(round_: Round, alice: User, bob: User) -> None:
    first, *_ = tasks_of(round_)
    assign(round_, [first], bob, alice)
    take(round_, bob)
    release_tasks(project=round_.project, tasks=[first], actor=alice)
    assert slots(first) == 1
    assert waiting_reservations(bob, round_.project) == []


@pytest.mark.parametrize("why", ["suspended", "closed"])
def test_what_is_leased_does_not_wait_again_once_the_assignment_has_ended(
    round_: Round, alice: User, bob: User, why: str
) -> None:
    first, *_ = tasks_of(round_)
    assign(round_, [first], bob, alice)
    held = take(round_, bob)
    if why == "suspended":
        suspend(membership=Membership.objects.get(user=bob, project=round_.project), reason="Guessed.", by=alice)
    else:
        set_round_status(round=round_, status="closed", actor=alice)
    release(assignment=held)
    assert (slots(first), Reservation.objects.count()) == (1, 0)


def test_a_skipped_task_that_is_assigned_comes_as_assigned_and_not_from_the_list(
    round_: Round, alice: User, bob: User
) -> None:
    held = take(round_, bob)
    skip(assignment=held)
    assert list(skipped_assignments(bob, round_.project)) == [held]
    assign(round_, [held.task_id], bob, alice)
    assert list(skipped_assignments(bob, round_.project)) == []
    with pytest.raises(Conflict, match="A manager has assigned this task to you"):
        resume_skipped(assignment=held)
    assert take(round_, bob).pk == held.pk


def test_what_was_assigned_to_a_member_who_is_removed_is_free(round_: Round, alice: User, bob: User) -> None:
    first, *_ = tasks_of(round_)
    assign(round_, [first], bob, alice)
    member = Membership.objects.get(user=bob, project=round_.project)
    delete(kind=KINDS["member"], row=member, project=round_.project, actor=alice)
    assert (slots(first), Reservation.objects.count()) == (1, 0)


def test_a_late_submission_uses_the_reserved_slot(round_: Round, alice: User, bob: User) -> None:
    held = take(round_, bob)
    release(assignment=held)
    assign(round_, [held.task_id], bob, alice)
    assert submit(assignment=held, submission=GOOD).state == Assignment.State.SUBMITTED
    assert slots(held.task_id) == 0
    assert waiting_reservations(bob, round_.project) == []


def test_each_refusal_has_its_reason(round_: Round, alice: User, bob: User, rita: User) -> None:
    own, others, assigned, free = tasks_of(round_)
    submit(assignment=take(round_, bob), submission=GOOD)
    assert take(round_, rita).task_id == others
    assign(round_, [assigned], bob, alice)
    retire_problem(problem=Task.objects.get(pk=free).problem, reason="It is wrong.", actor=alice)
    refused = assign(round_, [own, others, assigned, free, 10**9], bob, alice)
    assert refused == {
        own: "They have it, or have submitted it.",
        others: "It has no free slot: others have it or have submitted it.",
        assigned: "It is assigned to them already.",
        free: "It is no longer served.",
        10**9: "No such task in this project.",
    }
    assert Reservation.objects.count() == 1
    assert AuditEvent.objects.filter(verb="task.assigned").count() == 1


def test_rules_of_the_round_hold(project: Project, round_: Round, alice: User, bob: User) -> None:
    first, *_ = tasks_of(round_)
    Round.objects.filter(pk=round_.pk).update(skills=["geometry"])
    assert assign(round_, [first], bob, alice) == {
        first: "The round does not admit them: it needs skills that they do not have."
    }
    Round.objects.filter(pk=round_.pk).update(skills=[], needs_screening=True)
    assert "passed a screening" in assign(round_, [first], bob, alice)[first]
    Round.objects.filter(pk=round_.pk).update(needs_screening=False, status=Round.Status.CLOSED)
    assert assign(round_, [first], bob, alice) == {first: "Its round is closed."}


def test_what_they_labeled_elsewhere_is_refused_where_eyes_are_fresh(
    project: Project, round_: Round, alice: User, bob: User
) -> None:
    done = take(round_, bob)
    submit(assignment=done, submission=GOOD)
    fresh = open_round(project=project, protocol="first_error", fresh_eyes=True)
    again = Task.objects.get(round=fresh, solution=done.task.solution_id)
    refused = assign(fresh, [again.pk], bob, alice)
    assert refused == {again.pk: "They have labeled its solution before, and the round asks for fresh eyes."}


def test_what_the_labeler_can_no_longer_have_goes_back_to_the_queue(
    project: Project, round_: Round, alice: User, bob: User
) -> None:
    fresh = open_round(project=project, protocol="first_error", fresh_eyes=True)
    task = Task.objects.filter(round=fresh).order_by("pk")[0]
    assert assign(fresh, [task.pk], bob, alice) == {}
    done = take(round_, bob)
    assert done.task.solution_id == task.solution_id
    submit(assignment=done, submission=GOOD)
    assert take(fresh, bob).task_id != task.pk
    assert slots(task.pk) == 1
    assert not Reservation.objects.exists()


def test_only_tasks_of_the_project_and_active_members(round_: Round, alice: User, bob: User, rita: User) -> None:
    (first, *_) = tasks_of(round_)
    other = create_project(slug="other", owner=alice)
    with pytest.raises(DomainError, match="active member"):
        reserve(project=other, tasks=[first], labeler=bob, actor=alice)
    assert reserve(project=other, tasks=[first], labeler=alice, actor=alice).refused == {
        first: "No such task in this project."
    }
    assert set_priority(project=other, tasks=[first], priority=3, actor=alice).tasks == []
    assert release_tasks(project=other, tasks=[first], actor=alice).tasks == []
    with pytest.raises(DomainError, match="note"):
        assign(round_, [first], bob, alice, "x" * 2001)
    with pytest.raises(DomainError, match=r"1 to 1,000"):
        assign(round_, list(range(1, MOST_TASKS + 2)), bob, alice)


def test_it_ends_with_the_round_the_task_and_the_membership(
    project: Project, round_: Round, alice: User, bob: User
) -> None:
    first, second, third, fourth = tasks_of(round_)
    assign(round_, [first, second, third], bob, alice)
    problem = Task.objects.get(pk=first).problem
    retire_problem(problem=problem, reason="It is wrong.", actor=alice)
    bring_back(problem=problem, actor=alice)
    assert slots(first) == 1
    set_round_status(round=Round.objects.get(pk=round_.pk), status=Round.Status.CLOSED, actor=alice)
    assert [slots(task) for task in (second, third)] == [1, 1]
    set_round_status(round=Round.objects.get(pk=round_.pk), status=Round.Status.OPEN, actor=alice)
    assign(round_, [fourth], bob, alice)
    suspend(membership=Membership.objects.get(project=project, user=bob), reason="Too fast.", by=alice)
    assert slots(fourth) == 1
    assert not Reservation.objects.exists()


def test_a_lease_is_taken_back_and_its_draft_kept(round_: Round, alice: User, bob: User, rita: User) -> None:
    held = take(round_, bob)
    save_draft(assignment=held, version=0, draft={"steps": [{"position": 0, "rating": 1}]})
    *_, last = tasks_of(round_)
    assign(round_, [last], bob, alice)
    changed = release_tasks(project=round_.project, tasks=tasks_of(round_), actor=alice)
    assert changed.tasks == [held.task_id, last]
    assert set(changed.refused.values()) == {"Nobody has it."}
    held.refresh_from_db()
    assert (held.state, held.draft_version) == (Assignment.State.RELEASED, 1)
    assert [slots(task) for task in (held.task_id, last)] == [1, 1]
    assert take(round_, rita).task_id == held.task_id
    event = AuditEvent.objects.get(verb="task.released")
    assert event.after == {"count": "2 tasks", "tasks": [held.task_id, last]}
    assert not release_tasks(project=round_.project, tasks=[last], actor=alice).tasks


def test_a_raised_priority_is_served_next_also_to_those_who_are_past_it(round_: Round, alice: User, bob: User) -> None:
    *_, third, fourth = tasks_of(round_)
    submit(assignment=take(round_, bob), submission=GOOD)
    skip(assignment=take(round_, bob))
    set_priority(project=round_.project, tasks=[fourth], priority=5, actor=alice)
    assert take(round_, bob).task_id == fourth
    assert RoundProgress.objects.get(labeler=bob).cursor_task == fourth
    with pytest.raises(DomainError, match="out of range"):
        set_priority(project=round_.project, tasks=[third], priority=HIGHEST_PRIORITY + 1, actor=alice)


def test_gold_that_is_assigned_stays_quality_control(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    task = Task.objects.filter(round=round_).order_by("pk")[1]
    Task.objects.filter(pk=task.pk).update(is_gold=True, open_slots=1_000_000)
    assert assign(round_, [task.pk], bob, alice) == {}
    taken = take(round_, bob)
    assert (taken.task_id, taken.is_quality_control) == (task.pk, True)
    assert slots(task.pk) == 999_999


def test_everyone_does_all_of_a_screening(project: Project, alice: User, bob: User) -> None:
    screening = make_screening(project)
    (task, *_) = tasks_of(screening)
    assert assign(screening, [task], bob, alice) == {task: "Everyone does all tasks of a screening round."}


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_just_being_assigned_is_not_claimed_by_another(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    round_ = make_round(project, tasks=1)
    (only,) = tasks_of(round_)
    taken = while_uncommitted(lambda: assign(round_, [only], bob, alice), lambda: claim(round=round_, labeler=rita))
    assert isinstance(taken, NoTask)
    assert take(round_, bob).task_id == only


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_just_being_claimed_is_not_assigned(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    round_ = make_round(project, tasks=1)
    (only,) = tasks_of(round_)
    refused = while_uncommitted(lambda: claim(round=round_, labeler=rita), lambda: assign(round_, [only], bob, alice))
    assert refused == {only: "It has no free slot: others have it or have submitted it."}


@pytest.mark.django_db(transaction=True)
def test_two_tabs_of_the_labeler_get_the_assigned_task_once(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    *_, last = tasks_of(round_)
    assign(round_, [last], bob, alice)
    first: list[Assignment] = []
    second = while_uncommitted(lambda: first.append(take(round_, bob)), lambda: take(round_, bob))
    assert isinstance(second, Assignment)
    assert first[0].pk == second.pk
    assert first[0].task_id == last


@pytest.mark.django_db(transaction=True)
def test_a_release_waits_for_a_claim_of_the_same_task(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=1)
    (only,) = tasks_of(round_)
    assign(round_, [only], bob, alice)
    while_uncommitted(
        lambda: take(round_, bob), lambda: release_tasks(project=round_.project, tasks=[only], actor=alice)
    )
    held = Assignment.objects.get()
    assert slots(only) == (1 if held.state == Assignment.State.RELEASED else 0)
    release_tasks(project=round_.project, tasks=[only], actor=alice)
    assert slots(only) == 1


def test_lapsed_leases_leave_their_slots_to_reservations(round_: Round, alice: User, bob: User, rita: User) -> None:
    held = take(round_, rita)
    Assignment.objects.filter(pk=held.pk).update(leased_until=held.leased_at - LATER)  # type: ignore[operator]
    assert assign(round_, [held.task_id], bob, alice) == {}
    assert take(round_, bob).task_id == held.task_id
