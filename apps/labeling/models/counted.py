"""Which assignments count: whose labels decide what stands. The one home of this rule.

Handed in (`spoken`) is another matter: progress, payment and history count every submission. A label counts only where
it was real work by somebody who is trusted: a test of the labeler is no evidence about the step.
"""

from __future__ import annotations

from django.db import models
from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, Value, When

from apps.projects.models import Membership

SUBMITTED_STATES = ("submitted", "extra")


class NotCounted(models.TextChoices):
    """Why what an assignment says decides nothing, in the words that pages show."""

    NOT_SUBMITTED = "not_submitted", "not submitted"
    SCREENING = "screening", "answer of a screening"
    QUALITY_CONTROL = "quality_control", "answer to a gold task"
    RETIRED = "retired", "the problem is retired"
    SUSPENDED = "suspended", "the labeler is suspended"
    CORRECTED = "corrected", "a reviewer's correction counts in its place"
    EARLIER = "earlier", "a newer answer of the same labeler counts"


def reasons_q(prefix: str = "") -> dict[NotCounted, Q]:
    """Each reason as a condition, the weightiest first; `prefix` leads from a row to its assignment.

    EARLIER is none of them: it follows from all that a labeler said of a solution, where that is at hand.

    A file may say of a single submission whether it was part of a screening; the round says it of the others.
    """
    suspended = Membership.objects.filter(
        project=OuterRef(f"{prefix}round__project"), user=OuterRef(f"{prefix}labeler"),
        status=Membership.Status.SUSPENDED,
    )  # fmt: skip
    is_screening = Case(
        When(**{f"{prefix}extras__is_screening": True}, then=Value(value=True)),
        When(**{f"{prefix}extras__is_screening": False}, then=Value(value=False)),
        default=F(f"{prefix}round__is_screening"),
        output_field=BooleanField(),
    )
    return {
        NotCounted.NOT_SUBMITTED: ~Q(**{f"{prefix}state__in": SUBMITTED_STATES}),
        NotCounted.SCREENING: Q(is_screening),
        NotCounted.QUALITY_CONTROL: Q(**{f"{prefix}is_quality_control": True}),
        NotCounted.RETIRED: (
            Q(**{f"{prefix}task__solution__problem__retired_at__isnull": False})
            | Q(**{f"{prefix}task__comparison__problem__retired_at__isnull": False})
        ),
        NotCounted.SUSPENDED: Q(Exists(suspended)),
        NotCounted.CORRECTED: Q(**{f"{prefix}corrected_by__isnull": False}),
    }


def counted_q(prefix: str = "", *, with_corrected: bool = False) -> Q:
    """Assignments to which no reason applies.

    `with_corrected`: what a reviewer corrected decides nothing, yet as the labeler's own first word it is measured.
    """
    condition = Q()
    for name, reason in reasons_q(prefix).items():
        if not (with_corrected and name == NotCounted.CORRECTED):
            condition &= ~reason
    return condition


def reason_expression(prefix: str = "") -> Case:
    """The first reason that applies, as text; empty for a counted assignment."""
    cases = [When(condition, then=Value(reason.value)) for reason, condition in reasons_q(prefix).items()]
    return Case(*cases, default=Value(""), output_field=models.CharField())
