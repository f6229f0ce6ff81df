"""The difference between two exports: rows by key, labels by step and source, policy and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.exports.diffs import services
from apps.exports.diffs.diff import Diff, diff_rows
from apps.exports.diffs.row_parts import row_parts
from apps.exports.diffs.services import compare_exports, run_diff
from apps.exports.files.storage import part_path
from apps.exports.models import ExportDiff
from apps.labeling.models import GoldLabel
from apps.projects.models import Project
from tests.cast import bearer, signed_in
from tests.exports.rich_project import fill
from tests.exports.test_loading import export

Rows = Sequence[dict[str, Any]]


@pytest.fixture
def rich(project: Project) -> Project:
    return fill(project)


def diff(before: Rows, after: Rows, tmp_path: Path, **options: Any) -> Diff:
    sides = [[row_parts(row, **options) for row in rows] for rows in (before, after)]
    return diff_rows(*sides, folder=str(tmp_path))


def prm(prompt: str, *labels: bool) -> dict[str, Any]:
    return {"prompt": prompt, "completions": [f"s{place}" for place in range(len(labels))], "labels": list(labels)}


def test_a_label_flips_at_its_step_even_if_the_row_becomes_longer(tmp_path: Path) -> None:
    before = [prm("a", True, False), prm("b", True), prm("gone", True)]
    after = [prm("a", True, True, False), prm("b", False), prm("new", True)]
    found = diff(before, after, tmp_path)
    assert (found.rows.same, found.rows.changed) == (0, 1)
    assert (found.rows.removed, found.rows.added) == (2, 2)
    assert (found.labels.same, found.labels.flipped, found.labels.added, found.labels.removed) == (1, 2, 2, 1)
    assert found.labels.flips == {"": {"false → true": 1, "true → false": 1}}
    assert found.labels.by_position == {0: 1, 1: 1}
    assert {(example.kind, example.title) for example in found.examples} >= {("removed", "gone"), ("flipped", "b")}


def test_rows_that_repeat_a_step_flip_it_once(tmp_path: Path) -> None:
    before = [prm("a", True, True), {"prompt": "a", "completions": ["s0", "x"], "labels": [True, False]}]
    after = [prm("a", False, True), {"prompt": "a", "completions": ["s0", "x"], "labels": [False, False]}]
    assert diff(before, after, tmp_path).labels.flipped == 1


def test_a_reversed_preference_is_a_flip_of_one_pair(tmp_path: Path) -> None:
    pair = {"prompt": "p", "chosen": "x", "rejected": "y", "margin": 1.0}
    found = diff([pair], [pair | {"chosen": "y", "rejected": "x"}], tmp_path)
    assert (found.rows.changed, found.labels.flipped) == (1, 1)
    assert found.labels.by_position == {}
    assert (diff([pair], [pair | {"margin": 3.0}], tmp_path).labels.flipped) == 0
    assert diff([pair], [pair | {"margin": 3.0}], tmp_path).rows.changed == 1


def test_math_shepherds_tags_are_read_as_labels(tmp_path: Path) -> None:
    before = {"input": "q Step 1: a ки\nStep 2: b ки", "label": "q Step 1: a +\nStep 2: b -", "task": ""}
    found = diff([before], [before | {"label": "q Step 1: a +\nStep 2: b +"}], tmp_path)
    assert found.labels.flips == {"": {"- → +": 1}}
    assert found.labels.by_position == {1: 1}
    listed = {"input": "a <s>b <s>", "label": ["+", "-"]}
    found = diff([listed], [listed | {"label": ["-", "-"]}], tmp_path, step_tag="<s>")
    assert (found.labels.flips, found.labels.by_position) == ({"": {"+ → -": 1}}, {0: 1})


def test_turns_of_signs_are_read_as_labels(tmp_path: Path) -> None:
    def row(*signs: str) -> dict[str, Any]:
        messages = []
        for place, sign in enumerate(signs):
            messages += [{"role": "user", "content": f"s{place}"}, {"role": "assistant", "content": sign}]
        return {"messages": messages}

    found = diff([row("+", "+")], [row("+", "-")], tmp_path)
    assert (found.rows.changed, found.labels.flips) == (1, {"": {"+ → -": 1}})


row_lists = st.lists(st.builds(prm, st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=12)


@given(before=row_lists, after=row_lists)
def test_what_one_way_is_added_is_removed_the_other_way(
    before: Rows, after: Rows, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("diff")
    there, back, none = diff(before, after, folder), diff(after, before, folder), diff(before, before, folder)
    for kind in ("rows", "labels"):
        counts, other = getattr(there, kind), getattr(back, kind)
        assert (counts.added, counts.removed, counts.same) == (other.removed, other.added, other.same)
    assert there.rows.changed == back.rows.changed
    assert there.rows.same + there.rows.changed + there.rows.removed == len(before)
    assert there.rows.same + there.rows.changed + there.rows.added == len(after)
    assert none.is_empty
    assert none.labels.flipped == 0


def test_flips_of_the_canonical_row_are_counted_by_source(rich: Project) -> None:
    before = export(rich, "annotate")
    solution = rich.solutions.filter(external_id="s-3").get()
    GoldLabel.objects.bulk_create(GoldLabel(step=step, rating=1) for step in solution.steps.all())
    between = export(rich, "annotate")
    GoldLabel.objects.filter(step__position=2).update(rating=-1)
    rich.solutions.filter(external_id="s-4").delete()
    after = export(rich, "annotate")
    result = compare_exports(before=between, after=after).result or {}
    assert result["rows"] == {"same": 25, "added": 0, "removed": 1, "changed": 1} | {"same": before.rows - 2}
    assert result["labels"]["flips"] == {"gold": {"1 → -1": 1}}
    assert result["labels"]["by_position"] == {"2": 1}
    assert result["examples"][0]["title"] in {"s-3", "s-4"}
    added = compare_exports(before=before, after=between).result or {}
    assert (added["rows"]["changed"], added["labels"]["added"], added["labels"]["flips"]) == (1, 3, {})


def test_two_policies_are_compared_with_their_counts(rich: Project, alice: User) -> None:
    before = export(rich, "trl-prm")
    after = export(rich, "trl-prm", policy={"after_first_error": "negative", "sources": ["human"]}, container="parquet")
    result = bearer(alice).get(f"/api/v1/exports/{before.pk}/diff?with={after.pk}").json()["result"]
    assert result["policy"]["after_first_error"] == ["leave_out", "negative"]
    assert result["policy"]["sources"][1] == ["human"]
    assert "labels.-1" in result["counts"]
    assert result["labels"]["flipped"] == 0
    assert result["labels"]["added"] > 0


@pytest.mark.parametrize("format_", ["annotate", "prm800k", "reward-pairs", "orm"])
def test_the_container_makes_no_difference(rich: Project, format_: str) -> None:
    sides = [export(rich, format_, container=container) for container in ("jsonl.gz", "parquet")]
    result = compare_exports(before=sides[0], after=sides[1]).result or {}
    assert result["rows"] == {"same": sides[0].rows, "added": 0, "removed": 0, "changed": 0}


def test_a_diff_is_computed_once_and_a_failed_one_again(rich: Project) -> None:
    before, after = export(rich, "orm"), export(rich, "orm", policy={"answers": "right"})
    first = compare_exports(before=before, after=after)
    assert compare_exports(before=before, after=after).finished_at == first.finished_at
    other = compare_exports(before=after, after=before)
    assert other.result == run_diff(diff_id=other.pk).result
    path = part_path(after)
    content = path.read_bytes()
    ExportDiff.objects.all().delete()
    path.unlink()
    failed = compare_exports(before=before, after=after)
    assert failed.status == JobStatus.FAILED
    assert failed.error
    path.write_bytes(content)
    assert compare_exports(before=before, after=after).status == JobStatus.FINISHED


def test_large_files_are_compared_by_a_worker(rich: Project, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SMALL", 10)
    before, after = export(rich, "orm"), export(rich, "orm", policy={"answers": "right"})
    url = f"/api/v1/exports/{before.pk}/diff?with={after.pk}"
    waiting = bearer(alice).get(url)
    assert (waiting.status_code, waiting.json()["status"]) == (202, "queued")
    page = signed_in(alice).get(reverse("export-compare", args=[rich.slug]), {"before": before.pk, "after": after.pk})
    assert 'hx-trigger="every 2s"' in page.content.decode()
    run_diff(diff_id=waiting.json()["id"])
    done = bearer(alice).get(url)
    assert (done.status_code, done.json()["status"]) == (200, "finished")


def test_the_page_compares_two_exports(rich: Project, alice: User) -> None:
    before, after = export(rich, "trl-prm"), export(rich, "trl-prm", policy={"neutral": "negative"})
    address = reverse("export-compare", args=[rich.slug])
    assert "Examples" not in signed_in(alice).get(address).content.decode()
    page = signed_in(alice).get(address, {"before": before.pk, "after": after.pk}).content.decode()
    assert "No label flipped." in page
    assert "neutral" in page
    other = export(rich, "orm")
    refused = signed_in(alice).get(address, {"before": before.pk, "after": other.pk})
    assert refused.status_code == 422
    assert "only exports of one format can be compared" in refused.content.decode()


def test_the_api_refuses_what_cannot_be_compared(rich: Project, alice: User, charlie: User) -> None:
    made, other = export(rich, "trl-prm"), export(rich, "orm")
    api = bearer(alice)
    for with_, status in ((other.pk, 400), (made.pk, 400), ("x", 400), ("", 400), (10**9, 404)):
        assert api.get(f"/api/v1/exports/{made.pk}/diff?with={with_}").status_code == status
    assert bearer(charlie).get(f"/api/v1/exports/{made.pk}/diff?with={other.pk}").status_code == 404


def test_the_command_prints_the_difference(rich: Project) -> None:
    before, after = export(rich, "trl-prm"), export(rich, "trl-prm", policy={"neutral": "negative"})
    out = StringIO()
    call_command("diff_exports", str(before.pk), str(after.pk), json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert told["policy"] == {"neutral": ["positive", "negative"]}
    assert told["rows"]["same"] == before.rows
    with pytest.raises(CommandError, match="There is no export 999999"):
        call_command("diff_exports", str(before.pk), "999999", stdout=out)
