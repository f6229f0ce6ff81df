"""How `accounts` asks whether an invitation is valid: the app that makes invitations is on a floor above."""

from __future__ import annotations

from collections.abc import Callable

# Each returns whether the secret of an invitation link is still valid.
INVITATION_CHECKS: list[Callable[[str], bool]] = []
