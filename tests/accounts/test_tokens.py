"""API tokens: shown once, kept as a hash, good for what they say and as long as they say."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEvent, User
from apps.accounts.services import issue_token, revoke_token
from apps.core.errors import DomainError
from apps.projects.models import Project
from tests.cast import signed_in

LIST = "/api/v1/projects"


def holding(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def places_of(text: str) -> set[str]:
    """The tables that hold this text in any column."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT count(*) FROM {name} AS held WHERE position(%s in held::text) > 0", [text])  # noqa: S608
            if cursor.fetchone() != (0,):
                found.add(table)
    return found


def test_no_column_holds_the_secret(alice: User) -> None:
    token, secret = issue_token(user=alice, name="script")
    assert len(secret) >= 40
    assert places_of(token.digest) == {"accounts_apitoken"}
    assert places_of(secret) == set()
    assert places_of(secret.removeprefix("ann_")) == set()
    assert places_of(secret[-20:]) == set()


def test_the_page_shows_the_secret_once(alice: User) -> None:
    client = signed_in(alice)
    page = client.post(reverse("token-new"), {"name": "script", "scopes": ["read"], "days": 7})
    (secret,) = set(re.findall(r"ann_[\w-]{40,}", page.content.decode()))
    assert holding(secret).get(LIST).status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert secret not in client.get(reverse("tokens")).content.decode()
    token = ApiToken.objects.get()
    assert (token.name, token.scopes) == ("script", ["read"])
    assert token.expires_at is not None
    assert timedelta(days=6, hours=23) < token.expires_at - timezone.now() <= timedelta(days=7)


def test_two_tokens_are_never_the_same(alice: User) -> None:
    secrets = {issue_token(user=alice)[1] for _ in range(20)}
    assert len(secrets) == 20
    assert ApiToken.objects.count() == 20


def test_a_token_acts_for_its_owner(project: Project, alice: User, charlie: User) -> None:
    for user, slugs in ((alice, [project.slug]), (charlie, [])):
        answer = holding(issue_token(user=user)[1]).get(LIST)
        assert [one["slug"] for one in answer.json()["results"]] == slugs


@pytest.mark.parametrize(
    ("scopes", "reads", "writes"), [(["read"], 200, 403), (["write"], 403, 201), (["label"], 403, 403)]
)
def test_a_token_is_good_for_its_scopes_only(alice: User, scopes: list[str], reads: int, writes: int) -> None:
    client = holding(issue_token(user=alice, scopes=scopes)[1])
    assert client.get(LIST).status_code == reads
    assert client.post(LIST, {"slug": "made"}, content_type="application/json").status_code == writes
    assert Project.objects.filter(slug="made").exists() == (writes == 201)


@pytest.mark.parametrize(("scopes", "wrong"), [(["read", "admin", "root"], "unknown: admin, root"), ([], "none given")])
def test_scopes_that_there_are_not_make_no_token(alice: User, scopes: list[str], wrong: str) -> None:
    with pytest.raises(DomainError) as told:
        issue_token(user=alice, scopes=scopes)
    assert told.value.fields == {"scopes": wrong}
    assert "read, write, label" in told.value.message
    assert not ApiToken.objects.exists()
    assert signed_in(alice).post(reverse("token-new"), {"scopes": scopes, "days": 7}).status_code == 422


def test_a_token_expires(alice: User) -> None:
    token, secret = issue_token(user=alice, expires_at=timezone.now() + timedelta(minutes=1))
    assert holding(secret).get(LIST).status_code == 200
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    refused = holding(secret).get(LIST)
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"] == "Bearer"
    assert "expired" in refused.json()["error"]["message"]


def test_a_revoked_token_works_no_more_and_others_do(alice: User) -> None:
    (first, one), (_, two) = issue_token(user=alice), issue_token(user=alice)
    client = signed_in(alice)
    assert client.post(reverse("token-revoke", args=[first.pk])).status_code == 302
    assert holding(one).get(LIST).status_code == 401
    assert holding(two).get(LIST).status_code == 200
    assert client.post(reverse("token-revoke", args=[first.pk])).status_code == 404


