"""Why Annotate cannot run on this machine."""

from __future__ import annotations


class LocalError(RuntimeError):
    """Annotate cannot start or continue; the message is a sentence for the user and names the remedy."""
