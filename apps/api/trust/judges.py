"""How far judges can be trusted, by people's labels; and choruses of several judges."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, user_of
from apps.api.filters import QuerySerializer
from apps.api.pagination import Row
from apps.api.trust.samples import MAX_ID, CertificateSerializer, certificate_row, judges_named
from apps.core.statistics import Proportion
from apps.judging.models import Judge
from apps.judging.models.judges import LONGEST_NAME
from apps.quality.rules import rules_for
from apps.quality.statistics.bootstrap import Measured
from apps.quality.trust.choruses import MOST, form_chorus
from apps.quality.trust.preferences import PreferenceReport
from apps.quality.trust.report import JudgeReport
from apps.quality.trust.sentences import length_sentence, preference_sentence, usable_sentence
from apps.quality.trust.stored_reports import stored_judge_reports, stored_preference_reports
from apps.quality.trust.truth import TrustFilter
from apps.quality.trust.vote_combination import ChorusRule

LAST_POSITION = 10_000
MOST_ROUNDS = 2**31 - 1


class TrustQuerySerializer(QuerySerializer):
    subject = serializers.CharField(required=False)
    level = serializers.CharField(required=False)
    round = serializers.IntegerField(min_value=1, max_value=MOST_ROUNDS, required=False, help_text="Its number.")
    first = serializers.IntegerField(
        min_value=0, max_value=LAST_POSITION, required=False, help_text="First position of the steps, from 0."
    )
    last = serializers.IntegerField(
        min_value=0, max_value=LAST_POSITION, required=False, help_text="Last position of the steps, from 0."
    )


class MeasuredSerializer(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Lower end of the 95 % interval.")
    high = serializers.FloatField(allow_null=True)
    n = serializers.IntegerField(help_text="Solutions, or comparisons, that it rests on.")


class NamedJudgeSerializer(serializers.Serializer[Judge]):
    judge = serializers.IntegerField(help_text="The judge's id.")
    name = serializers.CharField()
    version = serializers.IntegerField()
    model = serializers.CharField(allow_blank=True)
    kind = serializers.CharField(allow_blank=True, help_text="Empty: of a file.")


class LengthBiasSerializer(serializers.Serializer[Any]):
    overall = MeasuredSerializer(help_text="Correlation of naming an error with the length in characters.")
    without_error = MeasuredSerializer()
    given_truth = MeasuredSerializer()
    sentence = serializers.CharField()


class SelfPreferenceSerializer(serializers.Serializer[Any]):
    own = MeasuredSerializer(help_text="Erroneous solutions by its own model that it accepts.")
    others = MeasuredSerializer()
    difference = MeasuredSerializer()
    sentence = serializers.CharField()


class MeasuredJudgeSerializer(NamedJudgeSerializer):
    at = serializers.DateTimeField(allow_null=True, help_text="When a worker measured it; null: at this request.")


class JudgeTrustSerializer(MeasuredJudgeSerializer):
    solutions = serializers.IntegerField(help_text="That both the judge and people labeled.")
    true_positive = MeasuredSerializer()
    true_negative = MeasuredSerializer()
    exact = MeasuredSerializer()
    f1 = MeasuredSerializer()
    kappa = MeasuredSerializer()
    self_consistency = MeasuredSerializer()
    cost = MeasuredSerializer(help_text="Of one solution.")
    tokens = MeasuredSerializer(help_text="Of one solution.")
    unreadable = MeasuredSerializer()
    length = LengthBiasSerializer()
    self_preference = SelfPreferenceSerializer()
    certificate = CertificateSerializer(allow_null=True, help_text="The newest decision on this version.")


class ComparingTrustSerializer(MeasuredJudgeSerializer):
    comparisons = serializers.IntegerField()
    usable = MeasuredSerializer(help_text="Verdicts that are the same in both orders.")
    agreement = MeasuredSerializer()
    kappa = MeasuredSerializer()
    flips = MeasuredSerializer()
    first_shown = MeasuredSerializer(help_text="Of those that flip: the share for the side shown first.")
    longer = MeasuredSerializer()
    people_longer = MeasuredSerializer()
    self_consistency = MeasuredSerializer()
    sentence = serializers.CharField(help_text="Whether its verdicts are usable, and why not.")


class TrustSerializer(serializers.Serializer[Any]):
    bar = serializers.FloatField(help_text="What the lower bounds of both rates must reach for a certificate.")
    judges = JudgeTrustSerializer(many=True)
    comparing = ComparingTrustSerializer(many=True, help_text="Judges that compare; the filters do not apply to them.")


class NewChorusSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME)
    members = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=MAX_ID), max_length=MOST, help_text="Ids of judges."
    )
    rule = serializers.ChoiceField(choices=[rule.value for rule in ChorusRule])


class ChorusSerializer(NamedJudgeSerializer):
    run = serializers.IntegerField(help_text="The number of its judge run.")
    solutions = serializers.IntegerField()
    undecided = serializers.IntegerField(help_text="Solutions on which the members do not agree.")


class Trust(APIView):
    @extend_schema(parameters=[TrustQuerySerializer], responses=TrustSerializer)
    def get(self, request: Request, slug: str) -> Response:
        """Each judge against people, with 95 % intervals by the bootstrap over solutions: see docs/judging.md."""
        project = project_of(request, slug, "evaluate")
        query = TrustQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        reports = stored_judge_reports(project, TrustFilter(**query.validated_data))
        return Response(
            {
                "bar": rules_for(project).judge_bar,
                "judges": [_judge_row(report) for report in reports],
                "comparing": [_comparing_row(report) for report in stored_preference_reports(project)],
            }
        )


class ChorusList(APIView):
    @extend_schema(request=NewChorusSerializer, responses={201: ChorusSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Combine the newest verdicts of several judges into those of one more judge. Nothing is asked of a model."""
        project = project_of(request, slug, "manage_rounds")
        serializer = NewChorusSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        members = judges_named(project, data["members"], "members")
        run = form_chorus(
            project=project, name=data["name"], members=members, rule=data["rule"], created_by=user_of(request)
        )
        row = _named(run.judge) | {"run": run.number, "solutions": run.done, "undecided": run.undecided}
        return Response(row, status=201)


