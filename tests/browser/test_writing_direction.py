"""Texts run as their own language does: Arabic and Hebrew from right to left, their formulas from left to right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.accounts.models import User
from apps.labeling.models import Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.projects.services import publish_guidelines
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_solution
from tests.world import rate

ARABIC = "ما هو حاصل الجمع؟ $a+7=12$"
ARABIC_STEP = "نطرح سبعة من الطرفين فنجد $a = 12-7$."
FORMULA_FIRST = "$a = 5$ هو الجواب."
HEBREW = "לכן התשובה היא \\boxed{5}."
ENGLISH = "So $a = 5$ it is."


@pytest.fixture
def round_(project: Project) -> Round:
    make_solution(
        make_problem(project, ARABIC, reference_answer="5"),
        [ARABIC_STEP, FORMULA_FIRST, HEBREW, ENGLISH],
        is_correct=True,
    )
    publish_guidelines(project=project, text=f"{ARABIC_STEP}\n\n{ENGLISH}", author=None)
    return open_round(project=project, protocol="every_step")


def direction(at: Locator) -> str:
    return str(at.evaluate("(one) => getComputedStyle(one).direction"))


def box(at: Locator) -> dict[str, Any]:
    found = at.bounding_box()
    assert found is not None
    return dict(found)


def test_the_labeling_page_follows_each_text(round_: Round, bob: User, page_of: Callable[..., Page]) -> None:
    labeling = LabelingPage(page_of(bob)).open(round_)
    page = labeling.page
    texts = page.locator("#task .step .step-text")
    assert direction(page.locator("#task .problem")) == "rtl"
    # A formula at its beginning tells nothing of a text's language.
    assert [direction(texts.nth(place)) for place in range(4)] == ["rtl", "rtl", "rtl", "ltr"]
    assert {direction(one) for one in page.locator("#task .math").all()} == {"ltr"}
    # The formula stands to the left of the words before it, which begin at the right.
    step, formula = box(texts.nth(0)), box(texts.nth(0).locator(".math"))
    assert formula["x"] + formula["width"] < step["x"] + step["width"] - 100
    words = texts.nth(0).evaluate(
        """(one) => {
            const range = document.createRange();
            range.selectNodeContents(one.firstChild);
            const { left, right } = range.getBoundingClientRect();
            const stop = document.createRange();
            stop.selectNodeContents(one.lastChild);
            return { left, right, stop: stop.getBoundingClientRect().right };
        }"""
    )
    assert words["right"] == pytest.approx(step["x"] + step["width"], abs=2)
    assert formula["x"] + formula["width"] <= words["left"] + 1
    assert words["stop"] <= formula["x"] + 1, "the full stop stands at the left end"
    # Faces and number stay where they are in every language.
    row = page.locator("#task .step").first
    assert box(row.locator(".faces"))["x"] < step["x"] < box(row.locator(".n"))["x"]


def test_what_is_typed_follows_too(round_: Round, bob: User, page_of: Callable[..., Page]) -> None:
    labeling = LabelingPage(page_of(bob)).open(round_)
    labeling.press("g")
    field = labeling.page.locator("#reason-text")
    field.fill("المسألة غير واضحة")
    assert direction(field) == "rtl"
    field.fill("Not clear.")
    assert direction(field) == "ltr"


@pytest.mark.parametrize(
    "path", ["solutions/{solution}", "problems/{problem}", "review/assignments/{assignment}", "work", "rounds/{draft}"]
)
def test_other_pages_follow_too(
    round_: Round, project: Project, alice: User, page_of: Callable[..., Page], path: str
) -> None:
    from apps.labeling.rounds.services import create_round

    assignment = rate(round_, alice, 1, 1, 1, 1)
    draft = create_round(project=project, protocol="every_step")
    solution = assignment.task.solution
    assert solution is not None
    page = page_of(alice)
    address = path.format(
        solution=solution.pk, problem=solution.problem_id, assignment=assignment.pk, draft=draft.number
    )
    page.goto(f"/projects/{project.slug}/{address}")
    shown = page.locator("[dir=auto]").filter(has_text="حاصل الجمع").first
    expect(shown.locator(".katex")).to_have_count(1)
    assert direction(shown) == "rtl"
    assert direction(shown.locator(".math")) == "ltr"


def test_both_sides_of_a_comparison_follow(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    problem = make_problem(project, ARABIC, reference_answer="5")
    make_solution(problem, [HEBREW], is_correct=True)
    make_solution(problem, [ENGLISH], is_correct=False)
    round_ = open_round(project=project, protocol="comparison", options={"pairs": "right_wrong"})
    page = page_of(bob)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}/label")
    expect(page.locator("#task .side .step-text")).to_have_count(2)
    assert sorted(direction(one) for one in page.locator("#task .side .step-text").all()) == ["ltr", "rtl"]
    field = page.locator("#task textarea")
    field.fill("כי זה נכון")
    assert direction(field) == "rtl"
