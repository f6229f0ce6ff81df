"""Rounds of human labeling, and claims of their tasks."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import django_filters
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken, User
from apps.api.access import project_of, round_of, user_of
from apps.api.filters import ArchivedFilter, filtered, parameters_of
from apps.api.labeling.payload import open_assignment
from apps.api.labeling.round_config import (
    NewRoundSerializer,
    OpenedSerializer,
    PreviewSerializer,
    RoundChangesSerializer,
    RoundSerializer,
    resolve_names,
    round_row,
)
from apps.api.pagination import Pages
from apps.api.removal import deleted
from apps.labeling.models import Assignment, Round, RoundQuerySet
from apps.labeling.progress import progress_for
from apps.labeling.queue.claim import NoTask, claim
from apps.labeling.queue.next_rounds import next_rounds_for
from apps.labeling.queue.screening import retake
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, discard_draft, edit_round, open_round, set_round_status
from apps.projects.models import Project
from apps.projects.permissions import can, membership_of
from apps.quality.gold.screening import score_attempt
from apps.quality.rules import labor_cost
from apps.removal.kinds import KINDS


class ShownCandidateSerializer(serializers.Serializer[Any]):
    candidate = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()
    is_final = serializers.BooleanField(required=False, help_text="In branching: the step states the final answer.")


class PositionSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidates = ShownCandidateSerializer(many=True)
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, help_text="In branching: `solution` or `model`."
    )
    own = serializers.IntegerField(
        required=False, help_text="In branching: the candidate number of a step that you write."
    )
    ended = serializers.BooleanField(
        required=False, help_text="In branching: the step chosen before states the final answer."
    )
    problem = serializers.CharField(
        required=False, allow_blank=True, help_text="In branching: why there are no candidates."
    )


class ShownProblemSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(help_text="An opaque ID that identifies the problem to labelers.")
    statement = serializers.CharField()
    subject = serializers.CharField(allow_null=True)
    level = serializers.CharField(allow_null=True)
    reference_answer = serializers.CharField(allow_null=True, required=False, help_text="Where the round shows it.")


class ShownEstimateSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    hard = serializers.BooleanField(
        allow_null=True, help_text="The label that the run concludes, or else the hard label by its counts."
    )
    rollouts = serializers.IntegerField(allow_null=True)
    successes = serializers.IntegerField(allow_null=True)


class ShownEstimatesSerializer(serializers.Serializer[Any]):
    run = serializers.IntegerField()
    steps = ShownEstimateSerializer(many=True)


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


class DraftPreferenceSerializer(serializers.Serializer[Any]):
    choice = serializers.CharField(allow_blank=True)
    margin = serializers.CharField(allow_blank=True)
    rationale = serializers.CharField(allow_blank=True)


class DraftSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    steps = serializers.ListField(child=serializers.DictField())
    preference = DraftPreferenceSerializer(required=False, allow_null=True)
    progress = serializers.IntegerField(required=False, allow_null=True)
    critiques = serializers.ListField(child=serializers.DictField(), required=False)
    reply = serializers.CharField(required=False, allow_blank=True)


class AssignedBySerializer(serializers.Serializer[Any]):
    by = serializers.CharField(help_text="The name of the manager.")
    note = serializers.CharField(allow_blank=True)


class TaskPayloadSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    leased_until = serializers.DateTimeField()
    task = serializers.IntegerField(help_text="An opaque ID that identifies the task to labelers.")
    round = serializers.IntegerField()
    protocol = serializers.CharField()
    problem = ShownProblemSerializer()
    steps = PositionSerializer(many=True, help_text="In a comparison: the steps that both sides begin with.")
    comparison = ShownComparisonSerializer(
        required=False, help_text="The two sides in the order in which they are shown."
    )
    note = serializers.CharField(
        allow_blank=True, help_text="Why a reviewer returned it; empty if it was not returned."
    )
    assigned = AssignedBySerializer(
        allow_null=True, help_text="By whom the task was assigned to you; null if the queue served it."
    )
    guideline = serializers.IntegerField(
        allow_null=True, help_text="An opaque ID of the version of the guidelines under which it is labeled."
    )
    draft = DraftSerializer()
    models = ShownEstimatesSerializer(required=False, help_text="In verify mode: the newest run's label of each step.")


class ProgressSerializer(serializers.Serializer[Any]):
    """In a screening or in training `done` is your own, since each labeler does all tasks."""

    done = serializers.IntegerField(help_text="Submissions of the team, of `total`.")
    total = serializers.IntegerField()
    mine = serializers.IntegerField(help_text="Your submissions in this round.")
    today = serializers.IntegerField(help_text="Those of `mine` since midnight in the site's time zone.")


class NextRoundSerializer(serializers.Serializer[Any]):
    project = serializers.CharField(help_text="The project's slug.")
    project_name = serializers.CharField()
    number = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=Round.Kind.choices)
    is_begun = serializers.BooleanField(help_text="You have submitted something in it.")


class ClaimSerializer(serializers.Serializer[Any]):
    holding = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=2**63 - 1),
        default=list,
        max_length=100,
        help_text="IDs of the assignments that the client has loaded already.",
    )


class ScreeningAttemptSerializer(serializers.Serializer[Any]):
    attempt = serializers.IntegerField()
    tries = serializers.IntegerField()


class ClaimedSerializer(serializers.Serializer[Any]):
    assignment = TaskPayloadSerializer(allow_null=True)
    reason = serializers.CharField(required=False, help_text="Only when there is no assignment.")
    message = serializers.CharField(required=False, help_text="Only when there is no assignment.")
    may_retake = serializers.BooleanField(required=False, help_text="In a screening: another attempt is allowed.")
    next_rounds = NextRoundSerializer(
        many=True, required=False, help_text="Only when there is no assignment: open rounds that have a task for you."
    )
    why_no_next = serializers.CharField(required=False, allow_blank=True, help_text="Why `next_rounds` is empty.")
    progress = ProgressSerializer()


def _labeler_in(project: Project, request: Request) -> User | None:
    """The requesting user, if they see rounds as labelers do; None for reviewers and managers."""
    user = user_of(request)
    return None if can(membership_of(user, project), "browse") else user


def _rounds_seen(project: Project, request: Request) -> RoundQuerySet:
    """The project's rounds that the requesting user may see. Only managers see drafts."""
    rounds: RoundQuerySet = Round.objects.filter(project=project).with_submitted(_labeler_in(project, request))
    if not can(membership_of(user_of(request), project), "manage_rounds"):
        rounds = rounds.exclude(status=Round.Status.DRAFT)
    return rounds.select_related("guideline", "endpoint")


