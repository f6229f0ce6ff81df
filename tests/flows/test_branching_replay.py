"""PRM800K's phase 1 done again here: its labelers' dialogues, over HTTP, come out as they were published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from apps.accounts.models import User
from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.models import Solution
from apps.corpus.records import Record
from apps.labeling.models import Assignment
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import bearer
from tests.flows.test_real_files import command, rows

pytestmark = pytest.mark.django_db

Row = dict[str, Any]


def phase_1(folder: Path) -> list[Row]:
    found = [row for row in rows(folder / "prm800k.jsonl") if "pre_generated_steps" not in row["question"]]
    assert {row["label"]["finish_reason"] for row in found} == {"solution", "give_up"}
    given_up = next(row for row in found if row["label"]["finish_reason"] == "give_up")
    return [*found, left_unrated(given_up)]


def left_unrated(row: Row) -> Row:
    """As in a row that PRM800K has and our sample has not: candidates were shown last, and none was rated."""
    row = json.loads(json.dumps(row))
    row["question"]["problem"] += " Give the area."
    shown = [{"text": f"The cut has {sides} sides.", "rating": None, "flagged": False} for sides in range(3, 10)]
    row["label"]["steps"][-1]["completions"] = shown
    return dict(row)


def without_people(row: Row) -> Row:
    """The row's problem and candidates in our own format, without a word of its labeler's."""
    record: Record = next(iter(READERS["prm800k"].read(row, ReaderOptions())))
    assert record.solution is not None
    steps = [
        {name: getattr(step, name) for name in ("position", "candidate", "text", "origin", "chosen")}
        for step in record.solution.steps
    ]
    return {
        "problem": {"statement": record.problem.statement, "reference_answer": record.problem.reference_answer},
        "solution": {"steps": steps, "source": "prm800k"},
    }


def bring(project: Project, found: list[Row], tmp_path: Path) -> None:
    file = tmp_path / "bare.jsonl"
    file.write_text("".join(json.dumps(without_people(row)) + "\n" for row in found))
    brought = command("import_corpus", file, project=project.slug, format="jsonl")
    assert (brought["rejected"], brought["labels"]) == (0, 0)


def said(row: Row) -> Row:
    """Who said it, when and how long it took are another's now."""
    return {
        **{name: value for name, value in row.items() if name not in ("labeler", "timestamp")},
        "label": {name: value for name, value in row["label"].items() if name != "total_time"},
    }


class Labeler:
    def __init__(self, client: Client) -> None:
        self.client = client

    def post(self, path: str, body: Row) -> Row:
        answer = self.client.post(f"/api/v1{path}", body, content_type="application/json")
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    def claim(self, slug: str, number: int) -> Row:
        return dict(self.post(f"/projects/{slug}/rounds/{number}/claim", {})["assignment"])

    def replay(self, assignment: Row, row: Row) -> Row:
        """Ask for the candidates of each position, rate those of the row, write and choose as its labeler did."""
        chosen: list[Row] = []
        steps: list[Row] = []
        for position in row["label"]["steps"]:
            offered = self.post(f"/assignments/{assignment['id']}/candidates", {"chosen": chosen})
            completions = position["completions"] or []
            assert [one["text"] for one in offered["candidates"]] == [one["text"] for one in completions]
            choice, own = position["chosen_completion"], position["human_completion"]
            for index, (candidate, one) in enumerate(zip(offered["candidates"], completions, strict=True)):
                place = {"position": offered["position"], "candidate": candidate["candidate"]}
                steps.append(place | {"rating": one["rating"], "unsure": one["flagged"], "chosen": index == choice})
            if own is not None and choice is None:
                chosen.append({"text": own["text"]})
                place = {"position": offered["position"], "candidate": offered["own"]}
                steps.append(place | {"text": own["text"], "chosen": True})
            elif choice is not None:
                chosen.append({"candidate": offered["candidates"][choice]["candidate"]})
        finish = row["label"]["finish_reason"]
        body = {"steps": steps, "finish_reason": finish, "active_ms": 9000}
        if finish == "give_up":
            body["reason"] = "I do not see how to go on."
        return self.post(f"/assignments/{assignment['id']}/submit", body)


def export(project: Project, tmp_path: Path, name: str, **policy: Any) -> list[Row]:
    output, file = tmp_path / f"{name}-out.jsonl", tmp_path / "policy.json"
    file.write_text(json.dumps(policy))
    command("export", project=project.slug, format=name, output=output, policy=file)
    return rows(output)


