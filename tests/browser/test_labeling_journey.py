"""From the sign-in page to a trainer's file, by keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.imports.run import run_import
from apps.corpus.services import create_import
from apps.exports.files.storage import part_path
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.conftest import path_of, set_password
from tests.browser.labeling_page import LabelingPage
from tests.cast import PASSWORD

OURS = Path(__file__).resolve().parents[2] / "apps" / "demo" / "data" / "problems.jsonl"


def bring(project: Project, path: Path, format_: str) -> None:
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format=format_)
    assert run_import(batch_id=batch.pk).solutions


def exported(project: Project, tmp_path: Path) -> list[dict[str, Any]]:
    export = run_export(export_id=create_export(project=project, format="annotate", policy={}).pk)
    return [json.loads(line) for line in part_path(export, 0).read_text().splitlines()]


@pytest.mark.parametrize("source", ["gsm8k-solutions", "jsonl"])
def test_a_labeler_rates_by_keyboard_and_the_export_holds_what_was_pressed(
    source: str,
    project: Project,
    bob: User,
    page_of: Callable[..., Page],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    if source == "gsm8k-solutions":
        bring(project, request.getfixturevalue("shared_data") / "gsm8k_model_solutions.jsonl", source)
    else:
        bring(project, OURS, source)
    round_ = open_round(project=project, protocol="first_error", select="wrong,sample:3")
    set_password(bob)

    # The sign-in page comes by itself, and leads back to where one wanted to go.
    page = page_of()
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}/label")
    assert path_of(page) == "/accounts/login/"
    expect(page.locator("input[name=login]")).to_be_focused()
    page.keyboard.type(bob.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    labeling = LabelingPage(page).ready()

    steps = len(labeling.texts())
    expect(page.locator("#submit")).to_be_disabled()
    last = min(2, steps - 1)
    for _ in range(last):
        labeling.press("3")
    expect(page.locator("#missing")).not_to_be_empty()
    labeling.saved()

    # In mid-work the page is loaded anew: the draft is there.
    page.reload()
    labeling.ready()
    assert labeling.pressed() == ["great"] * last + ["."] + ["-"] * (steps - last - 1)

    labeling.press("1")
    assert labeling.pressed() == ["great"] * last + ["bad"] + ["-"] * (steps - last - 1)
    expect(page.locator("#submit")).to_be_enabled()
    first = Assignment.objects.get(labeler=bob, draft_version__gt=0)
    labeling.submit()
    expect(page.locator("#day-count")).to_have_text("1 today")
    expect(page.locator("#round-count")).to_have_text("1 of 3")

    # The second has no error for this labeler; the third they cannot judge, and say why.
    steps_of_second = len(labeling.texts())
    labeling.press(*["3"] * (steps_of_second - 1), "2").submit()
    labeling.press("3", "g")
    page.locator("#reason[open]").wait_for()
    page.keyboard.type("I do not know this unit.")
    page.keyboard.press("Control+Enter")
    labeling.ended()
    expect(page.locator("#day-count")).to_have_text("3 today")

    first.refresh_from_db()
    assert first.state == Assignment.State.SUBMITTED
    assert first.active_ms is not None
    submissions = {
        row["people"][0]["finish_reason"]: row["people"][0] for row in exported(project, tmp_path) if row["people"]
    }
    assert set(submissions) == {"found_error", "solution", "give_up"}
    assert [(step["position"], step["rating"]) for step in submissions["found_error"]["steps"]] == [
        *((place, 1) for place in range(last)),
        (last, -1),
    ]
    assert [step["rating"] for step in submissions["solution"]["steps"]] == [1] * (steps_of_second - 1) + [0]
    assert submissions["give_up"]["reason"] == "I do not know this unit."
    assert bob.email not in json.dumps(submissions)
