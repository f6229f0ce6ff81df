"""Endpoints and estimation runs."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, run_of, user_of
from apps.api.pagination import Pages, page_of
from apps.api.runs import RunActions, ShardedRunSerializer
from apps.estimation.models import EstimationRun
from apps.estimation.runs.services import cancel_run, pause_run, resume_run, start_run
from apps.estimation.strategies import STRATEGIES
from apps.inference.models import Endpoint
from apps.inference.services import SETTINGS, add_endpoint
from apps.inference.transports import TRANSPORTS


class EndpointSerializer(serializers.ModelSerializer[Endpoint]):
    """API keys are never returned."""

    has_key = serializers.BooleanField()
    is_shared = serializers.SerializerMethodField(help_text="Whether it belongs to the installation.")
    stop = serializers.ListField(child=serializers.CharField())
    refused_settings = serializers.ListField(child=serializers.CharField(), help_text="Found by a check or a run.")

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "name",
            "url",
            "model",
            "transport",
            "max_in_flight",
            "timeout_s",
            "has_key",
            "is_shared",
            "system_prompt",
            "problem_template",
            "prefix_end",
            "stop",
            "sends_extras",
            "price_in",
            "price_out",
            "checked_at",
            "check_error",
            "refused_settings",
            "echoes_prefill",
        ]

    def get_is_shared(self, endpoint: Endpoint) -> bool:
        return endpoint.project_id is None


class NewEndpointSerializer(serializers.Serializer[Endpoint]):
    name = serializers.CharField(max_length=60)
    url = serializers.CharField(max_length=500, help_text="Base URL, as in http://127.0.0.1:8080/v1")
    model = serializers.CharField(max_length=200)
    api_key = serializers.CharField(max_length=1000, default="", allow_blank=True, write_only=True)
    transport = serializers.ChoiceField(choices=sorted(TRANSPORTS), required=False)
    max_in_flight = serializers.IntegerField(min_value=1, max_value=10_000, required=False)
    timeout_s = serializers.FloatField(min_value=1, max_value=3600, required=False)
    system_prompt = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    problem_template = serializers.CharField(required=False, trim_whitespace=False, help_text="Must contain {problem}.")
    prefix_end = serializers.CharField(max_length=20, required=False, allow_blank=True, trim_whitespace=False)
    stop = serializers.ListField(child=serializers.CharField(trim_whitespace=False), required=False)
    sends_extras = serializers.BooleanField(required=False, help_text="Whether it accepts top_k and min_p.")
    price_in = serializers.DecimalField(12, 6, min_value=0, required=False, help_text="Per million prompt tokens.")
    price_out = serializers.DecimalField(12, 6, min_value=0, required=False, help_text="Per million completion tokens.")


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


class EndpointList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="endpoints_list", responses=EndpointSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the project's own endpoints and those of the installation that it may use."""
        endpoints = Endpoint.objects.usable_in(project_of(request, slug, "estimate"))
        return page_of(self, request, endpoints, EndpointSerializer)

    @extend_schema(request=NewEndpointSerializer, responses={201: EndpointSerializer})
    def post(self, request: Request, slug: str) -> Response:
        project = project_of(request, slug, "manage_endpoints")
        serializer = NewEndpointSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        settings = {name: data[name] for name in SETTINGS if name in data}
        endpoint = add_endpoint(
            project=project,
            name=data["name"],
            url=data["url"],
            model=data["model"],
            api_key=data["api_key"],
            created_by=user_of(request),
            settings=settings,
        )
        return Response(EndpointSerializer(endpoint).data, status=201)


class RunList(APIView):
    pagination_class = Pages

    @extend_schema(operation_id="estimation_runs_list", responses=RunSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        runs = EstimationRun.objects.filter(project=project_of(request, slug, "browse")).select_related("endpoint")
        return page_of(self, request, runs, RunSerializer)

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
