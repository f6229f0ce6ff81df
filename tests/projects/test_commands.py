"""`create_project` and `set_member`: one object for scripts, lines for people, an error that names the field."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import AuditEvent, User
from apps.projects.models import Project
from apps.projects.services import invite


def said(*words: str, command: str = "create_project") -> str:
    out = StringIO()
    call_command(command, *words, stdout=out)
    return out.getvalue()


def test_it_founds_a_project_with_its_owner(alice: User) -> None:
    out = json.loads(said("geometry", "--name", "Plane geometry", "--owner", "ALICE@lab.example", "--json"))
    assert out == {"slug": "geometry", "name": "Plane geometry", "owner": "alice@lab.example"}
    (member,) = Project.objects.get(slug="geometry").memberships.all()
    assert (member.user, member.role, member.status) == (alice, "owner", "active")


def test_it_founds_a_project_of_nobody_yet(db: None) -> None:
    assert json.loads(said("geometry", "--json")) == {"slug": "geometry", "name": "geometry", "owner": None}
    assert not Project.objects.get().memberships.exists()


def test_it_tells_people_in_lines(alice: User) -> None:
    out = said("geometry", "--owner", alice.email)
    assert out.splitlines() == ["slug: geometry", "name: geometry", "owner: alice@lab.example"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["algebra"], "slug: taken"),
        (["two words"], "slug: "),
        (["new"], "slug: reserved"),
        (["s" * 65], "slug: "),
        (["geometry", "--name", "n" * 201], "name: "),
        (["geometry", "--owner", "nobody@lab.example"], "owner: unknown"),
        ([], "slug"),
    ],
)
def test_it_names_what_is_wrong_and_founds_nothing(project: Project, words: list[str], message: str) -> None:
    with pytest.raises(CommandError) as refused:
        said(*words, "--json")
    assert message in str(refused.value)
    assert list(Project.objects.all()) == [project]


def set_member(email: str, role: str, slug: str = "algebra") -> dict[str, str]:
    out: dict[str, str] = json.loads(said(email, "--project", slug, "--role", role, "--json", command="set_member"))
    return out


def test_a_project_whose_owner_is_gone_gets_another(project: Project, alice: User, charlie: User, bob: User) -> None:
    """The admin only shows members; here it is on record, and links end with the rights of who made them."""
    assert set_member(charlie.email.upper(), "owner") == {"email": charlie.email, "project": "algebra", "role": "owner"}
    invitation, _ = invite(project=project, role="manager", invited_by=alice)
    set_member(alice.email, "reviewer")
    set_member(bob.email, "manager")
    roles = dict(project.memberships.values_list("user__email", "role"))
    assert roles == {alice.email: "reviewer", bob.email: "manager", charlie.email: "owner"}
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
    changes = AuditEvent.objects.filter(verb="member.set", project="algebra", actor=None)
    assert (alice.email, "owner", "reviewer") in changes.values_list("target", "before", "after")


@pytest.mark.parametrize(
    ("email", "role", "slug", "message"),
    [
        ("nobody@lab.example", "owner", "algebra", "email: unknown"),
        ("alice@lab.example", "owner", "nowhere", "project: unknown"),
        ("alice@lab.example", "reviewer", "algebra", "at least one owner"),
        ("alice@lab.example", "king", "algebra", "role"),
    ],
)
def test_set_member_names_what_is_wrong(project: Project, email: str, role: str, slug: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        set_member(email, role, slug)
    assert project.memberships.get().role == "owner"
