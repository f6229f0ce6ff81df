"""Markdown, code and tables in problems and solutions: what is rendered, what stays as written, and that nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.labeling_page import LabelingPage
from tests.browser.sources import module_of
from tests.cast import make_problem, make_round, make_solution

SHOW = """async ([module, texts]) => {
    const { showText } = await import(module);
    return texts.map((text) => {
        const at = document.createElement("div");
        showText(at, text);
        for (const one of at.querySelectorAll(".math")) one.replaceWith("∎");
        return [at.classList.contains("rendered"), at.innerHTML, at.textContent];
    });
}"""

PROBLEM = """Write `count(xs)` that returns how many elements are **even**, for lists of up to $10^5$ numbers.

| input | output |
|---|---:|
| `[1, 2, 4]` | 2 |
| `[]` | $0$ |
"""
STEPS = [
    """### Step 1: Read the task
We need:
- a loop over $x_1, \\dots, x_n$
- a *counter*
  1. start at 0
  2. add 1 for each even `x`""",
    """The code:
```python
def count(xs: list[int]) -> int:
    '''It costs $5 and $6.'''
    return sum(1 for x in xs if x % 2 == 0)
```
It runs in $O(n)$.""",
    "Check by hand: 2*3*4 = 24, and\n- 5 + 3 = -2\n> 4 is false.",
]


@pytest.fixture
def labeling(project: Project, bob: User, page_of: Callable[..., Page]) -> LabelingPage:
    make_solution(make_problem(project, PROBLEM, reference_answer="1"), STEPS)
    return LabelingPage(page_of(bob)).open(make_round(project))


def shown(labeling: LabelingPage, *texts: str) -> list[Any]:
    return list(labeling.page.evaluate(SHOW, [module_of(labeling.page, "texts"), list(texts)]))


def test_a_task_with_code_and_tables_is_rendered(labeling: LabelingPage) -> None:
    page = labeling.page
    expect(page.locator("#task .problem strong")).to_have_text("even")
    expect(page.locator("#task .problem table tr")).to_have_count(3)
    expect(page.locator("#task .problem .katex")).to_have_count(2)
    first, second, third = page.locator("#task .step").all()
    expect(first.locator("p.heading")).to_have_text("### Step 1: Read the task")
    expect(first.locator("ul > li")).to_have_count(2)
    expect(first.locator("ol .marker")).to_have_text(["1. ", "2. "])
    expect(first.locator(".katex")).to_have_count(1)
    code = second.locator("pre.code > code")
    expect(code).to_contain_text("'''It costs $5 and $6.'''")
    expect(code.locator(".hljs-keyword").first).to_have_text("def")
    expect(second.locator(".katex")).to_have_count(1)
    assert "mono" in code.evaluate("(one) => getComputedStyle(one).fontFamily").lower()
    expect(third.locator("em")).to_have_count(0)
    assert third.locator(".step-text").inner_text().split("\n")[-1] == "> 4 is false."


def test_the_source_of_each_text_is_one_key_away(labeling: LabelingPage) -> None:
    page = labeling.page
    first = page.locator("#task .step .step-text").first
    labeling.press("v")
    assert first.inner_text() == STEPS[0]
    expect(page.locator("#task .step .source-button").first).to_have_attribute("aria-pressed", "true")
    labeling.press("v")
    expect(first.locator("ul > li")).to_have_count(2)
    page.get_by_role("button", name="Source", exact=True).first.click()
    assert page.locator("#task .problem").inner_text() == PROBLEM
    assert [step.inner_text() for step in page.locator("#task .step-text").all()] == STEPS
    page.get_by_role("button", name="Source", exact=True).first.click()
    expect(page.locator("#task .problem table")).to_have_count(1)


def test_a_project_may_show_texts_plain(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    Project.objects.update(renders_texts=False)
    make_solution(make_problem(project, PROBLEM, reference_answer="1"), STEPS)
    page = LabelingPage(page_of(bob)).open(make_round(project)).page
    expect(page.locator("#task .rendered")).to_have_count(0)
    expect(page.locator("#task .katex")).to_have_count(3 + 1)
    assert page.locator("#task .step-text").nth(2).inner_text() == STEPS[2]
    assert page.evaluate("typeof markdownit") == "undefined"


# --- mathematics is not Markdown --------------------------------------------------------------------------

AS_WRITTEN = [
    "2*3*4 = 24",
    "x**2 + y**2 = (x+1)**2",
    "a_1 and a_2, snake_case and __init",
    "3 *x* 2 is 6x",
    "f[0](x) and [1,2](3), <http://x.example>, ![i](j)",
    "&lt; stays, as do \\* and \\# and &amp;",
    "    four spaces\n> 5\nx = 5\n=====",
    "f(*args, **kwargs) and *p = *q",
    "| a | b |\n|---|\n| 1 | 2 |",
    "| a | b |\n|---|---|\n| 1 | 2 | 3 |",  # A cell too many would be cut off.
    "| a | b |\n|---|---|\n| 1 | 2 | - |",
    "a | b\n--|--\n1 | \\| | *",
    "```",
    "and so\n```\nit ends: a = 5",  # Half of a code block, as where a solution was split within it.
    "$x_1*y_1*z_1$ times *$x$*$y$*",
]


def test_signs_of_mathematics_are_never_taken_for_markup(labeling: LabelingPage) -> None:
    for text, (_, html, words) in zip(AS_WRITTEN, shown(labeling, *AS_WRITTEN), strict=True):
        assert not any(mark in html for mark in ("<em", "<strong", "<a", "<img", "<table", "<blockquote", "<h")), html
        if "$" not in text:
            assert words.split() == text.split()


MARKERS = [
    ("- 5 = x\n- 3 = y", "- 5 = x- 3 = y"),
    ("+ 34\n+ 12", "+ 34+ 12"),
    ("* 7 = 42", "* 7 = 42"),
    ("1986. A year\n2. So", "1986. A year2. So"),
    ("3) three\n7) seven", "3) three7) seven"),
    ("# of apples = 5", "# of apples = 5"),
    ("#### 42", "#### 42"),
    ("## Step 2", "## Step 2"),
    ("**Answer:** 5", "Answer: 5"),
    ("__Step 1__: go", "Step 1: go"),
    ("**答案**是 5", "答案是 5"),
    ("`a*b*c` and `$x$`", "a*b*c and $x$"),
    ("| $|x|$ | y |\n|:-:|---|\n| 1 | `a` |", "∎y1a"),
    ("~~~\n$5 and $x$\n~~~", "$5 and $x$"),
    ("```python\nno_end = 1\n$x$", "pythonno_end = 1\n$x$"),
    ("- so\n  ```\n  a\n   b\n  ```\n- $x$", "- soa\n b- ∎"),
    ("~~~\nprint('\\$5')\n~~~", "print('\\$5')"),
    ("````\n```\ninner\n```\n````", "```\ninner\n```"),
    ("```c++\nint x = 1;\n```", "c++int x = 1;"),
    ("- list\n\n  $$x = 1$$\n\n- next", "- list∎- next"),
]


def test_markers_and_code_are_shown_as_they_were_written(labeling: LabelingPage) -> None:
    for (text, words), (is_rendered, _, found) in zip(
        MARKERS, shown(labeling, *(text for text, _ in MARKERS)), strict=True
    ):
        assert (text, is_rendered, found) == (text, True, words)


def test_lists_nested_deeper_than_the_parser_goes_lose_nothing(labeling: LabelingPage) -> None:
    deep = "\n".join(f"{'  ' * depth}- level {depth}" for depth in range(40))
    ((is_rendered, _, words),) = shown(labeling, deep)
    assert (is_rendered, words) == (False, deep)


PIECES = "* ** _ ` ``` ~~~ | |---|---| --- $ $$ \\( \\) \\ \\| a bc x_1 = 7 ( ) [ ]( <b> &lt; שלום 答 \ue000"


def test_nothing_is_lost_whatever_the_text(labeling: LabelingPage) -> None:
    """All but white space and Markdown's own marks is there again, in its order, in two thousand texts of pieces."""
    dice = random.Random(13)
    pieces = PIECES.split(" ")
    pieces += ["\n", "\n\n", "- ", "+ ", "1. ", "2) ", "# ", "## ", "> ", " ", "  ", "    ", "\t"]
    texts = ["".join(dice.choices(pieces, k=dice.randint(1, 30))) for _ in range(2_000)]
    lost = labeling.page.evaluate(
        """async ([module, texts]) => {
            const { showText } = await import(module);
            const essence = (text) => text.replace(/[\\\\\\s*_`#|~:-]+/g, "");
            const katex = globalThis.katex;
            globalThis.katex = undefined; // Formulas stay as written, so that their signs are compared, too.
            const lost = texts.filter((text) => {
                const at = document.createElement("div");
                showText(at, text);
                return essence(at.textContent) !== essence(text);
            });
            globalThis.katex = katex;
            return lost;
        }""",
        [module_of(labeling.page, "texts"), texts],
    )
    assert lost == []