def test_nobody_revokes_or_sees_another_ones_token(alice: User, charlie: User) -> None:
    token, secret = issue_token(user=alice, name="of alice")
    assert signed_in(charlie).post(reverse("token-revoke", args=[token.pk])).status_code == 404
    assert b"of alice" not in signed_in(charlie).get(reverse("tokens")).content
    assert b"of alice" in signed_in(alice).get(reverse("tokens")).content
    assert holding(secret).get(LIST).status_code == 200


def test_a_token_of_somebody_inactive_is_refused(alice: User) -> None:
    _, secret = issue_token(user=alice)
    assert holding(secret).get(LIST).status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert holding(secret).get(LIST).status_code == 401
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert holding(secret).get(LIST).status_code == 200


def test_the_digest_is_no_key(alice: User) -> None:
    token, secret = issue_token(user=alice)
    for wrong in (token.digest, token.prefix, secret[:-1], secret + "x", secret.lower(), f"{secret} {secret}"):
        assert holding(wrong).get(LIST).status_code == 401, wrong


@pytest.mark.parametrize(
    ("header", "status"), [("bearer {}", 200), ("BEARER   {}", 200), ("Token {}", 401), ("{}", 401)]
)
def test_the_header_is_read_as_the_standard_says(alice: User, header: str, status: int) -> None:
    _, secret = issue_token(user=alice)
    assert Client(headers={"Authorization": header.format(secret)}).get(LIST).status_code == status


def test_a_wrong_token_is_not_made_good_by_a_session(alice: User) -> None:
    client = signed_in(alice)
    assert client.get(LIST).status_code == 200
    assert client.get(LIST, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_token_opens_no_page(alice: User) -> None:
    _, secret = issue_token(user=alice)
    assert holding(secret).get(reverse("home")).status_code == 302


def test_its_last_use_is_noted_every_few_minutes(alice: User) -> None:
    token, secret = issue_token(user=alice)
    assert token.last_used_at is None
    client = holding(secret)
    began = timezone.now()
    client.get(LIST)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    assert began <= first <= timezone.now()
    client.get(LIST)
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=6))
    client.get(LIST)
    token.refresh_from_db()
    assert token.last_used_at > first


def test_a_refused_token_was_not_used(alice: User) -> None:
    token, secret = issue_token(user=alice)
    revoke_token(token=token, actor=alice)
    holding(secret).get(LIST)
    token.refresh_from_db()
    assert token.last_used_at is None


def test_making_and_revoking_are_on_record_without_the_secret(alice: User) -> None:
    token, secret = issue_token(user=alice)
    revoke_token(token=token, actor=alice)
    revoked, issued = AuditEvent.objects.all()
    assert (issued.verb, issued.actor, issued.target) == ("token.issued", alice, token.prefix)
    assert (revoked.verb, revoked.actor, revoked.target) == ("token.revoked", alice, token.prefix)
    assert secret.startswith(token.prefix)
    assert len(token.prefix) == 10


def test_what_the_admin_revokes_is_on_record_too(alice: User, charlie: User) -> None:
    (one, secret), (other, _) = issue_token(user=charlie), issue_token(user=charlie)
    revoke_token(token=other, actor=charlie)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    answer = signed_in(alice).post(
        reverse("admin:accounts_apitoken_changelist"), {"action": "revoke", "_selected_action": [one.pk, other.pk]}
    )
    assert answer.status_code == 302
    assert holding(secret).get(LIST).status_code == 401
    events = AuditEvent.objects.filter(verb="token.revoked", actor=alice)
    assert [event.target for event in events] == [one.prefix]


def test_the_record_is_read_only_in_the_admin(alice: User) -> None:
    issue_token(user=alice)
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    event, client = AuditEvent.objects.get(verb="token.issued"), signed_in(alice)
    assert client.get(reverse("admin:accounts_auditevent_changelist")).status_code == 200
    assert client.get(reverse("admin:accounts_auditevent_add")).status_code == 403
    assert client.post(reverse("admin:accounts_auditevent_delete", args=[event.pk]), {"post": "yes"}).status_code == 403
    assert (
        client.post(
            reverse("admin:accounts_auditevent_change", args=[event.pk]), {"verb": "nothing.happened"}
        ).status_code
        == 403
    )
    event.refresh_from_db()
    assert event.verb == "token.issued"
