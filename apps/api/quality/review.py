"""Disputes, adjudication, gold and reviews of assignments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.access import project_of, reviewed_of, solution_of, step_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.labeling.assignments import AnswerSerializer
from apps.api.pagination import ListView, Row
from apps.api.quality.desk import ReviewedAssignmentSerializer, reviewed_row
from apps.api.quality.evidence import ConsensusSerializer, consensus_row
from apps.corpus.labels import FINISH_REASONS
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.resplit import MOST_STEPS
from apps.projects.models import Membership
from apps.quality.models import OpenDispute, Review
from apps.quality.review.adjudication import (
    adjudicate_solution,
    adjudicate_step,
    explain_gold,
    make_explained_gold,
)
from apps.quality.review.decisions import ReviewerDecision, decide
from apps.quality.review.impartiality import labeled_by
from apps.quality.review.queues import KINDS, QueueFilters, filter_queue
from apps.quality.review.resplit import resplit_by_reviewer
from apps.quality.trust.blind_rounds import shown_disputes

NOTE = 2000


class DisputeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    solution = serializers.IntegerField()
    problem = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    since = serializers.DateTimeField()
    is_correct = serializers.BooleanField(allow_null=True)
    is_own = serializers.BooleanField(
        help_text="You labeled the solution: another reviewer has to adjudicate it, unless the project allows self-review."
    )


class DisputeQuerySerializer(QuerySerializer):
    kind = serializers.ChoiceField(choices=sorted(KINDS), required=False)
    round = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)
    source = serializers.CharField(required=False)  # type: ignore[assignment]
    subject = serializers.CharField(required=False)
    labeler = serializers.CharField(required=False, help_text="A pseudonym in this project.")


class FirstErrorSerializer(serializers.Serializer[Any]):
    first_error = serializers.IntegerField(min_value=-1, max_value=100_000, help_text="A position from 0; -1: none.")
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True)


class RatingSerializer(serializers.Serializer[Any]):
    rating = serializers.IntegerField(
        min_value=-1, max_value=1, allow_null=True, help_text="null withdraws the step's adjudication."
    )
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True)


class AdjudicationResultSerializer(serializers.Serializer[Any]):
    consensus = ConsensusSerializer(allow_null=True)


class GoldExplanationSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=0, max_value=100_000)
    text = serializers.CharField(max_length=10_000, allow_blank=True, help_text="Empty removes the explanation.")


class GoldInSerializer(serializers.Serializer[Any]):
    explanations = GoldExplanationSerializer(
        many=True, default=list, help_text="Why steps have their gold ratings; training rounds show it."
    )


class GoldMadeSerializer(serializers.Serializer[Any]):
    gold = serializers.BooleanField(help_text="False if no step is adjudicated.")


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=Review.Decision.choices)
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True, help_text="Required to return it.")
    steps = AnswerSerializer(
        many=True, required=False, help_text="Of a correction: your ratings, which count in place of the labeler's."
    )
    finish_reason = serializers.ChoiceField(
        choices=FINISH_REASONS, required=False, help_text="Of a correction, for which it is required."
    )
    seen = serializers.CharField(
        max_length=100,
        allow_null=True,
        default=None,
        help_text="The `revision` that you saw; 409 `changed_since` if it was changed or reviewed since.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        is_correction = attrs["decision"] == Review.Decision.CORRECTED
        errors = {
            name: ["Required for a correction."] if is_correction else ["Allowed for a correction only."]
            for name in ("steps", "finish_reason")
            if (name in attrs) != is_correction
        }
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


class ReviewedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.CharField()
    decision = serializers.CharField()


class ResplitSerializer(serializers.Serializer[Any]):
    steps = serializers.ListField(child=serializers.CharField(trim_whitespace=False), max_length=MOST_STEPS)


class NewVersionSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The newer version.")


# --- routes -----------------------------------------------------------------------------------------------


class DisputeList(ListView):
    @extend_schema(
        operation_id="disputes_list",
        parameters=[DisputeQuerySerializer, OpenApiParameter("cursor", str), OpenApiParameter("page_size", int)],
        responses=DisputeSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Solutions in dispute, a row for each kind of dispute that a solution is in.

        Kinds that tell what a model says leave out solutions that people label in an open blind round.
        """
        project = project_of(request, slug, "review")
        query = DisputeQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        filters = dict(query.validated_data)
        disputes = shown_disputes(project).select_related("solution")
        if "kind" in filters:
            disputes = disputes.filter(kind=filters.pop("kind"))
        if "labeler" in filters:
            member = Membership.objects.filter(project=project, pseudonym=filters["labeler"]).first()
            filters["labeler"] = member.user_id if member else 0
        user = user_of(request)
        rows = filter_queue(disputes, project, QueueFilters(**filters))
        return self.answer(request, rows, lambda page: self._rows(list(page), user))

    @staticmethod
    def _rows(disputes: list[OpenDispute], user: User) -> Iterator[Row]:
        own = labeled_by(user, {dispute.solution_id for dispute in disputes})
        for dispute in disputes:
            yield {
                "id": dispute.pk,
                "solution": dispute.solution_id,
                "problem": dispute.solution.problem_id,
                "kind": dispute.kind,
                "since": dispute.since,
                "is_correct": dispute.solution.is_correct,
                "is_own": dispute.solution_id in own,
            }


