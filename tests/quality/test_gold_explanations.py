"""Gold is explained where it is marked, by the API and in files; training rounds show the explanations."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError, NotAllowed
from apps.corpus.models import Solution
from apps.exports.files.storage import part_path
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment, GoldLabel
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.quality.gold.labels import gold_of
from apps.quality.gold.marks import counted_marks, mark_assignments
from apps.quality.review.adjudication import adjudicate_solution, explain_gold, make_explained_gold, make_gold
from tests.cast import bearer, make_problem, make_solution, signed_in
from tests.cast import make_gold as add_gold
from tests.judging.verdicts import bring_in
from tests.quality.submissions import submit_next

pytestmark = pytest.mark.django_db


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project))


def explanations(solution: Solution) -> dict[int, str]:
    labels = GoldLabel.objects.filter(step__solution=solution)
    return dict(labels.order_by("step__position").values_list("step__position", "explanation"))


def test_gold_is_made_with_explanations_and_the_audit_log_has_them(solution: Solution, rita: User) -> None:
    adjudicate_solution(solution=solution, first_error=1, by=rita)
    assert make_explained_gold(solution=solution, explanations={1: " 4 + 4 is 8. "}, by=rita)
    assert explanations(solution) == {0: "", 1: "4 + 4 is 8."}
    event = AuditEvent.objects.get(verb="gold.explained")
    assert (event.before, event.after) == ({"1": ""}, {"1": "4 + 4 is 8."})


def test_an_explanation_stays_with_its_rating(solution: Solution, rita: User) -> None:
    adjudicate_solution(solution=solution, first_error=1, by=rita)
    make_explained_gold(solution=solution, explanations={0: "Given.", 1: "Wrong."}, by=rita)
    adjudicate_solution(solution=solution, first_error=2, by=rita)
    make_gold(solutions=[solution], by=rita)
    assert explanations(solution) == {0: "Given.", 1: "", 2: ""}


def test_only_steps_with_gold_are_explained_and_not_by_their_labeler(
    project: Project, solution: Solution, rita: User
) -> None:
    add_gold(solution, 1, -1)
    with pytest.raises(DomainError) as refusal:
        explain_gold(solution=solution, explanations={2: "Why?"}, by=rita)
    assert refusal.value.fields == {"explanations": "no gold at position 2"}
    submit_next(open_round(project=project, protocol="first_error"), rita, 1, -1)
    with pytest.raises(NotAllowed):
        explain_gold(solution=solution, explanations={1: "Mine."}, by=rita)


def test_the_api_explains_gold_and_shows_it_in_the_evidence(solution: Solution, rita: User, bob: User) -> None:
    add_gold(solution, 1, -1)
    address = f"/api/v1/solutions/{solution.pk}/gold"
    body = {"explanations": [{"position": 1, "text": "Two is wrong."}]}
    assert bearer(bob).patch(address, body, content_type="application/json").status_code == 403
    assert bearer(rita).patch(address, body, content_type="application/json").status_code == 204
    evidence: Any = bearer(rita).get(f"/api/v1/solutions/{solution.pk}/evidence").json()
    assert [step["gold_explanation"] for step in evidence["steps"]] == ["", "Two is wrong.", ""]
    wrong = {"explanations": [{"position": 9, "text": "?"}]}
    assert bearer(rita).patch(address, wrong, content_type="application/json").status_code == 400


def test_the_page_takes_the_note_as_the_explanation(solution: Solution, rita: User) -> None:
    add_gold(solution, 1, -1)
    step = solution.steps.get(position=1)
    client, address = signed_in(rita), reverse("solution-adjudicate", args=["algebra", solution.pk])
    client.post(address, {"step": step.pk, "act": "explain", "note": "Two is wrong."})
    assert explanations(solution)[1] == "Two is wrong."
    assert "Two is wrong." in client.get(reverse("solution", args=["algebra", solution.pk])).content.decode()
    client.post(address, {"step": step.pk, "act": "explain", "note": ""})
    assert explanations(solution)[1] == ""


def test_explanations_leave_in_the_canonical_row_and_come_in_again_and_training_leaves_in_none(
    project: Project, solution: Solution, bob: User, charlie: User
) -> None:
    add_gold(solution, 1, -1)
    GoldLabel.objects.filter(rating=-1).update(explanation="Two is wrong.")
    submit_next(open_round(project=project, protocol="first_error", kind="training"), bob, 1, 1, 1)
    policy = {"screening": "keep", "quality_control": "keep"}
    export = run_export(export_id=create_export(project=project, format="annotate", policy=policy).pk)
    (row,) = [json.loads(line) for line in part_path(export, 0).read_text().splitlines()]
    assert [step["explanation"] for step in row["gold"]["steps"]] == ["", "Two is wrong."]
    assert row["people"] == []
    other = create_project(slug="other", name="Other", owner=charlie)
    bring_in(other, [row])
    assert explanations(Solution.objects.get(project=other)) == {0: "", 1: "Two is wrong."}


def test_training_measures_nobody(project: Project, solution: Solution, bob: User) -> None:
    add_gold(solution, 1, -1)
    submit_next(open_round(project=project, protocol="first_error", kind="training"), bob, 1, 1, 1)
    mark_assignments(project, gold_of([solution.pk]))
    assert not counted_marks(project).exists()
    assert Assignment.objects.with_reason().get().not_counted == "training"
