"""The error follow-up: alternatives, progress and critiques, each only where the round asks for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Unprocessable
from apps.corpus.models import Solution, Step
from apps.inference.services import add_endpoint
from apps.labeling.assignments.error_followup import error_followup_of
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, CandidateSet, Critique, CritiqueRating, Round, StepLabel
from apps.labeling.protocols import PROTOCOLS, TaskContext, options_of
from apps.labeling.protocols.candidate_tree import CandidateTree, KnownStep
from apps.labeling.protocols.submission import Submission, SubmittedCritique, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_problem, make_solution
from tests.estimation.model import model_of
from tests.flows.test_real_files import command, rows

ALL = {"alternatives": True, "progress": True, "critiques": True}
FIRST_ERROR = PROTOCOLS["first_error"]
TREE = CandidateTree(
    [KnownStep(place, 0, f"Step {place}.", "model", chosen=True) for place in range(3)]
    + [KnownStep(1, number, f"Other {number}.", "model", chosen=False) for number in (1, 2)]
)


def asked(**options: bool) -> TaskContext:
    return TaskContext(
        path={0: 0, 1: 0, 2: 0},
        options=options_of("first_error", options),
        tree=TREE,
        critiques={1: frozenset({7}), 2: frozenset({9})},
    )


ERROR = (SubmittedStep(position=0, rating=1), SubmittedStep(position=1, rating=-1))
OTHERS = (SubmittedStep(position=1, candidate=1, rating=1), SubmittedStep(position=1, candidate=2, unsure=True))
WHOLE = Submission(
    steps=[*ERROR, *OTHERS],
    finish_reason="found_error",
    progress=0,
    critiques=[SubmittedCritique(id=7, rating=1), SubmittedCritique(text="Four is not odd.")],
)


def without(**parts: Any) -> Submission:
    return replace(WHOLE, **parts)


@pytest.mark.parametrize(
    ("submission", "options"),
    [
        (WHOLE, ALL),
        (Submission(steps=ERROR, finish_reason="found_error"), {}),
        (without(steps=ERROR), {"progress": True, "critiques": True}),
        (without(progress=None), {"alternatives": True, "critiques": True}),
        (without(critiques=()), {"alternatives": True, "progress": True}),
        (without(critiques=[SubmittedCritique(text="No.")]), ALL),
        # Without an error nothing follows it.
        (
            Submission(steps=[SubmittedStep(position=place, rating=1) for place in range(3)], finish_reason="solution"),
            ALL,
        ),
        # Where there is nothing else at the bad step, nothing else is rated.
        (without(steps=[SubmittedStep(position=0, rating=-1)], critiques=[SubmittedCritique(text="No.")]), ALL),
        (Submission(steps=[*ERROR, OTHERS[0]], finish_reason="give_up", reason="too hard"), ALL),
    ],
)
def test_each_part_is_asked_for_where_the_round_says_so(submission: Submission, options: dict[str, bool]) -> None:
    FIRST_ERROR.check(submission, asked(**options))


@pytest.mark.parametrize(
    ("submission", "options", "field"),
    [
        (without(steps=ERROR), ALL, "steps.1.1"),
        (without(steps=[*ERROR, OTHERS[0]]), ALL, "steps.1.2"),
        (without(progress=None), ALL, "progress"),
        (without(progress=2), ALL, "progress"),
        (without(critiques=()), ALL, "critiques"),
        (without(critiques=[SubmittedCritique(id=9, rating=1)]), ALL, "critiques[0]"),
        (without(critiques=[SubmittedCritique(id=7)]), ALL, "critiques[0]"),
        (without(critiques=[SubmittedCritique(text="  ")]), ALL, "critiques[0]"),
        (without(critiques=[SubmittedCritique(id=7, rating=1)] * 2), ALL, "critiques[1]"),
        (WHOLE, {"progress": True, "critiques": True}, "steps[2]"),
        (WHOLE, {"alternatives": True, "critiques": True}, "progress"),
        (WHOLE, {"alternatives": True, "progress": True}, "critiques[0]"),
        (
            without(
                steps=[*ERROR[:1], SubmittedStep(position=1, rating=1), SubmittedStep(position=2, rating=1)],
                finish_reason="solution",
                critiques=(),
            ),
            ALL,
            "progress",
        ),
        # An alternative of a step that is not the bad one was never shown.
        (without(steps=[SubmittedStep(position=0, rating=-1), OTHERS[0]]), ALL, "steps[1]"),
    ],
)
def test_what_is_missing_about_the_error_is_named(submission: Submission, options: dict[str, bool], field: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        FIRST_ERROR.check(submission, asked(**options))
    assert field in caught.value.fields


# --- with a database --------------------------------------------------------------------------------------


@pytest.fixture
def served(model_server: str) -> str:
    return model_of(model_server, latency_s=0.0).url


@pytest.fixture
def wrong(project: Project) -> Solution:
    """Its second step is bad, and a file brought one alternative for it."""
    solution = make_solution(make_problem(project, "Compute 2 + 3.", reference_answer="5"), ["Two.", "Six.", "6"])
    Step.objects.create(solution=solution, position=1, candidate=1, text="Five.", chosen=False)
    return solution


def assignment_of(round_: Round, labeler: User) -> Assignment:
    taken = claim(round=round_, labeler=labeler)
    assert isinstance(taken, Assignment)
    return taken


def test_answers_about_the_error_are_stored_exported_and_imported_again(
    project: Project, wrong: Solution, bob: User, rita: User, tmp_path: Path
) -> None:
    bad = wrong.steps.get(position=1, candidate=0)
    Critique.objects.create(step=bad, text="It is five.", origin="model", source="critic-1")
    round_ = open_round(project=project, protocol="first_error", redundancy=2, options=ALL)
    assignment = assignment_of(round_, bob)
    found = error_followup_of(assignment=assignment, position=1)
    assert [(one.candidate, one.text) for one in found.alternatives] == [(1, "Five.")]
    assert [one.text for one in found.critiques] == ["It is five."]
    submit(
        assignment=assignment,
        submission=Submission(
            steps=[*ERROR, SubmittedStep(position=1, candidate=1, rating=1)],
            finish_reason="found_error",
            progress=-1,
            critiques=[SubmittedCritique(id=found.critiques[0].pk, rating=0), SubmittedCritique(text="Two and three.")],
        ),
    )
    # The next who finds it sees what bob wrote, and bob himself would not.
    other = error_followup_of(assignment=assignment_of(round_, rita), position=1)
    assert [one.text for one in other.critiques] == ["It is five.", "Two and three."]
    chosen = dict(StepLabel.objects.values_list("step__candidate", "chosen").filter(step__position=1))
    assert chosen == {0: False, 1: False}

    output, again = tmp_path / "prm800k.jsonl", tmp_path / "annotate.jsonl"
    command("export", project=project.slug, format="prm800k", output=output)
    (row,) = rows(output)
    assert row["label"]["steps"][1] == {
        "completions": [
            {"text": "Six.", "rating": -1, "flagged": False},
            {"text": "Five.", "rating": 1, "flagged": False},
        ],
        "human_completion": None,
        "chosen_completion": None,
    }
    command("export", project=project.slug, format="annotate", output=again)
    (person,) = rows(again)[0]["people"]
    assert person["progress"] == -1
    words = [(one["text"], one["origin"], one["source"], one["rating"], one["is_own"]) for one in person["critiques"]]
    assert words == [("It is five.", "model", "critic-1", 0, False), ("Two and three.", "human", "", None, True)]

    command("create_project", "second")
    command("import_corpus", again, project="second", format="jsonl")
    third = tmp_path / "third.jsonl"
    command("export", project="second", format="annotate", output=third)
    (landed,) = rows(third)[0]["people"]
    assert (landed["progress"], landed["critiques"]) == (person["progress"], person["critiques"])
    assert CritiqueRating.objects.count() == 2


def test_sampled_alternatives_are_the_same_for_all_and_leave_the_bad_step_out(
    project: Project, bob: User, rita: User, served: str
) -> None:
    solution = make_solution(make_problem(project, "Compute 2 + 3."), ["Two.", "Six.", "6"])
    endpoint = add_endpoint(project=project, name="lab", url=served, model="small")
    round_ = open_round(
        project=project, protocol="first_error", redundancy=2, options={"alternatives": True}, endpoint=endpoint
    )
    first = error_followup_of(assignment=assignment_of(round_, bob), position=1)
    second = error_followup_of(assignment=assignment_of(round_, rita), position=1)
    assert first.alternatives == second.alternatives
    assert [one.candidate for one in first.alternatives] == [1]
    assert solution.steps.filter(position=1, chosen=False).count() == 1
    assert CandidateSet.objects.get().source == "small"


def test_the_bad_step_itself_is_no_alternative(project: Project, bob: User, served: str) -> None:
    """The model says one thing only, and the solution says just that."""
    said = "Step 9: so we have it, and that is all there is to say."
    make_solution(make_problem(project, "Compute 2 + 3."), ["Two.", said, "6"])
    endpoint = add_endpoint(project=project, name="lab", url=served, model="small")
    round_ = open_round(project=project, protocol="first_error", options={"alternatives": True}, endpoint=endpoint)
    found = error_followup_of(assignment=assignment_of(round_, bob), position=1)
    assert (list(found.alternatives), found.problem) == ([], "The model returned no step.")
    assert not CandidateSet.objects.exists()


def test_a_model_that_fails_leaves_the_error_without_alternatives(project: Project, bob: User) -> None:
    make_solution(make_problem(project, "Compute 2 + 3."), ["Two.", "Six.", "6"])
    endpoint = add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="small")
    round_ = open_round(project=project, protocol="first_error", options={"alternatives": True}, endpoint=endpoint)
    assignment = assignment_of(round_, bob)
    found = error_followup_of(assignment=assignment, position=1)
    assert not found.alternatives
    assert "cannot be reached" in found.problem
    done = submit(assignment=assignment, submission=Submission(steps=ERROR, finish_reason="found_error"))
    assert done.state == Assignment.State.SUBMITTED


def test_other_steps_rounds_and_finished_work_have_no_followup(project: Project, wrong: Solution, bob: User) -> None:
    round_ = open_round(project=project, protocol="first_error", options=ALL)
    assignment = assignment_of(round_, bob)
    with pytest.raises(Unprocessable) as caught:
        error_followup_of(assignment=assignment, position=3)
    assert "position" in caught.value.fields
    assignment = submit(assignment=assignment, submission=Submission(finish_reason="give_up", reason="too hard"))
    assert error_followup_of(assignment=assignment, position=1).position == 1, (
        "a correction may find the error elsewhere"
    )
    assignment.round.allows_corrections = False
    with pytest.raises(Conflict):
        error_followup_of(assignment=assignment, position=1)


def test_a_returned_assignment_keeps_its_progress_answer(project: Project, wrong: Solution, bob: User) -> None:
    """Also where it is 0, which is an answer like the others."""
    round_ = open_round(project=project, protocol="first_error", options={"progress": True})
    done = submit(
        assignment=assignment_of(round_, bob),
        submission=Submission(steps=ERROR, finish_reason="found_error", progress=0),
    )
    assert return_assignment(assignment=done, note="Look again.").draft["progress"] == 0
