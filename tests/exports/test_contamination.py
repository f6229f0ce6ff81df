"""Problems that share 13 words with a test problem stay out of every file, and each list of test problems is named."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.exports.contamination import add_contamination_list, statements_in
from apps.exports.files.storage import part_path
from apps.exports.labels.contamination import ContaminationIndex, fingerprints, packed
from apps.exports.models import ContaminationList, Export
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.cast import bearer, make_comparison, make_problem, make_solution

LONG = "A farmer has 12 hens and each of them lays 5 eggs a week for a whole year"
SHORT = "What is 7 * 8?"


def index_of(*statements: str) -> ContaminationIndex:
    return ContaminationIndex([packed(fingerprints(statement)) for statement in statements])


# --- the overlap ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "is_found"),
    [
        (LONG, True),
        (LONG.upper().replace(" ", "\n"), True),
        (f"Once upon a time: {LONG}. How many eggs?", True),
        (" ".join(LONG.split()[:13]), True),
        (" ".join(LONG.split()[:12]), False),
        (LONG.replace("each", "one"), False),
        (SHORT, True),
        ("what is 7*8", True),
        (f"{SHORT} Think.", False),
        ("What is 7 + 8?", False),
        ("What is 7 * 9?", False),
    ],
)
def test_thirteen_words_in_a_row_or_all_of_a_shorter_problem(statement: str, is_found: bool) -> None:
    assert index_of(LONG, SHORT, "Another problem").contains(statement) is is_found


def test_an_index_of_nothing_contains_nothing() -> None:
    assert not ContaminationIndex([]).contains(LONG)


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_a_problem_within_a_longer_text_is_found_where_it_has_thirteen_words(
    text: str, before: str, after: str
) -> None:
    assert index_of(text).contains(text)
    assert index_of(text).contains(f"  {text.strip()}\n")
    words = " ".join(["alpha", "beta", *text.split(), *["c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m"]])
    assert index_of(words).contains(f"{before} {words} {after}")


# --- lists ------------------------------------------------------------------------------------------------

ROWS = [{"question": LONG, "answer": "3,120"}, {"question": SHORT, "answer": "56"}]


def file_of(folder: Path, content: bytes, name: str = "test.jsonl") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue().to_pybytes())


@pytest.mark.parametrize(
    "content",
    [
        lines(ROWS),
        gzip.compress(lines(ROWS)),
        json.dumps(ROWS).encode(),
        parquet(ROWS),
        f"{LONG}\n\n{SHORT}\n".encode(),
        f"\ufeff{LONG}\r\n{SHORT}".encode(),
        lines([{"problem": {"statement": row["question"]}} for row in ROWS]),
        lines([{"prompt": row["question"], "question": None} for row in ROWS]),
    ],
)
def test_a_list_is_read_from_whatever_test_problems_come_in(tmp_path: Path, content: bytes) -> None:
    assert [statement.strip() for statement in statements_in(file_of(tmp_path, content))] == [LONG, SHORT]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no problems"),
        (b"\n\n", "holds no problems"),
        (b"[]", "the file holds no rows"),
        (b'{"question": "What?"}\n{"answer": "2"}\n', "line 2: has none of the columns problem, question"),
        (b'{"question": "What?"}\n{"question": 7}\n', "line 2: question must be a text that is not blank"),
        (b'{"question": "What?"}\n{"question": " "}\n', "line 2: question must be a text that is not blank"),
        (b'{"question": "What?"}\n{"question"\n', "line 2: "),
        (b"What is \xff?\n", "is not text in UTF-8"),
        (gzip.compress(lines(ROWS))[:-20], "damaged"),
    ],
)
def test_a_file_that_is_no_list_of_problems_is_refused_with_its_line(
    project: Project, tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(DomainError, match=reason) as refused:
        add_contamination_list(project=project, path=file_of(tmp_path, content), name="x")
    assert "file" in refused.value.fields
    assert not ContaminationList.objects.exists()


def test_a_list_keeps_hashes_and_never_changes(project: Project, alice: User, tmp_path: Path) -> None:
    path = file_of(tmp_path, lines(ROWS))
    added = add_contamination_list(project=project, path=path, name="gsm8k", added_by=alice)
    assert (added.problems, added.sha256) == (2, hashlib.sha256(lines(ROWS)).hexdigest())
    assert b"hens" not in bytes(added.hashes)
    assert add_contamination_list(project=project, path=path, name="gsm8k") == added
    assert AuditEvent.objects.filter(verb="contamination_list.added", target="gsm8k", actor=alice).count() == 1
    other = file_of(tmp_path, lines(ROWS[:1]), "other.jsonl")
    with pytest.raises(Conflict, match="choose another name") as refused:
        add_contamination_list(project=project, path=other, name="gsm8k")
    assert refused.value.fields == {"name": "is taken by a list of another file"}
    added.refresh_from_db()
    assert added.problems == 2


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "a\x00b"])
def test_a_list_needs_a_name(project: Project, tmp_path: Path, name: str) -> None:
    with pytest.raises(DomainError, match="1 to 100 characters"):
        add_contamination_list(project=project, path=file_of(tmp_path, lines(ROWS)), name=name)


# --- exports ----------------------------------------------------------------------------------------------


@pytest.fixture
def corpus(project: Project, tmp_path: Path) -> Project:
    """Two clean problems and two that the list has, one of them with a comparison."""
    statements = [
        f"{LONG}. How many eggs is that?",
        SHORT,
        "What is 7 * 9?",
        "A clean problem with very different words",
    ]
    for statement in statements:
        problem = make_problem(project, statement)
        for is_correct in (True, False):
            make_solution(problem, ["It is so.", str(is_correct)], is_correct=is_correct)
    make_comparison(project.problems.get(statement=SHORT), ["a"], ["b"])
    add_contamination_list(project=project, path=file_of(tmp_path, lines(ROWS)), name="gsm8k-test")
    return project


@pytest.mark.parametrize(("format_", "rows"), [("orm", 4), ("annotate", 4), ("dpo", 2)])
def test_problems_of_a_test_set_stay_out_and_are_counted(corpus: Project, format_: str, rows: int) -> None:
    policy = {"contamination": ["gsm8k-test"], "pairs": ["answers"]}
    export = run_export(export_id=create_export(project=corpus, format=format_, policy=policy).pk)
    assert export.manifest is not None
    assert export.rows == rows
    reason = "of problems that share 13 words in a row with a test problem"
    assert export.manifest["counts"]["left_out"][f"solutions: {reason}"] == 6
    assert export.manifest["counts"]["left_out"].get(f"comparisons: {reason}", 0) == (format_ == "annotate")
    assert export.manifest["contamination"] == [
        {"name": "gsm8k-test", "sha256": hashlib.sha256(lines(ROWS)).hexdigest(), "problems": 2}
    ]
    content = part_path(export).read_text()
    assert "hens" not in content
    assert "7 * 8" not in content


def test_without_a_list_nothing_is_checked(corpus: Project) -> None:
    export = run_export(export_id=create_export(project=corpus, format="orm").pk)
    assert export.manifest is not None
    assert export.manifest["contamination"] == []
    assert export.rows == 8


def test_a_list_that_the_project_does_not_have_is_refused(corpus: Project) -> None:
    with pytest.raises(DomainError, match="unknown list 'math'; must be among gsm8k-test"):
        create_export(project=corpus, format="orm", policy={"contamination": ["math"]})
    ContaminationList.objects.all().delete()
    with pytest.raises(DomainError, match="the project has no lists of test problems"):
        create_export(project=corpus, format="orm", policy={"contamination": ["math"]})


def test_the_command_takes_a_file_of_test_problems(corpus: Project, tmp_path: Path) -> None:
    fresh = file_of(tmp_path, b"A clean problem with very different words\n", "fresh.txt")
    policy = file_of(tmp_path, json.dumps({"contamination": ["gsm8k-test"]}).encode(), "policy.json")
    call_command(
        "export", project=corpus.slug, format="orm", policy=policy, contamination=[fresh], output=tmp_path / "out.jsonl"
    )
    export = Export.objects.get()
    assert export.policy["contamination"] == ["gsm8k-test", "fresh.txt"]
    assert export.rows == 2
    with pytest.raises(CommandError, match="contamination: unreadable"):
        call_command(
            "export", project=corpus.slug, format="orm", contamination=[tmp_path / "no"], output=tmp_path / "b.jsonl"
        )


# --- the API ----------------------------------------------------------------------------------------------


def test_a_manager_adds_a_list_by_the_api(project: Project, alice: User, bob: User, charlie: User) -> None:
    address = f"/api/v1/projects/{project.slug}/contamination-lists"

    def send(user: User, content: bytes = lines(ROWS), **fields: str) -> Any:
        return bearer(user).post(address, {"file": SimpleUploadedFile("gsm8k.jsonl", content), **fields})

    assert [send(user).status_code for user in (bob, charlie)] == [403, 404]
    answer = send(alice)
    assert answer.status_code == 201
    assert answer.json()["name"] == "gsm8k.jsonl"
    assert answer.json()["problems"] == 2
    assert send(alice, name="again").json()["name"] == "again"
    assert [row["name"] for row in bearer(alice).get(address).json()] == ["again", "gsm8k.jsonl"]
    assert bearer(bob).get(address).status_code == 403
    taken = send(alice, lines(ROWS[:1]))
    assert taken.status_code == 409
    assert taken.json()["error"]["fields"] == {"name": "is taken by a list of another file"}
    refused = send(alice, b'{"answer": 2}\n', name="bad")
    assert refused.status_code == 400
    assert "line 1" in refused.json()["error"]["fields"]["file"]
    assert bearer(alice).post(address, {}).status_code == 400
