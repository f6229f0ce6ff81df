"""The bundled model, really served, for tests of what uses it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from annotate.local.supervisor import free_port, free_ports

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Models:
    """The base URLs of the bundled models, all served by one process as `make run` does."""

    reasoner: str
    prm: str
    critic: str


@contextmanager
def reasoner() -> Iterator[str]:
    """Its base URL."""
    port = free_port()
    with serving("--port", str(port)):
        yield f"http://127.0.0.1:{port}/v1"


@contextmanager
def serving(*arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "reasoner.serve", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "ready" in process.stdout.readline()
            yield
        finally:
            process.kill()


@pytest.fixture
def new_reasoner_server() -> Iterator[str]:
    """One of the test's own, whose completions do not hang on what was asked before: its cache is empty."""
    with reasoner() as url:
        yield url


@pytest.fixture(scope="session")
def reasoner_server() -> Iterator[str]:
    """The base URL of one server for all the tests of a process."""
    with reasoner() as url:
        yield url


@pytest.fixture(scope="session")
def model_servers() -> Iterator[Models]:
    ports = free_ports(3)
    with serving("--port", str(ports[0]), "--prm-port", str(ports[1]), "--critic-port", str(ports[2])):
        yield Models(*(f"http://127.0.0.1:{port}/v1" for port in ports))
