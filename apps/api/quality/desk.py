"""The reviewer's side of the labeling page: what waits for review, and an assignment with all evidence on it.

It names labelers as pages do: managers see names, reviewers pseudonyms.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import User
from apps.api.access import project_of, reviewed_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.labeling.assignments import PreferenceInSerializer, SubmissionSerializer
from apps.api.labeling.rounds import TaskPayloadSerializer
from apps.api.pagination import Row
from apps.api.quality.corrections import CorrectionShownSerializer, correction_row
from apps.api.quality.evidence import EvidenceSerializer, evidence_row
from apps.labeling.assignments.replies import return_notes_of
from apps.labeling.models import Assignment
from apps.projects.models import Membership, Project
from apps.projects.permissions import can, membership_of
from apps.quality.models import Review
from apps.quality.review.assignments import withdraw_correction
from apps.quality.review.backlog import waiting_for
from apps.quality.review.corrections import corrections_of
from apps.quality.review.decisions import refusals_of, revision_of
from apps.quality.review.desk import other_preferences, reviewed_task, shown_submission
from apps.quality.review.evidence import Naming, evidence_of
from apps.quality.review.names import labeler_names_in
from apps.quality.review.risk import REASON_TEXTS
from apps.quality.review.unreviewed import risks_of

MOST_LEFT_OUT = 1000


class WaitingQuerySerializer(QuerySerializer):
    round = serializers.IntegerField(required=False, min_value=-(2**31), max_value=2**31 - 1)
    labeler = serializers.CharField(required=False, help_text="A pseudonym in this project.")
    begin_with = serializers.IntegerField(
        required=False, min_value=-(2**31), max_value=2**31 - 1, help_text="A round whose submissions come first."
    )
    leave_out = serializers.RegexField(
        r"\A\d{1,18}(,\d{1,18})*\Z",
        required=False,
        max_length=20 * MOST_LEFT_OUT,
        help_text="IDs, separated by commas.",
    )


class WaitingAssignmentSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    round = serializers.IntegerField(source="round_number")


class WaitingSerializer(serializers.Serializer[Any]):
    assignments = WaitingAssignmentSerializer(many=True, help_text="A sample, the riskiest of each labeler first.")
    count = serializers.IntegerField(help_text="How many of the newest submissions wait for a review.")
    why_none = serializers.CharField(allow_blank=True, help_text="Only if there are no assignments.")


class RefusalsSerializer(serializers.Serializer[Any]):
    accepted = serializers.CharField(allow_blank=True)
    returned = serializers.CharField(allow_blank=True)
    corrected = serializers.CharField(allow_blank=True)


class ReturnNoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField()
    reply = serializers.CharField(allow_blank=True)


class PastReviewSerializer(serializers.Serializer[Any]):
    by = serializers.CharField(source="reviewer")
    decision = serializers.ChoiceField(choices=Review.Decision.choices)
    note = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    self_reviewed = serializers.BooleanField()


class OtherPreferenceSerializer(PreferenceInSerializer):
    labeler = serializers.CharField()


class ReviewedAssignmentSerializer(serializers.Serializer[Any]):
    assignment = TaskPayloadSerializer(help_text="The task, with the reference answer also where the round hides it.")
    solution = serializers.IntegerField(allow_null=True)
    labeler = serializers.CharField()
    state = serializers.CharField()
    revision = serializers.CharField(help_text="What you have seen, for your decision.")
    submitted_at = serializers.DateTimeField(allow_null=True)
    active_ms = serializers.IntegerField(allow_null=True)
    guideline = serializers.IntegerField(allow_null=True, help_text="The version of the guidelines that it followed.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it may be wrong.")
    submission = SubmissionSerializer(help_text="Of an assignment that was returned: the last one.")
    correction = CorrectionShownSerializer(allow_null=True)
    refusals = RefusalsSerializer(help_text="Why you may not make a decision; empty where you may.")
    return_notes = ReturnNoteSerializer(many=True, help_text="Notes with which it was returned, oldest first.")
    reviews = PastReviewSerializer(many=True, help_text="Newest first.")
    evidence = EvidenceSerializer(allow_null=True, help_text="null for a comparison.")
    preferences = OtherPreferenceSerializer(many=True, help_text="Of other labelers at the same comparison.")


class ReviewQueue(APIView):
    @extend_schema(operation_id="review_queue", parameters=[WaitingQuerySerializer], responses=WaitingSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The submissions to review next: a sample of the newest without a review, never your own. Or why there are none."""
        project = project_of(request, slug, "review")
        query = WaitingQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        waiting = waiting_for(
            user_of(request),
            project,
            round_number=asked.get("round"),
            labeler=_labeler_by_pseudonym(project, asked["labeler"]) if "labeler" in asked else None,
            begin_with=asked.get("begin_with"),
            leave_out={int(pk) for pk in asked.get("leave_out", "").split(",") if pk},
        )
        return Response(WaitingSerializer(waiting).data)


class WithdrawCorrection(APIView):
    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw a reviewer's correction: the labeler's own ratings count again."""
        withdraw_correction(assignment=reviewed_of(request, pk), reviewer=user_of(request))
        return Response(status=204)


def _labeler_by_pseudonym(project: Project, pseudonym: str) -> int:
    """The user's id; 0, which matches nothing, for an unknown pseudonym."""
    member = Membership.objects.filter(project=project, pseudonym=pseudonym).first()
    return member.user_id if member is not None else 0


def reviewed_row(assignment: Assignment, reviewer: User) -> Row:
    """The assignment for its reviewer, with all evidence on its solution."""
    project = assignment.round.project
    naming = _naming_for(reviewer, project)
    submission = shown_submission(assignment)
    # In a branching task the labels are on the solution that it led to.
    solution = assignment.derived_solution or assignment.task.solution
    risk = risks_of([assignment.pk])[assignment.pk]
    correction = corrections_of([assignment.pk]).get(assignment.pk)
    reviews = Review.objects.filter(assignment=assignment).select_related("reviewer")
    return {
        "assignment": reviewed_task(assignment, submission),
        "solution": solution.pk if solution else None,
        "labeler": naming({assignment.labeler_id})[assignment.labeler_id],
        "state": assignment.state,
        "revision": revision_of(assignment),
        "submitted_at": assignment.submitted_at,
        "active_ms": assignment.active_ms,
        "guideline": assignment.guideline.version if assignment.guideline else None,
        "reasons": [REASON_TEXTS[reason] for reason in risk.reasons],
        "submission": submission,
        # Reviewers are named to each other, as on the evidence page.
        "correction": correction_row(
            correction, {correction.reviewer.pk: str(correction.reviewer)} if correction else {}
        ),
        "refusals": dict(RefusalsSerializer(refusals_of(assignment, reviewer)).data),
        "return_notes": ReturnNoteSerializer(
            return_notes_of(assignment, assignment.past_submissions.order_by("number")), many=True
        ).data,
        "reviews": PastReviewSerializer(reviews, many=True).data,
        "evidence": evidence_row(solution, evidence_of(solution, naming), [], naming) if solution else None,
        "preferences": other_preferences(assignment, naming) if solution is None else [],
    }


def _naming_for(reviewer: User, project: Project) -> Naming:
    is_named = can(membership_of(reviewer, project), "invite")
    return lambda user_ids: labeler_names_in(project, user_ids, is_named=is_named)
