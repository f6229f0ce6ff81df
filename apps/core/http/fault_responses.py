"""A fault as a response: JSON for the API, a page otherwise. Uses neither the database nor the session."""

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
        response: HttpResponse = JsonResponse({"error": body}, status=fault.status)
    else:
        # Rendered without the request, so that no user is looked up: the database may be down.
        response = HttpResponse(render_to_string("fault.html", {"fault": fault}), status=fault.status)
    if fault.retry_after_s is not None:
        response["Retry-After"] = str(fault.retry_after_s)
    return response
