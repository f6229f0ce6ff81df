"""Services of cascades: plan with a blind round, choose tau once, apply, withdraw.

A plan is frozen before anybody labels its sample, and its sample serves for one choice: both are conditions of the promise
(`threshold`). A second plan draws a sample of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from math import inf
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Avg, Max, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.copy import copy_rows
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import Conflict, DomainError
from apps.core.numbers import parse_number
from apps.corpus.labels import UNKNOWN
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project
from apps.quality.cascade.machine_labels import kept_in_pool, machine_labels, pool_of
from apps.quality.cascade.posterior import MachineLabel
from apps.quality.cascade.threshold import Promise, ThresholdChoice, UnitCosts, choose_tau
from apps.quality.models import Cascade, CascadeLabel
from apps.quality.rules import labor_cost
from apps.quality.trust.blind_rounds import check_labeled, open_blind_round, sampled_ids
from apps.quality.trust.certificates import certify_judge
from apps.quality.trust.truth import keep_truth, truth_has_changed
from apps.quality.trust.verdicts import STEP_KINDS
from apps.runs.status import run_counts

LATEST = 1000  # Submissions from whose times the cost of people's labels is expected.


@transaction.atomic
def plan_cascade(
    *,
    project: Project,
    estimation_run: EstimationRun,
    judge_runs: Sequence[JudgeRun],
    size: int,
    alpha: float = 0.05,
    delta: float = 0.05,
    redundancy: int = 1,
    labelers: Sequence[User] = (),
    people_cost: float | None = None,
    seed: int | None = None,
    actor: User | None = None,
) -> Cascade:
    """Freeze the plan and open its blind round of `size` solutions. Raises DomainError that names the field."""
    _check_plan(project, estimation_run, judge_runs, alpha=alpha, delta=delta, people_cost=people_cost)
    sample = open_blind_round(
        project=project,
        size=size,
        redundancy=redundancy,
        labelers=labelers,
        name=f"Blind sample of {size:,} solutions for a cascade",
        seed=seed,
        actor=actor,
    )
    advisory_xact_lock("cascades", project.pk)
    number = (Cascade.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1
    cascade = Cascade.objects.create(
        project=project,
        number=number,
        estimation_run=estimation_run,
        sample=sample,
        alpha=alpha,
        delta=delta,
        machine_cost=machine_cost(estimation_run, judge_runs),
        people_cost=people_cost if people_cost is not None else usual_people_cost(project, redundancy),
        created_by=actor,
    )
    cascade.judge_runs.set(judge_runs)
    record_event(actor=actor, verb="cascade.planned", target=str(cascade), project=project.slug)
    return cascade


def _check_plan(
    project: Project,
    run: EstimationRun,
    judge_runs: Sequence[JudgeRun],
    *,
    alpha: float,
    delta: float,
    people_cost: float | None,
) -> None:
    errors: dict[str, str] = {}
    for name, value in (("alpha", alpha), ("delta", delta)):
        if not 0 < value < 1:
            errors[name] = "must be between 0 and 1, both excluded"
    if people_cost is not None and not 0 <= people_cost < inf:
        errors["people_cost"] = "must be empty or at least 0"
    if run.project_id != project.pk or not run_counts(run):
        errors["estimation_run"] = "must be a finished or cancelled run of this project"
    if not judge_runs:
        errors["judge_runs"] = "must name at least one run"
    for judge_run in judge_runs:
        if judge_run.project_id != project.pk or not run_counts(judge_run) or judge_run.judge.kind not in STEP_KINDS:
            errors["judge_runs"] = "must be finished or cancelled runs of judges that name first errors in this project"
    if len({judge_run.judge.name for judge_run in judge_runs}) < len(judge_runs):
        errors["judge_runs"] = "must be of different judges"
    if errors:
        raise DomainError("The cascade cannot be planned.", fields=errors)


def machine_cost(run: EstimationRun, judge_runs: Sequence[JudgeRun]) -> float:
    """What rollouts and verdicts of one solution cost; 0 for runs without prices."""
    return sum((part.cost or 0.0) / part.done for part in (run, *judge_runs) if part.done)


def usual_people_cost(project: Project, redundancy: int) -> float:
    """What people's labels of one solution cost, by the mean active time of the latest counted submissions and the project's
    hourly cost; 0 if either is unknown."""
    if labor_cost(project, 1) is None:
        return 0.0
    counted = Assignment.objects.counted().filter(round__project=project, active_ms__gt=0)
    mean = counted.order_by("-pk")[:LATEST].aggregate(mean=Avg("active_ms"))["mean"]
    return labor_cost(project, None if mean is None else mean * redundancy / 3_600_000) or 0.0


@transaction.atomic
def decide_cascade(*, cascade: Cascade, actor: User | None = None) -> Cascade:
    """Choose tau by the labels of the blind round, once. Raises Conflict while people label it.

    Judges that lack a certificate of this sample are certified by it, or refused; then no tau is granted.
    """
    cascade = _locked(cascade)
    if cascade.status != Cascade.Status.PLANNED:
        return cascade
    check_labeled(cascade.sample)
    decisions = [
        certify_judge(judge=run.judge, sample=cascade.sample, actor=actor)
        for run in cascade.judge_runs.select_related("judge").order_by("pk")
    ]
    ids = pool_of(cascade)
    kept = kept_in_pool(cascade, ids)
    labels = machine_labels(cascade, ids)
    choice = choice_of(cascade, ids, labels, kept)
    refused = [decision for decision in decisions if not decision.is_granted]
    cascade.table = [asdict(row) for row in choice.rows]
    cascade.chosen_at = timezone.now()
    if refused:
        cascade.status = Cascade.Status.REFUSED
        reasons = "; ".join(f"{decision.judge} is not certified: {', '.join(decision.reasons)}" for decision in refused)
        cascade.reason = f"{reasons}. People label everything."
    else:
        _take(cascade, choice)
    cascade.save(update_fields=["table", "chosen_at", "status", "reason", "tau", "bound", "labels_by_machines"])
    _store(cascade, {pk: label for pk, label in labels.items() if pk in kept}, set(sampled_ids(cascade.sample)))
    record_event(actor=actor, verb=f"cascade.{cascade.status}", target=str(cascade), project=cascade.project.slug)
    return cascade


def choice_of(
    cascade: Cascade, ids: Sequence[int], labels: Mapping[int, MachineLabel], kept: Collection[int]
) -> ThresholdChoice:
    """What each tau would mean for this pool, and which is granted.

    A sampled solution counts as wrong if people did not settle it, or if it was set aside since (it is not in `kept`): to leave
    it out would be a choice by its label.
    """
    accepted, drawn = keep_truth(cascade.sample), set(sampled_ids(cascade.sample))
    nothing = MachineLabel(UNKNOWN, 0.0, agrees=False)
    of_pool = [labels.get(pk, nothing) for pk in ids]
    posteriors = np.array([label.posterior if label.agrees else np.nan for label in of_pool])
    is_sampled = np.array([pk in drawn for pk in ids], dtype=np.bool_)
    is_wrong = np.array(
        [
            pk in drawn and (pk not in kept or label.first_error not in accepted.get(pk, frozenset()))
            for pk, label in zip(ids, of_pool, strict=True)
        ],
        dtype=np.bool_,
    )
    promise = Promise(alpha=cascade.alpha, delta=cascade.delta)
    costs = UnitCosts(machines=cascade.machine_cost, people=cascade.people_cost)
    return choose_tau(posteriors, is_sampled, is_wrong, promise, costs)


def _take(cascade: Cascade, choice: ThresholdChoice) -> None:
    cascade.reason = choice.reason
    if choice.granted is None:
        cascade.status = Cascade.Status.REFUSED
        return
    cascade.status = Cascade.Status.GRANTED
    cascade.tau, cascade.bound = choice.granted.tau, choice.granted.bound
    cascade.labels_by_machines = choice.granted.eligible - choice.granted.sampled


def _store(cascade: Cascade, labels: dict[int, MachineLabel], drawn: set[int]) -> None:
    """One row for each solution of the pool. The sampled ones have people's labels."""
    tau = cascade.tau

    def is_label(pk: int, label: MachineLabel) -> bool:
        return tau is not None and label.agrees and label.posterior >= tau and pk not in drawn

    rows = (
        (
            cascade.pk,
            pk,
            label.first_error if label.agrees else None,
            label.posterior if label.agrees else None,
            is_label(pk, label),
        )
        for pk, label in labels.items()
    )
    copy_rows(CascadeLabel, ["cascade", "solution", "first_error", "posterior", "is_label"], rows)


