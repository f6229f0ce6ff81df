"""The grade of imported solutions: one rule for files, pages, selections and the API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.base import ContentFile

from apps.accounts.models import User
from apps.corpus.grading import NO_ANSWER, Graded, answer_of_steps, final_answer
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch, ImportFinding, Solution
from apps.corpus.records import SolutionRecord, StepRecord
from apps.corpus.services import create_import
from apps.projects.models import Project
from tests.cast import bearer


def bring_in(project: Project, *texts: str, reference: str = "27", **options: Any) -> ImportBatch:
    """Solutions of one problem, each a text that is split."""
    rows = [
        {
            "problem": {"statement": "How many books?", "reference_answer": reference},
            "solution": {"external_id": str(number), "text": text},
        }
        for number, text in enumerate(texts)
    ]
    file = ContentFile("\n".join(map(json.dumps, rows)).encode())
    batch = create_import(
        project=project, file=file, filename="rows.jsonl", format="jsonl", options={"split": "newline"} | options
    )
    return run_import(batch_id=batch.pk)


def grades(project: Project) -> list[str]:
    return list(Solution.objects.filter(project=project).order_by("external_id").values_list("grade", flat=True))


def test_the_answer_is_looked_for_before_the_last_step_too(project: Project) -> None:
    bring_in(
        project,
        "We multiply.\nThe answer is $\\boxed{27}$.\nTell me if you want another way to see it.",
        "We multiply.\nThe answer is 26.\nTell me if you want another way to see it.",
        "The answer is 26.\nWait, that is wrong.\nSo it is \\boxed{27}.",
        "The answer is 27.\nQuestion: What is 2 + 3?\nThe answer is 5.",
    )
    assert grades(project) == ["match", "no_match", "match", "match"]


def test_a_heading_and_its_answer_may_be_two_steps(project: Project) -> None:
    bring_in(
        project, "We multiply.\n\n**Final Answer**\n\n27", "We multiply.\n\nThe answer is:\n\n26", split="blank_line"
    )
    assert grades(project) == ["match", "no_match"]
    assert answer_of_steps(["We multiply.", "### Answer", "27"], "\n\n") == "27"


def test_a_list_in_dollars_is_not_its_first_member(project: Project) -> None:
    bring_in(project, "The answer is: $2$ and $3$", "The answer is $2$, $3$ and $5$.", reference="2")
    assert "match" not in grades(project)


def test_a_solution_in_which_no_answer_is_found_is_unreadable_everywhere(project: Project, alice: User) -> None:
    batch = bring_in(project, "We multiply.\nThere are many books.", "So \\boxed{26}.", "So \\boxed{27}.")
    assert (batch.solutions, batch.rejected) == (3, 0)
    unread = Solution.objects.get(external_id="0")
    assert (unread.grade, unread.is_correct, unread.graded_by) == ("unparsed", None, NO_ANSWER)
    assert list(Solution.objects.wrong().values_list("external_id", flat=True)) == ["1"]
    api = bearer(alice)
    url = f"/api/v1/projects/{project.slug}/solutions"
    assert [one["external_id"] for one in api.get(f"{url}?is_correct=false").json()["results"]] == ["1"]
    (told,) = api.get(f"{url}?verdict=unparsed").json()["results"]
    assert (told["external_id"], told["is_correct"], told["final_answer"]) == ("0", None, None)
    body = {"protocol": "first_error", "select": "wrong"}
    made = api.post(f"/api/v1/projects/{project.slug}/rounds", body, content_type="application/json")
    assert made.json()["tasks"] == 1


def test_the_claim_for_a_solution_without_an_answer_is_a_difference(project: Project) -> None:
    unread = Graded(grade="unparsed", by=NO_ANSWER, reference="27")
    assert (
        unread.difference(claimed=True)
        == "the file says right, no single answer is found in the solution: reference '27'"
    )
    assert unread.difference(claimed=None) is None
    row = {
        "problem": {"statement": "How many?", "reference_answer": "27"},
        "solution": {"steps": [{"text": "Many."}], "is_correct": False},
    }
    file = ContentFile(json.dumps(row).encode())
    run_import(batch_id=create_import(project=project, file=file, filename="a.jsonl", format="jsonl").pk)
    assert "no single answer is found" in ImportFinding.objects.get().reason


def test_the_answer_that_the_row_names_takes_precedence() -> None:
    steps = [StepRecord(position=0, text="The answer is 26.")]
    assert final_answer(SolutionRecord(steps=steps, final_answer="27")) == "27"
    assert final_answer(SolutionRecord(steps=steps)) == "26"


def test_of_two_stated_answers_none_decides(project: Project) -> None:
    """As in what a model writes here: an export of it that is imported elsewhere says the same."""
    other = "The answer is 27.\n\nTom has 5 tables with 4 legs each.\n\nThe answer is 20."
    bring_in(project, other, "The answer is 26.\nWait, that is wrong.\nThe answer is 27.", split="blank_line")
    assert grades(project) == ["unparsed", "match"]


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_answer_of_the_row_names_none(blank: str) -> None:
    steps = [StepRecord(position=0, text="The answer is 27.")]
    assert final_answer(SolutionRecord(steps=steps, final_answer=blank)) == "27"
