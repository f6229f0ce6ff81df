"""Comparisons: how they are made, shown and submitted."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.core.errors import DomainError, Unprocessable
from apps.corpus.comparisons import shared_steps
from apps.corpus.models import Comparison, Solution, Step
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, PreferenceLabel, Round
from apps.labeling.protocols import PROTOCOLS, TaskContext, options_of
from apps.labeling.protocols.submission import Submission, SubmittedPreference, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.pairs import any_two
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_comparison, make_problem, make_solution

COMPARISON = PROTOCOLS["comparison"]


def said(choice: str = "", margin: str = "", rationale: str = "", **fields: Any) -> Submission:
    preference = SubmittedPreference(choice=choice, margin=margin, rationale=rationale) if choice else None
    return Submission(**{"finish_reason": "solution", "preference": preference, **fields})


def asked(**options: Any) -> TaskContext:
    return TaskContext(options=options_of("comparison", options), is_pair=True)


# --- what is finished -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("submission", "options"),
    [
        (said("left", "clearly"), {}),
        (said("right", "negligibly", "Shorter."), {}),
        (said("tie"), {}),
        (said("left", "clearly", "Why not"), {"rationale": "required"}),
        (said(finish_reason="give_up", reason="too long"), {"rationale": "required"}),
        (said(finish_reason="bad_problem", reason="no question"), {}),
    ],
)
def test_a_finished_comparison_is_accepted(submission: Submission, options: dict[str, Any]) -> None:
    COMPARISON.check(submission, asked(**options))


@pytest.mark.parametrize(
    ("submission", "options", "field"),
    [
        (said(), {}, "preference"),
        (said("both"), {}, "preference.choice"),
        (said("left"), {}, "preference.margin"),
        (said("left", "much"), {}, "preference.margin"),
        (said("tie", "clearly"), {}, "preference.margin"),
        (said("tie"), {"ties": False}, "preference.choice"),
        (said("left", "clearly"), {"rationale": "required"}, "preference.rationale"),
        (said("left", "clearly", "  "), {"rationale": "required"}, "preference.rationale"),
        (said("left", "clearly", "So."), {"rationale": "off"}, "preference.rationale"),
        (said("left", "clearly", finish_reason="found_error"), {}, "finish_reason"),
        (said(finish_reason="give_up"), {}, "reason"),
        (said("left", "clearly", steps=[SubmittedStep(position=0, rating=1)]), {}, "steps[0]"),
    ],
)
def test_what_a_comparison_misses_is_named(submission: Submission, options: dict[str, Any], field: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        COMPARISON.check(submission, asked(**options))
    assert field in caught.value.fields


@pytest.mark.parametrize("protocol", ["first_error", "every_step"])
def test_steps_are_rated_and_not_preferred(protocol: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        PROTOCOLS[protocol].check(said("left", "clearly"), TaskContext({}))
    assert "preference" in caught.value.fields


@given(st.integers(0, 40), st.integers(1, 1000), st.integers(0, 5))
def test_pairs_are_drawn_once_and_never_of_one_item_with_itself(count: int, most: int, seed: int) -> None:
    pairs = list(any_two(count, most, random.Random(seed)))
    assert len(pairs) == len(set(pairs)) == min(most, count * (count - 1) // 2)
    assert all(0 <= one < two < count for one, two in pairs)


@given(st.lists(st.sampled_from("ab"), max_size=5), st.lists(st.sampled_from("ab"), max_size=5))
def test_what_both_begin_with_leaves_each_a_step_of_its_own(left: list[str], right: list[str]) -> None:
    shared = shared_steps(left, right)
    assert left[:shared] == right[:shared]
    assert not left or not right or shared < min(len(left), len(right))


# --- which side was which ---------------------------------------------------------------------------------


@pytest.fixture
def compared(project: Project) -> Comparison:
    return make_comparison(
        make_problem(project, reference_answer="2"), ["We add.", "It is 2."], ["We add.", "It is 3."]
    )


class Falls(random.Random):
    """A die that always falls so."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def random(self) -> float:
        return self.number


