"""Two sides, compared by keyboard alone, up to the trainer's file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Step
from apps.exports.files.storage import part_path
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment, PreferenceLabel, Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.barriers import PHONE, flaws, overflow
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_comparison, make_problem, make_solution

RIGHT = ["We add \\(1 + 1\\).", "So it is \\(2\\)."]
WRONG = ["We add \\(1 + 1\\).", "So it is \\(3\\)."]


class Scale(LabelingPage):
    """The page of comparisons: by keys, and by looking."""

    TASK_PART = ".side-step"

    def text_of(self, side: str) -> str:
        """Returns the text of a side, formulas as their source."""
        return self.page.evaluate(
            """(side) => [...document.querySelectorAll(`#task .side[data-side=${side}] .step-text`)]
                .map((one) => one.querySelector("annotation")?.textContent ?? one.textContent).join(" ")""",
            side,
        )

    def pressed(self) -> list[str]:
        return self.page.locator("#thumbs [aria-pressed=true]").evaluate_all(
            "all => all.map(one => one.dataset.answer)"
        )


def exported(project: Project, format_: str, **policy: Any) -> list[dict[str, Any]]:
    export = run_export(export_id=create_export(project=project, format=format_, policy=policy).pk)
    return [json.loads(line) for line in part_path(export, 0).read_text().splitlines()]


@pytest.fixture
def round_(project: Project) -> Round:
    for number in range(4):
        make_comparison(make_problem(project, f"Problem {number}: \\(1 + 1\\)?", reference_answer="2"), RIGHT, WRONG)
    return open_round(project=project, protocol="comparison", name="Which is better")


def test_a_labeler_compares_by_keyboard_and_the_export_holds_what_was_pressed(
    project: Project, round_: Round, bob: User, page_of: Callable[..., Page]
) -> None:
    scale = Scale(page_of(bob)).open(round_)
    page = scale.page
    expect(page.locator("#task .shared")).to_contain_text("We add")
    expect(page.locator("#missing")).to_have_text("Choose which side is better, and by how much")
    expect(page.locator("#submit")).to_be_disabled()
    shown: dict[str, dict[str, str]] = {}

    def look() -> str:
        asked = scale.statement().split(":")[0]
        shown[asked] = {side: scale.text_of(side) for side in ("left", "right")}
        return asked

    # The first: a slip, an undo, another choice, a reload in mid-work, and a reason.
    first = look()
    scale.press("9")
    assert scale.pressed() == ["rightSignificantly"]
    expect(page.locator("#missing")).to_have_text("Right is significantly better")
    scale.press("u")
    assert scale.pressed() == []
    scale.press("2", "r")
    page.keyboard.type("Its sum is 12345.")
    assert scale.pressed() == ["leftClearly"], "keys rest while one writes"
    scale.press("Escape").saved()
    page.reload()
    scale.ready()
    assert scale.pressed() == ["leftClearly"]
    expect(page.locator("#task textarea")).to_have_value("Its sum is 12345.")
    assert {side: scale.text_of(side) for side in ("left", "right")} == shown[first], "the sides stay where they are"
    scale.submit()

    second = look()
    scale.press("5").submit()
    third = look()
    scale.press("6").submit()
    fourth = look()
    scale.press("g")
    page.locator("#reason[open]").wait_for()
    page.keyboard.type("I cannot tell.")
    page.keyboard.press("Control+Enter")
    scale.ended()
    expect(page.locator("#day-count")).to_have_text("4 today")

    rows = {row["prompt"].split(":")[0]: row for row in exported(project, "reward-pairs")}
    assert set(rows) == {first, third}, f"a tie ({second}) is dropped, and {fourth} has no word"
    for asked, side, margin in ((first, "left", 2.0), (third, "right", 0.0)):
        wanted = shown[asked][side]
        chosen, rejected = ("2", "3") if wanted == "2" else ("3", "2")
        assert rows[asked] == {
            "prompt": f"{asked}: \\(1 + 1\\)?\n",
            "chosen": f"We add \\(1 + 1\\).\nSo it is \\({chosen}\\).",
            "rejected": f"We add \\(1 + 1\\).\nSo it is \\({rejected}\\).",
            "margin": margin,
            "votes": {"chosen": 1, "rejected": 0, "tie": 0},
            "source": "people",
        }
    assert len(exported(project, "dpo", ties="both_ways")) == 4
    assert PreferenceLabel.objects.get(rationale__gt="").rationale == "Its sum is 12345."
    given_up = Assignment.objects.get(finish_reason="give_up")
    assert given_up.reason == "I cannot tell."
    assert not PreferenceLabel.objects.filter(assignment=given_up).exists()


def test_a_round_may_want_reasons_and_no_ties(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    make_comparison(make_problem(project), ["Yes."], ["No."])
    round_ = open_round(project=project, protocol="comparison", options={"ties": False, "rationale": "required"})
    scale = Scale(page_of(bob)).open(round_)
    page = scale.page
    expect(page.locator("#thumbs .tie")).to_have_count(0)
    scale.press("5")
    assert scale.pressed() == []
    scale.press("8", "Enter")
    expect(page.locator("#missing")).to_have_text("Right is clearly better. Write why")
    expect(page.locator("#submit")).to_be_disabled()
    expect(page.locator("#task textarea")).to_be_focused()  # Where something is missing.
    scale.press("Escape", "r")
    page.keyboard.type("Shorter.")
    page.keyboard.press("Control+Enter")
    scale.ended()
    label = PreferenceLabel.objects.select_related("assignment").get()
    expected = "left" if label.assignment.sides_swapped else "right"
    assert (label.choice, label.margin, label.rationale) == (expected, "clearly", "Shorter.")


def test_keys_can_be_changed_and_what_is_typed_is_undone_in_one_go(
    round_: Round, bob: User, page_of: Callable[..., Page]
) -> None:
    scale = Scale(page_of(bob)).open(round_)
    page = scale.page
    scale.press("?")
    page.get_by_role("button", name="Left is significantly better: 1").click()
    page.keyboard.press("q")
    page.get_by_role("button", name="Close", exact=True).click()
    scale.press("1")
    assert scale.pressed() == []
    scale.press("q", "r")
    page.keyboard.type("Because")
    scale.press("Escape", "u")
    expect(page.locator("#task textarea")).to_have_value("")
    assert scale.pressed() == ["leftSignificantly"]
    scale.press("u")
    assert scale.pressed() == []


def test_screen_readers_are_told_what_is_chosen(round_: Round, bob: User, page_of: Callable[..., Page]) -> None:
    scale = Scale(page_of(bob)).open(round_)
    announcer = scale.page.locator("#announcer")
    expect(announcer).to_contain_text("New task: two solutions. Choose which side is better")
    scale.press("3")
    expect(announcer).to_contain_text("Left is slightly better.")
    scale.press("u")
    expect(announcer).to_contain_text("Undone.")
    scale.press("Enter")
    expect(announcer).to_contain_text("Not yet. Choose which side is better")


def test_steps_are_compared_after_what_both_begin_with(
    project: Project, bob: User, page_of: Callable[..., Page]
) -> None:
    solution = make_solution(make_problem(project), ["We add.", "It is 3."])
    Step.objects.create(solution=solution, position=1, candidate=1, text="It is 2.", chosen=False)
    round_ = open_round(project=project, protocol="comparison", options={"pairs": "steps"})
    scale = Scale(page_of(bob)).open(round_)
    expect(scale.page.locator("#task .shared .step-text")).to_have_text(["We add."])
    assert sorted([scale.text_of("left"), scale.text_of("right")]) == ["It is 2.", "It is 3."]
    chosen, rejected = scale.text_of("left"), scale.text_of("right")
    scale.press("1").submit(and_next=False)
    (row,) = exported(project, "dpo")
    assert (row["chosen"], row["rejected"]) == (chosen, rejected)
    assert row["prompt"].endswith("\nWe add.\n")


def test_what_was_chosen_offline_is_sent_later_exactly_once(round_: Round, bob: User, watched: Watched) -> None:
    watched.expected = ("ERR_INTERNET_DISCONNECTED",)
    context = watched.context(bob)
    scale = Scale(context.new_page()).open(round_).fetched_ahead()
    context.set_offline(True)
    scale.press("1").submit()
    scale.press("9")
    context.set_offline(False)
    scale.saved()
    scale.submit()
    expect(scale.page.locator("#day-count")).to_have_text("2 today")
    assert sorted(PreferenceLabel.objects.values_list("margin", flat=True)) == ["significantly"] * 2


def test_the_page_of_comparisons_has_no_barrier(project: Project, bob: User, watched: Watched) -> None:
    long = [f"Step {place}: \\[{' + '.join(f'x_{{{one}}}^{{2}}' for one in range(40))}\\]" for place in range(6)]
    make_comparison(
        make_problem(project, reference_answer="2", subject="Algebra", level="3"), long, [*long[:2], "W" * 90, "So."]
    )
    page = watched.page(bob, viewport=PHONE)
    scale = Scale(page).open(open_round(project=project, protocol="comparison"))
    assert flaws(page) == {}
    scale.press("2")
    assert flaws(page) == {}
    expect(page.locator(".side[data-side=right]")).to_be_hidden()
    page.locator(".side-switch [data-side=right]").click()
    expect(page.locator(".side[data-side=right]")).to_be_visible()
    expect(page.locator(".side[data-side=left]")).to_be_hidden()
    page.locator("#thumbs [data-answer=rightClearly]").click()
    assert scale.pressed() == ["rightClearly"]
    assert overflow(page) == []
    page.locator("#submit").click()
    scale.ended()
