"""Revised solutions in `sft`: one row for each text in which critique and revision ended, with its parents."""

from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.corpus.records import Record, RevisionRecord
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.services import create_export
from apps.exports.tally import Tally
from apps.judging.models import Revision, SolutionVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from tests.exports.golden_rows import SUM, exported, gold
from tests.exports.test_pair_exports import made, rows_of
from tests.exports.test_sft import attempt
from tests.judging.model import judges_of, make_judge, worked
from tests.judging.test_runs import fill

REVISED = {"solutions": ["revised"]}


def revised(*texts: str, judge: str = "critic", **fields: Any) -> Record:
    revision = RevisionRecord(judge=judge, version=2, original="Oh no.", principles=["harmless", "honest"])
    return attempt(*texts, revisions=[revision], **({"is_correct": None} | fields))


def test_a_row_names_the_original_the_principles_and_the_judge() -> None:
    parents = {"judge": "critic v2", "original": "Oh no.", "principles": ["harmless", "honest"]}
    assert exported("sft", [revised("One.", "Two.")], **REVISED) == [
        {"prompt": f"{SUM.statement}\n", "completion": "One.\nTwo.", **parents}
    ]
    (row,) = exported("sft", [revised("One.")], prompts="conversational", **REVISED)
    assert [message["content"] for message in row["messages"]] == [SUM.statement, "One."]
    assert {name: row[name] for name in parents} == parents


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (attempt("One."), "no critique and revision ended in them"),
        (revised("One.", is_correct=False), "the final answer is wrong"),
        (revised("One.", "Two.", gold=gold(1, -1)), "a step is known to be bad"),
        (revised(" "), "an empty completion"),
    ],
)
def test_other_solutions_are_left_out_for_their_reason(record: Record, reason: str) -> None:
    tally = Tally()
    assert exported("sft", [record], tally, **REVISED) == []
    assert tally.left_out == {f"solutions: {reason}": 1}


def test_right_and_revised_solutions_may_be_in_one_file() -> None:
    tally = Tally()
    both = exported("sft", [attempt("One."), revised("Two.")], tally, solutions=["right", "revised"])
    assert [row["original"] for row in both] == [None, "Oh no."]
    assert [row["principles"] for row in both] == [[], ["harmless", "honest"]]
    assert tally.sources == {"final answer": 1, "revised by critic v2": 1}
    assert exported("sft", [revised("Two.")]) == [], "by default only right solutions"
    assert exported("sft", [revised("Two.")], judges=["other"], **REVISED) == []


def test_the_key_must_name_something() -> None:
    with pytest.raises(PolicyError, match="solutions: must name at least one of right, revised"):
        LabelPolicy.from_dict({"solutions": []})


# --- through the database ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_the_last_text_of_each_critique_and_revision_is_exported(judge_server: str, project: Project) -> None:
    originals = fill(project, 4)
    judge = make_judge(project, judges_of(judge_server), "critique-revise", options={"revisions": 2})
    run = worked(start_judging(judge=judge))
    assert run.new_solutions == 8
    SolutionVerdict.objects.filter(solution=originals[3]).update(outcome=ItemOutcome.REFUSAL)
    Solution.objects.exclude(pk__in=[original.pk for original in originals]).update(is_correct=None)
    export = made(project, "sft", **REVISED)
    (exported_rows,) = rows_of(export)
    last = Revision.objects.filter(run=run, ordinal=1, solution__in=originals[:3]).order_by("solution_id")
    expected = [text_of(revision.revised) for revision in last]
    assert [row["completion"] for row in exported_rows] == expected
    assert [row["original"] for row in exported_rows] == [text_of(original) for original in originals[:3]]
    assert all(row["judge"] == str(judge) for row in exported_rows)
    used = {
        original.pk: list(
            Revision.objects.filter(run=run, solution=original).order_by("ordinal").values_list("principle", flat=True)
        )
        for original in originals[:3]
    }
    assert [row["principles"] for row in exported_rows] == [used[original.pk] for original in originals[:3]]
    assert export.manifest is not None
    assert export.manifest["counts"]["sources"] == {f"revised by {judge}": 3}
    assert made(project, "sft", **REVISED).sha256 == export.sha256
    assert made(project, "sft", **REVISED, judges=[str(judge)]).rows == 3
    with pytest.raises(DomainError, match="unknown judge"):
        create_export(project=project, format="sft", policy=REVISED | {"judges": ["nobody"]})


def text_of(solution: Solution | None) -> str:
    assert solution is not None
    texts = solution.steps.filter(chosen=True).order_by("position").values_list("text", flat=True)
    return solution.separator.join(texts)
