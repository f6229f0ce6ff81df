"""How long typesetting one text holds the page's main thread: long formulas, many of them, and all in one slice.

    .venv/bin/python -m tests.benchmarks.bench_formulas

A real Chromium and the page's own modules, without a server of ours. `held` is the longest time between two turns of the
page's event loop while a text is typeset; `ratio` compares it with typesetting the same text in one go, as before.
"""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests import chromium
from tests.benchmarks.report import tell

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SUM = "+".join(f"x_{{{number % 10}}}" for number in range(108))  # As long as a formula may be, all but three letters.
TEXTS = {
    "longest_formula": f"${SUM}$",
    "five_longest": " and ".join([f"${SUM}$"] * 5),
    "four_hundred_fractions": " ".join(rf"$\frac{{{number}}}{{7}}$" for number in range(400)),
    "longest_table": r"\[\begin{array}{cccc}" + r"1&2&3&4\\" * 65 + r"\end{array}\]",
}
MEASURE = """async (text) => {
    const math = await import("/static/js/shared/math.js");
    const at = document.body.appendChild(document.createElement("div"));
    const channel = new MessageChannel();
    let last = performance.now(), held = 0, isOn = true;
    channel.port1.onmessage = () => {
        const now = performance.now();
        held = Math.max(held, now - last);
        last = now;
        if (isOn) channel.port2.postMessage(null);
    };
    channel.port2.postMessage(null);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    held = 0;
    const start = performance.now();
    math.typeset(at, text);
    await math.typesetDone();
    const whole = performance.now() - start;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    isOn = false;
    const formulas = at.querySelectorAll(".katex").length;
    at.remove();
    const again = performance.now();
    for (const part of math.segments(text)) {
        if (part.kind === "math") katex.__renderToDomTree(part.tex, { displayMode: part.display, strict: "ignore" }).toNode();
    }
    return { held, whole, formulas, at_once: performance.now() - again };
}"""


def main() -> None:
    with files() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=FLAGS)
        page = browser.new_page()
        page.goto(f"{address}/node_modules/katex/dist/README.md")  # Any page of this origin does.
        page.set_content("<!doctype html><body></body>")
        for sheet in ("node_modules/katex/dist/katex.min.css", "static/css/base.css", "static/css/components.css"):
            page.add_style_tag(url=f"{address}/{sheet}")
        page.add_script_tag(url=f"{address}/node_modules/katex/dist/katex.min.js")
        page.evaluate(MEASURE, "$x$")  # The first formula of a page compiles KaTeX.
        for name, text in TEXTS.items():
            runs: list[dict[str, Any]] = [page.evaluate(MEASURE, text) for _ in range(5)]
            best = min(runs, key=lambda run: run["held"])
            tell(f"formulas.{name}.typeset", best["formulas"], "formulas")
            tell(f"formulas.{name}.held", best["held"], "ms")
            tell(f"formulas.{name}.whole", best["whole"], "ms")
            tell(f"formulas.{name}.ratio", best["held"] / best["at_once"], "of the time in one go")
        browser.close()


@contextmanager
def files() -> Iterator[str]:
    """The repository's own files, over loopback: modules are not loaded from a disk."""
    handler = functools.partial(_Quiet, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    main()
