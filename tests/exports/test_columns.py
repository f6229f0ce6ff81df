"""Labels are made in columns: straight from the database as from records, and the same bytes whoever writes them."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from random import Random
from typing import Any

import polars as pl
import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from msgspec import structs

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.run import run_import
from apps.corpus.records import Record
from apps.corpus.services import create_import
from apps.estimation.models import EstimationRun
from apps.exports.files.writers import lines_of
from apps.exports.formats import FORMATS
from apps.exports.formats.base import Need
from apps.exports.formats.columnar import ColumnFormat
from apps.exports.labels.batch import batched
from apps.exports.labels.columns.counted import rated_steps
from apps.exports.labels.columns.frames import frames_of, place_of
from apps.exports.labels.counted import rating_of, steps_of
from apps.exports.labels.steps import resolution
from apps.exports.load import columns
from apps.exports.load.arrow import is_shared, open_reader
from apps.exports.load.records import load_records
from apps.exports.policy import SOURCES, LabelPolicy
from apps.exports.rows import chunks
from apps.exports.rows.chunk_rows import rows_by_split
from apps.exports.rows.chunks import chunk_rows
from apps.exports.rows.row_length import frame_tokens, row_length, tokens
from apps.exports.tally import Tally
from apps.judging.models import Judge
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import BlindSample, Cascade, CascadeLabel, Review
from tests.exports.random_records import random_policy, random_record
from tests.judging.verdicts import judge_here

COLUMNAR = {name: format_ for name, format_ in FORMATS.items() if isinstance(format_, ColumnFormat)}


def records(count: int, seed: int = 1) -> list[Record]:
    dice = Random(seed)
    return [random_record(dice, number=number) for number in range(count)]


def test_the_formats_of_labels_are_made_in_columns() -> None:
    assert {"trl-prm", "math-shepherd", "openrlhf-prm", "rlhflow-prm", "qwen-prm", "orm"} <= COLUMNAR.keys()


@pytest.mark.parametrize("name", COLUMNAR)
@pytest.mark.parametrize("seed", range(3))
def test_a_frame_is_written_as_its_rows_are(name: str, seed: int) -> None:
    dice = Random(seed)
    made = records(40, seed)
    for _ in range(5):
        frames = rows_by_split(made, FORMATS[name], random_policy(dice), Tally())
        for rows in frames.values():
            frame = pl.DataFrame(rows, schema=pl.Schema(FORMATS[name].schema(LabelPolicy()))) if name != "orm" else None
            if frame is not None and len(frame):
                assert lines_of(frame) == lines_of(rows)
                assert frame_tokens(frame).tolist() == [tokens(row_length(row)) for row in rows]


def test_records_labeled_together_have_the_labels_of_each_alone() -> None:
    dice = Random(5)
    made = records(12)
    for _ in range(10):
        policy = random_policy(dice)
        with batched(made):
            together = [resolution(record, policy) for record in made]
        assert together == [resolution(record, policy) for record in made]


def test_one_rating_means_the_same_as_in_columns() -> None:
    made = records(40)
    for unsure in ("drop", "positive", "negative"):
        policy = LabelPolicy.from_dict({"unsure": unsure})
        rated = rated_steps(frames_of(made), policy)
        people = [(record, person) for record in made for person in record.people]
        wanted = {
            (number, (step.position, step.candidate)): rating_of(step, steps_of(record.solution), policy)
            for number, (record, person) in enumerate(people)
            for step in person.steps
        }
        assert {
            (number, place_of(key)): rating
            for number, key, rating in rated.select("person", "key", "rating").iter_rows()
        } == wanted


# --- from the database ------------------------------------------------------------------------------------


def imported(project: Project, made: list[Record]) -> None:
    lines = b"".join(lines_of(list(FORMATS["annotate"].rows(record, LabelPolicy(), Tally()))) for record in made)
    batch = create_import(
        project=project, file=ContentFile(lines, name="rows.jsonl"), filename="rows.jsonl", format="jsonl"
    )
    batch = run_import(batch_id=batch.pk)
    assert batch.status == JobStatus.FINISHED, batch.error
    assert batch.solutions == len(made)


def complicated(project: Project, rita: User) -> None:
    """What a file does not bring: retired problems, suspended labelers, corrections, thin labels."""
    retired = project.problems.order_by("pk")[project.problems.count() // 2]
    retired.retired_at = timezone.now()
    retired.save()
    members = Membership.objects.filter(project=project, status=Membership.Status.IMPORTED).order_by("pk")
    Membership.objects.filter(pk=members[0].pk).update(status=Membership.Status.SUSPENDED)
    Round.objects.filter(project=project).update(redundancy=2)
    for assignment in Assignment.objects.filter(round__project=project).order_by("pk")[::4]:
        steps = [
            {"position": label.step.position, "candidate": label.step.candidate, "rating": -1}
            for label in assignment.step_labels.select_related("step")
        ]
        submission = {"steps": steps, "finish_reason": "found_error"}
        for decision in (Review.Decision.CORRECTED, Review.Decision.ACCEPTED):
            Review.objects.create(assignment=assignment, decision=decision, reviewer=rita, submission=submission)
        Assignment.objects.filter(pk=assignment.pk).update(corrected_by=rita)
    undecided_judges(project)
    recompute_project(project=project)
    applied_cascade(project)


def undecided_judges(project: Project) -> None:
    """Newer runs of the judges' first versions that name no first error in two thirds of the solutions."""
    Judge.objects.filter(project=project).update(kind=Judge.Kind.STEPS)
    for place, solution in enumerate(project.solutions.order_by("pk")):
        for name in ("strict", "mild")[: place % 3]:
            judge_here(solution, name, outcome="refusal")


