"""Formulas as people and models write them: what is typeset, what stays as written, and that none holds the page up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.browser.barriers import PHONE, overflow
from tests.browser.labeling_page import LabelingPage
from tests.browser.sources import module_of
from tests.cast import make_problem, make_round, make_solution

TYPESET = """async ([module, texts]) => {
    const math = await import(module);
    const shown = [];
    for (const text of texts) {
        const at = document.createElement("div");
        math.typeset(at, text);
        await math.typesetDone();
        const formulas = [...at.querySelectorAll(".math")].map((one) =>
            one.getAttribute("aria-label") ?? one.querySelector("annotation").textContent);
        for (const one of at.querySelectorAll(".math")) one.remove();
        shown.push([formulas, at.textContent, at.querySelectorAll(".tex-source").length]);
    }
    return shown;
}"""


@pytest.fixture
def labeling(project: Project, bob: User, page_of: Callable[..., Page]) -> LabelingPage:
    make_solution(make_problem(project, "Compute.", reference_answer="1"), ["One.", "Two."])
    return LabelingPage(page_of(bob)).open(make_round(project))


def shown(labeling: LabelingPage, *texts: str) -> list[Any]:
    return list(labeling.page.evaluate(TYPESET, [module_of(labeling.page, "math"), list(texts)]))


# --- what is typeset --------------------------------------------------------------------------------------

PLAIN: list[tuple[str, int, str]] = [
    # (a text, how many formulas are typeset in it, what is left as words)
    (r"A rope of $6 \mbox{ yards}$.", 1, "A rope of ."),
    (r"So we get \boxed{\frac{36}{3}}.", 1, "So we get ."),
    (r"So we get \boxed{12}, as \fbox{before}.", 2, "So we get , as ."),
    (r"Half of it is \frac{1}{2}x, or \dfrac{x}{2}, and \sqrt[3]{8}^2 = 4.", 3, "Half of it is x, or , and  = 4."),
    (r"3 \times 4 \leq 2\pi", 3, "3  4  2"),
    (r"$\cancelto{0}{x+1} + \nicefrac{1}{3}$", 1, ""),
    (r"\begin{align*} x &= 1 \\ y &= 2 \end{align*}", 1, ""),
    (r"\begin{tabular}{|c|r|} \hline day & $x$ \\ \hline one & 2 \\ \hline \end{tabular}", 1, ""),
    (r"$x = 1 \tag{2}$ and $$y = 2 \tag{3}$$", 1, r"$x = 1 \tag{2}$ and "),  # Only what stands alone is numbered.
    (r"\(a+b\) then \[c\]", 2, " then "),
    (r"It is \$5, or $5 a day for $3 more.", 0, "It is $5, or $5 a day for $3 more."),
    (r"From $5 and \frac{1}{2} of $6.", 1, "From $5 and  of $6."),
    (r"In code it is `$x + $y`, and $x$ here.", 1, "In code it is `$x + $y`, and  here."),
    ("```\nprint('$a$', \\frac)\n```", 0, "```\nprint('$a$', \\frac)\n```"),
    (r"``As written'' it is $x$.", 1, "``As written'' it is ."),
    (r"Text \unknown{x} and \\frac{1}{2} and \frac{1}{.", 0, r"Text \unknown{x} and \\frac{1}{2} and \frac{1}{."),
    (r"An \emphatic path C:\textile stays.", 0, r"An \emphatic path C:\textile stays."),
    (r"\textbf{Answer:} \text{Evelyn}", 2, " "),
    (r"\boxed{\nosuchcommand}", 0, r"\boxed{\nosuchcommand}"),
]


def test_formulas_are_found_with_delimiters_and_without(labeling: LabelingPage) -> None:
    found = shown(labeling, *(text for text, _, _ in PLAIN))
    for (text, count, words), (formulas, rest, _) in zip(PLAIN, found, strict=True):
        assert (text, len(formulas), rest) == (text, count, words)


def test_problem_steps_and_choices_are_typeset_alike(project: Project, bob: User, page_of: Callable[..., Page]) -> None:
    """As in MATH: a unit in `\\mbox`, and an answer in a box without dollars."""
    text = r"That is $3 \mbox{ miles}$, so \boxed{3}."
    problem = make_problem(project, text, reference_answer=r"\boxed{3}")
    for is_correct in (True, False):
        make_solution(problem, [text, f"{is_correct} \\boxed{{4}}."], is_correct=is_correct)
    rated = open_round(project=project, protocol="every_step")
    labeling = LabelingPage(page_of(bob)).open(rated)
    expect(labeling.page.locator("#task .problem .katex")).to_have_count(2)
    expect(labeling.page.locator("#task .step").first.locator(".katex")).to_have_count(2)
    expect(labeling.page.locator("#task .answer .katex")).to_have_count(1)
    expect(labeling.page.locator("#task .tex-source")).to_have_count(0)
    compared = open_round(project=project, protocol="comparison", options={"pairs": "right_wrong"})
    page = page_of(bob)
    page.goto(f"/projects/{project.slug}/rounds/{compared.number}/label")
    expect(page.locator("#task .side .katex")).to_have_count(2)
    expect(page.locator("#task .tex-source")).to_have_count(0)


# --- what stays as written --------------------------------------------------------------------------------

DEFINING = [
    r"\def\a{1}",
    r"\gdef\a{1}",
    r"\edef\a{1}",
    r"\xdef\a{1}",
    r"\newcommand{\a}{1}",
    r"\renewcommand{\a}{1}",
    r"\let\a=b",
    r"\providecommand{\a}{1}",
    r"\futurelet\a\b c",
    r"\global\let\a=b",
    r"\long\def\a{1}",
    r"\expandafter x y",
    r"\noexpand x",
    r"\@firstoftwo{1}{2}",
    r"\char65",
    r"\csname pi\endcsname",
]


def test_formulas_that_define_commands_stay_as_written(labeling: LabelingPage) -> None:
    found = shown(labeling, *(f"So ${tex} + x^2$ it is." for tex in DEFINING))
    for tex, (formulas, rest, sources) in zip(DEFINING, found, strict=True):
        assert (formulas, rest, sources) == ([], f"So ${tex} + x^2$ it is.", 1)


def test_letters_after_a_line_break_define_nothing(labeling: LabelingPage) -> None:
    ((formulas, _, sources),) = shown(labeling, r"$$\begin{array}{c} a \\def \\let \end{array}$$")
    assert (len(formulas), sources) == (1, 0)


def test_long_and_deep_formulas_stay_as_written_and_say_why(labeling: LabelingPage) -> None:
    sum_ = "+".join(["x_1"] * 700)
    deep = "x^{" * 50 + "1" + "}" * 50
    found = shown(labeling, f"${sum_}$ and $y^2$", f"${deep}$", f"\\[{sum_}\\]")
    assert [(len(formulas), sources) for formulas, _, sources in found] == [(1, 1), (0, 1), (0, 1)]
    page = labeling.page
    titles = page.evaluate(
        """async ([module, texts]) => {
            const math = await import(module);
            const at = document.createElement("div");
            return texts.map((text) => { math.typeset(at, text); return at.querySelector(".tex-source").title; });
        }""",
        [module_of(page, "math"), [f"${sum_}$", f"${deep}$", r"$\def\a{1}$"]],
    )
    assert "at most 650 characters" in titles[0]
    assert "nested at most 40 levels" in titles[1]
    assert r"\def" in titles[2]


def test_of_very_long_formulas_the_first_are_typeset_and_a_note_tells(labeling: LabelingPage) -> None:
    long = "+".join(["x_1"] * 160)
    ((formulas, rest, _),) = shown(labeling, " and ".join([f"${long}$"] * 20))
    assert formulas == [long] * 5, "who hears them hears their source"
    assert rest.endswith("The rest is shown as written.")


def test_of_very_many_formulas_the_first_are_typeset_and_a_note_tells(labeling: LabelingPage) -> None:
    many = " ".join(f"$x_{{{number}}}$" for number in range(450))
    ((formulas, rest, _),) = shown(labeling, many)
    assert len(formulas) == 250
    assert "$x_{449}$" in rest
    assert rest.endswith("The rest is shown as written.")


# --- how long the page is held up -------------------------------------------------------------------------


def test_formulas_are_typeset_in_slices_between_which_the_page_answers(labeling: LabelingPage) -> None:
    """By a clock of its own, in which each formula takes 20 ms: how long the machine takes does not matter."""
    slices = labeling.page.evaluate(
        """async (module) => {
            const { createTimeSlices } = await import(module);
            const heavy = [];
            const weighed = createTimeSlices({ now: () => 0, later: (act) => heavy.push(act) });
            const made = [[]];
            for (let number = 0; number < 5; number += 1) weighed.run(() => made.at(-1).push(number), () => {}, 600);
            while (heavy.length) {
                made.push([]);
                heavy.shift()();
            }
            let time = 0, done = false;
            const turns = [], slices = [[]], put = [];
            const work = createTimeSlices({ now: () => time, later: (act) => turns.push(act) });
            for (let number = 0; number < 9; number += 1) {
                work.run(() => { time += 20; slices.at(-1).push(number); }, () => put.push(number));
            }
            work.done().then(() => { done = true; });
            while (turns.length) {
                slices.push([]);
                turns.shift()();
                time += 5;
            }
            await null;
            await null;
            return { slices: slices.filter((one) => one.length), made: made.filter((one) => one.length), put, done };
        }""",
        module_of(labeling.page, "time-slices"),
    )
    assert slices["slices"] == [[0, 1], [2, 3], [4, 5], [6, 7], [8]]
    assert slices["put"] == [2, 3, 4, 5, 6, 7, 8]
    assert slices["done"] is True
    # What is heavy to lay out makes a slice short, however quickly it is made.
    assert slices["made"] == [[0], [1], [2], [3], [4]]


def test_a_page_of_long_formulas_is_not_typeset_in_one_go(labeling: LabelingPage) -> None:
    """What waits holds its source meanwhile, and all of it is typeset in the end."""
    long = "+".join(["x_1"] * 160)
    counts = labeling.page.evaluate(
        """async ([module, text]) => {
            const math = await import(module);
            const at = document.createElement("div");
            let turns = 0;
            const filled = [];
            math.typeset(at, text);
            const waiting = at.querySelectorAll(".math.pending").length;
            const source = at.querySelector(".math.pending")?.textContent;
            while (at.querySelector(".math.pending") && turns < 10_000) {
                await new Promise((resolve) => { setTimeout(resolve); });
                filled.push(at.querySelectorAll(".math:not(.pending)").length);
                turns += 1;
            }
            return { waiting, source, filled, all: at.querySelectorAll(".katex").length };
        }""",
        [module_of(labeling.page, "math"), " and ".join([f"${long}$"] * 5)],
    )
    assert 0 < counts["waiting"] < 5
    assert counts["source"] == f"${long}$"
    assert len(set(counts["filled"])) > 1, "the rest came in one go"
    assert counts["all"] == 5


def test_a_formula_fits_when_the_window_narrows(project: Project, alice: User, page_of: Callable[..., Page]) -> None:
    problem = make_problem(project, f"Simplify \\[{' + '.join(f'x_{{{place}}}^{{2}}' for place in range(20))}\\].")
    page = page_of(alice)
    page.goto(f"/projects/{project.slug}/problems/{problem.pk}")
    expect(page.locator(".math .katex")).to_have_count(1)
    expect(page.locator(".math.pending, .math.scrolls")).to_have_count(0)
    page.set_viewport_size(PHONE)
    expect(page.locator(".math.scrolls")).to_have_count(1)
    assert overflow(page) == []
