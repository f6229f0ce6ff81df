"""Hours and pace of labelers, for payment."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import QuerySerializer
from apps.labeling.models import Round
from apps.projects.models import Membership
from apps.projects.permissions import can, membership_of
from apps.quality.metrics.hours import Work, hours_of


class HoursQuerySerializer(QuerySerializer):
    since = serializers.DateField(required=False, help_text="The first day; by default 30 days before the last one.")
    until = serializers.DateField(required=False, help_text="The last day, which is included; by default today.")


class WorkFiguresSerializer(serializers.Serializer[Any]):
    labeler = serializers.CharField(allow_null=True, help_text="A pseudonym in this project; null for all.")
    email = serializers.EmailField(allow_null=True, help_text="Null for all.")
    submissions = serializers.IntegerField()
    corrections = serializers.IntegerField(help_text="Later versions of submissions, also of returned ones.")
    active_s = serializers.FloatField()
    idle_s = serializers.FloatField()
    median_s = serializers.FloatField(allow_null=True, help_text="Median active time of first submissions.")


class DayOfWorkSerializer(WorkFiguresSerializer):
    day = serializers.DateField(help_text="In the site's time zone.")
    round = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Round.Kind.choices)


class HoursSerializer(serializers.Serializer[Any]):
    since = serializers.DateField()
    until = serializers.DateField()
    days = DayOfWorkSerializer(many=True, help_text="One row for each labeler, day and round.")
    totals = WorkFiguresSerializer(many=True, help_text="One row for each labeler.")
    total = WorkFiguresSerializer()


class HoursView(APIView):
    @extend_schema(parameters=[HoursQuerySerializer], responses=HoursSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Submissions and working time by labeler, day and round. Managers see all labelers, others only themselves."""
        project, user = project_of(request, slug, "label"), user_of(request)
        query = HoursQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        days = {name: query.validated_data.get(name) for name in ("since", "until")}
        sees_all = can(membership_of(user, project), "invite")
        hours = hours_of(project, labeler=None if sees_all else user, **days)
        members = Membership.objects.filter(project=project, user__in=hours.totals).select_related("user")
        people = {member.user_id: (member.pseudonym, member.user.email) for member in members}
        rounds = Round.objects.in_bulk({row.round for row in hours.days})
        return Response(
            {
                "since": hours.since,
                "until": hours.until,
                "days": [
                    {"day": row.day, "round": rounds[row.round].number, "kind": rounds[row.round].kind}
                    | _row(people.get(row.labeler), row.work)
                    for row in hours.days
                ],
                "totals": [_row(people.get(labeler), work) for labeler, work in hours.totals.items()],
                "total": _row(None, hours.total),
            }
        )


def _row(person: tuple[str, str] | None, work: Work) -> dict[str, Any]:
    labeler, email = person or (None, None)
    return {
        "labeler": labeler,
        "email": email,
        "submissions": work.submissions,
        "corrections": work.corrections,
        "active_s": work.active_s,
        "idle_s": work.idle_s,
        "median_s": work.median_s,
    }
