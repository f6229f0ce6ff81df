"""The guard against server-side request forgery: which addresses an endpoint may have. Pure.

A project's manager chooses a URL, and our servers connect to it: without a guard that would open every network that
they are part of. Only the public internet is allowed; the operator must allow any other address. The check is made on
the address that a socket is about to connect to, so DNS rebinding, numbers in other bases and embedded IPv4 addresses
do not evade it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from apps.core.errors import DomainError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

SETTING = "ENDPOINT_ALLOWED_ADDRESSES"
REFUSAL = (
    "This address is not on the public internet, and the operator of this Annotate has not allowed it: "
    f"see {SETTING} in docs/settings.md."
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The IPv6 range of the public internet. Site-local, unique local and link-local addresses, network-local translation,
# segment routing and unassigned ranges are outside.
_UNICAST = ipaddress.ip_network("2000::/3")
# Protocol assignments (an anycast address leads to the nearest router), tunnel relays and documentation. Versions of
# Python differ in which of them are global.
_SPECIAL = [ipaddress.ip_network(network) for network in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")]


class AddressRefused(OSError):
    """The address that the URL holds, or that its name resolves to, is not allowed."""


@dataclass(frozen=True, slots=True)
class AllowedAddress:
    """An entry of the operator's setting: a network or a host name, at one port or at any."""

    network: IPNetwork | None
    host: str
    port: int | None

    def allows(self, host: str, address: IPAddress, port: int) -> bool:
        if self.port not in (None, port):
            return False
        if self.network is None:
            return self.host == host
        return address.version == self.network.version and address in self.network


def parse_allowed(entry: str) -> AllowedAddress:
    """`10.0.0.0/8`, `127.0.0.1:8080`, `[::1]:8080`, `models.internal`. Raises ValueError."""
    text = entry.strip().lower()
    name, port = text, None
    if text.startswith("["):
        name, closing, rest = text[1:].partition("]")
        if not closing:
            raise ValueError(f"{entry!r} is not an address: the closing bracket is missing")
        port = _port(rest.removeprefix(":"), entry) if rest else None
    elif text.count(":") == 1:
        name, _, digits = text.partition(":")
        port = _port(digits, entry)
    try:
        return AllowedAddress(ipaddress.ip_network(name), "", port)
    except ValueError:
        # `_` is invalid in internet host names, but Docker Compose uses it.
        is_name = bool(name) and all(re.sub("[-_]", "", part).isalnum() for part in name.split("."))
        if not is_name or "/" in name or name.replace(".", "").isdigit():
            raise ValueError(f"{entry!r} is not an address, network or host name with an optional :port") from None
        return AllowedAddress(None, name, port)


def _port(digits: str, entry: str) -> int:
    if not (digits.isascii() and digits.isdigit()) or not 1 <= int(digits[:6]) <= 65535:
        raise ValueError(f"{entry!r} has a port outside 1 to 65535")
    return int(digits)


def parse_setting(entries: Iterable[str]) -> list[AllowedAddress]:
    """Raises DomainError with the names of the setting and the invalid entry."""
    try:
        return [parse_allowed(entry) for entry in entries]
    except ValueError as error:
        raise DomainError(f"The operator's setting {SETTING} cannot be read: {error}.", code="bad_setting") from error


def host_and_port(url: str) -> tuple[str, int]:
    """The host and port of a base URL. Raises ValueError if they cannot be read."""
    parts = urlsplit(url)
    return (parts.hostname or "").rstrip("."), parts.port or (443 if parts.scheme == "https" else 80)


def address_entry(url: str) -> str:
    """The entry that allows this URL's host at its port only."""
    host, port = host_and_port(url)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_entry_of(entry: str, url: str) -> bool:
    """Whether the entry names the host and port of this URL, ignoring a trailing dot."""
    try:
        return bool(entry) and host_and_port(f"http://{entry}") == host_and_port(url)
    except ValueError:
        return False


class AddressGuard:
    """Guards the connections to one URL. `refused` is set when an address was not allowed.

    `is_vouched`: the operator chose this URL, so its host may have any address, at its port. Raises DomainError if the URL
    or an entry of the setting cannot be read.
    """

    def __init__(self, url: str, allowed: Sequence[str], *, is_vouched: bool = False) -> None:
        try:
            self.host, self.port = host_and_port(url)
        except ValueError as error:
            raise DomainError("The endpoint's URL cannot be read.", fields={"url": "not a base URL"}) from error
        self.allowed = parse_setting(allowed)
        if is_vouched:
            self.allowed.append(AllowedAddress(None, self.host, self.port))
        self.refused = False

    def check(self, address: str, port: int) -> None:
        """Raise AddressRefused if the address is not allowed."""
        ip = ipaddress.ip_address(address.partition("%")[0])
        if not is_public(ip) and not any(
            entry.allows(self.host, candidate, port) for entry in self.allowed for candidate in (ip, innermost(ip))
        ):
            self.refused = True
            raise AddressRefused(REFUSAL)

    def check_literal(self) -> None:
        """Check a URL that holds an IP address, in any notation, before connecting. Raises AddressRefused."""
        try:
            resolved = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except (OSError, UnicodeError):
            if self.host == "localhost" or self.host.endswith(".localhost"):
                self.check("127.0.0.1", self.port)
            return
        for *_, place in resolved:
            self.check(str(place[0]), self.port)

    def make_socket(self, place: tuple[Any, ...]) -> socket.socket:
        """aiohttp's `socket_factory`, called with the address that it is about to connect to."""
        family, kind, protocol, _, (address, port, *_) = place
        self.check(address, port)
        return socket.socket(family=family, type=kind, proto=protocol)


def is_public(address: IPAddress) -> bool:
    inner = innermost(address)
    if inner.version == 6 and inner not in _UNICAST:
        return False
    if any(inner in network for network in _SPECIAL if network.version == inner.version):
        return False
    return inner.is_global and not inner.is_multicast and not inner.is_reserved and not inner.is_unspecified


def innermost(address: IPAddress) -> IPAddress:
    """The IPv4 address embedded in an IPv6 address (mapped, translated or tunnelled), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
