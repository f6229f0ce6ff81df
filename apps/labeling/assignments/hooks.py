"""Who hears of submissions: apps above labeling that `settings.SUBMISSION_SINKS` names.

A sink is called within the transaction of the submission or the correction, when its labels stand. What
it raises undoes both.
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
def _sinks() -> Sequence[SubmissionHook]:
    return [import_string(path) for path in settings.SUBMISSION_HOOKS]


def run_submission_hooks(assignment: Assignment, now: datetime) -> None:
    for sink in _sinks():
        sink(assignment=assignment, now=now)
