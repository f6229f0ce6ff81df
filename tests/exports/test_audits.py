"""A part of an export is labeled again, blindly; a gate decides whether the export may leave."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.corpus.models import Solution
from apps.exports.audits.services import refresh_audit, start_audit, withdraw_audit
from apps.exports.models import Export, ReleaseAudit
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from tests.api.test_contract import API
from tests.cast import bearer, make_problem, make_solution, signed_in
from tests.world import rate

SOLUTIONS = 10


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def export(project: Project, bob: User) -> Export:
    """Bob has called the second step of ten solutions bad."""
    for number in range(SOLUTIONS):
        make_solution(make_problem(project), [f"One {number}.", "Two.", "Three."])
    round_ = open_round(project=project, protocol="first_error")
    for _ in range(SOLUTIONS):
        rate(round_, bob, 1, -1)
    export = run_export(export_id=create_export(project=project, format="trl-prm", policy={"sources": ["human"]}).pk)
    assert export.status == "finished", export.error
    return export


def label_again(audit: ReleaseAudit, labeler: User, *, agreeing: int) -> None:
    assert audit.round is not None
    for number in range(len(audit.sample)):
        rate(audit.round, labeler, *((1, -1) if number < agreeing else (-1,)))


def download(export: Export, user: User) -> Any:
    return bearer(user).get(f"{API}/exports/{export.pk}/download")


def test_an_audit_that_agrees_releases_the_export(export: Export, alice: User, rita: User) -> None:
    audit = start_audit(export=export, actor=alice, share=0.8, gate=0.9)
    assert len(audit.sample) == 8
    assert set(audit.sample.values()) == {1}
    held = download(export, alice)
    assert (held.status_code, held.json()["error"]["code"]) == (409, "not_released")
    assert "0 of 8" in held.json()["error"]["message"]
    label_again(audit, rita, agreeing=8)
    audit = refresh_audit(audit=audit)
    assert (audit.status, audit.compared, audit.agreed) == ("passed", 8, 8)
    assert download(export, alice).status_code == 200
    assert AuditEvent.objects.filter(verb="audit.passed", target=str(export.pk)).exists()


def test_an_audit_below_the_gate_blocks_the_export(export: Export, alice: User, rita: User) -> None:
    audit = start_audit(export=export, actor=alice, share=1.0, gate=0.9)
    label_again(audit, rita, agreeing=8)
    assert refresh_audit(audit=audit).status == "blocked"
    for path in ("download", "archive", "files/README.md"):
        answer = bearer(alice).get(f"{API}/exports/{export.pk}/{path}")
        assert answer.status_code == 409, path
    assert "8 of 10 first errors agree, and 90% are required" in answer.json()["error"]["message"]
    other = run_export(export_id=create_export(project=export.project, format="trl-prm", policy=export.policy).pk)
    assert bearer(alice).get(f"{API}/exports/{other.pk}/diff?with={export.pk}").status_code == 409
    page = signed_in(alice).get(reverse("export-archive", args=[export.project.slug, export.pk]))
    assert page.status_code == 409


def test_nobody_is_asked_about_their_own_labels_nor_told_of_the_audit(export: Export, alice: User, bob: User) -> None:
    audit = start_audit(export=export, actor=alice, share=0.5, gate=0.9)
    assert audit.round is not None
    served = claim(round=audit.round, labeler=bob)
    assert isinstance(served, NoTask), "Bob has labeled all of them"
    rounds = bearer(bob).get(f"{API}/projects/{export.project.slug}/rounds").content.decode()
    assert "audit" not in rounds


def test_the_same_export_has_the_same_sample(export: Export, alice: User) -> None:
    first = start_audit(export=export, actor=alice, share=0.5, gate=0.9)
    sample = first.sample
    assert set(Task.objects.filter(round=first.round).values_list("solution_id", flat=True)) == set(map(int, sample))
    first.delete()
    assert start_audit(export=export, actor=alice, share=0.5, gate=0.9).sample == sample


def test_closing_the_round_decides_by_what_is_there(export: Export, alice: User, rita: User) -> None:
    audit = start_audit(export=export, actor=alice, share=1.0, gate=0.5)
    assert audit.round is not None
    rate(audit.round, rita, 1, -1)
    set_round_status(round=audit.round, status=Round.Status.CLOSED, actor=alice)
    audit = refresh_audit(audit=audit)
    assert (audit.status, audit.compared) == ("passed", 1)


def test_without_a_single_comparison_nothing_passes(export: Export, alice: User) -> None:
    audit = start_audit(export=export, actor=alice, share=1.0, gate=0.5)
    assert audit.round is not None
    set_round_status(round=audit.round, status=Round.Status.CLOSED, actor=alice)
    assert refresh_audit(audit=audit).status == "blocked"


def test_of_several_people_the_first_error_of_most_counts(export: Export, alice: User, rita: User, mia: User) -> None:
    audit = start_audit(export=export, actor=alice, share=0.5, gate=0.5, redundancy=3)
    assert audit.round is not None
    for labeler, ratings in ((rita, (-1,)), (mia, (1, -1)), (alice, (1, -1))):
        for _ in audit.sample:
            rate(audit.round, labeler, *ratings)
    audit = refresh_audit(audit=audit)
    assert (audit.status, audit.compared, audit.agreed) == ("passed", 5, 5)


def test_ties_are_not_compared(export: Export, alice: User, rita: User, mia: User) -> None:
    audit = start_audit(export=export, actor=alice, share=0.5, gate=0.5, redundancy=2)
    assert audit.round is not None
    for labeler, ratings in ((rita, (-1,)), (mia, (1, -1))):
        for _ in audit.sample:
            rate(audit.round, labeler, *ratings)
    audit = refresh_audit(audit=audit)
    assert (audit.status, audit.compared) == ("blocked", 0)


def test_solutions_that_were_labeled_since_are_not_drawn(export: Export, alice: User, rita: User) -> None:
    later = open_round(project=export.project, protocol="first_error")
    rate(later, rita, -1)
    changed = Assignment.objects.get(labeler=rita).task.solution_id
    assert str(changed) not in start_audit(export=export, actor=alice, share=1.0, gate=0.5).sample


def test_solutions_that_were_imported_since_are_not_drawn(export: Export, alice: User, bob: User) -> None:
    exported = {str(pk) for pk in Solution.objects.values_list("pk", flat=True)}
    for number in range(SOLUTIONS):
        make_solution(make_problem(export.project), [f"New {number}.", "Two."])
    new = open_round(project=export.project, protocol="first_error", fresh_eyes=True)
    for _ in range(SOLUTIONS):
        rate(new, bob, -1)
    # As a file dates them.
    Assignment.objects.filter(round=new).update(submitted_at=export.created_at - timedelta(days=30))
    assert set(start_audit(export=export, actor=alice, share=1.0, gate=0.5).sample) == exported


def test_okay_steps_are_labeled_again_as_the_policy_exports_them(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    for number in range(SOLUTIONS):
        make_solution(make_problem(project), [f"One {number}.", "Two.", "Three."])
    round_ = open_round(project=project, protocol="first_error")
    for _ in range(SOLUTIONS):
        rate(round_, bob, 1, 0, -1)
    policy = {"sources": ["human"], "neutral": "negative"}
    export = run_export(export_id=create_export(project=project, format="trl-prm", policy=policy).pk)
    audit = start_audit(export=export, actor=alice, share=1.0, gate=0.9)
    assert set(audit.sample.values()) == {1}, "in the file the okay step is the first bad one"
    assert audit.round is not None
    for _ in audit.sample:
        rate(audit.round, rita, 1, 0, -1)
    audit = refresh_audit(audit=audit)
    assert (audit.status, audit.compared, audit.agreed) == ("passed", SOLUTIONS, SOLUTIONS)


def test_a_withdrawn_audit_lets_the_export_leave_and_closes_its_round(export: Export, alice: User) -> None:
    audit = start_audit(export=export, actor=alice, share=0.5, gate=0.9)
    withdraw_audit(audit=audit, actor=alice)
    assert download(export, alice).status_code == 200
    assert Round.objects.get(audit=audit).status == Round.Status.CLOSED
    assert AuditEvent.objects.filter(verb="audit.withdrawn").exists()


# --- over HTTP --------------------------------------------------------------------------------------------


def api(client: Client, method: str, export: Export, body: dict[str, Any] | None = None) -> Any:
    address = f"{API}/exports/{export.pk}/audit"
    return getattr(client, method)(address, body or {}, content_type="application/json")


def test_the_api_starts_shows_and_withdraws_it(export: Export, alice: User, rita: User) -> None:
    client = bearer(alice)
    assert api(client, "get", export).status_code == 404
    started = api(client, "post", export, {"share": 0.5, "gate": 0.9, "labelers": ["rita@lab.example"]})
    assert started.json()["sample"] == 5
    audit = ReleaseAudit.objects.get(export=export)
    assert audit.round is not None
    assert list(audit.round.labelers.all()) == [rita]
    assert api(client, "post", export, {"share": 0.5, "gate": 0.9}).json()["error"]["code"] == "audited"
    assert client.get(f"{API}/exports/{export.pk}/audit").json()["status"] == "open"
    assert api(client, "delete", export).json()["status"] == "withdrawn"
    assert api(client, "delete", export).json()["error"]["code"] == "decided"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"share": 0, "gate": 0.9}, "share"),
        ({"share": 0.5, "gate": 1.1}, "gate"),
        ({"share": 0.5}, "gate"),
        ({"share": 0.5, "gate": 0.9, "redundancy": 0}, "redundancy"),
        ({"share": 0.5, "gate": 0.9, "labelers": ["nobody@lab.example"]}, "labelers"),
    ],
)
def test_settings_out_of_range_are_named(export: Export, alice: User, body: dict[str, Any], field: str) -> None:
    answer = api(bearer(alice), "post", export, body)
    assert answer.status_code in {400, 422}
    assert field in answer.json()["error"]["fields"]
    assert not ReleaseAudit.objects.exists()
    assert not Round.objects.filter(fresh_eyes=True).exists(), "nothing is half-done"


def test_too_few_solutions_and_formats_without_step_labels_are_refused(export: Export, alice: User) -> None:
    orm = create_export(project=export.project, format="annotate", policy={"sources": ["gold"]})
    answer = api(bearer(alice), "post", run_export(export_id=orm.pk), {"share": 0.5, "gate": 0.9})
    assert "there are 0" in answer.json()["error"]["message"]
    queued = create_export(project=export.project, format="trl-prm", policy={})
    assert api(bearer(alice), "post", queued, {"share": 0.5, "gate": 0.9}).json()["error"]["code"] == "not_finished"


def test_labelers_may_not_audit(export: Export, bob: User, charlie: User) -> None:
    assert api(bearer(bob), "post", export, {"share": 0.5, "gate": 0.9}).status_code in {403, 404}
    assert api(bearer(charlie), "post", export, {"share": 0.5, "gate": 0.9}).status_code == 404


def test_the_page_starts_and_shows_it(export: Export, alice: User) -> None:
    client, slug = signed_in(alice), export.project.slug
    page = reverse("export", args=[slug, export.pk])
    assert "Start the audit" in client.get(page).content.decode()
    wrong = client.post(
        reverse("export-audit-start", args=[slug, export.pk]), {"share": 500, "gate": 90, "redundancy": 1}
    )
    assert wrong.status_code == 422
    answer = client.post(
        reverse("export-audit-start", args=[slug, export.pk]), {"share": 50, "gate": 90, "redundancy": 1}, follow=True
    )
    assert "0 of 5" in answer.content.decode()
    answer = client.post(reverse("export-audit-withdraw", args=[slug, export.pk]), follow=True)
    assert "withdrawn" in answer.content.decode()
