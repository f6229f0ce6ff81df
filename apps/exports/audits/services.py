"""Release audits: n % of an export is labeled again by people who have not seen it, and a gate decides whether it leaves.

The sample is drawn by a hash, so the same export has the same sample. Agreement is on the first error. The audit is decided
when its round has as many submissions as it needs, or is closed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import multimode

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.core.numbers import parse_number
from apps.corpus.labels import OKAY, UNKNOWN, first_error
from apps.corpus.models import Solution
from apps.exports.audits.sample import draw_sample
from apps.exports.formats import FORMATS
from apps.exports.models import Export, ReleaseAudit
from apps.exports.policy import LabelPolicy
from apps.labeling.models import Assignment, Round, StepLabel
from apps.labeling.rounds.completion import is_complete
from apps.labeling.rounds.services import create_round, open_draft, set_round_status


@transaction.atomic
def start_audit(
    *,
    export: Export,
    actor: User,
    share: float,
    gate: float,
    redundancy: int = 1,
    labelers: Sequence[User] = (),
) -> ReleaseAudit:
    """Draw the sample and open its blind round of fresh eyes. Raises DomainError that names the field."""
    check_auditable(export)
    check_shares(share=share, gate=gate)
    sample = draw_sample(export, share)
    audit = ReleaseAudit.objects.create(
        export=export, share=share, gate=gate, sample={str(pk): error for pk, error in sample.items()}, created_by=actor
    )
    draft = create_round(
        project=export.project,
        created_by=actor,
        protocol="first_error",
        redundancy=redundancy,
        labelers=tuple(labelers),
        select=f"audit:{audit.pk}",
        fresh_eyes=True,
    )
    audit.round = open_draft(round=draft, actor=actor)
    audit.save(update_fields=["round"])
    record_event(actor=actor, verb="audit.started", target=str(export.pk), project=export.project.slug)
    return audit


def check_auditable(export: Export) -> None:
    if export.status != JobStatus.FINISHED:
        raise Conflict("Only a finished export can be audited.", code="not_finished")
    if not FORMATS[export.format].labels_steps:
        raise DomainError(
            f"An audit compares first errors, and {export.format} has no labels of steps.",
            fields={"export": "must have labels of steps"},
        )
    if ReleaseAudit.objects.filter(export=export).exists():
        raise Conflict("This export has an audit already. Make the export again to audit it again.", code="audited")


def check_shares(*, share: float, gate: float) -> None:
    errors = {
        name: "must be above 0 and at most 1"
        for name, value in (("share", share), ("gate", gate))
        if not 0 < value <= 1
    }
    if errors:
        raise DomainError("The audit's shares are out of range.", fields=errors)


def audited(solutions: QuerySet[Solution], audit: str) -> QuerySet[Solution]:
    """The selection term `audit:ID`: the solutions of that audit's sample."""
    number = parse_number(audit, biggest=2**31 - 1)
    release_audit = ReleaseAudit.objects.filter(pk=number).first() if number is not None else None
    if release_audit is None:
        raise DomainError(
            f"`audit:{audit}` names no audit.", fields={"select": "audit: must be the number of an audit"}
        )
    return solutions.filter(pk__in=[int(pk) for pk in release_audit.sample], project=release_audit.export.project_id)


# --- results ----------------------------------------------------------------------------------------------


@transaction.atomic
def refresh_audit(*, audit: ReleaseAudit) -> ReleaseAudit:
    """Count what has been labeled again; decide once the round is complete or closed. A decision stands."""
    audit = (
        ReleaseAudit.objects.select_for_update(of=("self",)).select_related("round", "export__project").get(pk=audit.pk)
    )
    if audit.status != ReleaseAudit.Status.OPEN or audit.round is None:
        return audit
    again = labeled_again(audit.round, LabelPolicy.from_dict(audit.export.policy))
    compared = {pk: error for pk, error in audit.sample.items() if int(pk) in again}
    audit.compared = len(compared)
    audit.agreed = sum(again[int(pk)] == error for pk, error in compared.items())
    if is_complete(audit.round):
        passed = audit.compared > 0 and audit.agreed / audit.compared >= audit.gate
        audit.status = ReleaseAudit.Status.PASSED if passed else ReleaseAudit.Status.BLOCKED
        audit.decided_at = timezone.now()
        record_event(
            actor=None,
            verb=f"audit.{audit.status}",
            target=str(audit.export_id),
            project=audit.export.project.slug,
            after={"compared": audit.compared, "agreed": audit.agreed},
        )
    audit.save(update_fields=["compared", "agreed", "status", "decided_at"])
    return audit


def labeled_again(round_: Round, policy: LabelPolicy) -> dict[int, int]:
    """By solution, the first error that most of the round's counted submissions name; a tie leaves the solution out.

    Okay and unsure steps are what the policy makes of them, as in the export.
    """
    assignments = Assignment.objects.counted().filter(round=round_)
    ratings: defaultdict[int, dict[int, int | None]] = defaultdict(dict)
    labels = StepLabel.objects.filter(assignment__in=assignments, step__chosen=True).select_related("step")
    for label in labels:
        ratings[label.assignment_id][label.step.position] = _label(label, policy)
    errors: defaultdict[int, list[int]] = defaultdict(list)
    lengths = assignments.values_list("pk", "task__solution_id", "task__solution__step_count")
    for pk, solution_id, length in lengths:
        error = first_error(ratings[pk], length)
        if error != UNKNOWN:
            errors[solution_id].append(error)
    modes = {pk: multimode(named) for pk, named in errors.items()}
    return {pk: most[0] for pk, most in modes.items() if len(most) == 1}


def _label(label: StepLabel, policy: LabelPolicy) -> int | None:
    if label.unsure:
        return policy.unsure_label
    rating = label.counted_rating
    return policy.neutral_label if rating == OKAY else rating


@transaction.atomic
def withdraw_audit(*, audit: ReleaseAudit, actor: User) -> ReleaseAudit:
    """Give the audit up, which lets the export leave without it; its round closes. Raises Conflict once it is decided."""
    audit = (
        ReleaseAudit.objects.select_for_update(of=("self",)).select_related("round", "export__project").get(pk=audit.pk)
    )
    if audit.status != ReleaseAudit.Status.OPEN:
        raise Conflict(f"The audit is {audit.get_status_display()}.", code="decided")
    audit.status, audit.decided_at = ReleaseAudit.Status.WITHDRAWN, timezone.now()
    audit.save(update_fields=["status", "decided_at"])
    if audit.round is not None and audit.round.status != Round.Status.CLOSED:
        set_round_status(round=audit.round, status=Round.Status.CLOSED, actor=actor)
    record_event(actor=actor, verb="audit.withdrawn", target=str(audit.export_id), project=audit.export.project.slug)
    return audit


def check_released(export: Export) -> None:
    """Raises Conflict while an audit keeps the export back."""
    audit = ReleaseAudit.objects.filter(export=export).select_related("round").first()
    if audit is None:
        return
    audit = refresh_audit(audit=audit)
    if audit.status == ReleaseAudit.Status.OPEN:
        raise Conflict(
            f"An audit of this export is under way: {audit.compared} of {len(audit.sample)} solutions are labeled again.",
            code="not_released",
        )
    if audit.status == ReleaseAudit.Status.BLOCKED:
        raise Conflict(
            f"The audit blocks this export: {audit.agreed} of {audit.compared} first errors agree, "
            f"and {audit.gate:.0%} are required.",
            code="not_released",
        )
