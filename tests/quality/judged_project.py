"""Judges, rollouts and people with known errors in the database, for tests of trust and of cascades."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from django.utils import timezone

from apps.core.db.copy import copy_rows, next_ids
from apps.core.jobs.model import JobStatus
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.corpus.models import Solution, Step
from apps.estimation.models import EstimationRun, SolutionEstimate
from apps.judging.models import Judge, JudgeRun, SolutionVerdict
from apps.labeling.models import Assignment, Round, StepLabel, Task
from apps.projects.models import Project
from apps.quality.models import BlindPool, BlindSample, Consensus, SampledSolution, StaleSolution
from tests.estimation.corpus import add_sums


def add_solutions(project: Project, count: int, *, steps: int = 5) -> dict[int, int]:
    """Solutions with wrong answers; by id their number of steps."""
    return dict.fromkeys(add_sums(project, count, steps=steps), steps)


def truths(lengths: Mapping[int, int], dice: random.Random, *, erroneous: float = 0.5) -> dict[int, int]:
    """By solution: the true first error, uniform over the steps of the erroneous ones."""
    return {
        pk: dice.randrange(steps) if dice.random() < erroneous else NO_ERROR for pk, steps in sorted(lengths.items())
    }


def read_in_order(truth: int, steps: int, dice: random.Random, *, finds: float, clears: float) -> int:
    """What a judge names that reads step by step: it marks the bad step with `finds`, and clears a good one with `clears`."""
    for position in range(steps):
        is_marked = dice.random() < finds if position == truth else dice.random() >= clears
        if is_marked:
            return position
    return NO_ERROR


def judge_all(
    project: Project, named: Mapping[int, int], *, name: str = "critic", model: str = "judge-7b", tokens: int = 0
) -> JudgeRun:
    """A finished run of a judge of steps with these first errors; UNKNOWN is unreadable."""
    judge, _ = Judge.objects.get_or_create(
        project=project, name=name, version=1, defaults={"kind": "steps", "model": model}
    )
    number = JudgeRun.objects.filter(project=project).count() + 1
    run = JudgeRun.objects.create(
        project=project,
        judge=judge,
        number=number,
        status=JobStatus.FINISHED,
        done=len(named),
        total=len(named),
        verdicts=sum(error != UNKNOWN for error in named.values()),
        price_in=1 if tokens else None,
    )
    columns = ["run", "solution", "outcome", "first_error", "reason", "prompt_tokens", "completion_tokens"]
    copy_rows(
        SolutionVerdict,
        columns,
        (
            (
                run.pk,
                pk,
                "unreadable" if error == UNKNOWN else "verdict",
                None if error == UNKNOWN else error,
                "",
                tokens,
                0,
            )
            for pk, error in named.items()
        ),
    )
    return run


def estimate_all(project: Project, named: Mapping[int, tuple[int, float]]) -> EstimationRun:
    """A finished run with these first errors and their probabilities."""
    number = EstimationRun.objects.filter(project=project).count() + 1
    run = EstimationRun.objects.create(
        project=project, number=number, strategy="posterior-search", status=JobStatus.FINISHED, done=len(named)
    )
    columns = ["run", "solution", "failure", "note", "first_error", "probability", "by_answer", "rollouts", "missing"]
    copy_rows(
        SolutionEstimate,
        columns,
        ((run.pk, pk, "", "", error, probability, False, 8, 0) for pk, (error, probability) in named.items()),
    )
    return run


def settle_all(project: Project, first_errors: Mapping[int, int]) -> None:
    """People's settled consensus, computed: what waited for it waits no longer."""
    Consensus.objects.bulk_create(
        Consensus(solution_id=pk, project=project, state="settled", how="majority", first_error=error, certainty=1)
        for pk, error in first_errors.items()
    )
    StaleSolution.objects.filter(solution__in=first_errors).delete()


def blind_sample(project: Project, ids: Sequence[int], *, pool: int | None = None) -> BlindSample:
    """A sample whose round is closed."""
    number = Round.objects.filter(project=project).count() + 1
    round_ = Round.objects.create(project=project, number=number, protocol="first_error", status=Round.Status.CLOSED)
    sample = BlindSample.objects.create(project=project, round=round_, seed=0, pool=pool or len(ids))
    everything = Solution.objects.filter(project=project).order_by("pk").values_list("pk", flat=True)
    BlindPool.objects.create(sample=sample, ids=list(everything))
    copy_rows(SampledSolution, ["sample", "solution"], ((sample.pk, pk) for pk in ids))
    return sample


def label_blindly(sample: BlindSample, first_errors: Mapping[int, int]) -> None:
    """One labeler names these first errors in the round of the sample, whose tasks are made if there are none."""
    labeler, round_ = sample.project.memberships.earliest("pk").user, sample.round
    assert round_ is not None
    if not round_.tasks.exists():
        new = ((round_.pk, pk, 0, 0, False) for pk in sorted(first_errors))
        copy_rows(Task, ["round", "solution", "open_slots", "priority", "is_gold"], new)
    tasks = round_.tasks.filter(solution__in=first_errors)
    by_solution = dict(zip(tasks.values_list("solution", flat=True), next_ids(Assignment, len(tasks)), strict=True))
    now = timezone.now()
    assignments = (
        (by_solution[solution], task, round_.pk, labeler.pk, "submitted", "", "", now, 0, False)
        for task, solution in tasks.values_list("pk", "solution")
    )
    columns = ["id", "task", "round", "labeler", "state", "finish_reason", "reason", "submitted_at", "draft_version"]
    copy_rows(Assignment, [*columns, "is_quality_control"], assignments)
    steps = Step.objects.filter(solution__in=first_errors, chosen=True).order_by("solution", "position")
    labels = (
        (by_solution[pk], step, -1 if position == first_errors[pk] else 1, True)
        for pk, step, position in steps.values_list("solution_id", "pk", "position")
        if first_errors[pk] == NO_ERROR or position <= first_errors[pk]
    )
    copy_rows(StepLabel, ["assignment", "step", "rating", "chosen"], labels)
    tasks.update(open_slots=0)
