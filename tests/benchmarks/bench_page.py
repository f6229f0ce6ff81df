"""The labeling page on a solution of 40 steps of formulas and code: how soon it is there, how heavy, how quick at a key.

    .venv/bin/python -m tests.benchmarks.bench_page [LOADS]

A real Chromium on loopback, with an empty cache for each load. The page is ready when all that is in view is typeset and the
keys work; `typeset` is when all forty steps are. A key's time runs from the event to the frame that shows
the rating. Layout shift is Chromium's own measure, over the load and all key presses.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database, a_server

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


def main(loads: int = 5) -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with a_database():
        from annotate.static_files import collect

        collect(Path(os.environ["ANNOTATE_HOME"]))
        cookie = prepare(loads)
        with a_server() as port:
            figures = look(f"http://127.0.0.1:{port}", cookie, loads)
    ready = [one["ready"] for one in figures]
    keys = [spell for one in figures for spell in one["keys"]]
    tell("page.ready.median", percentile(ready, 0.5), "ms")
    tell("page.ready.slowest", max(ready), "ms")
    tell("page.formulas_pending_in_view", max(one["pending"] for one in figures), "formulas")
    tell("page.typeset.median", percentile([one["typeset"] for one in figures], 0.5), "ms")
    tell("page.transferred.without_fonts", max(one["bytes"] for one in figures) / 1000, "KB")
    tell("page.transferred.fonts", max(one["fonts"] for one in figures) / 1000, "KB")
    tell("page.requests", max(one["requests"] for one in figures), "requests")
    for share in (0.5, 0.95, 1):
        tell(f"page.key_to_paint.p{share * 100:.0f}", percentile(keys, share), "ms")
    tell("page.layout_shift", max(one["shift"] for one in figures), "CLS")


def prepare(rounds: int) -> str:
    """Rounds over one long solution, one for each load; the session cookie of somebody who may label it."""
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
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def look(site: str, cookie: str, loads: int) -> list[dict[str, Any]]:
    from django.conf import settings
    from playwright.sync_api import sync_playwright

    from tests import chromium
    from tests.browser.conftest import FLAGS

    path = chromium.find()
    if path is None:
        sys.exit("There is no Chromium: install one, or name one in CHROMIUM.")
    figures = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for number in range(1, loads + 1):
            context = browser.new_context(viewport={"width": 1240, "height": 860})
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": site}])
            figures.append(one_load(context, f"{site}/projects/page/rounds/{number}/label"))
            context.close()
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
    main(*map(int, sys.argv[1:2]))
