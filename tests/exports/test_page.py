"""The pages of an export ask for the policy and say in words what was left out."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.exports.files.storage import export_folder
from apps.exports.models import Export
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.cast import make_round, signed_in
from tests.exports.test_policy_builder import answers
from tests.quality.submissions import submit_next


@pytest.fixture
def labeled(project: Project, bob: User) -> Project:
    assignment = submit_next(make_round(project), bob, 1, -1)
    step = assignment.task.solution.steps.create(position=1, candidate=1, text="Else.", chosen=False)
    assignment.step_labels.create(step=step, rating=1)
    return project


def test_the_page_says_what_was_left_out_and_why(labeled: Project, alice: User) -> None:
    export = run_export(export_id=create_export(project=labeled, format="trl-prm", policy={"alternatives": "drop"}).pk)
    page = signed_in(alice).get(reverse("export", args=[labeled.slug, export.pk])).content.decode()
    assert "3 ratings of steps from the policy" in page
    assert "2 are in the file, 1 is left out." in page
    assert "Left out: ratings" in page
    assert "alternatives, which the policy drops" in page
    card = (export_folder(export) / "README.md").read_text()
    assert "Of 3 ratings by the policy's sources, 2 are in the rows and 1 are left out." in card
    told = json.loads((export_folder(export) / "manifest.json").read_text())
    assert told["counts"]["left_out"] == {"ratings: alternatives, which the policy drops": 1}
    assert told["counts"]["ratings"] == {"read": 3, "written": 2, "left_out": 1, "repeated": 0, "made": 0}


def test_by_default_the_alternative_is_a_row(labeled: Project) -> None:
    export = run_export(export_id=create_export(project=labeled, format="trl-prm").pk)
    assert export.manifest is not None
    assert export.rows == 2
    assert export.manifest["counts"]["left_out"] == {}
    assert export.manifest["counts"]["ratings"]["repeated"] == 1


def test_the_form_asks_for_every_key(labeled: Project, alice: User) -> None:
    client = signed_in(alice)
    address = reverse("export-new", args=[labeled.slug])
    form = client.get(address).context["form"]
    asked = {"format": "math-shepherd", "alternatives": "drop", "screening": "keep", "thin": "take", "step_tag": "<s>"}
    answered = client.post(address, answers(form, **asked))
    assert answered.status_code == 302, answered.context["form"].errors
    policy = Export.objects.get().policy
    assert {name: policy[name] for name in asked if name != "format"} == {
        name: value for name, value in asked.items() if name != "format"
    }
    refused = client.post(address, answers(form, **{**asked, "step_tag": "a b"}))
    assert refused.status_code == 422
    assert "one word" in refused.content.decode()
