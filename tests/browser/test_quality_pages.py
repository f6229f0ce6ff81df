"""The quality pages with figures on them, light and dark, wide and on a phone."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from apps.accounts.models import User
from apps.labeling.models import GoldLabel
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.suspensions import suspend
from apps.quality.metrics.refresh import refresh_figures
from apps.quality.models import QualityRules
from tests.browser.barriers import PHONE, WIDE, flaws
from tests.browser.conftest import Watched
from tests.quality.labeled_project import label_at_random
from tests.quality.submissions import mark_all_stale

LEAST_INSET = 10
#: How far the words of tables stand from the left edge of their frames, at the least.
INSET = """Math.min(...[...document.querySelectorAll("main .scroll tr > :first-child")].map((cell) => {
    const words = document.createRange();
    words.selectNodeContents(cell);
    const { left, width } = words.getBoundingClientRect();
    return width > 2 ? left - cell.closest(".scroll").getBoundingClientRect().left : Infinity;
}))"""


def test_no_quality_page_has_a_barrier(project: Project, alice: User, watched: Watched) -> None:
    label_at_random(project)
    for solution in project.solutions.order_by("pk")[:12]:
        GoldLabel.objects.bulk_create(GoldLabel(step=step, rating=1) for step in solution.steps.all())
    QualityRules.objects.create(project=project, suspends=False, hourly_cost=30)
    suspend(membership=Membership.objects.get(user__name="Labeler3"), reason="Says great to all.", by=alice)
    mark_all_stale(project)
    recompute_project(project)
    refresh_figures()
    page = watched.page(alice, viewport=PHONE)
    wrong: dict[str, Any] = {}
    for path in ("quality", "quality/labelers", "quality/rules", "audit"):
        answer = page.goto(f"/projects/{project.slug}/{path}")
        assert answer is not None
        assert answer.status == 200
        for summary in page.locator("main details:not(.menu) > summary").all():
            summary.click()
        for viewport in (WIDE, PHONE) if path != "quality/rules" else ():
            page.set_viewport_size(viewport)
            assert page.locator("main .scroll tr, main .events li").count(), path
            if not (inset := page.evaluate(INSET)) >= LEAST_INSET:
                wrong[f"{path}, first column, {viewport['width']}"] = inset
        if found := flaws(page):
            wrong[path] = found
    assert wrong == {}


def test_on_a_phone_a_labeler_is_suspended_without_scrolling_sideways(
    project: Project, alice: User, watched: Watched
) -> None:
    label_at_random(project, solutions=4)
    mark_all_stale(project)
    recompute_project(project)
    refresh_figures()
    page = watched.page(alice, viewport=PHONE)
    page.goto(f"/projects/{project.slug}/quality/labelers")
    summary = page.locator(".labelers summary").first
    box = summary.bounding_box()
    assert box is not None
    assert box["height"] < 30, "in one line with its triangle"
    assert box["x"] + box["width"] < PHONE["width"]
    summary.click()
    page.locator(".labelers details[open] input[name=reason]").fill("Says great to all.")
    page.locator(".labelers details[open] button").click()
    expect(page.locator(".labelers")).to_contain_text("suspended")
