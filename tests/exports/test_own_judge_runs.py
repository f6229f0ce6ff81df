"""Runs of ours in canonical rows: their numbers, a round trip, and never one run of a judge twice in a row."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.accounts.models import User
from apps.corpus.records import JudgeRecord
from apps.exports.files.writers import lines_of
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.rows.chunks import chunk_rows
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.judging.records import with_distinct_runs
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.exports.test_judges import out, trained
from tests.judging.model import judges_of, make_judge, worked
from tests.judging.verdicts import bring_in, row

pytestmark = pytest.mark.django_db(transaction=True)


def in_columns(project: Project) -> list[dict[str, Any]]:
    lines = b"".join(
        lines_of(rows)
        for chunk in chunk_rows(project, FORMATS["annotate"], LabelPolicy())
        for rows in chunk.rows.values()
    )
    return [json.loads(line) for line in lines.splitlines()]


def runs_in(exported: dict[str, Any]) -> list[tuple[str, int, int | None]]:
    return [(judge["judge"], judge["version"], judge["run"]) for judge in exported["judges"]]


@pytest.fixture
def run(judge_server: str, project: Project) -> JudgeRun:
    """The third run of the project, with votes, so that verdicts have a confidence."""
    rows = [row(number) for number in range(1, 7)]
    for one in rows[::2]:
        one["solution"]["steps"][1]["text"] += " That is wrong."
    bring_in(project, rows)
    judge = make_judge(project, judges_of(judge_server, noise=0.3), options={"votes": 3})
    for _ in range(3):
        run = worked(start_judging(judge=judge))
    JudgeRun.objects.exclude(pk=run.pk).delete()
    return run


def test_a_run_of_ours_has_its_number_and_comes_back_as_what_it_is(
    run: JudgeRun, project: Project, alice: User
) -> None:
    exported = out(project)
    assert in_columns(project) == exported
    assert {key for one in exported for key in runs_in(one)} == {(run.judge.name, run.judge.version, 3)}
    before = StepVerdict.objects.count()
    again = bring_in(project, exported)
    assert (again.labels, again.rejected, again.ignored) == (0, 0, {"consensus": 6})
    assert (JudgeRun.objects.count(), Judge.objects.count(), StepVerdict.objects.count()) == (1, 1, before)
    other = create_project(slug="other", name="Other", owner=alice)
    bring_in(other, exported)
    assert out(other) == exported
    assert trained(other) == trained(project)


def test_other_verdicts_under_the_number_of_a_run_of_ours_are_another_run(run: JudgeRun, project: Project) -> None:
    """The older one loses its number, so that the newest run is the same wherever the row is imported."""
    exported = out(project)
    # Whose first step is good: by lot, some have no verdict or one that names it.
    place = next(n for n, one in enumerate(exported) if one["judges"] and one["judges"][0]["steps"][0]["rating"] == 1)
    changed = exported[place]["judges"][0]["steps"]
    changed[:] = [step | {"rating": -1} for step in changed[:1]]
    bring_in(project, exported)
    assert JudgeRun.objects.count() == 2
    assert StepVerdict.objects.filter(run__origin="jsonl").count() == 1
    rows = out(project)
    name, version = run.judge.name, run.judge.version
    assert runs_in(rows[place]) == [(name, version, None), (name, version, 3)]
    others = rows[:place] + rows[place + 1 :]
    assert {key for one in others for key in runs_in(one)} == {(name, version, 3)}
    assert in_columns(project) == rows
    assert trained(project)[rows[place]["problem"]["statement"].strip()] == [False]


def record(run: int | None, *, judge: str = "a", version: int = 1) -> JudgeRecord:
    return JudgeRecord(judge=judge, version=version, run=run)


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([None, 1, 2], [None, 1, 2]),
        ([3, 3], [None, 3]),
        ([None, 3, 3], [None, 0, 3]),
        ([None, 0, 3, 3], [None, 0, 1, 3]),
        ([3, 3, 3], [0, None, 3]),
    ],
)
def test_no_two_records_of_a_judge_have_one_run(runs: list[int | None], expected: list[int | None]) -> None:
    records = [*map(record, runs), record(3, judge="b"), record(3, version=2)]
    distinct = with_distinct_runs(records)
    assert [one.run for one in distinct] == [*expected, 3, 3]
    assert len({one.key for one in distinct}) == len(records)
