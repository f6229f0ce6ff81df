"""How `accounts` asks whether an invitation is valid: the app that makes invitations is on a floor above."""

from __future__ import annotations

from collections.abc import Callable

# Apps above that make invitations register here a check whether a secret is still valid.
INVITATION_CHECKS: list[Callable[[str], bool]] = []
