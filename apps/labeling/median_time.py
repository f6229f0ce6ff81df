"""How long labelers take for one assignment, from their latest submissions."""

from __future__ import annotations

from django.db.models import BigIntegerField, Case, F, OuterRef, QuerySet, Subquery, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from apps.labeling.models import Assignment, PastSubmission

LATEST = 200


def seconds_per_assignment(assignments: QuerySet[Assignment]) -> float | None:
    """The median active time of the latest first submissions that state it. Corrections are left out."""
    first = PastSubmission.objects.filter(assignment=OuterRef("pk"), number=1)
    active_ms = first.values_list(Cast(KeyTextTransform("active_ms", "submission"), BigIntegerField()))
    latest = (
        assignments.filter(submitted_at__isnull=False, active_ms__isnull=False)
        .order_by("-submitted_at")
        .annotate(first_active_ms=Case(When(versions=0, then=F("active_ms")), default=Subquery(active_ms[:1])))
    )
    times = sorted(time for time in latest.values_list("first_active_ms", flat=True)[:LATEST] if time is not None)
    return times[len(times) // 2] / 1000 if times else None
