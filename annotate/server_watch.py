"""The embedded servers while a run lasts: one that dies is started again, and that is said."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from annotate.children import TOO_OFTEN, CannotRun, say
from annotate.embedded import (
    EmbeddedError,
    held,
    is_postgres_alive,
    is_valkey_alive,
    start_postgres,
    start_valkey,
)
from annotate.env import Environment

STARTS_WITHIN_S = 60.0


@dataclass
class WatchedServer:
    """One embedded server: its name for people, its folder, its log, and what is done about it."""

    name: str
    folder: Path
    log: Path
    start: Callable[[Path], str]
    is_alive: Callable[[Path], bool]
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_OFTEN))


class ServerWatch:
    """The servers that this run brings itself. One that a URL names is its operator's: readyz says when it is down."""

    def __init__(self, env: Environment) -> None:
        """`env` as it was before the embedded servers put their URLs into it."""
        self.home = env.home
        self.servers: list[WatchedServer] = []
        if env.database_url is None:
            folder = env.home / "postgres"
            self.servers.append(WatchedServer("PostgreSQL", folder, folder / "log", start_postgres, is_postgres_alive))
        if env.redis_url is None:
            folder = env.home / "valkey"
            self.servers.append(WatchedServer("Valkey", folder, folder / "valkey.log", start_valkey, is_valkey_alive))

    def look(self, stopping: threading.Event) -> None:
        """Start again what has died. Raises CannotRun when that does not help."""
        for server in self.servers:
            if not stopping.is_set() and not server.is_alive(server.folder):
                self._start_again(server, stopping)

    def _start_again(self, server: WatchedServer, stopping: threading.Event) -> None:
        now = time.monotonic()
        server.deaths.append(now)
        if len(server.deaths) == TOO_OFTEN and now - server.deaths[0] < 60:
            raise CannotRun(f"{server.name} died {TOO_OFTEN} times within a minute: see {server.log}")
        say(f"{server.name} died and is started again; its log is {server.log}")
        while not stopping.is_set():
            try:
                # Nobody else starts or stops servers on this folder meanwhile.
                with (self.home / "starting.lock").open("w") as lock, held(lock):
                    server.start(server.folder)
            except (EmbeddedError, OSError) as error:
                # After a crash PostgreSQL may have to wait for the last of its processes to end.
                if time.monotonic() > now + STARTS_WITHIN_S:
                    raise CannotRun(f"{server.name} could not be started again: {error}") from error
                stopping.wait(1.0)
            else:
                say(f"{server.name} answers again")
                return