class SolutionAdjudicate(APIView):
    @extend_schema(request=FirstErrorSerializer, responses=AdjudicationResultSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Adjudicate the first error of a solution: a reviewer's decision takes precedence over every rule."""
        solution = solution_of(request, pk, "review")
        body = FirstErrorSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        consensus = adjudicate_solution(solution=solution, by=user_of(request), **body.validated_data)
        return Response({"consensus": consensus_row(consensus)})


class SolutionGold(APIView):
    @extend_schema(request=GoldInSerializer, responses=GoldMadeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Make the adjudicated ratings of a solution gold, with explanations of steps."""
        solution, user = solution_of(request, pk, "review"), user_of(request)
        body = GoldInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"gold": make_explained_gold(solution=solution, explanations=_texts(body), by=user)})

    @extend_schema(request=GoldInSerializer, responses={204: None})
    def patch(self, request: Request, pk: int) -> Response:
        """Explain gold that is there already, imported or made."""
        solution, user = solution_of(request, pk, "review"), user_of(request)
        body = GoldInSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        explain_gold(solution=solution, explanations=_texts(body), by=user)
        return Response(status=204)


def _texts(body: GoldInSerializer) -> dict[int, str]:
    return {row["position"]: row["text"] for row in body.validated_data["explanations"]}


class SolutionSplit(APIView):
    @extend_schema(request=ResplitSerializer, responses={201: NewVersionSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Split the steps again: a newer version of the solution with the same text. Old labels stay on the older version."""
        solution = solution_of(request, pk, "review")
        body = ResplitSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        newer = resplit_by_reviewer(solution=solution, texts=body.validated_data["steps"], by=user_of(request))
        return Response({"id": newer.pk}, status=201)


class StepAdjudicate(APIView):
    @extend_schema(request=RatingSerializer, responses=AdjudicationResultSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Adjudicate the rating of one step."""
        step = step_of(request, pk, "review")
        body = RatingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        consensus = adjudicate_step(step=step, by=user_of(request), **body.validated_data)
        return Response({"consensus": consensus_row(consensus)})


class AssignmentReview(APIView):
    @extend_schema(operation_id="assignments_review_retrieve", responses=ReviewedAssignmentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """A labeler's assignment for its reviewer: the task, the submission, all evidence and the decisions so far."""
        return Response(reviewed_row(reviewed_of(request, pk), user_of(request)))

    @extend_schema(request=DecisionSerializer, responses=ReviewedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Accept an assignment, return it with a note to its labeler, who gets it before any new task, or correct it."""
        assignment = reviewed_of(request, pk)
        body = DecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data, submission = body.validated_data, None
        if "steps" in data:
            steps = [SubmittedStep(**step) for step in data["steps"]]
            submission = Submission(steps=steps, finish_reason=data["finish_reason"])
        decision = ReviewerDecision(data["decision"], data["note"], submission)
        decide(assignment=assignment, reviewer=user_of(request), decision=decision, seen=data["seen"])
        assignment.refresh_from_db(fields=["state"])
        return Response({"id": assignment.pk, "state": assignment.state, "decision": decision.decision})
