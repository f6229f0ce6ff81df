"""The labeling page as a labeler uses it: by keyboard, and by what it shows."""

from __future__ import annotations

from typing import Self

from playwright.sync_api import Page, expect

from apps.labeling.models import Round


class LabelingPage:
    #: What the page contains once a task is shown.
    TASK_PART = ".step"

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, round_: Round) -> Self:
        """A screening or training announces itself before its first task; Enter begins it."""
        self.page.goto(f"/projects/{round_.project.slug}/rounds/{round_.number}/label")
        if round_.is_all_gold:
            self.page.locator("#task .intro").wait_for()
            self.press("Enter")
        return self.ready()

    def ready(self) -> Self:
        """Wait until a task is shown."""
        self.page.locator(f"#task[aria-busy=false] {self.TASK_PART}").first.wait_for()
        return self

    def fetched_ahead(self) -> Self:
        """Wait until the next task is prepared, behind the one that is shown."""
        self.page.locator("#prerender > *").first.wait_for(state="attached")
        return self

    def ended(self) -> Self:
        """Wait until the page says that there is no further task."""
        self.page.locator("#task .no-task:not(.waiting)").wait_for()
        return self

    def press(self, *keys: str) -> Self:
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def pressed(self) -> list[str]:
        """Returns the pressed answer of each step, `-` where it is unreached, `.` where it is open."""
        return self.page.evaluate(
            """[...document.querySelectorAll("#task .step")].map((step) =>
                step.querySelector("[aria-pressed=true]")?.dataset.answer
                ?? (step.classList.contains("unreached") ? "-" : "."))"""
        )

    def statement(self) -> str:
        return self.page.locator("#task .problem").inner_text()

    def texts(self) -> list[str]:
        return self.page.locator("#task .step-text").all_inner_texts()

    def saved(self) -> Self:
        expect(self.page.locator("#save-state")).to_have_attribute("data-state", "saved")
        return self

    def submit(self, *, and_next: bool = True) -> Self:
        """Press Enter, and wait for another task, or until the page says that there is none."""
        before = self.statement()
        self.press("Enter")
        if and_next:
            expect(self.page.locator("#task .problem")).not_to_have_text(before, use_inner_text=True)
            return self.ready()
        return self.ended()
