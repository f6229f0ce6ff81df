from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.corpus.models import Step
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Round, Task
from apps.labeling.progress import progress_for
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.leases import expire_leases, release, renew
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from tests.cast import make_problem, make_round, make_solution

LATER = timedelta(hours=3)


def take(round_: Round, labeler: User, **fields: object) -> Assignment:
    taken = claim(round=round_, labeler=labeler, **fields)  # type: ignore[arg-type]
    assert isinstance(taken, Assignment), taken
    return taken


def nothing(round_: Round, labeler: User) -> str:
    answer = claim(round=round_, labeler=labeler)
    assert isinstance(answer, NoTask), answer
    return answer.code


GOOD = Submission(steps=[SubmittedStep(position=place, rating=1) for place in range(3)], finish_reason="solution")
BAD = Submission(steps=[SubmittedStep(position=0, rating=-1)], finish_reason="found_error")


def test_the_oldest_task_of_the_highest_priority_comes_first(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=3)
    urgent = Task.objects.order_by("id").last()
    assert urgent is not None
    Task.objects.filter(pk=urgent.pk).update(priority=5)
    first = take(round_, bob)
    submit(assignment=first, submission=GOOD)
    second = take(round_, bob)
    oldest = Task.objects.order_by("id").first()
    assert oldest is not None
    assert (first.task_id, second.task_id) == (urgent.pk, oldest.pk)


def test_a_claim_returns_the_open_assignment(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=3)
    assert take(round_, bob).pk == take(round_, bob).pk


def test_the_next_task_can_be_fetched_ahead_but_no_more(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=3)
    first = take(round_, bob)
    second = take(round_, bob, holding=[first.pk])
    assert first.task_id != second.task_id
    answer = claim(round=round_, labeler=bob, holding=[first.pk, second.pk])
    assert isinstance(answer, NoTask)
    assert answer.code == "holding_enough"


def test_no_labeler_gets_a_task_twice_and_no_task_too_many_labelers(
    project: Project, bob: User, rita: User, mia: User
) -> None:
    round_ = make_round(project, tasks=4, redundancy=2)
    handed: Counter[int] = Counter()
    for labeler in (bob, rita, mia):
        while not isinstance(taken := claim(round=round_, labeler=labeler), NoTask):
            handed[taken.task_id] += 1
            submit(assignment=taken, submission=GOOD)
    assert sorted(handed.values()) == [2, 2, 2, 2]
    assert not Task.objects.filter(open_slots__gt=0).exists()


def test_it_says_why_there_is_no_task(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=1)
    held = take(round_, bob)
    assert nothing(round_, rita) == "all_leased"
    submit(assignment=held, submission=GOOD)
    assert nothing(round_, rita) == "all_done"
    set_round_status(round=round_, status="paused", actor=rita)
    assert nothing(round_, rita) == "round_paused"


def test_it_says_that_the_rest_is_for_others(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1, redundancy=2)
    submit(assignment=take(round_, bob), submission=GOOD)
    assert nothing(round_, bob) == "done_by_you"


def test_a_task_that_came_back_is_found_behind_the_cursor(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=2)
    ritas = take(round_, rita)
    submit(assignment=take(round_, bob), submission=GOOD)
    assert nothing(round_, bob) == "all_leased"
    release(assignment=ritas)
    assert take(round_, bob).task_id == ritas.task_id


def test_releasing_twice_frees_one_slot(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1)
    held = take(round_, bob)
    release(assignment=held)
    release(assignment=held)
    assert Task.objects.get().open_slots == 1


def test_a_lapsed_lease_returns_to_the_queue(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=1)
    held = take(round_, bob)
    assert expire_leases() == 0
    assert expire_leases(now=timezone.now() + LATER) == 1
    held.refresh_from_db()
    assert held.state == Assignment.State.EXPIRED
    assert take(round_, rita).task_id == held.task_id


def test_a_claim_finds_lapsed_leases_by_itself(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=1)
    held = take(round_, bob)
    assert take(round_, rita, now=timezone.now() + LATER).task_id == held.task_id


def test_a_renewed_lease_lasts(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1, lease_minutes=10)
    held = take(round_, bob)
    renew(assignment=held, now=timezone.now() + timedelta(minutes=9))
    assert expire_leases(now=timezone.now() + timedelta(minutes=15)) == 0
    expire_leases(now=timezone.now() + LATER)
    with pytest.raises(Conflict, match="lease has ended"):
        renew(assignment=held)


def test_a_late_submission_counts_while_a_slot_is_free(project: Project, bob: User) -> None:
    held = take(make_round(project, tasks=1), bob)
    expire_leases(now=timezone.now() + LATER)
    assert submit(assignment=held, submission=GOOD).state == Assignment.State.SUBMITTED
    assert Task.objects.get().open_slots == 0


def test_a_late_submission_is_an_extra_beside_a_newer_one_that_a_reviewer_returned(project: Project, bob: User) -> None:
    """Two of a labeler's assignments cannot hold slots of one task, however many are free."""
    round_ = make_round(project, redundancy=2)
    lapsed = take(round_, bob, now=timezone.now() - LATER)
    expire_leases()
    newer = take(round_, bob)
    assert newer.pk != lapsed.pk
    return_assignment(assignment=submit(assignment=newer, submission=GOOD), note="Look again.")
    assert submit(assignment=lapsed, submission=BAD).state == Assignment.State.EXTRA
    again = take(round_, bob)
    assert again.pk == newer.pk
    assert submit(assignment=again, submission=GOOD).state == Assignment.State.SUBMITTED


