"""Signing in by e-mail: no matter the case, no hint who has an account, no guessing without end."""

from __future__ import annotations

import itertools
import re

import pytest
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.services import create_user
from tests.cast import PASSWORD, html_without_tokens, signed_in

WRONG = "wrong horse battery"
# django-allauth's defaults, which settings leave as they are.
FAILURES_PER_ACCOUNT = 5
FAILURES_PER_ADDRESS = 10

_numbers = itertools.count(1)


def visitor() -> Client:
    """Somebody from an address of their own: limits are remembered from test to test."""
    number = next(_numbers)
    return Client(REMOTE_ADDR=f"10.1.{number // 250}.{number % 250 + 1}")


def sign_in(client: Client, email: str, password: str) -> HttpResponse:
    return client.post(reverse("account_login"), {"login": email, "password": password})  # type: ignore[return-value]


def complaints(answer: HttpResponse) -> str:
    """The page's errors without what differs from form to form."""
    return re.sub(r'value="[^"]*@[^"]*"', "", html_without_tokens(answer))


@pytest.fixture
def dora(db: None) -> User:
    """An account of its own for each test, for limits go by account too."""
    return create_user(email=f"dora{next(_numbers)}@lab.example", password=PASSWORD, name="Dora")


def test_an_address_is_the_same_in_any_case(dora: User) -> None:
    for email in (dora.email, dora.email.upper(), dora.email.title(), f" {dora.email} "):
        client = visitor()
        answer = sign_in(client, email, PASSWORD)
        assert answer.status_code == 302, email
        assert answer["Location"] == reverse("home")
        assert client.get(reverse("account")).context["user"] == dora


def test_a_password_is_not_the_same_in_any_case(dora: User) -> None:
    assert sign_in(visitor(), dora.email, PASSWORD.upper()).status_code == 200


def test_a_wrong_password_does_not_tell_whether_there_is_an_account(dora: User) -> None:
    known = sign_in(visitor(), dora.email, WRONG)
    unknown = sign_in(visitor(), f"nobody{next(_numbers)}@lab.example", WRONG)
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert complaints(known) == complaints(unknown)
    assert "not correct" in complaints(known)


def test_who_is_inactive_does_not_come_in_and_strangers_do_not_learn_it(dora: User) -> None:
    User.objects.filter(pk=dora.pk).update(is_active=False)
    client = visitor()
    sign_in(client, dora.email, PASSWORD)
    assert client.get(reverse("home")).status_code == 302
    guessed = sign_in(visitor(), dora.email, WRONG)
    unknown = sign_in(visitor(), f"nobody{next(_numbers)}@lab.example", WRONG)
    assert complaints(guessed) == complaints(unknown)


def test_who_becomes_inactive_is_out_at_once(dora: User) -> None:
    client = signed_in(dora)
    assert client.get(reverse("home")).status_code == 200
    User.objects.filter(pk=dora.pk).update(is_active=False)
    assert client.get(reverse("home")).status_code == 302


def test_an_imported_labeler_cannot_sign_in(db: None) -> None:
    came = User.objects.create_user("labeler-7@imported.invalid", is_imported=True)
    for password in ("", "!", came.password):
        client = visitor()
        sign_in(client, came.email, password)
        assert client.get(reverse("home")).status_code == 302


def test_an_account_is_guessed_at_so_often_and_then_not_even_the_password_helps(dora: User) -> None:
    for _ in range(FAILURES_PER_ACCOUNT):
        assert "not correct" in complaints(sign_in(visitor(), dora.email, WRONG))
    # From everywhere, in any case: the limit is the account's.
    for email in (dora.email, dora.email.upper()):
        client = visitor()
        refused = sign_in(client, email, PASSWORD)
        assert refused.status_code == 200
        assert "Too many failed login attempts" in refused.content.decode()
        assert client.get(reverse("home")).status_code == 302


