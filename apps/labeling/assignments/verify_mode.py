"""Verify mode: what a labeler was shown of the models' words, kept with their turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.labeling.models import Assignment

SHOWN = "shown"


def shown_in(assignment: Assignment) -> dict[str, Any] | None:
    """What the labeler has been shown in this turn; None when nothing yet."""
    return (assignment.extras or {}).get(SHOWN)


def keep_shown(assignment: Assignment, words: Mapping[str, Any]) -> None:
    """Once shown, it is what the labeler goes by: a newer run does not change it. Agreement with it can be counted."""
    assignment.extras = {**(assignment.extras or {}), SHOWN: dict(words)}
    assignment.save(update_fields=["extras"])
