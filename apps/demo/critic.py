"""The demo's judge: a run of the bundled critic, a blind sample that a colleague labels, a certificate and a cascade.

The colleague's labels are those of the reasoner's exact checker, so they are right: what the trust page shows are mistakes of
the critic alone.
"""

from __future__ import annotations

from django.db import transaction

from apps.accounts.models import User
from apps.estimation.models import EstimationRun
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.models import Endpoint
from apps.judging.judges import save_judge
from apps.judging.models import JudgeRun
from apps.judging.runs.services import resume_judging, start_judging
from apps.judging.worker.run import run_judging_slice
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.projects.models import Project
from apps.quality.cascade.services import decide_cascade, plan_cascade
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Cascade
from apps.runs.status import run_counts
from reasoner.checker import check

STRATEGY = "posterior-search"  # Of the estimation run that the cascade rests on.
SAMPLE = 160
MINUTES_COST = 0.5  # Of a solution's labels by people, in the currency of the prices.


def judge_word_problems(project: Project, endpoint: Endpoint, owner: User) -> JudgeRun:
    """The critic's run over all solutions, worked on until it ends or pauses. Workers, if there are any, do their part."""
    run = project.judge_runs.filter(endpoint=endpoint).order_by("number").first()
    if run is None:
        judge = save_judge(project=project, endpoint=endpoint, kind="steps", created_by=owner)
        run = start_judging(judge=judge, created_by=owner, seed=1)
    if run.can_be_resumed and run.error and run.endpoint is not None:
        run = resume_judging(run=run)
    while run_judging_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run


def plan_word_problems_cascade(project: Project, judge_run: JudgeRun, owner: User, colleague: User) -> Cascade | None:
    """A decided cascade over rollouts and the critic; None while either has not ended. It is left for a person to apply."""
    cascade = Cascade.objects.filter(project=project).order_by("number").first()
    if cascade is None:
        run = _finished_estimation(project)
        if run is None or not run_counts(judge_run):
            return None
        cascade = plan_cascade(
            project=project,
            estimation_run=run,
            judge_runs=[judge_run],
            size=min(SAMPLE, run.total or SAMPLE),
            labelers=[colleague],
            people_cost=MINUTES_COST,
            seed=1,
            actor=owner,
        )
    if cascade.status == Cascade.Status.PLANNED and cascade.sample.round is not None:
        label_by_checker(cascade.sample.round, colleague)
        recompute_project(project)
        cascade = decide_cascade(cascade=cascade, actor=owner)
    return cascade


def _finished_estimation(project: Project) -> EstimationRun | None:
    run = project.estimation_runs.filter(strategy=STRATEGY).order_by("number").first()
    if run is None:
        return None
    while run_estimation_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    return run if run_counts(run) else None


def label_by_checker(round_: Round, labeler: User) -> None:
    """Submit every task of the round with the exact checker's ratings."""
    while isinstance(assignment := claim(round=round_, labeler=labeler), Assignment):
        with transaction.atomic():
            submit(assignment=assignment, submission=_checked(assignment))


def _checked(assignment: Assignment) -> Submission:
    solution = assignment.task.solution
    assert solution is not None
    texts = list(solution.steps.filter(chosen=True).order_by("position").values_list("text", flat=True))
    steps = []
    for position, checked in enumerate(check(solution.problem.statement, texts)):
        steps.append(SubmittedStep(position=position, rating=1 if checked.is_right else -1))
        if not checked.is_right:
            break
    finish = "found_error" if steps and steps[-1].rating == -1 else "solution"
    return Submission(steps=steps, finish_reason=finish, active_ms=6_000 * len(steps), idle_ms=0)
