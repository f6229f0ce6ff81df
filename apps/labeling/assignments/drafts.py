"""Drafts: what a labeler has entered before submitting, with a version number against lost updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from apps.core.errors import Conflict
from apps.labeling.models import Assignment

# A skipped task keeps taking drafts, because the page's last save may arrive after the skip.
_DRAFTABLE = [
    Assignment.State.LEASED,
    Assignment.State.EXPIRED,
    Assignment.State.RELEASED,
    Assignment.State.SKIPPED,
]


def draft_of(assignment: Assignment) -> dict[str, Any]:
    """The stored draft with its version; version 0 and no steps before the first save."""
    return {"steps": [], **(assignment.draft or {}), "version": assignment.draft_version}


def save_draft(*, assignment: Assignment, version: int, draft: Mapping[str, Any]) -> int:
    """Store the draft and return its new version.

    `version` is the one that the page saw last. Raises Conflict `stale_draft` if another tab or device has saved since
    then, and `already_submitted` after the submission.
    """
    own = Assignment.objects.filter(pk=assignment.pk, draft_version=version, state__in=_DRAFTABLE)
    if own.update(draft=dict(draft), draft_version=F("draft_version") + 1):
        return version + 1
    assignment.refresh_from_db()
    if assignment.state not in _DRAFTABLE:
        raise Conflict("This task has been submitted.", code="already_submitted")
    raise Conflict("This task was saved on another tab or device since you opened it.", code="stale_draft")
