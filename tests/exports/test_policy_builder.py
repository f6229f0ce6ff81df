"""The policy builder asks for every key in words, previews what would be written, and saves policies by name."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from msgspec import inspect

from apps.accounts.models import User
from apps.corpus.records import Record
from apps.dashboard.exports.policy_keys import GROUPS, POLICY_KEYS
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.models import Export, SavedPolicy
from apps.exports.policy import SOURCES, LabelPolicy, PolicyError
from apps.exports.rows.chunk_rows import rows_by_split
from apps.exports.tally import Tally
from apps.projects.models import Project
from tests.cast import signed_in
from tests.exports.rich_project import fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def rich(project: Project) -> Project:
    return fill(project)


@pytest.fixture
def pages(alice: User) -> Client:
    return signed_in(alice)


def stored(policy: LabelPolicy) -> dict[str, Any]:
    """The policy as an export keeps it."""
    return dict(json.loads(json.dumps(policy.to_dict())))


# People lead; the project has neither consensus nor reviewers' decisions.
DEFAULTS = stored(LabelPolicy(sources=("gold", "human", "monte_carlo_hard")))


def declared() -> dict[str, inspect.Type]:
    policy = inspect.type_info(LabelPolicy)
    assert isinstance(policy, inspect.StructType)
    return {field.name: field.type for field in policy.fields}


def values_of(type_: inspect.Type) -> tuple[Any, ...]:
    item = type_.item_type if isinstance(type_, inspect.VarTupleType) else type_
    return item.values if isinstance(item, inspect.LiteralType) else ()


@pytest.mark.parametrize("key", LabelPolicy.__struct_fields__)
def test_every_key_has_a_label_a_group_and_a_title_for_each_value(key: str) -> None:
    about = POLICY_KEYS[key]
    assert about.label
    assert about.group in GROUPS
    assert set(about.formats) <= set(FORMATS)
    expected = SOURCES if key == "sources" else values_of(declared()[key])
    assert set(expected) <= set(about.values)


def answers(form: Any, **changed: Any) -> dict[str, Any]:
    """What a browser sends of the form as it is shown, with some answers changed."""
    sent: dict[str, Any] = {}
    for name in form.fields:
        bound = form[name]
        value = bound.value()
        if hasattr(bound.field.widget, "decompress"):
            sent |= {f"{name}_{rank}": part for rank, part in enumerate(bound.field.widget.decompress(value))}
        elif name != "once" and value is not None:
            sent[name] = bound.field.prepare_value(value)
    return sent | changed


def test_the_form_as_it_is_shown_asks_for_the_default_policy(rich: Project, pages: Client) -> None:
    address = reverse("export-new", args=[rich.slug])
    for format_ in FORMATS:
        answered = pages.post(address, answers(pages.get(address).context["form"], format=format_))
        assert answered.status_code == 302, answered.context["form"].errors
        assert Export.objects.latest("pk").policy == DEFAULTS


def test_a_key_that_the_format_ignores_is_neither_checked_nor_stored(rich: Project, pages: Client) -> None:
    address = reverse("export-new", args=[rich.slug])
    asked = answers(pages.get(address).context["form"], format="orm", step_tag="two words", soft_threshold="7")
    assert pages.post(address, asked).status_code == 302
    assert Export.objects.latest("pk").policy == DEFAULTS
    refused = pages.post(address, {**asked, "format": "math-shepherd"})
    assert refused.status_code == 422
    assert refused.context["form"].errors.keys() == {"soft_threshold"}


def changed_values(key: str) -> list[Any]:
    if key == "sources":
        return [[source] for source in SOURCES]
    if found := values_of(declared()[key]):
        return [[value] for value in found] if isinstance(declared()[key], inspect.VarTupleType) else list(found)
    return {
        "step_tag": ["<s>"],
        "soft_threshold": [0.9],
        "minimum_share": [1.0],
        "minimum_rollouts": [9],
        "minimum_labels": [2],
        "pairs_per_problem": [1],
        "critiques_per_solution": [3],
        "rounds": [[1]],
        "estimation_runs": [[99]],
        "judges": [["critic v3"]],
    }[key]


def made(records: list[Record], format_: str, policy: dict[str, Any]) -> Any:
    try:
        checked = LabelPolicy.from_dict(policy)
    except PolicyError:
        return None
    return rows_by_split(records, FORMATS[format_], checked, Tally())


@pytest.mark.parametrize("format_", FORMATS)
def test_a_key_that_the_page_hides_changes_no_row(rich: Project, format_: str) -> None:
    records = [record for chunk in load_records(rich, of=FORMATS[format_].of) for record in chunk]
    usual = made(records, format_, {})
    for key in LabelPolicy.__struct_fields__:
        if format_ in POLICY_KEYS[key].formats:
            continue
        for value in changed_values(key):
            assert made(records, format_, {key: value}) in (usual, None), (key, value)


def test_the_preview_shows_rows_counts_and_what_is_left_out(rich: Project, pages: Client) -> None:
    form = pages.get(reverse("export-new", args=[rich.slug])).context["form"]
    address = reverse("export-preview", args=[rich.slug])
    shown = pages.post(address, answers(form, format="trl-prm", splits="train 50, test 50")).content.decode()
    assert f"rows from all {rich.solutions.count()} solutions and comparisons." in shown
    assert "&quot;completions&quot;: [" in shown
    assert "Left out: ratings" in shown
    assert "of the source monte_carlo_hard, since an earlier source labels the solution" in shown
    assert re.search(r"<th scope=\"row\">train</th>.*of 50 % asked", shown)
    assert not Export.objects.exists()
    nothing = pages.post(
        address, answers(form, format="trl-prm", answers="right", neutral="own_class")
    ).content.decode()
    assert "Okay (0) becomes: must be positive, negative or drop: trl-prm has two classes" in nothing
    none = pages.post(address, answers(form, format="trl-prm", sources_0="adjudicated", sources_1="", sources_2=""))
    assert "Nothing of this would be written." in none.content.decode()


def test_the_preview_warns_of_one_class_and_of_long_rows(project: Project, pages: Client) -> None:
    fill(project, solutions=3, comparisons=0, filler="x" * 5000)
    form = pages.get(reverse("export-new", args=[project.slug])).context["form"]
    address = reverse("export-preview", args=[project.slug])
    shown = pages.post(address, answers(form, format="trl-prm")).content.decode()
    # Three solutions, and two of their alternatives: the third takes the place of the long step.
    assert re.search(r"5 of \d rows are longer than 1,024 tokens", shown)
    shown = pages.post(address, answers(form, format="orm", answers="right")).content.decode()
    assert "All labels are true: a trainer learns nothing from one class." in shown
    shown = pages.post(address, answers(form, format="sft")).content.decode()
    assert "one class" not in shown, "a model learns to write from right solutions alone"


def test_a_policy_is_saved_by_name_loaded_and_deleted(rich: Project, pages: Client) -> None:
    address = reverse("export-new", args=[rich.slug])
    form = pages.get(address).context["form"]
    asked = answers(
        form, format="reward-pairs", margins="small", ties="both_ways", policy_name=" Both ways ", action="save"
    )
    saved = pages.post(address, asked)
    policy = SavedPolicy.objects.get()
    assert saved.headers["Location"] == f"{address}?policy={policy.pk}"
    assert (policy.name, policy.format, policy.policy["ties"]) == ("Both ways", "reward-pairs", "both_ways")
    assert not Export.objects.exists()
    again = pages.get(saved.headers["Location"]).context["form"]
    assert {name: again[name].value() for name in ("format", "ties", "margins", "policy_name")} == {
        "format": "reward-pairs",
        "ties": "both_ways",
        "margins": "small",
        "policy_name": "Both ways",
    }
    pages.post(address, {**asked, "ties": "drop"})
    assert SavedPolicy.objects.get().policy["ties"] == "drop"
    unnamed = pages.post(address, {**asked, "policy_name": " "})
    assert unnamed.status_code == 422
    assert "1 to 60" in unnamed.content.decode()
    pages.post(reverse("policy-delete", args=[rich.slug, policy.pk]))
    assert not SavedPolicy.objects.exists()


def test_pasted_json_fills_the_form(rich: Project, pages: Client) -> None:
    address = reverse("export-new", args=[rich.slug])
    pasted = {"sources": ["consensus", "human"], "neutral": "negative", "splits": {"train": 0.9, "test": 0.1}}
    sent = {"action": "paste", "policy": json.dumps({"format": "math-shepherd", "policy": pasted})}
    form = pages.post(address, sent).context["form"]
    policy = stored(LabelPolicy.from_dict(pasted))
    assert form["format"].value() == "math-shepherd"
    assert pages.post(address, answers(form, action="export")).status_code == 302
    assert Export.objects.get().policy == policy
    for wrong, reason in (
        ("[1]", "object"),
        ('{"neutral": "purple"}', "neutral"),
        ('{"neutrl": "drop"}', "unknown key"),
        ("", "required"),
    ):
        refused = pages.post(address, {"action": "paste", "policy": wrong})
        assert refused.status_code == 422
        assert reason in str(refused.context["pasted"].errors)
