"""A task whose lease expired is back in the queue within a minute, even if no labeler is at work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from annotate.celery import app
from apps.accounts.models import User
from apps.labeling.models import Assignment, Task
from apps.labeling.queue.claim import claim
from apps.projects.models import Project
from tests.cast import make_round
from tests.processes import eventually


@pytest.mark.django_db(transaction=True)
def test_beat_sends_every_half_minute_what_a_worker_needs_to_free_them(
    project: Project, bob: User, worker: None
) -> None:
    plan = settings.CELERY_BEAT_SCHEDULE["expire leases"]
    assert plan["schedule"] <= 30
    held = claim(round=make_round(project), labeler=bob, now=timezone.now() - timedelta(hours=1))
    assert isinstance(held, Assignment)
    assert Task.objects.get().open_slots == 0
    app.send_task(plan["task"])
    eventually(lambda: Task.objects.get().open_slots == 1)
    held.refresh_from_db()
    assert held.state == Assignment.State.EXPIRED
