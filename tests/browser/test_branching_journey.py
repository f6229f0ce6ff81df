"""A solution made in dialogue, by keyboard alone: candidates of a real model and of a file, to an export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
from apps.demo.seeding import register_reasoner
from apps.exports.files.storage import part_path
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.labeling.models import Assignment, CandidateSet
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.verifiers.extraction.final_answer import extract_answer
from reasoner.checker import check
from reasoner.problems import clean_solution, problems
from tests.browser.conftest import Watched
from tests.browser.labeling_page import LabelingPage
from tests.cast import make_problem, make_solution
from tests.processes import eventually


def exported(project: Project, format_: str) -> list[dict[str, Any]]:
    export = run_export(export_id=create_export(project=project, format=format_, policy={}).pk)
    return [json.loads(line) for line in part_path(export, 0).read_text().splitlines()]


def candidates(page: Page) -> list[str]:
    return page.locator("#task .step .step-text").all_inner_texts()


def test_a_solution_is_made_with_a_real_model_by_keyboard_and_exported(
    project: Project, bob: User, page_of: Callable[..., Page], reasoner_server: str
) -> None:
    problem = next(problems(7, held_out=True))
    make_problem(project, problem.question, reference_answer=str(problem.answer))
    round_ = open_round(
        project=project,
        protocol="branching",
        options={"starts_from": "problems", "candidates": 4},
        endpoint=register_reasoner(url=reasoner_server),
    )
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    path: list[str] = []
    rated: list[list[int]] = []
    for _ in range(12):
        shown = candidates(page)
        assert len(shown) == len(set(shown)) >= 1
        verdicts = [check(problem.question, [*path, text])[-1] for text in shown]
        ratings = [1 if told.is_sound and told.is_right else -1 for told in verdicts]
        rated.append(ratings)
        labeling.press(*["3" if rating == 1 else "1" for rating in ratings])
        if 1 in ratings:
            path.append(shown[ratings.index(1)])
            expect(page.locator("#submit")).to_contain_text("Continue")
            if extract_answer(path[-1]) is None:
                # The likely next is asked for while this one is still being read.
                eventually(lambda: CandidateSet.objects.filter(position=len(path)).exists())
            labeling.press("Enter")
        else:
            # None is right: the labeler writes what the model should have written, and it is chosen.
            path.append(clean_solution(problem)[len(path)])
            labeling.press("w")
            page.keyboard.type(path[-1])
            page.keyboard.press("Control+Enter")
        expect(page.locator("#task .chosen-step")).to_have_count(len(path))
        page.locator("#task .step:visible, [data-slot=ended]:visible").first.wait_for()
        if page.locator("[data-slot=ended]").is_visible():
            break
    expect(page.locator("#missing")).to_have_text(f"Step {len(path)} states the answer")
    labeling.saved()
    labeling.press("Enter")
    labeling.ended()

    assignment = Assignment.objects.get(labeler=bob)
    assert assignment.derived_solution is not None
    assert CandidateSet.objects.filter(task=assignment.task).count() >= len(path)
    (row,) = exported(project, "prm800k")
    assert list(row["question"]) == ["problem", "ground_truth_answer"]
    steps = row["label"]["steps"]
    assert [[one["rating"] for one in step["completions"]] for step in steps] == rated
    assert [chosen_text(step) for step in steps] == path
    assert row["label"]["finish_reason"] == "solution"
    trained = exported(project, "trl-prm")
    # The path that was chosen, and a row for each rated candidate beside it.
    assert (path, [True] * len(path)) in [(one["completions"], one["labels"]) for one in trained]
    assert all(one["completions"][:-1] == path[: len(one["completions"]) - 1] for one in trained)


def chosen_text(step: dict[str, Any]) -> str:
    chosen = step["chosen_completion"]
    return str(step["human_completion"]["text"] if chosen is None else step["completions"][chosen]["text"])


@pytest.fixture
def forked(project: Project) -> Solution:
    """Two positions with candidates, as a file brings them."""
    solution = make_solution(
        make_problem(project, "What is $2 + 3$?", reference_answer="5"), ["Two is $2$.", "So it is $2 + 3 = 6$."]
    )
    more = [(0, 1, "Two is even."), (1, 1, "Three is odd."), (1, 2, "Three is $3$.")]
    Step.objects.bulk_create(
        Step(solution=solution, position=position, candidate=number, text=text, chosen=False)
        for position, number, text in more
    )
    return solution


def come_to(page: Page, steps: int, count: int) -> None:
    """So many steps are chosen, and so many candidates stand for the next."""
    expect(page.locator("#task .chosen-step")).to_have_count(steps)
    expect(page.locator("#task .step")).to_have_count(count)


def test_where_none_is_great_the_labeler_writes_the_step_and_nothing_is_lost_on_the_way(
    project: Project, forked: Solution, bob: User, watched: Watched
) -> None:
    round_ = open_round(project=project, protocol="branching")
    page = watched.page(bob)
    labeling = LabelingPage(page).open(round_)
    assert len(candidates(page)) == 2
    expect(page.locator("#missing")).to_have_text("Rate the 2 candidates")
    # What is not rated cannot be chosen, and Enter says what is missing.
    labeling.press("Enter", "c")
    expect(page.locator("#announcer")).to_contain_text("Not yet")
    labeling.press("3", "2", "Enter")
    come_to(page, 1, 3)
    # Back with undo, and forward again.
    labeling.press("u")
    expect(page.locator("#task .chosen-step")).to_have_count(0)
    labeling.press("Enter")
    come_to(page, 1, 3)
    labeling.press("1", "2", "4")
    expect(page.locator("#missing")).to_contain_text("None is great")
    labeling.press("w")
    field = page.locator(".own textarea")
    expect(field).to_be_focused()
    page.keyboard.type("It is $2 + 3 = 5$.")
    expect(page.locator(".own .own-preview .katex")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    labeling.saved()
    # A half-written step, and the way so far, survive a reload.
    page.reload()
    labeling.ready()
    expect(page.locator("#task .chosen-step")).to_have_count(1)
    assert labeling.pressed() == ["bad", "okay", "unsure"]
    labeling.press("w")
    expect(field).to_have_value("It is $2 + 3 = 5$.")
    page.keyboard.press("Control+End")
    page.keyboard.type(" The answer is: 5")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#task .chosen-step")).to_have_count(2)
    expect(page.locator("#task .chosen-step .badge").last).to_have_text("yours")
    expect(page.locator("#missing")).to_have_text("Step 2 states the answer")
    labeling.saved()
    page.reload()
    expect(page.locator("#missing")).to_have_text("Step 2 states the answer")
    labeling.press("Enter")
    labeling.ended()

    (row,) = exported(project, "prm800k")
    first, second = row["label"]["steps"]
    assert [one["rating"] for one in first["completions"]] == [1, 0]
    assert first["chosen_completion"] == 0
    assert [(one["rating"], one["flagged"]) for one in second["completions"]] == [(-1, False), (0, False), (None, True)]
    assert second["human_completion"] == {
        "text": "It is $2 + 3 = 5$. The answer is: 5",
        "rating": None,
        "source": "human",
        "flagged": False,
    }
    assert second["chosen_completion"] is None


def test_who_gives_up_hands_in_what_was_shown(
    project: Project, forked: Solution, bob: User, page_of: Callable[..., Page]
) -> None:
    round_ = open_round(project=project, protocol="branching")
    page = page_of(bob)
    labeling = LabelingPage(page).open(round_)
    labeling.press("3", "2", "Enter")
    come_to(page, 1, 3)
    labeling.press("1", "g")
    page.locator("#reason[open]").wait_for()
    page.keyboard.type("I cannot tell.")
    page.keyboard.press("Control+Enter")
    labeling.ended()
    (row,) = exported(project, "prm800k")
    assert [[one["rating"] for one in step["completions"]] for step in row["label"]["steps"]] == [
        [1, 0],
        [-1, None, None],
    ]
    # The way was the solution's own: the labels are on its steps.
    assert Assignment.objects.get(labeler=bob).derived_solution is None


def test_a_model_that_is_away_is_told_and_ones_own_step_goes_on(
    project: Project, bob: User, watched: Watched, tmp_path: Path
) -> None:
    make_problem(project, "What is $2 + 3$?", reference_answer="5")
    round_ = open_round(
        project=project,
        protocol="branching",
        options={"starts_from": "problems"},
        endpoint=register_reasoner(url="http://127.0.0.1:9/v1"),
    )
    page = watched.page(bob)
    page.goto(f"/projects/{project.slug}/rounds/{round_.number}/label")
    expect(page.locator('[data-slot="problem"]')).to_contain_text(re.compile("cannot be reached"))
    expect(page.locator("#missing")).to_have_text("No candidates: write the step, or give up")
    page.keyboard.press("w")
    page.keyboard.type("The answer is: 5")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#submit")).to_be_enabled()
    page.keyboard.press("Enter")
    LabelingPage(page).ended()
    (row,) = exported(project, "annotate")
    assert [step["origin"] for step in row["solution"]["steps"]] == ["human"]