def _named(judge: Judge) -> Row:
    return {"judge": judge.pk, **{name: getattr(judge, name) for name in ("name", "version", "model", "kind")}}


def _measured(measured: Measured) -> Row:
    return {"value": measured.value, "low": measured.low, "high": measured.high, "n": measured.solutions}


def _proportion(counted: Proportion) -> Row:
    low, high = counted.interval if counted.of else (None, None)
    return {"value": counted.value, "low": low, "high": high, "n": counted.of}


def _judge_row(report: JudgeReport) -> Row:
    figures, length, preference = report.figures, report.length, report.preference
    names = ("true_positive", "true_negative", "exact", "kappa", "self_consistency", "cost", "unreadable")
    return {
        **_named(report.judge),
        "at": report.at,
        "solutions": report.solutions,
        **{name: _measured(getattr(figures, name)) for name in names},
        "f1": _measured(figures.first_errors.f1),
        "tokens": _measured(report.tokens),
        "length": {
            **{name: _measured(getattr(length, name)) for name in ("overall", "without_error", "given_truth")},
            "sentence": length_sentence(length),
        },
        "self_preference": {
            "own": _proportion(preference.own),
            "others": _proportion(preference.others),
            "difference": _measured(preference.difference),
            "sentence": preference_sentence(preference),
        },
        "certificate": certificate_row(report.certificate) if report.certificate else None,
    }


def _comparing_row(report: PreferenceReport) -> Row:
    return {
        **_named(report.judge),
        "at": report.at,
        "comparisons": report.comparisons,
        **{name: _measured(getattr(report, name)) for name in ("usable", "agreement", "kappa", "self_consistency")},
        "flips": _measured(report.position.flips),
        "first_shown": _measured(report.position.first_shown),
        "longer": _measured(report.length.longer),
        "people_longer": _measured(report.length.people),
        "sentence": usable_sentence(report),
    }
