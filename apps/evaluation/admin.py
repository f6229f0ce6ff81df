"""Evaluations in the admin, read-only."""

from __future__ import annotations

from typing import cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.admin import ReadOnlyAdmin
from apps.evaluation.models import Evaluation
from apps.evaluation.services import cancel_evaluation


@admin.register(Evaluation)
class EvaluationAdmin(ReadOnlyAdmin):
    site_page = ("evaluation-detail", lambda row: [row.project.slug, row.pk])
    list_display = ["id", "project", "kind", "status", "created_at", "finished_at", "requested_by"]
    list_filter = ["status", "kind", "project"]
    list_select_related = ["project", "requested_by"]
    search_fields = ["project__slug"]
    actions = ["cancel"]

    @admin.action(description="Cancel the selected evaluations", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Evaluation]) -> None:
        actor = cast("User", request.user)
        self.act(
            request,
            queryset,
            lambda evaluation: cancel_evaluation(evaluation=evaluation, actor=actor),
            done="cancelled, or ended before",
        )
