"""A finished export is pushed to a dataset of a Hub by the real client; the Hub is a stand-in."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.accounts.services import issue_token
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.exports.audits.services import start_audit
from apps.exports.files.storage import export_files, export_folder
from apps.exports.hub.client import repository_problem
from apps.exports.hub.services import push_export, run_push
from apps.exports.models import Export, HubPush
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project
from tests.cast import signed_in
from tests.exports.rich_project import fill
from tests.hub_server import READS, WRITES, Hub, serving_hub
from tests.processes import StartWorker, eventually

pytest.importorskip("huggingface_hub")
pytestmark = pytest.mark.django_db

REPOSITORY = "lab/steps"


@pytest.fixture
def hub(settings: Any) -> Iterator[Hub]:
    with serving_hub() as hub:
        settings.HUB_URL = hub.url
        yield hub


@pytest.fixture
def export(project: Project) -> Export:
    fill(project)
    return run_export(export_id=create_export(project=project, format="trl-prm", container="parquet").pk)


def pushed(export: Export, **asked: Any) -> HubPush:
    asked = {"repository": REPOSITORY, "token": WRITES, "enqueue": False, **asked}
    return run_push(push_id=push_export(export=export, **asked).pk)


def contents(export: Export) -> dict[str, bytes]:
    return {file.name: file.path.read_bytes() for file in export_files(export)}


def test_the_files_land_as_they_are_in_a_private_repository(export: Export, hub: Hub, alice: User) -> None:
    push = pushed(export, requested_by=alice)
    assert (push.status, push.error) == (JobStatus.FINISHED, "")
    repository = hub.repositories[REPOSITORY]
    assert repository.private
    assert repository.files == contents(export)
    assert repository.messages == [f"Export {export.pk} of algebra (trl-prm)"]
    assert push.url == f"{hub.url}/datasets/{REPOSITORY}/commit/{push.commit}"
    assert push.done == push.total == sum(map(len, contents(export).values()))
    event = AuditEvent.objects.get(verb="export.pushed")
    assert (event.actor, event.target) == (alice, f"{export.pk} to {REPOSITORY}, private")


def test_large_files_are_uploaded_before_the_commit(export: Export, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    hub.lfs = (".parquet",)
    assert pushed(export).status == JobStatus.FINISHED
    assert hub.repositories[REPOSITORY].files == contents(export)
    assert len(hub.objects) == len(export.parts)


def test_a_public_repository_is_asked_for_by_name(export: Export, hub: Hub) -> None:
    assert pushed(export, is_private=False).status == JobStatus.FINISHED
    assert not hub.repositories[REPOSITORY].private
    # A private push into what is public would publish the data.
    again = pushed(export)
    assert again.status == JobStatus.FAILED
    assert "is public" in again.error
    assert len(hub.repositories[REPOSITORY].messages) == 1


def test_a_second_push_adds_a_commit_to_the_repository(export: Export, hub: Hub) -> None:
    assert [pushed(export).status for _ in range(2)] == [JobStatus.FINISHED] * 2
    assert len(hub.repositories[REPOSITORY].messages) == 2


@pytest.mark.parametrize(
    ("token", "words"),
    [("hf_unknown", "The Hub does not know the token."), (READS, f"The token may not write to {REPOSITORY}.")],
)
def test_a_refusal_says_whose_fault_it_is(export: Export, hub: Hub, token: str, words: str) -> None:
    push = pushed(export, token=token)
    assert push.status == JobStatus.FAILED
    assert words in push.error
    assert not hub.repositories


def test_a_hub_that_fails_or_is_away_ends_the_push(export: Export, hub: Hub, settings: Any) -> None:
    hub.is_down = True
    assert "The Hub failed (503): Down for maintenance" in pushed(export).error
    settings.HUB_URL = "http://127.0.0.1:9"
    assert "The Hub cannot be reached" in pushed(export).error


@pytest.mark.parametrize("token", [WRITES, READS, "hf_unknown"])
def test_the_token_is_forgotten_with_the_end_and_is_never_written(
    export: Export, hub: Hub, alice: User, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.INFO)
    push = push_export(export=export, repository=REPOSITORY, token=token, requested_by=alice, enqueue=False)
    assert push.encrypted_token
    assert token not in push.encrypted_token
    push = run_push(push_id=push.pk)
    push.refresh_from_db()
    assert push.encrypted_token == ""
    assert token not in push.error
    assert token not in caplog.text
    assert all(token not in str(vars(event)) for event in AuditEvent.objects.all())


def test_the_database_keeps_no_token_of_an_ended_push(export: Export, hub: Hub) -> None:
    push = pushed(export)
    with pytest.raises(IntegrityError), transaction.atomic():
        HubPush.objects.filter(pk=push.pk).update(encrypted_token="gAAAA")


@pytest.mark.parametrize(
    "name",
    [
        "steps",
        "lab/",
        "/steps",
        "lab/a/b",
        "lab/../x",
        "lab/a--b",
        "lab/.a",
        "lab/a.",
        "lab/a.git",
        "lab/ä",
        "l" * 91 + "/steps",
    ],
)
def test_a_name_that_the_hub_would_refuse_is_refused_at_once(export: Export, hub: Hub, name: str) -> None:
    with pytest.raises(DomainError) as refused:
        push_export(export=export, repository=name, token=WRITES)
    assert "OWNER/NAME" in refused.value.fields["repository"]
    assert hub.requests == []


def test_usual_names_are_taken() -> None:
    names = ("lab/steps", "Qwen/Qwen2.5-Math", "a/b", "my-lab/prm_800k.v2")
    assert [repository_problem(name) for name in names] == [None] * 4


@pytest.mark.parametrize("token", ["", "  ", "two words", "hf\n_x", "hf_ä", "x" * 501])
def test_a_token_is_one_word(export: Export, hub: Hub, token: str) -> None:
    with pytest.raises(DomainError) as refused:
        push_export(export=export, repository=REPOSITORY, token=token)
    assert "token" in refused.value.fields
    assert not HubPush.objects.exists()


def test_what_an_audit_holds_back_is_not_pushed(export: Export, hub: Hub, alice: User) -> None:
    queued = push_export(export=export, repository=REPOSITORY, token=WRITES, enqueue=False)
    start_audit(export=export, actor=alice, share=1, gate=0.9)
    with pytest.raises(Conflict):
        push_export(export=export, repository="lab/other", token=WRITES)
    assert run_push(push_id=queued.pk).status == JobStatus.FAILED
    assert not hub.repositories


def test_only_a_finished_export_with_its_files_is_pushed(export: Export, hub: Hub, project: Project) -> None:
    queued = create_export(project=project, format="orm", enqueue=False)
    with pytest.raises(Conflict, match="only a finished one"):
        push_export(export=queued, repository=REPOSITORY, token=WRITES)
    (export_folder(export) / export.parts[0]["name"]).unlink()
    with pytest.raises(Conflict, match="are missing"):
        push_export(export=export, repository=REPOSITORY, token=WRITES)


def test_an_export_is_on_its_way_to_a_repository_once(export: Export, hub: Hub) -> None:
    push_export(export=export, repository=REPOSITORY, token=WRITES, enqueue=False)
    with pytest.raises(Conflict, match="already on its way"):
        push_export(export=export, repository=REPOSITORY, token=WRITES)
    push_export(export=export, repository="lab/other", token=WRITES, enqueue=False)


def test_the_operator_may_disable_pushing(export: Export, settings: Any, alice: User) -> None:
    settings.HUB_URL = ""
    with pytest.raises(DomainError, match="HUB_URL"):
        push_export(export=export, repository=REPOSITORY, token=WRITES)
    page = signed_in(alice).get(reverse("export", args=[export.project.slug, export.pk])).content.decode()
    assert "The operator has disabled pushing to a Hub" in page
    assert 'name="token"' not in page


def test_the_page_asks_and_says_what_became_of_it(export: Export, hub: Hub, alice: User) -> None:
    client, slug = signed_in(alice), export.project.slug
    page, address = reverse("export", args=[slug, export.pk]), reverse("export-push", args=[slug, export.pk])
    assert "Push to a Hub" in client.get(page).content.decode()
    refused = client.post(address, {"repository": "steps", "token": WRITES})
    assert refused.status_code == 422
    assert "OWNER/NAME" in refused.content.decode()
    assert WRITES not in refused.content.decode(), "a token is not sent back"
    assert client.post(address, {"repository": REPOSITORY, "token": WRITES}).status_code == 302
    fragment = client.get(reverse("export-pushes", args=[slug, export.pk])).content.decode()
    assert 'hx-trigger="every 2s"' in fragment
    run_push(push_id=HubPush.objects.get().pk)
    fragment = client.get(reverse("export-pushes", args=[slug, export.pk])).content.decode()
    assert f"{hub.url}/datasets/{REPOSITORY}/commit/" in fragment
    assert "hx-trigger" not in fragment


def test_the_api_asks_and_says_what_became_of_it(export: Export, hub: Hub, alice: User, client: Any) -> None:
    _, secret = issue_token(user=alice)
    headers = {"Authorization": f"Bearer {secret}"}
    address = f"/api/v1/exports/{export.pk}/pushes"
    asked = {"repository": REPOSITORY, "token": "hf_unknown"}
    answer = client.post(address, asked, content_type="application/json", headers=headers)
    assert answer.status_code == 202
    assert "token" not in json.dumps(answer.json())
    assert answer.json()["is_private"] is True
    run_push(push_id=answer.json()["id"])
    (push,) = client.get(address, headers=headers).json()["results"]
    assert (push["status"], push["error"]) == ("failed", "The Hub does not know the token.")


def test_the_command_takes_the_token_from_the_environment(
    export: Export, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", WRITES)
    out = StringIO()
    call_command("push_export", str(export.pk), "--repository", REPOSITORY, "--json", stdout=out)
    assert json.loads(out.getvalue())["repository"] == REPOSITORY
    assert hub.repositories[REPOSITORY].private
    call_command("push_export", str(export.pk), "--repository", "lab/open", "--public", stdout=out)
    assert not hub.repositories["lab/open"].private
    monkeypatch.setenv("HF_TOKEN", READS)
    with pytest.raises(CommandError, match="may not write"):
        call_command("push_export", str(export.pk), "--repository", "lab/third")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(CommandError, match="HF_TOKEN"):
        call_command("push_export", str(export.pk), "--repository", REPOSITORY)


@pytest.mark.django_db(transaction=True)
def test_a_worker_pushes_and_datasets_loads_what_landed(
    project: Project, hub: Hub, start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(project)
    export = run_export(export_id=create_export(project=project, format="trl-prm").pk)
    monkeypatch.setenv("HUB_URL", hub.url)
    push = push_export(export=export, repository=REPOSITORY, token=WRITES)
    with start_worker():
        eventually(lambda: HubPush.objects.get(pk=push.pk).has_ended)
    push.refresh_from_db()
    assert (push.status, push.error, push.encrypted_token) == (JobStatus.FINISHED, "", "")
    for name, content in hub.repositories[REPOSITORY].files.items():
        (tmp_path / name).write_bytes(content)
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    loaded = datasets.load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"), split="train")
    assert len(loaded) == export.rows
