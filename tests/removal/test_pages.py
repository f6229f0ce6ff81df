"""The pages and requests that delete and archive."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.labeling.models import Round
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.removal.kinds import KINDS
from apps.removal.models import Deletion
from apps.removal.run import run_deletion
from apps.removal.services import archive
from tests.cast import bearer, html_without_tokens, make_problem, make_round, make_solution, signed_in
from tests.world import World, rate

API = "/api/v1"


def url(name: str, project: Project, kind: str, pk: int) -> str:
    return reverse(name, args=[project.slug, kind, pk])


def test_the_page_says_what_goes_and_the_button_deletes(project: Project, mia: User) -> None:
    solution = make_solution(make_problem(project))
    page = signed_in(mia).get(url("delete", project, "problem", solution.problem_id))
    assert "solutions" in page.content.decode()
    assert Solution.objects.exists(), "looking deletes nothing"
    answer = signed_in(mia).post(url("delete", project, "problem", solution.problem_id), follow=True)
    assert "Deleted: problem" in answer.content.decode()
    assert not Solution.objects.exists()


def test_the_page_says_what_holds_it_and_has_no_button(project: Project, mia: User, bob: User) -> None:
    round_ = make_round(project)
    rate(round_, bob, 1, 1, 1)
    place = url("delete", project, "round", round_.pk)
    page = html_without_tokens(signed_in(mia).get(place))
    assert "1 submission" in page
    assert "danger" not in page
    refused = signed_in(mia).post(place)
    assert refused.status_code == 409
    assert "cannot be deleted: 1 submission" in refused.content.decode()


def test_a_project_is_deleted_by_its_owner_who_types_its_name(project: Project, alice: User, mia: User) -> None:
    place = url("delete", project, "project", project.pk)
    assert signed_in(mia).get(place).status_code == 403
    client = signed_in(alice)
    assert "Type <b>Algebra</b>" in client.get(place).content.decode()
    wrong = client.post(place, {"confirmation": "algebra"})
    assert (wrong.status_code, "must be Algebra" in wrong.content.decode()) == (422, True)
    answer = client.post(place, {"confirmation": "Algebra"})
    deletion = Deletion.objects.get()
    assert answer["Location"] == reverse("deletion", args=[deletion.pk])
    assert client.get(reverse("project", args=[project.slug])).status_code == 404
    run_deletion(deletion_id=deletion.pk)
    assert "Everything is deleted." in client.get(answer["Location"]).content.decode()
    assert signed_in(mia).get(answer["Location"]).status_code == 404


@pytest.mark.parametrize("kind", ["judge", "export", "endpoint", "estimation-run", "import", "round", "judge-run"])
def test_nothing_of_another_project_is_found(world: World, alice: User, charlie: User, kind: str) -> None:
    rows: dict[str, Any] = {
        "judge": world.judging.judge,
        "export": world.export,
        "endpoint": world.endpoint,
        "estimation-run": world.run,
        "import": world.batch,
        "round": world.round,
        "judge-run": world.judging,
    }
    other = create_project(slug="other", owner=charlie)
    for name in ("delete", "archive", "bring-back"):
        place = url(name, other, kind, rows[kind].pk)
        assert signed_in(charlie).post(place).status_code == 404
        assert signed_in(charlie).post(url(name, world.project, kind, rows[kind].pk)).status_code == 404
    assert (
        type(rows[kind])
        .objects.filter(pk=rows[kind].pk, **({"archived_at": None} if hasattr(rows[kind], "archived_at") else {}))
        .exists()
    )


def test_archived_rounds_leave_the_lists_and_a_filter_shows_them(project: Project, mia: User) -> None:
    round_ = make_round(project, name="Autumn")
    set_round_status(round=round_, status="closed", actor=mia)
    client = signed_in(mia)
    client.post(url("archive", project, "round", round_.pk), follow=True)
    rounds = reverse("rounds", args=[project.slug])
    assert "Autumn" not in client.get(rounds).content.decode()
    assert "Autumn" in client.get(f"{rounds}?archived=1").content.decode()
    client.post(reverse("round-open", args=[project.slug, round_.number]))
    round_.refresh_from_db()
    assert round_.status == "closed", "what is archived does not open"
    client.post(url("bring-back", project, "round", round_.pk), follow=True)
    assert "Autumn" in client.get(rounds).content.decode()


def test_lists_of_imports_exports_judges_and_endpoints_leave_out_what_is_archived(world: World, alice: User) -> None:
    EstimationRun.objects.update(status="cancelled")
    JudgeRun.objects.update(status="cancelled")
    world.batch.end(JobStatus.FINISHED)
    client, slug = signed_in(alice), world.project.slug
    for name, kind, row, shown in (
        ("imports", "import", world.batch, "two.jsonl"),
        ("exports", "export", world.export, reverse("export", args=[slug, world.export.pk])),
        ("judging", "judge", world.judging.judge, f'id="judge-{world.judging.judge_id}"'),
    ):
        archive(kind=KINDS[kind], row=row, project=world.project, actor=alice)
        place = reverse(name, args=[slug])
        assert shown not in client.get(place).content.decode(), name
        assert shown in client.get(f"{place}?archived=1").content.decode(), name


def test_an_archived_project_is_read_only_for_labeling(project: Project, alice: User, bob: User) -> None:
    round_ = make_round(project, tasks=2)
    rate(round_, bob, 1, 1, 1)
    client = signed_in(alice)
    client.post(url("archive", project, "project", project.pk))
    claim = bearer(bob).post(f"{API}/projects/{project.slug}/rounds/1/claim", {}, content_type="application/json")
    assert (claim.status_code, claim.json()["error"]["code"]) == (403, "archived")
    assert signed_in(bob).get(reverse("label", args=[project.slug, 1])).status_code == 403
    assert signed_in(bob).get(reverse("round", args=[project.slug, 1])).status_code == 200
    home = client.get(reverse("home")).content.decode()
    assert reverse("project", args=[project.slug]) not in home
    assert reverse("project", args=[project.slug]) in client.get(reverse("home") + "?archived=1").content.decode()
    client.post(url("bring-back", project, "project", project.pk))
    again = bearer(bob).post(f"{API}/projects/{project.slug}/rounds/1/claim", {}, content_type="application/json")
    assert again.status_code == 200


def test_no_round_opens_in_an_archived_project(project: Project, alice: User) -> None:
    round_ = make_round(project)
    set_round_status(round=round_, status="paused", actor=alice)
    archive(kind=KINDS["project"], row=project, project=project, actor=alice)
    client = bearer(alice)
    assert client.post(f"{API}/projects/{project.slug}/rounds/1/open").json()["error"]["code"] == "archived"
    new = client.post(
        f"{API}/projects/{project.slug}/rounds", {"protocol": "first_error"}, content_type="application/json"
    )
    assert (new.status_code, new.json()["error"]["code"]) == (409, "archived")


# --- API --------------------------------------------------------------------------------------------------


def test_the_api_deletes_by_the_same_rules(world: World, alice: User) -> None:
    client, project = bearer(alice), world.project
    held = client.delete(f"{API}/projects/{project.slug}/rounds/{world.round.number}")
    assert (held.status_code, held.json()["error"]["code"]) == (409, "held")
    assert "1 submission" in held.json()["error"]["message"]
    assert client.delete(f"{API}/estimation-runs/{world.run.pk}").status_code == 409
    assert client.delete(f"{API}/solutions/{world.solution.pk}").status_code == 409
    assert client.delete(f"{API}/exports/{world.export.pk}").status_code == 204
    seen = client.get(f"{API}/projects/{project.slug}/deletion-preview/round/{world.round.pk}").json()
    assert "1 submission" in seen["holds"]
    assert {"count": 1, "noun": "tasks"} in seen["parts"]
    unconfirmed = client.delete(
        f"{API}/projects/{project.slug}", {"confirmation": "no"}, content_type="application/json"
    )
    assert (unconfirmed.status_code, list(unconfirmed.json()["error"]["fields"])) == (400, ["confirmation"])
    going = client.delete(
        f"{API}/projects/{project.slug}", {"confirmation": project.name}, content_type="application/json"
    )
    assert (going.status_code, going.json()["status"]) == (202, "queued")
    run_deletion(deletion_id=going.json()["id"])
    assert client.get(f"{API}/deletions/{going.json()['id']}").json()["status"] == "finished"


def test_the_api_archives_and_brings_back(project: Project, mia: User, bob: User) -> None:
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    place = f"{API}/projects/{project.slug}/archived/round/{round_.pk}"
    assert bearer(mia).put(place).json()["error"]["code"] == "held"
    assert bearer(bob).put(place).status_code == 403
    Round.objects.update(status="closed")
    assert bearer(mia).put(place).status_code == 204
    assert Round.objects.get().archived_at is not None
    assert bearer(mia).delete(place).status_code == 204
    assert Round.objects.get().archived_at is None
    assert bearer(mia).put(f"{API}/projects/{project.slug}/archived/planet/1").status_code == 404


def test_a_deletion_of_a_project_that_failed_is_continued(
    project: Project, alice: User, mia: User, monkeypatch: Any, django_capture_on_commit_callbacks: Any
) -> None:
    """Nobody is a member any more, so that it cannot be asked for again."""
    make_solution(make_problem(project))
    client = signed_in(alice)
    client.post(url("delete", project, "project", project.pk), {"confirmation": project.name})
    deletion = Deletion.objects.get()
    place = reverse("deletion-continue", args=[deletion.pk])
    assert "only one that has failed" in client.post(place, follow=True).content.decode()
    with monkeypatch.context() as patched:
        patched.setattr("apps.removal.kinds.projects._remove_batch", lambda *_: 1 / 0)
        assert run_deletion(deletion_id=deletion.pk).status == JobStatus.FAILED
    page = client.get(reverse("deletion", args=[deletion.pk])).content.decode()
    assert f'action="{place}"' in page
    assert signed_in(mia).post(place).status_code == 404
    with django_capture_on_commit_callbacks() as sent:
        assert client.post(place).status_code == 302
    assert len(sent) == 1
    deletion.refresh_from_db()
    assert (deletion.status, deletion.error) == (JobStatus.QUEUED, "")
    assert run_deletion(deletion_id=deletion.pk).status == JobStatus.FINISHED
    assert not Project.objects.filter(pk=project.pk).exists()


def test_the_operator_continues_a_failed_deletion(project: Project, alice: User) -> None:
    operator = User.objects.create_superuser(email="olga@lab.example", password="x")
    failed = Deletion.objects.create(
        kind="project", target=project.pk, title="Algebra", slug="algebra", status="failed"
    )
    sent = {"action": "go_on", "_selected_action": [failed.pk]}
    page = signed_in(operator).post("/admin/removal/deletion/", sent, follow=True)
    assert "1 continued." in page.content.decode()
    failed.refresh_from_db()
    assert failed.status == JobStatus.QUEUED


def test_a_failed_deletion_of_an_import_is_asked_for_again(project: Project, alice: User) -> None:
    failed = Deletion.objects.create(
        kind="import", target=1, title="a.jsonl", slug="algebra", status="failed", requested_by=alice
    )
    client = signed_in(alice)
    page = client.get(reverse("deletion", args=[failed.pk])).content.decode()
    assert "Delete the rest again" in page
    assert "A worker does this in the background" not in page
    assert client.post(reverse("deletion-continue", args=[failed.pk])).status_code == 404
