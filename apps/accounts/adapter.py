"""What django-allauth asks us: sign-up is closed unless an invitation opened it."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

INVITATION_KEY = "invitation"

# Whoever stands above and makes invitations adds here what tells whether a secret still opens the door.
INVITATION_CHECKS: list[Callable[[str], bool]] = []


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Only somebody who holds a valid invitation link may make an account: not one withdrawn since they opened it."""
        secret = request.session.get(INVITATION_KEY)
        return secret is not None and any(is_good(secret) for is_good in INVITATION_CHECKS)
