"""Founding a project: who owns it, and which names it may have."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError
from apps.projects.models import Membership, Project, Role
from apps.projects.services import create_project, update_project
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
