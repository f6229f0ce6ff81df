"""Which assignments count, and how pages show the others."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Step
from apps.labeling.models import Assignment, NotCounted, Round, StepLabel, Task, counted_q
from apps.projects.models import Membership, Project
from tests.cast import make_comparison, make_problem, make_solution

pytestmark = pytest.mark.slow

CASES: list[tuple[str, dict[str, Any], NotCounted | None]] = [
    ("submitted", {}, None),
    ("submitted late", {"state": "extra"}, None),
    ("imported, and no screening", {"extras": {"is_screening": False}}, None),
    ("with other extras", {"extras": {"shown": {"run": 1}}}, None),
    ("leased", {"state": "leased"}, NotCounted.NOT_SUBMITTED),
    ("returned", {"state": "returned"}, NotCounted.NOT_SUBMITTED),
    ("of a screening", {"screening": True}, NotCounted.SCREENING),
    ("imported, of a screening", {"extras": {"is_screening": True}}, NotCounted.SCREENING),
    ("of a screening round, but no screening", {"screening": True, "extras": {"is_screening": False}}, None),
    ("to a gold task", {"is_quality_control": True}, NotCounted.QUALITY_CONTROL),
    ("of a retired problem", {"retired": True}, NotCounted.RETIRED),
    ("by somebody suspended", {"status": "suspended"}, NotCounted.SUSPENDED),
    ("by somebody from a file", {"status": "imported"}, None),
    ("by somebody who has left", {"status": None}, None),
]


def make_assignment(project: Project, labeler: User, kind: str, case: dict[str, Any]) -> Assignment:
    case = dict(case)
    kind = "screening" if case.pop("screening", False) else "work"
    round_ = Round.objects.create(project=project, number=7, protocol="first_error", kind=kind)
    problem = make_problem(project, retired_at=timezone.now() if case.pop("retired", False) else None)
    if kind == "comparison":
        task = Task.objects.create(round=round_, comparison=make_comparison(problem, ["One."], ["Two."]), open_slots=0)
    else:
        task = Task.objects.create(round=round_, solution=make_solution(problem), open_slots=0)
    status = case.pop("status", "active")
    Membership.objects.filter(project=project, user=labeler).delete()
    if status is not None:
        Membership.objects.create(project=project, user=labeler, status=status)
    state = case.pop("state", "submitted")
    until = timezone.now() if state == "leased" else None
    return Assignment.objects.create(
        task=task, round=round_, labeler=labeler, state=state, leased_until=until, submitted_at=timezone.now(), **case
    )


@pytest.mark.parametrize("kind", ["solution", "comparison"])
@pytest.mark.parametrize(("name", "case", "reason"), CASES, ids=[name for name, _, _ in CASES])
def test_an_assignment_counts_unless_a_reason_applies(
    project: Project, bob: User, kind: str, name: str, case: dict[str, Any], reason: NotCounted | None
) -> None:
    assignment = make_assignment(project, bob, kind, case)
    assert Assignment.objects.counted().exists() is (reason is None)
    assert Assignment.objects.with_reason().get(pk=assignment.pk).not_counted == (reason or "")
    if kind == "solution":
        step = Step.objects.filter(solution=assignment.task.solution_id)[0]
        StepLabel.objects.create(assignment=assignment, step=step, rating=1)
        assert StepLabel.objects.filter(counted_q("assignment__")).exists() is (reason is None)


def test_a_suspension_in_another_project_changes_nothing(project: Project, alice: User, bob: User) -> None:
    other = Project.objects.create(name="Other", slug="other")
    Membership.objects.create(project=other, user=bob, status="suspended")
    make_assignment(project, bob, "solution", {})
    assert Assignment.objects.counted().count() == 1


def test_counting_is_one_query(project: Project, bob: User) -> None:
    make_assignment(project, bob, "solution", {})
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(Assignment.objects.counted().with_reason()) == 1
    assert len(queries) == 1
