"""Rounds of human labeling, and the hand-out of their tasks."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken, User
from apps.api.access import project_of, round_of, user_of
from apps.api.labeling.payload import full_payload
from apps.api.labeling.round_config import (
    NewRoundSerializer,
    OpenedSerializer,
    PreviewSerializer,
    RoundConfigSerializer,
    RoundSerializer,
    resolved,
    shown,
)
from apps.api.pagination import Pages
from apps.labeling.models import Assignment, Round, RoundQuerySet
from apps.labeling.progress import progress_for
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.screening import retake
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, discard_draft, edit_round, open_round, set_round_status
from apps.projects.models import Project
from apps.projects.permissions import can, membership_of
from apps.quality.gold.screening import score_attempt


class CandidateSerializer(serializers.Serializer[Any]):
    candidate = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()
    is_final = serializers.BooleanField(required=False, help_text="In branching: it states the final answer.")


class PositionSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidates = CandidateSerializer(many=True)
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, help_text="In branching: `solution` or `model`."
    )
    own = serializers.IntegerField(required=False, help_text="In branching: the number of a step that you write.")
    ended = serializers.BooleanField(
        required=False, help_text="In branching: what was chosen before states the answer."
    )
    problem = serializers.CharField(required=False, allow_blank=True, help_text="In branching: why there are none.")


class AskedProblemSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="Tells problems apart; no id of anything.")
    statement = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    level = serializers.CharField(allow_null=True)
    reference_answer = serializers.CharField(allow_null=True, required=False, help_text="Where the round shows it.")


class ModelsWordSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    hard = serializers.BooleanField(
        allow_null=True, help_text="The label: what the run concludes, else what its counts say."
    )
    rollouts = serializers.IntegerField(allow_null=True)
    successes = serializers.IntegerField(allow_null=True)


class ModelsSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    steps = ModelsWordSerializer(many=True)


class ShownStepSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    text = serializers.CharField()


class SideSerializer(serializers.Serializer[Any]):
    steps = ShownStepSerializer(many=True)


class ShownComparisonSerializer(serializers.Serializer[Any]):
    of = serializers.ChoiceField(choices=["solutions", "steps"])
    ties = serializers.BooleanField(help_text="Whether `tie` may be chosen.")
    rationale = serializers.ChoiceField(choices=["off", "optional", "required"])
    left = SideSerializer()
    right = SideSerializer()


class KeptPreferenceSerializer(serializers.Serializer[Any]):
    choice = serializers.CharField(allow_blank=True)
    margin = serializers.CharField(allow_blank=True)
    rationale = serializers.CharField(allow_blank=True)


class DraftSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.DictField())
    preference = KeptPreferenceSerializer(required=False, allow_null=True)
    progress = serializers.IntegerField(required=False, allow_null=True)
    critiques = serializers.ListField(child=serializers.DictField(), required=False)


class TaskPayloadSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    leased_until = serializers.DateTimeField()
    task = serializers.IntegerField(help_text="Tells tasks apart; no id of anything.")
    round = serializers.IntegerField()
    protocol = serializers.CharField()
    problem = AskedProblemSerializer()
    steps = PositionSerializer(many=True, help_text="Of a comparison: what both sides begin with.")
    comparison = ShownComparisonSerializer(required=False, help_text="The two sides, as this turn shows them.")
    note = serializers.CharField(allow_blank=True, help_text="Why a reviewer returned it; empty where nobody did.")
    draft = DraftSerializer()
    models = ModelsSerializer(required=False, help_text="In verify mode: what the newest run says of each step.")


class ProgressSerializer(serializers.Serializer[Any]):
    done = serializers.IntegerField()
    total = serializers.IntegerField()
    today = serializers.IntegerField()


class ClaimSerializer(serializers.Serializer[Any]):
    holding = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**63 - 1),
        default=list,
        max_length=100,
        help_text="Assignments that the client has in hand already.",
    )


class ScreeningAttemptSerializer(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    tries = serializers.IntegerField()


class ClaimedSerializer(serializers.Serializer[Any]):
    assignment = TaskPayloadSerializer(allow_null=True)
    reason = serializers.CharField(required=False, help_text="Only when there is no assignment.")
    message = serializers.CharField(required=False, help_text="Only when there is no assignment.")
    may_retake = serializers.BooleanField(required=False, help_text="In a screening: another try can be begun.")
    progress = ProgressSerializer()


def _labeler_in(project: Project, request: Request) -> User | None:
    """Who asks, if they are to see the round as labelers see it."""
    user = user_of(request)
    return None if can(membership_of(user, project), "browse") else user


def _rounds_seen(project: Project, request: Request) -> RoundQuerySet:
    """The project's rounds as who asks may see them: drafts are their managers' business."""
    rounds: RoundQuerySet = Round.objects.filter(project=project).with_submitted(_labeler_in(project, request))
    if not can(membership_of(user_of(request), project), "manage_rounds"):
        rounds = rounds.exclude(status=Round.Status.DRAFT)
    return rounds.select_related("guideline", "endpoint")


class RoundList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="rounds_list", responses=RoundSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        project = project_of(request, slug, "view")
        rounds = pages.paginate_queryset(_rounds_seen(project, request), request, view=self)
        context = {"is_for_labeler": _labeler_in(project, request) is not None}
        return pages.get_paginated_response(RoundSerializer(rounds, many=True, context=context).data)

    @extend_schema(request=NewRoundSerializer, responses={201: OpenedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Open a round over the selected solutions, or only draft it."""
        project = project_of(request, slug, "manage_rounds")
        given = NewRoundSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        terms = resolved(project, dict(given.validated_data))
        make = create_round if terms.pop("draft") else open_round
        made = make(project=project, created_by=user_of(request), **terms)
        return Response({"number": made.number, "tasks": made.task_count}, status=201)


