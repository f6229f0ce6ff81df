"""An unexpected error ends its job, is logged and not shown; after a temporary error the job is resumed."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.core.jobs.transient_errors import TRANSIENT_ERRORS
from apps.corpus.imports import run as import_run
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch
from apps.corpus.services import create_import
from apps.exports.files.storage import export_folder
from apps.exports.formats.annotate import Annotate
from apps.exports.models import Export
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project, Role
from apps.projects.services import add_member, create_project
from apps.quality.consensus import recompute
from apps.quality.consensus.recompute import recompute_project, recompute_projects
from apps.quality.models import Consensus, StaleSolution
from tests.cast import make_problem, make_round, make_solution, make_user
from tests.quality.submissions import submit_next

SECRET = "a secret of ours"


def failing(original: Callable[..., Any], error: Exception, *, after: int = 0) -> Callable[..., Any]:
    """The function, until it was called `after` times."""
    calls = count()

    def function(*args: Any, **kwargs: Any) -> Any:
        if next(calls) >= after:
            raise error
        return original(*args, **kwargs)

    return function


# --- imports ----------------------------------------------------------------------------------------------


def uploaded(project: Project, settings: Any) -> ImportBatch:
    """Two chunks of one row each."""
    settings.IMPORT_CHUNK = 1
    rows = [
        {"problem": {"statement": f"What is {n}?"}, "solution": {"steps": [{"position": 0, "text": str(n)}]}}
        for n in (1, 2)
    ]
    file = ContentFile("".join(json.dumps(row) + "\n" for row in rows).encode(), name="two.jsonl")
    return create_import(project=project, file=file, filename="two.jsonl", format="jsonl")


@pytest.mark.django_db
def test_an_import_ends_and_keeps_what_was_stored(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    batch = uploaded(project, settings)
    monkeypatch.setattr(import_run, "store_records", failing(import_run.store_records, ValueError(SECRET), after=1))
    run_import(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.status, batch.solutions) == (JobStatus.FAILED, 1)
    assert project.solutions.count() == 1
    assert batch.error == "An unexpected error ended the import (ValueError): see the log of the workers."
    assert SECRET in caplog.text


@pytest.mark.django_db
def test_an_import_is_resumed_after_a_temporary_error(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = uploaded(project, settings)
    with monkeypatch.context() as away:
        away.setattr(import_run, "store_records", failing(import_run.store_records, OperationalError("away"), after=1))
        with pytest.raises(OperationalError):
            run_import(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.status, batch.solutions) == (JobStatus.RUNNING, 1)
    assert run_import(batch_id=batch.pk).status == JobStatus.FINISHED
    assert project.solutions.count() == 2


@pytest.mark.django_db
def test_an_error_of_the_operating_system_ends_an_import_with_its_message(
    project: Project, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = uploaded(project, settings)
    refused = OSError(28, "No space left on device", "/a/path/of/ours")
    monkeypatch.setattr(import_run, "store_records", failing(import_run.store_records, refused, after=1))
    failed = run_import(batch_id=batch.pk)
    assert (failed.status, failed.solutions) == (JobStatus.FAILED, 1)
    assert failed.error == "The operating system ended the import: No space left on device. Start it again."


@pytest.mark.django_db
def test_an_import_without_its_file_fails_with_the_reason(project: Project, settings: Any) -> None:
    batch = uploaded(project, settings)
    Path(batch.file.path).unlink()
    failed = run_import(batch_id=batch.pk)
    assert (failed.status, failed.error) == (
        JobStatus.FAILED,
        "The file cannot be opened: No such file or directory.",
    )


# --- exports ----------------------------------------------------------------------------------------------


def asked_for(project: Project, owner: User) -> Export:
    make_solution(make_problem(project), ["One."])
    return create_export(project=project, format="annotate", requested_by=owner)


@pytest.mark.django_db
def test_an_export_ends_and_leaves_no_half_file(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    export = asked_for(project, alice)
    monkeypatch.setattr(Annotate, "frame", failing(Annotate.frame, ValueError(SECRET)))
    run_export(export_id=export.pk)
    export.refresh_from_db()
    assert export.status == JobStatus.FAILED
    assert export.error == "An unexpected error ended the export (ValueError): see the log of the workers."
    assert SECRET in caplog.text
    assert not export_folder(export).exists()


@pytest.mark.django_db
def test_an_export_is_made_after_trouble_that_passes(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked_for(project, alice)
    with monkeypatch.context() as away:
        away.setattr(Annotate, "frame", failing(Annotate.frame, OperationalError("away")))
        with pytest.raises(OperationalError):
            run_export(export_id=export.pk)
    left = export_folder(export) / "left-by-the-first-attempt"
    left.write_text("half a file")
    made = run_export(export_id=export.pk)
    assert (made.status, made.rows) == (JobStatus.FINISHED, 1)
    assert not left.exists()


@pytest.mark.django_db
def test_what_the_operating_system_refuses_ends_an_export_in_its_words(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = asked_for(project, alice)
    refused = OSError(28, "No space left on device", "/a/path/of/ours")
    monkeypatch.setattr(Annotate, "frame", failing(Annotate.frame, refused))
    failed = run_export(export_id=export.pk)
    assert failed.status == JobStatus.FAILED
    assert failed.error == "The operating system ended the export: No space left on device. Start it again."
    assert not export_folder(export).exists()


# --- consensus --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("error", [ValueError(SECRET), OperationalError(SECRET), OSError(SECRET)], ids=repr)
def test_a_project_whose_consensus_fails_does_not_block_others(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    """A temporary error is raised at the end, so that the task fails visibly."""
    broken, well = (create_project(slug=name.lower(), name=name, owner=alice) for name in ("Broken", "Well"))
    for project in (broken, well):
        labeler = make_user(f"{project.slug}.labeler")
        add_member(project=project, user=labeler, role=Role.LABELER)
        submit_next(make_round(project), labeler, 1, 1, 1)

    def settle(project: Project) -> int:
        if project == broken:
            raise error
        return recompute_project(project)

    with monkeypatch.context() as fault:
        fault.setattr(recompute, "recompute_project", settle)
        if isinstance(error, TRANSIENT_ERRORS):
            with pytest.raises(type(error)):
                recompute_projects()
        else:
            assert recompute_projects() == 1
    assert [one.solution.project for one in Consensus.objects.all()] == [well]
    assert SECRET in caplog.text
    assert set(StaleSolution.objects.values_list("project", flat=True)) == {broken.pk}
    assert recompute_projects() == 1
