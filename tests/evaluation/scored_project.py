"""A project with gold, a consensus, an estimation run, a judge, a scoring run and samples, small enough to work by hand."""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts.models import User
from apps.corpus.models import Problem, Solution, SolutionGrade
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.labeling.models import Round
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Project
from apps.quality.models import Consensus, StepConsensus
from apps.scoring.models import ScoringRun, StepScore
from tests.cast import make_problem, make_solution
from tests.world import rate


def make_sample(
    problem: Problem, answer: str | None, *, right: bool | None, scores: Sequence[float] = (), **fields: object
) -> Solution:
    """A graded solution; `right` None is an answer that cannot be read."""
    grade = {True: SolutionGrade.MATCH, False: SolutionGrade.NO_MATCH, None: SolutionGrade.UNPARSED}[right]
    steps = [f"Step {position} to {answer}." for position in range(max(1, len(scores)))]
    return make_solution(problem, steps, final_answer=answer, is_correct=right, grade=grade, **fields)


def make_scoring_run(project: Project, model: str = "prm", status: str = "finished") -> ScoringRun:
    return ScoringRun.objects.create(
        project=project, number=project.scoring_runs.count() + 1, model=model, status=status
    )


def score(run: ScoringRun, solution: Solution, *scores: float) -> None:
    steps = solution.steps.order_by("position")
    StepScore.objects.bulk_create(
        StepScore(run=run, step=step, score=value) for step, value in zip(steps, scores, strict=False)
    )


def make_estimation_run(project: Project, **fields: object) -> EstimationRun:
    number = project.estimation_runs.count() + 1
    return EstimationRun.objects.create(
        project=project, number=number, strategy="math-shepherd", status="finished", **fields
    )


def estimate(run: EstimationRun, solution: Solution, first_error: int | None, successes: Sequence[int] = ()) -> None:
    """The run's first error of the solution, and successes out of four rollouts of its steps."""
    SolutionEstimate.objects.create(run=run, solution=solution, first_error=first_error)
    StepEstimate.objects.bulk_create(
        StepEstimate(run=run, step=step, rollouts=4, successes=count)
        for step, count in zip(solution.steps.order_by("position"), successes, strict=False)
    )


def make_judge_run(project: Project, name: str = "critic") -> JudgeRun:
    judge, _ = Judge.objects.get_or_create(project=project, name=name, version=1)
    number = project.judge_runs.count() + 1
    return JudgeRun.objects.create(
        project=project, judge=judge, number=number, run_in_file=number, origin="jsonl", status="finished"
    )


def judge(run: JudgeRun, solution: Solution, *ratings: int) -> None:
    StepVerdict.objects.bulk_create(
        StepVerdict(run=run, step=step, rating=rating)
        for step, rating in zip(solution.steps.order_by("position"), ratings, strict=False)
    )


def settle(solution: Solution, first_error: int, *ratings: int, how: str = "majority") -> None:
    """A settled consensus."""
    Consensus.objects.create(
        solution=solution, project=solution.project, state="settled", how=how, first_error=first_error
    )
    StepConsensus.objects.bulk_create(
        StepConsensus(step=step, rating=rating, how=how)
        for step, rating in zip(solution.steps.order_by("position"), ratings, strict=False)
    )


def make_samples(project: Project, *, problems: int = 6, samples: int = 8, seed: int = 1) -> ScoringRun:
    """Graded samples of some problems, with a reward model that is better than chance."""
    import random

    dice = random.Random(seed)
    run = make_scoring_run(project)
    for _ in range(problems):
        problem = make_problem(project, reference_answer="42", subject=dice.choice(["Algebra", "Geometry"]))
        for _ in range(samples):
            right = dice.random() < 0.4
            sample = make_sample(problem, "42" if right else str(dice.randrange(3)), right=right, scores=[0.5] * 3)
            score(run, sample, *(min(1, max(0, dice.gauss(0.75 if right else 0.55, 0.2))) for _ in range(3)))
    return run


def label_round(project: Project, labeler: User, actor: User, *, solutions: int = 2, select: str = "") -> Round:
    """A round over new solutions, all of them labeled in two steps each, and closed."""
    source = f"round {project.rounds.count() + 1}"
    for _ in range(solutions):
        make_solution(make_problem(project), source=source, verifier_score=0.5, is_correct=False)
    round_ = open_round(project=project, protocol="first_error", select=f"source:{source}{select}")
    for _ in range(solutions):
        rate(round_, labeler, 1, -1)
    return set_round_status(round=round_, status=Round.Status.CLOSED, actor=actor)


def score_gold(project: Project, gold: list[Solution], named: int, model: str = "prm") -> ScoringRun:
    """A run that names the first error of so many of the two, and calls the right ones right."""
    run = make_scoring_run(project, model)
    for number, solution in enumerate(gold):
        score(run, solution, 0.9, 0.1 if number < named else 0.9, 0.9)
    return run
