"""The audit log of a project: who changed what, when, from what and to what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.models import AuditEvent
from apps.api.access import project_of
from apps.api.filters import filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.projects.audit import events_of


class AuditEventSerializer(serializers.Serializer[AuditEvent]):
    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    who = serializers.EmailField(allow_null=True, help_text="Null: a worker, by the project's rules.")
    verb = serializers.CharField(help_text="The kind of object and what was done to it, as in `round.opened`.")
    target = serializers.CharField(allow_blank=True)
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class AuditFilter(django_filters.FilterSet):  # type: ignore[misc]
    verb = django_filters.CharFilter(lookup_expr="startswith")
    who = django_filters.CharFilter(field_name="actor__email", lookup_expr="iexact")
    target = django_filters.CharFilter()
    since = django_filters.DateFilter(field_name="at", lookup_expr="date__gte")
    until = django_filters.DateFilter(field_name="at", lookup_expr="date__lte")


class AuditLog(ListView):
    @extend_schema(
        operation_id="audit_list",
        parameters=parameters_of(AuditFilter),
        responses=AuditEventSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The events, oldest first. `verb` is the beginning of one, as in `member.`; days include both ends."""
        project = project_of(request, slug, "audit")
        events = events_of(project).select_related("actor")
        return self.answer(request, filtered(AuditFilter, request, events), self._rows)

    @staticmethod
    def _rows(events: Iterable[AuditEvent]) -> Iterator[Row]:
        for event in events:
            yield {
                "id": event.pk,
                "at": event.at,
                "who": event.actor.email if event.actor else None,
                "verb": event.verb,
                "target": event.target,
                "before": event.before,
                "after": event.after,
            }
