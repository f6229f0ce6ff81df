"""What django-allauth asks us: sign-up is closed unless an invitation opened it."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

INVITATION_KEY = "invitation"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Only somebody who holds a valid invitation link may make an account."""
        return INVITATION_KEY in request.session
