"""The quality pages with figures on them, light and dark, wide and on a phone."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import User
from apps.labeling.models import GoldLabel
from apps.projects.models import Membership, Project
from apps.quality.figures import refresh_figures
from apps.quality.models import QualityRules
from apps.quality.settling import settle_project
from apps.quality.stale import note_all
from apps.quality.watching import suspend
from tests.browser.conftest import Watched
from tests.browser.test_pages import PHONE, WIDE, barriers, overflow
from tests.quality.people import speak


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_no_quality_page_has_a_barrier(
    project: Project, alice: User, watched: Watched, viewport: dict[str, int], scheme: str
) -> None:
    speak(project)
    for solution in project.solutions.order_by("pk")[:12]:
        GoldLabel.objects.bulk_create(GoldLabel(step=step, rating=1) for step in solution.steps.all())
    QualityRules.objects.create(project=project, suspends=False, hourly_cost=30)
    suspend(membership=Membership.objects.get(user__name="Labeler3"), reason="Says great to all.", by=alice)
    note_all(project)
    settle_project(project)
    refresh_figures()
    page = watched.page(alice, viewport=viewport, color_scheme=scheme)
    wrong: dict[str, Any] = {}
    for path in ("quality", "quality/labelers", "quality/rules", "trail"):
        answer = page.goto(f"/projects/{project.slug}/{path}")
        assert answer is not None
        assert answer.status == 200
        for summary in page.locator("main details > summary").all():
            summary.click()
        if found := barriers(page):
            wrong[path] = found
        if cut := overflow(page):
            wrong[f"{path}, sideways"] = cut
    assert wrong == {}
