"""What comes in a file is text: it is shown, and never run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.projects.models import Project
from apps.projects.services import publish_guidelines
from tests.browser.labeling_page import LabelingPage
from tests.browser.sources import module_of
from tests.cast import make_problem, make_round, make_solution

EVIL = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    r"$\href{javascript:window.ran=1}{x}$ and $\htmlStyle{color:red}{y}$",
    "</textarea></template><svg onload='window.ran=1'>",
    "[x](javascript:window.ran=1) {{ 7*7 }}",
]


def test_problem_texts_are_shown_and_not_run(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    solution = make_solution(make_problem(project, EVIL[0], reference_answer=EVIL[1], subject=EVIL[3]), EVIL)
    publish_guidelines(project=project, text="\n\n".join(EVIL), author=None)
    round_ = make_round(project)
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    texts = labeling.texts()
    assert texts[0] == EVIL[0]
    assert texts[1] == EVIL[1]
    assert texts[3] == EVIL[3]
    assert EVIL[0] in page.locator("#task .problem").inner_text()
    labeling.press("i")
    page.locator("#guidelines:not([hidden])").wait_for()
    assert page.evaluate("window.ran") is None
    assert page.locator("a[href^='javascript:']").count() == 0
    # The reviewer's pages show the same texts.
    page = page_of(project.memberships.get(role="owner").user)
    for path in ("solutions", f"solutions/{solution.pk}", "guidelines", ""):
        page.goto(f"/projects/{project.slug}/{path}")
        assert page.evaluate("window.ran") is None
        assert page.locator("a[href^='javascript:']").count() == 0


def test_the_policy_forbids_what_pages_do_not_need(site: str) -> None:
    with urlopen(f"{site}/accounts/login/") as answer:
        policy = answer.headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if " " in rule.strip())
    assert rules["default-src"] == "'none'" or rules["default-src"] == "'self'"
    assert "unsafe" not in rules.get("script-src", rules["default-src"])
    assert rules["frame-ancestors"] == "'none'"
    assert rules["base-uri"] in ("'none'", "'self'")


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        (r"So $\frac{1}{2} + \sqrt{3} = x^2$.", 1),
        (r"\[ \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \] and \(\boxed{7}\)", 2),
        (r"It costs \$5 and $5 more.", 0),
        (r"Broken: $\frac{1}{$ stays as it was written.", 0),
        (r"Unknown: $\nosuchcommand{3}$ too.", 0),
    ],
)
def test_latex_renders_and_what_cannot_stays_as_written(
    project: Project, bob: User, page_of: Callable[..., Page], text: str, rendered: int
) -> None:
    make_solution(make_problem(project, "Compute.", reference_answer="1"), [text, "Then we are done."])
    page = page_of(bob)
    LabelingPage(page).open(make_round(project))
    step = page.locator("#task .step").first
    expect(step.locator(".katex")).to_have_count(rendered)
    if not rendered:
        shown = step.locator(".step-text").inner_text()
        assert shown == text.replace(r"\$", "$") or shown == text


def test_every_statement_of_math_500_renders(
    project: Project, bob: User, page_of: Callable[..., Page], shared_data: Path
) -> None:
    """By the page's own renderer; drawings in Asymptote apart, which are no LaTeX and shown as source."""
    rows = [json.loads(line) for line in (shared_data / "math500.jsonl").read_text().splitlines()]
    make_solution(make_problem(project, "Compute.", reference_answer="1"), ["One."])
    page = page_of(bob)
    LabelingPage(page).open(make_round(project))
    texts = [text for row in rows for text in (row["problem"], row["solution"]) if "[asy]" not in text]
    failed = page.evaluate(
        """async ([module, texts]) => {
            const math = await import(module);
            const failed = [];
            for (const text of texts) {
                const at = document.createElement("div");
                math.typeset(at, text);
                await math.typesetDone();
                if (at.querySelector(".tex-source")) failed.push(text);
            }
            return failed;
        }""",
        [module_of(page, "math"), texts],
    )
    assert len(texts) > 400
    # KaTeX has neither of these: such a formula stays as it was written.
    assert [text for text in failed if "\\cline" not in text and "\\multicolumn" not in text] == []
