"""Skipping a task, the tasks that one has skipped, and claiming one of them again."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import assignment_of, round_of, user_of
from apps.api.labeling.payload import open_assignment
from apps.api.labeling.rounds import ProgressSerializer, TaskPayloadSerializer
from apps.api.pagination import Pages
from apps.labeling.models import Assignment
from apps.labeling.progress import progress_for
from apps.labeling.queue.leases import skip
from apps.labeling.queue.skipped import resume_skipped, skipped_assignments, why_not_free


class SkipSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)


class SkippedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The assignment: `POST /assignments/{id}/resume` claims it again.")
    statement = serializers.CharField(help_text="The statement of its problem.")
    reason = serializers.CharField(allow_blank=True, help_text="Why you skipped it.")
    skipped_at = serializers.DateTimeField()
    why_not = serializers.CharField(allow_null=True, help_text="Why it cannot be claimed again now.")


class ResumedSerializer(serializers.Serializer[Any]):
    assignment = TaskPayloadSerializer()
    progress = ProgressSerializer()


class Skip(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=SkipSerializer, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Skip the task. It comes back to you when nothing else is left, with your draft."""
        body = SkipSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        skip(assignment=assignment_of(request, pk), reason=body.validated_data["reason"])
        return Response(status=204)


class Resume(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses=ResumedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Claim a task that you skipped again, with its draft; 409 says why that is not possible."""
        resumed = resume_skipped(assignment=assignment_of(request, pk))
        progress = progress_for(resumed.round, user_of(request))
        return Response({"assignment": open_assignment(resumed), "progress": progress})


class SkippedList(APIView):
    scope = ApiToken.Scope.LABEL
    pagination_class = Pages

    @extend_schema(operation_id="skipped_list", responses=SkippedSerializer(many=True))
    def get(self, request: Request, slug: str, number: int) -> Response:
        """The tasks of this round that you skipped and have not got again."""
        round_, pages = round_of(request, slug, number, "label"), Pages()
        skipped = skipped_assignments(user_of(request), round_.project).filter(round=round_)
        rows = pages.paginate_queryset(skipped, request, view=self)
        return pages.get_paginated_response([_skipped_row(assignment) for assignment in rows or ()])


def _skipped_row(assignment: Assignment) -> dict[str, Any]:
    return {
        "id": assignment.pk,
        "statement": assignment.task.problem.statement,
        "reason": assignment.reason,
        "skipped_at": assignment.leased_until,
        "why_not": why_not_free(assignment),
    }