class RoundFilter(django_filters.FilterSet):  # type: ignore[misc]
    archived = ArchivedFilter()
    status = django_filters.ChoiceFilter(choices=Round.Status.choices)
    kind = django_filters.ChoiceFilter(choices=Round.Kind.choices)


class RoundList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="rounds_list", parameters=parameters_of(RoundFilter), responses=RoundSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        pages = Pages()
        project = project_of(request, slug, "view")
        seen: RoundQuerySet = filtered(RoundFilter, request, _rounds_seen(project, request))
        rounds = pages.paginate_queryset(seen, request, view=self)
        context = {"is_for_labeler": _labeler_in(project, request) is not None}
        return pages.get_paginated_response(RoundSerializer(rounds, many=True, context=context).data)

    @extend_schema(request=NewRoundSerializer, responses={201: OpenedSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Open a round over the selected solutions, or only draft it."""
        project = project_of(request, slug, "manage_rounds")
        body = NewRoundSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        settings = resolve_names(project, body.validated_data)
        create = create_round if settings.pop("draft") else open_round
        created = create(project=project, created_by=user_of(request), **settings)
        return Response({"number": created.number, "tasks": created.task_count}, status=201)


class RoundDetail(APIView):
    @extend_schema(responses=RoundSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        round_ = round_of(request, slug, number, "view")
        return Response(round_row(round_, _labeler_in(round_.project, request)))

    @extend_schema(request=RoundChangesSerializer, responses=RoundSerializer)
    def patch(self, request: Request, slug: str, number: int) -> Response:
        """Change settings of a draft, or of a round under way those that do no harm; add solutions to it."""
        round_ = round_of(request, slug, number, "manage_rounds")
        body = RoundChangesSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changes = resolve_names(round_.project, body.validated_data)
        add = changes.pop("add", "")
        return Response(round_row(edit_round(round=round_, actor=user_of(request), changes=changes, add=add)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, slug: str, number: int) -> Response:
        """Discard a draft, or delete a round in which nothing was submitted. 409 `held` with what holds it."""
        round_ = round_of(request, slug, number, "manage_rounds")
        if round_.status != Round.Status.DRAFT:
            return deleted(request, KINDS["round"], round_, round_.project)
        discard_draft(round=round_, actor=user_of(request))
        return Response(status=204)


class RoundPreviewView(APIView):
    @extend_schema(responses=PreviewSerializer)
    def get(self, request: Request, slug: str, number: int) -> Response:
        """What a draft would be if it opened now."""
        round_ = round_of(request, slug, number, "manage_rounds")
        preview = preview_of(round_)
        return Response(
            {
                "tasks": preview.tasks,
                "gold_tasks": preview.gold_tasks,
                "submissions": preview.submissions,
                "seconds_each": preview.seconds_each,
                "hours": preview.hours,
                "cost": labor_cost(round_.project, preview.hours),
                "expected": asdict(preview.expected) if preview.expected is not None else None,
                "labelers": len(preview.may_work),
                "solutions": [solution.pk for solution in preview.examples],
                "ends_at": preview.end,
                "pace": {
                    "submissions": preview.pace.submissions,
                    "hours_per_day": preview.pace.hours_per_day if preview.pace.is_known else None,
                    "days": preview.pace.days,
                    "why_no_end": preview.why_no_end,
                },
                "warnings": [{"code": warning.code, "message": warning.message} for warning in preview.warnings],
                "refusal": preview.refusal.message if preview.refusal is not None else "",
            }
        )


class RoundStatus(APIView):
    """Open a draft, pause, reopen or close."""

    status = Round.Status.OPEN

    @extend_schema(request=None, responses=RoundSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        round_ = round_of(request, slug, number, "manage_rounds")
        set_round_status(round=round_, status=self.status, actor=user_of(request))
        return Response(round_row(round_))


class Claim(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=ClaimSerializer, responses=ClaimedSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Your open task in this round that is not in `holding`, else a new one, else why there is none."""
        round_, user = round_of(request, slug, number, "label"), user_of(request)
        body = ClaimSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        claimed = _claim(round_, user, body.validated_data["holding"])
        answer: dict[str, Any] = {"progress": progress_for(round_, user)}
        if isinstance(claimed, NoTask):
            answer |= {"assignment": None, "reason": claimed.code, "message": claimed.message}
            answer |= {"may_retake": True} if claimed.may_retake else {}
            answer |= _next_rounds(user, round_)
        else:
            answer["assignment"] = open_assignment(claimed)
        return Response(answer)


def _next_rounds(user: User, round_: Round) -> dict[str, Any]:
    following = next_rounds_for(user, after=round_)
    rows = [
        {
            "project": next_.round.project.slug,
            "project_name": next_.round.project.name,
            "number": next_.round.number,
            "name": str(next_.round),
            "kind": next_.round.kind,
            "is_begun": next_.is_begun,
        }
        for next_ in following.rounds
    ]
    return {"next_rounds": rows, "why_no_next": following.why_none}


def _claim(round_: Round, user: User, holding: list[int]) -> Assignment | NoTask:
    claimed = claim(round=round_, labeler=user, holding=holding)
    # If the last task of a screening attempt is retired while it is open, only this ends the attempt.
    is_over = isinstance(claimed, NoTask) and claimed.code == "all_done" and round_.is_screening
    if is_over and score_attempt(round_=round_, labeler=user, now=timezone.now()):
        return claim(round=round_, labeler=user, holding=holding)
    return claimed


class Retake(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses=ScreeningAttemptSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        """Begin another attempt at a screening that you have not passed."""
        round_ = round_of(request, slug, number, "label")
        progress = retake(round=round_, labeler=user_of(request))
        return Response({"attempt": progress.attempt, "tries": round_.tries})
