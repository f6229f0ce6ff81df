"""The API as a page to read and to try, made from the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.views import SpectacularAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

OF_PROJECT = "/api/v1/projects/{slug}/"


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "api/docs.html")


def describe_operations(result: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Group the operations by what they are about, since most paths begin with `projects`, and sum each up in a line."""
    for path, operations in result["paths"].items():
        resource = path.removeprefix(OF_PROJECT) if path.startswith(OF_PROJECT) else path.removeprefix("/api/v1/")
        for operation in operations.values():
            operation["tags"] = [resource.partition("/")[0]]
            if text := operation.get("description"):
                operation["summary"] = text.partition("\n")[0].partition(". ")[0].rstrip(".")
    return result


class _FormatOfDocument(DefaultContentNegotiation):
    """`?format=json` chooses the form of the document; on lists, `format` is a filter."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        chosen: tuple[BaseRenderer, str] = super().select_renderer(
            request, renderers, format_suffix or request.query_params.get("format")
        )
        return chosen


class SchemaDocument(SpectacularAPIView):
    content_negotiation_class = _FormatOfDocument
