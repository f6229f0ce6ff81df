"""The screening from the first task to the pass, the failure, and another attempt."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.labeling.models import Assignment, Round, RoundProgress, StepLabel, Task
from apps.labeling.problems import retire_problem
from apps.labeling.progress import progress_for
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.leases import skip
from apps.labeling.queue.screening import retake
from apps.labeling.resplit import resplit_steps
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.screening import score_attempt
from apps.quality.models import GoldMark, QualityRules, Suspension
from apps.quality.review.adjudication import also_accept
from tests.cast import make_gold, make_problem, make_screening, make_solution
from tests.world import rate

RIGHT, WRONG = (1, -1), (-1,)


def refused(round_: Round, labeler: User) -> NoTask:
    answer = claim(round=round_, labeler=labeler)
    assert isinstance(answer, NoTask), answer
    return answer


def seat_of(round_: Round, labeler: User) -> RoundProgress:
    return RoundProgress.objects.get(round=round_, labeler=labeler)


def test_a_screening_is_round_minus_one_all_gold_blind_and_not_corrected(project: Project) -> None:
    make_solution(make_problem(project))
    round_ = make_screening(project, tasks=3, mode="verify", redundancy=5)
    assert (round_.number, round_.task_count, round_.slot_count, round_.pass_mark) == (-1, 3, 0, 0.75)
    assert (round_.mode, round_.redundancy, round_.allows_corrections) == ("blind", 1, False)
    assert set(Task.objects.filter(round=round_).values_list("is_gold", flat=True)) == {True}
    assert make_screening(project).number == -2


def test_a_screening_without_gold_is_refused(project: Project) -> None:
    make_solution(make_problem(project))
    with pytest.raises(DomainError) as refusal:
        open_round(project=project, protocol="first_error", kind="screening")
    assert "gold_share" in refusal.value.fields


def test_who_reaches_the_mark_passes_and_gets_real_work(project: Project, bob: User) -> None:
    round_ = make_screening(project, tasks=4)
    real = open_round(project=project, protocol="first_error", needs_screening=True)
    assert refused(real, bob).code == "screening_not_taken"
    for ratings in (RIGHT, RIGHT, WRONG):
        rate(round_, bob, *ratings)
    assert seat_of(round_, bob).score is None
    assert progress_for(round_, bob) == {"done": 3, "total": 4, "mine": 3, "today": 3}
    rate(round_, bob, *RIGHT)
    progress = seat_of(round_, bob)
    assert (progress.score, progress.passed_at is not None) == (0.75, True)
    refusal = refused(round_, bob)
    assert (refusal.code, refusal.may_retake) == ("screening_passed", False)
    assert "75 %" in refusal.message
    assert isinstance(claim(round=real, labeler=bob), Assignment)


def test_who_fails_gets_no_real_work_and_sees_the_score(project: Project, bob: User) -> None:
    round_ = make_screening(project, tries=2)
    real = open_round(project=project, protocol="first_error", needs_screening=True)
    rate(round_, bob, *RIGHT)
    rate(round_, bob, *WRONG)
    assert seat_of(round_, bob).passed_at is None
    refusal = refused(round_, bob)
    assert (refusal.code, refusal.may_retake) == ("screening_failed", True)
    assert "50 %" in refusal.message
    assert "One more attempt is left. You can try again now." in refusal.message
    elsewhere = refused(real, bob)
    assert (elsewhere.code, elsewhere.may_retake) == ("screening_failed", False)
    assert AuditEvent.objects.filter(verb="screening.failed", after__attempt=1).exists()


def test_a_failed_try_can_be_repeated_while_tries_are_left(project: Project, bob: User) -> None:
    round_ = make_screening(project, tries=2)
    first = [rate(round_, bob, *WRONG) for _ in range(2)]
    assert retake(round=round_, labeler=bob).attempt == 2
    assert progress_for(round_, bob)["done"] == 0
    again = [rate(round_, bob, *WRONG) for _ in range(2)]
    assert {assignment.task_id for assignment in again} == {assignment.task_id for assignment in first}
    assert not {assignment.pk for assignment in again} & {assignment.pk for assignment in first}
    refusal = refused(round_, bob)
    assert "No attempt is left" in refusal.message
    with pytest.raises(Conflict, match="No attempt is left"):
        retake(round=round_, labeler=bob)
    # What was said in the first try is kept, and counts no more.
    assert StepLabel.objects.filter(assignment__in=first).count() == 2
    assert set(Assignment.objects.filter(pk__in=[one.pk for one in first]).values_list("state", flat=True)) == {
        "retaken"
    }


def test_the_second_try_alone_decides(project: Project, bob: User) -> None:
    round_ = make_screening(project, tries=3)
    for ratings in (WRONG, WRONG):
        rate(round_, bob, *ratings)
    retake(round=round_, labeler=bob)
    for ratings in (RIGHT, RIGHT):
        rate(round_, bob, *ratings)
    assert (seat_of(round_, bob).score, seat_of(round_, bob).passed_at is not None) == (1.0, True)
    with pytest.raises(Conflict, match="You have passed"):
        retake(round=round_, labeler=bob)


def test_an_attempt_cannot_be_restarted_in_the_middle(project: Project, bob: User) -> None:
    round_ = make_screening(project, tries=2)
    rate(round_, bob, *WRONG)
    with pytest.raises(Conflict, match="Finish the current attempt first"):
        retake(round=round_, labeler=bob)


def test_a_draft_of_the_first_try_does_not_come_back_in_the_second(project: Project, bob: User) -> None:
    round_ = make_screening(project, tries=2)
    skipped = claim(round=round_, labeler=bob)
    assert isinstance(skipped, Assignment)
    skip(assignment=skipped)
    rate(round_, bob, *WRONG)
    back = rate(round_, bob, *WRONG)
    assert back.pk == skipped.pk
    retake(round=round_, labeler=bob)
    fresh = claim(round=round_, labeler=bob)
    assert isinstance(fresh, Assignment)
    assert fresh.pk != skipped.pk
    assert fresh.draft_version == 0


def test_a_closed_screening_is_not_taken_again(project: Project, bob: User, alice: User) -> None:
    round_ = make_screening(project, tries=2)
    for _ in range(2):
        rate(round_, bob, *WRONG)
    set_round_status(round=round_, status="closed", actor=alice)
    with pytest.raises(Conflict):
        retake(round=round_, labeler=bob)
    real = open_round(project=project, protocol="first_error", needs_screening=True)
    assert refused(real, bob).code == "screening_failed"


def test_a_pass_holds_after_the_screening_has_closed(project: Project, bob: User, alice: User) -> None:
    round_ = make_screening(project)
    for _ in range(2):
        rate(round_, bob, *RIGHT)
    set_round_status(round=round_, status="closed", actor=alice)
    real = open_round(project=project, protocol="first_error", needs_screening=True)
    assert isinstance(claim(round=real, labeler=bob), Assignment)


def test_without_a_screening_nobody_gets_in(project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    real = open_round(project=project, protocol="first_error", needs_screening=True)
    assert refused(real, bob).code == "screening_missing"


def test_a_task_that_is_retired_in_the_middle_does_not_hang_the_try(project: Project, bob: User, alice: User) -> None:
    round_ = make_screening(project)
    done = rate(round_, bob, *RIGHT)
    (other,) = Task.objects.filter(round=round_).exclude(pk=done.task_id)
    assert other.solution is not None
    retire_problem(problem=other.solution.problem, reason="ambiguous", actor=alice)
    assert refused(round_, bob).code == "all_done"
    assert score_attempt(round_=round_, labeler=bob, now=timezone.now())
    assert refused(round_, bob).code == "screening_passed"


def test_an_also_acceptable_first_error_passes_as_the_gold_mark_says(project: Project, bob: User, rita: User) -> None:
    """Gold's own first error is the second step; a reviewer takes the third for reasonable, too."""
    round_ = make_screening(project, tasks=4)
    for task in Task.objects.filter(round=round_):
        assert task.solution is not None
        also_accept(solution=task.solution, first_errors=[2], by=rita)
    for _ in range(4):
        rate(round_, bob, 1, 1, -1)
    assert seat_of(round_, bob).score == 1.0
    recompute_project(project)
    assert set(GoldMark.objects.values_list("exact", flat=True)) == {True}


