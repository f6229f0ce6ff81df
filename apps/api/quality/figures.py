"""The figures of the quality page: agreement of people, and of models with people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_filters
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.access import project_of
from apps.api.filters import filtered, parameters_of
from apps.api.pagination import ListView, Row
from apps.projects.models import Membership
from apps.quality.metrics.stored import FIGURES, with_labeler_names
from apps.quality.models import Figure

NAMES = [(name, name) for name in FIGURES]


class FigureSerializer(serializers.Serializer[Figure]):
    id = serializers.IntegerField(help_text="Of this computation: the next one has other ids.")
    name = serializers.ChoiceField(choices=NAMES)
    scope = serializers.CharField(
        allow_blank=True, help_text="Empty: the project; else `round:NUMBER`, `subject:NAME` or `run:NUMBER`."
    )
    data: Any = serializers.DictField(help_text="Numbers with `value`, `low`, `high` (95 %) and `solutions`; see docs.")
    at = serializers.DateTimeField(help_text="When a worker computed it.")


class FigureFilter(django_filters.FilterSet):  # type: ignore[misc]
    name = django_filters.ChoiceFilter(choices=NAMES)
    scope = django_filters.CharFilter()


class FigureList(ListView):
    @extend_schema(
        operation_id="quality_list", parameters=parameters_of(FigureFilter), responses=FigureSerializer(many=True)
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """The newest figures, which workers compute when labels change. People have pseudonyms."""
        project = project_of(request, slug, "browse")
        figures = filtered(FigureFilter, request, Figure.objects.filter(project=project, name__in=FIGURES))
        names = Membership.objects.filter(project=project).pseudonyms()
        return self.answer(request, figures, lambda page: self._rows(page, names))

    @staticmethod
    def _rows(figures: Iterable[Figure], names: dict[int, str]) -> Iterator[Row]:
        for figure in figures:
            yield {
                "id": figure.pk,
                "name": figure.name,
                "scope": figure.scope,
                "data": with_labeler_names(figure, names),
                "at": figure.at,
            }
