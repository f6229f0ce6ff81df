"""Members, invitations, guidelines and the settings of a project, by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import AuditEvent, User
from apps.labeling.queue.claim import claim
from apps.projects.models import Invitation, Membership, Project
from apps.projects.services import accept_invitation, add_member, create_project
from tests.cast import bearer, make_round, make_user
from tests.world import rate

API = "/api/v1/projects/algebra"


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(f"{API}{path}", body or {}, content_type="application/json")


def member_of(project: Project, user: User) -> Membership:
    return Membership.objects.get(project=project, user=user)


def test_members_are_listed_with_what_they_did(
    api: Client, project: Project, bob: User, rita: User, django_assert_max_num_queries: Any
) -> None:
    rate(make_round(project), bob, 1, 1, 1)
    with django_assert_max_num_queries(7):
        rows = api.get(f"{API}/members").json()["results"]
    assert [(row["email"], row["role"], row["submitted"]) for row in rows] == [
        ("alice@lab.example", "owner", 0),
        ("bob@lab.example", "labeler", 1),
        ("rita@lab.example", "reviewer", 0),
    ]
    assert [row["email"] for row in api.get(f"{API}/members?role=reviewer").json()["results"]] == ["rita@lab.example"]
    unknown = api.get(f"{API}/members?rol=reviewer")
    assert (unknown.status_code, set(unknown.json()["error"]["fields"])) == (400, {"rol"})


def test_only_somebody_known_from_another_project_can_be_added(
    api: Client, project: Project, alice: User, bob: User, charlie: User
) -> None:
    """A stranger with an account and an address without one get the same answer: nobody can find out which they are."""
    answers = [send(api, "post", "/members", {"email": email}) for email in ("charlie@lab.example", "no@lab.example")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert {answer.json()["error"]["code"] for answer in answers} == {"unknown_user"}
    texts = {answer.json()["error"]["message"].replace("charlie@", "no@") for answer in answers}
    assert len(texts) == 1
    add_member(project=create_project(slug="other", owner=alice), user=charlie, role="labeler")
    added = send(api, "post", "/members", {"email": "Charlie@lab.example", "role": "reviewer"})
    assert (added.status_code, added.json()["role"]) == (201, "reviewer")
    again = send(api, "post", "/members", {"email": "charlie@lab.example"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "is_member")


def test_a_member_of_a_project_that_one_has_left_is_a_stranger(
    api: Client, project: Project, alice: User, charlie: User
) -> None:
    other = create_project(slug="other", owner=make_user("olga"))
    for user in (alice, charlie):
        add_member(project=other, user=user, role="labeler")
    member_of(other, alice).delete()
    assert send(api, "post", "/members", {"email": "charlie@lab.example"}).status_code == 400


def test_managers_set_skills_and_owners_roles(api: Client, project: Project, mia: User, bob: User) -> None:
    path = f"/members/{member_of(project, bob).pk}"
    skilled = send(bearer(mia), "patch", path, {"skills": ["geometry", "geometry"]})
    assert skilled.json()["skills"] == ["geometry"]
    refused = send(bearer(mia), "patch", path, {"role": "manager", "skills": []})
    assert refused.status_code == 403
    assert member_of(project, bob).skills == ["geometry"], "nothing of a refused request is stored"
    assert send(api, "patch", path, {"role": "reviewer"}).json()["role"] == "reviewer"
    own = send(api, "patch", f"/members/{project.memberships.get(role='owner').pk}", {"role": "labeler"})
    assert (own.status_code, own.json()["error"]["code"]) == (400, "last_owner")
    assert send(api, "patch", path, {"role": "king"}).json()["error"]["fields"].keys() == {"role"}


def test_a_member_is_suspended_and_reinstated(api: Client, project: Project, bob: User) -> None:
    path = f"/members/{member_of(project, bob).pk}"
    assert send(api, "post", f"{path}/suspend").status_code == 400, "a reason is required"
    suspended = send(api, "post", f"{path}/suspend", {"reason": "Guesses."}).json()
    assert (suspended["status"], suspended["suspension"]["reason"]) == ("suspended", "Guesses.")
    assert suspended["suspension"]["by"] == "alice@lab.example"
    assert send(api, "patch", path, {"role": "reviewer"}).json()["error"]["code"] == "suspended"
    reinstated = send(api, "post", f"{path}/reinstate").json()
    assert (reinstated["status"], reinstated["suspension"]) == ("active", None)


def test_who_has_done_nothing_is_removed_and_others_are_held(
    api: Client, project: Project, bob: User, mia: User
) -> None:
    send(bearer(mia), "post", "/guidelines", {"text": "# Rules"})
    assert claim(round=make_round(project), labeler=bob)
    for user, why in ((bob, "1 assignment"), (mia, "1 change of theirs")):
        held = send(api, "delete", f"/members/{member_of(project, user).pk}")
        assert (held.status_code, held.json()["error"]["code"]) == (409, "held")
        assert why in held.json()["error"]["message"]
    idle = make_user("ida")
    member = add_member(project=project, user=idle, role="labeler")
    assert send(api, "delete", f"/members/{member.pk}").status_code == 204
    assert bearer(idle).get(API).status_code == 404
    assert AuditEvent.objects.filter(verb="member.deleted", target="ida@lab.example").exists()
    owner = project.memberships.get(role="owner")
    assert "only owner" in send(api, "delete", f"/members/{owner.pk}").json()["error"]["message"]


def test_members_of_other_projects_are_not_found(api: Client, project: Project, charlie: User) -> None:
    elsewhere = create_project(slug="other", owner=charlie)
    path = f"/members/{member_of(elsewhere, charlie).pk}"
    assert {send(api, method, path).status_code for method in ("get", "patch", "delete")} == {404}
    assert send(api, "post", f"{path}/suspend", {"reason": "Why not?"}).status_code == 404
    assert api.get(f"{API}/members/{2**63}").status_code == 404


def test_an_invitation_shows_its_link_once(api: Client, project: Project, mia: User, charlie: User) -> None:
    made = send(api, "post", "/invitations", {"role": "reviewer", "uses": 2, "days": 3})
    assert (made.status_code, made.json()["uses_left"]) == (201, 2)
    assert made.headers["Cache-Control"] == "no-store"
    secret = made.json()["url"].rstrip("/").rpartition("/")[2]
    listed = api.get(f"{API}/invitations")
    assert secret not in listed.content.decode()
    assert [row["id"] for row in listed.json()["results"]] == [made.json()["id"]]
    assert accept_invitation(secret=secret, user=charlie).role == "reviewer"
    too_high = send(bearer(mia), "post", "/invitations", {"role": "owner"})
    assert too_high.status_code == 403
    assert send(api, "delete", f"/invitations/{made.json()['id']}").status_code == 204
    assert api.get(f"{API}/invitations").json()["results"] == []
    assert not Invitation.objects.opens(secret)
    assert send(api, "delete", "/invitations/999999").status_code == 404


def test_guidelines_are_published_in_versions_and_read(api: Client, project: Project, bob: User) -> None:
    for text in ("# One", "# Two", "# Two"):
        published = send(api, "post", "/guidelines", {"text": text})
        assert published.status_code == 201
    assert (published.json()["version"], published.json()["author"]) == (2, "Alice")
    versions = bearer(bob).get(f"{API}/guidelines").json()["results"]
    assert [(row["version"], row["author"], "text" in row) for row in versions] == [(1, None, False), (2, None, False)]
    assert bearer(bob).get(f"{API}/guidelines/1").json()["text"] == "# One"
    assert api.get(f"{API}/guidelines/3").status_code == 404
    assert send(api, "post", "/guidelines", {"text": ""}).json()["error"]["fields"].keys() == {"text"}


def test_the_settings_of_a_project_are_changed_one_by_one(api: Client, project: Project) -> None:
    send(api, "patch", "", {"description": "Equations."})
    changed = send(api, "patch", "", {"name": "Linear algebra", "shows_scores": True}).json()
    shown = {name: changed[name] for name in ("slug", "name", "description", "shows_scores", "renders_texts")}
    assert shown == {
        "slug": "algebra",
        "name": "Linear algebra",
        "description": "Equations.",
        "shows_scores": True,
        "renders_texts": True,
    }
    assert send(api, "patch", "", {"name": ""}).json()["error"]["fields"].keys() == {"name"}
    assert AuditEvent.objects.filter(verb="project.updated").count() == 2
