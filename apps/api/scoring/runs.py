"""Scoring runs, the scores of steps, and the project's reward model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, scoring_of, user_of
from apps.api.filters import IntegerFilter, RunFilter, filtered, parameters_of
from apps.api.pagination import ListView, Pages, Row, page_of
from apps.api.runs import RunActions, ShardedRunSerializer
from apps.core.errors import NotFound
from apps.inference.models import Endpoint
from apps.scoring.models import KIND_CHOICES, RewardModel, ScoringRun, StepScore
from apps.scoring.reducers import Reducer
from apps.scoring.reward_model import set_reward_model
from apps.scoring.services import cancel_scoring, pause_scoring, resume_scoring, start_scoring

PROMPT_HELP = "preset (a prompt by its name), or style, system, problem, head, tag, answer, separator, good, bad."


class ScoringRunSerializer(ShardedRunSerializer[ScoringRun]):
    class Meta:
        model = ScoringRun
        fields = [
            *ShardedRunSerializer.COMMON,
            "kind",
            "model",
            "origin",
            "reducer",
            "replaces_imported",
            "prompt",
            "applied_at",
        ]


class ScorerSerializer(serializers.Serializer[Any]):
    endpoint = serializers.CharField(max_length=60, help_text="Name of the endpoint.")
    kind = serializers.ChoiceField(choices=KIND_CHOICES, required=False)
    options = serializers.DictField(required=False, help_text="Options of the kind.")
    prompt = serializers.DictField(required=False, help_text=PROMPT_HELP)


class NewScoringRunSerializer(ScorerSerializer):
    endpoint = serializers.CharField(
        max_length=60, required=False, help_text="Name of the endpoint; by default the project's reward model."
    )
    reducer = serializers.ChoiceField(choices=[str(reducer) for reducer in Reducer], default=str(Reducer.PRODUCT))
    replaces_imported = serializers.BooleanField(
        default=False, help_text="Replace scores of solutions that came with a file."
    )
    selection = serializers.DictField(
        default=dict, help_text="answers: any, right or wrong; source: who wrote the solutions."
    )
    budget = serializers.DictField(
        default=dict, help_text="Limits at which the run pauses: requests, tokens, cost, seconds."
    )


class RewardModelSerializer(serializers.ModelSerializer[RewardModel]):
    endpoint = serializers.SlugRelatedField[Endpoint](slug_field="name", read_only=True)

    class Meta:
        model = RewardModel
        fields = ["endpoint", "kind", "options", "prompt"]


def _arguments(request: Request, serializer: serializers.Serializer[Any], slug: str) -> dict[str, Any]:
    project = project_of(request, slug, "estimate")
    serializer.is_valid(raise_exception=True)
    data = dict(serializer.validated_data)
    if data.get("endpoint"):
        data["endpoint"] = Endpoint.objects.named(data["endpoint"], project)
    return data | {"project": project}


class ScoringRunFilter(RunFilter):
    kind = django_filters.ChoiceFilter(choices=KIND_CHOICES)


class ScoringRunList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="scoring_runs_list",
        parameters=parameters_of(ScoringRunFilter),
        responses=ScoringRunSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the project's scoring runs, those of files included."""
        runs = ScoringRun.objects.filter(project=project_of(request, slug, "browse")).select_related("endpoint")
        return page_of(self, request, filtered(ScoringRunFilter, request, runs), ScoringRunSerializer)

    @extend_schema(request=NewScoringRunSerializer, responses={201: ScoringRunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start a run. Workers process it; `/scoring-runs/{id}` shows its progress."""
        arguments = _arguments(request, NewScoringRunSerializer(data=request.data), slug)
        run = start_scoring(created_by=user_of(request), **arguments)
        return Response(ScoringRunSerializer(run).data, status=201)


SCORING_RUNS = RunActions(
    "scoring-run", scoring_of, ScoringRunSerializer, pause_scoring, resume_scoring, cancel_scoring
)


class ProjectRewardModel(APIView):
    @extend_schema(responses=RewardModelSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """The reward model that is used where no endpoint is named."""
        reward_model = RewardModel.objects.filter(project=project_of(request, slug, "browse")).first()
        if reward_model is None:
            raise NotFound("The project has no reward model.")
        return Response(RewardModelSerializer(reward_model).data)

    @extend_schema(request=ScorerSerializer, responses=RewardModelSerializer)
    def put(self, request: Request, slug: str) -> Response:
        arguments = _arguments(request, ScorerSerializer(data=request.data), slug)
        return Response(RewardModelSerializer(set_reward_model(actor=user_of(request), **arguments)).data)


class StepScoreSerializer(serializers.Serializer[StepScore]):
    id = serializers.IntegerField()
    run = serializers.IntegerField()
    solution = serializers.IntegerField()
    step = serializers.IntegerField()
    position = serializers.IntegerField()
    score = serializers.FloatField()


class StepScoreFilter(django_filters.FilterSet):  # type: ignore[misc]
    run = IntegerFilter(field_name="run__number")
    solution = IntegerFilter(field_name="step__solution_id")

    class Meta:
        model = StepScore
        fields: list[str] = []


class StepScoreList(ListView):
    @extend_schema(
        operation_id="scores_list",
        parameters=parameters_of(StepScoreFilter),
        responses=StepScoreSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Scores of steps by reward models, of all runs. A step that was not scored has none."""
        project = project_of(request, slug, "browse")
        scores = StepScore.objects.filter(run__project=project).select_related("run", "step")
        return self.answer(request, filtered(StepScoreFilter, request, scores), self._rows)

    @staticmethod
    def _rows(scores: Iterable[StepScore]) -> Iterator[Row]:
        for score in scores:
            yield {
                "id": score.pk,
                "run": score.run.number,
                "solution": score.step.solution_id,
                "step": score.step_id,
                "position": score.step.position,
                "score": score.score,
            }
