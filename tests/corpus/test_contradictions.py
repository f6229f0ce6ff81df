"""A second row or file that contradicts what is stored is noted, and never called a repeat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.corpus.models import ImportBatch
from apps.estimation.models import StepEstimate
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, GoldLabel, PreferenceLabel, StepLabel
from apps.projects.models import Project
from tests.cast import bearer, signed_in
from tests.flows.test_real_files import command
from tests.judging.verdicts import bring_in, row, verdicts

pytestmark = pytest.mark.django_db

OTHERWISE = "{} (contradicts what is stored)"


def gold(*ratings: int, start: int = 0) -> dict[str, Any]:
    return {"gold": {"steps": [{"position": place, "rating": one} for place, one in enumerate(ratings, start)]}}


def person(*ratings: int | None, **fields: Any) -> dict[str, Any]:
    steps = [{"position": place, "rating": one} for place, one in enumerate(ratings)]
    return {"people": [{"labeler": "one", "steps": steps} | fields]}


def counts(*successes: int, **fields: Any) -> dict[str, Any]:
    steps = [{"position": place, "rollouts": 8, "successes": one} for place, one in enumerate(successes)]
    return {"monte_carlo": [{"run": 1, "completer": "c", "steps": steps} | fields]}


def judged(*ratings: int) -> dict[str, Any]:
    return {"judges": [verdicts("a", *ratings)]}


def preferred(choice: str, **fields: Any) -> dict[str, Any]:
    pair = {"left": {"steps": ["One."]}, "right": {"steps": ["Two."]}}
    people = [{"labeler": "one", "preference": {"choice": choice} | fields}]
    return {"problem": {"statement": "What?"}, "comparison": pair, "people": people}


def standing(project: Project) -> list[Any]:
    """All labels of a project, whoever gave them."""
    return [
        list(
            GoldLabel.objects.filter(step__solution__project=project).order_by("step").values_list("rating", flat=True)
        ),
        list(StepLabel.objects.order_by("pk").values_list("rating", flat=True)),
        list(PreferenceLabel.objects.values_list("choice", "margin")),
        list(StepEstimate.objects.order_by("step", "pk").values_list("successes", flat=True)),
        list(StepVerdict.objects.order_by("step", "pk").values_list("rating", flat=True)),
    ]


AT = "2026-01-01T00:00:00Z"
PAIRS = [
    ("gold", row(**gold(1, -1)), row(**gold(1, 1, 1))),
    ("gold", row(**gold(1, -1), steps=5), row(**gold(1, 1, 1, -1), steps=5)),
    ("gold", row(**gold(1, 1, 1)), row(**gold(1, -1))),
    ("gold", row(**gold(-1)), row(**gold(0))),
    ("people[]", row(**person(1, 1, 1)), row(**person(1, -1))),
    ("people[]", row(**person(1, -1)), row(**person(1))),
    ("people[]", row(**person(1, -1, submitted_at=AT)), row(**person(1, 0, submitted_at=AT))),
    ("people[]", row(**person(finish_reason="give_up")), row(**person(finish_reason="bad_problem"))),
    ("people[]", preferred("left"), preferred("right")),
    ("people[]", preferred("left"), preferred("left", margin="clearly")),
    ("monte_carlo[]", row(**counts(8, 4, 0)), row(**counts(8, 3, 0))),
    ("monte_carlo[]", row(**counts(8, 0)), row(**counts(8, 1, 1))),
    ("judges[]", row(**judged(1, -1)), row(**judged(1, 1))),
]


@pytest.mark.slow
@pytest.mark.parametrize(("part", "first", "second"), PAIRS)
@pytest.mark.parametrize("apart", [True, False])
def test_a_contradiction_is_noted_and_the_first_row_is_kept(
    project: Project, part: str, first: dict[str, Any], second: dict[str, Any], *, apart: bool
) -> None:
    """Whether it comes with another file, or with another row of the same."""
    batch = bring_in(project, [first])
    before = standing(project)
    if not apart:
        project.problems.all().delete()
        Assignment.objects.all().delete()
        batch = bring_in(project, [first, second])
    else:
        batch = bring_in(project, [second])
    assert (batch.ignored, batch.skipped_existing, batch.rejected) == ({OTHERWISE.format(part): 1}, 0, 0)
    assert standing(project) == before


@pytest.mark.slow
@pytest.mark.parametrize(("part", "first", "second"), PAIRS)
def test_an_identical_row_is_a_silent_repeat(
    project: Project, part: str, first: dict[str, Any], second: dict[str, Any]
) -> None:
    for one in (first, second):
        project.problems.all().delete()
        Assignment.objects.all().delete()
        bring_in(project, [one])
        before = standing(project)
        again = bring_in(project, [one, one])
        assert (again.ignored, again.labels, again.skipped_existing) == ({}, 0, 2)
        assert standing(project) == before


def test_gold_that_continues_the_first_is_stored(project: Project) -> None:
    bring_in(project, [row(**gold(1))])
    batch = bring_in(project, [row(**gold(1, -1))])
    assert (batch.ignored, batch.labels, standing(project)[0]) == ({}, 1, [1, -1])
    assert bring_in(project, [row(**gold(0, start=2))]).labels == 1
    repeat = bring_in(project, [row(**gold(1))])
    assert (repeat.ignored, repeat.skipped_existing) == ({}, 1)


def test_a_pair_in_the_other_order_is_a_repeat(project: Project) -> None:
    bring_in(project, [preferred("left", margin="clearly")])
    turned = preferred("right", margin="clearly")
    turned["comparison"] = {"left": turned["comparison"]["right"], "right": turned["comparison"]["left"]}
    batch = bring_in(project, [turned])
    assert (batch.ignored, batch.skipped_existing) == ({}, 1)
    turned["people"][0]["preference"]["choice"] = "left"
    assert bring_in(project, [turned]).ignored == {OTHERWISE.format("people[]"): 1}


def test_other_parts_of_a_contradicting_row_are_stored(project: Project) -> None:
    bring_in(project, [row(**gold(1, -1), **person(1, -1))])
    batch = bring_in(project, [row(**gold(1, 1), **person(1, 1), **counts(8, 0), **judged(1))])
    assert batch.ignored == {OTHERWISE.format("gold"): 1, OTHERWISE.format("people[]"): 1}
    assert (batch.labels, batch.skipped_existing) == (3, 0)


def test_differing_rows_of_a_benchmark_are_noted(project: Project, tmp_path: Path) -> None:
    """Without dates a labeler has one word on a solution: the second is no other turn, and no repeat."""
    rows = [
        {"prompt": "1 + 1?", "completions": ["One.", "Two."], "labels": labels} for labels in ([1, 1], [1, 0], [1, 1])
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows))
    told = command("import_corpus", path, project=project.slug, format="trl-prm")
    assert (told["ignored"], told["skipped_existing"], told["labels"]) == ({OTHERWISE.format("people[]"): 1}, 1, 2)


def test_contradictions_are_on_the_page_and_in_the_api(project: Project, alice: User) -> None:
    bring_in(project, [row(**gold(1, -1))])
    batch = bring_in(project, [row(**gold(1, 1, 1))])
    page = signed_in(alice).get(f"/projects/{project.slug}/imports/{batch.pk}").content.decode()
    assert OTHERWISE.format("gold") in page
    assert "Nothing new" not in page
    assert "has no rows" not in page
    told = bearer(alice).get(f"/api/v1/imports/{batch.pk}").json()
    assert told["ignored"] == {OTHERWISE.format("gold"): 1}


def test_a_row_that_the_database_refuses_leaves_the_other_notes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chunk that is stored row by row has the same notes."""
    from django.db import DataError

    from apps.corpus.imports import run

    bring_in(project, [row(1, **gold(1, -1))])
    store_records = run.store_records

    def refuses_many(batch: ImportBatch, incoming: Any) -> Any:
        if len(incoming) > 1:
            raise DataError("too many")
        return store_records(batch, incoming)

    monkeypatch.setattr(run, "store_records", refuses_many)
    batch = bring_in(project, [row(1, **gold(1, 1)), row(2, **gold(1))])
    assert (batch.ignored, batch.labels) == ({OTHERWISE.format("gold"): 1}, 1)


def test_a_big_file_imported_again_needs_as_many_queries_as_a_small_one(project: Project) -> None:
    def again(number: int) -> int:
        first = [row(n, **gold(1, -1), **person(1, -1), **counts(8, 0), **judged(1, -1)) for n in range(number)]
        other = [row(n, **gold(1, 1), **person(1, 1), **counts(8, 1), **judged(1, 1)) for n in range(number)]
        bring_in(project, first)
        with CaptureQueriesContext(connection) as queries:
            batch = bring_in(project, other)
        assert set(batch.ignored.values()) == {number}
        return len(queries)

    assert again(3) == again(40)
