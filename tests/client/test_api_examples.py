"""The examples of docs/api.md are sent to the real server, in their order, and answered as they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from apps.accounts.services import create_user
from tests.cast import PASSWORD
from tests.processes import environment, eventually

ROOT = Path(__file__).resolve().parent.parent.parent
ADDRESS = "http://127.0.0.1:8000"


class Reader:
    """Reads the page from the top to the end, as somebody who tries everything."""

    def __init__(self, web: str, folder: Path) -> None:
        self.web, self.folder = web, folder
        self.token, self.last_id = "", 0
        self.http = httpx.Client(timeout=60)

    def sh(self, code: str) -> str:
        """The output of the last command. The shell keeps TOKEN; `manage.py` and `.venv` are the project's."""
        script = code.replace(ADDRESS, self.web).replace(
            ".venv/bin/python manage.py", f"{ROOT}/.venv/bin/python {ROOT}/manage.py"
        )
        script += '\nprintf "%s" "$TOKEN" > .token\n'
        variables = {**environment(), "TOKEN": self.token}
        done = subprocess.run(
            ["bash", "-eu", "-c", script], cwd=self.folder, env=variables, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr
        self.token = (self.folder / ".token").read_text()
        return done.stdout

    def send(self, text: str, shown: Any) -> str:
        """The body of the answer; of a job that the page shows as finished, once it is."""
        head, _, body = text.strip().partition("\n\n")
        method, path = head.split(" ")
        address = self.web + path.replace("{id}", str(self.last_id))
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        answer = self.http.request(method, address, content=body or None, headers=headers)
        is_error = isinstance(shown, dict) and "error" in shown and isinstance(shown["error"], dict)
        assert answer.is_success != is_error, answer.text
        if isinstance(shown, dict) and shown.get("status") == "finished":
            eventually(lambda: self.http.get(address, headers=headers).json()["status"] == "finished")
            answer = self.http.get(address, headers=headers)
        return answer.text

    def remember(self, answer: Any) -> None:
        row = answer.get("assignment") or answer
        self.last_id = row.get("id", self.last_id)

    def python(self, code: str) -> None:
        os.environ["TOKEN"] = self.token
        exec(code.replace(ADDRESS, self.web), {})  # noqa: S102 - the project's own page


def matches(shown: Any, answer: Any, path: str = "") -> None:
    """All that is shown is there, of the same type. `...` is any value."""
    if shown == "...":
        return
    if isinstance(shown, dict):
        assert isinstance(answer, dict), path
        assert shown.keys() <= answer.keys(), f"{path}: {shown.keys() - answer.keys()} missing"
        for name, value in shown.items():
            matches(value, answer[name], f"{path}.{name}")
    elif isinstance(shown, list):
        assert isinstance(answer, list), path
        assert len(answer) == len(shown), path
        for index, value in enumerate(shown):
            matches(value, answer[index], f"{path}[{index}]")
    else:
        assert type(answer) is type(shown), f"{path}: {answer!r}"


def test_the_examples_do_what_they_say(web: str, worker: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    create_user(email="owner@demo.example", password=PASSWORD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOKEN", "")
    blocks = re.findall(r"^```(\w*)\n(.+?)^```$", (ROOT / "docs/api.md").read_text(), re.DOTALL | re.MULTILINE)
    assert {language for language, _ in blocks} == {"sh", "http", "json", "python"}, "each block is one that is run"
    reader = Reader(web, tmp_path)
    for (language, text), (next_language, next_text) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "json":
            continue
        shown = json.loads(next_text) if next_language == "json" else None
        if language == "python":
            reader.python(text)
            continue
        said = reader.sh(text) if language == "sh" else reader.send(text, shown)
        if shown is not None:
            answer = json.loads(said)
            matches(shown, answer, text)
            reader.remember(answer)
    assert (tmp_path / "sums.jsonl").read_text().count("\n") == 1
