"""Annotate's settings over servers of the tests' own.

The first process, pytest's controller, starts PostgreSQL and Valkey in a folder that goes when it
ends; xdist's workers find their URLs in the environment. Each worker has a database of its own, by
pytest-django, and a Redis database of its own.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.unsafe_postgres import guard_no_data


def _start_servers() -> None:
    from annotate.local.servers import servers

    stack = ExitStack()
    home = stack.enter_context(tempfile.TemporaryDirectory(prefix="annotate-tests-", ignore_cleanup_errors=True))
    os.environ["ANNOTATE_HOME"] = home
    stack.enter_context(servers())
    atexit.register(stack.close)
    os.environ["ANNOTATE_TESTS_OWN_SERVERS"] = "1"
    guard_no_data(os.environ["DATABASE_URL"], commits=True)


def _own_redis(url: str) -> str:
    """Database 1 for worker gw0, and so on; the controller keeps 0."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    if url.startswith("unix://"):
        return url.partition("?")[0] + f"?db={number}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
    _start_servers()
os.environ["REDIS_URL"] = _own_redis(os.environ["REDIS_URL"])
# No test talks to the real Hub: a stand-in has an address of its own.
os.environ.setdefault("HUB_URL", "http://127.0.0.1:9")
os.environ.setdefault("API_RATE", "1000000/min")
# The model servers of tests stand on this machine.
os.environ.setdefault("ENDPOINT_ALLOWED_ADDRESSES", "127.0.0.1,localhost")

from annotate.settings import *  # noqa: E402, F403

# Pages are served by Django's own live server: no collected files, no hashes.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # noqa: F405
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
# Argon2 is slow on purpose; tests sign in a thousand times.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The processes that a test starts have to find its files: they get the folder as their ANNOTATE_HOME.
PROCESS_HOME = Path(tempfile.gettempdir() if "ANNOTATE_HOME" not in os.environ else os.environ["ANNOTATE_HOME"])
PROCESS_HOME /= f"worker-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
MEDIA_ROOT = PROCESS_HOME / "media"
# Whether PostgreSQL and Valkey were started for this run, and go with it.
OWN_SERVERS = "ANNOTATE_TESTS_OWN_SERVERS" in os.environ
