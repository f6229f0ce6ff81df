"""A file goes in by the page, and a trainer's file comes out by it; a real worker does both."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from apps.accounts.models import User
from apps.corpus.models import Solution, Upload
from apps.exports.services import create_export
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment
from apps.projects.models import Project
from tests.browser.barriers import flaws
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
    expect(page.locator("#preview .steps-preview li .pre")).to_have_text(["One and one.", "#### 2"])
    expect(page.locator("#preview")).not_to_contain_text("No row can be imported yet.")


def upload_page(page: Page, project: Project, path: Path) -> None:
    page.goto(f"/projects/{project.slug}/imports/new")
    page.locator("#id_file").set_input_files(path)
    page.wait_for_url("**/uploads/*")


def test_a_table_of_a_spreadsheet_lands_with_its_guessed_columns(
    project: Project, mia: User, page_of: Callable[..., Page], worker: None, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(
        "\ufeffproblem;model_output;answer\r\n".encode()
        + b'"What is 1,5 + 1,5?";"We add.\n#### 3";3\r\nragged\r\n"And 1 + 1?";"#### 3";2\r\n'
    )
    page = page_of(mia)
    upload_page(page, project, path)
    preview = page.locator("#preview")
    expect(preview).to_contain_text("CSV, separated by semicolons")
    expect(preview).to_contain_text("the row has 1 cell, and the header names 3 columns")
    expect(page.get_by_label("Problem (optional)", exact=True)).to_have_value("problem")

    assert flaws(page) == {}

    # Without a problem nothing can land, and the button says so until there is one.
    button = page.get_by_role("button", name="Import", exact=True)
    page.get_by_label("Problem (optional)", exact=True).select_option("")
    expect(button).to_be_disabled()
    expect(page.locator("#import-why")).to_contain_text("0 rows can be imported")
    page.get_by_label("Problem (optional)", exact=True).select_option("problem")
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_role("link", name="View solutions")).to_be_visible(timeout=120_000)
    right = dict(Solution.objects.filter(project=project).values_list("problem__statement", "is_correct"))
    assert right == {"What is 1,5 + 1,5?": True, "And 1 + 1?": False}
    with page.expect_download() as download:
        page.get_by_role("link", name="Download rejected rows").click()
    assert Path(download.value.path()).read_text().splitlines() == ["problem;model_output;answer", "ragged"]


def test_an_export_of_label_studio_lands_once_its_choices_have_a_meaning(
    project: Project, mia: User, page_of: Callable[..., Page], worker: None, tmp_path: Path
) -> None:
    def choice(step: int, word: str) -> dict[str, object]:
        return {"from_name": f"rate_{step}", "to_name": "t", "type": "choices", "value": {"choices": [word]}}

    annotation = {"id": 1, "completed_by": 7, "was_cancelled": False, "lead_time": 12.0}
    task = {
        "id": 1,
        "data": {"question": "What is 1 + 1?", "steps": ["We add.", "It is 3."]},
        "annotations": [{**annotation, "result": [choice(0, "Correct"), choice(1, "Falsch")]}],
        "predictions": [{"model_version": "critic", "result": [choice(0, "Correct")]}],
    }
    path = tmp_path / "project-1-at-2026-11-30.json"
    path.write_text(json.dumps([task]))
    page = page_of(mia)
    upload_page(page, project, path)
    expect(page.locator("select[name=format]")).to_have_value("label-studio")
    expect(page.get_by_label("The rating of each step")).to_have_value("rate_{{idx}}")
    expect(page.locator("#preview")).to_contain_text("'Falsch' has no meaning")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_disabled()
    assert flaws(page) == {}
    page.get_by_label("“Falsch” means").select_option("bad")
    expect(page.locator("#preview .steps-preview li").nth(1)).to_contain_text("bad label-studio-7")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("link", name="View solutions")).to_be_visible(timeout=120_000)
    (assignment,) = Assignment.objects.filter(round__project=project)
    assert sorted(assignment.step_labels.values_list("step__position", "rating")) == [(0, 1), (1, -1)]
    assert StepVerdict.objects.get().rating == 1


def test_another_format_has_a_form_of_its_own(
    project: Project, mia: User, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(row(1) + "\n")
    page = page_of(mia)
    upload_page(page, project, path)
    page.locator("select[name=format]").select_option("label-studio")
    page.wait_for_url("**format=label-studio")
    expect(page.get_by_label("The rating of each step")).to_be_visible()
    page.get_by_role("link", name="Read as Annotate's own row").click()
    expect(page.locator("select[name=format]")).to_have_value("jsonl")
    expect(page.get_by_role("button", name="Import", exact=True)).to_be_enabled()


def test_a_workbook_is_named_and_another_file_can_be_chosen(
    project: Project, mia: User, page_of: Callable[..., Page], tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    page = page_of(mia)
    upload_page(page, project, path)
    expect(page.locator("main")).to_contain_text("this is an Excel workbook: save its sheet as CSV UTF-8")
    expect(page.get_by_role("button", name="Import", exact=True)).to_have_count(0)
    assert flaws(page) == {}
    page.get_by_role("link", name="Choose another file").click()
    expect(page.locator("#id_file")).to_be_attached()