def test_signing_in_does_not_count_as_failing(dora: User) -> None:
    for _ in range(FAILURES_PER_ACCOUNT + 2):
        assert sign_in(visitor(), dora.email, PASSWORD).status_code == 302


def test_an_address_guesses_at_many_accounts_so_often(dora: User) -> None:
    client = visitor()
    for _ in range(FAILURES_PER_ADDRESS):
        page = complaints(sign_in(client, f"nobody{next(_numbers)}@lab.example", WRONG))
        assert "not correct" in page
    assert "Too many failed login attempts" in complaints(sign_in(client, dora.email, PASSWORD))
    assert sign_in(visitor(), dora.email, PASSWORD).status_code == 302


def test_a_header_does_not_make_another_address(dora: User) -> None:
    number = next(_numbers)
    answers = [
        sign_in(
            Client(REMOTE_ADDR=f"10.2.0.{number}", headers={"X-Forwarded-For": f"10.3.0.{guess}"}),
            f"nobody{next(_numbers)}@lab.example",
            WRONG,
        )
        for guess in range(FAILURES_PER_ADDRESS + 1)
    ]
    assert "Too many failed login attempts" in complaints(answers[-1])


def test_the_admin_has_no_door_of_its_own(dora: User) -> None:
    User.objects.filter(pk=dora.pk).update(is_staff=True, is_superuser=True)
    client = visitor()
    answer = client.post("/admin/login/", {"username": dora.email, "password": PASSWORD})
    assert answer["Location"].startswith(reverse("account_login"))
    assert client.get("/admin/")["Location"].startswith("/admin/login/")


def test_a_sign_in_leads_on_inside_the_house_only(dora: User) -> None:
    for target, lands in (("/account", "/account"), ("https://evil.example/", "/"), ("//evil.example/", "/")):
        answer = visitor().post(reverse("account_login"), {"login": dora.email, "password": PASSWORD, "next": target})
        assert answer["Location"] == lands


def test_a_forgotten_password_does_not_tell_whether_there_is_an_account(dora: User) -> None:
    nobody = f"nobody{next(_numbers)}@lab.example"
    answers = [visitor().post(reverse("account_reset_password"), {"email": email}) for email in (dora.email, nobody)]
    assert [(one.status_code, one["Location"]) for one in answers] == [
        (302, reverse("account_reset_password_done"))
    ] * 2
    to = {mailed.to[0]: mailed.body for mailed in mail.outbox}
    assert "/accounts/password/reset/key/" in to[dora.email]
    assert "/accounts/password/reset/key/" not in to.get(nobody, "")


def test_a_forgotten_password_is_made_anew_by_the_mailed_link_once(dora: User) -> None:
    visitor().post(reverse("account_reset_password"), {"email": dora.email.upper()})
    (path,) = re.findall(r"/accounts/password/reset/key/\S+", mail.outbox[0].body)
    client = visitor()
    form = client.get(path, follow=True)
    there = form.redirect_chain[-1][0]
    weak = client.post(there, {"password1": "12345678", "password2": "12345678"})
    assert weak.status_code == 200
    assert "entirely numeric" in weak.content.decode()
    assert client.post(there, {"password1": WRONG, "password2": WRONG}).status_code == 302
    assert sign_in(visitor(), dora.email, WRONG).status_code == 302
    assert sign_in(visitor(), dora.email, PASSWORD).status_code == 200
    assert b"password1" not in visitor().get(path, follow=True).content


def test_another_password_ends_the_sessions_elsewhere(dora: User) -> None:
    here, elsewhere = visitor(), visitor()
    for client in (here, elsewhere):
        sign_in(client, dora.email, PASSWORD)
    changed = here.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": WRONG, "password2": WRONG}
    )
    assert changed.status_code == 302
    assert elsewhere.get(reverse("home")).status_code == 302
    assert sign_in(visitor(), dora.email, WRONG).status_code == 302
