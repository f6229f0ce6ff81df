"""Sampling runs: new solutions from a generator."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, sampling_of, user_of
from apps.api.filters import RunFilter, filtered, parameters_of
from apps.api.pagination import Pages, page_of
from apps.api.removal import Deletable
from apps.corpus.splitting.steps import SPLITTERS
from apps.estimation.models import SamplingRun
from apps.estimation.sampling.services import cancel_sampling, pause_sampling, resume_sampling, start_sampling
from apps.inference.models import Endpoint


class SamplingSerializer(serializers.ModelSerializer[SamplingRun]):
    endpoint = serializers.SlugRelatedField[Endpoint](slug_field="name", read_only=True, allow_null=True)
    rate = serializers.FloatField(allow_null=True, help_text="Problems per second.")
    eta_s = serializers.FloatField(allow_null=True, help_text="Seconds until the end at the rate so far.")
    seconds = serializers.FloatField(allow_null=True, help_text="Seconds since its start, pauses included.")
    cost = serializers.FloatField(allow_null=True, help_text="By the prices that the endpoint has now.")
    notices = serializers.ListField(child=serializers.CharField(), help_text="Settings that the endpoint refuses.")

    class Meta:
        model = SamplingRun
        fields = [
            "id",
            "number",
            "status",
            "endpoint",
            "generator",
            "per_problem",
            "done",
            "total",
            "solutions",
            "right",
            "wrong",
            "duplicates",
            "cut",
            "requests",
            "tokens",
            "rate",
            "eta_s",
            "seconds",
            "cost",
            "error",
            "notices",
            "sampling",
            "split",
            "seed",
            "keeps_repeated",
            "created_at",
            "finished_at",
        ]


class NewSamplingSerializer(serializers.Serializer[Any]):
    endpoint = serializers.CharField(max_length=60, help_text="Name of the endpoint.")
    per_problem = serializers.IntegerField(min_value=1, max_value=1024, default=4)
    temperature = serializers.FloatField(min_value=0, max_value=5, default=1.0)
    max_tokens = serializers.IntegerField(min_value=1, default=1024)
    split = serializers.ChoiceField(choices=sorted(set(SPLITTERS) - {"separator"}), default="newline")
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    keeps_repeated = serializers.BooleanField(
        default=False, help_text="Store a repeated text as a solution of its own, as votes and best-of-N need."
    )


class SamplingList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="sampling_runs_list", parameters=parameters_of(RunFilter), responses=SamplingSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the project's sampling runs."""
        runs = SamplingRun.objects.filter(project=project_of(request, slug, "browse")).select_related("endpoint")
        return page_of(self, request, filtered(RunFilter, request, runs), SamplingSerializer)

    @extend_schema(request=NewSamplingSerializer, responses={201: SamplingSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Sample new solutions of all problems from a model; `/sampling-runs/{id}` shows the progress."""
        project = project_of(request, slug, "estimate")
        serializer = NewSamplingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        sampling = {name: data.pop(name) for name in ("temperature", "max_tokens")}
        data["endpoint"] = Endpoint.objects.named(data["endpoint"], project)
        run = start_sampling(project=project, sampling=sampling, created_by=user_of(request), **data)
        return Response(SamplingSerializer(run).data, status=201)


class SamplingDetail(Deletable):
    kind = "sampling-run"

    @extend_schema(responses=SamplingSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(SamplingSerializer(sampling_of(request, pk, "browse")).data)


class SamplingCancel(APIView):
    @extend_schema(request=None, responses=SamplingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Cancel the run. Solutions written so far stay."""
        run = cancel_sampling(run=sampling_of(request, pk, "estimate"), actor=user_of(request))
        return Response(SamplingSerializer(run).data)


class SamplingPause(APIView):
    @extend_schema(request=None, responses=SamplingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Pause the run: requests in flight are completed, and no more are sent."""
        run = pause_sampling(run=sampling_of(request, pk, "estimate"), actor=user_of(request))
        return Response(SamplingSerializer(run).data)


class SamplingResume(APIView):
    @extend_schema(request=None, responses=SamplingSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Resume the run with the problems that have no result."""
        run = resume_sampling(run=sampling_of(request, pk, "estimate"), actor=user_of(request))
        return Response(SamplingSerializer(run).data)
