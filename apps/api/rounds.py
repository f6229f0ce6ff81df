"""Rounds of human labeling, and the hand-out of their tasks."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import project_of, round_of, user_of
from apps.api.pagination import Pages
from apps.labeling.models import Round
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.queue import Nothing, claim
from apps.labeling.seats import progress
from apps.labeling.selection import TERMS
from apps.labeling.services import open_round, set_round_status
from apps.labeling.sheets import sheet


class RoundSerializer(serializers.ModelSerializer[Round]):
    tasks = serializers.IntegerField(source="task_count")
    slots = serializers.IntegerField(source="slot_count", help_text="Submissions needed.")
    submitted = serializers.IntegerField(help_text="Submissions that fill a slot.")

    class Meta:
        model = Round
        fields = [
            "number", "name", "protocol", "redundancy", "gold_share", "lease_minutes", "show_reference", "is_screening",
            "status", "tasks", "slots", "submitted", "created_at",
        ]  # fmt: skip


class NewRoundSerializer(serializers.Serializer[Round]):
    protocol = serializers.ChoiceField(choices=sorted(PROTOCOLS))
    redundancy = serializers.IntegerField(min_value=1, max_value=100, default=1)
    gold_share = serializers.FloatField(min_value=0, max_value=1, default=0.0)
    select = serializers.CharField(default="all", help_text=f"Comma-separated terms: {TERMS}.")
    name = serializers.CharField(max_length=200, default="", allow_blank=True)
    show_reference = serializers.BooleanField(default=True)
    lease_minutes = serializers.IntegerField(min_value=1, max_value=1440, default=20)


class OpenedSerializer(serializers.Serializer[Round]):
    number = serializers.IntegerField()
    tasks = serializers.IntegerField()


class CandidateSerializer(serializers.Serializer[Any]):
    candidate = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()


class PositionSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidates = CandidateSerializer(many=True)


class AskedProblemSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    statement = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    level = serializers.CharField(allow_null=True)
    reference_answer = serializers.CharField(allow_null=True, required=False, help_text="Where the round shows it.")


class DraftSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.DictField())


class SheetSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    leased_until = serializers.DateTimeField()
    task = serializers.IntegerField()
    round = serializers.IntegerField()
    protocol = serializers.CharField()
    problem = AskedProblemSerializer()
    steps = PositionSerializer(many=True)
    note = serializers.CharField(allow_blank=True, help_text="Why a reviewer returned it; empty where nobody did.")
    draft = DraftSerializer()


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    today = serializers.IntegerField()


class ClaimSerializer(serializers.Serializer[Any]):
    holding = serializers.ListField(
        child=serializers.IntegerField(), default=list, help_text="Assignments that the client has in hand already."
    )


class ClaimedSerializer(serializers.Serializer[Any]):
    assignment = SheetSerializer(allow_null=True)
    reason = serializers.CharField(required=False, help_text="Only when there is no assignment.")
    message = serializers.CharField(required=False, help_text="Only when there is no assignment.")
    progress = ProgressSerializer()


class RoundList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="rounds_list", responses=RoundSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        rounds = Round.objects.filter(project=project_of(request, slug, "view")).with_submitted()
        return pages.get_paginated_response(
            RoundSerializer(pages.paginate_queryset(rounds, request, view=self), many=True).data
        )

    @extend_schema(request=NewRoundSerializer, responses={201: OpenedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Open a round over the selected solutions."""
        project = project_of(request, slug, "manage_rounds")
        given = NewRoundSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        opened = open_round(project=project, created_by=user_of(request), **given.validated_data)
        return Response({"number": opened.number, "tasks": opened.task_count}, status=201)


class RoundDetail(APIView):
    @extend_schema(responses=RoundSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        found = round_of(request, slug, number, "view")
        return Response(RoundSerializer(Round.objects.with_submitted().get(pk=found.pk)).data)


class RoundStatus(APIView):
    """Pause, reopen or close."""

    status = Round.Status.OPEN

    @extend_schema(request=None, responses=RoundSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        found = round_of(request, slug, number, "manage_rounds")
        set_round_status(round=found, status=self.status, actor=user_of(request))
        return Response(RoundSerializer(Round.objects.with_submitted().get(pk=found.pk)).data)


class Claim(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=ClaimSerializer, responses=ClaimedSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Your open task in this round that you don't hold yet, else the next one, else why there is none."""
        found = round_of(request, slug, number, "label")
        given = ClaimSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = user_of(request)
        taken = claim(round=found, labeler=user, holding=given.validated_data["holding"])
        answer: dict[str, Any] = {"progress": progress(found, user)}
        if isinstance(taken, Nothing):
            answer |= {"assignment": None, "reason": taken.code, "message": taken.message}
        else:
            answer["assignment"] = sheet(taken)
        return Response(answer)
