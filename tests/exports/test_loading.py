"""`load_dataset(folder)` of Hugging Face `datasets` loads every export, and every value comes back as it is in the file."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.core.zstd import ZstdFile
from apps.exports.description.card import dataset_card
from apps.exports.files.part_names import part_name
from apps.exports.files.storage import export_folder
from apps.exports.files.writers import CONTAINERS, PartWriter
from apps.exports.formats import FORMATS
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.exports.rich_project import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich(alice: User) -> Project:
    """Its name is that of a split, and no file may bear it."""
    return fill(create_project(slug="test-train-dev", name="Test", owner=alice), criticized=9)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`load_dataset` of a folder, offline and with a cache of its own."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return lambda folder, **options: datasets.load_dataset(
        str(folder), cache_dir=str(tmp_path / "cache"), **{"verification_mode": "all_checks"} | options
    )


def export(project: Project, format_: str, **options: Any) -> Export:
    made = run_export(export_id=create_export(project=project, format=format_, **options).pk)
    assert made.status == JobStatus.FINISHED, made.error
    return made


def as_loaded(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-14)


def rows_in(path: Path) -> list[dict[str, Any]]:
    if path.name.endswith(".parquet"):
        return list(pq.read_table(path).to_pylist())
    opened = gzip.open if path.name.endswith(".gz") else ZstdFile if path.name.endswith(".zst") else open
    with opened(path, "r") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_loads_from_its_folder_with_the_values_of_the_file(
    rich: Project, load: Any, format_: str, container: str
) -> None:
    if container == "jsonl.zst":
        pytest.importorskip("zstandard")
    made = export(rich, format_, container=container)
    assert made.rows > 0
    rows = rows_in(export_folder(made) / made.parts[0]["name"])
    loaded = load(export_folder(made))
    assert list(loaded) == ["train"]
    assert loaded["train"].to_list() == rows
    assert loaded["train"].features.arrow_schema == FORMATS[format_].schema(LabelPolicy()).remove_metadata()


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_splits_are_those_of_the_policy_and_no_word_of_a_name_makes_another(
    rich: Project, load: Any, container: str
) -> None:
    shares = {"train": 0.4, "validation": 0.3, "heldout": 0.3}
    made = export(rich, "trl-prm", container=container, policy={"splits": shares})
    loaded = load(export_folder(made))
    assert set(loaded) == set(shares)
    statements = [{row["prompt"] for row in split.to_list()} for split in loaded.values()]
    assert sum(map(len, statements)) == len(set.union(*statements))
    for part in (made.manifest or {})["parts"]:
        assert loaded[part["split"]].to_list() == rows_in(export_folder(made) / part["name"])


@pytest.mark.parametrize("container", ["jsonl", "jsonl.gz", "parquet"])
def test_several_parts_of_a_split_are_loaded_in_order(rich: Project, load: Any, tmp_path: Path, container: str) -> None:
    made = export(rich, "prm800k", container=container)
    rows = rows_in(export_folder(made) / made.parts[0]["name"])
    columns = FORMATS["prm800k"].schema(LabelPolicy())
    folder = tmp_path / "train"
    folder.mkdir()
    parts = []
    for index, cut in enumerate((rows[:5], rows[5:6], rows[6:])):
        with PartWriter(folder / part_name("", index, 3, container), container, columns) as writer:
            writer.write(cut)
        parts.append(asdict(writer.part()) | {"split": "train"})
    (folder / "README.md").write_text(dataset_card((made.manifest or {}) | {"parts": parts}))
    assert load(folder)["train"].to_list() == rows


@pytest.mark.parametrize("format_", ["trl-prm", "prm800k", "annotate"])
def test_above_ten_mebibytes_types_are_those_of_the_card(rich: Project, load: Any, format_: str) -> None:
    """Without declared types, the first 10 MiB would decide them."""
    for number in range(12):
        fill(rich, solutions=1, first=100 + number, comparisons=0, filler=str(number) * 1_000_000)
    made = export(rich, format_)
    assert made.bytes > 11 * 1024 * 1024
    loaded = load(export_folder(made))["train"]
    assert loaded.to_list() == rows_in(export_folder(made) / made.parts[0]["name"])


@pytest.mark.parametrize("prompts", ["conversational", "llama_factory", "ms_swift"])
def test_messages_load_as_they_are_in_the_file(rich: Project, load: Any, prompts: str) -> None:
    made = export(rich, "dpo", policy={"prompts": prompts})
    assert made.rows > 0
    assert load(export_folder(made))["train"].to_list() == rows_in(export_folder(made) / made.parts[0]["name"])


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
def test_votes_load_as_they_are_in_the_file(rich: Project, load: Any, container: str) -> None:
    policy = {"columns": ["votes"], "sources": ["human", "judge", "monte_carlo_soft"]}
    made = export(rich, "trl-prm", policy=policy, container=container)
    loaded = load(export_folder(made))["train"].to_list()
    assert loaded == rows_in(export_folder(made) / made.parts[0]["name"])
    assert list(loaded[0]["votes"]) == policy["sources"]


@pytest.mark.parametrize("container", ["jsonl", "parquet"])
@pytest.mark.parametrize("format_", ["trl-prm", "qwen-prm"])
def test_shares_of_successes_load_as_they_are_in_the_file(
    rich: Project, load: Any, format_: str, container: str
) -> None:
    """From JSON Lines to the 14th digit: `datasets` changes the last ones where a list holds a null."""
    policy = {"columns": ["values"], "sources": ["monte_carlo_soft"]}
    made = export(rich, format_, policy=policy, container=container)
    rows = rows_in(export_folder(made) / made.parts[0]["name"])
    assert any(len(str(low)) > 14 for row in rows for low in row["value_lows"])
    loaded = load(export_folder(made))["train"].to_list()
    for name in ("values", "value_lows", "value_highs", "advantages"):
        for row, same in zip(rows, loaded, strict=True):
            expected = [as_loaded(value) for value in row[name]] if container == "jsonl" else row[name]
            assert same[name] == expected
