"""A judge asked about one item at once, to see its prompts and replies. Nothing is stored."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import judge_of
from apps.core.errors import DomainError
from apps.corpus.models import Comparison, Solution
from apps.judging.kinds import PairResult, Result, RevisedText
from apps.judging.models import JudgeReply
from apps.judging.models.verdicts import ItemOutcome
from apps.judging.playground import Exchange, Trial, try_judge
from apps.projects.models import Project

M = TypeVar("M", Solution, Comparison)

SOLUTIONS = Solution.objects.select_related("problem")
COMPARISONS = Comparison.objects.select_related("problem", "left", "right", "left_step", "right_step")


class TriedItemSerializer(serializers.Serializer[Any]):
    """Exactly one of the two, as the judge's kind needs it."""

    solution = serializers.IntegerField(required=False, min_value=1)
    comparison = serializers.IntegerField(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError(dict.fromkeys(self.fields, "Exactly one of the two is required."))
        return attrs


class ExchangeSerializer(serializers.Serializer[Exchange]):
    slot = serializers.IntegerField(source="ask.slot", help_text="The number of the question.")
    principle = serializers.CharField(source="ask.principle", allow_blank=True)
    system = serializers.CharField(source="ask.prompt.system", allow_blank=True)
    prompt = serializers.CharField(source="ask.prompt.problem")
    temperature = serializers.FloatField(source="ask.temperature")
    max_tokens = serializers.IntegerField(source="ask.max_tokens")
    reply = serializers.CharField(source="reply.text", allow_blank=True)
    outcome = serializers.ChoiceField(source="reply.state", choices=JudgeReply.Outcome.choices)
    verdict = serializers.SerializerMethodField(help_text="What the reply says; null if it is no verdict.")
    reason = serializers.CharField(
        source="reply.reading.reason", allow_blank=True, help_text="Why there is no verdict."
    )
    prompt_tokens = serializers.IntegerField(source="reply.prompt_tokens")
    completion_tokens = serializers.IntegerField(source="reply.completion_tokens")

    def get_verdict(self, exchange: Exchange) -> dict[str, Any] | None:
        verdict = exchange.reply.reading.verdict
        return None if verdict is None else verdict.to_dict()


class PairResultSerializer(serializers.Serializer[PairResult]):
    outcome = serializers.ChoiceField(choices=ItemOutcome.choices)
    sentence = serializers.CharField(allow_blank=True, help_text="Why there is no verdict.")
    choice = serializers.CharField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    principle = serializers.CharField(allow_blank=True)


class RevisedTextSerializer(serializers.Serializer[RevisedText]):
    principle = serializers.CharField()
    critique = serializers.CharField()
    text = serializers.CharField()
    is_changed = serializers.BooleanField()


class TrialResultSerializer(serializers.Serializer[Result]):
    """What the replies come to. What the kind does not ask is null or empty."""

    outcome = serializers.ChoiceField(choices=ItemOutcome.choices)
    sentence = serializers.CharField(allow_blank=True, help_text="Why there is no verdict.")
    share = serializers.FloatField(allow_null=True, help_text="The winner's share of the votes; null for one vote.")
    votes = serializers.DictField(child=serializers.IntegerField())
    first_error = serializers.IntegerField(allow_null=True, help_text="A position; -1: no error.")
    ratings = serializers.DictField(child=serializers.IntegerField(), help_text="By position.")
    reasons = serializers.DictField(child=serializers.CharField(), help_text="By position.")
    passes = serializers.BooleanField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    choice = serializers.CharField(allow_null=True, help_text="left, right or tie.")
    margin = serializers.CharField(allow_null=True)
    is_consistent = serializers.BooleanField(allow_null=True, help_text="Whether both orders agree.")
    shown_first = serializers.DictField(child=serializers.IntegerField())
    pairs = PairResultSerializer(many=True)
    principles = serializers.ListField(child=serializers.CharField())
    revisions = RevisedTextSerializer(many=True)


class JudgeTrialSerializer(serializers.Serializer[Trial]):
    exchanges = ExchangeSerializer(many=True)
    result = TrialResultSerializer()
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class JudgeTrial(APIView):
    @extend_schema(request=TriedItemSerializer, responses=JudgeTrialSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Ask the judge about one solution or comparison and wait for the replies. Costs tokens and stores nothing."""
        judge = judge_of(request, pk, "estimate")
        serializer = TriedItemSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        pk_of = serializer.validated_data.get
        solution = _item(SOLUTIONS, judge.project, "solution", pk_of("solution"))
        comparison = _item(COMPARISONS, judge.project, "comparison", pk_of("comparison"))
        return Response(JudgeTrialSerializer(try_judge(judge=judge, solution=solution, comparison=comparison)).data)


def _item(items: QuerySet[M], project: Project, name: str, pk: int | None) -> M | None:
    """The project's item with this ID; None without an ID. Raises DomainError if there is no such item."""
    if pk is None:
        return None
    item = items.filter(project=project, pk=pk).first()
    if item is None:
        raise DomainError(f"{project.slug} has no {name} {pk}.", code="not_found", fields={name: "unknown"})
    return item