def test_phase_1_of_prm800k_is_done_again_and_comes_out_as_it_went_in(
    project: Project, bob: User, shared_data: Path, tmp_path: Path
) -> None:
    wanted = phase_1(shared_data)
    bring(project, wanted, tmp_path)
    round_ = open_round(project=project, protocol="branching")
    assert round_.task_count == len(wanted)
    labeler = Labeler(bearer(bob))
    by_problem = {row["question"]["problem"]: row for row in wanted}
    for _ in wanted:
        assignment = labeler.claim(project.slug, round_.number)
        assert (
            labeler.replay(assignment, by_problem[assignment["problem"]["statement"]])["assignment"]["state"]
            == "submitted"
        )
    # They went the ways that stood there, so nothing had to grow.
    assert Assignment.objects.filter(derived_solution__isnull=False).count() == 0
    assert Solution.objects.count() == len(wanted)
    found = export(project, tmp_path, "prm800k")
    assert sorted(json.dumps(said(row), sort_keys=True) for row in found) == sorted(
        json.dumps(said(row), sort_keys=True) for row in wanted
    )


def test_the_same_dialogues_from_problems_alone_come_out_the_same_too(
    project: Project, bob: User, shared_data: Path, tmp_path: Path
) -> None:
    """Nothing stands beforehand: every text is offered as a model's would be, and each turn grows a solution."""
    wanted = phase_1(shared_data)
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(json.dumps({"problem": without_people(row)["problem"]}) + "\n" for row in wanted))
    command("import_corpus", problems, project=project.slug, format="jsonl")
    round_ = open_round(project=project, protocol="branching", options={"starts_from": "problems"})
    assert round_.task_count == len(wanted)
    labeler = Labeler(bearer(bob))
    for _ in wanted:
        assignment = labeler.claim(project.slug, round_.number)
        row = next(one for one in wanted if one["question"]["problem"] == assignment["problem"]["statement"])
        _offer_as_a_model(Assignment.objects.get(pk=assignment["id"]).task_id, row)
        labeler.replay(assignment, row)
    found = export(project, tmp_path, "prm800k")
    assert sorted(json.dumps(said(row), sort_keys=True) for row in found) == sorted(
        json.dumps(said(row), sort_keys=True) for row in wanted
    )
    grown = Solution.objects.written()
    assert {one.source for one in grown} == {f"branching round {round_.number}"}
    ours = export(project, tmp_path, "annotate")
    assert [row["people"][0]["protocol"] for row in ours] == ["branching"] * len(wanted)
    trained = export(project, tmp_path, "trl-prm", alternatives="drop")
    assert len(trained) == sum(row["label"]["finish_reason"] == "solution" for row in wanted)
    assert all(all(row["labels"]) for row in trained)
    # Candidates that were rated and not chosen are rows of their own, after the steps that were chosen before them.
    assert len(export(project, tmp_path, "trl-prm")) > len(trained)


def _offer_as_a_model(task_id: int, row: Row) -> None:
    from apps.labeling.models import CandidateSet
    from apps.labeling.protocols.candidate_tree import prefix_digest

    prefix: list[str] = []
    for place, position in enumerate(row["label"]["steps"]):
        texts = [one["text"] for one in position["completions"] or []]
        if texts:
            CandidateSet.objects.create(task_id=task_id, prefix=prefix_digest(prefix), position=place, texts=texts)
        choice, own = position["chosen_completion"], position["human_completion"]
        if choice is not None or own is not None:
            prefix.append(texts[choice] if choice is not None else own["text"])


def test_our_own_export_of_grown_solutions_goes_into_another_project_and_comes_out_the_same(
    project: Project, bob: User, shared_data: Path, tmp_path: Path
) -> None:
    wanted = phase_1(shared_data)
    bring(project, wanted, tmp_path)
    round_ = open_round(project=project, protocol="branching")
    labeler = Labeler(bearer(bob))
    for _ in wanted:
        assignment = labeler.claim(project.slug, round_.number)
        row = next(one for one in wanted if one["question"]["problem"] == assignment["problem"]["statement"])
        labeler.replay(assignment, row)
    between, output = tmp_path / "between.jsonl", tmp_path / "second.jsonl"
    command("export", project=project.slug, format="annotate", output=between)
    call_command("create_project", "second")
    command("import_corpus", between, project="second", format="jsonl")
    command("export", project="second", format="prm800k", output=output)
    assert sorted(json.dumps(said(row)["label"]["steps"], sort_keys=True) for row in rows(output)) == sorted(
        json.dumps(row["label"]["steps"], sort_keys=True) for row in wanted
    )