def assignment(round_: Round, labeler: User, *, dice: random.Random | None = None) -> Assignment:
    taken = claim(round=round_, labeler=labeler, dice=dice)
    assert isinstance(taken, Assignment)
    return taken


@pytest.mark.parametrize(("number", "is_swapped"), [(0.1, True), (0.9, False)])
def test_the_dice_decide_the_left_side_and_the_label_is_stored_by_the_comparisons_own_sides(
    compared: Comparison, bob: User, number: float, is_swapped: bool
) -> None:
    round_ = open_round(project=compared.project, protocol="comparison")
    taken = assignment(round_, bob, dice=Falls(number))
    assert taken.sides_swapped is is_swapped
    shown = task_payload(taken)
    assert [one["candidates"][0]["text"] for one in shown["steps"]] == ["We add."]
    left, right = ("It is 3.", "It is 2.") if is_swapped else ("It is 2.", "It is 3.")
    assert shown["comparison"]["left"] == {"steps": [{"position": 1, "text": left}]}
    assert shown["comparison"]["right"] == {"steps": [{"position": 1, "text": right}]}
    submit(assignment=taken, submission=said("left", "clearly", " It is right. "))
    label = PreferenceLabel.objects.get()
    assert (label.choice, label.margin, label.rationale) == (
        "right" if is_swapped else "left",
        "clearly",
        "It is right.",
    )


def test_a_resumed_assignment_shows_its_sides_as_before(compared: Comparison, bob: User) -> None:
    round_ = open_round(project=compared.project, protocol="comparison")
    first = assignment(round_, bob, dice=Falls(0.1))
    save_draft(assignment=first, version=0, draft={"steps": [], "preference": {"choice": "left", "margin": "clearly"}})
    Assignment.objects.filter(pk=first.pk).update(state="expired")
    round_.tasks.update(open_slots=1)
    again = assignment(round_, bob, dice=Falls(0.9))
    assert (again.pk, again.sides_swapped) == (first.pk, True)
    assert task_payload(again)["draft"]["preference"]["choice"] == "left"


@pytest.mark.slow
def test_both_sides_are_shown_about_as_often_left(project: Project, bob: User) -> None:
    for _ in range(60):
        make_comparison(make_problem(project), ["Yes."], ["No."])
    round_ = open_round(project=project, protocol="comparison")
    dice = random.Random(7)
    swapped = []
    for _ in range(60):
        taken = assignment(round_, bob, dice=dice)
        swapped.append(taken.sides_swapped)
        submit(assignment=taken, submission=said("tie"))
    assert 20 < sum(swapped) < 40


def test_the_payload_does_not_reveal_the_source_of_a_side(compared: Comparison, bob: User) -> None:
    Solution.objects.update(source="llama", is_correct=True, final_answer="2")
    told = str(task_payload(assignment(open_round(project=compared.project, protocol="comparison"), bob)))
    assert "llama" not in told
    assert "is_correct" not in told


def test_the_same_preference_twice_is_one_and_a_give_up_holds_none(compared: Comparison, bob: User, rita: User) -> None:
    round_ = open_round(project=compared.project, protocol="comparison", redundancy=2)
    mine = assignment(round_, bob)
    for _ in range(2):
        submit(assignment=mine, submission=said("left", "slightly"))
    submit(assignment=assignment(round_, rita), submission=said(finish_reason="give_up", reason="I cannot tell"))
    assert PreferenceLabel.objects.count() == 1
    assert set(Assignment.objects.values_list("state", flat=True)) == {"submitted"}


# --- which pairs ------------------------------------------------------------------------------------------


def pairs_of(round_: Round) -> set[tuple[int, int]]:
    return {
        (one.comparison.left_id, one.comparison.right_id)
        for one in round_.tasks.select_related("comparison")
        if one.comparison
    }


