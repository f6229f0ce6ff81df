"""Preferences on their way in, over HTTP, and out again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.test import Client

from apps.accounts.models import User
from apps.corpus.models import Comparison, ImportBatch, Problem, Solution
from apps.labeling.models import Assignment, PreferenceLabel, Round, Task
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import bearer, make_comparison, make_problem, make_round
from tests.flows.test_real_files import command, in_order, rows

pytestmark = pytest.mark.django_db

PAIRS: list[dict[str, Any]] = [
    {"prompt": "What is 1 + 1?", "chosen": " It is 2.", "rejected": " It is 3.", "margin": 3.0},
    {"prompt": "What is 1 + 1?", "chosen": " It is 2.", "rejected": " It is 4.", "margin": 1.0},
    {"prompt": "What is 2 + 2?", "chosen": " We add.\nIt is 4.", "rejected": " We add.\nIt is 5.", "margin": 0.0},
]


def written(path: Path, found: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path / "pairs.jsonl", PAIRS)


def held() -> tuple[int, ...]:
    return tuple(one.objects.count() for one in (Problem, Solution, Comparison, Task, Assignment, PreferenceLabel))


def test_pairs_land_as_comparisons_with_a_closed_round_of_their_own(project: Project, file: Path) -> None:
    brought = command("import_corpus", file, project=project.slug, format="preference")
    assert {name: brought[name] for name in ("rows", "problems", "solutions", "labels", "rejected")} == {
        "rows": 3,
        "problems": 2,
        "solutions": 5,
        "labels": 3,
        "rejected": 0,
    }
    (round_,) = Round.objects.all()
    assert (round_.protocol, round_.status, round_.origin, round_.task_count) == (
        "comparison",
        "closed",
        "preference",
        3,
    )
    assert set(Comparison.objects.values_list("shared_steps", flat=True)) == {0, 1}
    assert list(PreferenceLabel.objects.order_by("id").values_list("choice", "margin")) == [
        ("left", "significantly"),
        ("left", "slightly"),
        ("left", "negligibly"),
    ]


def test_pairs_twice_add_nothing(project: Project, file: Path) -> None:
    command("import_corpus", file, project=project.slug, format="preference")
    before = held()
    again = command("import_corpus", file, project=project.slug, format="preference")
    assert (again["skipped_existing"], again["labels"], again["solutions"]) == (3, 0, 0)
    assert held() == before


def test_pairs_come_out_as_they_went_in(project: Project, file: Path, tmp_path: Path) -> None:
    command("import_corpus", file, project=project.slug, format="preference")
    output = tmp_path / "out.jsonl"
    made = command("export", project=project.slug, format="reward-pairs", output=output)
    assert made["rows"] == 3
    assert [{name: row[name] for name in PAIRS[0]} for row in rows(output)] == PAIRS
    told = json.loads((tmp_path / "manifest.json").read_text())
    assert told["counts"]["comparisons"] == 3
    assert told["counts"]["labels"] == {"negligibly": 1, "significantly": 1, "slightly": 1}


def test_two_sides_are_one_comparison_whichever_stands_left(project: Project, tmp_path: Path) -> None:
    turned = PAIRS[0] | {"chosen": PAIRS[0]["rejected"], "rejected": PAIRS[0]["chosen"]}
    people = [{"labeler": "ann", "preference": {"choice": "left"}}]
    sides = {"left": {"steps": ["It is 3."]}, "right": {"steps": ["It is 2."]}}
    ours = {"problem": {"statement": "What is 1 + 1?"}, "comparison": sides, "people": people}
    command(
        "import_corpus", written(tmp_path / "a.jsonl", [PAIRS[0], turned]), project=project.slug, format="preference"
    )
    command("import_corpus", written(tmp_path / "b.jsonl", [ours]), project=project.slug, format="jsonl")
    (compared,) = Comparison.objects.all()
    assert compared.left.steps.get().text == "It is 2."
    choices = PreferenceLabel.objects.filter(assignment__task__comparison=compared).order_by("id")
    assert [one.choice for one in choices] == ["left", "right"], "ann's left is the comparison's right"


def test_a_side_that_cannot_land_rejects_the_row_and_nothing_is_compared(project: Project, tmp_path: Path) -> None:
    named = [{"external_id": "s", "steps": ["One."]}, {"external_id": "s", "steps": ["Two."]}]
    row = {"problem": {"statement": "What?"}, "comparison": {"left": named[0], "right": named[1]}}
    brought = command("import_corpus", written(tmp_path / "a.jsonl", [row]), project=project.slug, format="jsonl")
    assert brought["rejected"] == 1
    assert ImportBatch.objects.get().findings.get().field == "solution.external_id"
    assert not Comparison.objects.exists()


@pytest.mark.parametrize("name", ["hh_rlhf", "preference_pairs"])
def test_published_pairs_land_and_go_through_our_own_format_and_back(
    project: Project, shared_data: Path, tmp_path: Path, name: str
) -> None:
    between, outputs = tmp_path / "between.jsonl", [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    command("create_project", "second")
    brought = command("import_corpus", shared_data / f"{name}.jsonl", project=project.slug, format="preference")
    assert (brought["rejected"], brought["labels"]) == (0, brought["rows"])
    command("export", project=project.slug, format="dpo", output=outputs[0])
    command("export", project=project.slug, format="annotate", output=between)
    command("import_corpus", between, project="second", format="jsonl")
    command("export", project="second", format="dpo", output=outputs[1])
    assert in_order(rows(outputs[0])) == in_order(rows(outputs[1]))
    assert len(rows(outputs[0])) == brought["rows"]
    again = command("import_corpus", between, project=project.slug, format="jsonl")
    assert (again["labels"], again["solutions"], again["steps"]) == (0, 0, 0)


def test_steps_that_were_compared_go_through_our_own_format_and_back(
    project: Project, shared_data: Path, tmp_path: Path, bob: User
) -> None:
    command("import_corpus", shared_data / "prm800k.jsonl", project=project.slug, format="prm800k")
    round_ = open_round(project=project, protocol="comparison", options={"pairs": "steps", "each": 3})
    assert round_.task_count > 10
    client, path = bearer(bob), f"/api/v1/projects/{project.slug}/rounds/{round_.number}/claim"
    for _ in range(5):
        assignment = client.post(path, {}, content_type="application/json").json()["assignment"]
        said = {"finish_reason": "solution", "preference": {"choice": "left", "margin": "clearly"}}
        taken = client.post(f"/api/v1/assignments/{assignment['id']}/submit", said, content_type="application/json")
        assert taken.status_code == 200
    between, outputs = tmp_path / "between.jsonl", [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    command("create_project", "second")
    command("export", project=project.slug, format="reward-pairs", output=outputs[0])
    command("export", project=project.slug, format="annotate", output=between)
    command("import_corpus", between, project="second", format="jsonl")
    command("export", project="second", format="reward-pairs", output=outputs[1])
    assert len(rows(outputs[0])) == 5
    assert in_order(rows(outputs[0])) == in_order(rows(outputs[1]))


def test_a_round_of_comparisons_is_opened_by_command(project: Project, file: Path) -> None:
    command("import_corpus", file, project=project.slug, format="preference")
    opened = command(
        "open_round", "--options", '{"pairs": "random", "ties": false}', project=project.slug, protocol="comparison"
    )
    assert opened["tasks"] == 2
    assert Round.objects.get(number=opened["number"]).options["ties"] is False
    with pytest.raises(CommandError, match="KEY=VALUE"):
        command("open_round", "--options", "[1]", project=project.slug, protocol="comparison")


# --- over HTTP --------------------------------------------------------------------------------------------


def post(client: Client, path: str, body: object) -> Any:
    return client.post(f"/api/v1{path}", body, content_type="application/json")


def test_a_comparison_is_claimed_drafted_submitted_and_listed(project: Project, alice: User, bob: User) -> None:
    compared = make_comparison(make_problem(project, reference_answer="2"), ["It is 2."], ["It is 3."])
    owner, labeler = bearer(alice), bearer(bob)
    base = f"/projects/{project.slug}/rounds"
    asked = {"protocol": "comparison", "options": {"ties": False, "rationale": "required"}}
    opened = post(owner, base, asked)
    assert (opened.status_code, opened.json()["tasks"]) == (201, 1)
    assignment = post(labeler, f"{base}/1/claim", {}).json()["assignment"]
    assert (assignment["protocol"], assignment["steps"], assignment["problem"]["reference_answer"]) == (
        "comparison",
        [],
        "2",
    )
    shown = assignment["comparison"]
    assert (shown["of"], shown["ties"], shown["rationale"]) == ("solutions", False, "required")
    assert {shown[side]["steps"][0]["text"] for side in ("left", "right")} == {"It is 2.", "It is 3."}

    drafted = {"version": 0, "preference": {"rationale": "Because"}}
    saved = labeler.put(f"/api/v1/assignments/{assignment['id']}/draft", drafted, content_type="application/json")
    assert saved.json() == {"version": 1}
    draft = post(labeler, f"{base}/1/claim", {}).json()["assignment"]["draft"]
    assert (draft["steps"], draft["preference"]) == ([], {"choice": "", "margin": "", "rationale": "Because"})

    for preference, field in (
        (None, "preference"),
        ({"choice": "tie"}, "preference.choice"),
        ({"choice": "left", "margin": "clearly"}, "preference.rationale"),
    ):
        refused = post(
            labeler, f"/assignments/{assignment['id']}/submit", {"finish_reason": "solution", "preference": preference}
        )
        assert refused.status_code == 422
        assert field in refused.json()["error"]["fields"]
    good_side = next(side for side in ("left", "right") if shown[side]["steps"][0]["text"] == "It is 2.")
    said = {"choice": good_side, "margin": "significantly", "rationale": "It is right."}
    body = {"finish_reason": "solution", "preference": said, "active_ms": 4000}
    answers = [post(labeler, f"/assignments/{assignment['id']}/submit", body) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]

    listed = f"/api/v1/projects/{project.slug}/preferences"
    (row,) = owner.get(listed).json()["results"]
    assert (row["choice"], row["margin"], row["rationale"]) == ("left", "significantly", "It is right.")
    assert (row["left"], row["right"], row["comparison"]) == (compared.left_id, compared.right_id, compared.pk)
    assert row["sides_swapped"] is (good_side == "right")
    streamed = owner.get(listed, headers={"Accept": "application/x-ndjson"})
    lines = b"".join(streamed).splitlines()  # type: ignore[arg-type]
    assert [json.loads(line)["id"] for line in lines] == [row["id"]]
    for query, count in (
        (f"solution={compared.right_id}", 1),
        (f"solution={compared.right_id + 100}", 0),
        ("choice=right", 0),
        ("margin=significantly", 1),
        ("round=1", 1),
        ("round=2", 0),
        (f"problem={compared.problem_id}", 1),
        (f"comparison={compared.pk}", 1),
    ):
        assert len(owner.get(f"{listed}?{query}").json()["results"]) == count, query
    assert owner.get(f"{listed}?choice=both").status_code == 400


def test_preferences_are_for_those_who_may_browse(project: Project, bob: User, charlie: User) -> None:
    path = f"/api/v1/projects/{project.slug}/preferences"
    assert bearer(bob).get(path).status_code == 403
    assert bearer(charlie).get(path).status_code == 404
    assert Client().get(path).status_code == 401


def test_a_preference_has_no_place_in_a_round_of_steps(project: Project, bob: User) -> None:
    make_round(project)
    labeler = bearer(bob)
    assignment = post(labeler, f"/projects/{project.slug}/rounds/1/claim", {}).json()["assignment"]
    said = {"finish_reason": "solution", "preference": {"choice": "left", "margin": "clearly"}}
    refused = post(labeler, f"/assignments/{assignment['id']}/submit", said)
    assert refused.status_code == 422
    assert "preference" in refused.json()["error"]["fields"]
