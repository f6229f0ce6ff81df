"""A project with one of everything, for pages that show it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.core.files.base import ContentFile

from apps.accounts.models import User
from apps.corpus.identity import digest
from apps.corpus.models import Comparison, ImportBatch, Solution, Upload
from apps.corpus.services import create_import, keep_upload
from apps.estimation.models import EstimationRun, SamplingRun
from apps.estimation.runs.services import start_run
from apps.estimation.sampling.services import start_sampling
from apps.evaluation.models import Evaluation
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import create_evaluation
from apps.exports.models import Export, SavedPolicy
from apps.exports.run import run_export
from apps.exports.services import create_export, save_policy
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import JudgeRun
from apps.judging.runs.services import start_judging
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, SavedView
from apps.labeling.protocols.submission import Submission, SubmittedPreference, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import create_round, open_round
from apps.labeling.saved_views import save_view
from apps.projects.models import Guideline, Invitation, Membership, Project
from apps.projects.services import invite, publish_guidelines
from apps.quality.models import BlindPool, BlindSample, Cascade
from apps.scoring.models import ScoringRun
from apps.scoring.services import start_scoring
from tests.cast import make_problem, make_round, make_solution

ROW = b'{"problem": {"statement": "What is 1 + 1?", "reference_answer": "2"}, "solution": {"steps": ["One and one.", "2"]}}\n'


@dataclass
class World:
    project: Project
    solution: Solution
    round: Round
    upload: Upload
    batch: ImportBatch
    export: Export
    evaluation: Evaluation
    guideline: Guideline
    invitation: Invitation
    secret: str
    bobs: Membership
    endpoint: Endpoint
    run: EstimationRun
    sampling: SamplingRun
    draft: Round
    scoring: ScoringRun
    judging: JudgeRun
    saved_policy: SavedPolicy
    saved_view: SavedView
    cascade: Cascade


def rate(round_: Round, labeler: User, *ratings: int | None, finish: str = "", **fields: object) -> Assignment:
    """The labeler's next task of the round, rated so from the first step on."""
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment)
    steps = [SubmittedStep(position=place, rating=one, unsure=one is None) for place, one in enumerate(ratings)]
    finish = finish or ("found_error" if -1 in ratings else "solution")
    return submit(
        assignment=assignment, submission=Submission(steps=steps, finish_reason=finish, active_ms=9000, **fields)
    )  # type: ignore[arg-type]


@pytest.fixture
def world(project: Project, alice: User, bob: User) -> World:
    guideline = publish_guidelines(project=project, text="# Rules\n\nBe fair.", author=alice)
    solution = make_solution(
        make_problem(project, reference_answer="2"), final_answer="2", is_correct=True, grade="match"
    )
    round_ = make_round(project, name="First light")
    rate(round_, bob, 1, 0, -1)
    upload = keep_upload(project=project, file=ContentFile(ROW), filename="one.jsonl", uploaded_by=alice)
    batch = create_import(
        project=project, file=ContentFile(ROW), filename="two.jsonl", format="jsonl", uploaded_by=alice
    )
    export = run_export(export_id=create_export(project=project, format="annotate", requested_by=alice).pk)
    evaluation = run_evaluation(
        evaluation_id=create_evaluation(project=project, kind="processbench", requested_by=alice).pk
    )
    invitation, secret = invite(project=project, role="labeler", invited_by=alice)
    bobs = Membership.objects.get(project=project, user=bob)
    endpoint = add_endpoint(
        project=project, name="lab", url="http://127.0.0.1:9/v1", model="small", api_key="sk-of-the-lab"
    )
    run = start_run(project=project, endpoint=endpoint, strategy="posterior-search", created_by=alice)
    sampling = start_sampling(project=project, endpoint=endpoint, created_by=alice)
    draft = create_round(project=project, protocol="first_error", name="Second light", created_by=alice)
    scoring = start_scoring(project=project, endpoint=endpoint, created_by=alice)
    judging = start_judging(judge=save_judge(project=project, endpoint=endpoint, kind="steps", created_by=alice))
    policy = save_policy(project=project, name="strict", format="trl-prm", policy={"neutral": "negative"})
    view = save_view(project=project, owner=alice, name="What waits", filters={"state": "waiting"}, is_shared=True)
    made = (
        *(upload, batch, export, evaluation, guideline, invitation, secret),
        *(bobs, endpoint, run, sampling, draft, scoring, judging, policy, view, plan(run, round_)),
    )
    return World(project, solution, round_, *made)


def plan(run: EstimationRun, round_: Round) -> Cascade:
    """A cascade with an empty blind sample, which hides nothing."""
    sample = BlindSample.objects.create(project=run.project, round=round_, seed=1, pool=1)
    BlindPool.objects.create(sample=sample, ids=[run.project.solutions.latest("pk").pk])
    return Cascade.objects.create(project=run.project, number=1, estimation_run=run, sample=sample)


def compare(solution: Solution, labeler: User) -> Round:
    """A round in which the labeler has preferred the solution to one that comes after it, and another waits."""
    problem = solution.problem
    others = [make_solution(problem, ["One.", text], is_correct=False) for text in ("Nine.", "Ten.")]
    for number, other in enumerate(others):
        Comparison.objects.create(
            project=problem.project,
            problem=problem,
            left=solution,
            right=other,
            shared_steps=1,
            digest=digest(str(number)),
        )
    round_ = open_round(project=problem.project, protocol="comparison", name="Side by side")
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment)
    side = "right" if assignment.sides_swapped else "left"
    preference = SubmittedPreference(choice=side, margin="clearly", rationale="It ends in time.")
    submit(
        assignment=assignment, submission=Submission(finish_reason="solution", preference=preference, active_ms=4000)
    )
    return round_
