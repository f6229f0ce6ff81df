"""Founding a project: who owns it, and which names it may have."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError, NotAllowed
from apps.projects.models import Membership, Project, Role
from apps.projects.services import (
    accept_invitation,
    change_role,
    create_project,
    found_project,
    invite,
    may_found,
    remove_member,
    update_project,
)
from tests.cast import bearer, signed_in


def test_who_founds_a_project_by_its_page_owns_it(charlie: User) -> None:
    answer = signed_in(charlie).post(
        reverse("project-new"), {"name": "Geometry", "slug": "geometry", "verifier": "exact"}
    )
    assert answer["Location"] == reverse("project", args=["geometry"])
    project = Project.objects.get(slug="geometry")
    assert (project.name, project.verifier) == ("Geometry", "exact")
    member = Membership.objects.get(project=project)
    assert (member.user, member.role, member.status) == (charlie, "owner", "active")


def test_who_founds_a_project_by_the_api_owns_it(charlie: User) -> None:
    answer = bearer(charlie).post("/api/v1/projects", {"slug": "geometry"}, content_type="application/json")
    assert answer.status_code == 201
    assert answer.json()["name"] == "geometry"
    assert Membership.objects.get(project__slug="geometry").role == Role.OWNER


# --- founding is a right ------------------------------------------------------------------------------------


def founds(user: User) -> tuple[int, int]:
    """Statuses of the page and of the API; both say the same."""
    form = {"name": "Geometry", "slug": "by-page", "verifier": "math"}
    page = signed_in(user).post(reverse("project-new"), form)
    api = bearer(user).post("/api/v1/projects", {"slug": "by-api"}, content_type="application/json")
    if api.status_code == 403:
        assert api.json()["error"]["code"] == "may_not_found"
        assert b"You may not create projects on this server" in page.content
    shown = b"New project" in signed_in(user).get("/").content
    assert shown == may_found(user)
    return page.status_code, api.status_code


def test_an_invited_labeler_founds_nothing(project: Project, bob: User) -> None:
    assert founds(bob) == (403, 403)
    assert signed_in(bob).get(reverse("project-new")).status_code == 403
    with pytest.raises(NotAllowed):
        found_project(founder=bob, slug="mine")
    assert list(Project.objects.all()) == [project]


def test_who_is_more_than_a_labeler_somewhere_founds_projects(project: Project, rita: User) -> None:
    assert founds(rita) == (302, 201)


def test_whom_the_operator_let_in_founds_projects_until_they_are_a_labeler_only(
    project: Project, charlie: User, alice: User
) -> None:
    assert may_found(charlie)
    _, secret = invite(project=project, role="labeler", invited_by=alice)
    member = accept_invitation(secret=secret, user=charlie)
    assert founds(charlie) == (403, 403)
    change_role(membership=member, role="reviewer", actor=alice)
    assert may_found(charlie)
    remove_member(membership=member, actor=alice)
    assert not may_found(charlie), "a suspended reviewer has no rights to lend"


def test_who_signed_up_by_a_link_and_never_joined_founds_nothing(charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_invited=True)
    charlie.refresh_from_db()
    assert founds(charlie) == (403, 403)


@pytest.mark.parametrize(
    ("setting", "labeler", "owner", "staff"),
    [("everyone", True, True, True), ("members", False, True, True), ("staff", False, False, True)],
)
def test_the_operator_says_who_founds_projects(
    project: Project, bob: User, alice: User, settings: Any, setting: str, *, labeler: bool, owner: bool, staff: bool
) -> None:
    settings.PROJECT_FOUNDERS = setting
    assert (may_found(bob), may_found(alice)) == (labeler, owner)
    bob.is_staff = True
    assert may_found(bob) == staff


def test_the_command_founds_for_anybody(bob: User) -> None:
    call_command("create_project", "geometry", owner=bob.email)
    assert Membership.objects.get(project__slug="geometry", user=bob).role == Role.OWNER


# --- names --------------------------------------------------------------------------------------------------


def test_a_slug_is_taken_once(project: Project, charlie: User) -> None:
    with pytest.raises(DomainError) as told:
        create_project(slug=project.slug, owner=charlie)
    assert (told.value.code, told.value.fields) == ("exists", {"slug": "taken"})
    answer = signed_in(charlie).post(reverse("project-new"), {"name": "Mine", "slug": project.slug, "verifier": "math"})
    assert answer.status_code == 422
    assert b"taken" in answer.content
    assert not charlie.memberships.exists()


@pytest.mark.parametrize("slug", ["", " ", "two words", "a/b", "ä", "a.b", "x" * 65, "new\n"])
def test_a_slug_that_fits_no_address_is_refused(alice: User, slug: str) -> None:
    with pytest.raises(DomainError) as told:
        create_project(slug=slug, name="Named", owner=alice)
    assert set(told.value.fields) == {"slug"}
    assert not Project.objects.exists()


@pytest.mark.parametrize("slug", ["x", "x" * 64, "A_b-3", "-", "NEW"])
def test_a_slug_that_fits_is_an_address(alice: User, slug: str) -> None:
    create_project(slug=slug, name="Named", owner=alice)
    page = signed_in(alice).get(reverse("project", args=[slug]))
    assert page.status_code == 200
    assert b"Named" in page.content


def test_a_project_is_not_named_like_a_page(alice: User) -> None:
    with pytest.raises(DomainError) as told:
        create_project(slug="new", owner=alice)
    assert told.value.fields == {"slug": "reserved"}
    answer = bearer(alice).post("/api/v1/projects", {"slug": "new"}, content_type="application/json")
    assert answer.status_code == 400
    form = signed_in(alice).post(reverse("project-new"), {"name": "New", "slug": "new", "verifier": "math"})
    assert form.status_code == 422
    assert b"reserved" in form.content


def test_a_name_that_is_too_long_is_named(alice: User) -> None:
    with pytest.raises(DomainError) as told:
        create_project(slug="long", name="n" * 201, owner=alice)
    assert set(told.value.fields) == {"name"}
    assert create_project(slug="long", name="n" * 200, owner=alice).name == "n" * 200


def test_an_unknown_verifier_is_named(alice: User) -> None:
    with pytest.raises(DomainError) as told:
        create_project(slug="odd", owner=alice, verifier="oracle")
    assert told.value.fields == {"verifier": "unknown: oracle"}
    assert "math" in told.value.message


def test_settings_change_the_name_and_never_the_slug(project: Project, alice: User) -> None:
    page = reverse("project-settings", args=["algebra"])
    signed_in(alice).post(page, {"name": "Higher algebra", "description": "Rings.", "slug": "rings"})
    project.refresh_from_db()
    assert (project.slug, project.name, project.description) == ("algebra", "Higher algebra", "Rings.")


def test_founding_and_renaming_are_on_record(project: Project, alice: User) -> None:
    update_project(project=project, name="Rings", description="", actor=alice)
    renamed, founded, joined = AuditEvent.objects.all()
    assert (renamed.verb, renamed.actor, renamed.project) == ("project.updated", alice, "algebra")
    assert (renamed.before["name"], renamed.after["name"]) == ("Algebra", "Rings")
    assert (founded.verb, founded.actor, founded.target) == ("project.created", alice, "algebra")
    assert (joined.verb, joined.target, joined.before, joined.after) == ("member.set", alice.email, None, "owner")