@pytest.mark.slow
def test_failing_a_screening_suspends_nobody_and_leaves_the_tries_that_are_left(project: Project, bob: User) -> None:
    """Eight misses would suspend in real work: each try has them."""
    round_ = make_screening(project, tasks=8, tries=3)
    for attempt in (1, 2, 3):
        for _ in range(8):
            rate(round_, bob, *WRONG)
        recompute_project(project)
        assert Membership.objects.get(user=bob).status == "active"
        assert seat_of(round_, bob).attempt == attempt
        refusal = refused(round_, bob)
        assert (refusal.code, refusal.may_retake) == ("screening_failed", attempt < 3)
        if refusal.may_retake:
            retake(round=round_, labeler=bob)
    assert not Suspension.objects.exists()


@pytest.mark.slow
def test_real_work_is_still_judged_after_a_failed_screening(project: Project, bob: User) -> None:
    """The answers of the screening add nothing to it: four misses of real work are too few."""
    round_ = make_screening(project, tasks=8, tries=2)
    for _ in range(8):
        rate(round_, bob, *WRONG)
    make_solution(make_problem(project))
    real = open_round(project=project, protocol="first_error", gold_share=1.0)
    for _ in range(4):
        rate(real, bob, *WRONG)
    recompute_project(project)
    assert Membership.objects.get(user=bob).status == "active"
    while Membership.objects.get(user=bob).status == "active":
        rate(real, bob, *WRONG)
        recompute_project(project)
    assert QualityRules.objects.get(project=project).suspends


def test_every_step_is_scored_by_steps_also_after_the_first_error(project: Project, bob: User) -> None:
    for _ in range(2):
        make_gold(make_solution(make_problem(project)), 1, -1, 1)
    round_ = open_round(project=project, protocol="every_step", kind="screening", pass_mark=0.5)
    rate(round_, bob, 1, -1, 0, finish="solution")
    rate(round_, bob, 1, 1, -1, finish="solution")
    assert seat_of(round_, bob).score == pytest.approx(4 / 6)


def test_gold_whose_steps_were_split_again_is_no_longer_part_of_the_screening(
    project: Project, bob: User, rita: User
) -> None:
    round_ = make_screening(project)
    first = Task.objects.filter(round=round_).order_by("pk").first()
    assert first is not None
    assert first.solution is not None
    resplit_steps(solution=first.solution, texts=["One.Two.", "Three."], actor=rita)
    rate(round_, bob, *RIGHT)
    assert refused(round_, bob).code == "screening_passed"
    assert seat_of(round_, bob).score == 1.0
