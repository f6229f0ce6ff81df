"""The product as this experiment uses it: by its commands, in an ANNOTATE_HOME of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from annotate.local.supervisor import free_port
from reasoner.problems import Problem

ROOT = Path(__file__).resolve().parent.parent.parent
READY_WITHIN_S = 60


class ProductError(Exception):
    """A command of the product or a model's server failed."""


@dataclass(frozen=True, slots=True)
class Product:
    """`folder` is for files in and out."""

    folder: Path

    def run(self, command: str, *arguments: object) -> dict[str, Any]:
        """The JSON result of a command. Raises ProductError with what it wrote to standard error."""
        words = [sys.executable, "manage.py", command, *map(str, arguments), "--json"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProductError(f"{command}: {done.stderr.strip()[-2000:]}")
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def migrate(self) -> None:
        """Without checks, which would miss the static files of pages that nobody opens here."""
        done = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v", "0", "--skip-checks"], cwd=ROOT, check=False
        )
        if done.returncode:
            raise ProductError("migrate: see above")

    def add_problems(self, project: str, problems: Iterable[Problem]) -> None:
        """A new project with these problems."""
        self.run("create_project", project)
        path = self.folder / f"{project}.problems.jsonl"
        with path.open("w") as file:
            file.writelines(json.dumps(problem_row(problem)) + "\n" for problem in problems)
        result = self.run("import_corpus", path, "--project", project, "--format", "jsonl")
        if result["rejected"]:
            raise ProductError(f"{project}: {result['rejected']} problems were rejected")

    def add_endpoint(self, name: str, url: str) -> None:
        self.run(
            *("add_endpoint", name, "--url", url, "--model", name, "--for-all", "--max-in-flight", 8),
            *("--problem-template", "Problem: {problem}\n", "--prefix-end", "\\n"),
        )

    def export(self, project: str, name: str, policy: Mapping[str, Any]) -> Path:
        path = self.folder / f"{project}.{name}.jsonl"
        policy_path = path.with_suffix(".policy.json")
        policy_path.write_text(json.dumps(policy))
        self.run("export", "--project", project, "--format", name, "--policy", policy_path, "--output", path)
        return path


def problem_row(problem: Problem) -> dict[str, Any]:
    return {
        "problem": {
            "statement": problem.question,
            "reference_answer": str(problem.answer),
            "verifier": "numeric",
            "subject": problem.template.name,
        }
    }


@contextmanager
def served(model: Path, name: str, *, slots: int = 16) -> Iterator[str]:
    """The address of a llama.cpp server of this model file, for the time of the block. Raises ProductError."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["-m", "reasoner.serve", "--port", port, "--model", model, "--name", name, "--slots", slots]
    server = subprocess.Popen(
        [sys.executable, *map(str, words)], cwd=ROOT, env=dict(os.environ), stdout=subprocess.DEVNULL
    )
    try:
        _wait(server, f"{url}/health")
        yield f"{url}/v1"
    finally:
        server.terminate()
        server.wait()


def _wait(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            if server.poll() is not None or time.monotonic() > deadline:
                raise ProductError(f"the server of {url} did not start within {READY_WITHIN_S} s") from None
            time.sleep(0.2)
