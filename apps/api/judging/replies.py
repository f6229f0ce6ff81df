"""The replies of a judge run, whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import judge_run_of
from apps.api.filters import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.judging.models import JudgeReply


class JudgeReplySerializer(serializers.Serializer[JudgeReply]):
    id = serializers.IntegerField()
    solution = serializers.IntegerField(allow_null=True)
    comparison = serializers.IntegerField(allow_null=True)
    slot = serializers.IntegerField(help_text="The number of the question about the item.")
    attempt = serializers.IntegerField(help_text="How often the question had been asked before.")
    outcome = serializers.ChoiceField(choices=JudgeReply.Outcome.choices)
    text = serializers.CharField(allow_blank=True)
    verdict = serializers.DictField(allow_null=True, help_text="What was read in the text.")
    reason = serializers.CharField(allow_blank=True, help_text="Why there is no verdict.")
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class ReplyFilter(django_filters.FilterSet):  # type: ignore[misc]
    outcome = django_filters.ChoiceFilter(choices=JudgeReply.Outcome.choices)
    solution = IntegerFilter(field_name="solution_id")
    comparison = IntegerFilter(field_name="comparison_id")


class ReplyList(ListView):
    @extend_schema(
        operation_id="judge_replies_list",
        parameters=parameters_of(ReplyFilter),
        responses=JudgeReplySerializer(many=True),
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """List all replies of a run, whatever its status, those that were asked for again included."""
        replies = JudgeReply.objects.filter(run=judge_run_of(request, pk, "browse"))
        return self.answer(request, filtered(ReplyFilter, request, replies), self._rows)

    @staticmethod
    def _rows(replies: Iterable[JudgeReply]) -> Iterator[Row]:
        for reply in replies:
            yield {
                "id": reply.pk,
                "solution": reply.solution_id,
                "comparison": reply.comparison_id,
                "slot": reply.slot,
                "attempt": reply.attempt,
                "outcome": reply.outcome,
                "text": reply.text,
                "verdict": reply.verdict,
                "reason": reply.reason,
                "prompt_tokens": reply.prompt_tokens,
                "completion_tokens": reply.completion_tokens,
            }
