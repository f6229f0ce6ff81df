"""An export is a snapshot: it never changes, and the same data and policy make the same bytes."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import msgspec
import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.corpus.imports.run import run_import
from apps.corpus.services import create_import
from apps.exports.description.card import dataset_card
from apps.exports.description.manifest import build_manifest
from apps.exports.files.archive import archive_of
from apps.exports.files.part_names import part_name
from apps.exports.files.storage import export_files, export_folder, part_path
from apps.exports.files.writers import Part
from apps.exports.formats import FORMATS
from apps.exports.models import Export
from apps.exports.policy import FILTERS, LabelPolicy
from apps.exports.rows.row_length import row_length
from apps.exports.tally import Tally
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.quality.models import Figure
from tests.cast import bearer, signed_in
from tests.exports.rich_project import fill
from tests.exports.test_loading import export, rows_in


@pytest.fixture
def rich(project: Project) -> Project:
    return fill(project)


@pytest.mark.parametrize("field", ["rows", "sha256", "policy", "manifest", "status", "parts"])
def test_the_database_refuses_to_change_a_finished_export(rich: Project, field: str) -> None:
    made = export(rich, "orm")
    changed = {"rows": 1, "sha256": "0" * 64, "policy": {}, "manifest": {}, "status": "failed", "parts": []}
    with pytest.raises(IntegrityError, match="finished and cannot change"), transaction.atomic():
        Export.objects.filter(pk=made.pk).update(**{field: changed[field]})


def test_a_finished_export_outlives_the_account_that_asked_for_it(rich: Project, charlie: User) -> None:
    made = export(rich, "orm", requested_by=charlie)
    charlie.delete()
    made.refresh_from_db()
    assert made.requested_by is None


@pytest.mark.parametrize("format_", FORMATS)
def test_made_twice_an_export_has_the_same_bytes_and_the_same_card(rich: Project, format_: str) -> None:
    first, second = export(rich, format_), export(rich, format_)
    assert first.sha256 == second.sha256
    assert first.manifest == second.manifest
    assert dataset_card(first.manifest or {}) == (export_folder(second) / "README.md").read_text()


@pytest.mark.parametrize("format_", ["trl-prm", "orm", "reward-pairs", "annotate"])
def test_an_export_that_is_imported_elsewhere_makes_the_same_files(rich: Project, alice: User, format_: str) -> None:
    canonical = part_path(export(rich, "annotate")).read_bytes()
    other = create_project(slug="elsewhere", name="Elsewhere", owner=alice)
    batch = create_import(project=other, file=ContentFile(canonical), filename="all.jsonl", format="jsonl")
    assert run_import(batch_id=batch.pk).rejected == 0
    assert export(other, format_).sha256 == export(rich, format_).sha256


def test_the_manifest_counts_what_a_recount_of_the_file_finds(rich: Project) -> None:
    made = export(rich, "trl-prm", policy={"splits": {"train": 0.5, "test": 0.5}})
    counts = (made.manifest or {})["counts"]
    rows = [row for index in range(len(made.parts)) for row in rows_in(part_path(made, index))]
    labels = [label for row in rows for label in row["labels"]]
    assert counts["rows"] == made.rows == len(rows) == sum(part["rows"] for part in made.parts)
    assert counts["labels_as_read"] == {"false": labels.count(False), "true": labels.count(True)}
    lengths = [-(-len(row["prompt"] + "".join(row["completions"])) // 4) for row in rows]
    assert counts["tokens"] == {"longest": max(lengths), "above": {"1024": 0, "4096": 0}}


texts = st.text(max_size=40)
trainer_rows = st.one_of(
    st.fixed_dictionaries({"prompt": texts, "completions": st.lists(texts), "labels": st.lists(st.booleans())}),
    st.fixed_dictionaries({"prompt": texts, "chosen": texts, "rejected": texts, "margin": st.floats(0, 3)}),
    st.fixed_dictionaries({"messages": st.lists(st.fixed_dictionaries({"content": texts}))}),
)


@given(rows=st.lists(trainer_rows, max_size=30), cuts=st.integers(0, 30), scale=st.integers(1, 400))
def test_rows_counted_one_by_one_in_parts_and_in_bulk_are_counted_alike(
    rows: list[dict[str, Any]], cuts: int, scale: int
) -> None:
    rows = [row | {name: value * scale for name, value in row.items() if isinstance(value, str)} for row in rows]
    whole, first, second, bulk = Tally(), Tally(), Tally(), Tally()
    whole.count_rows(rows)
    first.count_rows(rows[:cuts])
    second.count_rows(rows[cuts:])
    first.add(second)
    lengths = [-(-row_length(row) // 4) for row in rows]
    above = {limit: sum(length > limit for length in lengths) for limit in (1024, 4096)}
    bulk.count_frame(len(rows), longest=max(lengths, default=0), long_rows=above)
    assert whole.rows == len(rows)
    assert whole.lengths() == first.lengths() == bulk.lengths()
    assert (whole.rows, bulk.rows, first.rows) == (len(rows),) * 3


def test_a_pair_is_as_long_as_its_longer_side() -> None:
    assert row_length({"prompt": "ab", "chosen": "c", "rejected": "defg", "margin": 1.0}) == 6
    assert row_length({"prompt": "ab", "completion": "cd", "label": True, "note": "not read"}) == 4
    assert row_length({"messages": [{"role": "", "content": "abc"}], "source": "x"}) == 3


def manifest_of(format_: str, tally: Tally, *names: str, **policy: Any) -> dict[str, Any]:
    return build_manifest(
        version="1",
        project="p",
        format_=FORMATS[format_],
        container="jsonl",
        policy=LabelPolicy.from_dict(policy),
        tally=tally,
        parts=[Part(name, 1, 2, "0" * 64) for name in names],
        agreement={"alpha_ordinal": 0.715, "low": 0.6, "high": 0.8, "solutions": 40},
    )


def test_the_card_names_every_part_of_every_split_in_order() -> None:
    names = [part_name(split, index, 2, "jsonl") for split in ("test", "data") for index in range(2)]
    card = dataset_card(manifest_of("orm", Tally(), *names, splits={"test": 0.5, "data": 0.5}))
    front = card.split("---\n")[1]
    assert front.index("test-00000-of-00002.jsonl") < front.index("test-00001-of-00002.jsonl")
    assert "- split: data\n    path:\n    - data-00000-of-00002.jsonl\n    - data-00001-of-00002.jsonl" in front
    assert "license" not in front


def test_the_card_says_what_trainers_do_with_long_rows_and_how_they_see_labels() -> None:
    tally = Tally(rows=3, longest=5000)
    tally.carry(["1", "1", "-1"])
    tally.long_rows.update({1024: 2, 4096: 1})
    tally.notice("All margins are 0.")
    card = dataset_card(manifest_of("trl-prm", tally, "data-00000-of-00001.jsonl"))
    assert "| `true` | 2 | 66.7 % |" in card
    assert "| `false` | 1 | 33.3 % |" in card
    assert "about 5,000 tokens" in card
    assert "2 of 3 rows are longer than 1,024 tokens, 1 of 3 rows are longer than 4,096 tokens" in card
    assert "PRMTrainer" in card
    assert "0.71" in card or "0.72" in card
    assert "> All margins are 0." in card
    pairs = dataset_card(manifest_of("dpo", tally, "data-00000-of-00001.jsonl"))
    assert "RewardTrainer removes rows" in pairs


def test_an_empty_filter_is_all_and_any_other_empty_key_is_none() -> None:
    card = dataset_card(manifest_of("dpo", Tally(), "data-00000-of-00001.jsonl"))
    for key in FILTERS:
        assert f"| {key} | all |" in card
    for key in ("contamination", "columns", "splits"):
        assert f"| {key} | none |" in card


def test_the_agreement_of_the_quality_pages_stands_in_the_manifest(rich: Project) -> None:
    assert (export(rich, "orm").manifest or {})["agreement"] == {}
    alpha = {"value": 0.7, "low": 0.5, "high": 0.9, "solutions": 12}
    Figure.objects.create(project=rich, name="agreement", data={"steps": {"alpha_ordinal": alpha}})
    agreement = (export(rich, "orm").manifest or {})["agreement"]
    assert agreement == {"alpha_ordinal": 0.7, "low": 0.5, "high": 0.9, "solutions": 12}
    Figure.objects.update(data={"steps": {"alpha_ordinal": {**alpha, "value": None}}})
    assert (export(rich, "orm").manifest or {})["agreement"] == {}


# --- downloads -------------------------------------------------------------------------------------------------------


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else bytes(response.content)


def test_every_file_is_listed_and_downloaded_by_name(rich: Project, alice: User) -> None:
    made, api = export(rich, "trl-prm", policy={"splits": {"train": 0.5, "test": 0.5}}), bearer(alice)
    listed = api.get(f"/api/v1/exports/{made.pk}/files").json()
    assert [file["name"] for file in listed] == [
        "README.md",
        "manifest.json",
        "test-00000-of-00001.jsonl",
        "train-00000-of-00001.jsonl",
    ]
    for file in listed:
        answer = api.get(file["url"])
        assert answer.headers["ETag"] == f'"{file["sha256"]}"'
        assert len(body(answer)) == file["bytes"]
        page = signed_in(alice).get(reverse("export-file", args=[rich.slug, made.pk, file["name"]]))
        assert len(body(page)) == file["bytes"]
    for name in ("nothing.jsonl", "..", "%2e%2e%2fmanifest.json"):
        assert api.get(f"/api/v1/exports/{made.pk}/files/{name}").status_code == 404


def test_an_interrupted_download_is_resumed_only_if_the_file_is_the_same(rich: Project, alice: User) -> None:
    made, api = export(rich, "trl-prm"), bearer(alice)
    url = f"/api/v1/exports/{made.pk}/download"
    whole = body(api.get(url))
    tag = f'"{made.sha256}"'
    for condition, status, expected in ((tag, 206, whole[10:]), ('"other"', 200, whole), (f"W/{tag}", 200, whole)):
        answer = api.get(url, headers={"Range": "bytes=10-", "If-Range": condition})
        assert (answer.status_code, body(answer)) == (status, expected)
    assert api.get(url, headers={"If-None-Match": tag}).status_code == 304
    beyond = api.get(url, headers={"Range": f"bytes={len(whole)}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")


def test_the_archive_is_a_tar_that_any_range_can_be_read_of(rich: Project, alice: User) -> None:
    made, api = export(rich, "trl-prm"), bearer(alice)
    url = f"/api/v1/exports/{made.pk}/archive"
    answer = api.get(url)
    whole = body(answer)
    assert answer.headers["Content-Length"] == str(len(whole))
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        members = {member.name: archive.extractfile(member) for member in archive.getmembers()}
    files = export_files(made)
    assert list(members) == [f"export-{made.pk}/{file.name}" for file in files]
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        for file in files:
            content = archive.extractfile(f"export-{made.pk}/{file.name}")
            assert content is not None
            assert content.read() == file.path.read_bytes()
    for first, last in ((0, 0), (500, 520), (1000, len(whole) - 700), (len(whole) - 5, len(whole) - 1)):
        part = api.get(url, headers={"Range": f"bytes={first}-{last}", "If-Range": answer.headers["ETag"]})
        assert (part.status_code, body(part)) == (206, whole[first : last + 1])
    assert body(signed_in(alice).get(reverse("export-archive", args=[rich.slug, made.pk]))) == whole


def test_an_archive_with_a_missing_file_is_refused(rich: Project, alice: User) -> None:
    made = export(rich, "trl-prm")
    assert archive_of(made).pieces
    part_path(made).write_bytes(b"cut")
    assert bearer(alice).get(f"/api/v1/exports/{made.pk}/archive").status_code == 404
    page = signed_in(alice).get(reverse("export", args=[rich.slug, made.pk])).content.decode()
    assert "Not true: All files are stored with their recorded sizes." in page


def test_the_list_of_exports_comes_in_pages(rich: Project, alice: User) -> None:
    made = [export(rich, format_).pk for format_ in ("orm", "trl-prm")]
    listed = bearer(alice).get("/api/v1/projects/algebra/exports?page_size=1").json()
    assert [row["id"] for row in listed["results"]] == made[:1]
    assert "manifest" not in listed["results"][0]
    following = bearer(alice).get(listed["next"]).json()
    assert ([row["id"] for row in following["results"]], following["next"]) == (made[1:], None)


# --- streams ---------------------------------------------------------------------------------------------------------


def stream(api: Any, **asked: Any) -> Any:
    headers = {"Accept": "application/x-ndjson"}
    return api.post(
        "/api/v1/projects/algebra/exports/stream", json.dumps(asked), content_type="application/json", headers=headers
    )


@pytest.mark.parametrize("policy", [{}, {"lineage": "column"}], ids=["default", "lineage"])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_stream_has_the_bytes_of_the_file(rich: Project, alice: User, format_: str, policy: dict[str, Any]) -> None:
    made, before = export(rich, format_, policy=policy), Export.objects.count()
    answer = stream(bearer(alice), format=format_, policy=policy)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert body(answer) == part_path(made).read_bytes()
    assert Export.objects.count() == before


def test_a_stream_that_fails_says_so_in_its_last_line(
    rich: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Any:
        yield b'{"prompt": "the first"}\n'
        raise RuntimeError

    monkeypatch.setattr("apps.api.exports.exports.stream_rows", failing)
    first, last = [msgspec.json.decode(line) for line in body(stream(bearer(alice), format="orm")).splitlines()]
    assert first == {"prompt": "the first"}
    assert last["error"]["code"] == "failed"
    assert "incomplete" in last["error"]["message"]


def test_a_stream_refuses_splits_and_policies_that_are_not_valid(rich: Project, alice: User, bob: User) -> None:
    def refusal(**asked: Any) -> dict[str, str]:
        answer = stream(bearer(alice), **asked)
        assert answer.status_code == 400
        return dict(json.loads(answer.content)["error"]["fields"])

    splits = refusal(format="trl-prm", policy={"splits": {"train": 1.0}})
    assert splits == {"policy.splits": "must be empty in a stream"}
    assert "policy.neutral" in refusal(format="trl-prm", policy={"neutral": "own_class"})
    assert "format" in refusal(format="nothing")
    assert stream(bearer(bob), format="trl-prm").status_code == 403


def test_a_preview_by_the_api_shows_rows_and_counts(rich: Project, alice: User) -> None:
    asked = json.dumps({"format": "trl-prm", "policy": {"splits": {"train": 0.5, "test": 0.5}}})
    url = "/api/v1/projects/algebra/exports/preview"
    told = bearer(alice).post(url, asked, content_type="application/json").json()
    assert len(told["rows"]) == 3
    assert told["counts"]["rows"] == sum(told["splits"].values())
    assert told["is_whole"] is True
    assert not Export.objects.exists()
    assert told["counts"]["rows"] == export(rich, "trl-prm").rows


def test_policies_are_saved_listed_and_deleted_by_the_api(rich: Project, alice: User, bob: User, charlie: User) -> None:
    api, url = bearer(alice), "/api/v1/projects/algebra/label-policies"
    asked = json.dumps({"name": "strict", "format": "trl-prm", "policy": {"neutral": "negative"}})
    saved = api.post(url, asked, content_type="application/json")
    assert saved.status_code == 201
    assert [row["name"] for row in api.get(url).json()["results"]] == ["strict"]
    one = f"/api/v1/label-policies/{saved.json()['id']}"
    assert api.get(one).json()["policy"]["neutral"] == "negative"
    assert [bearer(charlie).get(one).status_code, bearer(charlie).delete(one).status_code] == [404, 404]
    assert bearer(bob).delete(one).status_code == 403
    wrong = api.post(
        url, json.dumps({"name": "x", "format": "orm", "policy": {"neutral": 3}}), content_type="application/json"
    )
    assert "policy.neutral" in wrong.json()["error"]["fields"]
    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404
