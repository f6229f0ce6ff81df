"""A file goes in by the page, and a trainer's file comes out by it; a real worker does both."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.corpus.models import Solution, Upload
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.browser.conftest import await_on


def row(number: int) -> str:
    return json.dumps(
        {
            "problem": {"statement": f"What is {number} plus 1?", "reference_answer": str(number + 1)},
            "solution": {"steps": ["We add one.", f"#### {number + 1}"], "is_correct": number != 3},
            "gold": {"steps": [{"position": 0, "rating": 1}, {"position": 1, "rating": 1}]},
        }
    )


def test_a_file_with_bad_rows_lands_the_good_ones_and_gives_the_bad_ones_back(
    project: Project,
    mia: User,
    page_of: Callable[..., Page],
    worker: None,
    tmp_path: Path,
) -> None:
    bad = ['{"problem": {"statement": ""}}', "no json at all"]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join([row(1), bad[0], row(2), row(3), bad[1], row(4)]) + "\n")
    page = page_of(mia)
    page.goto(f"/projects/{project.slug}/imports/new")
    page.locator("#id_file").set_input_files(path)
    page.wait_for_url("**/uploads/*")

    # The preview knows the format, shows the steps and what would be rejected.
    expect(page.locator("select[name=format]")).to_have_value("jsonl")
    expect(page.get_by_text("What is 1 plus 1?").first).to_be_visible()
    expect(page.locator("#preview")).to_contain_text("problem.statement")
    assert not Solution.objects.exists()
    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("link", name="View solutions")).to_be_visible(timeout=120_000)
    assert Solution.objects.filter(project=project).count() == 4
    assert Solution.objects.get(problem__statement="What is 3 plus 1?").is_correct is True
    rejected = page.get_by_role("region", name="Rejected rows")
    expect(rejected.get_by_role("cell", name="problem.statement")).to_be_visible()
    expect(page.get_by_role("region", name="Differences between the file and the verifier")).to_contain_text(
        "says wrong"
    )
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected rows").click()
    assert Path(download.value.path()).read_text().splitlines() == bad

    # And out again: the file that the page gives has the SHA-256 that the page names.
    page.goto(f"/projects/{project.slug}/exports/new")
    page.locator("input[name=format][value=trl-prm]").check()
    page.get_by_role("button", name="Export", exact=True).click()
    link = page.get_by_role("link", name="Download", exact=True)
    expect(link).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        link.click()
    content = Path(download.value.path()).read_bytes()
    assert f"SHA-256 {hashlib.sha256(content).hexdigest()}" in page.locator("#export").inner_text()
    rows = [json.loads(line) for line in content.splitlines()]
    assert len(rows) == 4
    assert rows[0]["completions"][0] == "We add one."
    assert rows[0]["labels"] == [True, True]


def test_a_file_on_its_way_is_not_sent_again_and_another_takes_its_place(
    project: Project, mia: User, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    first.write_text(row(1) + "\n")
    second.write_text(row(2) + "\n")
    page = page_of(mia)
    page.goto(f"/projects/{project.slug}/imports/new")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/imports/new", hold)
    with page.expect_request("**/imports/new"):
        page.locator("#id_file").set_input_files(first)
    expect(page.get_by_role("button", name="Preview")).to_be_disabled()

    with page.expect_event("requestfailed"):
        page.locator("#id_file").set_input_files(second)
    await_on(page, lambda: len(held) == 2)
    held[1].continue_()
    page.wait_for_url("**/uploads/*")
    assert [upload.filename for upload in Upload.objects.filter(project=project)] == ["second.jsonl"]


def test_a_button_of_a_page_that_follows_is_pressed_however_slowly(
    project: Project, mia: User, page_of: Callable[..., Page]
) -> None:
    export = create_export(project=project, format="trl-prm", policy={})
    page = page_of(mia)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"/projects/{project.slug}/exports/{export.pk}")
    page.get_by_role("button", name="Cancel").hover()
    with page.expect_response(lambda answer: answer.request.resource_type == "xhr"):
        page.mouse.down()
    page.wait_for_timeout(100)
    page.mouse.up()
    expect(page.locator("#export")).to_contain_text("cancelled")


def test_a_file_of_an_unknown_shape_lands_when_its_columns_are_named(
    project: Project, mia: User, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text('{"ask": "What is 1 plus 1?", "chain": ["One and one.", "#### 2"]}\n')
    page = page_of(mia)
    page.goto(f"/projects/{project.slug}/imports/new")
    page.locator("#id_file").set_input_files(path)
    page.wait_for_url("**/uploads/*")
    expect(page.locator("#preview")).to_contain_text("No row can be imported yet.")

    page.get_by_label("Problem (optional)", exact=True).select_option("ask")
    page.get_by_label("Solution, as a list of steps").select_option("chain")
    expect(page.locator("#preview")).to_contain_text("1 valid as")
    expect(page.locator("#preview .steps-preview li")).to_have_text(["One and one.", "#### 2"])
    expect(page.locator("#preview")).not_to_contain_text("No row can be imported yet.")
