"""A fault as an answer: JSON for programs, a page for people. Asks neither the database nor the session."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from apps.core.faults import Fault


def is_for_api(request: HttpRequest) -> bool:
    return request.path.startswith("/api/")


def fault_response(request: HttpRequest, fault: Fault) -> HttpResponse:
    if is_for_api(request):
        body: dict[str, Any] = {"code": fault.code, "message": fault.message}
        if fault.fields:
            body["fields"] = fault.fields
        answer: HttpResponse = JsonResponse({"error": body}, status=fault.status)
    else:
        # Rendered without the request, so that nobody is looked up: the database may be what is down.
        answer = HttpResponse(render_to_string("fault.html", {"fault": fault}), status=fault.status)
    if fault.retry_after_s is not None:
        answer["Retry-After"] = str(fault.retry_after_s)
    return answer
