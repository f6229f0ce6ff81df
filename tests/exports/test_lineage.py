"""From an exported row back to who labeled it, when, by which guidelines, and how good they were on gold that week."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.exports.files.storage import part_path
from apps.exports.models import Export
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.projects.services import publish_guidelines
from apps.quality.consensus.recompute import recompute_project
from apps.quality.review.adjudication import adjudicate_step
from tests.api.test_contract import API
from tests.cast import bearer, make_gold, make_problem, make_solution, signed_in
from tests.world import rate

pytestmark = pytest.mark.usefixtures("media")


@pytest.fixture
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def labeled(project: Project, alice: User, bob: User, rita: User) -> Project:
    """Bob finds one of two gold errors, and one error in an ordinary solution, by the second guidelines."""
    for text in ("First.", "Second."):
        publish_guidelines(project=project, text=text, author=alice)
    for _ in range(2):
        make_gold(make_solution(make_problem(project, subject="gold")), 1, -1)
    gold_round = open_round(project=project, protocol="first_error", gold_share=1.0, kind="screening", pass_mark=0.0)
    rate(gold_round, bob, 1, -1)
    rate(gold_round, bob, -1)
    ordinary = make_solution(make_problem(project, subject="ordinary"))
    rate(open_round(project=project, protocol="first_error", select="subject:ordinary"), bob, 1, -1)
    recompute_project(project)
    adjudicate_step(step=ordinary.steps.get(position=1), rating=-1, by=rita)
    recompute_project(project)
    return project


def exported(project: Project, **policy: Any) -> Export:
    policy = {"sources": ["human"], "lineage": "column", "subjects": ["ordinary"], **policy}
    export = create_export(project=project, format=policy.pop("format", "trl-prm"), policy=policy)
    return run_export(export_id=export.pk)


def test_every_row_names_its_solution(labeled: Project) -> None:
    export = exported(labeled)
    (row,) = map(json.loads, part_path(export).read_text().splitlines())
    solution = labeled.solutions.get(problem__subject="ordinary")
    assert row["lineage"] == f"/projects/{labeled.slug}/solutions/{solution.pk}"
    assert "lineage" not in json.loads(part_path(exported(labeled, lineage="drop")).read_text())
    assert export.manifest is not None
    assert any(feature["name"] == "lineage" for feature in export.manifest["features"])


@pytest.mark.parametrize("format_", ["trl-prm", "math-shepherd", "annotate", "prm800k", "verifier-rl"])
def test_formats_of_solutions_name_the_solution(labeled: Project, format_: str) -> None:
    export = exported(labeled, format=format_, sources=["consensus"])
    rows = [json.loads(line) for line in part_path(export).read_text().splitlines()]
    assert all("/solutions/" in row["lineage"] for row in rows)


def test_a_row_leads_to_all_that_its_labels_rest_on(labeled: Project, alice: User) -> None:
    export = exported(labeled)
    solution = labeled.solutions.get(problem__subject="ordinary")
    by_row = bearer(alice).get(f"{API}/exports/{export.pk}/lineage?row=0").json()
    assert by_row == bearer(alice).get(f"{API}/exports/{export.pk}/lineage?solution={solution.pk}").json()
    assert (by_row["solution"], by_row["source"], by_row["first_errors"]) == (solution.pk, "human", [1])
    assert [(step["position"], step["label"]) for step in by_row["labelings"][0]] == [(0, 1), (1, -1), (2, None)]
    assert by_row["labelings"][0][2]["reason"]
    (submission,) = by_row["submissions"]
    assert (submission["guideline"], submission["first_error"], submission["not_counted"]) == (2, 1, "")
    assert submission["gold"] == {"hits": 1, "of": 2}, "one of the two gold errors of this week"
    monday = timezone.localdate() - timedelta(days=timezone.localdate().weekday())
    assert submission["week"] == monday.isoformat()
    assert by_row["evidence"]["steps"][1]["consensus"]["how"] == "adjudicated"
    assert any(entry["verb"] == "step.adjudicated" for entry in by_row["evidence"]["history"])


def test_gold_of_another_week_does_not_count(labeled: Project, alice: User) -> None:
    export = exported(labeled)
    assignment = Assignment.objects.get(round__kind="work")
    assert assignment.submitted_at is not None
    Assignment.objects.filter(pk=assignment.pk).update(submitted_at=assignment.submitted_at - timedelta(days=7))
    (submission,) = bearer(alice).get(f"{API}/exports/{export.pk}/lineage?row=0").json()["submissions"]
    assert submission["gold"] == {"hits": 0, "of": 0}


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ("", 400, "Name a row, or a solution."),
        ("?row=7", 404, "This file has no row 7."),
        ("?part=3&row=0", 404, "No such file."),
        ("?row=minus", 400, "The row is not named by numbers."),
        ("?solution=999999", 404, "No such solution."),
    ],
)
def test_what_names_no_row_is_refused(labeled: Project, alice: User, query: str, status: int, reason: str) -> None:
    answer = bearer(alice).get(f"{API}/exports/{exported(labeled).pk}/lineage{query}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (status, reason)


def test_rows_without_the_column_are_found_by_their_solution(labeled: Project, alice: User) -> None:
    export = exported(labeled, lineage="drop")
    answer = bearer(alice).get(f"{API}/exports/{export.pk}/lineage?row=0")
    assert answer.status_code == 404
    assert "lineage set to column" in answer.json()["error"]["message"]


def test_labelers_and_strangers_see_no_lineage(labeled: Project, bob: User, charlie: User) -> None:
    export = exported(labeled)
    solution = labeled.solutions.get(problem__subject="ordinary")
    for user, status in ((bob, 403), (charlie, 404)):
        assert bearer(user).get(f"{API}/exports/{export.pk}/lineage?row=0").status_code in {status, 404}
        page = reverse("export-lineage", args=[labeled.slug, export.pk, solution.pk])
        assert signed_in(user).get(page).status_code in {status, 404}


def test_the_page_shows_it(labeled: Project, alice: User) -> None:
    export = exported(labeled)
    client = signed_in(alice)
    page = client.get(reverse("export-row", args=[labeled.slug, export.pk]), {"row": 1}, follow=True)
    html = page.content.decode()
    assert page.status_code == 200
    assert "version 2" in html
    assert "1 of 2" in html
    missing = client.get(reverse("export-row", args=[labeled.slug, export.pk]), {"row": 9}, follow=True)
    assert "This file has no row 8." in missing.content.decode()