HOSTILE = [
    "**<script>window.ran = 1</script>**",
    "- <img src=x onerror='window.ran = 1'>",
    "```html\n<img src=x onerror='window.ran = 1'>\n```",
    '```"><script>window.ran = 1</script>\ncode\n```',
    "| <svg onload='window.ran=1'> | b |\n|---|---|\n| [x](javascript:window.ran=1) | 2 |",
]


def test_hostile_markdown_stays_inert(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    make_solution(make_problem(project, HOSTILE[0], reference_answer="1"), HOSTILE)
    page = LabelingPage(page_of(bob)).open(make_round(project)).page
    expect(page.locator("#task .step pre .hljs-name").first).to_have_text("img")
    assert page.evaluate("window.ran") is None
    assert page.locator("#task :is(script, img, a, iframe, style), #task [onload], #task [onerror]").count() == 0


def test_paragraphs_run_as_their_own_language_does(labeling: LabelingPage) -> None:
    ((_, html, _),) = shown(labeling, "**السؤال**: ما هو $x$؟\n\n- خطوة\n- step\n\n```python\nx = 1\n```")
    assert html.count('dir="auto"') >= 3
    assert '<pre class="code" dir="ltr"' in html


def test_reviewers_see_the_same_and_its_source(project: Project, rita: User, page_of: Callable[..., Page]) -> None:
    solution = make_solution(make_problem(project, PROBLEM, reference_answer="1"), STEPS)
    page = page_of(rita)
    page.goto(f"/projects/{project.slug}/solutions/{solution.pk}")
    expect(page.locator(".problem-text table")).to_have_count(1)
    expect(page.locator("pre.code .hljs-keyword").first).to_have_text("def")
    page.get_by_role("button", name="Source").first.click()
    assert page.locator(".problem-text").inner_text() == PROBLEM
    page.goto(f"/projects/{project.slug}/problems/{solution.problem_id}")
    expect(page.locator(".problem-text table")).to_have_count(1)


def test_code_in_comparisons_is_rendered_too(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    problem = make_problem(project, PROBLEM, reference_answer="1")
    for is_correct in (True, False):
        make_solution(problem, [f"{is_correct}", STEPS[1]], is_correct=is_correct)
    round_ = open_round(project=project, protocol="comparison", options={"pairs": "right_wrong"})
    page = page_of(bob)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}/label")
    expect(page.locator("#task .side pre.code")).to_have_count(2)
    page.locator("#task .problem table").wait_for()
    page.keyboard.press("v")
    expect(page.locator("#task pre.code")).to_have_count(0)
