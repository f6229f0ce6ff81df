"""The tests' own model server (`tests/openai_server.py`) as a process, with its control interface."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from annotate.local.supervisor import free_port

ROOT = Path(__file__).resolve().parent.parent.parent


class Model:
    def __init__(self, url: str) -> None:
        self.url = url
        self._base = url.removesuffix("/v1")

    def control(self, **faults: object) -> None:
        self._post("/control", faults)

    def forget(self) -> None:
        self._post("/forget", {})

    def reset(self) -> None:
        """As good as new: no faults, no counts."""
        self._post("/reset", {})

    def stats(self) -> dict[str, Any]:
        with urlopen(f"{self._base}/stats", timeout=60) as response:
            return dict(json.load(response))

    def _post(self, path: str, body: dict[str, object]) -> None:
        with urlopen(Request(self._base + path, data=json.dumps(body).encode()), timeout=60):
            pass


@contextmanager
def serving() -> Iterator[str]:
    """The server's URL, up to `/v1`."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "tests.openai_server", str(port)], cwd=ROOT) as process:
        try:
            url = f"http://127.0.0.1:{port}/v1"
            wait_for(Model(url))
            yield url
        finally:
            process.kill()


@pytest.fixture(scope="session")
def model_server() -> Iterator[str]:
    """The address of one server for all the tests of a process. Who asks it resets it first: `model_of(address)`."""
    with serving() as url:
        yield url


def model_of(address: str, **faults: object) -> Model:
    """The server as good as new, but for these faults."""
    model = Model(address)
    model.reset()
    model.control(**faults)
    return model


def wait_for(model: Model) -> None:
    for _ in range(200):
        try:
            model.stats()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("The model server did not get ready.")