def applied_cascade(project: Project) -> None:
    """One that labels two thirds of the solutions, some of them behind their last step."""
    run = EstimationRun.objects.create(project=project, number=1000, status=JobStatus.FINISHED, completer="m")
    sample = BlindSample.objects.create(project=project, seed=1, pool=60)
    for number, status in enumerate((Cascade.Status.APPLIED, Cascade.Status.WITHDRAWN), start=1):
        if number > 1:
            sample = BlindSample.objects.create(project=project, seed=2, pool=60)
        cascade = Cascade.objects.create(
            project=project, number=number, status=status, estimation_run=run, sample=sample, tau=0.9, bound=0.01
        )
        CascadeLabel.objects.bulk_create(
            CascadeLabel(
                cascade=cascade,
                solution=solution,
                first_error=(place + number) % 5 - 1,
                posterior=0.95,
                is_label=place % 3 > 0,
            )
            for place, solution in enumerate(project.solutions.order_by("pk"))
        )


def without_zeros(tally: Tally) -> dict[str, Any]:
    return {name: +count if isinstance(count, Counter) else count for name, count in structs.asdict(tally).items()}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most_others", [0, columns.MOST_OTHERS, 10**9], ids=["lists", "either", "ranges"])
def test_columns_of_the_database_and_of_its_records_give_the_same_file_and_counts(
    project: Project, rita: User, most_others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the rows of ids are read by lists of exactly these ids, or by ranges that hold another project's too."""
    monkeypatch.setattr(columns, "MOST_OTHERS", most_others)
    made, others = records(60), records(30, seed=4)
    other = create_project(slug="other", name="Other", owner=project.memberships.earliest("pk").user)
    for start in range(0, 60, 20):
        imported(project, made[start : start + 20])
        imported(other, others[start // 2 : start // 2 + 10])
    complicated(project, rita)
    loaded = list(chain.from_iterable(load_records(project, needs={Need.CASCADE})))
    with open_reader() as reader:
        assert is_shared(reader), "the columns come by a connection of their own"
    dice = Random(9)
    has_rows = by_cascade = 0
    for number in range(40):
        name = list(COLUMNAR)[number % len(COLUMNAR)]
        policy = random_policy(dice, **({"splits": {"train": 0.5, "test": 0.5}} if number % 3 else {}))
        tally, counts = Tally(), Tally()
        by_records = rows_by_split(loaded, FORMATS[name], policy, tally)
        by_columns: dict[str, bytes] = {}
        for chunk in chunk_rows(project, FORMATS[name], policy):
            counts.add(chunk.tally)
            for split, rows in chunk.rows.items():
                by_columns[split] = by_columns.get(split, b"") + lines_of(rows)
        assert by_columns == {split: lines_of(rows) for split, rows in by_records.items() if rows}, (name, policy)
        for rows in by_records.values():
            tally.count_rows(rows)
        assert without_zeros(counts) == without_zeros(tally), (name, policy)
        has_rows += bool(by_columns)
        by_cascade += counts.by_cascade
    assert has_rows > 20
    assert by_cascade > 20


@pytest.mark.django_db(transaction=True)
def test_the_canonical_row_in_columns_is_that_of_its_record(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    imported(project, records(40, seed=3))
    members = Membership.objects.filter(project=project, status=Membership.Status.IMPORTED).order_by("pk")
    Membership.objects.filter(pk=members[0].pk).update(status=Membership.Status.SUSPENDED)
    recompute_project(project=project)
    applied_cascade(project)
    loaded = list(chain.from_iterable(load_records(project, needs={Need.CASCADE})))
    monkeypatch.setattr(chunks, "CANONICAL_CHUNK", 7)
    monkeypatch.setattr(chunks, "_by_records", None)  # Nothing here is rare.
    dice = Random(2)
    for number in range(8):
        sources = ["gold", "cascade", "human"] if number % 4 == 0 else list(SOURCES)
        splits = {"train": 0.5, "test": 0.5} if number % 2 else {}
        policy = random_policy(dice, sources=sources, splits=splits)
        tally, counts = Tally(), Tally()
        by_records = rows_by_split(loaded, FORMATS["annotate"], policy, tally)
        by_columns: dict[str, bytes] = {}
        for chunk in chunk_rows(project, FORMATS["annotate"], policy):
            counts.add(chunk.tally)
            for split, rows in chunk.rows.items():
                by_columns[split] = by_columns.get(split, b"") + lines_of(rows)
        wanted = {split: lines_of(rows) for split, rows in by_records.items() if rows}
        assert by_columns == wanted
        for rows in by_records.values():
            tally.count_rows(rows)
        assert without_zeros(counts) == without_zeros(tally), policy


@pytest.mark.django_db(transaction=True)
def test_what_is_rare_in_a_canonical_row_comes_from_its_record(project: Project, rita: User) -> None:
    imported(project, records(12))
    complicated(project, rita)
    lines = b"".join(
        lines_of(rows)
        for chunk in chunk_rows(project, FORMATS["annotate"], LabelPolicy())
        for rows in chunk.rows.values()
    )
    loaded = list(chain.from_iterable(load_records(project)))
    assert lines == lines_of(rows_by_split(loaded, FORMATS["annotate"], LabelPolicy(), Tally())[""])
    assert b'"role":"reviewer"' in lines
