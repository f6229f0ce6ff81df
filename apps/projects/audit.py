"""The audit log of a project."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import AuditEvent
from apps.projects.models import Project


def events_of(project: Project) -> QuerySet[AuditEvent]:
    """The events of this project. Those of a deleted one, whose slug it may have, are for the operator."""
    return AuditEvent.objects.filter(project=project.slug, at__gte=project.created_at)
