"""A server that speaks OpenAI's completions with a latency and with faults, and counts everything.

    python -m tests.openai_server PORT

It stands in for a fast model where a test needs faults on command or a latency that is always the same; what a real
model does is tested on the real one. It reads the numbers in "Compute A + B." and answers rightly in a share `right`
of the rollouts, by a hash of prompt, seed and index: the same request has the same answer.
`POST /control` sets what is in `Faults`, `GET /stats` returns what was asked, `POST /forget` restarts the counts,
`POST /reset` makes it as good as new.
"""

from __future__ import annotations

import asyncio
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
class Faults:
    latency_s: float = 0.2
    per_token_s: float = 0.0
    right: float = 0.5
    error_500: float = 0.0
    timeout: float = 0.0
    too_many: float = 0.0
    reset: float = 0.0
    fewer: float = 0.0
    empty: float = 0.0
    cut: float = 0.0
    garbage: float = 0.0
    most_choices: int = 0  # Above it a request is refused, as llama.cpp does.
    key: str = ""
    is_down: bool = False
    text: str = ""  # Every completion, whatever was asked.
    finish_reason: str = "stop"
    refuses: str = ""  # A setting that it does not take, as OpenAI's newer models say it.
    refuses_all: str = ""  # The sentence of a refusal of every request.
    longest_prompt: int = 0  # In characters, as a context length.
    echoes: bool = False  # Its chat reply begins with the prefilled message, as llama.cpp's does.
    hang_s: float = 30.0


@dataclass
class Stats:
    requests: int = 0
    answered: int = 0
    choices: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    answered_keys: Counter[str] = field(default_factory=Counter)


faults, stats, dice = Faults(), Stats(), random.Random(1)


def share(*parts: object) -> float:
    digest = blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


async def complete(request: web.Request) -> web.StreamResponse:
    body = msgspec.json.decode(await request.read())
    counted = stats  # A request that outlives a reset is not one of the next test's.
    counted.requests += 1
    counted.in_flight += 1
    counted.most_in_flight = max(counted.most_in_flight, counted.in_flight)
    try:
        answer = await answer_to(request, body, counted)
        counted.statuses[answer.status] += 1
        return answer
    finally:
        counted.in_flight -= 1


async def answer_to(request: web.Request, body: dict[str, Any], stats: Stats) -> web.Response:
    refusal = refused(body)
    if refusal is not None:
        return web.json_response({"error": refusal}, status=400)
    body.setdefault("seed", 0)
    if "messages" in body:
        body["prompt"] = "\n".join(message["content"] for message in body["messages"])
    key = f"{share(body['prompt'], body['seed']):.15f}:{body['n']}"
    stats.asked[key] += 1
    if faults.key and request.headers.get("Authorization") != f"Bearer {faults.key}":
        return web.json_response(
            {"error": {"message": f"wrong key: {request.headers.get('Authorization')}"}}, status=401
        )
    if faults.most_choices and body["n"] > faults.most_choices:
        message = f"Value must be between 1 <= value <= {faults.most_choices}"
        return web.json_response({"error": {"message": message}}, status=400)
    fault = dice.random()
    for name in ("error_500", "timeout", "too_many", "reset", "garbage"):
        chance = getattr(faults, name)
        if fault < chance:
            return await failing(request, name)
        fault -= chance
    if faults.is_down:
        return web.Response(status=503)
    tokens = 40
    await asyncio.sleep(faults.latency_s + faults.per_token_s * tokens)
    n = body["n"] - 1 if body["n"] > 1 and dice.random() < faults.fewer else body["n"]
    choices = [choice(body, index) for index in range(n)]
    stats.answered += 1
    stats.answered_keys[key] += 1
    stats.choices += n
    usage = {"prompt_tokens": len(body["prompt"]) // 4, "completion_tokens": tokens * n}
    return web.Response(body=msgspec.json.encode({"choices": choices, "usage": usage}), content_type="application/json")


def refused(body: dict[str, Any]) -> dict[str, Any] | None:
    """The error of a request that it does not take."""
    prompt = body.get("prompt") or "".join(message["content"] for message in body["messages"])
    if faults.refuses and faults.refuses in body:
        message = f"Unsupported parameter: '{faults.refuses}' is not supported with this model."
        return {"message": message, "param": faults.refuses, "code": "unsupported_parameter"}
    if faults.refuses_all:
        return {"message": faults.refuses_all, "type": "invalid_request_error", "param": None, "code": None}
    if faults.longest_prompt and len(prompt) > faults.longest_prompt:
        message = f"This model's maximum context length is {faults.longest_prompt} tokens."
        return {"message": message, "code": "context_length_exceeded"}
    return None


async def failing(request: web.Request, name: str) -> web.Response:
    if name == "too_many":
        return web.Response(status=429, headers={"Retry-After": "0.2"})
    if name == "timeout":
        await asyncio.sleep(faults.hang_s)
    if name == "garbage":
        return web.Response(body=b"<html>gateway</html>")
    if name == "reset" and request.transport is not None:
        request.transport.abort()
    return web.Response(status=500, text="internal")


def choice(body: dict[str, Any], index: int) -> dict[str, Any]:
    found = re.search(r"Compute (\d+) \+ (\d+)\.", body["prompt"])
    left, right = map(int, found.groups() if found else (1, 1))
    is_right = share(body["prompt"], body["seed"] + index) < faults.right
    text = f"\nStep 9: so we have it, and that is all there is to say.\nThe answer is: {left + right + (not is_right)}"
    if dice.random() < faults.empty:
        text = ""
    cut = dice.random() < faults.cut
    if cut:
        text = text[:20]
    text = faults.text or text
    if faults.echoes and body["messages"][-1]["role"] == "assistant":
        text = body["messages"][-1]["content"] + text
    told = {"index": index, "finish_reason": "length" if cut else faults.finish_reason}
    return told | ({"message": {"content": text}} if "messages" in body else {"text": text})


async def control(request: web.Request) -> web.Response:
    for name, value in (await request.json()).items():
        assert hasattr(faults, name), name
        setattr(faults, name, value)
    return web.json_response({})


async def told(request: web.Request) -> web.Response:
    repeated = sum(count - 1 for count in stats.answered_keys.values())
    shown = {"repeated": repeated, "statuses": {str(key): count for key, count in stats.statuses.items()}}
    for name in ("requests", "answered", "choices", "in_flight", "most_in_flight"):
        shown[name] = getattr(stats, name)
    return web.json_response(shown)


async def forget(request: web.Request) -> web.Response:
    global stats  # noqa: PLW0603
    stats = Stats()
    return web.json_response({})


async def reset(request: web.Request) -> web.Response:
    faults.__init__()  # type: ignore[misc]
    dice.seed(1)
    return await forget(request)


def main() -> None:
    app = web.Application(client_max_size=10 * 1024 * 1024)
    for path in ("/v1/completions", "/v1/chat/completions"):
        app.router.add_post(path, complete)
    app.router.add_post("/control", control)
    app.router.add_post("/forget", forget)
    app.router.add_post("/reset", reset)
    app.router.add_get("/stats", told)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
