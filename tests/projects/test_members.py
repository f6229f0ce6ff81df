"""Members come, change roles, are suspended and come back; an owner always stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.http import HttpResponse
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member, change_role, create_project, reinstate_member, remove_member
from tests.cast import make_user, signed_in


def membership(user: User, project: Project) -> Membership:
    return Membership.objects.get(user=user, project=project)


def asked(by: User, page: str, member: Membership, **data: str) -> HttpResponse:
    return signed_in(by).post(reverse(page, args=[member.project.slug, member.pk]), data)  # type: ignore[return-value]


def test_the_owner_gives_a_member_another_role(project: Project, alice: User, bob: User) -> None:
    answer = asked(alice, "member-role", membership(bob, project), role="reviewer")
    assert answer["Location"] == reverse("people", args=[project.slug])
    assert membership(bob, project).role == Role.REVIEWER
    event = AuditEvent.objects.first()
    assert event is not None
    assert (event.verb, event.actor, event.target) == ("member.set", alice, bob.email)
    assert (event.before, event.after) == ("labeler", "reviewer")


def test_a_role_that_there_is_not_changes_nothing(project: Project, alice: User, bob: User) -> None:
    answer = asked(alice, "member-role", membership(bob, project), role="king")
    assert answer.status_code == 400
    assert membership(bob, project).role == Role.LABELER


def test_the_last_owner_neither_leaves_nor_steps_down(project: Project, alice: User, mia: User) -> None:
    owner = membership(alice, project)
    for page, data in (("member-role", {"role": "manager"}), ("member-suspend", {})):
        answer = asked(alice, page, owner, **data)
        assert answer.status_code == 400
        assert b"must have at least one owner" in answer.content
    owner.refresh_from_db()
    assert (owner.role, owner.status) == ("owner", "active")


def test_an_owner_beside_another_may_step_down(project: Project, alice: User, mia: User) -> None:
    change_role(membership=membership(mia, project), role="owner", actor=alice)
    answer = asked(alice, "member-role", membership(alice, project), role="labeler")
    assert answer["Location"] == reverse("project", args=[project.slug])
    assert membership(alice, project).role == Role.LABELER
    with pytest.raises(DomainError) as told:
        remove_member(membership=membership(mia, project), actor=mia)
    assert told.value.code == "last_owner"


def test_a_suspended_owner_does_not_count_as_one(project: Project, alice: User, mia: User) -> None:
    change_role(membership=membership(mia, project), role="owner", actor=alice)
    remove_member(membership=membership(mia, project), actor=alice)
    with pytest.raises(DomainError) as told:
        change_role(membership=membership(alice, project), role="manager", actor=alice)
    assert told.value.code == "last_owner"


def test_an_owner_of_another_project_does_not_count_as_one(project: Project, alice: User, charlie: User) -> None:
    create_project(slug="other", owner=charlie)
    with pytest.raises(DomainError):
        remove_member(membership=membership(alice, project), actor=alice)


@pytest.mark.django_db(transaction=True)
def test_two_owners_cannot_both_step_down_at_once() -> None:
    first, second = make_user("alice"), make_user("mia")
    project = create_project(slug="algebra", owner=first)
    add_member(project=project, user=second, role="owner")
    barrier = Barrier(2)

    def step_down(user: User) -> str:
        try:
            mine = membership(user, project)
            barrier.wait(10)
            change_role(membership=mine, role="labeler", actor=user)
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "done"

    for _ in range(5):
        Membership.objects.filter(project=project).update(role="owner")
        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(step_down, [first, second])) == ["done", "last_owner"]
        assert Membership.objects.filter(project=project, role="owner").count() == 1


def test_who_is_suspended_is_out_at_once_and_comes_back_with_the_same_role(
    project: Project, alice: User, rita: User
) -> None:
    client, page = signed_in(rita), reverse("project", args=[project.slug])
    assert client.get(page).status_code == 200
    asked(alice, "member-suspend", membership(rita, project))
    refused = client.get(page)
    assert refused.status_code == 403
    assert b"suspended" in refused.content
    asked(alice, "member-reinstate", membership(rita, project))
    assert client.get(page).status_code == 200
    assert membership(rita, project).role == Role.REVIEWER
    verbs = list(AuditEvent.objects.values_list("verb", "actor", "target")[:2])
    assert verbs == [("member.set", alice.pk, rita.email), ("member.suspended", alice.pk, rita.email)]


def test_another_role_lets_nobody_back_in(project: Project, alice: User, bob: User) -> None:
    asked(alice, "member-suspend", membership(bob, project))
    answer = asked(alice, "member-role", membership(bob, project), role="reviewer")
    assert answer.status_code == 400
    assert b"Reinstate them first" in answer.content
    held = membership(bob, project)
    assert (held.role, held.status) == ("labeler", "suspended")


def test_a_labeler_who_came_with_a_file_gets_no_role(project: Project, alice: User, charlie: User) -> None:
    came = Membership.objects.create(project=project, user=charlie, status="imported")
    for act in (
        lambda: change_role(membership=came, role="owner", actor=alice),
        lambda: remove_member(membership=came, actor=alice),
        lambda: reinstate_member(membership=came, actor=alice),
    ):
        with pytest.raises(DomainError) as told:
            act()
        assert told.value.code == "imported"
    came.refresh_from_db()
    assert (came.role, came.status) == ("labeler", "imported")


def test_a_members_pseudonym_stays_theirs(project: Project, alice: User, bob: User) -> None:
    pseudonym = membership(bob, project).pseudonym
    change_role(membership=membership(bob, project), role="reviewer", actor=alice)
    remove_member(membership=membership(bob, project), actor=alice)
    reinstate_member(membership=membership(bob, project), actor=alice)
    add_member(project=project, user=bob, role="labeler")
    assert membership(bob, project).pseudonym == pseudonym


def test_pseudonyms_tell_people_apart_and_not_who_they_are(project: Project, bob: User, rita: User) -> None:
    other = create_project(slug="other", owner=bob)
    pseudonyms = [membership(bob, project).pseudonym, membership(rita, project).pseudonym]
    pseudonyms.append(membership(bob, other).pseudonym)
    assert len(set(pseudonyms)) == 3
    for name in ("bob", "rita", "lab.example"):
        assert not any(name in one for one in pseudonyms)


def test_a_long_address_does_not_keep_anybody_out(project: Project, charlie: User) -> None:
    charlie.email = f"{'c' * 60}@{'.'.join(['d' * 60] * 3)}.example"
    charlie.save()
    assert len(charlie.email) > 200
    add_member(project=project, user=charlie, role="labeler")
    event = AuditEvent.objects.get(verb="member.set", after="labeler")
    assert event.target == charlie.email[:200]
