"""Where an exported label comes from, and the audit of an export before its release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.access import export_of, user_of
from apps.api.quality.evidence import EvidenceSerializer, evidence_row, pseudonyms_in
from apps.core.errors import DomainError, NotFound
from apps.core.numbers import parse_number
from apps.corpus.models import Solution
from apps.exports.audits.services import refresh_audit, start_audit, withdraw_audit
from apps.exports.lineage import Lineage, SubmissionLineage, lineage_of, traced_solution
from apps.exports.models import Export, ReleaseAudit
from apps.projects.models import Membership
from apps.quality.review.history import history_of

BIGGEST = 2**62


class StepLineageSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    text = serializers.CharField()
    label = serializers.IntegerField(  # type: ignore[assignment]
        allow_null=True, help_text="1, 0, -1, or null without a label."
    )
    reason = serializers.CharField(allow_blank=True, help_text="Why it has no label.")


class ProportionSerializer(serializers.Serializer[Any]):
    hits = serializers.IntegerField()
    of = serializers.IntegerField()


class ReviewDecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.CharField()
    reviewer = serializers.CharField(help_text="By pseudonym.")
    at = serializers.DateTimeField()
    note = serializers.CharField(allow_blank=True)


class SubmissionLineageSerializer(serializers.Serializer[Any]):
    labeler = serializers.CharField(help_text="By pseudonym.")
    round = serializers.IntegerField()
    guideline = serializers.IntegerField(allow_null=True, help_text="The version that the labeler worked by.")
    submitted_at = serializers.DateTimeField(allow_null=True)
    first_error = serializers.IntegerField(allow_null=True)
    not_counted = serializers.CharField(allow_blank=True, help_text="Why it does not count; empty if it counts.")
    week = serializers.DateField(allow_null=True, help_text="The Monday of the week of the submission.")
    gold = ProportionSerializer(help_text="First errors on gold that the labeler found in that week.")
    decision = ReviewDecisionSerializer(allow_null=True, help_text="The newest decision by a reviewer.")


class LineageSerializer(serializers.Serializer[Any]):
    export = serializers.IntegerField()
    solution = serializers.IntegerField()
    source = serializers.CharField(
        allow_blank=True, help_text="The source of the policy that labels it; empty if none does."
    )  # type: ignore[assignment]
    labelings = serializers.ListField(
        child=StepLineageSerializer(many=True), help_text="What the policy makes of the labels now."
    )
    first_errors = serializers.ListField(child=serializers.IntegerField(allow_null=True))
    submissions = SubmissionLineageSerializer(many=True)
    evidence = EvidenceSerializer()


class LineageView(APIView):
    @extend_schema(
        parameters=[
            OpenApiParameter("part", int, description="The file, from 0."),
            OpenApiParameter("row", int, description="The row in that file, from 0; it needs the column `lineage`."),
            OpenApiParameter("solution", int, description="In place of part and row: the solution."),
        ],
        responses=LineageSerializer,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Everything that the labels of one exported row rest on. People are named by pseudonym."""
        export = export_of(request, pk)
        solution = exported_solution(export, request.query_params)
        naming = pseudonyms_in(solution.project)
        lineage = lineage_of(export, solution, naming)
        history = history_of(solution, lineage.evidence, naming)
        return Response(lineage_row(lineage) | {"evidence": evidence_row(solution, lineage.evidence, history, naming)})


def exported_solution(export: Export, params: Any) -> Solution:
    """The solution that the parameters name. Raises DomainError naming a parameter, and NotFound."""
    values = {
        name: parse_number(params[name], biggest=BIGGEST) for name in ("part", "row", "solution") if name in params
    }
    if errors := {
        name: f"must be a whole number from 0 to {BIGGEST}" for name, value in values.items() if value is None
    }:
        raise DomainError("The row is not named by numbers.", fields=errors)
    number = values.get("solution")
    if number is None:
        if "row" not in values:
            raise DomainError("Name a row, or a solution.", fields={"row": "this or `solution` is required"})
        number = traced_solution(export, part=values.get("part") or 0, row=values["row"] or 0)
    solution = Solution.objects.select_related("problem", "project").filter(project=export.project, pk=number).first()
    if solution is None:
        raise NotFound("No such solution.")
    return solution


