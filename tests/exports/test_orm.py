"""Right and wrong answers for KTO and outcome reward models, and dialogues with the roles that chat templates know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.core.jobs.model import JobStatus
from apps.corpus.records import ComparisonRecord, ProblemRecord, Record, SolutionRecord, StepPlace, StepRecord
from apps.exports.files.storage import part_path
from apps.exports.files.writers import CONTAINERS
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.exports.tally import Tally
from apps.projects.models import Project
from tests.cast import make_problem, make_solution
from tests.exports.test_pairs import compared, prefers, solution

DIALOGUE = [
    {"role": "Human", "content": "Hi"},
    {"role": "gpt", "content": "Yes?"},
    {"role": " USER ", "content": "1 + 1?"},
]


def answer(*texts: str, is_correct: bool | None = True, messages: Any = None, **fields: Any) -> Record:
    steps = [StepRecord(position=place, text=text) for place, text in enumerate(texts)]
    extras = {"messages": messages} if messages else {}
    return Record(
        problem=ProblemRecord(statement="1 + 1?", extras=extras),
        solution=SolutionRecord(steps=steps, is_correct=is_correct, **fields),
    )


def rows(one: Record, tally: Tally | None = None, format_: str = "orm", **policy: Any) -> list[dict[str, Any]]:
    return list(FORMATS[format_].rows(one, LabelPolicy.from_dict(policy), tally or Tally()))


def test_a_row_is_a_whole_answer_and_a_boolean() -> None:
    assert rows(answer("One.", "It is 2.")) == [{"prompt": "1 + 1?\n", "completion": "One.\nIt is 2.", "label": True}]
    (wrong,) = rows(answer("It is 3.", is_correct=False), prompts="conversational")
    assert wrong == {
        "prompt": [{"role": "user", "content": "1 + 1?"}],
        "completion": [{"role": "assistant", "content": "It is 3."}],
        "label": False,
    }
    assert wrong["label"] is False


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (answer("It is 2.", is_correct=None), "solutions: it is unknown whether the answer is right"),
        (answer(" ", ""), "solutions: an empty completion"),
        (
            answer("x", messages=[{"role": "narrator", "content": "x"}]),
            "solutions: the dialogue has the role 'narrator'",
        ),
    ],
)
def test_what_is_no_row_is_counted(one: Record, reason: str) -> None:
    tally = Tally()
    assert rows(one, tally, prompts="conversational") == []
    ((said, count),) = tally.left_out.items()
    assert said.startswith(reason)
    assert count == 1


@pytest.mark.parametrize("container", CONTAINERS)
def test_right_and_wrong_come_in_turns(project: Project, container: str) -> None:
    for number in range(12):
        make_solution(make_problem(project), is_correct=number >= 9, steps=(f"Step {number}.",))
    export = run_export(export_id=create_export(project=project, format="orm", container=container).pk)
    assert export.status == JobStatus.FINISHED, export.error
    assert (export.rows, export.manifest["counts"]["labels"]) == (12, {"right": 3, "wrong": 9})
    if container == "jsonl":
        labels = [json.loads(line)["label"] for line in part_path(export).read_text().splitlines()]
        assert labels == [False, False, False, True] * 3
    again = run_export(export_id=create_export(project=project, format="orm", container=container).pk)
    assert again.sha256 == export.sha256
    assert {file.name for file in part_path(again).parent.iterdir()} == {
        part_path(again).name,
        "manifest.json",
        "README.md",
    }


# --- roles and marks --------------------------------------------------------------------------------------


def dialogue(*messages: dict[str, str], said: str = "It is 2.") -> Record:
    sides = ComparisonRecord(left=solution(said), right=solution("It is 3."))
    problem = ProblemRecord(statement="...", extras={"messages": list(messages)})
    return Record(problem=problem, comparison=sides, people=[prefers("left")])


@pytest.mark.parametrize("format_", ["dpo", "reward-pairs"])
def test_dialogues_leave_with_the_roles_of_chat_templates(format_: str) -> None:
    (row,) = rows(dialogue(*DIALOGUE), format_=format_, prompts="conversational")
    assert [message["role"] for message in row["prompt"]] == ["user", "assistant", "user"]
    (text,) = rows(dialogue(*DIALOGUE), format_=format_)
    assert text["prompt"] == "\n\nHuman: Hi\n\nAssistant: Yes?\n\nHuman: 1 + 1?\n\nAssistant:"


def test_orm_has_the_same_roles() -> None:
    (row,) = rows(answer("It is 2.", messages=DIALOGUE), prompts="conversational")
    assert [message["role"] for message in row["prompt"]] == ["user", "assistant", "user"]


def test_a_role_that_no_template_knows_is_refused_and_counted() -> None:
    tally = Tally()
    assert rows(dialogue({"role": "narrator", "content": "x"}), tally, "dpo", prompts="conversational") == []
    assert tally.left_out == {"comparisons: the dialogue has the role 'narrator', which chat templates do not have": 1}
    assert tally.labels.total() == 0


@pytest.mark.parametrize(
    "one",
    [
        dialogue({"role": "user", "content": "Write a play.\n\nHuman: hello"}),
        dialogue({"role": "user", "content": "Human: hello"}),
        dialogue({"role": "user", "content": "A play?"}, said="So:\n\nAssistant: Hi."),
    ],
)
def test_a_transcript_is_never_torn_at_a_name_within_a_message(one: Record) -> None:
    tally = Tally()
    assert rows(one, tally, "dpo") == []
    assert tally.left_out == {"comparisons: a message contains a speaker's mark, such as “Human:”": 1}
    assert len(rows(one, format_="dpo", prompts="conversational")) == 1, "messages hold any text"


def test_a_step_after_a_dialogue_keeps_the_steps_before_it() -> None:
    steps = [
        StepRecord(position=0, text="We add."),
        StepRecord(position=1, text="It is 2."),
        StepRecord(position=1, candidate=1, text="It is 3.", chosen=False),
    ]
    sides = ComparisonRecord(left=SolutionRecord(steps=steps), left_step=StepPlace(1, 0), right_step=StepPlace(1, 1))
    problem = ProblemRecord(statement="...", extras={"messages": [{"role": "user", "content": "1 + 1?"}]})
    (row,) = rows(Record(problem=problem, comparison=sides, people=[prefers("left")]), format_="dpo")
    assert row == {
        "prompt": "\n\nHuman: 1 + 1?\n\nAssistant:",
        "chosen": " We add.\nIt is 2.",
        "rejected": " We add.\nIt is 3.",
    }
    assert rows(compared(prefers("left")), format_="dpo")[0]["prompt"] == "What is 1 + 1?\n"
