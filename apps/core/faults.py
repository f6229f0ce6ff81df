"""Library errors that are not bugs: invalid input, or an outage of the database or the broker. Used by API and pages.

Most invalid input is refused where it is read, with the name of its field; the database errors below catch the rest.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import redis
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DataError, InterfaceError, OperationalError
from django.http import UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from kombu.exceptions import OperationalError as BrokerError

log = logging.getLogger(__name__)

RETRY_AFTER_S = 5
# SQLSTATE classes: connection, resources, operator intervention. An error without one means that no server was reached.
_UNREACHABLE = ("08", "53", "57")


@dataclass(frozen=True, slots=True)
class Fault:
    """The response to an error; `retry_after_s` where another try may succeed."""

    status: int
    code: str
    title: str
    message: str
    fields: dict[str, str] = field(default_factory=dict)
    retry_after_s: int | None = None


def fault_of(error: BaseException | None) -> Fault | None:
    """The fault behind an error; None for an unexpected error."""
    if isinstance(error, OperationalError | InterfaceError):
        state = getattr(error.__cause__, "sqlstate", None)
        if state is None or state.startswith(_UNREACHABLE):
            return _outage("The database cannot be reached right now. What was saved before is safe.")
        return _outage("The database could not finish this right now. What was saved before is safe.")
    if isinstance(error, BrokerError) or (
        isinstance(error, redis.RedisError) and not isinstance(error, redis.DataError)
    ):
        return _outage(
            "The message broker cannot be reached right now. Your input may have been saved: check before you "
            "send it again."
        )
    is_half_a_character = isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"
    if isinstance(error, DataError) or is_half_a_character:
        log.warning("The database refused a value that reached it unchecked.", exc_info=error)
        return _invalid("A value is out of range, or holds a character that cannot be stored.")
    return _unreadable(error)


def _outage(message: str) -> Fault:
    return Fault(
        503,
        "unavailable",
        "Not available right now",
        f"{message} Try again in {RETRY_AFTER_S} seconds.",
        retry_after_s=RETRY_AFTER_S,
    )


def _unreadable(error: BaseException | None) -> Fault | None:
    if isinstance(error, RequestDataTooBig):
        return Fault(413, "too_large", "Too large", "The body is larger than this server accepts.")
    if isinstance(error, TooManyFieldsSent | TooManyFilesSent):
        return _invalid("The form has more fields or files than this server accepts.")
    if isinstance(error, MultiPartParserError | UnreadablePostError):
        return _invalid("The form is malformed: it ends too early, or has no valid boundary.")
    if isinstance(error, BadRequest | SuspiciousOperation):
        return _invalid("The request cannot be read.")
    return None


def _invalid(message: str) -> Fault:
    return Fault(400, "invalid", "Invalid request", message)
