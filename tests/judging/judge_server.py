r"""A server of judges whose every reply a test can recompute: from the texts alone, the same each time.

    python -m tests.judging.judge_server PORT

It speaks completions and chats. A step is bad where it says "wrong"; a solution passes where no step says so. `accuracy`
is the share of solutions of which it finds the truth, by a hash of problem and steps: of the others it names a step too
early or late. `POST /control` sets what is in `Behavior`, `GET /stats` returns the counts, `POST /reset` makes it as good
as new.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
from aiohttp import web


@dataclass
class Behavior:
    """Shares are of requests, by lot; `refuses`, `out_of_range` and `cut` of replies, by a hash of prompt and seed."""

    latency_s: float = 0.0
    accuracy: float = 1.0
    prefers: str = "longer"  # Or "A": always the one that is shown first; "right": the one without "wrong".
    flips: float = 0.0  # Share of comparisons in which it prefers the one that is shown first, whichever it is.
    noise: float = 0.0  # Share of replies, by prompt, seed and index, that name another step.
    truth: dict[str, int] = field(default_factory=dict)  # First errors by problem, where steps do not say "wrong".
    error_500: float = 0.0
    timeout: float = 0.0
    too_many: float = 0.0
    reset: float = 0.0
    garbage: float = 0.0
    fewer: float = 0.0  # Share of requests for several choices that have one less.
    most_choices: int = 0  # Above it a request is refused.
    refuses: float = 0.0
    out_of_range: float = 0.0
    cut: float = 0.0
    text: str = ""  # Every reply, whatever was asked.
    unknown: str = ""  # A setting that it does not take.
    hang_s: float = 30.0
    is_down: bool = False


@dataclass
class Stats:
    requests: int = 0
    answered: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0


behavior, stats, dice = Behavior(), Stats(), random.Random(1)


def share(*parts: object) -> float:
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


async def answer(request: web.Request) -> web.StreamResponse:
    body = msgspec.json.decode(await request.read())
    counted = stats  # A request that outlives a reset is not one of the next test's.
    counted.requests += 1
    counted.in_flight += 1
    counted.most_in_flight = max(counted.most_in_flight, counted.in_flight)
    try:
        if (fault := await failing(request, body)) is not None:
            return fault
        await asyncio.sleep(behavior.latency_s)
        return replied(body, counted)
    finally:
        counted.in_flight -= 1


async def failing(request: web.Request, body: dict[str, Any]) -> web.Response | None:
    if behavior.is_down:
        return web.Response(status=503)
    if behavior.unknown and behavior.unknown in body:
        error = {"message": f"Unsupported parameter: '{behavior.unknown}'", "code": "unsupported_parameter"}
        return web.json_response({"error": error}, status=400)
    if behavior.most_choices and body.get("n", 1) > behavior.most_choices:
        message = f"Value must be between 1 <= value <= {behavior.most_choices}"
        return web.json_response({"error": {"message": message}}, status=400)
    fault = dice.random()
    for name in ("error_500", "timeout", "too_many", "reset", "garbage"):
        if fault < getattr(behavior, name):
            if name == "timeout":
                await asyncio.sleep(behavior.hang_s)
            if name == "garbage":
                return web.Response(body=b'{"choices": [{"text"')
            if name == "reset" and request.transport is not None:
                request.transport.abort()
            too_many = web.Response(status=429, headers={"Retry-After": "0.1"})
            return too_many if name == "too_many" else web.Response(status=500)
        fault -= getattr(behavior, name)
    return None


def replied(body: dict[str, Any], stats: Stats) -> web.Response:
    prompt = prompt_of(body)
    n, seed = body.get("n", 1), body.get("seed", 0)
    n -= n > 1 and dice.random() < behavior.fewer
    stats.keys[f"{share(prompt, seed):.15f}"] += 1
    stats.formats.update(name for name in ("response_format", "json_schema") if name in body)
    stats.answered += 1
    choices, tokens = [], 0
    for index in range(n):
        text, reason = reply_to(prompt, seed + index)
        tokens += max(1, len(text) // 4)
        parts = {"message": {"content": text}} if "messages" in body else {"text": text}
        choices.append({"index": index, "finish_reason": reason} | parts)
    usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": tokens}
    stats.prompt_tokens += usage["prompt_tokens"]
    stats.completion_tokens += tokens
    return web.Response(body=msgspec.json.encode({"choices": choices, "usage": usage}), content_type="application/json")


def prompt_of(body: dict[str, Any]) -> str:
    if "messages" in body:
        return "\n".join(message["content"] for message in body["messages"])
    return str(body["prompt"])


def reply_to(prompt: str, seed: int) -> tuple[str, str]:
    """The text and its finish reason."""
    if behavior.text:
        return behavior.text, "stop"
    fault = share("fault", prompt, seed)
    if fault < behavior.refuses:
        return "I'm sorry, but I can't help with judging this.", "stop"
    fault -= behavior.refuses
    if fault < behavior.out_of_range:
        return "[0] It holds.\n\n\\boxed{977}", "stop"
    fault -= behavior.out_of_range
    text = judged(prompt, seed)
    if fault < behavior.cut:
        return text[: len(text) // 2], "length"
    return text, "stop"


def judged(prompt: str, seed: int) -> str:
    if "<solution_a>" in prompt:
        return preference(prompt)
    steps = steps_in(prompt)
    if steps:
        first = first_error(problem_in(prompt), steps)
        if share("noise", prompt, seed) < behavior.noise:
            first = other_step(first, len(steps), share("to", prompt, seed))
        upto = len(steps) if first < 0 else first + 1
        lines = [f"[{place}] {'It fails.' if place == first else 'It holds.'}" for place in range(upto)]
        return "\n".join([*lines, "", f"\\boxed{{{first}}}"])
    if "verdict" in prompt.lower() and "pass" in prompt.lower():
        return json.dumps(
            {"analysis": "", "reason": "Checked.", "verdict": "fail" if "wrong" in solution_in(prompt) else "pass"}
        )
    if "<critique>" in prompt:
        return f"<revision>\n{solution_in(prompt)} Now it is clearer.\n</revision>"
    return "It is not as clear as it could be."


def first_error(problem: str, steps: list[str]) -> int:
    """What this judge says, by its accuracy."""
    truth = behavior.truth.get(problem)
    if truth is None:
        truth = next((place for place, step in enumerate(steps) if "wrong" in step), -1)
    if share("accuracy", problem, *steps) < behavior.accuracy:
        return truth
    return other_step(truth, len(steps), share("to", problem, *steps))


def other_step(first: int, count: int, lot: float) -> int:
    """Any other verdict, each as likely."""
    others = [place for place in range(-1, count) if place != first]
    return others[int(lot * len(others))]


def preference(prompt: str) -> str:
    first, second = (tagged(prompt, f"solution_{name}") for name in "ab")
    if behavior.prefers == "A" or share("flip", *sorted((first, second))) < behavior.flips:
        choice = "A"
    elif behavior.prefers == "right":
        choice = "A" if "wrong" not in first else "B"
    else:
        choice = "A" if len(first) >= len(second) else "B"
    return json.dumps({"analysis": "", "reason": f"It prefers {choice}.", "choice": choice, "margin": "clearly"})


def tagged(prompt: str, name: str) -> str:
    found = re.search(rf"<{name}>\n(.*?)\n</{name}>", prompt, re.DOTALL)
    return found.group(1) if found else ""


def problem_in(prompt: str) -> str:
    found = re.match(r"Problem: (.*?)\n\[0\] ", prompt, re.DOTALL)
    return found.group(1) if found else tagged(prompt, "problem")


def steps_in(prompt: str) -> list[str]:
    tags = re.findall(r"<step_\d+>\n(.*?)\n</step_\d+>", prompt, re.DOTALL)
    return tags or re.findall(r"^\[\d+\] (.*)$", prompt, re.MULTILINE)


def solution_in(prompt: str) -> str:
    return tagged(prompt, "solution")


async def control(request: web.Request) -> web.Response:
    for name, value in (await request.json()).items():
        assert hasattr(behavior, name), name
        setattr(behavior, name, value)
    return web.json_response({})


async def told(request: web.Request) -> web.Response:
    shown = {name: getattr(stats, name) for name in ("requests", "answered", "in_flight", "most_in_flight")}
    shown |= {"prompt_tokens": stats.prompt_tokens, "completion_tokens": stats.completion_tokens}
    repeated = sum(count - 1 for count in stats.keys.values())
    return web.json_response(shown | {"repeated": repeated, "formats": dict(stats.formats)})


async def reset(request: web.Request) -> web.Response:
    global stats  # noqa: PLW0603
    behavior.__init__()  # type: ignore[misc]
    stats = Stats()
    dice.seed(1)
    return web.json_response({})


def main() -> None:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    for path in ("/v1/completions", "/v1/chat/completions"):
        app.router.add_post(path, answer)
    app.router.add_post("/control", control)
    app.router.add_post("/reset", reset)
    app.router.add_get("/stats", told)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
