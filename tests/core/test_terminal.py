"""Commands at a terminal: they ask for secrets twice and do not show them, and say in one line how far they are."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.terminal import duration_text, progress_text
from apps.projects.models import Project
from tests.processes import ROOT, environment

PATIENCE_S = 120.0


class Terminal:
    """A command of ours on a pseudo terminal; its standard output is a file."""

    def __init__(self, *words: str, output: Path) -> None:
        self.shown = ""
        self._here, there = pty.openpty()
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env={**environment(), "COLUMNS": "80"},
                stdin=there,
                stdout=file,
                stderr=there,
                start_new_session=True,
            )
        os.close(there)

    def until(self, text: str | None) -> str:
        """Read on until the text has been shown since the last time; None: until the end."""
        seen, deadline = "", time.monotonic() + PATIENCE_S
        while text is None or text not in seen:
            assert time.monotonic() < deadline, f"only: {self.shown + seen}"
            if not select.select([self._here], [], [], 1)[0]:
                continue
            try:
                read = os.read(self._here, 4096).decode(errors="replace")
            except OSError:  # Linux says so when the other end is closed.
                read = ""
            if not read:
                assert text is None, f"only: {self.shown + seen}"
                break
            seen += read
        self.shown += seen
        return seen

    def type(self, text: str) -> None:
        os.write(self._here, f"{text}\n".encode())

    def end(self) -> int:
        self.until(None)
        os.close(self._here)
        return self.process.wait(PATIENCE_S)


def test_create_user_asks_twice_and_shows_no_password(transactional_db: None, settings: Any, tmp_path: Path) -> None:
    terminal = Terminal("create_user", "ann@lab.example", "--json", output=tmp_path / "out")
    for prompt, answer in (
        ("Password: ", "correct horse battery"),
        ("Password again: ", "correct horse"),
        ("Password: ", "correct horse battery"),
        ("Password again: ", "correct horse battery"),
    ):
        terminal.until(prompt)
        terminal.type(answer)
    assert terminal.end() == 0
    assert "not the same" in terminal.shown
    assert "horse" not in terminal.shown
    assert json.loads((tmp_path / "out").read_text())["email"] == "ann@lab.example"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # The process has that of servers.
    assert User.objects.get().check_password("correct horse battery")


def test_without_a_terminal_create_user_says_what_to_pass(transactional_db: None) -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "create_user", "ann@lab.example"],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert ended.returncode != 0
    assert "pass --password" in ended.stderr
    assert "password: missing" in ended.stderr
    assert not User.objects.exists()


@pytest.fixture
def long_file(transactional_db: None, tmp_path: Path) -> Path:
    path = tmp_path / "long.jsonl"
    rows = (
        {"problem": {"statement": f"What is {n}?"}, "solution": {"source": "m", "steps": [{"text": f"It is {n}."}]}}
        for n in range(40_000)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    Project.objects.create(slug="algebra", name="Algebra")
    return path


def test_an_import_says_how_far_it_is_in_one_line(long_file: Path, tmp_path: Path) -> None:
    words = ("import_corpus", str(long_file), "--project", "algebra", "--format", "jsonl", "--json")
    terminal = Terminal(*words, output=tmp_path / "out")
    assert terminal.end() == 0
    lines = [line for line in terminal.shown.split("\r\x1b[K") if line]
    assert lines
    assert all(re.match(r"[\d,]+ rows( \(\d+ %\))?, ", line) for line in lines), lines
    assert terminal.shown.endswith("\r\x1b[K"), "the line is cleared in the end"
    assert "\n" not in terminal.shown
    assert json.loads((tmp_path / "out").read_text())["solutions"] == 40_000


def test_without_a_terminal_no_progress_is_written(long_file: Path) -> None:
    command = [
        sys.executable,
        "manage.py",
        "import_corpus",
        str(long_file),
        "--project",
        "algebra",
        "--format",
        "jsonl",
    ]
    ended = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True)
    assert ended.returncode == 0
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("counts", "since", "text"),
    [
        ((1200, 5000, 1200), (1200, 1200), "1,200 of 5,000 solutions (24 %), 120 a second, 32 s left"),
        # A run that is resumed: its rate is that of this process.
        ((1200, 5000, 1200), (100, 100), "1,200 of 5,000 solutions (24 %), 10 a second, 6 min left"),
        ((500, 1000, 30), (500, 30), "30 solutions (50 %), 3.0 a second, 10 s left"),
        ((0, None, 0), (0, 0), "0 solutions, for 10 s"),
        ((10, 10, 10), (10, 10), "10 of 10 solutions (100 %), 1.0 a second, for 10 s"),
    ],
)
def test_the_line_has_a_rate_and_the_time_that_is_left(
    counts: tuple[int, int | None, int], since: tuple[int, int], text: str
) -> None:
    is_apart = counts[0] != counts[2]
    assert progress_text(*counts, unit="solutions", since=since, seconds=10, is_counted_apart=is_apart) == text


def test_bytes_are_never_said_to_be_rows() -> None:
    text = progress_text(0, 4_417_780, 0, unit="rows", since=(0, 0), seconds=1, is_counted_apart=True)
    assert text == "0 rows (0 %), for 1 s"


def test_a_duration_is_a_text() -> None:
    assert [duration_text(seconds) for seconds in (0, 59, 61, 3599, 11100)] == [
        "0 s",
        "59 s",
        "1 min",
        "1 h 0 min",
        "3 h 5 min",
    ]
