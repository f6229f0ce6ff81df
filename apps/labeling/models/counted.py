"""Which assignments count, that is, whose labels enter the consensus. This rule is stated nowhere else.

A submission that does not count is still a submission: progress, payment and history include it. A label counts only
if it was real work by a trusted labeler: an answer to a test is not evidence about the step.
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
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)  # Stands in for a submission time that an imported file leaves out.


class NotCounted(models.TextChoices):
    """Why an assignment does not count, with the text that pages show."""

    NOT_SUBMITTED = "not_submitted", "not submitted"
    SCREENING = "screening", "answer in a screening"
    TRAINING = "training", "answer in a training round"
    QUALITY_CONTROL = "quality_control", "answer to a gold task"
    RETIRED = "retired", "the problem is retired"
    SUSPENDED = "suspended", "the labeler is suspended"
    CORRECTED = "corrected", "a reviewer's correction counts instead"
    EARLIER = "earlier", "a newer answer by the same labeler counts"


# The reasons of submissions that are no work: tests and training. Labelers are not measured by them either.
NOT_WORK = (NotCounted.SCREENING, NotCounted.TRAINING)


def reasons_q(prefix: str = "") -> dict[NotCounted, Q]:
    """The condition of each reason except EARLIER, in the order of their weight.

    `prefix` is the lookup path from a row to its assignment. EARLIER depends on other assignments: see `earlier_q`.
    An imported file may mark a single submission as part of a screening; otherwise the round decides.
    """
    suspended = Membership.objects.filter(
        project=OuterRef(f"{prefix}round__project"),
        user=OuterRef(f"{prefix}labeler"),
        status=Membership.Status.SUSPENDED,
    )
    is_screening = Case(
        When(**{f"{prefix}extras__is_screening": True}, then=Value(value=True)),
        When(**{f"{prefix}extras__is_screening": False}, then=Value(value=False)),
        When(**{f"{prefix}round__kind": "screening"}, then=Value(value=True)),
        default=Value(value=False),
        output_field=BooleanField(),
    )
    return {
        NotCounted.NOT_SUBMITTED: ~Q(**{f"{prefix}state__in": SUBMITTED_STATES}),
        NotCounted.SCREENING: Q(is_screening),
        NotCounted.TRAINING: Q(**{f"{prefix}round__kind": "training"}),
        NotCounted.QUALITY_CONTROL: Q(**{f"{prefix}is_quality_control": True}),
        NotCounted.RETIRED: (
            Q(**{f"{prefix}task__solution__problem__retired_at__isnull": False})
            | Q(**{f"{prefix}task__comparison__problem__retired_at__isnull": False})
        ),
        NotCounted.SUSPENDED: Q(Exists(suspended)),
        NotCounted.CORRECTED: Q(**{f"{prefix}corrected_by__isnull": False}),
    }


def work_q(prefix: str = "") -> Q:
    """Assignments of real work: neither of a screening nor of training."""
    reasons = reasons_q(prefix)
    condition = Q()
    for name in NOT_WORK:
        condition &= ~reasons[name]
    return condition


def counted_q(prefix: str = "", *, with_corrected: bool = False) -> Q:
    """Assignments to which no reason applies, except perhaps EARLIER.

    That is enough to know whether a solution was labeled at all. To read its labels, combine it with `newest_q`.
    `with_corrected` keeps assignments that a reviewer corrected: they do not count, but labelers are measured by them.
    """
    condition = Q()
    for name, reason in reasons_q(prefix).items():
        if not (with_corrected and name == NotCounted.CORRECTED):
            condition &= ~reason
    return condition


def earlier_q(prefix: str = "") -> Q:
    """Assignments whose labeler has a newer one on the same solution or comparison: each labeler counts once.

    Only an assignment with a label replaces an earlier one: a rating of a step on the solution's path, or a preference.
    An assignment that a reviewer corrected replaces earlier ones too, since the correction takes the place of its labels.

    Each subquery starts from the tasks of one solution or comparison; the cheap conditions come first.
    """
    solution = Coalesce(OuterRef(f"{prefix}derived_solution"), OuterRef(f"{prefix}task__solution"))
    rated, newer = _has("StepLabel", rated_q(), step__chosen=True), _newer(prefix)
    on_task = newer.filter(rated, task__solution=solution, derived_solution__isnull=True)
    # A later round may ask a labeler about the solution that they derived themselves.
    on_derived = newer.filter(rated, derived_solution=solution)
    on_comparison = newer.filter(_has("PreferenceLabel"), task__comparison=OuterRef(f"{prefix}task__comparison"))
    of_comparison = Q(**{f"{prefix}task__comparison__isnull": False})
    return (~of_comparison & (Q(Exists(on_task)) | Q(Exists(on_derived)))) | (of_comparison & Q(Exists(on_comparison)))


def rated_q() -> Q:
    """Step labels that rate their step, including steps that the labeler wrote: `StepLabel.counted_rating` in SQL."""
    # The second condition is `corpus.labels.is_own_step`.
    return Q(rating__isnull=False) | (Q(chosen=True, step__origin="human") & (Q(unsure=False) | Q(unsure=None)))


def newest_q(prefix: str = "") -> Q:
    """Assignments that no newer one by the same labeler replaces.

    The CASE makes PostgreSQL evaluate `earlier_q` for each remaining row. As NOT EXISTS, the planner may turn it into
    a join that reads all assignments.
    """
    earlier = When(earlier_q(prefix), then=Value(value=True))
    return ~Q(Case(earlier, default=Value(value=False), output_field=BooleanField()))


def _newer(prefix: str) -> QuerySet[Any]:
    """Real work that the same labeler submitted later.

    Retired problems and suspended labelers are checked on the older assignment: the answer is the same for both.
    """
    at, own_at = F("submitted_at"), OuterRef(f"{prefix}submitted_at")
    reasons = reasons_q()
    work = [~reasons[name] for name in (NotCounted.NOT_SUBMITTED, *NOT_WORK, NotCounted.QUALITY_CONTROL)]
    later = Q(at__gt=Coalesce(own_at, Value(LONG_AGO)))
    same_time = Q(at=Coalesce(own_at, Value(LONG_AGO)), pk__gt=OuterRef(f"{prefix}pk"))
    assignments: QuerySet[Any] = _rows("Assignment").alias(at=Coalesce(at, Value(LONG_AGO)))
    return assignments.filter(later | same_time, *work, labeler=OuterRef(f"{prefix}labeler"))


def _has(label_model: str, *conditions: Q, **lookups: bool) -> Exists:
    return Exists(_rows(label_model).filter(*conditions, assignment=OuterRef("pk"), **lookups))


def _rows(model_name: str) -> Any:
    """The model's manager, looked up by name because the models import this module."""
    model: Any = apps.get_model("labeling", model_name)
    return model.objects


def reason_expression(prefix: str = "") -> Case:
    """The first reason that applies (a value of `NotCounted`); an empty string for a counted assignment."""
    reasons = reasons_q(prefix) | {NotCounted.EARLIER: earlier_q(prefix)}
    cases = [When(condition, then=Value(reason.value)) for reason, condition in reasons.items()]
    return Case(*cases, default=Value(""), output_field=models.CharField())


def redundancy_expression(prefix: str = "") -> Case:
    """The redundancy of an assignment's round; null for a derived solution, about which the round asks no one else.

    A later round may ask about a derived solution, and then has a redundancy of its own.
    """
    of_round = F(f"{prefix}round__redundancy")
    return Case(
        When(**{f"{prefix}derived_solution__isnull": False}, then=Value(None)),
        default=of_round,
        output_field=BigIntegerField(),
    )
