"""Verdicts of judges on steps, solutions and comparisons, and revised solutions. Only runs that count are listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import django_filters
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.filters import IntegerFilter, filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.corpus.labels import CHOICES
from apps.judging.models import ComparisonVerdict, Revision, SolutionVerdict, StepVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.projects.models import Project
from apps.runs.status import counted_run_q

M = TypeVar("M", bound=Model)


class OfJudgeSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    run = serializers.IntegerField(help_text="The number of the run.")
    judge = serializers.CharField()
    version = serializers.IntegerField(help_text="The judge's version.")


class OfJudgeFilter(django_filters.FilterSet):  # type: ignore[misc]
    judge = django_filters.CharFilter(field_name="run__judge__name")
    version = IntegerFilter(field_name="run__judge__version")
    run = IntegerFilter(field_name="run__number")


def _counted(rows: QuerySet[M], project: Project) -> QuerySet[M]:
    """Those of the project's runs that have ended, and of files."""
    return rows.filter(counted_run_q("run__"), run__project=project).select_related("run__judge")


def _origin(row: Any) -> Row:
    judge = row.run.judge
    return {"id": row.pk, "run": row.run.number, "judge": judge.name, "version": judge.version}


# --- steps -------------------------------------------------------------------------------------------------


class VerdictSerializer(OfJudgeSerializer):
    solution = serializers.IntegerField()
    step = serializers.IntegerField()
    position = serializers.IntegerField()
    candidate = serializers.IntegerField()
    rating = serializers.IntegerField(min_value=-1, max_value=1)
    confidence = serializers.FloatField(allow_null=True, help_text="The judge's confidence, from 0 to 1.")
    reason = serializers.CharField(allow_blank=True)


class VerdictFilter(OfJudgeFilter):
    solution = IntegerFilter(field_name="step__solution_id")


class VerdictList(ListView):
    @extend_schema(
        operation_id="verdicts_list", parameters=parameters_of(VerdictFilter), responses=VerdictSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """List the judges' ratings of steps."""
        verdicts = _counted(StepVerdict.objects.all(), project_of(request, slug, "browse")).select_related("step")
        return self.answer(request, filtered(VerdictFilter, request, verdicts), self._rows)

    @staticmethod
    def _rows(verdicts: Iterable[StepVerdict]) -> Iterator[Row]:
        for verdict in verdicts:
            yield {
                **_origin(verdict),
                "solution": verdict.step.solution_id,
                "step": verdict.step_id,
                "position": verdict.step.position,
                "candidate": verdict.step.candidate,
                "rating": verdict.rating,
                "confidence": verdict.confidence,
                "reason": verdict.reason,
            }


# --- solutions ---------------------------------------------------------------------------------------------


class SolutionVerdictSerializer(OfJudgeSerializer):
    solution = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=ItemOutcome.choices)
    first_error = serializers.IntegerField(allow_null=True, help_text="A position; -1: no error; null: not known.")
    passes = serializers.BooleanField(allow_null=True)
    share = serializers.FloatField(allow_null=True, help_text="The share of the votes; null for one vote.")
    reason = serializers.CharField(allow_blank=True, help_text="The judge's reason, or why there is no verdict.")
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class SolutionVerdictFilter(OfJudgeFilter):
    outcome = django_filters.ChoiceFilter(choices=ItemOutcome.choices)
    solution = IntegerFilter(field_name="solution_id")