@transaction.atomic
def apply_cascade(*, cascade: Cascade, actor: User | None = None) -> Cascade:
    """Let the machine labels stand. An applied one before it is withdrawn. Raises Conflict if no tau was granted."""
    cascade = _locked(cascade)
    if cascade.status == Cascade.Status.APPLIED:
        return cascade
    if cascade.status not in (Cascade.Status.GRANTED, Cascade.Status.WITHDRAWN) or cascade.tau is None:
        raise Conflict(f"The cascade is {cascade.get_status_display()}: nothing can be applied.", code="not_granted")
    check_basis(cascade)
    for other in Cascade.objects.filter(project=cascade.project, status=Cascade.Status.APPLIED):
        withdraw_cascade(cascade=other, actor=actor)
    cascade.status, cascade.applied_at = Cascade.Status.APPLIED, timezone.now()
    cascade.save(update_fields=["status", "applied_at"])
    record_event(actor=actor, verb="cascade.applied", target=str(cascade), project=cascade.project.slug)
    return cascade


def void_reason(cascade: Cascade) -> str | None:
    """Why the promise does not hold any more: people's labels of the sample do not count as when tau was chosen."""
    if cascade.tau is None or not truth_has_changed(cascade.sample):
        return None
    return (
        f"The promise of {cascade} is void: labels of its blind sample do not count any more, because a labeler was "
        "suspended or a problem was retired. Withdraw it if it is applied, and plan another."
    )


