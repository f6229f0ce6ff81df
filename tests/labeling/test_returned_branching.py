"""A branching task that a reviewer returns comes back whole: with the step that its labeler wrote."""

from __future__ import annotations

from apps.accounts.models import User
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, PastSubmission
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_problem, make_solution
from tests.labeling.test_queue import take

WRITTEN = "Five. The answer is: 5"
SUBMITTED = Submission(
    steps=[
        SubmittedStep(position=0, candidate=0, rating=-1),
        SubmittedStep(position=0, candidate=1, text=WRITTEN, chosen=True),
    ],
    finish_reason="solution",
)


def test_the_step_that_its_labeler_wrote_comes_back(project: Project, bob: User) -> None:
    make_solution(make_problem(project, reference_answer="5"), steps=["Six."])
    round_ = open_round(project=project, protocol="branching")
    return_assignment(assignment=submit(assignment=take(round_, bob), submission=SUBMITTED), note="Say why.")
    again = take(round_, bob)
    payload = task_payload(again)
    rated, written = payload["draft"]["steps"]
    assert (rated["rating"], rated["text"]) == (-1, None)
    assert (written["candidate"], written["text"], written["chosen"]) == (1, WRITTEN, True)
    # The same once more is accepted: nothing of it was lost.
    fields = ("position", "candidate", "rating", "unsure", "chosen", "text")
    steps = [SubmittedStep(**{name: step[name] for name in fields}) for step in payload["draft"]["steps"]]
    unchanged = submit(assignment=again, submission=Submission(steps=steps, finish_reason="solution"))
    assert unchanged.state == Assignment.State.SUBMITTED
    assert [step["text"] for step in PastSubmission.objects.get().submission["steps"]] == [None, WRITTEN]
