"""One labeler's turn at a task: keep the lease, save, hand in."""

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
from apps.api.labeling.payload import full_payload
from apps.api.labeling.rounds import DraftSerializer, ProgressSerializer, TaskPayloadSerializer
from apps.api.quality.corrections import CorrectionShownSerializer, correction_row
from apps.core.errors import Conflict
from apps.corpus.labels import CHOICES, FINISH_REASONS, MARGINS
from apps.labeling.assignments.candidates import candidates_after
from apps.labeling.assignments.correct import correct, said_of, why_not_correctable
from apps.labeling.assignments.error_followup import error_followup_of
from apps.labeling.assignments.payload import draft_of
from apps.labeling.assignments.submit import save_draft, submit
from apps.labeling.models import Assignment
from apps.labeling.progress import progress_for
from apps.labeling.protocols.submission import (
    Submission,
    SubmittedCritique,
    SubmittedPreference,
    SubmittedStep,
)
from apps.labeling.queue.claim import release, renew, skip
from apps.projects.models import Membership
from apps.quality.review.corrections import corrections_of

LONGEST = 86_400_000  # A day, in milliseconds: no turn is longer.


class AnswerSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=0, max_value=100_000)
    candidate = serializers.IntegerField(min_value=0, max_value=100_000, default=0)
    rating = serializers.IntegerField(min_value=-1, max_value=1, allow_null=True, default=None)
    unsure = serializers.BooleanField(default=False)
    chosen = serializers.BooleanField(default=False)
    text = serializers.CharField(
        max_length=10_000, allow_null=True, allow_blank=True, default=None, help_text="Of a step that you wrote."
    )


class CritiqueAnswerSerializer(serializers.Serializer[Any]):
    """A rating of one that was shown, or the text of one that you wrote."""

    id = serializers.IntegerField(min_value=1, max_value=2**62, allow_null=True, default=None)
    rating = serializers.IntegerField(min_value=-1, max_value=1, allow_null=True, default=None)
    text = serializers.CharField(max_length=10_000, allow_null=True, allow_blank=True, default=None)


class PreferenceInSerializer(serializers.Serializer[Any]):
    """Of the sides as they were shown. Without a choice there is no preference yet, though the rationale may be begun."""

    choice = serializers.ChoiceField(choices=CHOICES, allow_blank=True, default="")
    margin = serializers.ChoiceField(
        choices=MARGINS, allow_blank=True, default="", help_text="How much better; none where it is a tie."
    )
    rationale = serializers.CharField(max_length=20_000, allow_blank=True, default="")


class WorkSerializer(serializers.Serializer[Any]):
    steps = AnswerSerializer(many=True, default=list, help_text="Ratings; none in a comparison.")
    progress = serializers.IntegerField(
        min_value=-1, max_value=1, allow_null=True, default=None, help_text="How far it came before its error."
    )
    critiques = CritiqueAnswerSerializer(many=True, default=list)
    active_ms = serializers.IntegerField(min_value=0, max_value=LONGEST, allow_null=True, default=None)
    idle_ms = serializers.IntegerField(min_value=0, allow_null=True, default=None)


class DraftInSerializer(WorkSerializer):
    preference = PreferenceInSerializer(allow_null=True, default=None, help_text="Only of a comparison.")
    version = serializers.IntegerField(min_value=0, help_text="The version that you saw last.")


class SubmissionSerializer(WorkSerializer):
    preference = PreferenceInSerializer(allow_null=True, default=None, help_text="Only of a comparison.")
    finish_reason = serializers.ChoiceField(choices=FINISH_REASONS)
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)


class CorrectionSerializer(SubmissionSerializer):
    versions = serializers.IntegerField(
        min_value=0,
        max_value=2**31 - 1,
        allow_null=True,
        default=None,
        help_text="How often it had been corrected when you saw it; 409 `corrected_elsewhere` if it was again since.",
    )


class ChoiceSerializer(serializers.Serializer[Any]):
    """What was chosen at one position: a candidate, or a step that you wrote."""

    candidate = serializers.IntegerField(min_value=0, max_value=100_000, allow_null=True, default=None)
    text = serializers.CharField(max_length=10_000, allow_null=True, default=None)


class ChosenSerializer(serializers.Serializer[Any]):
    chosen = ChoiceSerializer(many=True, help_text="From the first position on; none for the candidates of the first.")
    goes_on = serializers.BooleanField(default=False, help_text="Ask a model also after a final answer.")


class SampledCandidateSerializer(serializers.Serializer[Any]):
    candidate = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()
    is_final = serializers.BooleanField(help_text="It states the final answer.")


class SampledCandidatesSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    candidates = SampledCandidateSerializer(many=True)
    source = serializers.CharField(  # type: ignore[assignment]
        allow_blank=True, help_text="`solution`, `model`, or empty where there are none."
    )
    own = serializers.IntegerField(help_text="The candidate number of a step that you write here.")
    problem = serializers.CharField(allow_blank=True, help_text="Why there are none.")
    busy = serializers.BooleanField(help_text="The model is writing for others: ask again in a moment.")
    ended = serializers.BooleanField(help_text="The last choice states the final answer: the dialogue may end.")


class BadStepSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField(min_value=0, max_value=100_000, help_text="Of the step that you call bad.")


class CritiqueSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    text = serializers.CharField()
    origin = serializers.CharField()


class ErrorFollowupSerializer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    alternatives = SampledCandidateSerializer(many=True, help_text="Other candidates for the bad step; each is rated.")
    critiques = CritiqueSerializer(many=True, help_text="What models and others say is wrong with it.")
    problem = serializers.CharField(allow_blank=True, help_text="Why there are no alternatives.")
    busy = serializers.BooleanField(help_text="The model is writing for others: ask again in a moment.")


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


class SkipSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=5000, default="", allow_blank=True)


class MineSerializer(serializers.Serializer[Any]):
    assignment = TaskPayloadSerializer()
    state = serializers.ChoiceField(choices=Assignment.State.choices)
    said = SubmissionSerializer(allow_null=True, help_text="Your own ratings, once it is submitted.")
    correction = CorrectionShownSerializer(
        allow_null=True, help_text="A reviewer's, which counts in place of your own ratings."
    )
    versions = serializers.IntegerField(help_text="How often you corrected it.")
    correctable = serializers.BooleanField()
    why_not = serializers.CharField(allow_null=True)


class Mine(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(responses=MineSerializer)
    def get(self, request: Request, pk: int) -> Response:
        """A turn of yours as you saw it, with what you said."""
        return Response(mine(assignment_of(request, pk)))


def mine(assignment: Assignment) -> dict[str, Any]:
    refused = why_not_correctable(assignment)
    return {
        "assignment": full_payload(assignment),
        "state": assignment.state,
        "said": said_of(assignment).to_dict() if assignment.is_submitted else None,
        "correction": _correction(assignment),
        "versions": assignment.versions,
        "correctable": refused is None,
        "why_not": refused,
    }


def _correction(assignment: Assignment) -> dict[str, Any] | None:
    if assignment.corrected_by_id is None:
        return None
    reviewers = Membership.objects.filter(project=assignment.round.project_id, user=assignment.corrected_by_id)
    return correction_row(corrections_of([assignment.pk]).get(assignment.pk), reviewers.pseudonyms())


class Skip(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=SkipSerializer, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Put the task off: it comes back to you when nothing else is left, with what you rated so far."""
        given = SkipSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        skip(assignment=assignment_of(request, pk), reason=given.validated_data["reason"])
        return Response(status=204)


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    """An answer as the page sends it. What fits here is what `AnswerSerializer` takes as it is."""

    position: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    candidate: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    rating: Literal[-1, 0, 1] | None = None
    unsure: bool = False
    chosen: bool = False
    text: None = None  # A text is the serializer's to trim and to measure.


def read_work(given: Any, serializer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """What the serializer makes of it. Answers that are plainly right are not shown to it: it takes a
    millisecond for a solution's worth of them, and a draft is sent with every key that is pressed.
    """
    steps: list[dict[str, Any]] | None = None
    if isinstance(given, dict) and isinstance(given.get("steps"), list):
        with suppress(msgspec.ValidationError):
            steps = msgspec.to_builtins(msgspec.convert(given["steps"], list[_Answer]))
    if steps is None:
        read = serializer(data=given)
        read.is_valid(raise_exception=True)
        return dict(read.validated_data)
    read = serializer(data={**given, "steps": []})
    read.is_valid(raise_exception=True)
    return {**read.validated_data, "steps": steps}


class Renew(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses=LeaseSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Push the lease's end out."""
        return Response({"leased_until": renew(assignment=assignment_of(request, pk)).leased_until})


class Release(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Give the task back unrated."""
        release(assignment=assignment_of(request, pk))
        return Response(status=204)


class Draft(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(
        request=DraftInSerializer,
        responses={
            200: VersionSerializer,
            409: OpenApiResponse(StaleSerializer, "Saved elsewhere since; the stored draft."),
        },
    )
    def put(self, request: Request, pk: int) -> Response:
        """Keep what has been rated so far."""
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

    @extend_schema(request=ChosenSerializer, responses=SampledCandidatesSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """The candidates for the step after these choices. A model may be asked for them, within seconds."""
        assignment = assignment_of(request, pk)
        given = ChosenSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        offering = candidates_after(assignment=assignment, **given.validated_data)
        return Response(SampledCandidatesSerializer(offering).data)


class Alternatives(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=BadStepSerializer, responses=ErrorFollowupSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """What the round asks about a step that you call bad. A model may be asked for alternatives, within seconds."""
        assignment = assignment_of(request, pk)
        given = BadStepSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        found = error_followup_of(assignment=assignment, position=given.validated_data["position"])
        return Response(ErrorFollowupSerializer(found).data)


class Submit(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=SubmissionSerializer, responses=SubmittedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Hand it in. The same submission twice is one; 422 says what the protocol misses."""
        assignment = assignment_of(request, pk)
        done = submit(assignment=assignment, submission=submission_in(request))
        return handed_in(request, done)


class Correct(APIView):
    scope = ApiToken.Scope.LABEL

    @extend_schema(request=CorrectionSerializer, responses=SubmittedSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Say a submitted task anew, while its round allows it; what it said before is kept."""
        assignment = assignment_of(request, pk)
        data = read_work(request.data, CorrectionSerializer)
        seen = data.pop("versions")
        return handed_in(request, correct(assignment=assignment, submission=submission_of(data), seen=seen))


def submission_in(request: Request) -> Submission:
    return submission_of(read_work(request.data, SubmissionSerializer))


def submission_of(data: dict[str, Any]) -> Submission:
    steps = [SubmittedStep(**step) for step in data.pop("steps")]
    critiques = [SubmittedCritique(**critique) for critique in data.pop("critiques")]
    said = data.pop("preference", None)
    preference = SubmittedPreference(**said) if said and said["choice"] else None
    return Submission(steps=steps, critiques=critiques, preference=preference, **data)


def handed_in(request: Request, done: Assignment) -> Response:
    return Response(
        {
            "assignment": {"id": done.pk, "state": done.state},
            "progress": progress_for(done.round, user_of(request)),
        }
    )
