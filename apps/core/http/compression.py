"""Compresses pages and answers of the API."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

COMPRESSED = ("text/html", "application/json")


class CompressionMiddleware(GZipMiddleware):
    """Django's middleware for whole pages and JSON: files and streams have ranges, checksums and formats of their own."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.get("Content-Type", "").partition(";")[0]
        if response.streaming or kind not in COMPRESSED or response.has_header("Content-Disposition"):
            return response
        return super().process_response(request, response)
