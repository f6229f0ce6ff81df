"""One shape for every error: `{"error": {"code", "message", "fields"?}}`."""

from __future__ import annotations

import sys
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found, server_error
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.core.errors import DomainError
from apps.core.faults import Fault, fault_of
from apps.core.http.fault_responses import fault_response, is_for_api


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler. None means that the error is unknown, and becomes a 500."""
    if isinstance(error, DomainError):
        answer = shaped(error.code, error.message, error.fields, status=error.status)
    elif isinstance(error, Http404):
        answer = shaped("not_found", "Not found.", status=404)
    elif isinstance(error, PermissionDenied):
        answer = shaped("not_allowed", "You do not have permission to do this.", status=403)
    elif isinstance(error, exceptions.ValidationError):
        answer = shaped("invalid", "Some fields are invalid.", flat_errors(error.detail), status=400)
    elif isinstance(error, exceptions.APIException):
        answer = shaped(str(error.default_code), str(error.detail), status=error.status_code)
        _add_headers(answer, error)
    elif (fault := fault_of(error)) is not None:
        answer = shaped(fault.code, fault.message, fault.fields, status=fault.status)
        if fault.retry_after_s is not None:
            answer["Retry-After"] = str(fault.retry_after_s)
    else:
        return None
    set_rollback()
    return answer


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler of unknown URLs: JSON for programs, a page for people."""
    if not is_for_api(request):
        return page_not_found(request, exception)
    return JsonResponse({"error": {"code": "not_found", "message": "There is no such route."}}, status=404)


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler of requests that are malformed or end early."""
    fault = fault_of(exception) or Fault(400, "invalid", "Invalid request", "The request cannot be read.")
    return fault_response(request, fault)


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler of every other error, including those that middleware meets, such as a server that is down."""
    fault = fault_of(sys.exc_info()[1])
    if fault is not None:
        return fault_response(request, fault)
    if not is_for_api(request):
        return server_error(request)
    message = "An internal error occurred; nothing was stored. The server log has the details."
    return JsonResponse({"error": {"code": "server_error", "message": message}}, status=500)


def shaped(code: str, message: str, fields: dict[str, str] | None = None, *, status: int) -> Response:
    body: dict[str, Any] = {"code": code, "message": message}
    if fields:
        body["fields"] = fields
    return Response({"error": body}, status=status)


def _add_headers(answer: Response, error: exceptions.APIException) -> None:
    if header := getattr(error, "auth_header", None):
        answer["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        answer["Retry-After"] = str(int(wait) + 1)


def flat_errors(detail: Any, path: str = "") -> dict[str, str]:
    """`{"steps": [{"rating": ["..."]}]}` becomes `{"steps[0].rating": "..."}`."""
    if isinstance(detail, dict):
        return {
            name: text for key, value in detail.items() for name, text in flat_errors(value, _below(path, key)).items()
        }
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return {
            name: text
            for index, value in enumerate(detail)
            for name, text in flat_errors(value, f"{path}[{index}]").items()
        }
    return {path: " ".join(str(item) for item in detail) if isinstance(detail, list) else str(detail)} if detail else {}


def _below(path: str, key: Any) -> str:
    """REST framework keys the errors of a list's items by index."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