def test_a_late_submission_is_kept_as_extra_when_the_slot_is_gone(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=1)
    bobs = take(round_, bob)
    expire_leases(now=timezone.now() + LATER)
    submit(assignment=take(round_, rita), submission=GOOD)
    late = submit(assignment=bobs, submission=BAD)
    assert late.state == Assignment.State.EXTRA
    assert late.step_labels.count() == 1
    assert progress_for(round_, bob) == {"done": 1, "total": 1, "mine": 1, "today": 1}


def test_a_late_submission_takes_over_the_same_labelers_second_lease(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1)
    first = take(round_, bob)
    expire_leases(now=timezone.now() + LATER)
    second = take(round_, bob)
    assert submit(assignment=first, submission=GOOD).state == Assignment.State.SUBMITTED
    second.refresh_from_db()
    assert (second.state, Task.objects.get().open_slots) == (Assignment.State.RELEASED, 0)
    assert submit(assignment=second, submission=BAD).state == Assignment.State.EXTRA


def test_the_same_submission_twice_is_one_and_another_is_refused(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=1)
    held = take(round_, bob)
    submit(assignment=held, submission=GOOD)
    again = submit(assignment=held, submission=GOOD)
    assert again.step_labels.count() == 3
    assert progress_for(round_, bob)["done"] == 1
    with pytest.raises(Conflict, match="other labels"):
        submit(assignment=held, submission=BAD)


def test_gold_is_mixed_in_for_all_labelers_and_fills_no_slot(project: Project, bob: User, rita: User) -> None:
    for _ in range(4):
        make_solution(make_problem(project))
    for step in Step.objects.filter(solution=project.solutions.order_by("id").first()):
        GoldLabel.objects.create(step=step, rating=1)
    round_ = open_round(project=project, protocol="first_error", gold_share=0.5)
    assert (round_.task_count, round_.slot_count) == (3, 3)
    served = []
    for labeler in (bob, rita):
        while not isinstance(taken := claim(round=round_, labeler=labeler, dice=random.Random(1)), NoTask):
            served.append((labeler, taken.task.is_gold))
            submit(assignment=taken, submission=GOOD)
    assert [gold for labeler, gold in served if labeler == bob].count(True) == 1
    assert [gold for labeler, gold in served].count(False) == 3
    assert progress_for(round_, bob)["done"] == 3


def test_a_draft_is_versioned(project: Project, bob: User) -> None:
    held = take(make_round(project, tasks=1), bob)
    assert save_draft(assignment=held, version=0, draft={"steps": [{"position": 0, "rating": 1}]}) == 1
    with pytest.raises(Conflict) as caught:
        save_draft(assignment=held, version=0, draft={"steps": []})
    assert caught.value.code == "stale_draft"
    held.refresh_from_db()
    assert task_payload(held)["draft"] == {"version": 1, "steps": [{"position": 0, "rating": 1}]}


def test_a_draft_is_kept_when_the_lease_has_run_out(project: Project, bob: User) -> None:
    held = take(make_round(project, tasks=1), bob)
    expire_leases(now=timezone.now() + LATER)
    assert save_draft(assignment=held, version=0, draft={"steps": []}) == 1


def test_the_labeler_sees_neither_grade_nor_source_nor_other_labels(project: Project, bob: User) -> None:
    make_solution(make_problem(project, reference_answer="42"), is_correct=False, source="llama", grade="no_match")
    hidden = open_round(project=project, protocol="first_error", show_reference=False)
    given = task_payload(take(hidden, bob))
    assert "reference_answer" not in given["problem"]
    assert set(given) == {
        "assigned",
        "id",
        "leased_until",
        "task",
        "round",
        "protocol",
        "problem",
        "steps",
        "note",
        "guideline",
        "draft",
    }
    assert set(given["problem"]) == {"id", "statement", "subject", "level"}


def test_the_rounds_progress_survives_midnight(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    submit(assignment=take(round_, bob), submission=GOOD)
    tomorrow = timezone.now() + timedelta(days=1)
    assert progress_for(round_, bob, at=tomorrow) == {"done": 1, "total": 2, "mine": 1, "today": 0}
    submit(assignment=take(round_, bob, now=tomorrow), submission=GOOD, now=tomorrow)
    assert progress_for(round_, bob, at=tomorrow) == {"done": 2, "total": 2, "mine": 2, "today": 1}


def test_a_lapsed_assignment_with_a_draft_is_resumed_before_any_new_task(project: Project, bob: User) -> None:
    round_ = make_round(project, tasks=3)
    first = take(round_, bob)
    save_draft(assignment=first, version=0, draft={"steps": [{"position": 0, "rating": 1}]})
    expire_leases(now=timezone.now() + LATER)
    again = take(round_, bob)
    assert (again.pk, again.state, again.draft_version) == (first.pk, Assignment.State.LEASED, 1)
    assert Task.objects.get(pk=first.task_id).open_slots == 0


def test_a_lapsed_assignment_whose_task_is_full_is_not_resumed(project: Project, bob: User, rita: User) -> None:
    round_ = make_round(project, tasks=2)
    first = take(round_, bob)
    save_draft(assignment=first, version=0, draft={"steps": []})
    expire_leases(now=timezone.now() + LATER)
    ritas = take(round_, rita)
    assert ritas.task_id == first.task_id
    assert take(round_, bob).task_id != first.task_id
