"""The servers that tests start for themselves leave nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil
import pytest

from tests.flows.own_servers import OwnServers


def test_what_was_started_is_stopped_when_the_next_does_not_start() -> None:
    # Not in tmp_path: its name is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="annotate-own-") as folder:
        home = Path(folder)
        (home / "valkey").write_text("no folder")
        with pytest.raises(FileExistsError):
            OwnServers(home)
        assert (home / "postgres" / "PG_VERSION").exists(), "it had been started"
        left = [one for one in psutil.process_iter(["cmdline"]) if str(home) in " ".join(one.info["cmdline"] or [])]
        assert left == []
