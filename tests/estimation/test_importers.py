"""Import of Monte Carlo labels, also into the project that exported them."""

from __future__ import annotations

import json
from typing import Any

from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, StepEstimate
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.judging.verdicts import bring_in, row


def counted(*successes: int, run: int | None = 5, completer: str | None = "c", **fields: Any) -> dict[str, Any]:
    steps = [{"position": place, "rollouts": 8, "successes": one} for place, one in enumerate(successes)]
    return {"run": run, "completer": completer, "strategy": "math-shepherd", "steps": steps} | fields


def out(project: Project) -> list[dict[str, Any]]:
    records = (one for chunk in load_records(project) for one in chunk)
    rows = [made for one in records for made in FORMATS["annotate"].rows(one, LabelPolicy(), Tally())]
    return json.loads(json.dumps(rows, default=str))


def stored(project: Project) -> tuple[int, int]:
    estimates = StepEstimate.objects.filter(run__project=project).count()
    return EstimationRun.objects.filter(project=project).count(), estimates


def own_run(solution: Solution, *successes: int, number: int) -> EstimationRun:
    run, _ = EstimationRun.objects.get_or_create(
        project=solution.project, number=number, strategy="math-shepherd", completer="c", status=JobStatus.FINISHED
    )
    steps = solution.steps.filter(chosen=True).order_by("position")
    StepEstimate.objects.bulk_create(
        StepEstimate(run=run, step=step, rollouts=8, successes=one, missing=1, basis="rollouts", tokens=9)
        for step, one in zip(steps, successes, strict=False)
    )
    return run


def test_an_export_comes_back_to_its_project_without_adding_anything(project: Project, alice: Any) -> None:
    sent = [
        row(1, monte_carlo=[counted(8, 3, 0), counted(8, 2, 0, run=1), counted(7, run=None, completer=None)]),
        row(2, monte_carlo=[counted(1, 0, run=1)]),
    ]
    bring_in(project, sent)
    assert stored(project) == (3, 9)
    first = out(project)
    again = bring_in(project, first)
    assert (again.labels, again.rejected, stored(project)) == (0, 0, (3, 9))
    assert (bring_in(project, sent).labels, stored(project)) == (0, (3, 9)), "the file itself, too"
    assert out(project) == first
    other = create_project(slug="other", name="Other", owner=alice)
    assert bring_in(other, first).labels == 9
    assert (bring_in(other, first).labels, bring_in(other, out(other)).labels, stored(other)) == (0, 0, (3, 9))


def test_so_does_one_with_a_run_of_the_projects_own(project: Project) -> None:
    bring_in(project, [row(1), row(2)])
    one, two = project.solutions.order_by("pk")
    own_run(one, 8, 4, 0, number=3)
    own_run(two, 8, number=3)
    own_run(one, 8, 4, 1, number=7)
    again = bring_in(project, out(project))
    assert (again.labels, stored(project)) == (0, (2, 7))


def test_a_file_that_says_anything_else_lands_whole(project: Project) -> None:
    """Labels with another completer, number or count are not those of our run."""
    bring_in(project, [row(1)])
    own_run(project.solutions.get(), 8, 4, 0, number=1)
    for message, labels in (
        (counted(8, 4, 0, run=1, completer="d"), 3),
        (counted(8, 4, 0, run=9), 3),
        (counted(8, 4, 0, run=None), 3),
        (counted(8, 4, 0, run=1), 3),
    ):
        assert bring_in(project, [row(1, monte_carlo=[message])]).labels == labels
        assert bring_in(project, [row(1, monte_carlo=[message])]).labels == 0
    assert stored(project) == (5, 15), "the last had no missing rollouts, as ours has"


def test_the_runs_of_one_file_are_kept_apart_whatever_numbers_they_get(project: Project) -> None:
    """Run 2 comes first and gets number 1; run 1 with the same counts is stored as well."""
    rows = [row(1, monte_carlo=[counted(8, run=2)]), row(1, monte_carlo=[counted(8, run=1)])]
    assert bring_in(project, rows).labels == 2
    assert stored(project) == (2, 2)
