"""Blind rounds: draw a sample and open its round, and certify judges by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.access import project_of, sample_of, user_of
from apps.api.labeling.round_config import resolve_names, setting
from apps.api.pagination import ListView, Row
from apps.core.errors import DomainError
from apps.judging.models import Judge
from apps.projects.models import Project
from apps.quality.models import BlindSample, JudgeCertificate
from apps.quality.trust.blind_rounds import MOST_SOLUTIONS, open_blind_round
from apps.quality.trust.certificates import certify_judge
from apps.quality.trust.sample_state import samples_of, state_of

MAX_ID = 2**63 - 1


class NewSampleSerializer(serializers.Serializer[Any]):
    size = serializers.IntegerField(min_value=1, max_value=MOST_SOLUTIONS, help_text="Solutions to draw at random.")
    redundancy = setting(serializers.IntegerField, "redundancy")
    labelers = setting(serializers.ListField, "labelers", child=serializers.EmailField(), default=list)
    seed = serializers.IntegerField(
        min_value=0, max_value=2**31 - 1, required=False, help_text="The same seed draws the same; by default another."
    )


class NewBlindRoundSerializer(NewSampleSerializer):
    name = setting(serializers.CharField, "name", allow_blank=True)


class BlindRoundSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    round = serializers.IntegerField(help_text="Its number.")
    solutions = serializers.IntegerField()
    pool = serializers.IntegerField(help_text="Solutions that they were drawn from.")
    seed = serializers.IntegerField()
    submitted = serializers.IntegerField()
    wanted = serializers.IntegerField(help_text="Submissions in all.")
    is_complete = serializers.BooleanField(help_text="Nobody labels it any more: judges can be certified by it.")
    cascade = serializers.IntegerField(allow_null=True, help_text="The number of the cascade that it was drawn for.")
    created_at = serializers.DateTimeField()


class CertificateSerializer(serializers.Serializer[JudgeCertificate]):
    id = serializers.IntegerField()
    judge = serializers.IntegerField(help_text="The judge's id.")
    name = serializers.CharField()
    version = serializers.IntegerField(help_text="Of the judge. Another version needs a certificate of its own.")
    blind_round = serializers.IntegerField(help_text="The id of the blind round.")
    round = serializers.IntegerField()
    is_granted = serializers.BooleanField()
    bar = serializers.FloatField()
    solutions = serializers.IntegerField()
    true_positive = serializers.FloatField(allow_null=True)
    true_positive_low = serializers.FloatField(help_text="Lower bound of its 95 % interval.")
    true_negative = serializers.FloatField(allow_null=True)
    true_negative_low = serializers.FloatField(help_text="Lower bound of its 95 % interval.")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why it is refused.")
    created_at = serializers.DateTimeField()


class CertifySerializer(serializers.Serializer[Any]):
    judge = serializers.IntegerField(min_value=1, max_value=MAX_ID, help_text="The judge's id.")


class BlindRoundList(ListView):
    @extend_schema(operation_id="blind_rounds_list", responses=BlindRoundSerializer(many=True))
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The project's blind rounds, each with how far people are."""
        samples = samples_of(project_of(request, slug, "evaluate"))
        return self.answer(request, samples, lambda page: (sample_row(sample) for sample in page))

    @extend_schema(request=NewBlindRoundSerializer, responses={201: BlindRoundSerializer})
    def post(self, request: Request, slug: str) -> Response:
        """Draw a random sample and open its round. Until it is complete, pages hide what models say of the sample."""
        project = project_of(request, slug, "manage_rounds")
        serializer = NewBlindRoundSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        values = resolve_names(project, serializer.validated_data)
        sample = open_blind_round(project=project, actor=user_of(request), **values)
        return Response(sample_row(sample), status=201)


class BlindRoundCertify(APIView):
    @extend_schema(request=CertifySerializer, responses=CertificateSerializer)
    def post(self, request: Request, pk: int) -> Response:
        """Decide on a judge, once: later requests return the same decision. 409 while people label, or verdicts lack."""
        sample = sample_of(request, pk, "manage_rounds")
        serializer = CertifySerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        (judge,) = judges_named(sample.project, [serializer.validated_data["judge"]], "judge")
        return Response(certificate_row(certify_judge(judge=judge, sample=sample, actor=user_of(request))))


class CertificateList(ListView):
    @extend_schema(operation_id="judge_certificates_list", responses=CertificateSerializer(many=True))
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """All decisions on judges, granted and refused. The newest on a judge counts."""
        project = project_of(request, slug, "evaluate")
        decisions = JudgeCertificate.objects.filter(project=project).select_related("judge", "sample__round")
        return self.answer(request, decisions, _certificate_rows)


def _certificate_rows(decisions: Iterable[JudgeCertificate]) -> Iterator[Row]:
    return (certificate_row(decision) for decision in decisions)


def judges_named(project: Project, ids: list[int], field: str) -> list[Judge]:
    """The project's judges with these ids, in their order. Raises DomainError naming `field` for an unknown one."""
    judges = Judge.objects.select_related("project").filter(project=project).in_bulk(ids)
    unknown = [str(pk) for pk in ids if pk not in judges]
    if unknown:
        raise DomainError("There is no such judge in the project.", fields={field: f"unknown: {', '.join(unknown)}"})
    return [judges[pk] for pk in ids]


def sample_row(sample: BlindSample) -> Row:
    state, round_ = state_of(sample, ()), sample.round
    assert round_ is not None
    cascade = getattr(sample, "cascade", None)
    return {
        "id": sample.pk,
        "round": round_.number,
        "solutions": state.solutions,
        "pool": sample.pool,
        "seed": sample.seed,
        "submitted": state.submitted,
        "wanted": state.wanted,
        "is_complete": state.is_complete,
        "cascade": cascade.number if cascade is not None else None,
        "created_at": sample.created_at.isoformat(),
    }


def certificate_row(decision: JudgeCertificate) -> Row:
    round_ = decision.sample.round
    assert round_ is not None
    names = ("id", "is_granted", "bar", "solutions", "true_positive", "true_positive_low")
    return {
        **{name: getattr(decision, name) for name in names},
        "true_negative": decision.true_negative,
        "true_negative_low": decision.true_negative_low,
        "reasons": decision.reasons,
        "judge": decision.judge_id,
        "name": decision.judge.name,
        "version": decision.judge.version,
        "blind_round": decision.sample_id,
        "round": round_.number,
        "created_at": decision.created_at.isoformat(),
    }
