"""Links that let people in: once shown, never kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import DomainError, NotAllowed, NotFound
from apps.projects.models import Invitation, Membership, Project, Role
from apps.projects.services import (
    accept_invitation,
    add_member,
    change_role,
    create_project,
    invite,
    reinstate_member,
    remove_member,
    revoke_invitation,
)
from tests.cast import make_user, signed_in


def join(user: User, secret: str) -> int:
    return signed_in(user).post(reverse("join", args=[secret])).status_code


def test_a_link_makes_whoever_uses_it_a_member(project: Project, mia: User, charlie: User) -> None:
    page = signed_in(mia).post(
        reverse("invitation-new", args=[project.slug]), {"role": "reviewer", "uses": 1, "days": 7}
    )
    (path,) = set(re.findall(r"/join/[^/<\"]+/", page.content.decode()))
    client = signed_in(charlie)
    shown = client.get(path)
    assert b"Algebra" in shown.content
    assert not charlie.memberships.exists()
    assert client.post(path)["Location"] == reverse("project", args=[project.slug])
    member = Membership.objects.get(project=project, user=charlie)
    assert (member.role, member.status) == ("reviewer", "active")


def test_a_link_is_kept_as_its_hash_only(project: Project, alice: User) -> None:
    invitation, secret = invite(project=project, role="labeler", invited_by=alice)
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            quoted = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*) FROM {quoted} AS held WHERE held::text LIKE %s", [f"%{secret}%"])  # noqa: S608
            assert cursor.fetchone() == (0,), table
    assert len(secret) >= 32
    assert list(Invitation.objects.by_secret(secret)) == [invitation]
    again = signed_in(alice).get(reverse("people", args=[project.slug]))
    assert secret not in again.content.decode()


def test_a_link_is_good_for_so_many_people(project: Project, alice: User) -> None:
    _, secret = invite(project=project, role="labeler", invited_by=alice, uses=2)
    statuses = [join(make_user(name), secret) for name in ("dora", "emil", "finn")]
    assert statuses == [302, 302, 400]
    assert project.memberships.filter(role="labeler").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_link_for_one_lets_one_in_however_many_come_at_once() -> None:
    owner = make_user("alice")
    project = create_project(slug="algebra", owner=owner)
    people = [make_user(f"guest{number}") for number in range(4)]
    _, secret = invite(project=project, role="labeler", invited_by=owner)
    barrier = Barrier(len(people))

    def come(user: User) -> str:
        try:
            barrier.wait(10)
            accept_invitation(secret=secret, user=user)
        except DomainError as error:
            return error.code
        finally:
            connection.close()
        return "in"

    with ThreadPoolExecutor(len(people)) as threads:
        assert sorted(threads.map(come, people)) == ["in", *["invitation"] * 3]
    assert project.memberships.filter(role="labeler").count() == 1
    assert Invitation.objects.get().uses_left == 0


def test_a_link_expires(project: Project, alice: User, charlie: User) -> None:
    invitation, secret = invite(project=project, role="labeler", invited_by=alice, days=3)
    assert timedelta(days=2, hours=23) < invitation.expires_at - timezone.now() <= timedelta(days=3)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert join(charlie, secret) == 400
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now() + timedelta(minutes=1))
    assert join(charlie, secret) == 302


def test_a_withdrawn_link_lets_nobody_in_and_throws_nobody_out(
    project: Project, alice: User, mia: User, charlie: User
) -> None:
    invitation, secret = invite(project=project, role="labeler", invited_by=alice, uses=5)
    early = make_user("early")
    assert join(early, secret) == 302
    signed_in(mia).post(reverse("invitation-revoke", args=[project.slug, invitation.pk]))
    refused = signed_in(charlie).post(reverse("join", args=[secret]))
    assert refused.status_code == 400
    assert b"revoked" in refused.content
    assert Project.objects.visible_to(early).exists()
    assert not charlie.memberships.exists()


def test_a_link_of_another_project_is_not_withdrawn_from_here(project: Project, alice: User, charlie: User) -> None:
    other = create_project(slug="other", owner=charlie)
    theirs, _ = invite(project=other, role="labeler", invited_by=charlie)
    answer = signed_in(alice).post(reverse("invitation-revoke", args=[project.slug, theirs.pk]))
    assert answer.status_code == 404
    theirs.refresh_from_db()
    assert theirs.revoked_at is None


@pytest.mark.parametrize("secret", ["wrong", "x" * 500, "é"])
def test_a_link_that_nobody_made_says_no_more_than_an_old_one(charlie: User, secret: str) -> None:
    for client in (Client(), signed_in(charlie)):
        page = client.get(reverse("join", args=[secret]))
        assert page.status_code == 400
        assert b"has been used, has expired or was revoked" in page.content


def test_nobody_invites_somebody_above_themselves(project: Project, alice: User, mia: User) -> None:
    for role in Role:
        assert invite(project=project, role=role, invited_by=alice)[0].role == role
    for role in ("labeler", "reviewer", "manager"):
        assert invite(project=project, role=role, invited_by=mia)[0].role == role
    before = Invitation.objects.count()
    with pytest.raises(NotAllowed):
        invite(project=project, role="owner", invited_by=mia)
    form = signed_in(mia).post(reverse("invitation-new", args=[project.slug]), {"role": "owner", "uses": 1, "days": 7})
    assert form.status_code == 422
    assert Invitation.objects.count() == before


def test_a_link_lowers_no_role_and_is_not_used_up_by_who_has_it(project: Project, alice: User, rita: User) -> None:
    invitation, secret = invite(project=project, role="labeler", invited_by=alice)
    assert join(rita, secret) == 302
    assert Membership.objects.get(project=project, user=rita).role == Role.REVIEWER
    invitation.refresh_from_db()
    assert invitation.uses_left == 1


def test_a_link_raises_a_role(project: Project, alice: User, bob: User) -> None:
    _, secret = invite(project=project, role="reviewer", invited_by=alice)
    assert join(bob, secret) == 302
    assert Membership.objects.get(project=project, user=bob).role == Role.REVIEWER


def test_a_link_does_not_let_who_is_suspended_back_in(project: Project, alice: User, bob: User) -> None:
    invitation, secret = invite(project=project, role="manager", invited_by=alice)
    remove_member(membership=Membership.objects.get(project=project, user=bob), actor=alice)
    assert join(bob, secret) == 403
    held = Membership.objects.get(project=project, user=bob)
    assert (held.role, held.status) == ("labeler", "suspended")
    invitation.refresh_from_db()
    assert invitation.uses_left == 1


def test_links_made_used_and_withdrawn_are_on_record(project: Project, alice: User, charlie: User) -> None:
    invitation, secret = invite(project=project, role="reviewer", invited_by=alice, uses=2)
    accept_invitation(secret=secret, user=charlie)
    revoke_invitation(invitation=invitation, actor=alice)
    revoked, joined, made = AuditEvent.objects.all()[:3]
    assert (made.verb, made.actor, made.target, made.project) == ("invitation.created", alice, "reviewer", "algebra")
    assert (joined.verb, joined.actor, joined.target) == ("member.set", alice, charlie.email)
    assert (revoked.verb, revoked.actor, revoked.project) == ("invitation.revoked", alice, "algebra")


# --- a link gives nothing that its inviter has not ------------------------------------------------------------


def member_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def suspended(mia: User, alice: User) -> None:
    remove_member(membership=member_of(mia), actor=alice)


def lowered(mia: User, alice: User) -> None:
    change_role(membership=member_of(mia), role="reviewer", actor=alice)


def set_by_command(mia: User, alice: User) -> None:
    add_member(project=member_of(mia).project, user=mia, role="labeler")


def lowered_behind_our_back(mia: User, alice: User) -> None:
    """As the admin does it: past the services."""
    Membership.objects.filter(user=mia).update(role="reviewer")


def locked_out(mia: User, alice: User) -> None:
    User.objects.filter(pk=mia.pk).update(is_active=False)


def gone(mia: User, alice: User) -> None:
    Membership.objects.filter(user=mia).delete()


@pytest.mark.parametrize("ends", [suspended, lowered, set_by_command, lowered_behind_our_back, locked_out, gone])
def test_links_end_with_the_rights_of_their_inviter(
    project: Project, alice: User, mia: User, charlie: User, ends: Callable[[User, User], None]
) -> None:
    _, secret = invite(project=project, role="labeler", invited_by=mia, uses=5)
    _, other_secret = invite(project=project, role="manager", invited_by=alice)
    ends(mia, alice)
    assert not Invitation.objects.opens(secret)
    assert join(charlie, secret) == 400
    assert Client().get(reverse("join", args=[secret])).status_code == 400
    assert not charlie.memberships.exists()
    page = signed_in(alice).get(reverse("people", args=[project.slug])).content.decode()
    assert page.count("invitation-revoke") == 0
    assert page.count("Revoke</button>") == 1
    assert join(charlie, other_secret) == 302


@pytest.mark.parametrize("ends", [suspended, lowered, set_by_command])
def test_links_that_ended_are_withdrawn_on_record_and_do_not_come_back(
    project: Project, alice: User, mia: User, charlie: User, ends: Callable[[User, User], None]
) -> None:
    invitation, secret = invite(project=project, role="labeler", invited_by=mia)
    ends(mia, alice)
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
    event = AuditEvent.objects.get(verb="invitation.revoked")
    assert (event.target, event.after["invited_by"]) == ("labeler", mia.email)
    if member_of(mia).status == "suspended":
        reinstate_member(membership=member_of(mia), actor=alice)
    change_role(membership=member_of(mia), role="manager", actor=alice)
    assert join(charlie, secret) == 400


def test_an_owner_who_steps_down_leaves_the_links_that_a_manager_may_make(
    project: Project, alice: User, mia: User, charlie: User
) -> None:
    change_role(membership=member_of(mia), role="owner", actor=alice)
    links = {role: invite(project=project, role=role, invited_by=mia)[1] for role in Role}
    change_role(membership=member_of(mia), role="manager", actor=alice)
    assert {role: Invitation.objects.opens(secret) for role, secret in links.items()} == {
        "labeler": True,
        "reviewer": True,
        "manager": True,
        "owner": False,
    }
    assert AuditEvent.objects.get(verb="invitation.revoked").target == "owner"


def test_a_role_that_stays_or_rises_keeps_its_links(project: Project, alice: User, mia: User, charlie: User) -> None:
    _, secret = invite(project=project, role="reviewer", invited_by=mia)
    for role in ("manager", "owner"):
        change_role(membership=member_of(mia), role=role, actor=alice)
    assert join(charlie, secret) == 302


@pytest.mark.parametrize("role", ["labeler", "reviewer"])
def test_who_may_not_invite_makes_no_link_by_the_service_either(
    project: Project, bob: User, rita: User, charlie: User, role: str
) -> None:
    for user in (bob, rita):
        with pytest.raises(NotAllowed):
            invite(project=project, role=role, invited_by=user)
    with pytest.raises(NotFound):
        invite(project=project, role=role, invited_by=charlie)
    assert not Invitation.objects.exists()


def test_the_owner_sees_what_is_open(project: Project, alice: User, mia: User) -> None:
    invite(project=project, role="reviewer", invited_by=mia, uses=3, days=2)
    page = signed_in(alice).get(reverse("people", args=[project.slug])).content.decode()
    assert "3 uses left, until" in page
    assert "by Mia" in page
