"""What can go wrong, as types: everything inherits from AnnotateError."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from annotate_client.imports import Import, RejectedRow


class AnnotateError(Exception):
    """`code` is stable and for programs; `fields` maps the name of an input to what is wrong with it."""

    def __init__(
        self, message: str, *, code: str = "", status: int | None = None, fields: Mapping[str, str] | None = None
    ) -> None:
        self.message = message
        self.code = code
        self.status = status
        self.fields = dict(fields or {})
        details = "".join(f"\n  {name}: {text}" for name, text in self.fields.items())
        super().__init__(f"{message}{details}")


class AuthenticationError(AnnotateError):
    """The token is missing, unknown, expired or revoked."""


class NotAllowed(AnnotateError):
    """Your role or the token's scopes do not allow the request."""


class NotFound(AnnotateError):
    """It does not exist, or you are not a member of its project."""


class Conflict(AnnotateError):
    """The request conflicts with the current state."""


class InvalidInput(AnnotateError):
    """A value is invalid; `fields` names it."""


class RateLimited(AnnotateError):
    """Too many requests, and the wait that the server asks for is longer than `Client(longest_wait=...)`."""

    retry_after_s: float | None = None


class ServerError(AnnotateError):
    """The server failed, or answered with something that is not Annotate's."""


class ConnectionFailed(AnnotateError):
    """The server cannot be reached, or the connection broke."""


class WaitTimeout(AnnotateError, TimeoutError):
    """A job has not ended within the time. It goes on: wait again."""


class JobFailed(AnnotateError):
    """An import, export, run or evaluation failed or was cancelled; `info` is its row."""

    def __init__(self, message: str, *, info: Mapping[str, Any]) -> None:
        super().__init__(message, code=str(info.get("status", "")))
        self.info = dict(info)


class JobPaused(JobFailed):
    """A run is paused, by somebody or at a limit of its budget: resume it and wait again."""


class RowsRejected(AnnotateError):
    """Rows of an import were rejected; the others are stored. `rows` has at most the first 1000 of them."""

    def __init__(self, result: Import) -> None:
        self.result = result
        self.rows: list[RejectedRow] = result.rejected_rows
        first = "".join(f"\n  {row}" for row in self.rows[:5])
        more = f"\n  and {result.rejected - 5} more" if result.rejected > 5 else ""
        super().__init__(f"{result.rejected} of {result.rows} rows were rejected:{first}{more}", code="rows_rejected")


class ChecksumMismatch(AnnotateError):
    """A downloaded file is not the one that the export describes. Nothing was stored."""


_BY_STATUS: dict[int, type[AnnotateError]] = {
    401: AuthenticationError,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}


def error_for(status: int, body: Any) -> AnnotateError:
    """The error of a response, from its body if that is Annotate's."""
    error = body.get("error") if isinstance(body, dict) else None
    error = error if isinstance(error, dict) else {}
    kind = _BY_STATUS.get(status) or (InvalidInput if 400 <= status < 500 else ServerError)
    message = str(error.get("message") or f"The server answered with the status {status}.")
    fields = error.get("fields")
    return kind(
        message, code=str(error.get("code", "")), status=status, fields=fields if isinstance(fields, dict) else None
    )
