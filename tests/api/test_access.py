"""Who is let in: every route against everybody. A route that is in no line of the table fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import get_resolver

from apps.accounts.models import User
from apps.labeling.queue.claim import claim
from apps.projects.models import Membership
from apps.quality.metrics.refresh import refresh
from tests.cast import bearer, undone
from tests.world import World

# Route, method, the lowest role that is let in, the scope that a token needs.
TABLE: list[tuple[str, str, str, str]] = [
    ("projects/<slug:slug>", "get", "labeler", "read"),
    ("projects/<slug:slug>", "patch", "owner", "write"),
    ("projects/<slug:slug>/members", "get", "manager", "read"),
    ("projects/<slug:slug>/members", "post", "owner", "write"),
    ("projects/<slug:slug>/members/<int:pk>", "get", "manager", "read"),
    ("projects/<slug:slug>/members/<int:pk>", "patch", "manager", "write"),
    ("projects/<slug:slug>/members/<int:pk>", "delete", "owner", "write"),
    ("projects/<slug:slug>/members/<int:pk>/suspend", "post", "owner", "write"),
    ("projects/<slug:slug>/members/<int:pk>/reinstate", "post", "owner", "write"),
    ("projects/<slug:slug>/invitations", "get", "manager", "read"),
    ("projects/<slug:slug>/invitations", "post", "manager", "write"),
    ("projects/<slug:slug>/invitations/<int:pk>", "delete", "manager", "write"),
    ("projects/<slug:slug>/guidelines", "get", "labeler", "read"),
    ("projects/<slug:slug>/guidelines", "post", "manager", "write"),
    ("projects/<slug:slug>/guidelines/<int:version>", "get", "labeler", "read"),
    ("projects/<slug:slug>/audit", "get", "manager", "read"),
    ("projects/<slug:slug>/quality", "get", "reviewer", "read"),
    ("projects/<slug:slug>/quality-rules", "get", "reviewer", "read"),
    ("projects/<slug:slug>/quality-rules", "patch", "manager", "write"),
    ("projects/<slug:slug>/labelers", "get", "reviewer", "read"),
    ("projects/<slug:slug>/labelers/<int:pk>", "get", "reviewer", "read"),
    ("projects/<slug:slug>/imports", "get", "manager", "read"),
    ("projects/<slug:slug>/imports", "post", "manager", "write"),
    ("projects/<slug:slug>/problems", "get", "reviewer", "read"),
    ("projects/<slug:slug>/solutions", "get", "reviewer", "read"),
    ("projects/<slug:slug>/step-labels", "get", "reviewer", "read"),
    ("projects/<slug:slug>/preferences", "get", "reviewer", "read"),
    ("projects/<slug:slug>/estimates", "get", "reviewer", "read"),
    ("projects/<slug:slug>/verdicts", "get", "reviewer", "read"),
    ("projects/<slug:slug>/tasks", "get", "manager", "read"),
    ("projects/<slug:slug>/tasks/assign", "post", "manager", "write"),
    ("projects/<slug:slug>/tasks/release", "post", "manager", "write"),
    ("projects/<slug:slug>/tasks/priority", "post", "manager", "write"),
    ("projects/<slug:slug>/tasks/return", "post", "manager", "write"),
    ("projects/<slug:slug>/tasks/retire", "post", "manager", "write"),
    ("projects/<slug:slug>/labelers/<int:pk>/figures", "get", "reviewer", "read"),
    ("projects/<slug:slug>/rounds", "get", "labeler", "read"),
    ("projects/<slug:slug>/rounds", "post", "manager", "write"),
    ("projects/<slug:slug>/rounds/<signed:number>", "get", "labeler", "read"),
    ("projects/<slug:slug>/rounds/<signed:number>", "patch", "manager", "write"),
    ("projects/<slug:slug>/rounds/<signed:number>", "delete", "manager", "write"),
    ("projects/<slug:slug>/rounds/<signed:number>/preview", "get", "manager", "read"),
    ("projects/<slug:slug>/rounds/<signed:number>/retake", "post", "labeler", "label"),
    ("projects/<slug:slug>/rounds/<signed:number>/open", "post", "manager", "write"),
    ("projects/<slug:slug>/rounds/<signed:number>/pause", "post", "manager", "write"),
    ("projects/<slug:slug>/rounds/<signed:number>/close", "post", "manager", "write"),
    ("projects/<slug:slug>/rounds/<signed:number>/skipped", "get", "labeler", "label"),
    ("projects/<slug:slug>/rounds/<signed:number>/claim", "post", "labeler", "label"),
    ("projects/<slug:slug>/exports", "get", "manager", "read"),
    ("projects/<slug:slug>/exports", "post", "manager", "write"),
    ("projects/<slug:slug>/exports/preview", "post", "manager", "read"),
    ("projects/<slug:slug>/exports/stream", "post", "manager", "read"),
    ("projects/<slug:slug>/label-policies", "get", "manager", "read"),
    ("projects/<slug:slug>/label-policies", "post", "manager", "write"),
    ("label-policies/<int:pk>", "get", "manager", "read"),
    ("projects/<slug:slug>/contamination-lists", "get", "manager", "read"),
    ("projects/<slug:slug>/contamination-lists", "post", "manager", "write"),
    ("projects/<slug:slug>/evaluations", "get", "reviewer", "read"),
    ("projects/<slug:slug>/evaluations", "post", "reviewer", "write"),
    ("evaluations/<int:pk>", "get", "reviewer", "read"),
    ("evaluations/<int:pk>/cancel", "post", "reviewer", "write"),
    ("projects/<slug:slug>/endpoints", "get", "manager", "read"),
    ("projects/<slug:slug>/endpoints", "post", "manager", "write"),
    ("projects/<slug:slug>/estimation-runs", "get", "reviewer", "read"),
    ("projects/<slug:slug>/estimation-runs", "post", "manager", "write"),
    ("estimation-runs/<int:pk>", "get", "reviewer", "read"),
    ("projects/<slug:slug>/trust", "get", "reviewer", "read"),
    ("projects/<slug:slug>/choruses", "post", "manager", "write"),
    ("projects/<slug:slug>/blind-rounds", "get", "reviewer", "read"),
    ("projects/<slug:slug>/blind-rounds", "post", "manager", "write"),
    ("blind-rounds/<int:pk>/certify", "post", "manager", "write"),
    ("projects/<slug:slug>/judge-certificates", "get", "reviewer", "read"),
    ("projects/<slug:slug>/cascades", "get", "reviewer", "read"),
    ("projects/<slug:slug>/cascades", "post", "manager", "write"),
    ("cascades/<int:pk>", "get", "reviewer", "read"),
    ("cascades/<int:pk>/decide", "post", "manager", "write"),
    ("cascades/<int:pk>/apply", "post", "manager", "write"),
    ("cascades/<int:pk>/withdraw", "post", "manager", "write"),
    ("estimation-runs/<int:pk>/pause", "post", "manager", "write"),
    ("estimation-runs/<int:pk>/resume", "post", "manager", "write"),
    ("estimation-runs/<int:pk>/cancel", "post", "manager", "write"),
    ("projects/<slug:slug>/sampling-runs", "get", "reviewer", "read"),
    ("projects/<slug:slug>/sampling-runs", "post", "manager", "write"),
    ("scoring-runs/<int:pk>", "delete", "manager", "write"),
    ("judge-runs/<int:pk>", "delete", "manager", "write"),
    ("sampling-runs/<int:pk>", "get", "reviewer", "read"),
    ("sampling-runs/<int:pk>/cancel", "post", "manager", "write"),
    ("sampling-runs/<int:pk>/pause", "post", "manager", "write"),
    ("sampling-runs/<int:pk>/resume", "post", "manager", "write"),
    ("projects/<slug:slug>/scoring-runs", "get", "reviewer", "read"),
    ("projects/<slug:slug>/scoring-runs", "post", "manager", "write"),
    ("projects/<slug:slug>/scores", "get", "reviewer", "read"),
    ("projects/<slug:slug>/rewards", "post", "manager", "read"),
    ("projects/<slug:slug>/reward-model", "put", "manager", "write"),
    ("scoring-runs/<int:pk>", "get", "reviewer", "read"),
    ("scoring-runs/<int:pk>/pause", "post", "manager", "write"),
    ("scoring-runs/<int:pk>/resume", "post", "manager", "write"),
    ("scoring-runs/<int:pk>/cancel", "post", "manager", "write"),
    ("projects/<slug:slug>/judges", "get", "reviewer", "read"),
    ("projects/<slug:slug>/judges", "post", "manager", "write"),
    ("projects/<slug:slug>/constitutions", "get", "reviewer", "read"),
    ("projects/<slug:slug>/constitutions", "post", "manager", "write"),
    ("projects/<slug:slug>/judge-runs", "get", "reviewer", "read"),
    ("projects/<slug:slug>/judge-runs", "post", "manager", "write"),
    ("projects/<slug:slug>/judge-runs/forecast", "post", "manager", "read"),
    ("projects/<slug:slug>/solution-verdicts", "get", "reviewer", "read"),
    ("projects/<slug:slug>/comparison-verdicts", "get", "reviewer", "read"),
    ("projects/<slug:slug>/revisions", "get", "reviewer", "read"),
    ("judges/<int:pk>", "get", "reviewer", "read"),
    ("judges/<int:pk>/try", "post", "manager", "write"),
    ("judge-runs/<int:pk>", "get", "reviewer", "read"),
    ("judge-runs/<int:pk>/replies", "get", "reviewer", "read"),
    ("judge-runs/<int:pk>/pause", "post", "manager", "write"),
    ("judge-runs/<int:pk>/resume", "post", "manager", "write"),
    ("judge-runs/<int:pk>/cancel", "post", "manager", "write"),
    ("problems/<int:pk>", "get", "reviewer", "read"),
    ("problems/<int:pk>", "patch", "manager", "write"),
    ("problems/<int:pk>/retire", "post", "manager", "write"),
    ("problems/<int:pk>/bring-back", "post", "manager", "write"),
    ("projects/<slug:slug>/disputes", "get", "reviewer", "read"),
    ("solutions/<int:pk>/evidence", "get", "reviewer", "read"),
    ("solutions/<int:pk>/adjudicate", "post", "reviewer", "write"),
    ("solutions/<int:pk>/gold", "post", "reviewer", "write"),
    ("solutions/<int:pk>/gold", "patch", "reviewer", "write"),
    ("solutions/<int:pk>/split", "post", "reviewer", "write"),
    ("steps/<int:pk>/adjudicate", "post", "reviewer", "write"),
    ("assignments/<int:pk>/review", "get", "reviewer", "read"),
    ("assignments/<int:pk>/review", "post", "reviewer", "write"),
    ("assignments/<int:pk>/withdraw-correction", "post", "reviewer", "write"),
    ("projects/<slug:slug>/review-queue", "get", "reviewer", "read"),
    ("assignments/<int:pk>/dismiss-report", "post", "reviewer", "write"),
    ("assignments/<int:pk>/reopen-report", "post", "reviewer", "write"),
    ("projects/<slug:slug>/reports", "get", "reviewer", "read"),
    ("projects/<slug:slug>/hours", "get", "labeler", "read"),
    ("imports/<int:pk>", "get", "manager", "read"),
    ("imports/<int:pk>/cancel", "post", "manager", "write"),
    ("exports/<int:pk>", "get", "manager", "read"),
    ("exports/<int:pk>/cancel", "post", "manager", "write"),
    ("exports/<int:pk>/download", "get", "manager", "read"),
    ("exports/<int:pk>/files", "get", "manager", "read"),
    ("exports/<int:pk>/files/<str:name>", "get", "manager", "read"),
    ("exports/<int:pk>", "delete", "manager", "write"),
    ("imports/<int:pk>", "delete", "manager", "write"),
    ("problems/<int:pk>", "delete", "manager", "write"),
    ("solutions/<int:pk>", "delete", "manager", "write"),
    ("endpoints/<int:pk>", "get", "manager", "read"),
    ("endpoints/<int:pk>", "patch", "manager", "write"),
    ("endpoints/<int:pk>", "delete", "manager", "write"),
    ("endpoints/<int:pk>/check", "post", "manager", "write"),
    ("judges/<int:pk>", "delete", "manager", "write"),
    ("estimation-runs/<int:pk>", "delete", "manager", "write"),
    ("sampling-runs/<int:pk>", "delete", "manager", "write"),
    ("projects/<slug:slug>", "delete", "owner", "write"),
    ("projects/<slug:slug>/deletion-preview/<slug:kind>/<int:pk>", "get", "manager", "read"),
    ("projects/<slug:slug>/archived/<slug:kind>/<int:pk>", "put", "manager", "write"),
    ("projects/<slug:slug>/archived/<slug:kind>/<int:pk>", "delete", "manager", "write"),
    ("exports/<int:pk>/archive", "get", "manager", "read"),
    ("exports/<int:pk>/pushes", "get", "manager", "read"),
    ("exports/<int:pk>/pushes", "post", "manager", "write"),
    ("exports/<int:pk>/diff", "get", "manager", "read"),
    ("exports/<int:pk>/lineage", "get", "manager", "read"),
    ("exports/<int:pk>/audit", "post", "manager", "write"),
]
# One's own turns only, whatever the role: tested apart.
VERBS = ("renew", "release", "draft", "candidates", "alternatives", "submit", "skip", "resume", "correct", "answer")
OWN = {"deletions/<int:pk>", "assignments/<int:pk>", *(f"assignments/<int:pk>/{verb}" for verb in VERBS)}
FOR_ALL = {"healthz", "readyz", "schema", "docs", "projects", "me/keys", "judge-prompts"}
ROLES = ["labeler", "reviewer", "manager", "owner"]

Call = Callable[[Client, str, str], HttpResponseBase]


@pytest.fixture
def call(world: World) -> Call:
    refresh(world.project)
    ids = {
        "imports": world.batch.pk,
        "problems": world.solution.problem_id,
        "solutions": world.solution.pk,
        "steps": world.solution.steps.all()[0].pk,
        "assignments": world.round.assignments.get().pk,
        "exports": world.export.pk,
        "endpoints": world.endpoint.pk,
        "evaluations": world.evaluation.pk,
        "label-policies": world.saved_policy.pk,
        "estimation-runs": world.run.pk,
        "sampling-runs": world.sampling.pk,
        "scoring-runs": world.scoring.pk,
        "judges": world.judging.judge_id,
        "judge-runs": world.judging.pk,
        "blind-rounds": world.cascade.sample_id,
        "cascades": world.cascade.pk,
    }

    def one(client: Client, method: str, route: str) -> HttpResponseBase:
        path = route.replace("<slug:slug>", world.project.slug).replace("<signed:number>", str(world.round.number))
        path = path.replace("<slug:kind>/<int:pk>", f"export/{world.export.pk}")
        path = path.replace("members/<int:pk>", f"members/{world.bobs.pk}").replace("<int:version>", "1")
        path = path.replace("labelers/<int:pk>", f"labelers/{world.bobs.pk}")
        path = path.replace("invitations/<int:pk>", f"invitations/{world.invitation.pk}")
        path = path.replace("<int:pk>", str(ids.get(route.partition("/")[0], 0))).replace("<str:name>", "README.md")
        return getattr(client, method)(
            f"/api/v1/{path}",
            {},
            **({"content_type": "application/json"} if method in ("post", "patch", "put") else {}),
        )

    return one


def test_every_route_is_in_the_table() -> None:
    (api,) = [one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/"]
    routes = {str(one.pattern) for one in api.url_patterns}
    assert routes == {route for route, *_ in TABLE} | OWN | FOR_ALL


def test_each_is_let_in_as_far_as_the_role_reaches(
    call: Call, world: World, charlie: User, subtests: pytest.Subtests
) -> None:
    for route, method, lowest, scope in TABLE:
        with subtests.test(f"{method} {route}"), undone():
            assert call(Client(), method, route).status_code == 401
            assert call(bearer(charlie), method, route).status_code == 404
            member = Membership.objects.create(project=world.project, user=charlie, role="labeler")
            for role in ROLES:
                Membership.objects.filter(pk=member.pk).update(role=role)
                with undone():  # What one role deletes, the next one deletes again.
                    status = call(bearer(charlie), method, route).status_code
                if ROLES.index(role) < ROLES.index(lowest):
                    assert status == 403, role
                else:
                    assert status in {200, 201, 202, 204, 400, 409, 415, 422}, role
            others = [one for one in ("read", "write", "label") if one != scope]
            assert call(bearer(charlie, scopes=others), method, route).status_code == 403
            Membership.objects.filter(pk=member.pk).update(status="suspended")
            assert call(bearer(charlie), method, route).status_code == 403


@pytest.mark.parametrize(
    ("method", "verb"),
    [
        ("get", ""),
        ("put", "/draft"),
        ("get", "/answer"),
        *(("post", f"/{verb}") for verb in VERBS if verb not in ("draft", "answer")),
    ],
)
def test_other_peoples_turns_are_nobodys_business(
    world: World, bob: User, rita: User, alice: User, method: str, verb: str
) -> None:
    from tests.cast import make_problem, make_round, make_solution

    make_solution(make_problem(world.project))
    assignment = claim(round=make_round(world.project), labeler=bob)
    for other in (rita, alice):
        answer = getattr(bearer(other), method)(
            f"/api/v1/assignments/{assignment.pk}{verb}", {}, content_type="application/json"
        )
        assert answer.status_code == 404
    assert getattr(Client(), method)(f"/api/v1/assignments/{assignment.pk}{verb}").status_code == 401


def test_lists_hold_ones_own_projects_only(world: World, alice: User, charlie: User) -> None:
    def slugs(user: User) -> list[str]:
        return [one["slug"] for one in bearer(user).get("/api/v1/projects").json()["results"]]

    assert slugs(alice) == [world.project.slug]
    assert slugs(charlie) == []


def test_a_token_that_does_not_hold_is_an_error_and_no_guest(world: World) -> None:
    for secret in ("wrong", "", "é", "x" * 5000):
        answer = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/projects")
        assert answer.status_code == 401
        assert answer.json()["error"]["code"]


def test_a_session_needs_the_csrf_token_for_writing(world: World, alice: User) -> None:
    client: Any = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/api/v1/projects", {"slug": "evil", "name": "x"}, content_type="application/json")
    assert answer.status_code == 403


def test_too_many_requests_are_told_to_wait(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.api.throttling import WindowThrottle

    monkeypatch.setattr(WindowThrottle, "rate", "3/min", raising=False)
    client = bearer(alice)
    statuses = [client.get("/api/v1/projects").status_code for _ in range(8)]
    assert statuses[:3] == [200, 200, 200]
    assert 429 in statuses
    last = client.get("/api/v1/projects")
    assert last.status_code == 429
    assert 0 < int(last.headers["Retry-After"]) <= 60
    assert last.json()["error"]["code"] == "throttled"
