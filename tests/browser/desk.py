"""The labeling page as a labeler uses it: by keys, and by looking."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from apps.labeling.models import Round


class Desk:
    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, round_: Round) -> Desk:
        self.page.goto(f"/projects/{round_.project.slug}/rounds/{round_.number}/label")
        return self.ready()

    def ready(self) -> Desk:
        """A task is on the table."""
        self.page.locator("#stage[aria-busy=false] .step").first.wait_for()
        return self

    def press(self, *keys: str) -> Desk:
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def pressed(self) -> list[str]:
        """For each step what is pressed, `-` where it is unreached, `.` where it waits."""
        return self.page.evaluate(
            """[...document.querySelectorAll("#stage .step")].map((step) =>
                step.querySelector("[aria-pressed=true]")?.dataset.answer
                ?? (step.classList.contains("unreached") ? "-" : "."))"""
        )

    def texts(self) -> list[str]:
        return self.page.locator("#stage .step-text").all_inner_texts()

    def saved(self) -> Desk:
        expect(self.page.locator("#save-state")).to_have_attribute("data-state", "saved")
        return self

    def submit(self, *, and_next: bool = True) -> Desk:
        """Enter, and wait for another task, or for word that there is none."""
        before = self.page.locator("#stage .problem").inner_text()
        self.press("Enter")
        if and_next:
            expect(self.page.locator("#stage .problem")).not_to_have_text(before, use_inner_text=True)
            return self.ready()
        self.page.locator("#stage .nothing").wait_for()
        return self