def lineage_row(lineage: Lineage) -> dict[str, Any]:
    reviewers = {
        submission.decision.reviewer_id for submission in lineage.submissions if submission.decision is not None
    }
    names = pseudonyms_in(lineage.solution.project)(reviewers)
    return {
        "export": lineage.export.pk,
        "solution": lineage.solution.pk,
        "source": lineage.source,
        "labelings": [[asdict(step) for step in steps] for steps in lineage.labelings],
        "first_errors": list(lineage.first_errors),
        "submissions": [_submission_row(submission, names) for submission in lineage.submissions],
    }


def _submission_row(submission: SubmissionLineage, names: Mapping[int, str]) -> dict[str, Any]:
    assignment, decision = submission.evidence.assignment, submission.decision
    return {
        "labeler": submission.labeler,
        "round": assignment.round.number,
        "guideline": submission.guideline,
        "submitted_at": assignment.submitted_at,
        "first_error": submission.first_error,
        "not_counted": submission.evidence.not_counted,
        "week": submission.week,
        "gold": {"hits": submission.gold.hits, "of": submission.gold.of},
        "decision": None
        if decision is None
        else {
            "decision": decision.decision,
            "reviewer": names[decision.reviewer_id],
            "at": decision.at,
            "note": decision.note,
        },
    }


# --- audits -----------------------------------------------------------------------------------------------


class AuditSerializer(serializers.ModelSerializer[ReleaseAudit]):
    round = serializers.IntegerField(source="round.number", allow_null=True, read_only=True)
    sample = serializers.SerializerMethodField(help_text="Solutions in the sample.")
    interval = serializers.ListField(
        child=serializers.FloatField(), source="agreement.interval", help_text="95 % Wilson interval of the agreement."
    )

    class Meta:
        model = ReleaseAudit
        fields = [
            "status",
            "share",
            "gate",
            "round",
            "sample",
            "compared",
            "agreed",
            "interval",
            "created_at",
            "decided_at",
        ]

    def get_sample(self, audit: ReleaseAudit) -> int:
        return len(audit.sample)


class NewAuditSerializer(serializers.Serializer[Any]):
    share = serializers.FloatField(help_text="Share of the export's solutions to draw, above 0 and at most 1.")
    gate = serializers.FloatField(help_text="Share of first errors that must agree, above 0 and at most 1.")
    redundancy = serializers.IntegerField(default=1, min_value=1, max_value=100, help_text="People per solution.")
    labelers = serializers.ListField(
        child=serializers.EmailField(), default=list, help_text="Only these members; empty: everyone who may label."
    )


class ExportAudit(APIView):
    @extend_schema(responses=AuditSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """The export's audit, with what has been labeled again so far."""
        return Response(AuditSerializer(refresh_audit(audit=_audit_of(request, pk))).data)

    @extend_schema(request=NewAuditSerializer, responses={201: AuditSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Draw a sample and open a blind round for it. Until it has passed, the export cannot be downloaded."""
        export = export_of(request, pk)
        body = NewAuditSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        settings = body.validated_data | {"labelers": _members(export, body.validated_data["labelers"])}
        audit = start_audit(export=export, actor=user_of(request), **settings)
        return Response(AuditSerializer(audit).data, status=201)

    @extend_schema(responses=AuditSerializer)
    def delete(self, request: Request, pk: int) -> Response:
        """Withdraw the audit, which lets the export leave without it."""
        audit = withdraw_audit(audit=_audit_of(request, pk), actor=user_of(request))
        return Response(AuditSerializer(audit).data)


def _audit_of(request: Request, pk: int) -> ReleaseAudit:
    audit = ReleaseAudit.objects.select_related("round").filter(export=export_of(request, pk)).first()
    if audit is None:
        raise NotFound("This export has no audit.")
    return audit


def _members(export: Export, emails: list[str]) -> list[User]:
    members = Membership.objects.filter(project=export.project, user__email__in=emails).select_related("user")
    users = {member.user.email: member.user for member in members}
    if unknown := [email for email in emails if email not in users]:
        raise DomainError("Some labelers are no members.", fields={"labelers": f"not members: {', '.join(unknown)}"})
    return list(users.values())
