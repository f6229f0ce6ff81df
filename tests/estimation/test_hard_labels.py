"""The hard label of a stored estimate: the same in SQL as in Python, and marked where it differs from the counts."""

from __future__ import annotations

from itertools import product

from apps.corpus.labels import GREAT, UNKNOWN, hard_label
from apps.estimation.models import EstimationRun, StepEstimate
from apps.projects.models import Project
from tests.cast import make_problem, make_solution

STORED = [
    (rollouts, successes, hard)
    for rollouts, successes, hard in product((None, 0, 2, 8), (None, 0, 1, 8), (None, True, False))
    if (rollouts is not None or hard is not None) and (rollouts is None or (successes or 0) <= rollouts)
]


def test_the_database_tells_every_label_as_the_rule_does(project: Project) -> None:
    run = EstimationRun.objects.create(project=project, number=1, strategy="posterior-search")
    solution = make_solution(make_problem(project), [f"Step {place}." for place in range(len(STORED))])
    StepEstimate.objects.bulk_create(
        StepEstimate(run=run, step=step, rollouts=rollouts, successes=successes, hard=hard)
        for step, (rollouts, successes, hard) in zip(solution.steps.order_by("position"), STORED, strict=True)
    )
    labels = [hard_label(rollouts, successes, hard=hard) for rollouts, successes, hard in STORED]
    output = StepEstimate.objects.with_label().order_by("step__position").values_list("is_good", flat=True)
    assert list(output) == [None if label == UNKNOWN else label == GREAT for label in labels]
    assert {*labels} == {-1, 1, UNKNOWN}


def test_a_label_that_is_not_what_its_own_counts_say_is_known_as_such() -> None:
    against = [
        counts
        for counts in STORED
        if StepEstimate(rollouts=counts[0], successes=counts[1], hard=counts[2]).is_against_counts
    ]
    assert against == [(2, 0, True), (2, 1, False), (8, 0, True), (8, 1, False), (8, 8, False)]
