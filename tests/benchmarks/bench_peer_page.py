"""The page of Label Studio on a solution of 40 steps, measured as `bench_page` measures ours: how heavy, how soon it is there.

    .venv/bin/python -m tests.benchmarks.bench_peer_page [LOADS]

Installs Label Studio from the package index into a temporary environment and starts it on loopback, which takes some minutes.
The task is as its users set it up: the steps as texts, one choice for each. It typesets no formulas and colours no code.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium
from tests.benchmarks.bench_page import FLAGS, STEPS
from tests.benchmarks.report import percentile, tell

VERSION = "1.23.2"
EMAIL, PASSWORD = "page@bench.example", "a page of theirs"
CONFIG = "<View>{steps}</View>"
STEP = (
    '<Text name="t{n}" value="$s{n}"/><Choices name="c{n}" toName="t{n}" choice="single" showInline="true">'
    '<Choice value="bad"/><Choice value="okay"/><Choice value="great"/></Choices>'
)
TEXT = r"Since $\sum_{k=1}^{9} \frac{1}{k(k+1)} = \frac{9}{10}$, we get $x = \sqrt[3]{10}$."
POST = """async ([path, body]) => {
    const token = document.cookie.match(/csrftoken=([^;]+)/)?.[1] ?? "";
    const headers = { "Content-Type": "application/json", "X-CSRFToken": token };
    return (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
}"""


def main(loads: int = 5) -> None:
    with label_studio() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        state, task = prepare(browser, site)
        figures = [one_load(browser, state, task) for _ in range(loads)]
        browser.close()
    tell("peer_page.label_studio.ready.median", percentile([ready for ready, _ in figures], 0.5), "ms")
    tell("peer_page.label_studio.transferred", max(size for _, size in figures) / 1000, "KB")


@contextmanager
def label_studio() -> Iterator[str]:
    """Label Studio in an environment and a folder of its own; gives its address."""
    with tempfile.TemporaryDirectory(prefix="annotate-peer-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        venv.create(home / "env", with_pip=True)
        pip = [home / "env/bin/python", "-m", "pip", "install", "--quiet", f"label-studio=={VERSION}"]
        subprocess.run(pip, check=True, stderr=subprocess.DEVNULL)
        port = 8973
        command = [
            home / "env/bin/label-studio",
            "start",
            "--no-browser",
            "--port",
            str(port),
            "--data-dir",
            home / "data",
        ]
        command += ["--username", EMAIL, "--password", PASSWORD]
        with subprocess.Popen(
            command,
            env={**os.environ, "COLLECT_ANALYTICS": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                site = f"http://127.0.0.1:{port}"
                wait_until_ready(site)
                yield site
            finally:
                server.terminate()


def wait_until_ready(site: str) -> None:
    for _ in range(600):
        try:
            with urlopen(f"{site}/user/login/", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.5)
    sys.exit("Label Studio did not start.")


def prepare(browser: Browser, site: str) -> tuple[Any, str]:
    """A project with one task; the session of its labeler, and the task's address."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/user/login/")
    page.fill("input[name=email]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "login" not in url)
    page.wait_for_load_state("networkidle")
    config = CONFIG.format(steps="".join(STEP.format(n=n) for n in range(STEPS)))
    project = posted(page, "/api/projects/", {"title": "page", "label_config": config})["id"]
    posted(page, f"/api/projects/{project}/import", [{f"s{n}": TEXT for n in range(STEPS)}])
    tasks = page.evaluate("async (path) => (await fetch(path)).json()", f"/api/tasks?project={project}")
    state = context.storage_state()
    context.close()
    return state, f"{site}/projects/{project}/data?task={tasks['tasks'][0]['id']}"


def posted(page: Page, path: str, body: Any) -> Any:
    return page.evaluate(POST, [path, body])


def one_load(browser: Browser, state: Any, address: str) -> tuple[float, int]:
    """With an empty cache: milliseconds until all choices of the task are there, and the bytes that came."""
    context = browser.new_context(storage_state=state, viewport={"width": 1240, "height": 860})
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda got: sizes.append(int(got["encodedDataLength"])))
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator("input[type=radio], input[type=checkbox]").nth(3 * STEPS - 1).wait_for(
        state="attached", timeout=120_000
    )
    ready = (time.perf_counter() - started) * 1000
    page.wait_for_timeout(2_000)
    context.close()
    return ready, sum(sizes)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
