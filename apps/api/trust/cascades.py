"""Cascades: plan with a blind round, choose tau, apply, withdraw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import cascade_of, project_of, user_of
from apps.api.labeling.round_config import resolve_names
from apps.api.pagination import ListView, Row
from apps.api.trust.samples import NewSampleSerializer, sample_row
from apps.core.errors import DomainError
from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.projects.models import Project
from apps.quality.cascade.services import apply_cascade, decide_cascade, plan_cascade, withdraw_cascade
from apps.quality.models import Cascade

MOST_NUMBERS = 2**31 - 1
MOST_JUDGES = 20


class NewCascadeSerializer(NewSampleSerializer):
    estimation_run = serializers.IntegerField(min_value=1, max_value=MOST_NUMBERS, help_text="Its number.")
    judge_runs = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MOST_NUMBERS),
        min_length=1,
        max_length=MOST_JUDGES,
        help_text="Their numbers. A machine label needs all of them to agree with the estimation run.",
    )
    alpha = serializers.FloatField(
        min_value=0.001,
        max_value=0.5,
        default=0.05,
        help_text="Largest share of wrong first errors among machine labels.",
    )
    delta = serializers.FloatField(min_value=0.001, max_value=0.5, default=0.05, help_text="1 minus the confidence.")
    people_cost = serializers.FloatField(
        min_value=0,
        max_value=1e9,
        allow_null=True,
        default=None,
        help_text="Of one solution; null: by the mean active time of the latest submissions and the project's hourly cost.",
    )


class TauSerializer(serializers.Serializer[Any]):
    tau = serializers.FloatField()
    eligible = serializers.IntegerField(help_text="Solutions on which machines agree with a posterior of tau or above.")
    machine_share = serializers.FloatField()
    people_share = serializers.FloatField()
    sampled = serializers.IntegerField(help_text="Eligible solutions in the blind sample.")
    wrong = serializers.IntegerField(help_text="Of these, with a wrong first error by machines.")
    bound = serializers.FloatField(help_text="Upper bound of the share of wrong machine labels.")
    clopper_pearson = serializers.FloatField()
    is_tested = serializers.BooleanField()
    passes = serializers.BooleanField(help_text="Counts only if the tau is tested.")
    machine_cost = serializers.FloatField()
    people_cost = serializers.FloatField()


class CascadeRowSerializer(serializers.ModelSerializer[Cascade]):
    estimation_run = serializers.SlugRelatedField[EstimationRun](slug_field="number", read_only=True)
    blind_round = serializers.IntegerField(source="sample_id", read_only=True, help_text="The id of its blind round.")

    class Meta:
        model = Cascade
        fields = [
            "id",
            "number",
            "status",
            "estimation_run",
            "blind_round",
            "alpha",
            "delta",
            "tau",
            "bound",
            "reason",
            "labels_by_machines",
            "created_at",
            "chosen_at",
            "applied_at",
        ]


class CascadeSampleSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    round = serializers.IntegerField()
    solutions = serializers.IntegerField()
    pool = serializers.IntegerField()
    submitted = serializers.IntegerField()
    wanted = serializers.IntegerField()
    is_complete = serializers.BooleanField()


class CascadeSerializer(CascadeRowSerializer):
    judge_runs = serializers.SlugRelatedField[JudgeRun](slug_field="number", many=True, read_only=True)
    sample = serializers.SerializerMethodField()
    table = TauSerializer(
        many=True, read_only=True, help_text="What each tau would mean, as it was when one was chosen."
    )

    class Meta(CascadeRowSerializer.Meta):
        fields = [
            *CascadeRowSerializer.Meta.fields,
            *("judge_runs", "sample", "table", "machine_cost", "people_cost"),
            *("true_positive", "true_negative", "hidden_error"),
        ]

    @extend_schema_field(CascadeSampleSerializer)
    def get_sample(self, cascade: Cascade) -> Row:
        row = sample_row(cascade.sample)
        return {name: row[name] for name in CascadeSampleSerializer().get_fields()}


class CascadeList(ListView):
    @extend_schema(operation_id="cascades_list", responses=CascadeRowSerializer(many=True))
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The project's cascades, without their tables."""
        cascades = Cascade.objects.filter(project=project_of(request, slug, "evaluate")).select_related(
            "estimation_run"
        )
        return self.answer(request, cascades, lambda page: iter(CascadeRowSerializer(list(page), many=True).data))

    @extend_schema(request=NewCascadeSerializer, responses={201: CascadeSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Freeze a plan and open the blind round of its sample."""
        project = project_of(request, slug, "manage_rounds")
        serializer = NewCascadeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = _runs_named(project, resolve_names(project, serializer.validated_data))
        cascade = plan_cascade(project=project, actor=user_of(request), **values)
        return Response(CascadeSerializer(cascade).data, status=201)


def _runs_named(project: Project, values: dict[str, Any]) -> dict[str, Any]:
    """Runs in place of their numbers. Raises DomainError that names the field of an unknown one."""
    run = EstimationRun.objects.filter(project=project, number=values["estimation_run"]).first()
    found = JudgeRun.objects.select_related("judge").filter(project=project, number__in=values["judge_runs"])
    runs = {judge_run.number: judge_run for judge_run in found}
    unknown = [str(number) for number in values["judge_runs"] if number not in runs]
    errors = {"estimation_run": "unknown"} if run is None else {}
    errors |= {"judge_runs": f"unknown: {', '.join(unknown)}"} if unknown else {}
    if errors:
        raise DomainError("There is no such run in the project.", fields=errors)
    return values | {"estimation_run": run, "judge_runs": [runs[number] for number in values["judge_runs"]]}


class CascadeDetail(APIView):
    @extend_schema(responses=CascadeSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return Response(CascadeSerializer(cascade_of(request, pk, "evaluate")).data)


class CascadeChange(APIView):
    """Each may be sent again: what is done stays done."""

    change: Callable[..., Cascade] = staticmethod(decide_cascade)

    @extend_schema(request=None, responses=CascadeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        cascade = type(self).change(cascade=cascade_of(request, pk, "manage_rounds"), actor=user_of(request))
        return Response(CascadeSerializer(cascade).data)


class CascadeDecide(CascadeChange):
    """Choose tau by the labels of the blind round, once. 409 while people label it, or a judge lacks verdicts."""


class CascadeApply(CascadeChange):
    """Let the machine labels stand. 409 if no tau was granted."""

    change = staticmethod(apply_cascade)


class CascadeWithdraw(CascadeChange):
    """The machine labels do not stand any more."""

    change = staticmethod(withdraw_cascade)
