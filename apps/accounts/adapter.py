"""django-allauth's adapter: sign-up is closed unless an invitation opens it."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from apps.accounts.invitations import INVITATION_CHECKS
from apps.accounts.models import User

INVITATION_KEY = "invitation"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002
        """Mark the user as invited: sign-up is open to invited people only."""
        user.is_invited = True
        saved: User = super().save_user(request, user, form, commit)
        return saved

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """True for a visitor whose invitation link is still valid, and was not revoked since they opened it."""
        secret = request.session.get(INVITATION_KEY)
        return secret is not None and any(is_good(secret) for is_good in INVITATION_CHECKS)
