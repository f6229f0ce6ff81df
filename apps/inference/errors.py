"""How asking a model can fail, by what is to be done about it. Pure."""

from __future__ import annotations


class EndpointFailure(Exception):
    """The model did not answer. The message is a sentence for people and never holds a key."""

    code = "failed"

    def __init__(self, message: str, *, requests: int = 1) -> None:
        super().__init__(message)
        self.requests = requests


class Unreachable(EndpointFailure):
    """No connection, or no answer in time, several times over."""

    code = "unreachable"


class Overloaded(EndpointFailure):
    """Server errors, several times over."""

    code = "overloaded"


class TooMany(Overloaded):
    """The server is well and asks for fewer requests (429), several times over."""

    code = "too_many"


class KeyRefused(EndpointFailure):
    """The server does not take the key, or the key may not use the model. Asking again is of no use."""

    code = "key_refused"


class NotServed(EndpointFailure):
    """There is no such model, or no such path at this address."""

    code = "not_served"


class RequestRefused(EndpointFailure):
    """The server does not take this one request."""

    code = "refused"


class PromptTooLong(RequestRefused):
    """The prompt does not fit into the model: half as many choices would not help, and no other request is to blame."""

    code = "prompt_too_long"


class SettingRefused(RequestRefused):
    """The server does not know one of the settings; it can be asked without."""

    code = "setting_refused"

    def __init__(self, message: str, setting: str, *, requests: int = 1) -> None:
        super().__init__(message, requests=requests)
        self.setting = setting


class Unreadable(EndpointFailure):
    """What came back is not an answer."""

    code = "unreadable"


class AddressNotAllowed(EndpointFailure):
    """Its address is not on the public internet, and the operator has not allowed it."""

    code = "address_not_allowed"


# Failures that every other request would meet as well.
HOPELESS = (KeyRefused, NotServed, AddressNotAllowed)
