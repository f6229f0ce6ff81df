"""Cascades from the plan to labels: frozen before people label, decided once, applied, withdrawn, and refused."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, DomainError
from apps.corpus.labels import NO_ERROR
from apps.corpus.models import Problem, Solution
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.selection import Selection
from apps.projects.models import Project
from apps.quality.cascade.services import (
    applied_cascade,
    apply_cascade,
    certificate_of,
    check_basis,
    decide_cascade,
    plan_cascade,
    withdraw_cascade,
)
from apps.quality.models import Cascade, CascadeLabel
from apps.quality.trust.blind_rounds import sampled_ids
from tests.quality.judged_project import add_solutions, estimate_all, judge_all, label_blindly, read_in_order, truths

pytestmark = pytest.mark.django_db(transaction=True)


def planned(
    project: Project, *, count: int = 500, size: int = 250, finds: float = 0.97, seed: int = 1, **plan: Any
) -> tuple[Cascade, dict[int, int]]:
    """A plan over good rollouts and a good judge, with the truth by solution."""
    dice = random.Random(seed)
    lengths = add_solutions(project, count)
    truth = truths(lengths, dice)
    named = {pk: read_in_order(truth[pk], lengths[pk], dice, finds=finds, clears=0.99) for pk in truth}
    rollouts = {}
    for pk, steps in lengths.items():
        is_sure = dice.random() < 0.7
        error = read_in_order(truth[pk], steps, dice, finds=0.99 if is_sure else 0.6, clears=0.995 if is_sure else 0.8)
        rollouts[pk] = (error, 0.97 if is_sure else 0.55)
    run = estimate_all(project, rollouts)
    judge_run = judge_all(project, named)
    cascade = plan_cascade(
        project=project, estimation_run=run, judge_runs=[judge_run], size=size, people_cost=2.0, seed=seed, **plan
    )
    return cascade, truth


def labeled(cascade: Cascade, truth: dict[int, int]) -> None:
    """People label the sample rightly, and the round is closed."""
    label_blindly(cascade.sample, {pk: truth[pk] for pk in sampled_ids(cascade.sample)})
    Round.objects.filter(pk=cascade.sample.round_id).update(status=Round.Status.CLOSED)


def test_a_good_cascade_is_granted_and_its_labels_are_those_above_tau(project: Project) -> None:
    cascade, truth = planned(project)
    labeled(cascade, truth)
    cascade = decide_cascade(cascade=cascade)
    assert cascade.status == Cascade.Status.GRANTED, cascade.reason
    assert cascade.tau is not None
    assert cascade.bound is not None
    assert cascade.bound <= cascade.alpha
    labels = CascadeLabel.objects.filter(cascade=cascade, is_label=True)
    assert labels.count() == cascade.labels_by_machines > 0
    assert all(label.posterior is not None and label.posterior >= cascade.tau for label in labels)
    assert not labels.filter(solution__in=sampled_ids(cascade.sample)).exists()
    assert CascadeLabel.objects.filter(cascade=cascade).count() == 500
    wrong = sum(truth[label.solution_id] != label.first_error for label in labels)
    assert wrong / labels.count() <= cascade.alpha
    rows = [row for row in cascade.table if row["is_tested"] and row["passes"]]
    assert rows[-1]["tau"] == cascade.tau
    assert rows[-1]["people_cost"] == pytest.approx(rows[-1]["people_share"] * 500 * 2.0)


def test_nothing_is_decided_while_people_label_and_a_decision_stays(project: Project) -> None:
    cascade, truth = planned(project)
    with pytest.raises(Conflict, match="still label"):
        decide_cascade(cascade=cascade)
    labeled(cascade, truth)
    decided = decide_cascade(cascade=cascade)
    again = decide_cascade(cascade=cascade)
    assert (again.chosen_at, again.tau) == (decided.chosen_at, decided.tau)


def test_a_judge_that_is_not_certified_sends_everything_to_people(project: Project) -> None:
    cascade, truth = planned(project, finds=0.6)
    labeled(cascade, truth)
    cascade = decide_cascade(cascade=cascade)
    assert cascade.status == Cascade.Status.REFUSED
    assert "critic v1 is not certified" in cascade.reason
    assert "People label everything." in cascade.reason
    assert not CascadeLabel.objects.filter(cascade=cascade, is_label=True).exists()
    with pytest.raises(Conflict, match="nothing can be applied"):
        apply_cascade(cascade=cascade)


def test_a_small_sample_supports_no_tau_and_says_how_much_is_missing(project: Project) -> None:
    cascade, truth = planned(project, count=400, size=90, alpha=0.02)
    labeled(cascade, truth)
    cascade = decide_cascade(cascade=cascade)
    assert cascade.status == Cascade.Status.REFUSED
    assert cascade.tau is None
    assert cascade.reason


def test_a_sampled_solution_that_people_did_not_settle_counts_as_wrong(project: Project) -> None:
    cascade, truth = planned(project)
    labeled(cascade, truth)
    unsettled = sampled_ids(cascade.sample)[:60]
    Assignment.objects.filter(task__solution__in=unsettled).update(state="skipped")
    cascade = decide_cascade(cascade=cascade)
    assert cascade.status == Cascade.Status.REFUSED
    assert max(row["wrong"] for row in cascade.table) >= 20


def test_one_cascade_is_applied_at_a_time_and_exports_get_its_certificate(project: Project) -> None:
    cascade, truth = planned(project)
    labeled(cascade, truth)
    cascade = apply_cascade(cascade=decide_cascade(cascade=cascade))
    assert applied_cascade(project) == cascade
    certificate = certificate_of(cascade)
    assert certificate["promise"].startswith("With 95% confidence, at most 5.0% of the solutions")
    assert (certificate["sample"], certificate["pool"], certificate["tau"]) == (250, 500, cascade.tau)
    assert certificate["judges"] == ["critic v1, run 1"]
    assert withdraw_cascade(cascade=cascade).status == Cascade.Status.WITHDRAWN
    assert applied_cascade(project) is None


def test_what_is_left_to_people_is_a_term_of_a_selection(project: Project) -> None:
    cascade, truth = planned(project)
    with pytest.raises(DomainError, match="names no cascade whose tau was chosen"):
        Selection.parse("cascade:1").apply(Solution.objects.filter(project=project)).count()
    labeled(cascade, truth)
    decide_cascade(cascade=cascade)
    left = set(
        Selection.parse("cascade:1").apply(Solution.objects.filter(project=project)).values_list("pk", flat=True)
    )
    machines = set(CascadeLabel.objects.filter(is_label=True).values_list("solution", flat=True))
    sampled = set(sampled_ids(cascade.sample))
    assert left == set(truth) - machines - sampled


def test_the_pool_is_frozen_with_the_plan(project: Project) -> None:
    cascade, truth = planned(project)
    drawn = set(sampled_ids(cascade.sample))
    aside = next(pk for pk in sorted(truth) if pk not in drawn)
    sampled = sorted(drawn)[:40]
    Problem.objects.filter(solutions__in=[aside, *sampled]).update(retired_at=timezone.now())
    newer = set(add_solutions(project, 20))
    labeled(cascade, truth)
    cascade = decide_cascade(cascade=cascade)
    # Those of the sample that were set aside count as wrong, and nobody labels the others; new ones do not join.
    assert cascade.status == Cascade.Status.REFUSED
    assert max(row["wrong"] for row in cascade.table) >= 20
    labels = set(CascadeLabel.objects.filter(cascade=cascade).values_list("solution", flat=True))
    assert labels == set(truth) - {aside, *sampled}
    assert not labels & newer


def test_a_cascade_judges_the_judge_by_the_run_that_is_planned(project: Project) -> None:
    cascade, truth = planned(project)
    # A newer run of the same judge, which is always wrong, says nothing about the planned one.
    judge_all(project, {pk: NO_ERROR if error >= 0 else 0 for pk, error in truth.items()})
    labeled(cascade, truth)
    assert decide_cascade(cascade=cascade).status == Cascade.Status.GRANTED


def test_a_promise_whose_labels_do_not_count_any_more_is_void(project: Project) -> None:
    cascade, truth = planned(project)
    labeled(cascade, truth)
    cascade = apply_cascade(cascade=decide_cascade(cascade=cascade))
    check_basis(cascade)
    problem = Problem.objects.filter(solutions__in=sampled_ids(cascade.sample)).earliest("pk")
    Problem.objects.filter(pk=problem.pk).update(retired_at=timezone.now())
    with pytest.raises(Conflict, match="The promise of cascade 1 is void"):
        check_basis(cascade)
    with pytest.raises(Conflict, match="is void"):
        apply_cascade(cascade=withdraw_cascade(cascade=cascade))


@pytest.mark.parametrize(
    ("values", "field"),
    [({"alpha": 0.0}, "alpha"), ({"alpha": 1.0}, "alpha"), ({"size": 0}, "size"), ({"size": 501}, "size")],
)
def test_an_invalid_plan_names_the_field_and_opens_no_round(
    project: Project, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(DomainError) as raised:
        planned(project, **values)
    assert field in raised.value.fields
    assert not Round.objects.exists()
    assert not Cascade.objects.exists()


def test_runs_that_do_not_count_cannot_be_planned_with(project: Project) -> None:
    lengths = add_solutions(project, 20)
    run = estimate_all(project, dict.fromkeys(lengths, (NO_ERROR, 0.9)))
    judge_run = judge_all(project, dict.fromkeys(lengths, NO_ERROR))
    run.status = "running"
    run.save()
    with pytest.raises(DomainError) as raised:
        plan_cascade(project=project, estimation_run=run, judge_runs=[judge_run, judge_run], size=5)
    assert set(raised.value.fields) == {"estimation_run", "judge_runs"}
