"""Error pages for broken rules and unavailable servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.defaults import page_not_found

from apps.accounts.http import AuthenticatedRequest
from apps.core.errors import DomainError, NotFound
from apps.core.faults import fault_of
from apps.core.http.fault_responses import fault_response

TITLES = {
    400: "Invalid request",
    403: "You don't have permission",
    409: "Conflict with another change",
    422: "Invalid input",
}


class DomainErrorMiddleware:
    """Turn a domain error or a known fault that a page raised into an error page. The API has its own handler."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, DomainError):
            fault = fault_of(exception)
            return None if fault is None else fault_response(request, fault)
        if isinstance(exception, NotFound):
            return page_not_found(request, exception)
        template = "dashboard/_error.html" if cast("AuthenticatedRequest", request).htmx else "error.html"
        context = {"error": exception, "title": TITLES.get(exception.status, TITLES[400])}
        return render(request, template, context, status=exception.status)
