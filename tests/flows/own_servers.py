"""PostgreSQL, Valkey and workers of a few tests' own, to be stopped, killed and started again in the midst of things."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from annotate.local.servers import start_postgres, start_valkey, stop_postgres, stop_valkey
from tests.processes import ROOT, any_worker, eventually, kill
from tests.unsafe_postgres import guard_no_data


class OwnServers:
    def __init__(self, home: Path) -> None:
        self.home = home
        self._postgres, self._valkey = home / "postgres", home / "valkey"
        # What has been started is stopped also when the next one does not start.
        with ExitStack() as started:
            self._start(started)
            self._started = started.pop_all()

    def _start(self, started: ExitStack) -> None:
        urls = {"DATABASE_URL": start_postgres(self._postgres)}
        started.callback(stop_postgres, self._postgres)
        guard_no_data(urls["DATABASE_URL"])
        urls["REDIS_URL"] = start_valkey(self._valkey)
        started.callback(stop_valkey, self._valkey)
        # The settings of the product: those of the tests give each of xdist's workers another Redis database.
        self.environment = {
            **os.environ,
            **urls,
            "DJANGO_SETTINGS_MODULE": "annotate.settings",
            "ANNOTATE_HOME": str(self.home),
            "SECRET_KEY": "own servers " * 5,
        }
        self._driver = self._process([sys.executable, "-m", "tests.flows.driver"])
        started.callback(self._end_driver)
        self.do("migrate")

    def _end_driver(self) -> None:
        kill(self._driver)  # type: ignore[arg-type]
        self._driver.wait()

    def _process(self, command: list[str], *, quiet: bool = False) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            text=True,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL if quiet else subprocess.PIPE,
        )

    def do(self, act: str, **told: object) -> Any:
        """One of the driver's acts."""
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        self._driver.stdin.write(json.dumps({"act": act, **told}) + "\n")
        self._driver.stdin.flush()
        answer = self._driver.stdout.readline()
        assert answer, f"the driver has ended at {act}"
        return json.loads(answer)

    @contextmanager
    def worker(self, processes: int = 2) -> Iterator[subprocess.Popen[str]]:
        worker = self._process(any_worker(processes), quiet=True)
        try:
            yield worker
        finally:
            kill(worker)  # type: ignore[arg-type]
            worker.wait()

    def goes_on(self, by: int = 40) -> None:
        """Wait until more rollouts are stored than now."""
        before = self.do("state")["rollouts"]
        eventually(lambda: self.do("state")["rollouts"] >= before + by)

    def restart_postgres(self, *, crash: bool) -> None:
        """In order, or so that it loses what it had not written yet."""
        if crash:
            pid = int((self._postgres / "postmaster.pid").read_text().splitlines()[0])
            os.kill(pid, signal.SIGQUIT)
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).wait(20)
        else:
            stop_postgres(self._postgres)
        start_postgres(self._postgres)

    def restart_valkey(self, *, crash: bool) -> None:
        """In order, or with all that it held gone: messages, shares, cached grades."""
        if crash:
            found = [one for one in psutil.process_iter(["cmdline"]) if self._is_valkey(one)]
            assert found, "no Valkey runs on this folder"
            for one in found:
                one.kill()
                one.wait(20)
            for file in self._valkey.glob("*.rdb"):
                file.unlink()
        else:
            stop_valkey(self._valkey)
        time.sleep(0.5)  # It is away for a moment at least: that is what is tested.
        start_valkey(self._valkey)

    def _is_valkey(self, process: psutil.Process) -> bool:
        """Of this test, and of no other."""
        return str(self._valkey / "valkey.conf") in (process.info["cmdline"] or []) or any(
            str(self._valkey) in part for part in process.info["cmdline"] or []
        )

    def close(self) -> None:
        self._started.close()


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServers]:
    with ExitStack() as stack:
        home = stack.enter_context(tempfile.TemporaryDirectory(prefix="annotate-own-", ignore_cleanup_errors=True))
        servers = OwnServers(Path(home))
        stack.callback(servers.close)
        yield servers
