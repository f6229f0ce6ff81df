"""HTTP: the token, retries with backoff, pages and downloads."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from annotate_client.errors import AnnotateError, ConnectionFailed, RateLimited, ServerError, error_for

Json = dict[str, Any]
Params = Mapping[str, str | int | float | bool | None]

SAFE = ("GET", "HEAD", "PUT", "DELETE")
PASSING = (502, 503, 504)
# The request has not reached the server.
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
PAGE_SIZE = 1000


@dataclass(frozen=True, slots=True)
class Retries:
    """`attempts` in all. Waits double from `first_wait` seconds on; no wait is longer than `longest_wait`."""

    attempts: int = 6
    first_wait: float = 0.25
    longest_wait: float = 60.0

    def wait(self, attempt: int, asked: float | None) -> float | None:
        """Seconds before the next attempt; None when there is to be none."""
        if attempt >= self.attempts or (asked is not None and asked > self.longest_wait):
            return None
        if asked is not None:
            return asked
        # Random, so that many clients do not come back at once.
        return min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311


class Transport:
    def __init__(
        self,
        url: str,
        token: str,
        *,
        timeout: float,
        retries: Retries,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        base = url.rstrip("/").removesuffix("/api/v1")
        self.retries = retries
        self.http = httpx.Client(
            base_url=f"{base}/api/v1",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=timeout,
            transport=transport,
        )

    def get(self, path: str, params: Params | None = None) -> Any:
        return self.request("GET", path, params=params)

    def post(self, path: str, json: Json | None = None, *, is_repeatable: bool = False) -> Any:
        return self.request("POST", path, json=json or {}, is_repeatable=is_repeatable)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        params: Params | None = None,
        is_repeatable: bool | None = None,
    ) -> Any:
        """The body of the response; None without one. `is_repeatable`: the request may be processed twice."""
        repeatable = method in SAFE if is_repeatable is None else is_repeatable
        request = self.http.build_request(method, path, json=json, params=_without_none(params))
        return _body(self._send(request, is_repeatable=repeatable))

    def upload(self, path: str, file: IO[bytes], filename: str, fields: Mapping[str, str]) -> Any:
        """Send a file, again from its beginning where the connection breaks: a second import of it adds nothing."""

        def request() -> httpx.Request:
            file.seek(0)
            return self.http.build_request("POST", path, files={"file": (filename, file)}, data=dict(fields))

        return _body(self._send(request(), is_repeatable=True, again=request))

    def pages(self, path: str, params: Params | None = None) -> Iterator[Any]:
        """The rows of all pages of a list. Only the query of `next` is used: the token goes to no other host."""
        query: dict[str, Any] = {"page_size": PAGE_SIZE, **_without_none(params)}
        while True:
            page = self.get(path, query)
            yield from page["results"]
            if not page["next"]:
                return
            query = dict(parse_qsl(urlsplit(page["next"]).query))

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """An open response. What breaks while it is read is an httpx.TransportError."""
        response = self._send(self.http.build_request("GET", path, headers=headers), is_repeatable=True, stream=True)
        try:
            yield response
        finally:
            response.close()

    def _send(
        self, request: httpx.Request, *, is_repeatable: bool, stream: bool = False, again: Any = None
    ) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            asked: float | None = None
            try:
                response = self.http.send(request, stream=stream)
            except httpx.TransportError as error:
                failure: AnnotateError = ConnectionFailed(f"{request.url.host} cannot be reached: {error}")
                failure.__cause__ = error
                may_retry = is_repeatable or isinstance(error, UNSENT)
            else:
                if response.is_success:
                    return response
                failure = _failure(response)
                asked = _retry_after(response)
                # With 429 the server has not looked at the request.
                may_retry = response.status_code == 429 or (is_repeatable and response.status_code in PASSING)
            if isinstance(failure, RateLimited):
                failure.retry_after_s = asked
            wait = self.retries.wait(attempt, asked) if may_retry else None
            if wait is None:
                raise failure
            time.sleep(wait)
            request = again() if again is not None else request


def _without_none(params: Params | None) -> dict[str, Any]:
    """Booleans in the way of the API."""
    given = {name: value for name, value in (params or {}).items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def _body(response: httpx.Response) -> Any:
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ServerError("The response is not JSON: is this the address of Annotate?") from error


def _failure(response: httpx.Response) -> AnnotateError:
    try:
        response.read()
    except httpx.TransportError as error:
        return ConnectionFailed(f"The connection broke: {error}")
    finally:
        response.close()
    if response.is_redirect:
        return ServerError(
            f"The server redirects to {response.headers.get('Location')}: use that address.",
            status=response.status_code,
        )
    try:
        body = response.json()
    except ValueError:
        body = None
    return error_for(response.status_code, body)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, from either form of the header."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
