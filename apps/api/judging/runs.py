"""Judge runs and their forecast."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.models import ApiToken
from apps.api.access import judge_run_of, project_of, user_of
from apps.api.filters import IntegerFilter, RunFilter, filtered, parameters_of
from apps.api.judging.judges import JudgeSettingsSerializer, judge_settings
from apps.api.pagination import Pages, page_of
from apps.api.runs import RunActions, ShardedRunSerializer
from apps.judging.engine.engine import MOST_ATTEMPTS
from apps.judging.judges import draft_judge, judge_in, save_judge
from apps.judging.kinds import KINDS
from apps.judging.models import Judge, JudgeRun
from apps.judging.runs.forecast import JudgingForecast, judging_forecast
from apps.judging.runs.services import cancel_judging, pause_judging, resume_judging, start_judging

RUN_OPTIONS = ("attempts", "uses_schema")


class JudgeVersionSerializer(serializers.ModelSerializer[Judge]):
    kind = serializers.CharField(allow_blank=True, help_text="Empty: the judge came with a file.")

    class Meta:
        model = Judge
        fields = ["id", "name", "version", "kind"]


class JudgeRunSerializer(ShardedRunSerializer[JudgeRun]):
    judge = JudgeVersionSerializer()

    class Meta:
        model = JudgeRun
        fields = [
            *ShardedRunSerializer.COMMON,
            "judge",
            "origin",
            "run_in_file",
            "verdicts",
            "undecided",
            "refusals",
            "unreadable",
            "new_solutions",
            "seed",
        ]


class NewJudgeRunSerializer(JudgeSettingsSerializer):
    """The ID of a judge, or the settings of one, as in a new judge."""

    judge = serializers.IntegerField(required=False, min_value=1, help_text="ID of a judge, in place of its settings.")
    endpoint = serializers.CharField(
        max_length=60, required=False, help_text="Name of the endpoint; required without `judge`."
    )
    kind = serializers.ChoiceField(choices=list(KINDS), required=False, help_text="Required without `judge`.")
    attempts = serializers.IntegerField(
        default=3,
        min_value=1,
        max_value=MOST_ATTEMPTS,
        help_text="How often an unreadable reply is asked for, at most.",
    )
    uses_schema = serializers.BooleanField(
        default=True, help_text="Hold the model to the prompt's JSON schema where the server can."
    )
    selection = serializers.DictField(
        default=dict,
        help_text="answers: any, right or wrong; source: who wrote the solutions. Kinds that compare also take pairs: "
        "existing, right_wrong, score or random; and each: pairs of each problem, at most.",
    )
    budget = serializers.DictField(
        default=dict, help_text="Limits at which the run pauses: requests, tokens, cost, seconds."
    )
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        settings = JudgeSettingsSerializer().fields.items()
        if "judge" in attrs:
            given = [name for name, _ in settings if name in attrs]
            problems = dict.fromkeys(given, "Must be left out with `judge`, which has its own.")
        else:
            missing = [name for name, field in settings if field.required and name not in attrs]
            problems = dict.fromkeys(missing, "Required without `judge`.")
        if problems:
            raise serializers.ValidationError(problems)
        return attrs if "judge" in attrs else super().validate(attrs)


class JudgingForecastSerializer(serializers.Serializer[JudgingForecast]):
    items = serializers.IntegerField(help_text="Solutions or comparisons.")
    requests = serializers.IntegerField()
    tokens_in = serializers.FloatField()
    tokens_out = serializers.FloatField()
    tokens = serializers.FloatField()
    cost = serializers.FloatField(allow_null=True, help_text="Null without prices.")
    seconds = serializers.FloatField(allow_null=True, help_text="Null before the endpoint has judged anything.")
    is_measured = serializers.BooleanField(help_text="The length of replies is that of an earlier run.")


def _run_arguments(values: dict[str, Any]) -> dict[str, Any]:
    options = {name: values[name] for name in RUN_OPTIONS}
    return {"options": options, **{name: values[name] for name in ("selection", "budget", "seed") if name in values}}


class JudgeRunFilter(RunFilter):
    judge = django_filters.CharFilter(field_name="judge__name")
    version = IntegerFilter(field_name="judge__version")
    kind = django_filters.ChoiceFilter(field_name="judge__kind", choices=[(name, name) for name in KINDS])


class JudgeRunList(APIView):
    pagination_class = Pages

    @extend_schema(
        operation_id="judge_runs_list",
        parameters=parameters_of(JudgeRunFilter),
        responses=JudgeRunSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> Response:
        """List the project's judge runs, those of files included."""
        runs = JudgeRun.objects.filter(project=project_of(request, slug, "browse"))
        runs = filtered(JudgeRunFilter, request, runs.select_related("endpoint", "judge"))
        return page_of(self, request, runs, JudgeRunSerializer)

    @extend_schema(request=NewJudgeRunSerializer, responses={201: JudgeRunSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Start a run. Workers process it; `/judge-runs/{id}` shows its progress."""
        project = project_of(request, slug, "estimate")
        serializer = NewJudgeRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values, user = serializer.validated_data, user_of(request)
        with transaction.atomic():  # A run that cannot start leaves no judge.
            judge = (
                judge_in(project, values["judge"])
                if "judge" in values
                else save_judge(**judge_settings(project, values), created_by=user)
            )
            run = start_judging(judge=judge, created_by=user, **_run_arguments(values))
        return Response(JudgeRunSerializer(run).data, status=201)


class JudgeRunForecast(APIView):
    scope = ApiToken.Scope.READ

    @extend_schema(request=NewJudgeRunSerializer, responses=JudgingForecastSerializer)
    def post(self, request: Request, slug: str) -> Response:
        """What a run would take, by the same body. Nothing is stored, and no model is asked."""
        project = project_of(request, slug, "estimate")
        serializer = NewJudgeRunSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = serializer.validated_data
        judge = (
            judge_in(project, values["judge"]) if "judge" in values else draft_judge(**judge_settings(project, values))
        )
        return Response(JudgingForecastSerializer(judging_forecast(judge=judge, **_run_arguments(values))).data)


JUDGE_RUNS = RunActions("judge-run", judge_run_of, JudgeRunSerializer, pause_judging, resume_judging, cancel_judging)