def test_a_round_compares_what_was_imported(compared: Comparison) -> None:
    make_solution(compared.problem)
    round_ = open_round(project=compared.project, protocol="comparison")
    assert (round_.task_count, pairs_of(round_)) == (1, {(compared.left_id, compared.right_id)})


def test_a_round_sets_right_against_wrong(project: Project) -> None:
    problem, other = make_problem(project), make_problem(project)
    right = {make_solution(problem, ["Good.", str(n)], is_correct=True).pk for n in range(3)}
    wrong = {make_solution(problem, ["Good.", f"-{n}"], is_correct=False).pk for n in range(3)}
    make_solution(other, is_correct=True)
    rounds = [
        open_round(project=project, protocol="comparison", options={"pairs": "right_wrong", "each": 4, "seed": seed})
        for seed in (1, 1, 2)
    ]
    found = [pairs_of(one) for one in rounds]
    assert [len(one) for one in found] == [4, 4, 4]
    assert all(pair[0] in right and pair[1] in wrong for pair in found[0] | found[2])
    assert found[0] == found[1] != found[2]
    assert set(Comparison.objects.values_list("shared_steps", flat=True)) == {1}


def test_a_round_of_any_two_solutions_leaves_out_equal_ones(project: Project) -> None:
    problem = make_problem(project)
    for text in ("One.", "One.", "Two."):
        make_solution(problem, [text])
    round_ = open_round(project=project, protocol="comparison", options={"pairs": "random", "each": 10})
    assert round_.task_count == 2


def test_a_round_compares_candidates_for_one_step(project: Project, bob: User) -> None:
    solution = make_solution(make_problem(project), ["We add.", "It is 3."])
    for number, text in enumerate(["It is 2.", "It is 3.", "Two."], 1):
        Step.objects.create(solution=solution, position=1, candidate=number, text=text, chosen=False)
    round_ = open_round(project=project, protocol="comparison", options={"pairs": "steps", "each": 100})
    assert round_.task_count == 3, "the candidate that says the same as another is no choice"
    shown = task_payload(assignment(round_, bob, dice=Falls(0.9)))
    assert shown["comparison"]["of"] == "steps"
    assert [one["candidates"][0]["text"] for one in shown["steps"]] == ["We add."]
    assert all(len(shown["comparison"][side]["steps"]) == 1 for side in ("left", "right"))
    again = open_round(project=project, protocol="comparison", options={"pairs": "steps", "each": 100, "seed": 5})
    assert Comparison.objects.count() == again.task_count == 3


def test_the_selection_is_of_both_sides_and_its_sample_of_comparisons(project: Project) -> None:
    for source in ("a", "a", "b", "b"):
        make_solution(
            make_problem(project, statement="What?") if not project.problems.exists() else project.problems.get(),
            [f"From {source} {Solution.objects.count()}."],
            source=source,
        )
    options = {"pairs": "random", "each": 100}
    counts = {
        select: open_round(project=project, protocol="comparison", options=options, select=select).task_count
        for select in ("all", "source:a", "sample:2", "source:a,sample:5")
    }
    assert counts == {"all": 6, "source:a": 1, "sample:2": 2, "source:a,sample:5": 1}


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, "select"),
        ({"options": {"pairs": "right_wrong"}}, "select"),
        ({"options": {"pairs": "best"}}, "options"),
        ({"options": {"each": 0}}, "options"),
        ({"options": {"colour": "red"}}, "options"),
        ({"gold_share": 0.1}, "gold_share"),
    ],
)
def test_an_invalid_comparison_round_names_the_field(project: Project, arguments: Any, field: str) -> None:
    make_solution(make_problem(project))
    with pytest.raises(DomainError) as caught:
        open_round(project=project, protocol="comparison", **arguments)
    assert field in caught.value.fields
    assert not project.rounds.exists()
