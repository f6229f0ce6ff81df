"""The requests of each transport, and how it reads responses."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from apps.inference.client import Client
from apps.inference.errors import InvalidResponse
from apps.inference.prompts import Template, seed_of
from apps.inference.transports import TRANSPORTS
from apps.inference.transports.chat_instruct import CONTINUE
from apps.inference.types import CompletionPrompt, ModelResponse, SamplingParameters, Server
from tests.inference.scripted import Reply, Scripted, chats, completions, scripted

PROMPT = CompletionPrompt(problem="Compute 1 + 1.\n\n", prefix="Step 1: add", system="Be brief.\n")
SAMPLING = SamplingParameters(temperature=0.7, top_p=0.9, max_tokens=99, stop=("\n\nProblem",), top_k=5, min_p=0.1)
ALWAYS = {"model": "small", "n": 3, "temperature": 0.7, "top_p": 0.9, "max_tokens": 99, "seed": 17}


def ask(
    server: Scripted,
    transport: str,
    prompt: CompletionPrompt = PROMPT,
    sampling: SamplingParameters = SAMPLING,
    n: int = 3,
    **more: Any,
) -> ModelResponse:
    async def asking() -> ModelResponse:
        config = Server(server.url, "small", transport=transport, **more)
        async with Client(config, first_pause_s=0.01, attempts=2) as client:
            return await client.complete(prompt, sampling, n=n, seed=17)

    return asyncio.run(asking())


def test_completions_continues_the_text_verbatim() -> None:
    with scripted(lambda _: completions(" a", " b", " c")) as server:
        answer = ask(server, "completions")
    (asked,) = server.asked
    assert asked.path == "/v1/completions"
    assert asked.body == {
        **ALWAYS,
        "prompt": "Be brief.\nCompute 1 + 1.\n\nStep 1: add",
        "stop": ["\n\nProblem"],
        "top_k": 5,
        "min_p": 0.1,
    }
    assert [choice.text for choice in answer.choices] == [" a", " b", " c"]


def test_chat_prefill_goes_on_with_the_assistants_message() -> None:
    with scripted(lambda _: chats(" a", None, " c")) as server:
        answer = ask(server, "chat-prefill")
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.body["messages"] == [
        {"role": "system", "content": "Be brief.\n"},
        {"role": "user", "content": "Compute 1 + 1.\n\n"},
        {"role": "assistant", "content": "Step 1: add"},
    ]
    assert (asked.body["add_generation_prompt"], asked.body["continue_final_message"]) == (False, True)
    assert asked.body["chat_template_kwargs"] == {"enable_thinking": False}
    assert asked.body.items() >= ALWAYS.items()
    assert [choice.text for choice in answer.choices] == [" a", "", " c"]


def test_chat_prefill_of_nothing_is_a_plain_question() -> None:
    with scripted(lambda _: chats("a")) as server:
        ask(server, "chat-prefill", CompletionPrompt("Compute 1 + 1."), n=1)
    (body,) = server.bodies
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert not {"add_generation_prompt", "continue_final_message"} & set(body)


def test_chat_instruct_asks_a_closed_api_to_go_on() -> None:
    with scripted(lambda _: chats("a", "b", "c")) as server:
        answer = ask(server, "chat-instruct")
    (body,) = server.bodies
    assert body["messages"] == [
        {"role": "system", "content": "Be brief.\n"},
        {"role": "user", "content": "Compute 1 + 1.\n\n" + CONTINUE + "Step 1: add"},
    ]
    assert body.items() >= ALWAYS.items()
    assert [choice.text for choice in answer.choices] == ["a", "b", "c"]


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_does_not_know_top_k_and_min_p_is_not_sent_them(transport: str) -> None:
    said = completions("a") if transport == "completions" else chats("a")
    with scripted(lambda _: said) as server:
        ask(server, transport, sampling=SamplingParameters(extras=False), n=1)
    (body,) = server.bodies
    assert not {"top_k", "min_p", "stop"} & set(body)
    assert {"temperature", "top_p", "max_tokens", "seed", "n"} <= set(body)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("content", [{}, {"choices": [{}]}, {"choices": 3}, [], "text", {"choices": [None]}])
def test_a_response_without_choices_is_invalid(transport: str, content: object) -> None:
    with scripted(lambda _: Reply(content)) as server, pytest.raises(InvalidResponse):
        ask(server, transport)


def test_choices_are_read_in_the_order_of_their_index() -> None:
    turned = {"choices": [{"index": 1, "text": "b."}, {"index": 0, "text": "a", "finish_reason": "length"}]}
    with scripted(lambda _: Reply(turned)) as server:
        answer = ask(server, "completions")
    assert [(one.text, one.is_cut) for one in answer.choices] == [("a", True), ("b.", False)]


def test_usage_that_counts_only_the_first_choice_is_estimated_for_the_others() -> None:
    said = completions("aaaa", "aaaaaaaa", usage={"prompt_tokens": 9, "completion_tokens": 2})
    with scripted(lambda _: said) as server:
        believed = ask(server, "completions").usage
        estimated = ask(server, "completions", counts_first_only=True).usage
    assert (believed.prompt_tokens, believed.completion_tokens, believed.is_estimated) == (9, 2, False)
    assert (estimated.prompt_tokens, estimated.completion_tokens, estimated.is_estimated) == (9, 6, True)


def test_a_server_that_counts_nothing_has_its_tokens_estimated() -> None:
    with scripted(lambda _: completions("a" * 40, "a" * 40)) as server:
        usage = ask(server, "completions").usage
    assert (usage.completion_tokens, usage.is_estimated) == (20, True)


# --- prompts and seeds ------------------------------------------------------------------------------------


def test_a_prefix_ends_without_white_space_unless_the_model_wants_it() -> None:
    steps = ["Step 1: add.", "Step 2: so. \n"]
    assert Template().prompt("1 + 1?", steps, "\n").prefix == "Step 1: add.\nStep 2: so."
    assert Template(end="\n").prompt("1 + 1?", steps, "\n").prefix == "Step 1: add.\nStep 2: so.\n"
    assert Template().prompt("1 + 1?", [], "\n").prefix == ""
    assert Template(problem="Q: {problem}\nA:").prompt("{x} + 1?", [], "\n").problem == "Q: {x} + 1?\nA:"


def test_the_same_place_has_the_same_seed_and_every_other_another() -> None:
    seeds = {
        (run, step, ordinal): seed_of(run, step, ordinal)
        for run in range(8)
        for step in range(8)
        for ordinal in range(8)
    }
    assert seeds == {place: seed_of(*place) for place in seeds}
    assert len(set(seeds.values())) == len(seeds)
    # Servers add the index of a choice, up to the 1,024 that a request may ask for.
    assert all(seed >= 0 and seed + 1024 < 2**31 for seed in seeds.values())


# --- a real server ----------------------------------------------------------------------------------------


def test_the_real_llama_server_continues_cuts_repeats_itself_by_seed_and_shows_its_cap(
    reasoner_server: str,
) -> None:
    """It refuses an `n` above its slots, and its usage counts the first choice."""
    prompt = CompletionPrompt("Tom has 3 apples and buys 4 more. How many apples does Tom have now?\n", "3 + 4 =")

    async def asking(url: str) -> None:
        async with Client(Server(url, "reasoner", counts_first_only=True)) as client:
            free = SamplingParameters(temperature=1.0, max_tokens=60)
            some = await client.complete(prompt, free, n=4, seed=5)
            assert len(some.choices) == 4
            assert some.usage.is_estimated
            again = await client.complete(prompt, free, n=4, seed=6)
            assert [one.text for one in some.choices] != [one.text for one in again.choices]
            greedy = [
                await client.complete(prompt, SamplingParameters(temperature=0.0, max_tokens=20), n=1) for _ in range(2)
            ]
            assert greedy[0].choices == greedy[1].choices
            assert greedy[0].choices[0].text.strip()
            cut = await client.complete(prompt, SamplingParameters(max_tokens=1), n=2, seed=5)
            assert [one.is_cut for one in cut.choices] == [True, True]
            many = await client.complete(prompt, free, n=1024, seed=5)
            assert client.most_choices == len(many.choices) < 1024
            assert many.requests > 1

    asyncio.run(asking(reasoner_server))


def test_a_key_goes_into_the_header_and_nowhere_else() -> None:
    with scripted(lambda _: completions("a")) as server:
        ask(server, "completions", api_key="sk-secret", n=1)
        ask(server, "completions", n=1)
    with_key, without = server.asked
    assert with_key.headers["Authorization"] == "Bearer sk-secret"
    assert "Authorization" not in without.headers
    assert "sk-secret" not in str(with_key.body)
    assert "sk-secret" not in repr(Server(server.url, "small", api_key="sk-secret"))
