"""A comment on a step leaves with its label, and comes back with it."""

from __future__ import annotations

import json

import pytest
from django.core.files.base import ContentFile

from apps.accounts.models import User
from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.imports.run import run_import
from apps.corpus.labels import LONGEST_COMMENT
from apps.corpus.records import RowError
from apps.corpus.services import create_import
from apps.exports.files.storage import part_path
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.assignments.submit import submit
from apps.labeling.models import StepLabel
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.cast import make_problem, make_round, make_solution
from tests.labeling.test_queue import GOOD, take

COMMENT = "Is « 4 » meant?\n\tOr \\N?"


def exported(project: Project) -> str:
    export = run_export(export_id=create_export(project=project, format="annotate", policy={}).pk)
    return part_path(export, 0).read_text()


def test_a_comment_leaves_with_its_label_and_comes_back(project: Project, alice: User, bob: User, rita: User) -> None:
    make_solution(make_problem(project))
    round_ = make_round(project, redundancy=2)
    steps = [SubmittedStep(position=0, rating=1, comment=COMMENT), SubmittedStep(position=1, rating=-1)]
    submit(assignment=take(round_, bob), submission=Submission(steps=steps, finish_reason="found_error"))
    submit(assignment=take(round_, rita), submission=GOOD)
    text = exported(project)
    people = json.loads(text)["people"]
    assert [[step["comment"] for step in person["steps"]] for person in people] == [[COMMENT, ""], ["", "", ""]]
    other = create_project(slug="other", name="Other", owner=alice)
    batch = create_import(project=other, file=ContentFile(text.encode()), filename="rows.jsonl", format="jsonl")
    assert run_import(batch_id=batch.pk).rejected == 0
    labels = StepLabel.objects.filter(assignment__round__project=other).exclude(comment="")
    assert [(label.rating, label.comment) for label in labels] == [(1, COMMENT)]


def test_rows_without_comments_have_the_key_too(project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    submit(assignment=take(make_round(project), bob), submission=GOOD)
    (person,) = json.loads(exported(project))["people"]
    assert [step["comment"] for step in person["steps"]] == ["", "", ""]


def test_a_comment_that_is_too_long_is_refused_with_its_place() -> None:
    row = {
        "problem": {"statement": "What?"},
        "solution": {"steps": ["One."]},
        "people": [
            {
                "labeler": "ada",
                "protocol": "first_error",
                "steps": [{"position": 0, "rating": 1, "comment": "x" * (LONGEST_COMMENT + 1)}],
            }
        ],
    }
    with pytest.raises(RowError, match=rf"people\[0\]\.steps\[0\]\.comment: .*{LONGEST_COMMENT} characters"):
        list(READERS["jsonl"].read(row, ReaderOptions()))
