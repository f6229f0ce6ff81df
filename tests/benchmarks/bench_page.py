"""The labeling page on a solution of 40 steps of formulas and code: how soon it is there, how heavy, how quick at a key.

    .venv/bin/python -m tests.benchmarks.bench_page [LOADS] [CHECKOUT]

With a checkout of another version, which has our .venv and node_modules, both are loaded in turns and compared.

A real Chromium on loopback, with an empty cache for each load. The page is ready when all that is in view is typeset and the
keys work; `typeset` is when all forty steps are. A key's time runs from the event to the frame that shows
the rating. Layout shift is Chromium's own measure, over the load and all key presses.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

from tests import chromium
from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database, a_server

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STEPS = 40
READY = "#task[aria-busy=false] .step"
LATEX = (
    r"Since $\sum_{{k=1}}^{{{a}}} \frac{{1}}{{k(k+1)}} = \frac{{{a}}}{{{b}}}$, we get $x_{{{n}}} = \sqrt[3]{{{c} + "
    r"\frac{{{a}}}{{{b}}}}}$, and so $$\int_0^{{{a}}} \left( t^2 - {c}t + \binom{{{b}}}{{2}} \right) \, dt = "
    r"\begin{{pmatrix}} {a} & {b} \\ {c} & {a} \end{{pmatrix}} \cdot \vec{{v}}_{{{n}}}.$$"
)
CODE = """The program says the same:
```python
def step_{n}(a: int = {a}) -> float:
    total = sum(1 / (k * (k + 1)) for k in range(1, a + 1))
    return total ** (1 / 3)  # costs $0
```
| a | b |
|---|--:|
| {a} | $\\frac{{{a}}}{{{b}}}$ |"""
WATCH = (
    f"const isReady = () => document.querySelector('{READY}');"
    """
window.measured = {ready: null, typeset: null, pending: 0, shift: 0, keys: []};
const pendingInView = () => [...document.querySelectorAll("#task .math.pending")]
    .filter((formula) => formula.getBoundingClientRect().top < innerHeight).length;
const noticed = () => requestAnimationFrame(() => {
    if (measured.ready !== null) return;
    measured.ready = performance.now();
    measured.pending = pendingInView();
});
new MutationObserver(() => {
    if (!isReady()) return;
    if (measured.ready === null) noticed();
    if (!document.querySelector("#task .math.pending")) measured.typeset ??= performance.now();
})
    .observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["aria-busy"]});
