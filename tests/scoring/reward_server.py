"""A server of reward models whose scores a test can recompute: from the text alone, the same each time.

    python -m tests.scoring.reward_server PORT

It speaks completions with log-probabilities in OpenAI's legacy form (as vLLM and SGLang) and in llama.cpp's, chats,
vLLM's pooling interface with /tokenize, and plain JSON. `POST /control` sets what is in `Behavior`, `GET /stats` returns
the counts, `POST /reset` makes it as good as new.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections import Counter
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Any

import msgspec
from aiohttp import web

SEPARATOR, SEPARATOR_ID, START_ID = "<extra_0>", 151651, 1
OTHERS = ("The", " 3", "Step", "\n", ".", " a", "So", " =")


@dataclass
class Behavior:
    latency_s: float = 0.0
    shape: str = "legacy"  # Or "content", as llama.cpp.
    hides: str = ""  # The token of this sign is never among the most likely ones, unless it is sampled.
    most_top: int = 20  # More are refused, as vLLM does.
    bias: str = "raw"  # Probabilities before the bias (llama.cpp), "processed": after it, "refused", "ignored".
    rows: str = "steps"  # Of the pooling interface; "tokens": one per token, "logits", "short": one too few.
    json_scores: list[Any] | None = None  # What plain JSON returns instead of scores.
    no_logprobs: bool = False
    error_500: float = 0.0
    is_down: bool = False
    longest: int = 0  # In characters, as a context length.


@dataclass
class Stats:
    requests: int = 0
    answered: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    texts: Counter[str] = field(default_factory=Counter)


behavior, stats = Behavior(), Stats()


def score_of(text: str) -> float:
    """The score of the last step of this text, in (0.05, 0.95)."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return 0.05 + 0.9 * int.from_bytes(digest, "big") / 2**64


def step_text(problem: str, steps: list[str]) -> str:
    """What pooling and plain JSON score: a problem and the steps up to the scored one."""
    return "\n".join([problem, *steps])


async def answer(request: web.Request) -> web.Response:
    body = msgspec.json.decode(await request.read())
    stats.requests += 1
    stats.in_flight += 1
    stats.most_in_flight = max(stats.most_in_flight, stats.in_flight)
    try:
        await asyncio.sleep(behavior.latency_s)
        text = text_of(body)
        if behavior.is_down:
            return web.Response(status=503)
        if behavior.error_500 and score_of(text + str(stats.requests)) < 0.05 + 0.9 * behavior.error_500:
            return web.Response(status=500)
        if behavior.longest and len(text) > behavior.longest:
            error = {"message": f"maximum context length is {behavior.longest}", "code": "context_length_exceeded"}
            return web.json_response({"error": error}, status=400)
        stats.texts[text] += 1
        response = ANSWERS[request.path](body, text)
        stats.answered += response.status == 200
        return response
    finally:
        stats.in_flight -= 1


def text_of(body: dict[str, Any]) -> str:
    if "messages" in body:
        return "".join(f"<{message['role']}>{message['content']}" for message in body["messages"])
    return str(body.get("prompt", body.get("input", body.get("problem", ""))))


