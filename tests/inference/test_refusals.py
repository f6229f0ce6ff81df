"""Refused requests, in the wording of real servers, and how they are repeated."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from apps.inference.client import Client
from apps.inference.errors import PromptTooLong, RequestRefused
from apps.inference.refusals import adapted, notice_of, read_refusal
from apps.inference.types import CompletionPrompt, ModelResponse, SamplingParameters, Server
from tests.inference.scripted import ReceivedRequest, Reply, Script, Scripted, chats, scripted

SENT = ("model", "n", "temperature", "top_p", "max_tokens", "seed", "stop", "top_k", "min_p", "messages")
TOO_LONG: dict[str, tuple[int, object]] = {
    "OpenAI": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens.",
                "code": "context_length_exceeded",
            }
        },
    ),
    "vLLM": (
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 2048 tokens. However, you requested 2100 tokens",
            "code": 400,
        },
    ),
    "vLLM, the prompt": (
        400,
        {"error": {"message": "The decoder prompt (length 3000) is longer than the maximum model length of 2048."}},
    ),
    "vLLM, max_tokens": (
        400,
        {"error": {"message": "'max_tokens' is too large: 1024. This model's maximum context length is 512 tokens"}},
    ),
    "SGLang": (400, {"message": "The input (3000 tokens) is longer than the model's context length (2048 tokens)."}),
    "llama.cpp": (
        400,
        {
            "error": {
                "code": 400,
                "message": "request (9002 tokens) exceeds the available context size (256 tokens), try increasing it",
                "type": "exceed_context_size_error",
                "n_ctx": 256,
            }
        },
    ),
    "TGI": (
        422,
        {
            "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048.",
            "error_type": "validation",
        },
    ),
    "TGI, the prompt": (
        422,
        {"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 2000"},
    ),
    "Anthropic": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"},
        },
    ),
    "Gemini": (
        400,
        [
            {
                "error": {
                    "message": "The input token count (2000000) exceeds the maximum number of tokens allowed (1048576)."
                }
            }
        ],
    ),
    "Mistral": (
        400,
        {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
    ),
    "a proxy": (413, {}),
    "a server that fails": (500, {"error": {"message": "the request exceeds the available context size"}}),
}
NOT_TOO_LONG: list[tuple[int, object]] = [
    (400, {"error": {"message": "Value must be between 1 <= value <= 8"}}),
    (400, {"error": {"message": "temperature must be at most 2"}}),
    (400, "oops"),
    (400, {"error": {"message": "n is too large"}}),
]
UNKNOWN: list[tuple[str, object]] = [
    (
        "max_tokens",
        {
            "error": {
                "message": "This model takes no max_tokens; send max_completion_tokens.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            }
        },
    ),
    (
        "max_tokens",
        {"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}},
    ),
    (
        "temperature",
        {
            "error": {
                "message": "'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
                "param": "temperature",
                "code": "unsupported_value",
            }
        },
    ),
    ("top_k", {"error": {"message": "Unrecognized request argument supplied: top_k", "param": None}}),
    (
        "seed",
        {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "seed"],
                    "msg": "Extra inputs are not permitted",
                    "input": 3,
                }
            ]
        },
    ),
    ("min_p", {"error": {"message": "property 'min_p' is unsupported"}}),
    (
        "seed",
        [{"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}],
    ),
    (
        "stop",
        {"error": {"message": "Unsupported parameter: 'stop' is not supported with this model.", "param": "stop"}},
    ),
    ("n", {"error": {"message": "Unsupported parameter", "param": "n", "code": "unsupported_parameter"}}),
]
KNOWN: list[object] = [
    {"error": {"message": "temperature must be in [0, 2]", "param": "temperature", "code": "invalid_value"}},
    {"error": {"message": "Unrecognized request argument supplied: continue_final_message"}},
    {"error": {"message": "The model `x` does not exist"}},
    "seed",
]


@pytest.mark.parametrize("server", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_by_every_servers_words_and_asked_once(server: str) -> None:
    status, body = TOO_LONG[server]
    with scripted(lambda _: Reply(body, status=status)) as found, pytest.raises(PromptTooLong) as caught:
        ask(found, n=8)
    assert caught.value.requests == len(found.asked) == 1
    assert "too long" in str(caught.value)


@pytest.mark.parametrize(("status", "body"), NOT_TOO_LONG)
def test_other_refusals_are_not_about_the_length(status: int, body: object) -> None:
    assert not read_refusal(raw(body), 300).is_about_length(status)


@pytest.mark.parametrize(("setting", "body"), UNKNOWN)
def test_a_setting_that_the_server_does_not_take_is_known_by_name(setting: str, body: object) -> None:
    assert read_refusal(raw(body), 300).unknown_setting(SENT) == setting


@pytest.mark.parametrize("body", KNOWN)
def test_a_setting_with_a_wrong_value_or_one_that_matters_is_not_left_out(body: object) -> None:
    assert read_refusal(raw(body), 300).unknown_setting(SENT) is None


def raw(body: object) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def without(*settings: str) -> Script:
    """A server that refuses these settings and names one at a time."""

    def script(asked: ReceivedRequest) -> Reply:
        for name in settings:
            if name in asked.body:
                message = f"Unsupported parameter: '{name}' is not supported with this model."
                return Reply(
                    {"error": {"message": message, "param": name, "code": "unsupported_parameter"}}, status=400
                )
        return chats(*["The answer is 27."] * asked.body.get("n", 1))

    return script


def ask(server: Scripted, n: int = 1, times: int = 1, transport: str = "chat-instruct") -> list[ModelResponse]:
    async def asking() -> list[ModelResponse]:
        async with Client(Server(server.url, "small", transport=transport), attempts=2, first_pause_s=0.01) as client:
            sampling = SamplingParameters(stop=("\n\nQ",))
            return [await client.complete(CompletionPrompt("Compute."), sampling, n=n, seed=7) for _ in range(times)]

    return asyncio.run(asking())


def test_max_tokens_is_sent_by_its_other_name_and_that_is_remembered() -> None:
    with scripted(without("max_tokens")) as server:
        first, second = ask(server, n=4, times=2)
    assert (len(first.choices), first.requests, second.requests) == (4, 2, 1)
    refused, *taken = server.bodies
    assert refused["max_tokens"] == 1024
    assert all(body["max_completion_tokens"] == 1024 and "max_tokens" not in body for body in taken)


def test_settings_are_left_out_one_after_the_other() -> None:
    with scripted(without("max_tokens", "temperature", "seed", "stop", "top_k", "min_p")) as server:
        (answer,) = ask(server, n=2)
    assert (len(answer.choices), answer.requests) == (2, 7)
    assert set(server.bodies[-1]) == {"messages", "model", "n", "top_p", "max_completion_tokens"}


def test_a_server_without_n_is_asked_for_one_at_a_time() -> None:
    with scripted(without("n")) as server:
        first, second = ask(server, n=4, times=2)
    assert (len(first.choices), len(second.choices)) == (1, 1)
    assert "n" not in server.bodies[-1]


def test_a_server_that_takes_neither_name_is_given_up_with_its_sentence() -> None:
    with scripted(without("max_tokens", "max_completion_tokens")) as server, pytest.raises(RequestRefused) as caught:
        ask(server)
    assert "max_completion_tokens" in str(caught.value)
    assert caught.value.requests == len(server.asked) == 2


@pytest.mark.slow
def test_many_requests_at_once_learn_the_same_together() -> None:
    async def asking(url: str) -> list[ModelResponse]:
        async with Client(Server(url, "small", transport="chat-instruct"), attempts=2) as client:
            prompts = [CompletionPrompt(f"Compute {number}.") for number in range(12)]
            return await asyncio.gather(*(client.complete(one, SamplingParameters(), n=2, seed=1) for one in prompts))

    with scripted(without("max_tokens", "temperature")) as server:
        answers = asyncio.run(asking(server.url))
    assert all(len(answer.choices) == 2 for answer in answers)


def test_each_refused_setting_has_a_notice() -> None:
    assert "max_completion_tokens" in notice_of("max_tokens")
    assert "own default" in notice_of("temperature")
    body: dict[str, Any] = {"max_tokens": 5, "seed": 1, "n": 2}
    assert adapted(body, ["max_tokens", "seed", "top_k"]) == {"n": 2, "max_completion_tokens": 5}
