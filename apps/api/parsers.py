"""Parsers of request bodies: bounded, UTF-8, and free of text that PostgreSQL cannot store. Views rely on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import QueryDict
from rest_framework import exceptions, parsers

from apps.core.errors import DomainError
from apps.core.json_input import read_json_object, text_problem


class BodyTooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = f"A request body without files may have at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes."


class JSONParser(parsers.JSONParser):
    """Reads one JSON object. RFC 8259 allows UTF-8 only."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        charset = str((parser_context or {}).get("encoding") or "utf-8")
        if charset.lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii", "ascii"):
            raise exceptions.UnsupportedMediaType(charset, detail=f"JSON must be UTF-8, not {charset!r}.")
        content = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(content) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge
        return read_json_object(content)


class FormParser(parsers.FormParser):
    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        content = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(content) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise BodyTooLarge
        return _checked(QueryDict(content, encoding="utf-8"))


class MultiPartParser(parsers.MultiPartParser):
    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> parsers.DataAndFiles[Any, Any]:
        parsed = super().parse(stream, media_type, parser_context)
        _checked(parsed.data)
        return parsed


def _checked(form: QueryDict) -> QueryDict:
    """Raises DomainError naming the first field whose text cannot be stored."""
    for name, texts in form.lists():
        for text in (name, *texts):
            if isinstance(text, str) and (problem := text_problem(text)):
                shown = name.replace("\x00", "")
                raise DomainError(f"{shown}: {problem}.", fields={shown: problem})
    return form
