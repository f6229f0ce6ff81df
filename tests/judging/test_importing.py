"""Importing verdicts: each is stored once, and invalid ones are reported by line and field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction

from apps.corpus.imports import run as importing
from apps.corpus.models import ImportBatch
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.projects.models import Project
from tests.cast import make_problem, make_solution
from tests.judging.verdicts import bring_in, judge, row, verdicts

Told = tuple[str, int, int, int, float | None, str]


def told(project: Project) -> set[Told]:
    columns = ("run__judge__name", "run__judge__version", "step__position", "rating", "confidence", "reason")
    return set(StepVerdict.objects.filter(run__project=project).values_list(*columns))


def test_verdicts_land_with_their_judge_version_confidence_and_reason(project: Project) -> None:
    steps = [
        {"position": 0, "rating": 1, "confidence": 0.9, "reason": "It follows."},
        {"position": 1, "candidate": 0, "rating": -1, "confidence": None},
        {"position": 2, "rating": 0},
    ]
    batch = bring_in(project, [row(judges=[{"judge": "llama-judge", "version": 3, "steps": steps}])])
    assert (batch.status, batch.labels, batch.rejected, batch.ignored) == ("finished", 3, 0, {})
    assert told(project) == {
        ("llama-judge", 3, 0, 1, 0.9, "It follows."),
        ("llama-judge", 3, 1, -1, None, ""),
        ("llama-judge", 3, 2, 0, None, ""),
    }
    run = JudgeRun.objects.get()
    assert (run.number, run.origin, run.run_in_file, run.batch) == (1, "jsonl", None, batch)


def test_a_second_import_adds_nothing(project: Project) -> None:
    rows = [row(number, judges=[verdicts("a", 1, -1, 1), verdicts("b", 1, version=2)]) for number in range(5)]
    bring_in(project, rows)
    before = (told(project), StepVerdict.objects.count(), JudgeRun.objects.count(), Judge.objects.count())
    again = bring_in(project, rows)
    assert (again.labels, again.skipped_existing, again.rejected) == (0, 5, 0)
    assert (told(project), StepVerdict.objects.count(), JudgeRun.objects.count(), Judge.objects.count()) == before


def test_a_later_file_adds_missing_verdicts(project: Project) -> None:
    bring_in(project, [row(judges=[verdicts("a", 1)])])
    later = bring_in(project, [row(judges=[verdicts("a", 1, -1)])])
    assert (later.labels, later.ignored) == (1, {})
    assert told(project) == {("a", 1, 0, 1, None, ""), ("a", 1, 1, -1, None, "")}
    assert JudgeRun.objects.count() == 1


@pytest.mark.parametrize("together", [True, False], ids=["in one file", "in two"])
def test_a_run_lands_for_a_solution_whole_or_not_at_all(project: Project, together: bool) -> None:
    """Else its first error would be the fourth step, which neither row says. Other runs and other rows land."""
    first = row(steps=4, judges=[verdicts("a", 1, 1)])
    second = row(steps=4, judges=[verdicts("a", 1, -1, 1, -1), verdicts("a", 0, -1, run=2)])
    other = row(2, judges=[verdicts("a", 1, -1)])
    for rows in [[first, second, other]] if together else [[first], [second, other]]:
        batch = bring_in(project, rows)
    assert batch.ignored == {"judges[] (contradicts what is stored)": 1}
    standing = StepVerdict.objects.order_by("run__run_in_file", "step__solution", "step__position")
    by_run = {(number, solution): [] for number, solution in standing.values_list("run__run_in_file", "step__solution")}
    for number, solution, rating in standing.values_list("run__run_in_file", "step__solution", "rating"):
        by_run[number, solution].append(rating)
    assert list(by_run.values()) == [[0, -1], [1, 1], [1, -1]]


def test_another_version_and_another_run_of_a_judge_are_runs_of_their_own(project: Project) -> None:
    said = [verdicts("a", 1), verdicts("a", -1, version=2), verdicts("a", 0, run=7)]
    assert bring_in(project, [row(judges=said)]).labels == 3
    runs = JudgeRun.objects.order_by("number").values_list("judge__version", "run_in_file")
    assert list(runs) == [(1, None), (2, None), (1, 7)]


def test_a_judge_without_verdicts_leaves_nothing(project: Project) -> None:
    batch = bring_in(project, [row(judges=[verdicts("a")]), row(2, judges=[]), row(3, judges=None)])
    assert (batch.solutions, batch.labels, batch.rejected) == (3, 0, 0)
    assert not Judge.objects.exists()


def test_a_verdict_may_be_on_a_step_beside_the_path(project: Project) -> None:
    one = row(judges=[{"judge": "a", "steps": [{"position": 0, "candidate": 1, "rating": -1}]}])
    one["solution"]["steps"] = [{"text": "Yes."}, {"position": 0, "candidate": 1, "text": "No.", "chosen": False}]
    assert bring_in(project, [one]).labels == 1
    verdict = StepVerdict.objects.select_related("step").get()
    assert (verdict.step.text, verdict.step.chosen, verdict.run.judge.version) == ("No.", False, 1)


def test_verdicts_are_stored_for_an_existing_solution(project: Project) -> None:
    bring_in(project, [row()])
    batch = bring_in(project, [row(judges=[verdicts("a", 1, 1, 1)])])
    assert (batch.solutions, batch.labels, batch.skipped_existing) == (0, 3, 0)


SAID: dict[str, Any] = {"judge": "a", "version": 1, "steps": [{"position": 0, "rating": 1}]}
STEP = "judges[0].steps[0]"


@pytest.mark.parametrize(
    ("judges", "field"),
    [
        ([SAID | {"steps": [{"position": 0, "rating": 2}]}], f"{STEP}.rating"),
        ([SAID | {"steps": [{"position": 0, "rating": None}]}], f"{STEP}.rating"),
        ([SAID | {"steps": [{"position": 0}]}], f"{STEP}.rating"),
        ([SAID | {"steps": [{"position": 0, "rating": True}]}], f"{STEP}.rating"),
        ([SAID | {"steps": [{"position": 0, "rating": "good"}]}], f"{STEP}.rating"),
        ([SAID | {"steps": [{"position": 0, "rating": 0.5}]}], f"{STEP}.rating"),
        ([SAID | {"steps": [{"position": 0, "rating": 1, "confidence": 1.5}]}], f"{STEP}.confidence"),
        ([SAID | {"steps": [{"position": 0, "rating": 1, "confidence": -0.1}]}], f"{STEP}.confidence"),
        ([SAID | {"steps": [{"position": 0, "rating": 1, "confidence": "high"}]}], f"{STEP}.confidence"),
        ([SAID | {"steps": [{"position": 0, "rating": 1, "confidence": True}]}], f"{STEP}.confidence"),
        ([SAID | {"steps": [{"position": 0, "rating": 1, "reason": ["x", "y"]}]}], f"{STEP}.reason"),
        ([SAID | {"steps": [{"position": 3, "rating": 1}]}], f"{STEP}.position"),
        ([SAID | {"steps": [{"position": -1, "rating": 1}]}], f"{STEP}.position"),
        ([SAID | {"steps": [{"rating": 1}]}], f"{STEP}.position"),
        ([SAID | {"steps": [{"position": 0, "candidate": 4, "rating": 1}]}], f"{STEP}.position"),
        ([SAID | {"steps": [{"position": 0, "candidate": "x", "rating": 1}]}], f"{STEP}.candidate"),
        ([SAID | {"steps": [{"position": 0, "rating": 1}] * 2}], "judges[0].steps"),
        ([SAID | {"steps": {"0": 1}}], "judges[0].steps"),
        ([SAID | {"steps": [1]}], STEP),
        ([SAID | {"judge": None}], "judges[0].judge"),
        ([SAID | {"judge": " "}], "judges[0].judge"),
        ([SAID | {"judge": 7}], "judges[0].judge"),
        ([SAID | {"judge": "j" * 201}], "judges[0].judge"),
        ([{"version": 1, "steps": SAID["steps"]}], "judges[0].judge"),
        ([SAID | {"version": "three"}], "judges[0].version"),
        ([SAID | {"version": -1}], "judges[0].version"),
        ([SAID | {"version": 2**40}], "judges[0].version"),
        ([SAID | {"run": 1.5}], "judges[0].run"),
        ([SAID, SAID], "judges[1].judge"),
        ([1], "judges[0]"),
        ({"judge": "a"}, "judges"),
        ("a", "judges"),
    ],
)
def test_what_cannot_be_is_rejected_by_line_and_field_and_the_rest_lands(
    project: Project, judges: object, field: str
) -> None:
    batch = bring_in(project, [row(1, judges=[verdicts("b", 1)]), row(2, judges=judges), row(3)])
    assert (batch.solutions, batch.labels, batch.rejected) == (2, 1, 1)
    finding = batch.findings.get()
    assert (finding.line, finding.field) == (2, field)
    assert finding.reason
    assert Judge.objects.get().name == "b"


@pytest.mark.parametrize("sign", ["\\ud800", "\\u0000"])
def test_what_is_no_text_is_rejected_with_its_row(project: Project, sign: str) -> None:
    line = json.dumps(row(judges=[{"judge": "a", "steps": [{"position": 0, "rating": 1, "reason": "xSIGN"}]}]))
    line = line.replace("SIGN", sign)
    batch = bring_in(project, [line, row(2)])
    assert (batch.rejected, batch.solutions, batch.findings.get().line) == (1, 1, 1)


def test_a_row_of_a_comparison_has_no_steps_to_judge(project: Project) -> None:
    pair = {"left": {"steps": ["One."]}, "right": {"steps": ["Two."]}}
    batch = bring_in(project, [{"problem": {"statement": "What?"}, "comparison": pair, "judges": [verdicts("a", 1)]}])
    assert (batch.rejected, batch.findings.get().field) == (1, f"{STEP}.position")


def test_an_import_that_died_between_two_chunks_doubles_nothing(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.IMPORT_CHUNK = 4
    rows = [row(number, judges=[verdicts("a", 1, -1), verdicts("b", 1)]) for number in range(10)]
    record, landed = importing._record, []

    def dies(batch: ImportBatch, *told: Any) -> bool:
        landed.append(batch.pk)
        if len(landed) == 2:
            raise OperationalError("away")
        return record(batch, *told)

    monkeypatch.setattr(importing, "_record", dies)
    with pytest.raises(OperationalError):
        bring_in(project, rows)
    batch = ImportBatch.objects.get()
    assert (batch.line, StepVerdict.objects.count()) == (4, 12), "the chunk that was under way left nothing"
    monkeypatch.setattr(importing, "_record", record)
    batch = importing.run_import(batch_id=batch.pk)
    assert (batch.status, batch.labels, batch.skipped_existing) == ("finished", 30, 0)
    assert (StepVerdict.objects.count(), JudgeRun.objects.count()) == (30, 2)


@pytest.mark.parametrize("fields", [{"rating": 2}, {"rating": 1, "confidence": 1.5}, {"rating": 1, "confidence": -0.5}])
def test_the_database_itself_refuses_what_cannot_be(project: Project, fields: dict[str, Any]) -> None:
    solution = make_solution(make_problem(project))
    run = judge(solution, "a")
    step = solution.steps.all()[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        StepVerdict.objects.create(run=run, step=step, **fields)
    StepVerdict.objects.create(run=run, step=step, rating=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        StepVerdict.objects.create(run=run, step=step, rating=1)


def test_a_judge_run_of_files_is_there_once_even_without_a_number(project: Project) -> None:
    run = judge(make_solution(make_problem(project)), "a")
    with pytest.raises(IntegrityError), transaction.atomic():
        JudgeRun.objects.create(project=project, judge=run.judge, number=2, origin="jsonl")
