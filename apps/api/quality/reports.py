"""Reports of labelers, of bad problems above all, and dismissing them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, reported_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.pagination import ListView
from apps.labeling.models import Assignment
from apps.projects.models import Membership
from apps.quality.review.reports import (
    LONGEST_REASON,
    RELATED,
    REPORT_KINDS,
    REPORT_STATES,
    dismiss_report,
    problem_of,
    reopen_report,
    report_of,
    reports_in,
)


class ReportQuerySerializer(QuerySerializer):
    kind = serializers.ChoiceField(choices=REPORT_KINDS, default="bad_problem")
    state = serializers.ChoiceField(choices=REPORT_STATES, default="open")
    round = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)


class DismissalSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    by = serializers.EmailField(source="dismissed_by.email", default=None, allow_null=True)
    at = serializers.DateTimeField(source="dismissed_at")


class ReportSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Of the assignment that reports it.")
    round = serializers.IntegerField(source="round.number")
    problem = serializers.SerializerMethodField()
    solution = serializers.IntegerField(source="task.solution_id", allow_null=True, help_text="None in a comparison.")
    labeler = serializers.SerializerMethodField(help_text="A pseudonym in this project.")
    state = serializers.SerializerMethodField(
        help_text="`open`, `dismissed`, or what was done about its problem since: `retired`, `edited`."
    )
    reason = serializers.CharField(allow_blank=True)
    reported_at = serializers.DateTimeField(source="submitted_at", allow_null=True)
    dismissal = serializers.SerializerMethodField(
        help_text="Who dismissed it, when and why; null if it is not dismissed."
    )

    def get_problem(self, report: Assignment) -> int:
        return problem_of(report).pk

    def get_state(self, report: Assignment) -> str:
        current = report_of(report, self.context["kind"])
        return current.state if current is not None else ""

    def get_labeler(self, report: Assignment) -> str:
        return str(self.context["names"].get(report.labeler_id, ""))

    @extend_schema_field(DismissalSerializer(allow_null=True))
    def get_dismissal(self, report: Assignment) -> Any:
        current = report_of(report, self.context["kind"])
        if current is None or current.dismissal is None:
            return None
        return DismissalSerializer(current.dismissal).data


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Why there is nothing to do about it.")


class ReportList(ListView):
    @extend_schema(
        operation_id="reports_list", parameters=[ReportQuerySerializer], responses=ReportSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Problems that were reported as bad, or what `kind` asks for: the open reports, unless `state` asks for others."""
        project = project_of(request, slug, "review")
        query = ReportQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        kind = query.validated_data["kind"]
        reports = reports_in([project], query.validated_data["state"], kind)
        if "round" in query.validated_data:
            reports = reports.filter(round__number=query.validated_data["round"])
        context = {"kind": kind, "names": Membership.objects.filter(project=project).pseudonyms()}
        return self.answer(
            request,
            reports.select_related(*RELATED),
            lambda page: iter(ReportSerializer(page, many=True, context=context).data),
        )


class DismissReport(APIView):
    @extend_schema(request=ReasonSerializer, responses=DismissalSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Dismiss the report of an assignment, with the reason."""
        assignment = reported_of(request, pk)
        body = ReasonSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        dismissal = dismiss_report(assignment=assignment, reason=body.validated_data["reason"], actor=user_of(request))
        return Response(DismissalSerializer(dismissal).data)


class ReopenReport(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Open a dismissed report again."""
        reopen_report(assignment=reported_of(request, pk), actor=user_of(request))
        return Response(status=204)
