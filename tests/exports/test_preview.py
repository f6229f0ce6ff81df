"""What an export would be: counted in about a second, warned of, and by default of the team's own labels."""

from __future__ import annotations

import json
from functools import partial

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.dashboard.exports import queries
from apps.exports.default_sources import default_sources
from apps.exports.description.balance import label_warnings, split_warnings
from apps.exports.files.storage import export_folder
from apps.exports.policy import LabelPolicy
from apps.exports.rows.preview import FIRST_PROBLEMS, preview_export
from apps.exports.run import run_export
from apps.exports.services import checked_policy, create_export
from apps.projects.models import Project
from apps.quality.models import Consensus
from tests.cast import make_problem, make_solution, signed_in
from tests.exports.rich_project import fill
from tests.exports.test_policy_builder import answers

pytestmark = pytest.mark.django_db


def solutions(project: Project, count: int) -> None:
    for number in range(count):
        make_solution(make_problem(project), is_correct=number % 2 == 0)


@pytest.mark.parametrize("format_", ["orm", "sft", "annotate"])
def test_a_preview_has_the_rows_of_the_file(project: Project, format_: str) -> None:
    fill(project)
    policy = checked_policy(format_, {"splits": {"train": 0.7, "test": 0.3}}, project)
    preview = preview_export(project=project, format=format_, policy=policy)
    export = run_export(export_id=create_export(project=project, format=format_, policy=policy.to_dict()).pk)
    lines = [
        json.loads(line)
        for part in export.parts
        for line in (export_folder(export) / part["name"]).read_text().splitlines()
    ]
    assert export.manifest is not None
    assert preview.is_whole
    assert preview.expected_rows == preview.tally.rows == export.rows
    assert {name: count for name, count in preview.splits.items() if count} == {
        part["split"]: part["rows"] for part in export.manifest["parts"]
    }
    assert all(row in lines for row in preview.rows)
    assert dict(preview.tally.left_out) == export.manifest["counts"]["left_out"]


def test_where_time_is_short_the_number_of_rows_is_an_estimate(project: Project) -> None:
    solutions(project, 3 * FIRST_PROBLEMS)
    preview = preview_export(project=project, format="orm", policy=LabelPolicy(), seconds=0)
    assert not preview.is_whole
    assert preview.records == preview.tally.rows == FIRST_PROBLEMS
    assert preview.expected_rows == 3 * FIRST_PROBLEMS
    whole = preview_export(project=project, format="orm", policy=LabelPolicy(), seconds=60)
    assert whole.is_whole
    assert whole.records == whole.expected_rows == 3 * FIRST_PROBLEMS


def test_it_reads_on_until_something_makes_a_row(project: Project) -> None:
    for _ in range(FIRST_PROBLEMS):
        make_solution(make_problem(project), is_correct=None)
    solutions(project, 2)
    preview = preview_export(project=project, format="orm", policy=LabelPolicy(), seconds=0)
    assert preview.tally.rows == 2


def test_the_page_says_that_the_number_is_an_estimate(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    solutions(project, 4 * FIRST_PROBLEMS)
    monkeypatch.setattr(queries, "preview_export", partial(preview_export, seconds=0))
    client = signed_in(alice)
    form = client.get(reverse("export-new", args=[project.slug])).context["form"]
    shown = client.post(reverse("export-preview", args=[project.slug]), answers(form, format="orm")).content.decode()
    assert "50 rows from the first 50 solutions and comparisons. The file would have about 200." in shown


def test_an_export_of_one_class_says_so_on_its_card(project: Project) -> None:
    make_solution(make_problem(project), is_correct=True)
    export = run_export(export_id=create_export(project=project, format="orm").pk)
    sentence = "All labels are true: a trainer learns nothing from one class."
    assert export.manifest is not None
    assert sentence in export.manifest["notices"]
    assert sentence in (export_folder(export) / "README.md").read_text()


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({}, None),
        ({"true": 0, "false": 0}, None),
        ({"true": 3, "false": 0}, "All labels are true"),
        ({"true": 95, "false": 5}, None),
        ({"true": 96, "false": 4}, "Only 4.0% of the labels are false"),
        ({"1": 97, "0": 2, "-1": 1}, "Only 1.0% of the labels are -1"),
    ],
)
def test_labels_out_of_balance_are_named(labels: dict[str, int], words: str | None) -> None:
    warnings = label_warnings(labels)
    assert (words is None and warnings == []) or (words is not None and warnings[0].startswith(words))


@pytest.mark.parametrize(
    ("rows", "asked", "words"),
    [
        ({}, {"train": 0.9, "test": 0.1}, None),
        ({"": 10}, {}, None),
        ({"train": 90, "test": 10}, {"train": 0.9, "test": 0.1}, None),
        ({"train": 86, "test": 14}, {"train": 0.9, "test": 0.1}, None),
        ({"train": 60, "test": 40}, {"train": 0.9, "test": 0.1}, "test has 40% of the rows instead of 10%"),
        ({"train": 99}, {"train": 0.99, "test": 0.01}, "test has 0% of the rows instead of 1%"),
    ],
)
def test_splits_far_from_what_was_asked_are_named(
    rows: dict[str, int], asked: dict[str, float], words: str | None
) -> None:
    warnings = split_warnings(rows, asked)
    assert (words is None and warnings == []) or (words is not None and words in warnings[0])


def test_the_teams_labels_lead_as_far_as_there_are_any(project: Project) -> None:
    assert default_sources(project) == ("gold", "human", "monte_carlo_hard")
    first, second = (make_solution(make_problem(project)) for _ in range(2))
    Consensus.objects.create(solution=first, project=project, state="thin", how="majority")
    assert default_sources(project) == ("gold", "human", "monte_carlo_hard")
    Consensus.objects.create(solution=second, project=project, state="settled", how="majority")
    assert default_sources(project) == ("gold", "consensus", "human", "monte_carlo_hard")
    Consensus.objects.filter(solution=second).update(how="adjudicated")
    assert default_sources(project) == ("adjudicated", "gold", "consensus", "human", "monte_carlo_hard")
    # A policy that chooses among people's ratings means these.
    assert default_sources(project, {"people"}) == ("adjudicated", "gold", "human", "monte_carlo_hard")


def test_page_command_and_api_have_the_same_default(project: Project, alice: User) -> None:
    Consensus.objects.create(
        solution=make_solution(make_problem(project)), project=project, state="settled", how="majority"
    )
    expected = ["gold", "consensus", "human", "monte_carlo_hard"]
    asked = ({}, {"sources": ["gold"]})
    stored = [create_export(project=project, format="trl-prm", policy=policy).policy["sources"] for policy in asked]
    assert [list(sources) for sources in stored] == [expected, ["gold"]]
    form = signed_in(alice).get(reverse("export-new", args=[project.slug])).context["form"]
    assert list(form["sources"].value()) == expected


def test_a_choice_of_people_behind_the_consensus_is_warned_of(project: Project) -> None:
    make_solution(make_problem(project))
    policy = LabelPolicy(sources=("consensus", "human"), people="first")
    preview = preview_export(project=project, format="trl-prm", policy=policy)
    assert any("only for solutions that consensus do not label" in warning for warning in preview.warnings)
