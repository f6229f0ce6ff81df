"""A labeler's own assignments: renew, release, skip, save a draft, submit, correct."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import assignment_of, user_of
from apps.api.labeling.payload import open_assignment
from apps.api.labeling.rounds import DraftSerializer, ProgressSerializer, TaskPayloadSerializer
from apps.api.quality.corrections import CorrectionShownSerializer, correction_row
from apps.core.errors import Conflict
from apps.corpus.labels import CHOICES, FINISH_REASONS, LONGEST_COMMENT, MARGINS
from apps.labeling.assignments.candidates import candidates_after
from apps.labeling.assignments.changes import latest_changes
from apps.labeling.assignments.correct import correct, refusal_of_correction
from apps.labeling.assignments.drafts import draft_of, save_draft
from apps.labeling.assignments.error_followup import error_followup_of
from apps.labeling.assignments.replies import LONGEST_REPLY
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment
from apps.labeling.progress import progress_for
from apps.labeling.protocols.submission import (
    Submission,
    SubmittedCritique,
    SubmittedPreference,
    SubmittedStep,
)
from apps.labeling.queue.leases import release, renew
from apps.projects.models import Membership
from apps.quality.review.corrections import corrections_of

MAX_ACTIVE_MS = 86_400_000  # A day: no assignment takes longer.


class AnswerSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=0, max_value=100_000)
    candidate = serializers.IntegerField(min_value=0, max_value=100_000, default=0)
    rating = serializers.IntegerField(min_value=-1, max_value=1, allow_null=True, default=None)
    unsure = serializers.BooleanField(default=False)
    chosen = serializers.BooleanField(default=False)
    text = serializers.CharField(
        max_length=10_000,
        allow_null=True,
        allow_blank=True,
        default=None,
        help_text="The text of a step that you wrote.",
    )
    comment = serializers.CharField(
        max_length=LONGEST_COMMENT,
        allow_blank=True,
        default="",
        help_text="Your remark on the step, which reviewers read. Who gives up may remark on a step without a rating.",
    )


class CritiqueAnswerSerializer(serializers.Serializer[Any]):
    """A rating of a critique that was shown, or the text of one that you wrote."""

    id = serializers.IntegerField(min_value=1, max_value=2**62, allow_null=True, default=None)
    rating = serializers.IntegerField(min_value=-1, max_value=1, allow_null=True, default=None)
    text = serializers.CharField(max_length=10_000, allow_null=True, allow_blank=True, default=None)


class PreferenceInSerializer(serializers.Serializer[Any]):
    """The sides are those that were shown. A draft may hold a rationale without a choice."""

    choice = serializers.ChoiceField(choices=CHOICES, allow_blank=True, default="")
    margin = serializers.ChoiceField(
        choices=MARGINS, allow_blank=True, default="", help_text="How much better; empty for a tie."
    )
    rationale = serializers.CharField(max_length=20_000, allow_blank=True, default="")


class WorkSerializer(serializers.Serializer[Any]):
    steps = AnswerSerializer(many=True, default=list, help_text="Ratings; empty in a comparison.")
    progress = serializers.IntegerField(
        min_value=-1,
        max_value=1,
        allow_null=True,
        default=None,
        help_text="How far the solution came before its error.",
    )
    critiques = CritiqueAnswerSerializer(many=True, default=list)
    reply = serializers.CharField(
        max_length=LONGEST_REPLY,
        allow_blank=True,
        default="",
        help_text="Your reply to the `note` of the reviewer who returned the task.",
    )
    active_ms = serializers.IntegerField(min_value=0, max_value=MAX_ACTIVE_MS, allow_null=True, default=None)
    idle_ms = serializers.IntegerField(min_value=0, allow_null=True, default=None)


class DraftInSerializer(WorkSerializer):
    preference = PreferenceInSerializer(allow_null=True, default=None, help_text="Only in a comparison.")
    version = serializers.IntegerField(min_value=0, help_text="The draft version that you saw last.")


class SubmissionSerializer(WorkSerializer):
    preference = PreferenceInSerializer(allow_null=True, default=None, help_text="Only in a comparison.")
    finish_reason = serializers.ChoiceField(choices=FINISH_REASONS)
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)


class CorrectionSerializer(SubmissionSerializer):
    versions = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        allow_null=True,
        default=None,
        help_text="The `versions` that you saw; 409 `corrected_elsewhere` if it was corrected again since.",
    )


class ChoiceSerializer(serializers.Serializer[Any]):
    """The choice at one position: a candidate, or a step that you wrote."""

    candidate = serializers.IntegerField(min_value=0, max_value=100_000, allow_null=True, default=None)
    text = serializers.CharField(max_length=10_000, allow_null=True, default=None)


class ChosenSerializer(serializers.Serializer[Any]):
    chosen = ChoiceSerializer(
        many=True, help_text="From the first position on; empty for the candidates of the first position."
    )
    goes_on = serializers.BooleanField(default=False, help_text="Call a model even after a final answer.")


class SampledCandidateSerializer(serializers.Serializer[Any]):
    candidate = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()
    is_final = serializers.BooleanField(help_text="The step states the final answer.")


class PositionCandidatesSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidates = SampledCandidateSerializer(many=True)
    source = serializers.CharField(  # type: ignore[assignment]
        allow_blank=True, help_text="`solution`, `model`, or empty where there are none."
    )
    own = serializers.IntegerField(help_text="The candidate number of a step that you write here.")
    problem = serializers.CharField(allow_blank=True, help_text="Why there are none.")
    busy = serializers.BooleanField(help_text="The model is busy: ask again in a moment.")
    ended = serializers.BooleanField(
        help_text="The last choice states the final answer, so the solution may end there."
    )


class BadStepSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(
        min_value=0, max_value=100_000, help_text="The position of the step that you rate bad."
    )


class CritiqueSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()


class ErrorFollowupSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    alternatives = SampledCandidateSerializer(many=True, help_text="Other candidates for the bad step; each is rated.")
    critiques = CritiqueSerializer(
        many=True, help_text="Texts by models and other labelers on what is wrong with the step."
    )
    problem = serializers.CharField(allow_blank=True, help_text="Why there are no alternatives.")
    busy = serializers.BooleanField(help_text="The model is busy: ask again in a moment.")


class LeaseSerializer(serializers.Serializer[Any]):
    leased_until = serializers.DateTimeField()


class VersionSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.CharField(), required=False)  # type: ignore[assignment]


class StaleSerializer(serializers.Serializer[Any]):
    error = ErrorSerializer()
    draft = DraftSerializer()


class AssignmentSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Assignment.SUBMITTED)


class SubmittedSerializer(serializers.Serializer[Any]):
    assignment = AssignmentSerializer()
    progress = ProgressSerializer()


class CorrectedSerializer(SubmittedSerializer):
    changes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What the latest correction changed, in words: `step 2 from great to bad`.",
    )


class OwnAssignmentSerializer(serializers.Serializer[Any]):
    assignment = TaskPayloadSerializer()
    state = serializers.ChoiceField(choices=Assignment.State.choices)
    submission = SubmissionSerializer(allow_null=True, help_text="Your own labels; null before you submit.")
    correction = CorrectionShownSerializer(
        allow_null=True, help_text="A reviewer's correction, which counts instead of your own labels."
    )
    versions = serializers.IntegerField(help_text="How often the first submission was replaced.")
    correctable = serializers.BooleanField()
    why_not = serializers.CharField(allow_null=True)


class OwnAssignment(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(responses=OwnAssignmentSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """Your assignment with its task, and your submission once there is one."""
        return Response(own_assignment(assignment_of(request, pk)))


def own_assignment(assignment: Assignment) -> dict[str, Any]:
    refusal = refusal_of_correction(assignment)
    correction = None
    if assignment.corrected_by_id is not None:
        reviewers = Membership.objects.filter(project=assignment.round.project_id, user=assignment.corrected_by_id)
        correction = correction_row(corrections_of([assignment.pk]).get(assignment.pk), reviewers.pseudonyms())
    return {
        "assignment": open_assignment(assignment),
        "state": assignment.state,
        "submission": current_submission(assignment).to_dict() if assignment.is_submitted else None,
        "correction": correction,
        "versions": assignment.versions,
        "correctable": refusal is None,
        "why_not": refusal,
    }


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """An answer as the page sends it: a subset of what `AnswerSerializer` accepts, and needs no conversion."""

    position: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    candidate: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    rating: Literal[-1, 0, 1] | None = None
    unsure: bool = False
    chosen: bool = False
    text: None = None  # The serializer trims and measures texts.
    comment: Annotated[str, msgspec.Meta(max_length=LONGEST_COMMENT, pattern=r"\A[^\x00]*\Z")] = ""


def read_work(body: Any, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """The validated body. Answers that msgspec accepts bypass the serializer.

    The serializer takes a millisecond for the answers of one solution, and a draft is sent with every key press.
    """
    steps: list[dict[str, Any]] | None = None
    if isinstance(body, dict) and isinstance(body.get("steps"), list):
        with suppress(msgspec.ValidationError):
            steps = msgspec.to_builtins(msgspec.convert(body["steps"], list[_Answer]))
    if steps is None:
        checked = serializer(data=body)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)
    checked = serializer(data={**body, "steps": []})
    checked.is_valid(raise_exception=True)
    return {**checked.validated_data, "steps": steps}


class Renew(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses=LeaseSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Extend the lease."""
        return Response({"leased_until": renew(assignment=assignment_of(request, pk)).leased_until})


