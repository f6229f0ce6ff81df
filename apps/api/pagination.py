"""Lists as cursor pages or, for clients that accept NDJSON, as one stream. Neither counts rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from apps.core.numbers import is_number

Row = dict[str, Any]

FOREIGN_CURSOR = "Must be the cursor of a page's `next`, unchanged."


class Pages(CursorPagination):
    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000
    PARAMETERS = ("cursor", "page_size")
    ordering = "id"  # What a cursor's position is read as: see `decode_cursor`.

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises ValidationError for a cursor that no page returned: its position must be a row id."""
        try:
            cursor: Cursor | None = super().decode_cursor(request)
        except NotFound as error:
            raise ValidationError({"cursor": [FOREIGN_CURSOR]}) from error
        if cursor is None or cursor.position is None:
            return cursor
        if not is_number(str(cursor.position)):
            raise ValidationError({"cursor": [FOREIGN_CURSOR]})
        return cursor

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": "string", "format": "uri", "nullable": True},
            },
        }


def page_of(
    view: APIView, request: Request, queryset: QuerySet[Any], serializer: type[BaseSerializer[Any]]
) -> Response:
    """A page of the queryset, as the serializer represents its objects."""
    pages = Pages()
    return pages.get_paginated_response(
        serializer(pages.paginate_queryset(queryset, request, view=view), many=True).data
    )


class NdjsonRenderer(BaseRenderer):
    """Only names the media type for content negotiation: `stream` does the writing."""

    media_type = "application/x-ndjson"
    format = "ndjson"

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return msgspec.json.encode(data) + b"\n"


class ListView(APIView):
    """A list: one page of JSON, or every row when the client accepts NDJSON."""

    renderer_classes = [JSONRenderer, NdjsonRenderer]
    pagination_class = Pages

    def answer(
        self, request: Request, queryset: QuerySet[Any], rows: Callable[[Iterable[Any]], Iterator[Row]]
    ) -> HttpResponseBase:
        """`rows` turns some objects of the queryset into their rows, in order."""
        if isinstance(request.accepted_renderer, NdjsonRenderer):
            return StreamingHttpResponse(_lines(queryset.order_by("id"), rows), content_type=NdjsonRenderer.media_type)
        pages = Pages()
        return pages.get_paginated_response(list(rows(pages.paginate_queryset(queryset, request, view=self) or [])))


def _lines(
    queryset: QuerySet[Any], rows: Callable[[Iterable[Any]], Iterator[Row]], size: int = 1000
) -> Iterator[bytes]:
    """By keyset and chunk: no long-lived cursor, and memory stays flat however long the list."""
    last = 0
    while chunk := list(queryset.filter(id__gt=last)[:size]):
        yield b"".join(msgspec.json.encode(row) + b"\n" for row in rows(chunk))
        last = chunk[-1].pk
