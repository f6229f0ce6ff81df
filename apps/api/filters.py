"""Filters of lists. An unknown filter or value is an error, because ignoring it would return every row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import django_filters
from django import forms
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request

from apps.api.pagination import Pages
from apps.core.jobs.model import JobStatus


class IntegerFilter(django_filters.NumberFilter):  # type: ignore[misc]
    """Accepts whole numbers only: the database would truncate 1.5 to 1 and return the wrong rows."""

    field_class = forms.IntegerField


class ArchivedFilter(django_filters.ChoiceFilter):  # type: ignore[misc]
    """Leaves out what is archived; with `archived=1` the list has that instead."""

    def __init__(self, **more: Any) -> None:
        choices = [(value, value) for value in ("0", "1", "false", "true")]
        super().__init__(choices=choices, error_messages={"invalid_choice": "Must be 0 or 1."}, **more)

    def filter(self, qs: Any, value: str) -> Any:
        return qs.filter(archived_at__isnull=value not in ("1", "true"))


class StatusFilter(django_filters.FilterSet):  # type: ignore[misc]
    """For lists of jobs."""

    status = django_filters.ChoiceFilter(choices=JobStatus.choices)


class RunFilter(StatusFilter):
    """For lists of runs at an endpoint."""

    endpoint = django_filters.CharFilter(field_name="endpoint__name")


_BOOLEANS = ("", "true", "false")
_TYPES = {IntegerFilter: int, django_filters.BooleanFilter: bool, ArchivedFilter: bool, django_filters.DateFilter: date}


def parameters_of(filterset: type[django_filters.FilterSet]) -> list[OpenApiParameter]:
    """The filters, for the OpenAPI document: drf-spectacular finds them only in generic views."""
    filters = filterset.base_filters.items()
    return [OpenApiParameter(name, _TYPES.get(type(filter_), str), enum=_choices(filter_)) for name, filter_ in filters]


def _choices(filter_: Any) -> list[str] | None:
    if type(filter_) is not django_filters.ChoiceFilter:
        return None
    return [value for value, _ in filter_.extra["choices"]]


def filtered(filterset: type[django_filters.FilterSet], request: Request, queryset: Any) -> Any:
    """The queryset narrowed by the request's parameters. Raises ValidationError for unknown filters and values."""
    filters = filterset(request.query_params, queryset=queryset, request=request)
    if errors := {**_ignored_parameters(filters), **filters.errors}:
        raise serializers.ValidationError(errors)
    return filters.qs


class QuerySerializer(serializers.Serializer[Any]):
    """The filters of a list that no filter set describes. Unknown ones are errors."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if errors := _unknown_filters(self.initial_data, self.fields):
            raise serializers.ValidationError(errors)
        return attrs


def _unknown_filters(given: Iterable[str], filters: Iterable[str]) -> dict[str, list[str]]:
    """An error for each parameter that would be ignored, and every row returned."""
    names = [*filters, *Pages.PARAMETERS]
    return {name: [f"Unknown filter. Filters are {', '.join(names)}."] for name in {*given} - {*names}}


def _ignored_parameters(filters: Any) -> dict[str, list[str]]:
    """Parameters and values that django-filter would ignore."""
    errors = _unknown_filters(filters.data, filters.filters)
    for name, filter_ in filters.filters.items():
        if (
            isinstance(filter_, django_filters.BooleanFilter)
            and filters.data.get(name, "true").lower() not in _BOOLEANS
        ):
            errors[name] = ["Must be true or false."]
    return errors
