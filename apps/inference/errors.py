"""Failures of requests to a model, by how to react to them. Pure."""

from __future__ import annotations


class EndpointFailure(Exception):
    """The model did not answer. The message is a sentence for people and never contains an API key."""

    code = "failed"

    def __init__(self, message: str, *, requests: int = 1) -> None:
        super().__init__(message)
        self.requests = requests


class Unreachable(EndpointFailure):
    """No connection, or no response in time, after several attempts."""

    code = "unreachable"


class Overloaded(EndpointFailure):
    """Server errors (5xx), after several attempts."""

    code = "overloaded"


class RateLimited(Overloaded):
    """The server works but asks for fewer requests (429), after several attempts."""

    code = "too_many"


class KeyRefused(EndpointFailure):
    """The server refuses the key, or the key may not use the model. A retry is useless."""

    code = "key_refused"


class NotServed(EndpointFailure):
    """The address serves no such model, or no such path."""

    code = "not_served"


class RequestRefused(EndpointFailure):
    """The server refuses this one request."""

    code = "refused"


class PromptTooLong(RequestRefused):
    """The prompt exceeds the model's context. Fewer choices would not help, and other requests are not affected."""

    code = "prompt_too_long"


class SettingRefused(RequestRefused):
    """The server does not know one of the settings; the request can be sent without it."""

    code = "setting_refused"

    def __init__(self, message: str, setting: str, *, requests: int = 1) -> None:
        super().__init__(message, requests=requests)
        self.setting = setting


class InvalidResponse(EndpointFailure):
    """The response is not a completion."""

    code = "unreadable"


class AddressNotAllowed(EndpointFailure):
    """The address is not on the public internet, and the operator has not allowed it."""

    code = "address_not_allowed"


# Every other request would fail in the same way.
PERMANENT_FAILURES = (KeyRefused, NotServed, AddressNotAllowed)
