"""Candidates that a model samples while a labeler works, and the solutions derived from them."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict, Unprocessable
from apps.corpus.models import Solution, Step
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.labeling.assignments import candidates as candidates_module
from apps.labeling.assignments.branching import grade_derived
from apps.labeling.assignments.candidates import candidates_after
from apps.labeling.assignments.drafts import save_draft
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, CandidateSet, Round, StepLabel
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_problem, make_solution
from tests.estimation.model import Model, model_of

pytestmark = pytest.mark.django_db
SAID = "Step 9: so we have it, and that is all there is to say."


@pytest.fixture
def model(model_server: str) -> Model:
    return model_of(model_server, latency_s=0.0)


@pytest.fixture
def endpoint(project: Project, model: Model) -> Endpoint:
    return add_endpoint(project=project, name="lab", url=model.url, model="small")


def opened(project: Project, endpoint: Endpoint | None, **options: Any) -> Round:
    make_problem(project, "Compute 2 + 3.", reference_answer="5")
    return open_round(
        project=project, protocol="branching", options={"starts_from": "problems", **options}, endpoint=endpoint
    )


def assignment_of(round_: Round, labeler: User) -> Assignment:
    taken = claim(round=round_, labeler=labeler)
    assert isinstance(taken, Assignment)
    return taken


def test_all_labelers_get_the_same_candidates_after_a_prefix(
    project: Project, endpoint: Endpoint, model: Model, bob: User, rita: User
) -> None:
    make_problem(project, "Compute 2 + 3.", reference_answer="5")
    round_ = open_round(
        project=project, protocol="branching", redundancy=2, options={"starts_from": "problems"}, endpoint=endpoint
    )
    found = candidates_after(assignment=assignment_of(round_, bob), chosen=[])
    # The model always returns the same text: each sampled step is shown once.
    assert [one.text for one in found.candidates] == [SAID]
    assert (found.source, found.position, found.own, found.problem) == ("model", 0, 1, "")
    asked = model.stats()["requests"]
    assert candidates_after(assignment=assignment_of(round_, rita), chosen=[]) == found
    assert model.stats()["requests"] == asked
    offer = CandidateSet.objects.get()
    assert (offer.texts, offer.source, offer.position) == ([SAID], "small", 0)
    further = candidates_after(assignment=assignment_of(round_, bob), chosen=[{"candidate": 0}])
    assert further.position == 1
    assert model.stats()["requests"] > asked


@pytest.mark.parametrize(
    "fault", [{"is_down": True}, {"garbage": 1.0}, {"timeout": 1.0}, {"key": "sk-other"}, {"cut": 1.0}, {"empty": 1.0}]
)
def test_a_failing_model_is_reported_and_the_labeler_continues_without_it(
    project: Project,
    endpoint: Endpoint,
    model: Model,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, object],
) -> None:
    monkeypatch.setattr(candidates_module, "WITHIN_S", 1.5)
    model.control(**fault)
    assignment = assignment_of(opened(project, endpoint), bob)
    found = candidates_after(assignment=assignment, chosen=[])
    assert not found.candidates
    assert found.problem
    assert not CandidateSet.objects.exists()
    own = SubmittedStep(position=0, candidate=found.own, text="2 + 3 = 5. The answer is: 5", chosen=True)
    done = submit(assignment=assignment, submission=Submission(steps=[own], finish_reason="solution"))
    assert done.derived_solution is not None
    # What failed is not remembered: the next who asks may have more luck.
    model.control(**dict.fromkeys(fault, 0.0), latency_s=0.0) if "key" not in fault else model.control(key="")
    assert candidates_after(assignment=assignment_of(opened_again(project, endpoint), bob), chosen=[]).candidates


def opened_again(project: Project, endpoint: Endpoint) -> Round:
    return open_round(project=project, protocol="branching", options={"starts_from": "problems"}, endpoint=endpoint)


def test_without_an_endpoint_there_are_no_candidates_beyond_the_solution(project: Project, bob: User) -> None:
    assignment = assignment_of(opened(project, None), bob)
    found = candidates_after(assignment=assignment, chosen=[])
    assert (list(found.candidates), found.own) == ([], 0)
    assert found.problem


def test_a_server_that_returns_one_choice_at_a_time_is_asked_again(
    project: Project, endpoint: Endpoint, model: Model, bob: User
) -> None:
    model.control(most_choices=1)
    assert candidates_after(assignment=assignment_of(opened(project, endpoint), bob), chosen=[]).candidates


def test_while_the_model_answers_others_the_page_is_asked_to_retry(
    project: Project, endpoint: Endpoint, model: Model, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that wait for a model are threads that serve no pages."""
    monkeypatch.setattr(candidates_module, "_waiting", BoundedSemaphore(1))
    monkeypatch.setattr(candidates_module, "PATIENCE_S", 0.01)
    assignment = assignment_of(opened(project, endpoint), bob)
    with candidates_module._waiting:
        found = candidates_after(assignment=assignment, chosen=[])
    assert (found.busy, list(found.candidates)) == (True, [])
    assert model.stats()["requests"] == 0
    assert candidates_after(assignment=assignment, chosen=[]).candidates


