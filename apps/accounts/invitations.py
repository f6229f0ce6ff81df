"""How `accounts` asks whether an invitation is valid: the app that creates invitations is above this one."""

from __future__ import annotations

from collections.abc import Callable

# Apps above that create invitations register a check here: whether a secret is still valid.
INVITATION_CHECKS: list[Callable[[str], bool]] = []
