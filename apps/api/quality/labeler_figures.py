"""The figures of one labeler."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of
from apps.core.errors import NotFound
from apps.projects.models import Membership
from apps.quality.metrics import profile


class GoldWeekSerializer(serializers.Serializer[Any]):
    week = serializers.DateField(help_text="Its Monday.")
    hits = serializers.IntegerField()
    tasks = serializers.IntegerField()
    interval = serializers.ListField(child=serializers.FloatField(), help_text="95 %, of the share.")


class TimeBarSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)


class EndingsSerializer(serializers.Serializer[Any]):
    reported = serializers.IntegerField(help_text="Problems that the labeler reported as bad.")
    open_reports = serializers.IntegerField()
    gave_up = serializers.IntegerField()
    skipped = serializers.IntegerField()
    returned = serializers.IntegerField(help_text="Returned by a reviewer, and not submitted again.")
    leased = serializers.IntegerField()
    assigned = serializers.IntegerField(help_text="Assigned by a manager, and not begun.")
    fast = serializers.IntegerField(help_text="Submissions that are faster than their text can be read.")
    accepted = serializers.IntegerField(help_text="Submissions that a reviewer accepted.")
    returned_ever = serializers.IntegerField(help_text="Submissions that a reviewer has returned.")
    corrected = serializers.IntegerField(help_text="Submissions that a reviewer corrected.")


class TakenScreeningSerializer(serializers.Serializer[Any]):
    round = serializers.IntegerField()
    attempt = serializers.IntegerField()
    score = serializers.FloatField(allow_null=True)
    passed_at = serializers.DateTimeField(allow_null=True)


class PastSuspensionSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField()
    at = serializers.DateTimeField()
    lifted_at = serializers.DateTimeField(allow_null=True)


class LabelerFiguresSerializer(serializers.Serializer[Any]):
    labeler = serializers.CharField(help_text="A pseudonym in this project.")
    figures = serializers.DictField(
        help_text="As computed last, as on the page of labelers; empty before. Times are in milliseconds."
    )
    endings = EndingsSerializer()
    gold_weeks = GoldWeekSerializer(many=True)
    times = TimeBarSerializer(many=True, help_text="Of the latest 500 submissions.")
    screenings = TakenScreeningSerializer(many=True)
    suspensions = PastSuspensionSerializer(many=True)


class LabelerFiguresView(APIView):
    @extend_schema(responses=LabelerFiguresSerializer)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        """Speed, accuracy on gold, agreement, what reviewers made of it, screenings and suspensions of one labeler."""
        project = project_of(request, slug, "review")
        member = Membership.objects.filter(project=project, pk=pk).select_related("user").first()
        if member is None:
            raise NotFound("No such labeler.")
        labeler = member.user
        figures = {name: value for name, value in profile.figures_of(project, labeler).items() if name != "labeler"}
        data = {
            "labeler": member.pseudonym,
            "figures": figures,
            "endings": asdict(profile.endings_of(project, labeler)),
            "gold_weeks": profile.gold_weeks(project, labeler),
            "times": profile.time_bars(project, labeler),
            "screenings": [
                {
                    "round": progress.round.number,
                    "attempt": progress.attempt,
                    "score": progress.score,
                    "passed_at": progress.passed_at,
                }
                for progress in profile.rounds_of(project, labeler)
                if progress.round.is_screening
            ],
            "suspensions": profile.suspensions_of(project, labeler),
        }
        return Response(LabelerFiguresSerializer(data).data)