def check_basis(cascade: Cascade) -> None:
    """Raises Conflict if the promise is void."""
    if reason := void_reason(cascade):
        raise Conflict(reason, code="basis_changed")


@transaction.atomic
def withdraw_cascade(*, cascade: Cascade, actor: User | None = None) -> Cascade:
    """Machine labels do not stand any more. Exports that used them keep them, with their certificate."""
    cascade = _locked(cascade)
    if cascade.status == Cascade.Status.APPLIED:
        cascade.status = Cascade.Status.WITHDRAWN
        cascade.save(update_fields=["status"])
        record_event(actor=actor, verb="cascade.withdrawn", target=str(cascade), project=cascade.project.slug)
    return cascade


def applied_cascade(project: Project) -> Cascade | None:
    applied = Cascade.objects.filter(project=project, status=Cascade.Status.APPLIED)
    return applied.select_related("estimation_run", "sample__round").first()


def certificate_of(cascade: Cascade) -> dict[str, Any]:
    """The promise as exports carry it: what is promised, on which sample, by which machines."""
    round_: Round | None = cascade.sample.round
    return {
        "cascade": cascade.number,
        "promise": (
            f"With {1 - cascade.delta:.0%} confidence, at most {cascade.alpha:.1%} of the solutions that machines label have "
            "a wrong first error."
        ),
        "alpha": cascade.alpha,
        "confidence": 1 - cascade.delta,
        "tau": cascade.tau,
        "bound": cascade.bound,
        "labels_by_machines": cascade.labels_by_machines,
        "pool": cascade.sample.pool,
        "sample": cascade.sample.solutions.count(),
        "round": round_.number if round_ else None,
        "estimation_run": cascade.estimation_run.number,
        "judges": [str(run) for run in cascade.judge_runs.select_related("judge").order_by("pk")],
        "chosen_at": cascade.chosen_at.isoformat() if cascade.chosen_at else None,
    }


def left_to_people(solutions: QuerySet[Solution], cascade: str) -> QuerySet[Solution]:
    """The selection term `cascade:N`: what the project's cascade N leaves to people, without its blind sample."""
    number = parse_number(cascade, biggest=2**31 - 1)
    projects = solutions.order_by().values("project")
    chosen = Cascade.objects.filter(number=number, project__in=projects, chosen_at__isnull=False) if number else None
    if chosen is None or not chosen.exists():
        raise DomainError(
            f"`cascade:{cascade}` names no cascade whose tau was chosen.",
            fields={"select": "cascade: must be the number of a cascade whose tau was chosen"},
        )
    left = CascadeLabel.objects.filter(cascade__in=chosen, is_label=False)
    sampled = chosen.values("sample__solutions__solution")
    return solutions.filter(pk__in=left.values("solution")).exclude(pk__in=sampled)


def _locked(cascade: Cascade) -> Cascade:
    """The stored cascade, locked until the end of the transaction."""
    rows = Cascade.objects.select_for_update(of=("self",))
    return rows.select_related("project", "estimation_run", "sample__round", "sample__project").get(pk=cascade.pk)