class SolutionVerdictList(ListView):
    @extend_schema(
        operation_id="solution_verdicts_list",
        parameters=parameters_of(SolutionVerdictFilter),
        responses=SolutionVerdictSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """List the judges' results for solutions, those without a verdict included."""
        verdicts = _counted(SolutionVerdict.objects.all(), project_of(request, slug, "browse"))
        return self.answer(request, filtered(SolutionVerdictFilter, request, verdicts), self._rows)

    @staticmethod
    def _rows(verdicts: Iterable[SolutionVerdict]) -> Iterator[Row]:
        for verdict in verdicts:
            yield {
                **_origin(verdict),
                "solution": verdict.solution_id,
                "outcome": verdict.outcome,
                "first_error": verdict.first_error,
                "passes": verdict.passes,
                "share": verdict.share,
                "reason": verdict.reason,
                "prompt_tokens": verdict.prompt_tokens,
                "completion_tokens": verdict.completion_tokens,
            }


# --- comparisons -------------------------------------------------------------------------------------------


class ComparisonVerdictSerializer(OfJudgeSerializer):
    comparison = serializers.IntegerField()
    problem = serializers.IntegerField()
    left = serializers.IntegerField(help_text="The ID of a solution.")
    right = serializers.IntegerField(help_text="The ID of a solution.")
    outcome = serializers.ChoiceField(choices=ItemOutcome.choices)
    choice = serializers.ChoiceField(choices=CHOICES, allow_blank=True, help_text="Empty without a verdict.")
    margin = serializers.CharField(allow_blank=True)
    share = serializers.FloatField(allow_null=True, help_text="The choice's share of the pairs; null for one pair.")
    pairs = serializers.IntegerField(help_text="Pairs of replies that can be read in both orders.")
    flips = serializers.IntegerField(help_text="Pairs whose choice changed with the order.")
    shown_first = serializers.DictField(
        child=serializers.IntegerField(), help_text="How often the side shown first, second, or neither was preferred."
    )
    principles = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField(allow_blank=True, help_text="The judge's reason, or why there is no verdict.")
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()


class ComparisonVerdictFilter(OfJudgeFilter):
    outcome = django_filters.ChoiceFilter(choices=ItemOutcome.choices)
    comparison = IntegerFilter(field_name="comparison_id")
    problem = IntegerFilter(field_name="comparison__problem_id")


class ComparisonVerdictList(ListView):
    @extend_schema(
        operation_id="comparison_verdicts_list",
        parameters=parameters_of(ComparisonVerdictFilter),
        responses=ComparisonVerdictSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """List the judges' results for comparisons, those without a verdict included. The sides are the comparison's own."""
        verdicts = _counted(ComparisonVerdict.objects.all(), project_of(request, slug, "browse")).select_related(
            "comparison"
        )
        return self.answer(request, filtered(ComparisonVerdictFilter, request, verdicts), self._rows)

    @staticmethod
    def _rows(verdicts: Iterable[ComparisonVerdict]) -> Iterator[Row]:
        for verdict in verdicts:
            yield {
                **_origin(verdict),
                "comparison": verdict.comparison_id,
                "problem": verdict.comparison.problem_id,
                "left": verdict.comparison.left_id,
                "right": verdict.comparison.right_id,
                "outcome": verdict.outcome,
                "choice": verdict.choice,
                "margin": verdict.margin,
                "share": verdict.share,
                "pairs": verdict.pairs,
                "flips": verdict.flips,
                "shown_first": verdict.shown_first,
                "principles": verdict.principles,
                "reason": verdict.reason,
                "prompt_tokens": verdict.prompt_tokens,
                "completion_tokens": verdict.completion_tokens,
            }


# --- revisions ---------------------------------------------------------------------------------------------


class RevisionSerializer(OfJudgeSerializer):
    solution = serializers.IntegerField(help_text="The ID of the solution with which the revisions began.")
    ordinal = serializers.IntegerField(help_text="The number of the revision, from 0.")
    principle = serializers.CharField()
    critique = serializers.CharField(allow_blank=True)
    revised = serializers.IntegerField(
        allow_null=True, help_text="The ID of the solution with the revised text; null: the text is unchanged."
    )


class RevisionFilter(OfJudgeFilter):
    solution = IntegerFilter(field_name="solution_id")


class RevisionList(ListView):
    @extend_schema(
        operation_id="revisions_list",
        parameters=parameters_of(RevisionFilter),
        responses=RevisionSerializer(many=True),
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """List critiques with the solutions that were revised by them."""
        revisions = _counted(Revision.objects.all(), project_of(request, slug, "browse"))
        return self.answer(request, filtered(RevisionFilter, request, revisions), self._rows)

    @staticmethod
    def _rows(revisions: Iterable[Revision]) -> Iterator[Row]:
        for revision in revisions:
            yield {
                **_origin(revision),
                "solution": revision.solution_id,
                "ordinal": revision.ordinal,
                "principle": revision.principle,
                "critique": revision.critique,
                "revised": revision.revised_id,
            }
