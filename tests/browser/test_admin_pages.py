"""The admin as it is seen: the page of a solution, an assignment and an export, light and dark."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment
from apps.projects.models import Project
from tests.exports.rich_project import fill


@pytest.fixture
def olga(transactional_db: None) -> User:
    return User.objects.create_superuser("olga@lab.example", "correct horse battery")


def test_what_is_reviewed_is_read_as_tables(project: Project, olga: User, page_of: Callable[..., Page]) -> None:
    fill(project)
    export = run_export(export_id=create_export(project=project, format="trl-prm").pk)
    solution = Solution.objects.filter(steps__labels__isnull=False, steps__estimates__isnull=False)[0]
    assignment = Assignment.objects.filter(step_labels__isnull=False)[0]
    page = page_of(olga)
    pages = {
        "solution": f"/admin/corpus/solution/{solution.pk}/change/",
        "assignment": f"/admin/labeling/assignment/{assignment.pk}/change/",
        "export": f"/admin/exports/export/{export.pk}/change/",
        "rounds": "/admin/labeling/round/",
        "solutions": "/admin/corpus/solution/",
        "menu": "/admin/",
    }
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name, address in pages.items():
            page.goto(address)
            expect(page.locator("body")).not_to_contain_text("Traceback")
            if name in ("solution", "assignment"):
                expect(page.locator(".words table").first).to_contain_text("1")
            if folder := os.environ.get("PICTURES"):
                page.screenshot(path=f"{folder}/admin-{name}-{scheme}.png", full_page=name != "export")
