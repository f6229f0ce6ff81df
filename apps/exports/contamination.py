"""Lists of test problems: read from files, kept as hashes, and named by policies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.core.json_input import text_problem
from apps.corpus.imports.files import read_rows
from apps.exports.labels.contamination import ContaminationIndex, fingerprints, packed
from apps.exports.models import ContaminationList
from apps.exports.policy import LabelPolicy, PolicyError
from apps.projects.models import Project

# The columns that hold the problem in the usual test sets; the first that a row has.
STATEMENTS = ("problem", "question", "statement", "prompt", "instruction", "query")
MOST_HASHES = 5_000_000
LONGEST_NAME = 100


def add_contamination_list(
    *, project: Project, path: Path, name: str, added_by: User | None = None
) -> ContaminationList:
    """Keep the hashes of a file's problems under a name; a list never changes. The same file and name again adds nothing.

    Raises DomainError, field `file` or `name`.
    """
    if not name.strip() or len(name) > LONGEST_NAME or text_problem(name):
        raise DomainError(
            f"The name of a list must be a text of 1 to {LONGEST_NAME} characters.",
            fields={"name": f"must be a text of 1 to {LONGEST_NAME} characters"},
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    problems, hashes = _read(path)
    with transaction.atomic():
        stored, is_new = ContaminationList.objects.get_or_create(
            project=project,
            name=name,
            defaults={"sha256": sha256, "problems": problems, "hashes": packed(hashes), "added_by": added_by},
        )
        if stored.sha256 != sha256:
            raise Conflict(
                f"The project has another list called {name}, and lists do not change: choose another name.",
                fields={"name": "is taken by a list of another file"},
            )
        if is_new:
            record_event(actor=added_by, verb="contamination_list.added", target=name, project=project.slug)
    return stored


def _read(path: Path) -> tuple[int, set[int]]:
    """The number of problems and their fingerprints. Raises DomainError for a line that is no problem."""
    problems, hashes = 0, set[int]()
    for statement in statements_in(path):
        problems += 1
        hashes |= fingerprints(statement)
        if len(hashes) > MOST_HASHES:
            raise _unreadable(f"has more than {MOST_HASHES:,} different runs of 13 words")
    if not problems:
        raise _unreadable("holds no problems")
    return problems, hashes


def statements_in(path: Path) -> Iterator[str]:
    """The problems of a file: JSON Lines, a JSON array or Parquet, also compressed, or a text with one problem in each line.

    Raises DomainError naming the line.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    if _is_text(head):
        yield from _lines(path)
        return
    for line in read_rows(path):
        if line.error is not None:
            raise _unreadable(f"line {line.number}: {line.error}")
        yield _statement(line.row, line.number)


def _is_text(head: bytes) -> bool:
    """Whether the file is plain text: neither JSON nor a compressed file or Parquet."""
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return first not in {b"{", b"["} and head[:4] not in {b"PAR1", b"\x28\xb5\x2f\xfd"} and head[:2] != b"\x1f\x8b"


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        try:
            for line in file:
                if line.strip():
                    yield line
        except UnicodeDecodeError as error:
            raise _unreadable(f"is not text in UTF-8: {error.reason}") from error


def _statement(row: Mapping[str, Any], number: int) -> str:
    key = next((key for key in STATEMENTS if row.get(key) is not None), None)
    if key is None:
        raise _unreadable(f"line {number}: has none of the columns {', '.join(STATEMENTS)}")
    value = row[key]
    if isinstance(value, dict):  # Our own row: {"problem": {"statement": ...}}.
        value = value.get("statement")
    if not isinstance(value, str) or not value.strip():
        raise _unreadable(f"line {number}: {key} must be a text that is not blank")
    return value


def _unreadable(reason: str) -> DomainError:
    return DomainError(f"The file of test problems {reason}.", fields={"file": reason})


def check_contamination(policy: LabelPolicy, project: Project) -> None:
    """Raises PolicyError for an unknown list, which would silently leave nothing out."""
    if not policy.contamination:
        return
    names = set(ContaminationList.objects.filter(project=project).values_list("name", flat=True))
    if unknown := [name for name in policy.contamination if name not in names]:
        choices = f"must be among {', '.join(sorted(names))}" if names else "the project has no lists of test problems"
        raise PolicyError("contamination", f"unknown list {unknown[0]!r}; {choices}")


def contamination_index(policy: LabelPolicy, project: Project) -> ContaminationIndex | None:
    """The test problems that the policy names; None for none."""
    if not policy.contamination:
        return None
    lists = ContaminationList.objects.filter(project=project, name__in=policy.contamination)
    return ContaminationIndex(bytes(hashes) for hashes in lists.values_list("hashes", flat=True))


def checked_against(policy: LabelPolicy, project: Project) -> Sequence[Mapping[str, Any]]:
    """The policy's lists for the manifest: name, SHA-256 of the file, number of test problems."""
    lists = ContaminationList.objects.filter(project=project, name__in=policy.contamination).order_by("name")
    return list(lists.values("name", "sha256", "problems"))
