"""What reviewers do: see what is disputed and all that is known of a solution, settle it, review turns."""

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
from apps.api.labeling.assignments import AnswerSerializer
from apps.api.pagination import ListView, Row
from apps.api.quality.evidence import StandsSerializer, stands_row
from apps.corpus.labels import FINISH_REASONS
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.resplit import MOST_STEPS
from apps.projects.models import Membership
from apps.quality.models import OpenDispute, Review
from apps.quality.review.adjudication import adjudicate_solution, adjudicate_step, make_gold
from apps.quality.review.assignments import accept, correct_assignment, return_to_labeler
from apps.quality.review.impartiality import labeled_by
from apps.quality.review.queues import KINDS, Narrowing, narrowed
from apps.quality.review.resplit import resplit_by_reviewer

NOTE = 2000


class DisputeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    solution = serializers.IntegerField()
    problem = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=sorted(KINDS))
    since = serializers.DateTimeField()
    is_correct = serializers.BooleanField(allow_null=True)
    is_own = serializers.BooleanField(
        help_text="You labeled the solution: another reviewer settles it, unless the project allows self-review."
    )


class DisputeQuerySerializer(serializers.Serializer[Any]):
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
        min_value=-1, max_value=1, allow_null=True, help_text="null takes a reviewer's word back."
    )
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True)


class StandingSerializer(serializers.Serializer[Any]):
    consensus = StandsSerializer(allow_null=True)


class GoldMadeSerializer(serializers.Serializer[Any]):
    gold = serializers.BooleanField(help_text="False where no reviewer has settled anything.")


class DecisionSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=Review.Decision.choices)
    note = serializers.CharField(max_length=NOTE, default="", allow_blank=True, help_text="Needed to return it.")
    steps = AnswerSerializer(
        many=True, required=False, help_text="Of a correction: your ratings, which count in place of the labeler's."
    )
    finish_reason = serializers.ChoiceField(
        choices=FINISH_REASONS, required=False, help_text="Of a correction, which needs it."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        is_correction = attrs["decision"] == Review.Decision.CORRECTED
        wrong = {
            name: ["A correction needs it."] if is_correction else ["Only a correction has it."]
            for name in ("steps", "finish_reason")
            if (name in attrs) != is_correction
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class ReviewedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.CharField()
    decision = serializers.CharField()


class SplitSerializer(serializers.Serializer[Any]):
    steps = serializers.ListField(child=serializers.CharField(trim_whitespace=False), max_length=MOST_STEPS)


class SplitMadeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="The newer version.")


# --- routes -----------------------------------------------------------------------------------------------


class DisputeList(ListView):
    @extend_schema(
        operation_id="disputes_list",
        parameters=[DisputeQuerySerializer, OpenApiParameter("cursor", str), OpenApiParameter("page_size", int)],
        responses=DisputeSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Solutions in dispute, a row for each kind that one is in."""
        project = project_of(request, slug, "review")
        given = DisputeQuerySerializer(data=request.query_params)
        given.is_valid(raise_exception=True)
        asked = dict(given.validated_data)
        found = OpenDispute.objects.filter(project=project).select_related("solution")
        if "kind" in asked:
            found = found.filter(kind=asked.pop("kind"))
        if "labeler" in asked:
            member = Membership.objects.filter(project=project, pseudonym=asked["labeler"]).first()
            asked["labeler"] = member.user_id if member else 0
        user = user_of(request)
        return self.answer(
            request, narrowed(found, project, Narrowing(**asked)), lambda disputes: self._rows(list(disputes), user)
        )

    @staticmethod
    def _rows(disputes: list[OpenDispute], user: User) -> Iterator[Row]:
        own = labeled_by(user, {one.solution_id for one in disputes})
        for one in disputes:
            yield {
                "id": one.pk,
                "solution": one.solution_id,
                "problem": one.solution.problem_id,
                "kind": one.kind,
                "since": one.since,
                "is_correct": one.solution.is_correct,
                "is_own": one.solution_id in own,
            }


class SolutionAdjudicate(APIView):
    @extend_schema(request=FirstErrorSerializer, responses=StandingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """A reviewer's word on the first error: it stands above every rule."""
        solution = solution_of(request, pk, "review")
        given = FirstErrorSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        stands = adjudicate_solution(solution=solution, by=user_of(request), **given.validated_data)
        return Response({"consensus": stands_row(stands)})


class SolutionGold(APIView):
    @extend_schema(request=None, responses=GoldMadeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """What reviewers settled of it becomes gold."""
        solution = solution_of(request, pk, "review")
        return Response({"gold": bool(make_gold(solutions=[solution], by=user_of(request)))})


class SolutionSplit(APIView):
    @extend_schema(request=SplitSerializer, responses={201: SplitMadeSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Part the steps anew: a newer version of the solution with the same text. Old labels stay on the older one."""
        solution = solution_of(request, pk, "review")
        given = SplitSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        newer = resplit_by_reviewer(solution=solution, texts=given.validated_data["steps"], by=user_of(request))
        return Response({"id": newer.pk}, status=201)


class StepAdjudicate(APIView):
    @extend_schema(request=RatingSerializer, responses=StandingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """A reviewer's word on one step."""
        step = step_of(request, pk, "review")
        given = RatingSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        stands = adjudicate_step(step=step, by=user_of(request), **given.validated_data)
        return Response({"consensus": stands_row(stands)})


class AssignmentReview(APIView):
    @extend_schema(request=DecisionSerializer, responses=ReviewedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Accept a turn, return it with a note to its labeler, who gets it before any new task, or correct it."""
        assignment = reviewed_of(request, pk)
        given = DecisionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        decision, note = given.validated_data["decision"], given.validated_data["note"]
        if decision == Review.Decision.ACCEPTED:
            accept(assignments=[assignment], reviewer=user_of(request))
        elif decision == Review.Decision.CORRECTED:
            steps = [SubmittedStep(**step) for step in given.validated_data["steps"]]
            submission = Submission(steps=steps, finish_reason=given.validated_data["finish_reason"])
            correct_assignment(assignment=assignment, submission=submission, reviewer=user_of(request), note=note)
        else:
            return_to_labeler(assignment=assignment, reviewer=user_of(request), note=note)
        assignment.refresh_from_db(fields=["state"])
        return Response({"id": assignment.pk, "state": assignment.state, "decision": decision})
