"""Accounts come by invitation, with a password that holds."""

from __future__ import annotations

import itertools

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import create_user
from apps.core.errors import DomainError
from apps.projects.models import Invitation, Membership, Project
from apps.projects.services import invite, revoke_invitation
from tests.cast import PASSWORD, make_user

WEAK = {
    "1234567": "too short",
    "password123": "too common",
    "918273645546372819": "entirely numeric",
    "guest.person@lab.example": "too similar",
}

_numbers = itertools.count(1)


@pytest.fixture
def guest(db: None) -> Client:
    return Client(REMOTE_ADDR=f"10.9.0.{next(_numbers)}")


@pytest.fixture
def link(project: Project, alice: User) -> str:
    return reverse("join", args=[invite(project=project, role="reviewer", invited_by=alice)[1]])


def sign_up(client: Client, link: str = "", password: str = PASSWORD, **fields: str) -> HttpResponse:
    given = {"email": "Guest.Person@Lab.Example", "name": "Guest", "next": link, **fields}
    return client.post(  # type: ignore[return-value]
        reverse("account_signup"), {**given, "password1": password, "password2": fields.get("password2", password)}
    )


def test_nobody_signs_up_without_an_invitation(guest: Client) -> None:
    shown = guest.get(reverse("account_signup"))
    assert b"password1" not in shown.content
    assert b"invitation" in shown.content
    sign_up(guest)
    assert not User.objects.exists()


def test_who_follows_a_link_signs_up_and_is_in_the_project(guest: Client, link: str, project: Project) -> None:
    assert reverse("account_signup") in guest.get(link).content.decode()
    answer = sign_up(guest, link)
    assert answer["Location"] == link
    assert guest.get(link)["Location"] == reverse("project", args=[project.slug])
    user = User.objects.get(email="guest.person@lab.example")
    assert (user.name, user.is_staff, user.is_superuser) == ("Guest", False, False)
    assert Membership.objects.get(project=project, user=user).role == "reviewer"
    assert Invitation.objects.get().uses_left == 0
    assert user.password != PASSWORD
    assert user.check_password(PASSWORD)


def test_who_has_an_account_joins_by_signing_in(guest: Client, link: str, project: Project) -> None:
    user = make_user("hugo")
    guest.get(link)
    answer = guest.post(reverse("account_login"), {"login": user.email, "password": PASSWORD, "next": link})
    assert guest.get(answer["Location"])["Location"] == reverse("project", args=[project.slug])
    assert Membership.objects.get(project=project, user=user).role == "reviewer"


def test_a_link_that_was_opened_in_time_is_no_good_once_it_is_withdrawn(guest: Client, link: str, alice: User) -> None:
    guest.get(link)
    revoke_invitation(invitation=Invitation.objects.get(), actor=alice)
    sign_up(guest, link)
    assert set(User.objects.all()) == {alice}


@pytest.mark.parametrize("change", [{"uses_left": 0}, {"expires_at": timezone.now()}], ids=["used up", "expired"])
def test_a_link_that_was_opened_in_time_is_no_good_once_it_is_over(
    guest: Client, link: str, alice: User, change: dict[str, object]
) -> None:
    guest.get(link)
    Invitation.objects.update(**change)
    sign_up(guest, link)
    assert set(User.objects.all()) == {alice}


def test_a_wrong_link_opens_no_sign_up(guest: Client, alice: User) -> None:
    guest.get(reverse("join", args=["wrong"]))
    sign_up(guest)
    assert set(User.objects.all()) == {alice}


@pytest.mark.parametrize(("password", "complaint"), WEAK.items())
def test_a_weak_password_is_refused_at_sign_up(
    guest: Client, link: str, alice: User, password: str, complaint: str
) -> None:
    guest.get(link)
    answer = sign_up(guest, link, password)
    assert answer.status_code == 200
    assert complaint in answer.content.decode()
    assert set(User.objects.all()) == {alice}


@pytest.mark.parametrize(("password", "complaint"), WEAK.items())
def test_a_weak_password_is_refused_by_the_operators_way_too(db: None, password: str, complaint: str) -> None:
    with pytest.raises(DomainError) as told:
        create_user(email="guest.person@lab.example", password=password)
    assert complaint in told.value.fields["password"]
    assert not User.objects.exists()


def test_both_passwords_have_to_be_the_same(guest: Client, link: str, alice: User) -> None:
    guest.get(link)
    assert sign_up(guest, link, password2="another horse").status_code == 200
    assert set(User.objects.all()) == {alice}


def test_an_address_has_one_account_in_any_case(guest: Client, link: str, alice: User) -> None:
    guest.get(link)
    sign_up(guest, link, email=alice.email.upper())
    assert User.objects.filter(email__iexact=alice.email).count() == 1
    assert guest.get(reverse("home")).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@lab.example", f"{'a' * 60}@{'b.' * 130}example"])
def test_what_is_no_address_gets_no_account(db: None, email: str) -> None:
    with pytest.raises(DomainError) as told:
        create_user(email=email, password=PASSWORD)
    assert set(told.value.fields) == {"email"}
    assert not User.objects.exists()


def test_a_taken_address_is_named(alice: User) -> None:
    with pytest.raises(DomainError) as told:
        create_user(email=f" {alice.email.upper()} ", password=PASSWORD)
    assert (told.value.code, told.value.fields) == ("exists", {"email": "taken"})


def test_a_name_that_is_too_long_is_named(db: None) -> None:
    with pytest.raises(DomainError) as told:
        create_user(email="long@lab.example", password=PASSWORD, name="n" * 201)
    assert set(told.value.fields) == {"name"}
