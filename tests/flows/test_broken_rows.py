"""A file with a hundred broken rows of every kind: the others are stored, and the hundred are named."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File

from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportFinding, Solution
from apps.corpus.services import create_import
from apps.projects.models import Project

ROWS, BROKEN = 2000, 100


def good(number: int) -> dict[str, Any]:
    return {
        "problem": {
            "external_id": f"p{number}",
            "statement": f"What is {number} plus {number}?",
            "reference_answer": "1",
        },
        "solution": {
            "external_id": f"s{number}",
            "source": "model",
            "final_answer": "1",
            "is_correct": True,
            "steps": [{"position": 0, "text": f"Add {number}."}, {"position": 1, "text": "The answer is 1."}],
        },
        "people": [
            {
                "labeler": "rita",
                "finish_reason": "solution",
                "steps": [{"position": 0, "rating": 1}, {"position": 1, "rating": 0}],
            }
        ],
    }


def changed(path: str, value: Any) -> Callable[[int], bytes]:
    """A good row in which the value at a dotted path is another; `...` takes the key away."""

    def make(number: int) -> bytes:
        row: Any = good(number)
        *parents, last = path.split(".")
        place = row
        for name in parents:
            place = place[int(name) if name.isdigit() else name]
        key = int(last) if last.isdigit() else last
        if value is ...:
            del place[key]
        else:
            place[key] = value
        return json.dumps(row).encode()

    return make


def text(template: str) -> Callable[[int], bytes]:
    return lambda number: template.replace("NUMBER", str(number)).encode()


# What breaks a row, and the field that has to be named; None: the row as a whole.
WAYS: list[tuple[Callable[[int], bytes], str | None]] = [
    (text('{"problem": {"statement": "cut o'), None),
    (text("not json at all NUMBER"), None),
    (text('["a", "list", NUMBER]'), None),
    (text("42"), None),
    (text("null"), None),
    (text('"a text"'), None),
    (text('{"problem": {"statement": NaN}}'), None),
    (text('{"problem": {"statement": "lone \\ud800 NUMBER"}, "solution": {"steps": ["x"]}}'), None),
    (lambda number: b'{"problem": {"statement": "\xff\xfe"}, "solution": {"steps": ["x"]}}', None),
    (lambda number: b'{"a":' * 3000 + b"1" + b"}" * 3000, None),
    (changed("solution.steps.0.text", "x" * 5_000_000), None),
    (changed("problem.statement", "NUL \x00 inside"), "problem.statement"),
    (changed("problem", ...), "problem"),
    (changed("problem", None), "problem"),
    (changed("problem", "a text"), "problem"),
    (changed("problem.statement", ...), "problem.statement"),
    (changed("problem.statement", None), "problem.statement"),
    (changed("problem.statement", "   "), "problem.statement"),
    (changed("problem.statement", 7), "problem.statement"),
    (changed("problem.verifier", "coin toss"), "problem.verifier"),
    (changed("problem.subject", ["Algebra", "Geometry"]), "problem.subject"),
    (changed("problem.external_id", "p0"), "problem.external_id"),
    (changed("problem.external_id", "p" * 501), "problem.external_id"),
    (changed("solution.source", "s" * 501), "solution.source"),
    (
        changed("monte_carlo", [{"strategy": "s" * 31, "steps": [{"position": 0, "rollouts": 4, "successes": 1}]}]),
        "monte_carlo[0].strategy",
    ),
    (changed("solution", [1]), "solution"),
    (changed("solution.external_id", "s0"), "solution.external_id"),
    (changed("solution.steps", ...), "solution.steps"),
    (changed("solution.steps", []), "solution.steps"),
    (changed("solution.steps", "one text"), "solution.steps"),
    (changed("solution.steps.1", None), "solution.steps[1]"),
    (changed("solution.steps.1.text", None), "solution.steps[1].text"),
    (changed("solution.steps.1.text", {"a": 1}), "solution.steps[1].text"),
    (changed("solution.steps.1.position", 0), "solution.steps"),
    (changed("solution.steps.1.position", 5), "solution.steps"),
    (changed("solution.steps.1.position", -1), "solution.steps[1].position"),
    (changed("solution.steps.1.position", "one"), "solution.steps[1].position"),
    (changed("solution.steps.1.origin", "alien"), "solution.steps[1].origin"),
    (changed("solution.is_correct", "maybe"), "solution.is_correct"),
    (changed("solution.verifier_score", "high"), "solution.verifier_score"),
    (changed("solution.verifier_score", 10**400), "solution.verifier_score"),
    (changed("solution.final_answer", {"x": 1}), "solution.final_answer"),
    (changed("people", {"labeler": "rita"}), "people"),
    (changed("people.0", "rita"), "people[0]"),
    (changed("people.0.labeler", None), "people[0].labeler"),
    (changed("people.0.labeler", "r" * 500), "people[0].labeler"),
    (changed("people.0.finish_reason", "bored"), "people[0].finish_reason"),
    (changed("people.0.submitted_at", "yesterday"), "people[0].submitted_at"),
    (changed("people.0.active_ms", -5), "people[0].active_ms"),
    (changed("people.0.active_ms", 2**70), "people[0].active_ms"),
    (changed("people.0.steps.0.rating", 2), "people[0].steps[0].rating"),
    (changed("people.0.steps.0.rating", "good"), "people[0].steps[0].rating"),
    (changed("people.0.steps.0.rating", True), "people[0].steps[0].rating"),
    (changed("people.0.steps.0.position", 9), "people[0].steps[0].position"),
    (changed("people.0.steps.1.position", 0), "people[0].steps"),
    (
        changed("monte_carlo", [{"steps": [{"position": 0, "rollouts": 4, "successes": 5}]}]),
        "monte_carlo[0].steps[0].successes",
    ),
    (changed("monte_carlo", [{"steps": [{"position": 0}]}]), "monte_carlo[0].steps[0].rollouts"),
    (changed("judges", [{"steps": [{"position": 0, "rating": 1}]}]), "judges[0].judge"),
    (changed("judges", [{"judge": "a", "steps": [{"position": 0, "rating": 2}]}]), "judges[0].steps[0].rating"),
    (changed("judges", [{"judge": "a", "steps": [{"position": 9, "rating": 1}]}]), "judges[0].steps[0].position"),
    (changed("gold", {"steps": [{"position": 0, "rating": None}]}), "gold.steps[0].rating"),
    (changed("gold", {"steps": [{"position": 7, "rating": 1}]}), "gold.steps[0].position"),
]


@pytest.fixture
def mixed_file(tmp_path: Path) -> tuple[Path, dict[int, str | None]]:
    """2,000 lines with Windows ends and a byte order mark; returns the field expected at each broken line."""
    dice = random.Random(1)
    broken = sorted(dice.sample(range(1, ROWS), BROKEN))
    expected: dict[int, str | None] = {}
    path = tmp_path / "mixed.jsonl"
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        for number in range(ROWS):
            if number in broken:
                make, field = WAYS[len(expected) % len(WAYS)]
                expected[number + 1] = field
                file.write(make(number) + b"\r\n")
            else:
                file.write(json.dumps(good(number)).encode() + b"\r\n")
    return path, expected


@pytest.mark.django_db
def test_the_good_rows_are_stored_and_the_broken_ones_named(
    project: Project, mixed_file: tuple[Path, dict[int, str | None]]
) -> None:
    path, expected = mixed_file
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl")
    batch = run_import(batch_id=batch.pk)

    rejected = {row.line: row for row in batch.findings.filter(kind=ImportFinding.Kind.REJECTED)}
    assert sorted(rejected) == sorted(expected)
    assert {line: rejected[line].field for line, field in expected.items() if field is not None} == {
        line: field for line, field in expected.items() if field is not None
    }
    assert all(row.reason for row in rejected.values())
    assert (batch.rows, batch.rejected, batch.solutions) == (ROWS, BROKEN, ROWS - BROKEN)
    assert Solution.objects.count() == ROWS - BROKEN
    assert batch.labels == 2 * (ROWS - BROKEN)


@pytest.mark.django_db
def test_the_corrected_file_adds_only_the_missing_rows(
    project: Project, mixed_file: tuple[Path, dict[int, str | None]], tmp_path: Path
) -> None:
    path, _expected = mixed_file
    corrected = tmp_path / "corrected.jsonl"
    corrected.write_text("".join(json.dumps(good(number)) + "\n" for number in range(ROWS)))
    for version in (path, corrected):
        with version.open("rb") as file:
            batch = create_import(project=project, file=File(file), filename=version.name, format="jsonl")
        batch = run_import(batch_id=batch.pk)
    assert (batch.solutions, batch.skipped_existing, batch.rejected) == (BROKEN, ROWS - BROKEN, 0)
    assert Solution.objects.count() == ROWS


@pytest.mark.django_db
def test_one_row_that_the_database_refuses_does_not_stop_the_file(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name too long for an index, which no reader checks: the others are stored, and this one is named."""
    monkeypatch.setattr("apps.corpus.imports.run.checked", lambda record: record)
    dice = random.Random(2)
    rows = [good(number) for number in range(5)]
    rows[2]["problem"]["external_id"] = "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(6000))
    path = tmp_path / "refused.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl")
    batch = run_import(batch_id=batch.pk)
    assert (batch.status, batch.solutions, batch.rejected) == ("finished", 4, 1)
    (finding,) = batch.findings.filter(kind=ImportFinding.Kind.REJECTED)
    assert finding.line == 3
    assert finding.reason.startswith("the database refused it: index row")
