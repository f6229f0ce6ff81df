"""Watches the embedded servers of a run: a server that dies is started again, with a line on standard error."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from annotate.env import Environment
from annotate.local.errors import LocalError
from annotate.local.processes import MAX_DEATHS, say
from annotate.local.servers import held, is_postgres_alive, is_valkey_alive, start_postgres, start_valkey

STARTS_WITHIN_S = 60.0


@dataclass
class WatchedServer:
    """One embedded server: its display name, its folder, its log, and how it is started and checked."""

    name: str
    folder: Path
    log: Path
    start: Callable[[Path], str]
    is_alive: Callable[[Path], bool]
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_DEATHS))


class ServerWatch:
    """The embedded servers of this run. The operator watches a server that a URL names; readyz reports when it is down."""

    def __init__(self, env: Environment) -> None:
        """`env` is the environment before the embedded servers put their URLs into it."""
        self.home = env.home
        self.servers: list[WatchedServer] = []
        if env.database_url is None:
            folder = env.home / "postgres"
            self.servers.append(WatchedServer("PostgreSQL", folder, folder / "log", start_postgres, is_postgres_alive))
        if env.redis_url is None:
            folder = env.home / "valkey"
            self.servers.append(WatchedServer("Valkey", folder, folder / "valkey.log", start_valkey, is_valkey_alive))

    def look(self, stopping: threading.Event) -> None:
        """Restart every server that has died. Raises LocalError if restarts do not help."""
        for server in self.servers:
            if not stopping.is_set() and not server.is_alive(server.folder):
                self._start_again(server, stopping)

    def _start_again(self, server: WatchedServer, stopping: threading.Event) -> None:
        now = time.monotonic()
        server.deaths.append(now)
        if len(server.deaths) == MAX_DEATHS and now - server.deaths[0] < 60:
            raise LocalError(f"{server.name} died {MAX_DEATHS} times within a minute: see {server.log}")
        say(f"{server.name} died and is started again; its log is {server.log}")
        while not stopping.is_set():
            try:
                with (self.home / "starting.lock").open("w") as lock, held(lock):
                    server.start(server.folder)
            except (LocalError, OSError) as error:
                # After a crash PostgreSQL may have to wait for the last of its processes to end.
                if time.monotonic() > now + STARTS_WITHIN_S:
                    raise LocalError(f"{server.name} could not be started again: {error}") from error
                stopping.wait(1.0)
            else:
                say(f"{server.name} answers again")
                return
