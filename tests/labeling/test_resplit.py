"""Resplit solutions: a newer version, and labels that stay on the older one."""

from __future__ import annotations

import pytest

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, Round, StepLabel, Task
from apps.labeling.problems import bring_back, retire_problem
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import release
from apps.labeling.resplit import resplit_steps
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import OpenDispute
from tests.cast import make_problem, make_round, make_solution
from tests.quality.submissions import submit_next


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(
        make_problem(project),
        ["One.\nTwo.", "Three.", "Four."],
        final_answer="4",
        is_correct=True,
        grade="match",
        source="a model",
        external_id="x/1",
    )


def texts(solution: Solution) -> list[str]:
    return list(solution.steps.order_by("position").values_list("text", flat=True))


def test_old_labels_stay_on_the_old_version_and_the_newer_one_is_served(
    project: Project, solution: Solution, rita: User, bob: User
) -> None:
    round_ = make_round(project, redundancy=2)
    submit_next(round_, bob, 1, 1, -1)
    held = claim(round=round_, labeler=rita)
    assert isinstance(held, Assignment)
    newer = resplit_steps(solution=solution, texts=["One.", "Two.", "Three.\nFour."], actor=rita)
    assert texts(newer) == ["One.", "Two.", "Three.\nFour."]
    assert texts(solution) == ["One.\nTwo.", "Three.", "Four."]
    assert (newer.final_answer, newer.is_correct, newer.step_count, newer.external_id) == ("4", True, 3, None)
    assert StepLabel.objects.filter(step__solution=solution).count() == 3
    assert not StepLabel.objects.filter(step__solution=newer).exists()
    assert Assignment.objects.get(pk=held.pk).state == "released"
    assert Task.objects.get(solution=solution).open_slots == 0
    assert Task.objects.get(solution=newer).open_slots == 2
    counted = Round.objects.get(pk=round_.pk)
    assert (counted.task_count, counted.slot_count) == (2, 3)
    again = claim(round=round_, labeler=bob)
    assert isinstance(again, Assignment)
    assert again.task.solution_id == newer.pk
    assert AuditEvent.objects.get(verb="solution.resplit").after == {"steps": 3, "from": solution.pk}


def test_later_rounds_serve_only_the_newer_version(project: Project, solution: Solution, rita: User) -> None:
    newer = resplit_steps(solution=solution, texts=["One.", "Two.", "Three.", "Four."], actor=rita)
    round_ = make_round(project)
    assert list(round_.tasks.values_list("solution", flat=True)) == [newer.pk]
    assert Solution.objects.get(pk=solution.pk).extras == {"resplit_into": newer.pk}
    assert newer.extras == {"resplit_from": solution.pk}
    with pytest.raises(Conflict, match="older version"):
        resplit_steps(solution=solution, texts=["One. Two. Three. Four."], actor=rita)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (["One.", "Two.", "Three.", "Five."], "stay the same"),
        (["One.\nTwo.", "Three."], "stay the same"),
        (["One.\nTwo.", "Three.", "Four."], "unchanged"),
        (["One.", "", "Two.Three.Four."], "none of them empty"),
        ([], "none of them empty"),
    ],
)
def test_only_the_boundaries_of_the_steps_may_change(
    solution: Solution, rita: User, parts: list[str], why: str
) -> None:
    with pytest.raises(DomainError, match=why) as refused:
        resplit_steps(solution=solution, texts=parts, actor=rita)
    assert "steps" in refused.value.fields
    assert Solution.objects.count() == 1


def test_two_versions_cannot_have_the_same_steps(project: Project, solution: Solution, rita: User) -> None:
    newer = resplit_steps(solution=solution, texts=["One.Two.", "Three.Four."], actor=rita)
    with pytest.raises(Conflict, match="already"):
        resplit_steps(
            solution=make_solution(solution.problem, ["One.", "Two.", "Three.", "Four."], source="a model"),
            texts=texts(newer),
            actor=rita,
        )


def test_an_older_version_is_in_dispute_no_longer(project: Project, solution: Solution, rita: User, bob: User) -> None:
    round_ = make_round(project)
    submit_next(round_, bob, 1, 1, -1)
    recompute_project(project)
    assert set(OpenDispute.objects.values_list("solution", "kind")) == {(solution.pk, "right_with_bad_step")}
    resplit_steps(solution=solution, texts=["One.", "Two.", "Three.", "Four."], actor=rita)
    recompute_project(project)
    assert not OpenDispute.objects.exists()


def test_the_older_version_stays_withdrawn_whatever_comes(
    project: Project, solution: Solution, rita: User, bob: User, alice: User
) -> None:
    round_ = make_round(project, redundancy=2)
    held = claim(round=round_, labeler=bob)
    assert isinstance(held, Assignment)
    newer = resplit_steps(solution=solution, texts=["One.", "Two.", "Three.", "Four."], actor=rita)
    Assignment.objects.filter(pk=held.pk).update(state="leased")
    release(assignment=held)
    retire_problem(problem=solution.problem, reason="x", actor=alice)
    bring_back(problem=solution.problem, actor=alice)
    assert dict(Task.objects.values_list("solution", "open_slots")) == {solution.pk: 0, newer.pk: 2}
    assert Round.objects.get().slot_count == 2


def test_a_solution_resplit_while_its_problem_is_retired_comes_back_with_it(
    project: Project, solution: Solution, rita: User, alice: User
) -> None:
    make_round(project, redundancy=2)
    retire_problem(problem=solution.problem, reason="x", actor=alice)
    newer = resplit_steps(solution=solution, texts=["One.", "Two.", "Three.", "Four."], actor=rita)
    assert not Task.objects.filter(open_slots__gt=0).exists()
    assert Round.objects.get().slot_count == 0
    bring_back(problem=solution.problem, actor=alice)
    assert dict(Task.objects.values_list("solution", "open_slots")) == {solution.pk: 0, newer.pk: 2}
    assert Round.objects.get().slot_count == 2
