"""Texts of a request outside a JSON body: path, query, cookies and form fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.core.faults import Fault
from apps.core.http.fault_responses import fault_response, is_for_api
from apps.core.json_input import text_problem


class RequestTextMiddleware:
    """Refuses texts that cannot be stored before a view, the session or a filter reads them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        texts = [("address", request.path_info), *_fields(request.GET.lists())]
        texts += [(f"cookie {name}", text) for name, text in request.COOKIES.items()]
        return _refusal(request, texts) or self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """Check the fields of a form. The API checks its bodies in its parsers."""
        if request.method != "POST" or is_for_api(request) or getattr(view, "csrf_exempt", False):
            return None
        return _refusal(request, _fields(request.POST.lists()))


def _fields(lists: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, str]]:
    return [(name, str(text)) for name, values in lists for text in (name, *values)]


def _refusal(request: HttpRequest, texts: Iterable[tuple[str, str]]) -> HttpResponse | None:
    for name, text in texts:
        if problem := text_problem(text):
            field = name.replace("\x00", "")
            return fault_response(
                request, Fault(400, "invalid", "Invalid request", f"{field}: {problem}.", {field: problem})
            )
    return None
