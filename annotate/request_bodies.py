"""Passes only complete request bodies of a known length to Django.

Django reads as many bytes as `Content-Length` states, and none without it, so a chunked body would look empty. If a
client disconnects, Granian ends the body as if it were complete, so half a file would be imported as a file. Therefore
a chunked body is read to its end first, and is accepted only in a format that shows whether it is complete. A body with
a length must have that length.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

from django.utils.http import parse_header_parameters

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

BLOCK = 64 * 1024
KEPT_IN_MEMORY = 1024 * 1024
ENDING = 4096  # The closing boundary of a form is within the last bytes, of this number.
BROKEN_OFF = "The request body is incomplete. Nothing was saved: send it again."


class Refused(Exception):
    """The request gets its response without Django: status line, code and message."""


class MeasuredBodies:
    """A WSGI application in front of Django's; `limit` bounds a body without a length."""

    def __init__(self, application: Application, *, limit: int) -> None:
        self.application = application
        self.limit = limit

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if length := environ.get("CONTENT_LENGTH"):
            if length.isdecimal():
                environ["wsgi.input"] = WholeBody(environ["wsgi.input"], int(length))
            return self.application(environ, start_response)
        if not has_unmeasured_body(environ):
            return self.application(environ, start_response)
        try:
            body = read_whole(environ, self.limit)
        except Refused as refused:
            return refuse(start_response, *refused.args)
        environ["CONTENT_LENGTH"] = str(body.tell())
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        body.seek(0)
        environ["wsgi.input"] = body
        return self.application(environ, start_response)


class WholeBody:
    """Raises OSError, for which Django returns 400, if the body is shorter than its length."""

    def __init__(self, stream: Any, length: int) -> None:
        self.stream = stream
        self.left = length

    def read(self, size: int = -1) -> bytes:
        return self._counted(self.stream.read(size if size >= 0 else self.left), size)

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self.stream.readline(size if size >= 0 else self.left), size)

    def _counted(self, block: bytes, size: int) -> bytes:
        self.left -= len(block)
        if not block and size != 0 and self.left > 0:
            raise OSError("the client disconnected within the body")
        return block


def has_unmeasured_body(environ: Environ) -> bool:
    """HTTP/2 has no Transfer-Encoding: any of its bodies may lack a length."""
    is_chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    may_have_body = environ["REQUEST_METHOD"] not in ("GET", "HEAD", "OPTIONS", "TRACE")
    return is_chunked or (may_have_body and environ.get("SERVER_PROTOCOL", "").startswith(("HTTP/2", "HTTP/3")))


def read_whole(environ: Environ, limit: int) -> SpooledTemporaryFile[bytes]:
    """The body, positioned at its end. If it raises Refused, nothing of the body is kept."""
    if not environ.get("wsgi.input_terminated"):
        raise Refused(
            "411 Length Required", "length_required", "Send Content-Length: this server does not accept chunked bodies."
        )
    body: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115 - Django reads it
    try:
        while block := environ["wsgi.input"].read(BLOCK):
            check_size(body.tell() + len(block), limit)
            body.write(block)
        check_end(body, environ.get("CONTENT_TYPE", ""))
    except OSError as error:
        body.close()
        raise Refused("400 Bad Request", "invalid", BROKEN_OFF) from error
    except BaseException:
        body.close()
        raise
    return body


def check_size(size: int, limit: int) -> None:
    """Raises Refused if the size exceeds the limit."""
    if size > limit:
        message = f"A body without Content-Length may have at most {limit:,} bytes."
        raise Refused("413 Content Too Large", "too_large", message)


def check_end(body: SpooledTemporaryFile[bytes], content_type: str) -> None:
    """Raises Refused unless the body's format shows that it is complete."""
    size = body.tell()
    kind, parameters = parse_header_parameters(content_type)
    if size == 0 or kind == "application/json":
        return  # Half an object is not JSON: the parser refuses it.
    if kind != "multipart/form-data":
        message = "Send Content-Length: a chunked body must be JSON or a multipart form, which show whether they are complete."
        raise Refused("411 Length Required", "length_required", message)
    body.seek(max(0, size - ENDING))
    ending = body.read()
    if f"--{parameters.get('boundary', '')}--".encode("latin-1", "replace") not in ending:
        raise Refused("400 Bad Request", "invalid", BROKEN_OFF)


def refuse(start_response: StartResponse, status: str, code: str, message: str) -> list[bytes]:
    answer = json.dumps({"error": {"code": code, "message": message}}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(answer))), ("Connection", "close")]
    start_response(status, headers)
    return [answer]
