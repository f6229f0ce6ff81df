"""Estimation runs."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, run_of, user_of
from apps.api.filters import RunFilter, filtered, parameters_of
from apps.api.pagination import Pages, page_of
from apps.api.runs import RunActions, ShardedRunSerializer
from apps.estimation.models import EstimationRun
from apps.estimation.runs.services import cancel_run, pause_run, resume_run, start_run
from apps.estimation.strategies import STRATEGIES
from apps.inference.models import Endpoint


class RunSerializer(ShardedRunSerializer[EstimationRun]):
    class Meta:
        model = EstimationRun
        fields = [
            *ShardedRunSerializer.COMMON,
            "strategy",
            "completer",
            "by_answer",
            "rollouts",
            "sampling",
            "seed",
            "answers_suffice",
            "keeps_rollouts",
        ]


class NewRunSerializer(serializers.Serializer[EstimationRun]):
    endpoint = serializers.CharField(max_length=60, help_text="Name of the endpoint.")
    strategy = serializers.ChoiceField(choices=sorted(STRATEGIES))
    rollouts = serializers.IntegerField(
        required=False, min_value=1, help_text="Rollouts per step; the exact meaning depends on the strategy."
    )
    options = serializers.DictField(default=dict, help_text="Other options of the strategy.")
    temperature = serializers.FloatField(required=False, min_value=0, max_value=5)
    max_tokens = serializers.IntegerField(required=False, min_value=1)
    sampling = serializers.DictField(default=dict, help_text="top_p, top_k, min_p, stop.")
    selection = serializers.DictField(
        default=dict, help_text="answers: any, right or wrong; source: who wrote the solutions."
    )
    budget = serializers.DictField(
        default=dict, help_text="Limits at which the run pauses: rollouts, tokens, cost, seconds."
    )
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    answers_suffice = serializers.BooleanField(default=True, help_text="A right answer makes all steps good.")
    keeps_rollouts = serializers.BooleanField(default=False)


class EstimationRunFilter(RunFilter):
    strategy = django_filters.CharFilter()


class RunList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="estimation_runs_list",
        parameters=parameters_of(EstimationRunFilter),
        responses=RunSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the project's estimation runs, those of files included."""
        runs = EstimationRun.objects.filter(project=project_of(request, slug, "browse")).select_related("endpoint")
        return page_of(self, request, filtered(EstimationRunFilter, request, runs), RunSerializer)

    @extend_schema(request=NewRunSerializer, responses={201: RunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start a run. Workers process it; `/estimation-runs/{id}` shows its progress."""
        project = project_of(request, slug, "estimate")
        serializer = NewRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        options = data.pop("options") | ({"rollouts": data.pop("rollouts")} if "rollouts" in data else {})
        sampling = data.pop("sampling") | {
            name: data.pop(name) for name in ("temperature", "max_tokens") if name in data
        }
        data["endpoint"] = Endpoint.objects.named(data["endpoint"], project)
        run = start_run(project=project, options=options, sampling=sampling, created_by=user_of(request), **data)
        return Response(RunSerializer(run).data, status=201)


ESTIMATION_RUNS = RunActions("estimation-run", run_of, RunSerializer, pause_run, resume_run, cancel_run)