const count = (one) => { if (!one.hadRecentInput) measured.shift += one.value; };
new PerformanceObserver((list) => list.getEntries().forEach(count)).observe({type: "layout-shift", buffered: true});
addEventListener("keydown", (event) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => measured.keys.push(performance.now() - event.timeStamp);
    port2.postMessage(null);
}), {capture: true});
"""
)


# The first loads find nothing compiled or cached on the server.
WARM_UPS = 3


@dataclass(frozen=True, slots=True)
class Site:
    port: int
    session: dict[str, str]


def main(loads: int = 5, checkout: str = "") -> None:
    folders = {"page": ROOT, **({"page.other": Path(checkout)} if checkout else {})}
    with ExitStack() as stack:
        sites = {name: stack.enter_context(a_site(folder, loads + WARM_UPS)) for name, folder in folders.items()}
        figures = look(sites, loads)
    for name, of_site in figures.items():
        report(name, of_site)
    if checkout:
        for what, figure in (("ready", ready), ("key_to_paint.p95", slow_key)):
            ratio = figure(figures["page"]) / figure(figures["page.other"])
            tell(f"page.{what}.times_that_of_the_other", ratio, "times")


def ready(figures: list[dict[str, Any]]) -> float:
    return percentile([one["ready"] for one in figures], 0.5)


def slow_key(figures: list[dict[str, Any]]) -> float:
    return percentile([spell for one in figures for spell in one["keys"]], 0.95)


def report(name: str, figures: list[dict[str, Any]]) -> None:
    keys = [spell for one in figures for spell in one["keys"]]
    tell(f"{name}.ready.median", ready(figures), "ms")
    tell(f"{name}.ready.fastest", min(one["ready"] for one in figures), "ms")
    tell(f"{name}.formulas_pending_in_view", max(one["pending"] for one in figures), "formulas")
    tell(f"{name}.typeset.median", percentile([one["typeset"] for one in figures], 0.5), "ms")
    tell(f"{name}.transferred.without_fonts", max(one["bytes"] for one in figures) / 1000, "KB")
    tell(f"{name}.transferred.fonts", max(one["fonts"] for one in figures) / 1000, "KB")
    tell(f"{name}.requests", max(one["requests"] for one in figures), "requests")
    for share in (0.5, 0.95, 1):
        tell(f"{name}.key_to_paint.p{share * 100:.0f}", percentile(keys, share), "ms")
    tell(f"{name}.layout_shift", max(one["shift"] for one in figures), "CLS")


@contextmanager
def a_site(folder: Path, rounds: int) -> Iterator[Site]:
    """The site of a checkout, in a process of its own: this file with the checkout's modules."""
    command = [sys.executable, __file__, "serve", str(rounds)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=PIPE, stdout=PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield Site(**json.loads(server.stdout.readline()))
        server.stdin.close()


def serve(rounds: int) -> None:
    """Says where the site is, and serves it until standard input ends."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with a_database():
        from annotate.static_files import collect

        collect(Path(os.environ["ANNOTATE_HOME"]))
        session = prepare(rounds)
        with a_server() as port:
            sys.stdout.write(json.dumps({"port": port, "session": session}) + "\n")
            sys.stdout.flush()
            sys.stdin.read()


def prepare(rounds: int) -> dict[str, str]:
    """Rounds over one long solution, one for each load; returns the session cookie of somebody who may label it."""
    from django.conf import settings
    from django.test import Client

    from apps.accounts.models import User
    from apps.corpus.identity import problem_digest
    from apps.corpus.models import Problem, Solution, Step
    from apps.labeling.rounds.services import open_round
    from apps.projects.services import create_project

    owner = User.objects.create_user(email="page@bench.example", password="a page of ours")
    project = create_project(slug="page", owner=owner)
    dice = random.Random(40)
    texts = [
        (CODE if n % 4 == 1 else LATEX).format(n=n, a=dice.randint(2, 99), b=dice.randint(2, 99), c=dice.randint(2, 99))
        for n in range(STEPS)
    ]
    statement = "Find $x$. " + texts[0]
    problem = Problem.objects.create(project=project, digest=problem_digest(statement), statement=statement)
    solution = Solution.objects.create(project=project, problem=problem, digest=problem.digest, step_count=STEPS)
    Step.objects.bulk_create(Step(solution=solution, position=n, text=text) for n, text in enumerate(texts))
    for _ in range(rounds):
        open_round(project=project, protocol="every_step")
    client = Client()
    client.force_login(owner)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value}


def look(sites: dict[str, Site], loads: int) -> dict[str, list[dict[str, Any]]]:
    """The loads of each site, in turns: a machine is not as quick in one minute as in the next."""
    from playwright.sync_api import sync_playwright

    path = chromium.find()
    if path is None:
        sys.exit("There is no Chromium: install one, or name one in CHROMIUM.")
    figures: dict[str, list[dict[str, Any]]] = {name: [] for name in sites}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for number in range(1, loads + WARM_UPS + 1):
            for name, site in sites.items():
                address = f"http://127.0.0.1:{site.port}"
                context = browser.new_context(viewport={"width": 1240, "height": 860})
                context.add_cookies([{**site.session, "url": address}])
                loaded = one_load(context, f"{address}/projects/page/rounds/{number}/label")
                context.close()
                if number > WARM_UPS:
                    figures[name].append(loaded)
        browser.close()
    return figures


def one_load(context: Any, address: str) -> dict[str, Any]:
    page = context.new_page()
    page.add_init_script(WATCH)
    sizes: list[tuple[str, int]] = []
    kinds: dict[str, str] = {}
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.on("Network.responseReceived", lambda got: kinds.update({got["requestId"]: got["type"]}))
    network.on(
        "Network.loadingFinished",
        lambda got: sizes.append((kinds.get(got["requestId"], ""), int(got["encodedDataLength"]))),
    )
    page.goto(address)
    page.locator(READY).first.wait_for()
    page.wait_for_function("() => measured.ready !== null")
    page.wait_for_timeout(1000)
    loaded = {
        "bytes": sum(size for kind, size in sizes if kind != "Font"),
        "fonts": sum(size for kind, size in sizes if kind == "Font"),
        "requests": len(sizes),
    }
    for index in range(STEPS - 1):
        page.keyboard.press("123"[index % 3])
        page.wait_for_timeout(60)
    page.wait_for_function(f"() => measured.keys.length >= {STEPS - 1}")
    return page.evaluate("measured") | loaded


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:2]), *sys.argv[2:3])
