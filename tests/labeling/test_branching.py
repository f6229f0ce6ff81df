"""The branching protocol: what a finished dialogue must contain. Pure."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Unprocessable
from apps.labeling.protocols import PROTOCOLS, TaskContext, options_of
from apps.labeling.protocols.candidate_tree import CandidateTree, KnownStep, own_number, prefix_digest
from apps.labeling.protocols.submission import Submission, SubmittedStep

BRANCHING = PROTOCOLS["branching"]
FIRST, SECOND, LAST = "Let x be 2.", "Then x + 3 is 5.", "So we are done.\n\n# Answer\n\n5"
TREE = CandidateTree(
    [
        KnownStep(0, 0, FIRST, "model", chosen=True),
        KnownStep(0, 1, "Let y be 3.", "model", chosen=False),
        KnownStep(1, 0, "That is odd.", "model", chosen=False),
        KnownStep(1, 1, SECOND, "human", chosen=True),
        KnownStep(2, 0, LAST, "model", chosen=True),
    ],
    {prefix_digest(["Let y be 3."]): ["Then it is 5. The answer is: 5", "Then it is 6."]},
)


def asked(**options: Any) -> TaskContext:
    return TaskContext(options=options_of("branching", options), tree=TREE)


def step(position: int, candidate: int, rating: int | None = None, **more: Any) -> SubmittedStep:
    return SubmittedStep(position=position, candidate=candidate, rating=rating, **more)


def own(position: int, candidate: int, text: str) -> SubmittedStep:
    return SubmittedStep(position=position, candidate=candidate, text=text, chosen=True)


def said(*steps: SubmittedStep, finish: str = "solution", reason: str = "") -> Submission:
    return Submission(steps=steps, finish_reason=finish, reason=reason)


THE_PATH = (step(0, 0, 1, chosen=True), step(0, 1, 0), step(1, 0, 0), own(1, 1, SECOND), step(2, 0, 1, chosen=True))
ANOTHER = (step(0, 0, 0), step(0, 1, 1, chosen=True), step(1, 0, 1, chosen=True), step(1, 1, -1))


@pytest.mark.parametrize(
    "submission",
    [
        said(*THE_PATH),
        said(*ANOTHER),
        # Where none is great, an okay one will do.
        said(step(0, 0, 0), step(0, 1, 0, chosen=True), *ANOTHER[2:]),
        # What one writes may end the solution.
        said(step(0, 0, -1), step(0, 1, unsure=True), own(0, 2, "It is 5. The answer is: 5")),
        said(finish="give_up", reason="too hard"),
        said(step(0, 0, 1), step(0, 1), finish="give_up", reason="too hard"),
        said(step(0, 0), step(0, 1), finish="bad_problem", reason="no question is asked"),
        said(step(0, 0, 1, chosen=True), step(0, 1, 0), finish="give_up", reason="stuck"),
    ],
)
def test_a_finished_dialogue_is_accepted(submission: Submission) -> None:
    BRANCHING.check(submission, asked())


@pytest.mark.parametrize(
    ("submission", "field"),
    [
        (said(), "steps.0"),
        (said(*THE_PATH[:4]), "steps.1"),
        (said(*THE_PATH, finish="found_error"), "finish_reason"),
        (said(*THE_PATH, finish="give_up"), "reason"),
        (said(THE_PATH[0], *THE_PATH[2:]), "steps.0.1"),
        (said(*THE_PATH[:2], *THE_PATH[4:]), "steps.1"),
        (said(step(0, 0, -1, chosen=True), step(0, 1, -1), *THE_PATH[2:]), "steps[0]"),
        (said(step(0, 0, unsure=True, chosen=True), step(0, 1, -1), *THE_PATH[2:]), "steps[0]"),
        (said(step(0, 0, 0, chosen=True), step(0, 1, 1), *THE_PATH[2:]), "steps[0]"),
        (said(step(0, 0, 1, chosen=True), step(0, 1, 1, chosen=True), *THE_PATH[2:]), "steps[0]"),
        (said(step(0, 0, 1), step(0, 1, 0), own(0, 2, FIRST)), "steps[2]"),
        (said(step(0, 0, 0), step(0, 1, 0), own(0, 5, FIRST)), "steps[2]"),
        (said(step(0, 0, 0), step(0, 1, 0), own(0, 2, "  ")), "steps[2]"),
        (said(step(0, 0, 2), step(0, 1, 0)), "steps[0]"),
        (said(step(0, 0, 1), step(0, 0, 1), step(0, 1, 0)), "steps[1]"),
        (said(step(0, 7, 1)), "steps[0]"),
        # A step that a person wrote belongs to the path and is not a candidate.
        (said(*THE_PATH[:3], step(1, 1, 1, chosen=True)), "steps[3]"),
        (said(step(3, 0, 1)), "steps.0"),
    ],
)
def test_what_is_missing_or_wrong_is_named(submission: Submission, field: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        BRANCHING.check(submission, asked())
    assert field in caught.value.fields


def test_a_round_may_refuse_steps_written_by_labelers() -> None:
    with pytest.raises(Unprocessable) as caught:
        BRANCHING.check(said(step(0, 0, -1), step(0, 1, -1), own(0, 2, "The answer is: 5")), asked(writes=False))
    assert "steps[2]" in caught.value.fields


def test_the_candidates_are_the_solutions_as_long_as_its_path_is_followed() -> None:
    def texts(*prefix: str) -> list[str] | None:
        found = TREE.after(prefix)
        return found and [one.text for one in found[0]]

    assert texts() == [FIRST, "Let y be 3."]
    assert texts(f"  {FIRST}\n") == ["That is odd."]
    assert texts(FIRST, SECOND) == [LAST]
    assert texts("Let y be 3.") == ["Then it is 5. The answer is: 5", "Then it is 6."]
    assert texts(FIRST, "That is odd.") is None
    assert texts(FIRST, SECOND, LAST) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from([-1, 0, 1, None]), st.booleans(), st.booleans())
    ),
    st.sampled_from(["solution", "give_up", "bad_problem", "found_error"]),
)
def test_every_submission_is_accepted_or_refused_by_name(rows: list[tuple[Any, ...]], finish: str) -> None:
    steps = [
        step(position, candidate, None if unsure else rating, unsure=unsure, chosen=chosen)
        for position, candidate, rating, unsure, chosen in rows
    ]
    try:
        BRANCHING.check(said(*steps, finish=finish, reason="why"), asked())
        fields = None
    except Unprocessable as error:
        fields = error.fields
    assert fields != {}
    if fields is None:
        assert finish != "found_error"
        chosen = {one.position: one for one in steps if one.chosen}
        assert sorted(chosen) == list(range(len(chosen)))
        assert all(one.rating in (0, 1) for one in chosen.values())


@given(st.permutations(THE_PATH))
def test_the_order_of_the_steps_makes_no_difference(steps: list[SubmittedStep]) -> None:
    BRANCHING.check(said(*steps), asked())
    assert said(*steps).digest() == said(*THE_PATH).digest()


def test_a_written_step_has_the_first_free_number() -> None:
    assert own_number([]) == 0
    found = TREE.after([])
    assert found is not None
    assert own_number(found[0]) == 2


def test_settings_have_bounds() -> None:
    assert msgspec.to_builtins(options_of("branching", {})) == {
        "candidates": 4,
        "temperature": 1.0,
        "max_tokens": 256,
        "writes": True,
        "starts_from": "solutions",
    }
