"""The errors that a user can cause. Only the API, the pages and the commands turn them into responses."""

from __future__ import annotations

from collections.abc import Mapping


class DomainError(Exception):
    """A request breaks a rule of the domain.

    `code` is stable and for programs, `message` is a sentence for people, `fields` maps the name of an input to what
    is wrong with it, and `status` is the HTTP status of the answer.
    """

    code = "invalid"
    status = 400

    def __init__(self, message: str, *, code: str | None = None, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.fields = dict(fields or {})


class NotFound(DomainError):
    """The object does not exist, or the user must not learn that it does: the response is the same."""

    code = "not_found"
    status = 404


class NotAllowed(DomainError):
    code = "not_allowed"
    status = 403


class Conflict(DomainError):
    code = "conflict"
    status = 409


class Unprocessable(DomainError):
    code = "unprocessable"
    status = 422


class Unavailable(DomainError):
    """A server that the answer needs is away: the same request may succeed later."""

    code = "unavailable"
    status = 503
