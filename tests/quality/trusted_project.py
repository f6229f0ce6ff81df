"""A project with judges of known rates, people's labels, blind rounds and cascades: for pages and the API."""

from __future__ import annotations

import random
from dataclasses import dataclass

from apps.corpus.comparisons import shared_steps
from apps.corpus.identity import digest
from apps.corpus.models import Comparison, Solution
from apps.estimation.models import EstimationRun
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import ComparisonVerdict, Judge, JudgeReply, JudgeRun
from apps.labeling.models import Round
from apps.projects.models import Project
from apps.quality.cascade.services import decide_cascade, plan_cascade
from apps.quality.models import BlindSample, Cascade, Consensus
from apps.quality.trust.blind_rounds import sampled_ids
from tests.cast import make_problem, make_solution
from tests.quality.judged_project import (
    add_solutions,
    blind_sample,
    estimate_all,
    judge_all,
    label_blindly,
    read_in_order,
    settle_all,
    truths,
)

GOOD, WEAK = (0.97, 0.99), (0.7, 0.9)


@dataclass(slots=True)
class TrustedProject:
    """`truth` holds the first error of each solution; `sample` is labeled, and its round closed."""

    project: Project
    truth: dict[int, int]
    good: Judge
    weak: Judge
    sample: BlindSample
    rollouts: EstimationRun
    good_run: JudgeRun


def trusted_project(project: Project, *, count: int = 300, size: int = 200, seed: int = 1) -> TrustedProject:
    """A good judge, a weak one, rollouts, and a labeled blind sample of the first `size` solutions."""
    dice = random.Random(seed)
    lengths = add_solutions(project, count)
    truth = truths(lengths, dice)
    runs = {
        name: judge_all(
            project,
            {pk: read_in_order(truth[pk], lengths[pk], dice, finds=finds, clears=clears) for pk in truth},
            name=name,
            tokens=900,
        )
        for name, (finds, clears) in (("careful", GOOD), ("hasty", WEAK))
    }
    rollouts = {}
    for pk, steps in lengths.items():
        is_sure = dice.random() < 0.7
        error = read_in_order(truth[pk], steps, dice, finds=0.99 if is_sure else 0.6, clears=0.995 if is_sure else 0.8)
        rollouts[pk] = (error, 0.97 if is_sure else 0.55)
    estimated = estimate_all(project, rollouts)
    drawn = sorted(truth)[:size]
    settle_all(project, {pk: truth[pk] for pk in drawn})
    sample = blind_sample(project, drawn, pool=count)
    label_blindly(sample, {pk: truth[pk] for pk in drawn})
    return TrustedProject(
        project,
        truth,
        runs["careful"].judge,
        runs["hasty"].judge,
        sample,
        estimated,
        runs["careful"],
    )


def plan(made: TrustedProject, *, size: int = 200, **values: float) -> Cascade:
    """A cascade of the rollouts and the good judge; its blind round is open."""
    return plan_cascade(
        project=made.project,
        estimation_run=made.rollouts,
        judge_runs=[made.good_run],
        size=size,
        people_cost=2.0,
        seed=1,
        **values,  # type: ignore[arg-type]
    )


def label_sample(cascade: Cascade, truth: dict[int, int]) -> None:
    """People label the cascade's sample rightly, and its round is closed."""
    first_errors = {pk: truth[pk] for pk in sampled_ids(cascade.sample)}
    label_blindly(cascade.sample, first_errors)
    known = set(Consensus.objects.filter(project=cascade.project).values_list("solution", flat=True))
    settle_all(cascade.project, {pk: error for pk, error in first_errors.items() if pk not in known})
    Round.objects.filter(pk=cascade.sample.round_id).update(status=Round.Status.CLOSED)


def decided(made: TrustedProject, *, size: int = 200, **values: float) -> Cascade:
    cascade = plan(made, size=size, **values)
    label_sample(cascade, made.truth)
    return decide_cascade(cascade=cascade)


def judge_that_says_first(project: Project, *, pairs: int = 30, name: str = "chooser") -> Judge:
    """A judge that prefers the side shown first, whichever it is: each verdict flips with the order."""
    endpoint = project.endpoints.filter(name="chooser").first() or add_endpoint(
        project=project, name="chooser", url="http://127.0.0.1:9/v1", model="chooser-1b"
    )
    judge = save_judge(project=project, endpoint=endpoint, kind="comparison", name=name)
    run = judge_all(project, {}, name="none")
    JudgeRun.objects.filter(pk=run.pk).update(judge=judge, done=pairs)
    for number in range(pairs):
        problem = make_problem(project, reference_answer="2")
        left, right = (make_solution(problem, [f"It is {side}.", "So." * (1 + side)]) for side in range(2))
        comparison = Comparison.objects.create(
            project=project,
            problem=problem,
            left=left,
            right=right,
            shared_steps=shared_steps(["It is 0."], ["It is 1."]),
            digest=digest(f"{project.pk}:{number}"),
        )
        ComparisonVerdict.objects.create(run=run, comparison=comparison, outcome="inconsistent", pairs=1, flips=1)
        JudgeReply.objects.bulk_create(
            JudgeReply(
                run=run, comparison=comparison, slot=slot, outcome="verdict", text="A", verdict={"choice": "left"}
            )
            for slot in range(2)
        )
    Judge.objects.filter(project=project, name="none").delete()
    return judge


def first_solution(made: TrustedProject) -> Solution:
    return Solution.objects.get(pk=min(made.truth))
