"""Verdicts of judges in these tests: created in the database, or imported from a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.core.files.base import ContentFile

from apps.core.jobs.model import JobStatus
from apps.corpus.imports.run import run_import
from apps.corpus.labels import first_error
from apps.corpus.models import ImportBatch, Solution
from apps.corpus.services import create_import
from apps.judging.models import Judge, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.projects.models import Project


def judge(
    solution: Solution,
    name: str,
    *ratings: int | None,
    version: int = 1,
    confidence: float | None = None,
    reason: str = "",
    run_in_file: int | None = None,
) -> JudgeRun:
    """The judge's ratings of the path's first steps; None is a step that it says nothing of."""
    by, _ = Judge.objects.get_or_create(project=solution.project, name=name, version=version)
    run, _ = JudgeRun.objects.get_or_create(
        project=solution.project,
        judge=by,
        origin="jsonl",
        run_in_file=run_in_file,
        defaults={
            "number": JudgeRun.objects.filter(project=solution.project).count() + 1,
            "status": JobStatus.FINISHED,
        },
    )
    steps = solution.steps.filter(chosen=True).order_by("position")
    StepVerdict.objects.bulk_create(
        StepVerdict(run=run, step=step, rating=rating, confidence=confidence, reason=reason)
        for step, rating in zip(steps, ratings, strict=False)
        if rating is not None
    )
    return run


def verdicts(name: str, *ratings: int, **fields: Any) -> dict[str, Any]:
    """An entry of `judges` in the canonical row."""
    steps = [{"position": place, "rating": rating} for place, rating in enumerate(ratings)]
    return {"judge": name, "version": 1, "steps": steps} | fields


def row(number: int = 1, *, steps: int = 3, **said: Any) -> dict[str, Any]:
    """A canonical row with a solution of so many steps."""
    return {
        "problem": {"statement": f"What is {number} plus {number}?", "reference_answer": str(2 * number)},
        "solution": {"source": "model", "steps": [{"text": f"Step {place} of {number}."} for place in range(steps)]},
        **said,
    }


def bring_in(project: Project, rows: Sequence[dict[str, Any] | str]) -> ImportBatch:
    """Import these rows, as a file of lines."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in rows]
    file = ContentFile("\n".join(lines).encode())
    batch = create_import(project=project, file=file, filename="rows.jsonl", format="jsonl")
    return run_import(batch_id=batch.pk)


def judge_here(
    solution: Solution,
    name: str,
    *ratings: int,
    version: int = 1,
    outcome: str = ItemOutcome.VERDICT,
    status: str = JobStatus.FINISHED,
) -> JudgeRun:
    """A run of ours: the ratings of the path's first steps, or an outcome that is no verdict."""
    by, _ = Judge.objects.get_or_create(
        project=solution.project, name=name, version=version, defaults={"kind": Judge.Kind.STEPS}
    )
    number = JudgeRun.objects.filter(project=solution.project).count() + 1
    run = JudgeRun.objects.create(project=solution.project, judge=by, number=number, status=status)
    steps = solution.steps.filter(chosen=True).order_by("position")
    StepVerdict.objects.bulk_create(
        StepVerdict(run=run, step=step, rating=rating) for step, rating in zip(steps, ratings, strict=False)
    )
    error = first_error(dict(enumerate(ratings)), solution.step_count) if ratings else None
    SolutionVerdict.objects.create(run=run, solution=solution, outcome=outcome, first_error=error)
    return run
