"""The rules by which a project's labels become one, and gold suspends its labelers."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.quality.aggregation import RULES
from apps.quality.models import QualityRules
from apps.quality.rules import change_rules, rules_for


class QualityRulesSerializer(serializers.ModelSerializer[QualityRules]):
    rule = serializers.ChoiceField(choices=sorted(RULES), help_text="How several labels become one.")
    options = serializers.DictField(help_text="The settings of the rule.")

    class Meta:
        model = QualityRules
        fields = [
            "rule",
            "options",
            "suspends",
            "pass_mark",
            "minimum",
            "min_labelers",
            "convincing",
            "hourly_cost",
            "allows_self_review",
            "judge_bar",
            "reading_speed",
        ]


class QualityRulesView(APIView):
    @extend_schema(responses=QualityRulesSerializer)
    def get(self, request: Request, slug: str) -> Response:
        return Response(QualityRulesSerializer(rules_for(project_of(request, slug, "browse"))).data)

    @extend_schema(request=QualityRulesSerializer, responses=QualityRulesSerializer)
    def patch(self, request: Request, slug: str) -> Response:
        """Change some rules; workers compute again what depends on them. Only owners change `allows_self_review`."""
        project = project_of(request, slug, "manage_rounds")
        body = QualityRulesSerializer(rules_for(project), data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        rules = change_rules(project=project, actor=user_of(request), **body.validated_data)
        return Response(QualityRulesSerializer(rules).data)
