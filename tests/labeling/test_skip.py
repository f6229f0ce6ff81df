"""Skipping a task moves it to the end of the labeler's own queue, and of no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import expire_leases, renew, skip
from apps.projects.models import Project
from tests.cast import make_gold, make_round
from tests.labeling.test_queue import BAD, GOOD, LATER, nothing, take


def skipped(round_: Round, labeler: User, **fields: object) -> Assignment:
    held = take(round_, labeler)
    skip(assignment=held, **fields)  # type: ignore[arg-type]
    return held


def test_skipped_tasks_come_after_everything_else_the_oldest_first(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=4)
    first, second = skipped(round_, bob), skipped(round_, bob)
    others = []
    for _ in range(2):
        others.append(take(round_, bob))
        submit(assignment=others[-1], submission=GOOD)
    assert not {one.task_id for one in others} & {first.task_id, second.task_id}
    back = take(round_, bob)
    assert back.pk == first.pk
    skip(assignment=back)  # Again: then it comes after the other one.
    assert take(round_, bob).pk == second.pk


def test_the_draft_comes_back_with_it(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1)
    held = take(round_, bob)
    save_draft(assignment=held, version=0, draft={"steps": [{"position": 0, "rating": 1}]})
    skip(assignment=held, reason=" later ")
    held.refresh_from_db()
    assert (held.state, held.reason) == (Assignment.State.SKIPPED, "later")
    back = take(round_, bob)
    assert (back.pk, back.draft_version) == (held.pk, 1)


def test_others_get_it_meanwhile_and_then_it_is_gone(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=1)
    held = skipped(round_, bob)
    assert Task.objects.get().open_slots == 1
    ritas = take(round_, rita)
    assert ritas.task_id == held.task_id
    assert nothing(round_, bob) == "all_leased"
    submit(assignment=ritas, submission=GOOD)
    assert nothing(round_, bob) == "all_done"


def test_skipping_twice_frees_one_slot(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1)
    held = skipped(round_, bob)
    skip(assignment=held)
    assert Task.objects.get().open_slots == 1


def test_a_skipped_task_may_still_be_saved_and_submitted(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    held = skipped(round_, bob)
    assert save_draft(assignment=held, version=0, draft={"steps": []}) == 1
    assert submit(assignment=held, submission=BAD).state == Assignment.State.SUBMITTED
    with pytest.raises(Conflict) as told:
        skip(assignment=held)
    assert told.value.code == "already_submitted"


def test_a_skip_after_the_lease_expired_still_counts(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    held = take(round_, bob)
    save_draft(assignment=held, version=0, draft={"steps": []})
    expire_leases(now=timezone.now() + LATER)
    skip(assignment=held)
    assert Task.objects.get(pk=held.task_id).open_slots == 1
    assert take(round_, bob).task_id != held.task_id


def test_a_skipped_lease_is_not_renewed(project: Project, bob: User) -> None:
    held = skipped(make_round(project, tasks=1), bob)
    with pytest.raises(Conflict):
        renew(assignment=held, now=timezone.now() + timedelta(minutes=1))


def test_gold_is_skipped_like_other_tasks(project: Project, bob: User) -> None:
    from tests.cast import make_problem, make_solution

    make_gold(make_solution(make_problem(project)), 1)
    make_solution(make_problem(project))
    round_ = make_round(project, gold_share=1.0)
    gold = skipped(round_, bob)
    assert gold.is_quality_control
    plain = take(round_, bob)
    assert not plain.is_quality_control
    submit(assignment=plain, submission=GOOD)
    back = claim(round=round_, labeler=bob)
    assert isinstance(back, Assignment)
    assert (back.pk, back.is_quality_control) == (gold.pk, True)
