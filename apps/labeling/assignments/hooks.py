"""Hooks on submissions: `settings.SUBMISSION_HOOKS` names functions of apps above labeling.

A hook is called within the transaction of the submission or the correction, after its labels are stored. An exception
in a hook rolls both back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from apps.labeling.models import Assignment


class SubmissionHook(Protocol):
    def __call__(self, *, assignment: Assignment, now: datetime) -> None: ...


@cache
def submission_hooks() -> Sequence[SubmissionHook]:
    return [import_string(path) for path in settings.SUBMISSION_HOOKS]


def run_submission_hooks(assignment: Assignment, now: datetime) -> None:
    for hook in submission_hooks():
        hook(assignment=assignment, now=now)
