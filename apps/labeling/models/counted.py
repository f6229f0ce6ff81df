"""Which assignments count: whose labels decide what stands. The one home of this rule.

Handed in (`spoken`) is another matter: progress, payment and history count every submission. A label counts only where
it was real work by somebody who is trusted: a test of the labeler is no evidence about the step.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import BigIntegerField, BooleanField, Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from apps.projects.models import Membership

SUBMITTED_STATES = ("submitted", "extra")
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)  # When something was handed in of which a file does not say when.


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

    EARLIER is none of them, for it rests on another assignment: see `earlier_q`.

    A file may say of a single submission whether it was part of a screening; the round says it of the others.
    """
    suspended = Membership.objects.filter(
        project=OuterRef(f"{prefix}round__project"),
        user=OuterRef(f"{prefix}labeler"),
        status=Membership.Status.SUSPENDED,
    )
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
    """Assignments to which no reason applies, EARLIER apart.

    Whether anybody labeled a solution is the same with it and without it; what people said of one is not: there
    `newest_q` comes beside it.

    `with_corrected`: what a reviewer corrected decides nothing, yet as the labeler's own first word it is measured.
    """
    condition = Q()
    for name, reason in reasons_q(prefix).items():
        if not (with_corrected and name == NotCounted.CORRECTED):
            condition &= ~reason
    return condition


def earlier_q(prefix: str = "") -> Q:
    """Assignments whose labeler said something newer of the same thing: nobody is a majority of two.

    What says nothing takes no place: a newer assignment has a rating of a step on the solution's path, or a preference.
    One that a reviewer corrected does take it, as their correction stands for the labeler's last word.

    Each look-up begins with the tasks of one solution or comparison. What is cheap stands before it, as SQL reads an
    AND from the left.
    """
    solution = Coalesce(OuterRef(f"{prefix}grown"), OuterRef(f"{prefix}task__solution"))
    rated, newer = _said("StepLabel", rated_q(), step__chosen=True), _newer(prefix)
    on_task = newer.filter(rated, task__solution=solution, grown__isnull=True)
    # Of a solution that grew out of a dialogue, later rounds may ask its own labeler.
    as_grown = newer.filter(rated, grown=solution)
    on_comparison = newer.filter(_said("PreferenceLabel"), task__comparison=OuterRef(f"{prefix}task__comparison"))
    of_comparison = Q(**{f"{prefix}task__comparison__isnull": False})
    return (~of_comparison & (Q(Exists(on_task)) | Q(Exists(as_grown)))) | (of_comparison & Q(Exists(on_comparison)))


def rated_q() -> Q:
    """Step labels that rate their step, be it by writing it: `StepLabel.counted_rating` in SQL."""
    # As in `is_own_step`.
    return Q(rating__isnull=False) | (Q(chosen=True, step__origin="human") & (Q(unsure=False) | Q(unsure=None)))


def newest_q(prefix: str = "") -> Q:
    """Assignments in whose place no newer one of their labeler stands.

    As the value of a CASE it is asked of each row that is left. As NOT EXISTS, PostgreSQL may turn it into a join that
    reads all assignments.
    """
    earlier = When(earlier_q(prefix), then=Value(value=True))
    return ~Q(Case(earlier, default=Value(value=False), output_field=BooleanField()))


def _newer(prefix: str) -> QuerySet[Any]:
    """Real work of the same labeler that was handed in later.

    Whether the problem is retired and the labeler suspended is asked of the older one: it holds for both.
    """
    at, own_at = F("submitted_at"), OuterRef(f"{prefix}submitted_at")
    reasons = reasons_q()
    work = [~reasons[name] for name in (NotCounted.NOT_SUBMITTED, NotCounted.SCREENING, NotCounted.QUALITY_CONTROL)]
    later = Q(at__gt=Coalesce(own_at, Value(LONG_AGO)))
    as_late = Q(at=Coalesce(own_at, Value(LONG_AGO)), pk__gt=OuterRef(f"{prefix}pk"))
    found: QuerySet[Any] = _rows("Assignment").alias(at=Coalesce(at, Value(LONG_AGO)))
    return found.filter(later | as_late, *work, labeler=OuterRef(f"{prefix}labeler"))


def _said(model: str, *conditions: Q, **that: bool) -> Exists:
    return Exists(_rows(model).filter(*conditions, assignment=OuterRef("pk"), **that))


def _rows(model: str) -> Any:
    """By name, since these models are made of what stands here."""
    found: Any = apps.get_model("labeling", model)
    return found.objects


def reason_expression(prefix: str = "") -> Case:
    """The first reason that applies, as text; empty for a counted assignment."""
    reasons = reasons_q(prefix) | {NotCounted.EARLIER: earlier_q(prefix)}
    cases = [When(condition, then=Value(reason.value)) for reason, condition in reasons.items()]
    return Case(*cases, default=Value(""), output_field=models.CharField())


def asked_expression(prefix: str = "") -> Case:
    """How many people an assignment's round asks for what it says; null where it asks nobody else.

    That is so of a solution that grew out of a dialogue: the others are asked about the task's own. A later round may
    ask about it, and then says how many.
    """
    of_round = F(f"{prefix}round__redundancy")
    return Case(
        When(**{f"{prefix}grown__isnull": False}, then=Value(None)), default=of_round, output_field=BigIntegerField()
    )
