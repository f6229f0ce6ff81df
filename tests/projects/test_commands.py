"""`create_project`: one object for scripts, lines for people, an error that names the field."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.projects.models import Project


def said(*words: str) -> str:
    out = StringIO()
    call_command("create_project", *words, stdout=out)
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