def complete(body: dict[str, Any], text: str) -> web.Response:
    top = body.get("top_logprobs", body["logprobs"])
    if top > behavior.most_top:
        message = f"Requested sample logprobs of {top}, which is greater than max allowed: {behavior.most_top}"
        return web.json_response({"error": {"message": message, "type": "BadRequestError"}}, status=400)
    bias = body.get("logit_bias", {})
    if bias and behavior.bias == "refused":
        return web.json_response({"error": {"message": "logit_bias keys must be token ids"}}, status=400)
    logits = next_logits(text)
    normalizer = math.log(math.fsum(math.exp(logit) for logit in logits.values()))
    raw = {token: logit - normalizer for token, logit in logits.items()}
    forced = {} if behavior.bias == "ignored" else bias
    biased = {token: logit + forced.get(token, 0) for token, logit in logits.items()}
    # What is hidden is written only where a bias makes the server write it.
    writable = biased if forced else {token: logit for token, logit in raw.items() if token != behavior.hides}
    sampled = max(writable, key=lambda token: writable[token])
    shown = raw
    if behavior.bias == "processed" and forced:
        highest = max(biased.values())
        normalizer = highest + math.log(math.fsum(math.exp(logit - highest) for logit in biased.values()))
        shown = {token: logit - normalizer for token, logit in biased.items()}
    hidden = behavior.hides if behavior.bias != "processed" or not forced else ""
    likely = sorted((token for token in shown if token != hidden), key=lambda token: -shown[token])[:top]
    usage = {"prompt_tokens": max(1, len(text) // 4), "completion_tokens": 1}
    choice = {"index": 0, "finish_reason": "length", "logprobs": None}
    choice |= {"message": {"content": sampled}} if "messages" in body else {"text": sampled}
    if not behavior.no_logprobs:
        choice["logprobs"] = shaped(sampled, shown, likely, is_chat="messages" in body)
    return web.json_response({"choices": [choice], "usage": usage})


def next_logits(text: str) -> dict[str, float]:
    """The signs have probability score_of and its rest, in the proportion that is read; others are likely too."""
    score = score_of(text)
    return {"+": math.log(score), "-": math.log(1 - score)} | {
        token: math.log(0.3 / (number + 1)) for number, token in enumerate(OTHERS)
    }


def shaped(sampled: str, shown: dict[str, float], likely: list[str], *, is_chat: bool) -> dict[str, Any]:
    if behavior.shape == "content" or is_chat:
        top = [{"id": 0, "token": token, "bytes": [], "logprob": shown[token]} for token in likely]
        return {"content": [{"id": 0, "token": sampled, "logprob": shown[sampled], "top_logprobs": top}]}
    top_logprobs = [{token: shown[token] for token in likely}]
    return {
        "tokens": [sampled],
        "token_logprobs": [shown[sampled]],
        "top_logprobs": top_logprobs,
        "text_offset": [0],
    }


def tokens_of(text: str, *, special: bool) -> list[int]:
    pieces = [piece for piece in re.split(rf"({re.escape(SEPARATOR)}|\s+)", text) if piece]
    return [START_ID] * special + [SEPARATOR_ID if piece == SEPARATOR else 1000 + len(piece) for piece in pieces]


def tokenize(body: dict[str, Any], text: str) -> web.Response:
    tokens = tokens_of(text, special=body["add_special_tokens"])
    return web.json_response({"tokens": tokens, "count": len(tokens), "max_model_len": 4096})


def pool(body: dict[str, Any], text: str) -> web.Response:
    ends = [match.end() for match in re.finditer(re.escape(SEPARATOR), text)]
    scores = [score_of(text[:end]) for end in ends]
    rows = [[1 - score, score] for score in scores]
    if behavior.rows == "logits":
        rows = [[0.0, math.log(score / (1 - score))] for score in scores]
    elif behavior.rows == "short":
        rows = rows[:-1]
    elif behavior.rows == "tokens":
        at_steps = iter(rows)
        rows = [next(at_steps) if token == SEPARATOR_ID else [0.5, 0.5] for token in tokens_of(text, special=True)]
    usage = {"prompt_tokens": len(text) // 4, "total_tokens": len(text) // 4, "completion_tokens": 0}
    return web.json_response(
        {"id": "pool-1", "object": "list", "data": [{"index": 0, "object": "pooling", "data": rows}], "usage": usage}
    )


def plain(body: dict[str, Any], text: str) -> web.Response:
    steps = body["steps"]
    scores = [score_of(step_text(body["problem"], steps[: place + 1])) for place in range(len(steps))]
    return web.json_response({"scores": scores if behavior.json_scores is None else behavior.json_scores})


ANSWERS = {
    "/v1/completions": complete,
    "/v1/chat/completions": complete,
    "/pooling": pool,
    "/tokenize": tokenize,
    "/score": plain,
}


async def control(request: web.Request) -> web.Response:
    for name, value in (await request.json()).items():
        assert hasattr(behavior, name), name
        setattr(behavior, name, value)
    return web.json_response({})


async def shown_stats(request: web.Request) -> web.Response:
    repeated = sum(count - 1 for count in stats.texts.values())
    return web.json_response(
        {name: value for name, value in asdict(stats).items() if name != "texts"} | {"repeated": repeated}
    )


async def reset(request: web.Request) -> web.Response:
    global stats  # noqa: PLW0603
    stats = Stats()
    behavior.__init__()  # type: ignore[misc]
    return web.json_response({})


def main() -> None:
    app = web.Application(client_max_size=10 * 1024 * 1024)
    for path in ANSWERS:
        app.router.add_post(path, answer)
    app.router.add_post("/control", control)
    app.router.add_post("/reset", reset)
    app.router.add_get("/stats", shown_stats)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