def test_a_choice_that_does_not_exist_is_refused(project: Project, endpoint: Endpoint, bob: User) -> None:
    assignment = assignment_of(opened(project, endpoint), bob)
    with pytest.raises(Unprocessable) as caught:
        candidates_after(assignment=assignment, chosen=[{"candidate": 4}])
    assert "chosen[0]" in caught.value.fields


def test_nothing_is_sampled_after_the_submission_or_for_other_protocols(
    project: Project, endpoint: Endpoint, model: Model, bob: User
) -> None:
    assignment = assignment_of(opened(project, endpoint), bob)
    submit(assignment=assignment, submission=Submission(finish_reason="give_up", reason="too hard"))
    with pytest.raises(Conflict):
        candidates_after(assignment=assignment, chosen=[])
    make_solution(make_problem(project))
    other = assignment_of(open_round(project=project, protocol="first_error"), bob)
    with pytest.raises(Conflict):
        candidates_after(assignment=other, chosen=[])
    assert model.stats()["requests"] == 0


def test_the_number_of_sampled_prefixes_is_limited(
    project: Project, endpoint: Endpoint, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates_module, "MOST_CANDIDATE_SETS", 1)
    assignment = assignment_of(opened(project, endpoint), bob)
    candidates_after(assignment=assignment, chosen=[])
    with pytest.raises(Conflict):
        candidates_after(assignment=assignment, chosen=[{"text": "Something else."}])


def test_the_payload_reaches_as_far_as_the_draft_without_calling_a_model(
    project: Project, endpoint: Endpoint, model: Model, bob: User
) -> None:
    assignment = assignment_of(opened(project, endpoint), bob)
    assert task_payload(assignment)["steps"] == []
    candidates_after(assignment=assignment, chosen=[])
    candidates_after(assignment=assignment, chosen=[{"text": "Mine."}])
    asked = model.stats()["requests"]
    own = {"position": 0, "candidate": 1, "rating": None, "unsure": False, "chosen": True, "text": "Mine."}
    save_draft(assignment=assignment, version=0, draft={"steps": [own]})
    assignment.refresh_from_db()
    shown = task_payload(assignment)["steps"]
    assert [one["position"] for one in shown] == [0, 1]
    assert shown[0]["own"] == 1
    assert model.stats()["requests"] == asked


# --- where the labels are stored --------------------------------------------------------------------------


def test_a_written_step_derives_a_solution_that_is_graded(project: Project, endpoint: Endpoint, bob: User) -> None:
    assignment = assignment_of(opened(project, endpoint), bob)
    candidates_after(assignment=assignment, chosen=[])
    steps = [
        SubmittedStep(position=0, candidate=0, rating=-1),
        SubmittedStep(position=0, candidate=1, text=" 2 + 3 = 5. The answer is: 5 ", chosen=True),
    ]
    done = submit(assignment=assignment, submission=Submission(steps=steps, finish_reason="solution"))
    grown = done.derived_solution
    assert grown is not None
    found = list(Step.objects.filter(solution=grown).values_list("candidate", "text", "origin", "chosen"))
    assert found == [(0, SAID, "model", False), (1, "2 + 3 = 5. The answer is: 5", "human", True)]
    assert (grown.step_count, grown.final_answer, grown.source) == (1, "5", "branching round 1")
    assert StepLabel.objects.filter(assignment=done, step__solution=grown).count() == 2
    graded = grade_derived(solution_id=grown.pk)
    assert graded is not None
    assert (graded.grade, graded.is_correct) == ("match", True)
    assert grade_derived(solution_id=grown.pk + 1000) is None


def test_each_labeler_who_leaves_the_path_derives_a_solution(
    project: Project, bob: User, rita: User, alice: User
) -> None:
    solution = make_solution(make_problem(project, reference_answer="5"), steps=["Two.", "The answer is: 5"])
    round_ = open_round(project=project, protocol="branching", redundancy=3)
    follow = [SubmittedStep(position=place, candidate=0, rating=1, chosen=True) for place in (0, 1)]
    leave = [
        SubmittedStep(position=0, candidate=0, rating=0),
        SubmittedStep(position=0, candidate=1, text="The answer is: 6", chosen=True),
    ]
    assignments = [
        submit(assignment=assignment_of(round_, who), submission=Submission(steps=steps, finish_reason="solution"))
        for who, steps in ((bob, leave), (rita, leave), (alice, follow))
    ]
    assert assignments[2].derived_solution is None
    assert assignments[0].derived_solution != assignments[1].derived_solution
    assert Solution.objects.count() == 3
    on_task = StepLabel.objects.filter(step__solution=solution)
    assert {label.assignment_id for label in on_task} == {assignments[2].pk}
    assert all(label.chosen for label in on_task)