class RoundDetail(APIView):
    @extend_schema(responses=RoundSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        found = round_of(request, slug, number, "view")
        return Response(shown(found, _labeler_in(found.project, request)))

    @extend_schema(request=RoundConfigSerializer, responses=RoundSerializer)
    def patch(self, request: Request, slug: str, number: int) -> Response:
        """Change terms of a draft."""
        found = round_of(request, slug, number, "manage_rounds")
        given = RoundConfigSerializer(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changes = resolved(found.project, dict(given.validated_data))
        return Response(shown(edit_round(round=found, actor=user_of(request), changes=changes)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, number: int) -> Response:
        """Throw a draft away."""
        discard_draft(round=round_of(request, slug, number, "manage_rounds"), actor=user_of(request))
        return Response(status=204)


class RoundPreview(APIView):
    @extend_schema(responses=PreviewSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """What a draft would be if it opened now."""
        seen = preview_of(round_of(request, slug, number, "manage_rounds"))
        return Response(
            {
                "tasks": seen.tasks,
                "gold_tasks": seen.gold_tasks,
                "submissions": seen.submissions,
                "seconds_each": seen.seconds_each,
                "hours": seen.hours,
                "labelers": len(seen.may_work),
                "solutions": [solution.pk for solution in seen.examples],
                "refusal": seen.refusal.message if seen.refusal is not None else "",
            }
        )


class RoundStatus(APIView):
    """Open a draft, pause, reopen or close."""

    status = Round.Status.OPEN

    @extend_schema(request=None, responses=RoundSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        found = round_of(request, slug, number, "manage_rounds")
        set_round_status(round=found, status=self.status, actor=user_of(request))
        return Response(shown(found))


class Claim(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=ClaimSerializer, responses=ClaimedSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Your open task in this round that you don't hold yet, else the next one, else why there is none."""
        found = round_of(request, slug, number, "label")
        given = ClaimSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        user = user_of(request)
        taken = _taken(found, user, given.validated_data["holding"])
        answer: dict[str, Any] = {"progress": progress_for(found, user)}
        if isinstance(taken, NoTask):
            answer |= {"assignment": None, "reason": taken.code, "message": taken.message}
            answer |= {"may_retake": True} if taken.may_retake else {}
        else:
            answer["assignment"] = full_payload(taken)
        return Response(answer)


def _taken(round_: Round, user: User, holding: list[int]) -> Assignment | NoTask:
    taken = claim(round=round_, labeler=user, holding=holding)
    # The last task of a try may have been retired under the labeler: then nothing else would end it.
    is_over = isinstance(taken, NoTask) and taken.code == "all_done" and round_.is_screening
    if is_over and score_attempt(round_=round_, labeler=user, now=timezone.now()):
        return claim(round=round_, labeler=user, holding=holding)
    return taken


class Retake(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses=ScreeningAttemptSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Begin another try at a screening that you have not passed."""
        found = round_of(request, slug, number, "label")
        progress = retake(round=found, labeler=user_of(request))
        return Response({"attempt": progress.attempt, "tries": found.tries})
