"""`load_dataset(folder)` of Hugging Face `datasets` loads every export, and every value comes back as it is in the file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.core.zstd import ZstdFile
from apps.exports.files import export_folder
from apps.exports.formats import FORMATS
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.exports.writers import CONTAINERS
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.exports.rich_project import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich(alice: User) -> Project:
    """Its name is that of a split, and no file may bear it."""
    return fill(create_project(slug="test-train-dev", name="Test", owner=alice))


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
    loaded = load(export_folder(made))
    assert list(loaded) == ["train"]
    assert made.rows > 0
    assert loaded["train"].to_list() == rows_in(export_folder(made) / made.parts[0]["name"])
    assert loaded["train"].features.arrow_schema == FORMATS[format_].schema(LabelPolicy()).remove_metadata()
