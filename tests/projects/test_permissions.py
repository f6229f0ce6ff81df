"""Who may do what, written out a second time."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import NotAllowed, NotFound
from apps.projects.models import Membership, Project, Role
from apps.projects.permissions import NEEDS, can, membership_for, membership_of, project_for

MAY = {
    "labeler": {"label", "view"},
    "reviewer": {"label", "view", "browse", "review", "evaluate"},
    "manager": {
        "label",
        "view",
        "browse",
        "review",
        "evaluate",
        "import",
        "export",
        "manage_rounds",
        "edit_problems",
        "estimate",
        "manage_endpoints",
        "invite",
        "edit_guidelines",
        "audit",
    },
    "owner": {
        "label",
        "view",
        "browse",
        "review",
        "evaluate",
        "import",
        "export",
        "manage_rounds",
        "edit_problems",
        "estimate",
        "manage_endpoints",
        "invite",
        "edit_guidelines",
        "audit",
        "manage_members",
    },
}
ACTIONS = sorted(MAY["owner"])


def test_the_table_knows_every_role_and_action() -> None:
    assert set(MAY) == set(Role.values)
    assert set(ACTIONS) == set(NEEDS)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_role_may_do_what_the_table_says(project: Project, charlie: User, role: str, action: str) -> None:
    member = Membership.objects.create(project=project, user=charlie, role=role)
    assert can(member, action) == (action in MAY[role])
    if action in MAY[role]:
        assert project_for(charlie, project.slug, action) == project
    else:
        with pytest.raises(NotAllowed) as told:
            project_for(charlie, project.slug, action)
        assert f"your role is {role}" in told.value.message


@pytest.mark.parametrize("action", ACTIONS)
def test_a_stranger_is_not_told_that_the_project_exists(project: Project, charlie: User, action: str) -> None:
    assert not can(membership_of(charlie, project), action)
    for slug in (project.slug, "no-such-project"):
        with pytest.raises(NotFound) as told:
            project_for(charlie, slug, action)
        assert str(told.value) == "No such project."


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(("status", "refusal"), [("suspended", NotAllowed), ("imported", NotFound)])
def test_who_is_not_active_may_nothing_whatever_the_role(
    project: Project, charlie: User, action: str, status: str, refusal: type[Exception]
) -> None:
    member = Membership.objects.create(project=project, user=charlie, role="owner", status=status)
    assert not can(member, action)
    with pytest.raises(refusal):
        membership_for(charlie, action, project=project)
    assert not Project.objects.visible_to(charlie).exists()


def test_a_role_in_one_project_is_none_in_another(project: Project, alice: User, charlie: User) -> None:
    other = Project.objects.create(slug="other", name="Other")
    Membership.objects.create(project=other, user=charlie, role="owner")
    with pytest.raises(NotFound):
        project_for(charlie, project.slug, "view")
    assert list(Project.objects.visible_to(alice)) == [project]
    assert list(Project.objects.visible_to(charlie)) == [other]
