"""Two lanes of tests, told apart by a rule, so that no list has to be kept, and the order in which they run.

The fast lane, `make test-fast`, has the tests of pure functions and of services. Left out are

- the folders that test faces and whole installations, and tests elsewhere that send requests to a page or to the API;
- tests that use a process of ours (web server, worker, model server, grading pool), which they name as a fixture;
- tests of concurrency, which commit (`django_db(transaction=True)`);
- tests marked `slow`: many cases or rows in one test, or several parts of the product together. Where the lane takes
  more than a minute, `--durations=30` shows which test should have the mark.

In a whole run each of xdist's workers begins with its part of the slow lane: what is left at the end, to be shared
among those that are done, is short.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest

HERE = Path(__file__).resolve().parent
SLOW_FOLDERS = {HERE / name for name in ("admin", "annotate", "api", "browser", "dashboard", "flows")}
PROCESSES = {
    "at_work",
    "judge_server",
    "model_server",
    "model_servers",
    "new_reasoner_server",
    "pool",
    "reasoner_server",
    "reward_server",
    "served",
    "start_worker",
    "web",
    "worker",
}
# Whoever uses one of these sends requests.
CLIENTS = {"bearer", "client", "signed_in"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fast: is in the fast lane (tests/lanes.py adds it)")
    config.addinivalue_line("markers", "slow: has many cases or rows, or joins several parts: not in the fast lane")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One more than there are processors: tests of the slow lane wait for servers as long as they work."""
    return None if _is_fast_run(config) else (os.cpu_count() or 1) + 1


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m fast` the other folders are not even imported."""
    return True if _is_fast_run(config) and collection_path in SLOW_FOLDERS else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    fast = [item for item in items if _is_fast(item)]
    for item in fast:
        item.add_marker(pytest.mark.fast)
    if not _is_fast_run(config):
        items[:] = _ordered(items, set(fast), workers=getattr(config, "workerinput", {}).get("workercount", 1))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """The garbage collector rests meanwhile, and leaves out what is loaded from then on."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _is_fast_run(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "fast")


def _is_fast(item: pytest.Item) -> bool:
    fixtures = PROCESSES | {"transactional_db"}
    return not (
        SLOW_FOLDERS.intersection(item.path.parents)
        or fixtures.intersection(getattr(item, "fixturenames", ()))
        or any(mark.name == "slow" or mark.kwargs.get("transaction") for mark in item.iter_markers())
        or _sends_requests(item)
    )


def _sends_requests(item: pytest.Item) -> bool:
    """Whether the test or one of its fixtures names a client."""
    if not isinstance(item, pytest.Function):
        return False
    definitions = item._fixtureinfo.name2fixturedefs
    functions = [item.function, *(one.func for several in definitions.values() for one in several)]
    names = {name for function in functions if (code := getattr(function, "__code__", None)) for name in _names(code)}
    return not CLIENTS.isdisjoint({*item.fixturenames, *names})


def _names(code: CodeType) -> set[str]:
    """The names that the code uses, within its own functions too."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return {*code.co_names, *code.co_freevars, *(name for one in inner for name in _names(one))}


def _ordered(items: list[pytest.Item], fast: set[pytest.Item], *, workers: int) -> list[pytest.Item]:
    """At first each worker has a run of neighbours, all as long: its slow files, then fast tests."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item not in fast:
            files.setdefault(item.path, []).append(item)
    rest = [item for item in items if item in fast]
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        slow = [item for tests in list(files.values())[worker::workers] for item in tests]
        wanted = max(0, len(items) * (worker + 1) // workers - len(ordered) - len(slow))
        ordered += slow + rest[:wanted]
        rest = rest[wanted:]
    return ordered + rest
