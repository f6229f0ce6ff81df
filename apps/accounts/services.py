"""Accounts, API tokens, the audit log and the keys of the labeling page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ApiToken, AuditEvent, User
from apps.core.errors import DomainError


@transaction.atomic
def create_user(*, email: str, password: str, name: str = "", is_staff: bool = False) -> User:
    """Create a user who can sign in at once, with a verified address.

    Raises DomainError naming `email`, `name` or `password`.
    """
    email = email.strip().lower()
    _check(User(email=email, name=name), password)
    user = User.objects.create_user(email, password, name=name, is_staff=is_staff, is_superuser=is_staff)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _check(user: User, password: str) -> None:
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        fields = {name: texts[0] for name, texts in error.message_dict.items()}
        message = (
            "The e-mail address is not valid." if "email" in fields else "The name may have at most 200 characters."
        )
        raise DomainError(message, fields=fields) from error
    if User.objects.filter(email__iexact=user.email).exists():
        raise DomainError(f"{user.email} already has an account.", code="exists", fields={"email": "taken"})
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise DomainError("The password is too weak.", fields={"password": " ".join(error.messages)}) from error


def issue_token(
    *,
    user: User,
    scopes: Sequence[str] = tuple(ApiToken.Scope.values),
    name: str = "",
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Create a token. Returns it with its secret, which is not stored.

    Raises DomainError for unknown scopes.
    """
    unknown = sorted(set(scopes) - set(ApiToken.Scope.values))
    if unknown or not scopes:
        names = ", ".join(ApiToken.Scope.values)
        wrong = f"unknown: {', '.join(unknown)}" if unknown else "none given"
        raise DomainError(f"Scopes must be one or more of {names}.", fields={"scopes": wrong})
    secret = ApiToken.new_secret()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        prefix=secret[:10],
        digest=ApiToken.digest_of(secret),
        scopes=sorted(set(scopes)),
        expires_at=expires_at,
    )
    record_event(actor=user, verb="token.issued", target=token.prefix)
    return token, secret


def revoke_token(*, token: ApiToken, actor: User) -> None:
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    record_event(actor=actor, verb="token.revoked", target=token.prefix)


def record_event(
    *,
    actor: User | None,
    verb: str,
    target: str = "",
    project: str = "",
    before: Any = None,
    after: Any = None,
) -> AuditEvent:
    """Append to the audit log. Events are never updated or deleted."""
    # An e-mail address may be longer than the column: its beginning is recorded.
    return AuditEvent.objects.create(
        actor=actor, verb=verb, target=target[:200], project=project, before=before, after=after
    )


def rename_user(*, user: User, name: str) -> User:
    """Change the name that managers see. Exports never contain it."""
    user.name = name.strip()
    user.save(update_fields=["name"])
    return user


MOST_KEYS = 100
LONGEST_KEY = 32


def set_key_map(*, user: User, keys: Mapping[str, str]) -> User:
    """Save the changed keys of the labeling page, by command. An empty mapping resets them to their defaults.

    The page defines the commands. Raises DomainError naming the commands whose key is not valid.
    """
    wrong = {
        command[:LONGEST_KEY]: f"must have 1 to {LONGEST_KEY} characters"
        for command, key in keys.items()
        if not (0 < len(command) <= LONGEST_KEY and 0 < len(key) <= LONGEST_KEY)
    }
    if len(keys) > MOST_KEYS:
        wrong["keys"] = f"must have at most {MOST_KEYS} entries"
    if wrong:
        raise DomainError("Some keys are not valid.", fields=wrong)
    user.key_map = dict(keys)
    user.save(update_fields=["key_map"])
    return user
