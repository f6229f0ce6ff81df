"""The messages between a grading pool and its children: a four-byte length, then MessagePack."""

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
    """A grade and its reason. `last` means that the child exits now, because it has used up its memory."""

    grade: str
    reason: str
    last: bool = False


Message = TypeVar("Message", Request, Reply)


class ChannelClosed(ConnectionError):
    """The other process closed the channel."""


def send(channel: socket.socket, message: Request | Reply) -> None:
    """Send one message. Raises OSError if the channel is closed, TimeoutError after the socket's own time limit."""
    body = msgspec.msgpack.encode(message)
    channel.sendall(len(body).to_bytes(HEADER) + body)


def receive(channel: socket.socket, kind: type[Message], *, deadline: float | None = None) -> Message:
    """The next message. Raises TimeoutError after `deadline` (by time.monotonic()), ChannelClosed at the end."""
    size = int.from_bytes(_exactly(channel, HEADER, deadline))
    return msgspec.msgpack.decode(_exactly(channel, size, deadline), type=kind)


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    data = b""
    while len(data) < size:
        if deadline is not None:
            # A timeout of 0 means "do not block" and would raise BlockingIOError.
            channel.settimeout(max(0.001, deadline - time.monotonic()))
        piece = channel.recv(size - len(data))
        if not piece:
            raise ChannelClosed
        data += piece
    return data