class Release(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Release the task without submitting it."""
        release(assignment=assignment_of(request, pk))
        return Response(status=204)


class Draft(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(
        request=DraftInSerializer,
        responses={
            200: VersionSerializer,
            409: OpenApiResponse(StaleSerializer, "The draft was saved elsewhere since; the stored draft."),
        },
    )
    def put(self, request: Request, pk: int) -> Response:
        """Save a draft."""
        assignment = assignment_of(request, pk)
        draft = read_work(request.data, DraftInSerializer)
        try:
            version = save_draft(assignment=assignment, version=draft.pop("version"), draft=draft)
        except Conflict as error:
            body = {"error": {"code": error.code, "message": error.message}, "draft": draft_of(assignment)}
            return Response(body, status=error.status)
        return Response({"version": version})


class Candidates(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=ChosenSerializer, responses=PositionCandidatesSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """The candidates for the step after these choices. A model may be called for them, within seconds."""
        assignment = assignment_of(request, pk)
        body = ChosenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        candidates = candidates_after(assignment=assignment, **body.validated_data)
        return Response(PositionCandidatesSerializer(candidates).data)


class Alternatives(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=BadStepSerializer, responses=ErrorFollowupSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """What the round asks about a step that you rate bad. A model may be called for alternatives, within seconds."""
        assignment = assignment_of(request, pk)
        body = BadStepSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        followup = error_followup_of(assignment=assignment, position=body.validated_data["position"])
        return Response(ErrorFollowupSerializer(followup).data)


class Submit(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=SubmissionSerializer, responses=SubmittedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Submit the task. The same submission again changes nothing; 422 names what is missing."""
        assignment = assignment_of(request, pk)
        done = submit(assignment=assignment, submission=read_submission(request))
        return submitted_response(request, done)


class Correct(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=CorrectionSerializer, responses=CorrectedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Correct a submitted task while its round allows corrections. The previous submission is kept."""
        assignment = assignment_of(request, pk)
        data = read_work(request.data, CorrectionSerializer)
        seen_versions = data.pop("versions")
        corrected = correct(assignment=assignment, submission=as_submission(data), seen=seen_versions)
        response = submitted_response(request, corrected)
        response.data["changes"] = latest_changes(corrected)
        return response


def read_submission(request: Request) -> Submission:
    return as_submission(read_work(request.data, SubmissionSerializer))


def as_submission(data: dict[str, Any]) -> Submission:
    steps = [SubmittedStep(**step) for step in data.pop("steps")]
    critiques = [SubmittedCritique(**critique) for critique in data.pop("critiques")]
    answer = data.pop("preference", None)
    preference = SubmittedPreference(**answer) if answer and answer["choice"] else None
    return Submission(steps=steps, critiques=critiques, preference=preference, **data)


def submitted_response(request: Request, done: Assignment) -> Response:
    return Response(
        {
            "assignment": {"id": done.pk, "state": done.state},
            "progress": progress_for(done.round, user_of(request)),
        }
    )
