"""Every page and every role: strangers see nothing, members see what their role reaches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.dashboard.urls import urlpatterns
from apps.judging.judges import usual_constitution
from apps.projects.models import Membership
from apps.projects.services import create_project
from tests.cast import signed_in, undone
from tests.world import World

Args = Callable[[World], list[object]]

# Name, the arguments after the slug, the method, the lowest role that may.
PAGES: list[tuple[str, Args, str, str]] = [
    ("project", lambda _: [], "get", "labeler"),
    ("project-rounds", lambda _: [], "get", "labeler"),
    ("project-settings", lambda _: [], "get", "owner"),
    ("guidelines", lambda _: [], "get", "labeler"),
    ("guidelines-version", lambda world: [world.guideline.version], "get", "labeler"),
    ("guidelines-edit", lambda _: [], "get", "manager"),
    ("guidelines-preview", lambda _: [], "post", "manager"),
    ("solutions", lambda _: [], "get", "reviewer"),
    ("problem", lambda world: [world.solution.problem_id], "get", "reviewer"),
    ("problem-edit", lambda world: [world.solution.problem_id], "post", "manager"),
    ("problem-retire", lambda world: [world.solution.problem_id], "post", "manager"),
    ("problem-bring-back", lambda world: [world.solution.problem_id], "post", "manager"),
    ("work", lambda _: [], "get", "labeler"),
    ("tasks", lambda _: [], "get", "manager"),
    ("tasks-file", lambda _: [], "get", "manager"),
    ("tasks-act", lambda _: [], "post", "manager"),
    ("task-view-new", lambda _: [], "post", "manager"),
    ("task-view-delete", lambda world: [world.saved_view.pk], "post", "owner"),  # Managers: their own.
    ("person", lambda world: [world.bobs.pk], "get", "reviewer"),
    ("own-hours", lambda _: [], "get", "labeler"),
    ("own-hours-file", lambda _: [], "get", "labeler"),
    ("flags", lambda _: [], "get", "reviewer"),
    ("report-dismiss", lambda world: [world.round.assignments.get().pk], "post", "reviewer"),
    ("report-reopen", lambda world: [world.round.assignments.get().pk], "post", "reviewer"),
    ("solution", lambda world: [world.solution.pk], "get", "reviewer"),
    ("solution-consensus", lambda world: [world.solution.pk], "get", "reviewer"),
    ("solution-adjudicate", lambda world: [world.solution.pk], "post", "reviewer"),
    ("solution-split", lambda world: [world.solution.pk], "get", "reviewer"),
    ("review", lambda _: [], "get", "reviewer"),
    ("review-queue", lambda _: ["people"], "get", "reviewer"),
    ("review-selected", lambda _: ["people"], "post", "reviewer"),
    ("assignments", lambda _: [], "get", "reviewer"),
    ("assignments-accept", lambda _: [], "post", "reviewer"),
    ("assignment", lambda world: [world.round.assignments.get().pk], "get", "reviewer"),
    ("estimation", lambda _: [], "get", "reviewer"),
    ("sampling-runs", lambda _: [], "get", "reviewer"),
    ("scoring-runs", lambda _: [], "get", "reviewer"),
    ("run-new", lambda _: [], "get", "manager"),
    ("run-forecast", lambda _: [], "get", "manager"),
    ("run", lambda world: [world.run.number], "get", "reviewer"),
    ("run-pause", lambda world: [world.run.number], "post", "manager"),
    ("run-resume", lambda world: [world.run.number], "post", "manager"),
    ("run-cancel", lambda world: [world.run.number], "post", "manager"),
    ("sampling-new", lambda _: [], "get", "manager"),
    ("sampling-forecast", lambda _: [], "get", "manager"),
    ("sampling", lambda world: [world.sampling.number], "get", "reviewer"),
    ("sampling-pause", lambda world: [world.sampling.number], "post", "manager"),
    ("sampling-resume", lambda world: [world.sampling.number], "post", "manager"),
    ("sampling-cancel", lambda world: [world.sampling.number], "post", "manager"),
    ("scoring-new", lambda _: [], "get", "manager"),
    ("scoring-forecast", lambda _: [], "get", "manager"),
    ("scoring", lambda world: [world.scoring.number], "get", "reviewer"),
    ("scoring-pause", lambda world: [world.scoring.number], "post", "manager"),
    ("scoring-resume", lambda world: [world.scoring.number], "post", "manager"),
    ("scoring-cancel", lambda world: [world.scoring.number], "post", "manager"),
    ("judging", lambda _: [], "get", "reviewer"),
    ("judge-run-new", lambda _: [], "get", "manager"),
    ("judge-run-prompt", lambda _: [], "get", "manager"),
    ("judge-run-forecast", lambda _: [], "post", "manager"),
    ("judge-run", lambda world: [world.judging.number], "get", "reviewer"),
    ("judge-run-pause", lambda world: [world.judging.number], "post", "manager"),
    ("judge-run-resume", lambda world: [world.judging.number], "post", "manager"),
    ("judge-run-cancel", lambda world: [world.judging.number], "post", "manager"),
    ("judge-run-items", lambda world: [world.judging.number], "get", "reviewer"),
    ("judge-run-item", lambda world: [world.judging.number, world.solution.pk], "get", "reviewer"),
    ("playground", lambda _: [], "get", "manager"),
    ("constitutions", lambda _: [], "get", "reviewer"),
    ("constitution", lambda world: [usual_constitution(world.project).pk], "get", "reviewer"),
    ("constitution-edit", lambda _: [], "get", "manager"),
    ("endpoints", lambda _: [], "get", "manager"),
    ("endpoint-new", lambda _: [], "get", "manager"),
    ("endpoint", lambda world: [world.endpoint.pk], "get", "manager"),
    ("endpoint-check", lambda world: [world.endpoint.pk], "post", "manager"),
    ("imports", lambda _: [], "get", "manager"),
    ("import-new", lambda _: [], "get", "manager"),
    ("upload", lambda world: [world.upload.pk], "get", "manager"),
    ("upload-discard", lambda world: [world.upload.pk], "post", "manager"),
    ("import", lambda world: [world.batch.pk], "get", "manager"),
    ("import-cancel", lambda world: [world.batch.pk], "post", "manager"),
    ("import-resume", lambda world: [world.batch.pk], "post", "manager"),
    ("import-rejected", lambda world: [world.batch.pk], "get", "manager"),
    ("import-findings", lambda world: [world.batch.pk], "get", "manager"),
    ("exports", lambda _: [], "get", "manager"),
    ("export-new", lambda _: [], "get", "manager"),
    ("export", lambda world: [world.export.pk], "get", "manager"),
    ("export-cancel", lambda world: [world.export.pk], "post", "manager"),
    ("export-file", lambda world: [world.export.pk, "manifest.json"], "get", "manager"),
    ("export-preview", lambda _: [], "post", "manager"),
    ("export-compare", lambda _: [], "get", "manager"),
    ("policy-delete", lambda world: [world.saved_policy.pk], "post", "manager"),
    ("export-archive", lambda world: [world.export.pk], "get", "manager"),
    ("export-row", lambda world: [world.export.pk], "get", "manager"),
    ("export-lineage", lambda world: [world.export.pk, world.solution.pk], "get", "manager"),
    ("export-push", lambda world: [world.export.pk], "post", "manager"),
    ("export-pushes", lambda world: [world.export.pk], "get", "manager"),
    ("export-audit-start", lambda world: [world.export.pk], "post", "manager"),
    ("export-audit-withdraw", lambda world: [world.export.pk], "post", "manager"),
    ("rounds", lambda _: [], "get", "labeler"),
    ("round-new", lambda _: [], "get", "manager"),
    ("round-size", lambda _: [], "get", "manager"),
    ("round", lambda world: [world.round.number], "get", "labeler"),
    ("round-edit", lambda world: [world.draft.number], "get", "manager"),
    ("round-discard", lambda world: [world.draft.number], "post", "manager"),
    ("label", lambda world: [world.round.number], "get", "labeler"),
    ("round-open", lambda world: [world.round.number], "post", "manager"),
    ("round-pause", lambda world: [world.round.number], "post", "manager"),
    ("round-close", lambda world: [world.round.number], "post", "manager"),
    ("quality", lambda _: [], "get", "reviewer"),
    ("quality-table", lambda _: ["agreement"], "get", "reviewer"),
    ("labelers", lambda _: [], "get", "reviewer"),
    ("labeler-suspend", lambda world: [world.bobs.pk], "post", "owner"),
    ("labeler-lift", lambda world: [world.bobs.pk], "post", "owner"),
    ("quality-rules", lambda _: [], "get", "manager"),
    ("evaluation", lambda _: [], "get", "reviewer"),
    ("evaluation-new", lambda _: [], "get", "reviewer"),
    ("evaluation-detail", lambda world: [world.evaluation.pk], "get", "reviewer"),
    ("evaluation-cancel", lambda world: [world.evaluation.pk], "post", "reviewer"),
    ("evaluation-table", lambda world: [world.evaluation.pk, "raters"], "get", "reviewer"),
    ("trust", lambda _: [], "get", "reviewer"),
    ("trust-table", lambda _: [], "get", "reviewer"),
    ("trust-other-table", lambda _: ["comparing"], "get", "reviewer"),
    ("calibrate", lambda _: [], "get", "manager"),
    ("calibrate-size", lambda _: [], "get", "manager"),
    ("delete", lambda world: ["round", world.round.pk], "get", "manager"),
    ("archive", lambda world: ["export", world.export.pk], "post", "manager"),
    ("bring-back", lambda world: ["project", world.project.pk], "post", "owner"),
    ("certify", lambda world: [world.cascade.sample_id], "post", "manager"),
    ("judge-sample", lambda world: [world.cascade.sample_id], "post", "manager"),
    ("chorus-new", lambda _: [], "get", "manager"),
    ("cascades", lambda _: [], "get", "reviewer"),
    ("cascade-new", lambda _: [], "get", "manager"),
    ("cascade-size", lambda _: [], "get", "manager"),
    ("cascade", lambda world: [world.cascade.number], "get", "reviewer"),
    ("cascade-decide", lambda world: [world.cascade.number], "post", "manager"),
    ("cascade-apply", lambda world: [world.cascade.number], "post", "manager"),
    ("cascade-withdraw", lambda world: [world.cascade.number], "post", "manager"),
    ("audit", lambda _: [], "get", "manager"),
    ("audit-table", lambda _: [], "get", "manager"),
    ("audit-file", lambda _: [], "get", "manager"),
    ("people", lambda _: [], "get", "manager"),
    ("hours", lambda _: [], "get", "manager"),
    ("hours-file", lambda _: [], "get", "manager"),
    ("member-role", lambda world: [world.bobs.pk], "post", "owner"),
    ("member-skills", lambda world: [world.bobs.pk], "post", "manager"),
    ("member-suspend", lambda world: [world.bobs.pk], "post", "owner"),
    ("member-reinstate", lambda world: [world.bobs.pk], "post", "owner"),
    ("invitation-new", lambda _: [], "post", "manager"),
    ("invitation-revoke", lambda world: [world.invitation.pk], "post", "manager"),
]
OF_NO_PROJECT = {
    ("home", "get"),
    ("running-jobs", "get"),
    ("project-new", "get"),
    ("account", "get"),
    ("tokens", "get"),
    ("token-new", "post"),
}
# Their own tests: whoever holds the secret, owns the token, or asked for the deletion.
ELSEWHERE = {"deletion", "deletion-continue", "join", "token-revoke"}

ROLES = ["labeler", "reviewer", "manager", "owner"]


@pytest.fixture
def members(bob: User, rita: User, mia: User, alice: User) -> dict[str, User]:
    return {"labeler": bob, "reviewer": rita, "manager": mia, "owner": alice}


def asked(client: Client, method: str, url: str) -> HttpResponse:
    return getattr(client, method)(url)  # type: ignore[no-any-return]


def test_each_role_sees_what_it_reaches(
    world: World, members: dict[str, User], charlie: User, client: Client, subtests: pytest.Subtests
) -> None:
    clients = {role: signed_in(member) for role, member in members.items()}
    stranger = signed_in(charlie)
    for name, args, method, lowest in PAGES:
        url = reverse(name, args=[world.project.slug, *args(world)])
        with subtests.test(name), undone():
            anonymous = asked(client, method, url)
            assert anonymous.status_code == 302
            assert anonymous["Location"].startswith("/accounts/login/?next=/projects/")
            assert asked(stranger, method, url).status_code == 404
            for role in ROLES[: ROLES.index(lowest)]:
                assert asked(clients[role], method, url).status_code == 403, role
            reached = asked(clients[lowest], method, url)
            # The page of a row leads to that of its solution.
            shown = {302} if name == "export-row" else {200}
            assert reached.status_code in (shown if method == "get" else {200, 302, 400, 409, 422})
            assert "/accounts/login/" not in reached.get("Location", "")


@pytest.mark.parametrize(("name", "method"), sorted(OF_NO_PROJECT))
def test_pages_outside_projects_are_for_every_signed_in_user(
    charlie: User, client: Client, name: str, method: str
) -> None:
    assert asked(client, method, reverse(name)).status_code == 302
    assert asked(signed_in(charlie), method, reverse(name)).status_code in (200, 422)


def test_a_suspended_member_gets_a_message(world: World, mia: User, subtests: pytest.Subtests) -> None:
    Membership.objects.filter(user=mia).update(status="suspended")
    client = signed_in(mia)
    for name, args, method, _ in PAGES:
        with subtests.test(name), undone():
            answer = asked(client, method, reverse(name, args=[world.project.slug, *args(world)]))
            assert answer.status_code == 403
            assert b"suspended" in answer.content


def test_every_page_is_in_this_matrix() -> None:
    known = {page[0] for page in PAGES} | {name for name, _ in OF_NO_PROJECT} | ELSEWHERE
    assert {pattern.name for pattern in urlpatterns} == known


def test_pages_that_change_something_take_no_get(world: World, alice: User, subtests: pytest.Subtests) -> None:
    client = signed_in(alice)
    for name, args, method, _ in PAGES:
        if method == "post":
            with subtests.test(name):
                assert client.get(reverse(name, args=[world.project.slug, *args(world)])).status_code == 405


def test_things_of_another_project_are_not_found_under_this_one(world: World, alice: User) -> None:
    other = create_project(slug="other", owner=alice)
    client = signed_in(alice)
    for name, args, method, _ in PAGES:
        # A kind of dispute and a table's name are nobody's own.
        if args(world) and name not in ("review-queue", "review-selected", "quality-table", "trust-other-table"):
            url = reverse(name, args=[other.slug, *args(world)])
            assert asked(client, method, url).status_code == 404, name


def test_a_form_without_its_token_is_refused(world: World, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(reverse("round-close", args=[world.project.slug, world.round.number])).status_code == 403
