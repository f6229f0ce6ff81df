"""A policy is built, its preview read, the export made by a real worker, downloaded, loaded by `datasets`, and compared."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.exports.files.storage import export_files
from apps.exports.hub.services import run_push
from apps.exports.models import Export, HubPush
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.browser.barriers import flaws
from tests.browser.conftest import Watched
from tests.exports.rich_project import fill
from tests.hub_server import WRITES, serving_hub


def picture(page: Page, name: str) -> None:
    """A picture of the whole page, where PICTURES names a folder."""
    if folder := os.environ.get("PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def settled(page: Page) -> None:
    """No preview is awaited, so that leaving the page breaks none off."""
    page.wait_for_timeout(1000)  # Typing asks for a preview after 0.6 s.
    expect(page.locator("#preview.htmx-request")).to_have_count(0)


def test_a_policy_becomes_a_data_set(
    project: Project,
    mia: User,
    page_of: Callable[..., Page],
    worker: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(project)
    page = page_of(mia)
    page.goto(f"/projects/{project.slug}/exports/new")
    page.get_by_label("TRL stepwise supervision").check()
    preview = page.locator("#preview")
    expect(preview).to_contain_text('"completions": [')
    expect(preview).to_contain_text(f"rows from all {project.solutions.count()} solutions and comparisons.")
    picture(page, "builder")
    assert flaws(page) == {}

    # Only the keys of the format are asked for.
    expect(page.get_by_label("Margins as numbers")).to_be_hidden()
    page.get_by_label("Pairs for a reward model").check()
    expect(page.get_by_label("Margins as numbers")).to_be_visible()
    expect(page.get_by_label("Rated alternatives")).to_be_visible()
    expect(preview).to_contain_text('"chosen"')
    page.get_by_label("TRL stepwise supervision").check()

    # The preview follows the policy, also where it is not valid.
    page.get_by_label("Okay (0) becomes").select_option("own_class")
    expect(preview).to_contain_text("trl-prm has two classes")
    page.get_by_label("Okay (0) becomes").select_option("negative")
    expect(page.get_by_label("Sources of labels, in order: 1")).to_have_value("gold")
    page.get_by_label("Split by problem").fill("train 50, test 50")
    expect(preview.locator("#splits")).to_contain_text("of 50 % asked")
    expect(preview.get_by_role("heading", name="Labels", exact=True)).to_be_visible()
    if folder := os.environ.get("PICTURES"):
        preview.screenshot(path=f"{folder}/preview.png")
    assert flaws(page) == {}
    shown = preview.locator("pre code").first.inner_text()

    page.get_by_label("Save this policy as").fill("Half and half")
    settled(page)
    page.get_by_role("button", name="Save policy").click()
    page.wait_for_url("**/exports/new?policy=*")
    expect(page.get_by_label("Split by problem")).to_have_value("test 50, train 50")
    settled(page)
    page.get_by_role("button", name="Export", exact=True).click()

    expect(page.get_by_role("link", name="All files as a tar")).to_be_visible(timeout=120_000)
    expect(page.locator("#checks")).not_to_contain_text("Not true")
    picture(page, "export")
    assert flaws(page) == {}
    with page.expect_download() as download:
        page.get_by_role("link", name="All files as a tar").click()
    with tarfile.open(download.value.path()) as archive:
        archive.extractall(tmp_path, filter="data")
    export = Export.objects.get()
    folder = tmp_path / f"export-{export.pk}"

    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in loaded.items()} == {
        part["split"]: part["rows"] for part in (export.manifest or {})["parts"]
    }
    rows = [row for split in loaded.values() for row in split.to_list()]
    assert json.loads(shown) in rows

    # Another policy, and what differs.
    page.get_by_role("link", name="Export again").click()
    expect(page.get_by_label("Okay (0) becomes")).to_have_value("negative")
    page.get_by_label("Steps after the first error").select_option("negative")
    settled(page)
    page.get_by_role("button", name="Export", exact=True).click()
    expect(page.get_by_role("link", name="All files as a tar")).to_be_visible(timeout=120_000)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#diff")).to_contain_text("after first error")
    picture(page, "compare")
    assert flaws(page) == {}


def test_an_export_is_pushed_to_a_hub(
    project: Project, mia: User, page_of: Callable[..., Page], watched: Watched, settings: Any
) -> None:
    pytest.importorskip("huggingface_hub")
    watched.expected = ("422",)
    fill(project)
    export = run_export(export_id=create_export(project=project, format="trl-prm").pk)
    with serving_hub() as hub:
        settings.HUB_URL = hub.url
        page = page_of(mia)
        page.goto(f"/projects/{project.slug}/exports/{export.pk}")
        push = page.locator("#push")
        push.get_by_label("Repository").fill("steps")
        push.get_by_label("Token").fill(WRITES)
        push.get_by_role("button", name="Push").click()
        expect(page.locator("#push .errors")).to_contain_text("OWNER/NAME")
        assert flaws(page) == {}
        push.get_by_label("Repository").fill("lab/steps")
        expect(push.get_by_label("Token")).to_have_value("")
        push.get_by_label("Token").fill(WRITES)
        push.get_by_role("button", name="Push").press("Enter")
        expect(page.locator("#pushes")).to_contain_text("queued")
        run_push(push_id=HubPush.objects.get().pk)
        # The page finds out by itself.
        expect(page.locator("#pushes")).to_contain_text("finished")
        expect(page.locator("#pushes a")).to_have_attribute("href", f"{hub.url}/datasets/lab/steps/commit/{_commit()}")
        picture(page, "push")
        assert flaws(page) == {}
        assert set(hub.repositories["lab/steps"].files) == {file.name for file in export_files(export)}


def _commit() -> str:
    return HubPush.objects.get().commit
