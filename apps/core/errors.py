"""The errors that a user can cause. Views and the API turn them into answers; nothing else does."""

from __future__ import annotations

from collections.abc import Mapping


class DomainError(Exception):
    """Something was asked that the rules of the house do not allow.

    `code` is stable and for machines, the message is a sentence for people, `fields` maps the name
    of an input to what is wrong with it.
    """

    code = "invalid"
    status = 400

    def __init__(self, message: str, *, code: str | None = None, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.fields = dict(fields or {})


class NotAllowed(DomainError):
    code = "not_allowed"
    status = 403


class Conflict(DomainError):
    code = "conflict"
    status = 409


class Unprocessable(DomainError):
    code = "unprocessable"
    status = 422
