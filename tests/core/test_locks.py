"""One worker to a job, by PostgreSQL's advisory locks."""

from __future__ import annotations

import threading

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction

from apps.core.db.locks import advisory_xact_lock, locked_keys, try_advisory_lock
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.run import run_import
from apps.corpus.services import create_import
from apps.projects.models import Project


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_share_a_job() -> None:
    claims: list[bool] = []

    def other(key: int) -> None:
        with try_advisory_lock("test", key) as claimed:
            claims.append(claimed)
        connection.close()

    def in_another_connection(key: int) -> bool:
        thread = threading.Thread(target=other, args=[key])
        thread.start()
        thread.join()
        return claims[-1]

    with try_advisory_lock("test", 1) as claimed:
        assert claimed
        assert not in_another_connection(1)
        assert in_another_connection(2)
    assert in_another_connection(1)


@pytest.mark.django_db(transaction=True)
def test_the_keys_that_are_locked_are_listed_by_purpose() -> None:
    with try_advisory_lock("test", 1), try_advisory_lock("test", 2), try_advisory_lock("other", 3):
        assert locked_keys("test") == {1, 2}
    assert locked_keys("test") == set()


@pytest.mark.django_db(transaction=True)
def test_an_import_is_not_held_up_by_the_project_that_has_its_number(project: Project) -> None:
    batch = create_import(project=project, file=ContentFile(b"{}"), filename="a.jsonl", format="jsonl")
    locked, ended = threading.Event(), threading.Event()

    def store_into_the_other_project() -> None:
        with transaction.atomic():
            advisory_xact_lock("import", batch.pk)
            locked.set()
            ended.wait(60)
        connection.close()

    batch.project = Project.objects.create(slug="other", name="Other", pk=batch.pk + 1)
    batch.save()
    thread = threading.Thread(target=store_into_the_other_project)
    thread.start()
    locked.wait(60)
    try:
        assert run_import(batch_id=batch.pk).status == JobStatus.FINISHED
    finally:
        ended.set()
        thread.join()
