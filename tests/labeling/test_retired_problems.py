"""Retiring a bad problem, and bringing it back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import Problem
from apps.exports.load.records import load_records
from apps.labeling.assignments.returns import return_assignment, returned_assignments
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, RoundProgress, Task
from apps.labeling.problems import bring_back, consequences_of, retire_problem
from apps.labeling.progress import progress_for
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.leases import expire_leases, release, skip
from apps.labeling.queue.screening import retake
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.projects.services import add_member
from apps.runs.selection import solutions_of
from tests.at_once import elsewhere
from tests.cast import make_gold, make_problem, make_round, make_screening, make_solution, make_user
from tests.labeling.test_queue import GOOD, nothing, take


@pytest.fixture
def bad(project: Project) -> Problem:
    problem = make_problem(project, reference_answer="42")
    for _ in range(2):
        make_solution(problem)
    return problem


@pytest.fixture
def round_(project: Project, bad: Problem) -> Round:
    return make_round(project, redundancy=2)


def slots() -> list[int]:
    return list(Task.objects.order_by("id").values_list("open_slots", flat=True))


def slot_count(round_: Round) -> int:
    round_.refresh_from_db()
    return round_.slot_count


def test_its_tasks_are_no_longer_served_and_leases_end(round_: Round, bad: Problem, bob: User, alice: User) -> None:
    held = take(round_, bob)
    assert consequences_of(bad).leases == 1
    retired = retire_problem(problem=bad, reason=" ambiguous ", actor=alice)
    held.refresh_from_db()
    assert (retired.retired_reason, held.state, slots()) == ("ambiguous", Assignment.State.RELEASED, [0, 0])
    assert nothing(round_, bob) == "all_done"
    assert AuditEvent.objects.get(verb="problem.retired").target == str(bad.pk)


def test_an_open_assignment_may_be_submitted_and_is_kept_as_extra(
    round_: Round, bad: Problem, bob: User, alice: User
) -> None:
    held = take(round_, bob)
    retire_problem(problem=bad, reason="x", actor=alice)
    assert submit(assignment=held, submission=GOOD).state == Assignment.State.EXTRA
    release(assignment=held)
    assert slots() == [0, 0]


def test_the_round_can_be_finished_without_it(
    project: Project, round_: Round, bad: Problem, bob: User, alice: User
) -> None:
    submit(assignment=take(round_, bob), submission=GOOD)
    retire_problem(problem=bad, reason="x", actor=alice)
    assert slot_count(round_) == 1
    assert progress_for(round_, bob)["done"] == 1


def test_it_comes_back_with_the_slots_that_it_still_needs(
    round_: Round, bad: Problem, bob: User, rita: User, alice: User
) -> None:
    submit(assignment=take(round_, bob), submission=GOOD)
    take(round_, rita)
    retire_problem(problem=bad, reason="x", actor=alice)
    back = bring_back(problem=bad, actor=alice)
    assert (back.retired_at, back.retired_reason, slot_count(round_)) == (None, "", 4)
    assert slots() == [1, 2]
    assert isinstance(claim(round=round_, labeler=rita), Assignment)


def test_retiring_or_bringing_back_twice_changes_nothing(round_: Round, bad: Problem, alice: User) -> None:
    for _ in range(2):
        retire_problem(problem=bad, reason="x", actor=alice)
    assert slot_count(round_) == 0
    for _ in range(2):
        bring_back(problem=bad, actor=alice)
    assert (slot_count(round_), slots()) == (4, [2, 2])


def test_a_reason_is_required(bad: Problem, alice: User) -> None:
    with pytest.raises(DomainError) as told:
        retire_problem(problem=bad, reason="  ", actor=alice)
    assert "reason" in told.value.fields


def test_new_rounds_exports_and_estimation_leave_it_out(
    project: Project, round_: Round, bad: Problem, alice: User
) -> None:
    good = make_solution(make_problem(project))
    retire_problem(problem=bad, reason="x", actor=alice)
    assert open_round(project=project, protocol="first_error").task_count == 1
    assert list(solutions_of(project, {})) == [good]
    assert sum(len(chunk) for chunk in load_records(project)) == 1
    bring_back(problem=bad, actor=alice)
    assert sum(len(chunk) for chunk in load_records(project)) == 3


def test_its_gold_is_no_longer_served_and_comes_back_for_all_labelers(project: Project, bob: User, alice: User) -> None:
    solution = make_solution(make_problem(project))
    make_gold(solution, 1)
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error", gold_share=1.0)
    retire_problem(problem=solution.problem, reason="x", actor=alice)
    assert not take(round_, bob).is_quality_control
    bring_back(problem=solution.problem, actor=alice)
    assert Task.objects.get(is_gold=True).open_slots > 100_000


def test_other_problems_are_left_alone(project: Project, round_: Round, bad: Problem, bob: User, alice: User) -> None:
    make_solution(make_problem(project))
    other = open_round(project=project, protocol="first_error", select="all")
    retire_problem(problem=bad, reason="x", actor=alice)
    assert Task.objects.filter(round=other, open_slots=1).count() == 1


@contextmanager
def eight_at_work(project: Project, round_: Round) -> Iterator[None]:
    """Eight people claim and give back, as fast as they can."""
    people = [make_user(f"one{number}") for number in range(8)]
    for one in people:
        add_member(project=project, user=one, role="labeler")

    def work(labeler: User) -> None:
        for _ in range(15):
            assignment = claim(round=round_, labeler=labeler)
            if not isinstance(assignment, NoTask):
                release(assignment=assignment)

    with ThreadPoolExecutor(len(people)) as pool:
        working = [elsewhere(pool, partial(work, labeler)) for labeler in people]
        yield
    for one in working:
        one.result()


@pytest.mark.django_db(transaction=True)
def test_no_lease_slips_through_while_people_claim(project: Project, bad: Problem, alice: User, bob: User) -> None:
    round_ = make_round(project, redundancy=20)
    with eight_at_work(project, round_):
        retire_problem(problem=bad, reason="x", actor=alice)
        assert slots() == [0, 0]
        assert not Assignment.objects.filter(state=Assignment.State.LEASED).exists()
    assert slots() == [0, 0]
    bring_back(problem=bad, actor=alice)
    assert slots() == [20, 20]


@pytest.mark.django_db(transaction=True)
def test_no_slot_is_lost_or_doubled_by_concurrent_retiring(project: Project, bad: Problem, alice: User) -> None:
    round_ = make_round(project, redundancy=20)
    with eight_at_work(project, round_):
        for _ in range(4):
            retire_problem(problem=bad, reason="x", actor=alice)
            assert slots() == [0, 0]
            bring_back(problem=bad, actor=alice)
    assert (slots(), slot_count(round_)) == ([20, 20], 40)


def test_a_lease_of_yesterday_frees_no_slot(round_: Round, bad: Problem, bob: User, alice: User) -> None:
    for end in (release, skip, lapse):
        held = take(round_, bob)
        retire_problem(problem=bad, reason="x", actor=alice)
        Assignment.objects.filter(pk=held.pk).update(state=Assignment.State.LEASED)
        end(assignment=held)
        assert slots() == [0, 0]
        bring_back(problem=bad, actor=alice)
        assert slots() == [2, 2]


def lapse(assignment: Assignment) -> None:
    Assignment.objects.filter(pk=assignment.pk).update(leased_until=timezone.now() - timedelta(seconds=1))
    assert expire_leases() == 1


def test_a_returned_assignment_waits_and_keeps_its_slot(
    round_: Round, bad: Problem, bob: User, rita: User, alice: User
) -> None:
    held = submit(assignment=take(round_, bob), submission=GOOD)
    return_assignment(assignment=held, note="Look again.")
    other = submit(assignment=take(round_, rita), submission=GOOD)
    retire_problem(problem=bad, reason="x", actor=alice)
    assert nothing(round_, bob) == "all_done"
    assert not returned_assignments(bob, round_.project).exists()
    with pytest.raises(Conflict) as told:
        return_assignment(assignment=other, note="Look again.")
    assert "the problem is retired" in str(told.value)
    bring_back(problem=bad, actor=alice)
    assert (slots(), slot_count(round_)) == ([0, 2], 4)
    assert take(round_, bob).pk == held.pk


def test_an_unclaimed_returned_assignment_keeps_its_slot(
    round_: Round, bad: Problem, bob: User, rita: User, alice: User
) -> None:
    """As from a tab that was open all the while."""
    first, second = (submit(assignment=take(round_, labeler), submission=GOOD) for labeler in (bob, rita))
    for one in (first, second):
        return_assignment(assignment=one, note="Look again.")
    assert submit(assignment=first, submission=GOOD).state == Assignment.State.SUBMITTED
    retire_problem(problem=bad, reason="x", actor=alice)
    assert submit(assignment=second, submission=GOOD).state == Assignment.State.EXTRA
    bring_back(problem=bad, actor=alice)
    assert (slots(), slot_count(round_)) == ([1, 2], 4)


def test_slots_that_a_disagreement_opened_come_back_with_it(
    round_: Round, bad: Problem, bob: User, alice: User
) -> None:
    submit(assignment=take(round_, bob), submission=GOOD)
    Task.objects.filter(assignments__labeler=bob).update(extra_slots=1, open_slots=2)
    Round.objects.filter(pk=round_.pk).update(slot_count=5)
    retire_problem(problem=bad, reason="x", actor=alice)
    assert slot_count(round_) == 1
    bring_back(problem=bad, actor=alice)
    assert (sorted(slots()), slot_count(round_)) == ([2, 2], 5)


def test_another_screening_attempt_does_not_serve_it(project: Project, bob: User, alice: User) -> None:
    screening = make_screening(project, tasks=2, tries=2)
    for _ in range(2):
        submit(assignment=take(screening, bob), submission=GOOD)
    RoundProgress.objects.filter(round=screening).update(score=0.0)
    task = Task.objects.filter(round=screening).order_by("pk").first()
    assert task is not None
    assert task.solution is not None
    retire_problem(problem=task.solution.problem, reason="x", actor=alice)
    retake(round=screening, labeler=bob)
    assert Task.objects.filter(round=screening, open_slots__gt=0).count() == 1
