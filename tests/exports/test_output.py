"""The command writes a file with its card and manifest beside it, or a folder of all files, and never half of either."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.exports.files import parts
from apps.exports.files.output import write_file
from apps.exports.models import Export
from apps.projects.models import Project
from tests.exports.rich_project import fill
from tests.exports.test_loading import load, rows_in

__all__ = ["load"]  # A fixture.
pytestmark = pytest.mark.django_db


@pytest.fixture
def rich(project: Project) -> Project:
    return fill(project)


def command(project: Project, output: Path, *, format_: str = "trl-prm", **options: Any) -> tuple[dict[str, Any], str]:
    """The command's JSON, and what it says on standard error."""
    out, err = StringIO(), StringIO()
    options = {"project": project.slug, "format": format_, "output": output, "json": True, **options}
    call_command("export", stdout=out, stderr=err, **options)
    return dict(json.loads(out.getvalue())), err.getvalue()


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_a_file_in_an_empty_folder_can_be_loaded_by_its_folder(
    rich: Project, tmp_path: Path, load: Any, ending: str
) -> None:
    folder = tmp_path / "test-folder"
    folder.mkdir()
    told, advice = command(rich, folder / f"my-test-run.{ending}")
    assert advice == ""
    assert names_in(folder) == {f"my-test-run.{ending}", "README.md", "manifest.json"}
    content = (folder / f"my-test-run.{ending}").read_bytes()
    assert (told["bytes"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    loaded = load(folder)
    assert {name: len(rows) for name, rows in loaded.items()} == {"train": told["rows"]}
    assert loaded["train"].to_list() == rows_in(folder / f"my-test-run.{ending}")


def test_a_name_with_signs_of_a_pattern_is_loaded_as_a_name(rich: Project, tmp_path: Path, load: Any) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    told, _ = command(rich, folder / "a[1]*?.jsonl")
    (folder / "a1x.jsonl").write_text('{"prompt": "another file"}\n')
    assert len(load(folder)["train"]) == told["rows"]


def test_splits_are_files_beside_each_other(rich: Project, tmp_path: Path, load: Any) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"splits": {"train": 0.6, "heldout": 0.4}}))
    folder = tmp_path / "out"
    folder.mkdir()
    told, _ = command(rich, folder / "mine.jsonl", policy=policy)
    assert [Path(file).name for file in told["files"]] == ["mine-train.jsonl", "mine-heldout.jsonl"]
    loaded = load(folder)
    assert list(loaded) == ["train", "heldout"]
    assert sum(map(len, loaded.values())) == told["rows"]
    for name in loaded:
        assert loaded[name].to_list() == rows_in(folder / f"mine-{name}.jsonl")


def test_the_same_file_again_replaces_the_file_and_its_card(rich: Project, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    command(rich, folder / "one.jsonl")
    told, advice = command(rich, folder / "one.jsonl", format_="orm")
    assert advice == ""
    assert names_in(folder) == {"one.jsonl", "README.md", "manifest.json"}
    assert json.loads((folder / "manifest.json").read_text())["format"] == "orm"
    assert told["sha256"] == hashlib.sha256((folder / "one.jsonl").read_bytes()).hexdigest()


def test_a_card_of_something_else_is_not_replaced_and_no_sidecar_is_data(
    rich: Project, tmp_path: Path, load: Any
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "README.md").write_text("# Notes of my own\n")
    told, advice = command(rich, folder / "train.jsonl")
    assert (folder / "README.md").read_text() == "# Notes of my own\n"
    stem = f"export-{told['sha256'][:12]}"
    assert names_in(folder) == {"README.md", "train.jsonl", f"{stem}.manifest", f"{stem}.md"}
    assert f'load_dataset("json", data_files={{"train":"{folder / "train.jsonl"}"}})' in advice
    assert len(load(folder)["train"]) == told["rows"]


def test_a_folder_holds_parts_card_and_manifest_and_can_be_moved(rich: Project, tmp_path: Path, load: Any) -> None:
    told, _ = command(rich, tmp_path / "out", format_="reward-pairs", container="parquet")
    moved = Path(shutil.move(tmp_path / "out", tmp_path / "dev-test"))
    assert names_in(moved) == {"data-00000-of-00001.parquet", "README.md", "manifest.json"}
    assert len(load(moved)["train"]) == told["rows"]
    command(rich, moved, format_="trl-prm")
    assert names_in(moved) == {"data-00000-of-00001.jsonl", "README.md", "manifest.json"}


def test_a_folder_with_other_files_is_refused_before_anything_is_made(rich: Project, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(CommandError, match=r"holds other files, such as thesis\.tex"):
        command(rich, tmp_path)
    for output, reason in {
        tmp_path / "out.csv": "must end in one of",
        tmp_path / "no" / "out.jsonl": "There is no folder",
        tmp_path / "no" / "out": "There is no folder",
    }.items():
        with pytest.raises(CommandError, match=reason):
            command(rich, output)
    with pytest.raises(CommandError, match="leave --container parquet out"):
        command(rich, tmp_path / "out.jsonl", container="parquet")
    assert not Export.objects.exists()
    assert names_in(tmp_path) == {"thesis.tex"}


def test_an_interrupted_copy_leaves_the_earlier_file_and_no_half_one(
    rich: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    command(rich, folder / "one.jsonl")
    before = (folder / "one.jsonl").read_bytes()
    export = Export.objects.get()
    write: Callable[..., Any] = shutil.copyfileobj

    def interrupted(source: Any, target: Any, size: int) -> None:
        target.write(source.read(10))
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfileobj", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(export, folder / "one.jsonl")
    monkeypatch.setattr(shutil, "copyfileobj", write)
    assert (folder / "one.jsonl").read_bytes() == before
    assert names_in(folder) == {"one.jsonl", "README.md", "manifest.json"}


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "jsonl.zst", "parquet"])
def test_several_parts_become_one_file(
    rich: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Any, ending: str
) -> None:
    whole, _ = command(rich, tmp_path / "whole", container=ending)
    monkeypatch.setattr(parts, "PART_SIZE", 5)
    folder = tmp_path / "one"
    folder.mkdir()
    told, _ = command(rich, folder / f"out.{ending}")
    assert len(Export.objects.latest("pk").parts) > 2
    content = (folder / f"out.{ending}").read_bytes()
    assert (told["rows"], told["sha256"]) == (whole["rows"], hashlib.sha256(content).hexdigest())
    rows = rows_in(Path(whole["files"][0]))
    assert rows_in(folder / f"out.{ending}") == rows
    (part,) = json.loads((folder / "manifest.json").read_text())["parts"]
    assert part == {
        "name": f"out.{ending}",
        "rows": told["rows"],
        "bytes": len(content),
        "sha256": told["sha256"],
        "split": "train",
    }
    assert load(folder)["train"].to_list() == rows
    many, _ = command(rich, tmp_path / "many", container=ending)
    assert len(many["files"]) > 2
    assert load(tmp_path / "many")["train"].to_list() == rows
