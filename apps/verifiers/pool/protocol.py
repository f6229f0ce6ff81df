"""What a grading pool and its children say to each other: MessagePack behind a four-byte length."""

from __future__ import annotations

import socket
import time
from typing import TypeVar

import msgspec

HEADER = 4


class Request(msgspec.Struct, array_like=True, frozen=True):
    """One pair to grade."""

    verifier: str
    reference: str
    answer: str


class Reply(msgspec.Struct, array_like=True, frozen=True):
    """A verdict and its reason. `last` says that the child ends now, since its memory is spent."""

    grade: str
    reason: str
    last: bool = False


Message = TypeVar("Message", Request, Reply)


class ChannelClosed(ConnectionError):
    """The other side is gone."""


def send(channel: socket.socket, message: Request | Reply) -> None:
    """Raises OSError when the other side is gone, TimeoutError by the socket's own time limit."""
    body = msgspec.msgpack.encode(message)
    channel.sendall(len(body).to_bytes(HEADER) + body)


def receive(channel: socket.socket, kind: type[Message], *, deadline: float | None = None) -> Message:
    """The next message. `deadline` is on time.monotonic()'s clock; raises TimeoutError, ChannelClosed."""
    size = int.from_bytes(_exactly(channel, HEADER, deadline))
    return msgspec.msgpack.decode(_exactly(channel, size, deadline), type=kind)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    data = b""
    while len(data) < size:
        if deadline is not None:
            # A socket takes 0 for "do not block", which would raise BlockingIOError.
            channel.settimeout(max(0.001, deadline - time.monotonic()))
        piece = channel.recv(size - len(data))
        if not piece:
            raise ChannelClosed
        data += piece
    return data
