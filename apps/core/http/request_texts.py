"""Texts that come beside a JSON body: address, query, cookies and the fields of a form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.core.faults import Fault
from apps.core.http.fault_responses import fault_response, is_for_api
from apps.core.json_input import text_problem


class RequestTextMiddleware:
    """Refuses what no column can store before a view, a session or a filter comes across it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = [("address", request.path_info), *_fields(request.GET.lists())]
        given += [(f"cookie {name}", text) for name, text in request.COOKIES.items()]
        return _refused(request, given) or self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        """The fields of a page's form. The API reads its bodies by parsers of its own."""
        if request.method != "POST" or is_for_api(request) or getattr(view, "csrf_exempt", False):
            return None
        return _refused(request, _fields(request.POST.lists()))


def _fields(lists: Iterable[tuple[str, list[Any]]]) -> list[tuple[str, str]]:
    return [(name, str(text)) for name, texts in lists for text in (name, *texts)]


def _refused(request: HttpRequest, given: Iterable[tuple[str, str]]) -> HttpResponse | None:
    for name, text in given:
        if problem := text_problem(text):
            shown = name.replace("\x00", "")
            return fault_response(
                request, Fault(400, "invalid", "Invalid request", f"{shown}: {problem}.", {shown: problem})
            )
    return None
