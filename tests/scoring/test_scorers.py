"""The kinds of reward model against servers that answer in their forms."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from apps.inference.errors import EndpointFailure, InvalidResponse, RequestRefused
from apps.inference.scorers import SCORERS
from apps.inference.scorers.base import StepScores
from apps.inference.scorers.logprobs import log_sum, next_token, share_of
from apps.inference.scorers.prompt import PRESETS, ScoringPrompt
from apps.inference.scoring_client import ScoringClient, Spent
from apps.inference.types import Server
from tests.inference.scripted import Reply, Scripted, scripted
from tests.scoring.model import json_scores, rewards_of, token_scores
from tests.scoring.reward_server import score_of

PROBLEM = "What is 3 + 4, doubled?"
STEPS = ["3 + 4 = 7.", "7 * 2 = 14.", "The answer is 14."]
SIGNS = ScoringPrompt(problem="{problem}\n", head="Step {number}: ", tag="\n", separator="")


def scored(
    url: str,
    kind: str,
    prompt: ScoringPrompt = SIGNS,
    options: Mapping[str, Any] | None = None,
    steps: Sequence[str] = STEPS,
) -> tuple[StepScores, Spent]:
    async def ask() -> tuple[StepScores, Spent]:
        server, spent = Server(url=url, model="prm"), Spent()
        scorer = SCORERS[kind]
        own = msgspec.convert(dict(options or {}), scorer.option_type)
        async with ScoringClient(server, attempts=2, first_pause_s=0.01) as client:
            return await client.score(scorer(server, own, prompt), PROBLEM, steps, spent), spent

    return asyncio.run(ask())


# --- token probability ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["legacy", "content"])
def test_a_score_is_the_share_of_the_good_token_in_both_forms_of_log_probabilities(
    shape: str, reward_server: str
) -> None:
    server = rewards_of(reward_server, shape=shape)
    scores, spent = scored(server.url, "token_probability")
    assert scores.scores == pytest.approx(token_scores(SIGNS, PROBLEM, STEPS))
    assert spent.requests == len(STEPS) == server.stats()["requests"]
    assert spent.completion_tokens == len(STEPS)


def test_a_chat_model_is_asked_behind_the_replies_to_the_steps_before() -> None:
    def script(_: object) -> Reply:
        top = [{"token": "+", "logprob": math.log(0.6)}, {"token": "-", "logprob": math.log(0.2)}]
        first = {"token": "+", "logprob": math.log(0.6), "top_logprobs": top}
        return Reply({"choices": [{"message": {"content": "+"}, "logprobs": {"content": [first]}}]})

    with scripted(script) as server:
        scores, _ = scored(server.url, "token_probability", PRESETS["rlhflow"], steps=STEPS[:2])
    assert scores.scores == pytest.approx([0.75, 0.75])
    last = server.bodies[-1]
    assert [(message["role"], message["content"]) for message in last["messages"]] == [
        ("user", "What is 3 + 4, doubled? Step 1: 3 + 4 = 7."),
        ("assistant", "+"),
        ("user", "Step 2: 7 * 2 = 14."),
    ]
    assert (last["logprobs"], last["top_logprobs"], last["max_tokens"]) == (True, 20, 1)
    assert server.asked[-1].path == "/v1/chat/completions"


@pytest.mark.parametrize("hidden", ["+", "-"])
@pytest.mark.parametrize("bias", ["raw", "processed"])
def test_a_token_that_is_not_likely_is_found_by_a_bias_that_leaves_the_ratio_as_it_is(
    bias: str, hidden: str, reward_server: str
) -> None:
    server = rewards_of(reward_server, hides=hidden, bias=bias)
    scores, spent = scored(server.url, "token_probability", options={"most": 0})
    assert scores.scores == pytest.approx(token_scores(SIGNS, PROBLEM, STEPS), abs=1e-6)
    assert scores.reasons == []
    assert spent.requests > len(STEPS)


def test_more_tokens_are_requested_before_any_is_forced(reward_server: str) -> None:
    server = rewards_of(reward_server, shape="content", most_top=1000, bias="refused")
    scores, spent = scored(server.url, "token_probability", options={"top": 1, "most": 50})
    assert scores.scores == pytest.approx(token_scores(SIGNS, PROBLEM, STEPS))
    assert spent.requests == 2 * len(STEPS)


@pytest.mark.parametrize("bias", ["refused", "ignored"])
def test_a_step_whose_probabilities_stay_unknown_is_missing_and_never_guessed(bias: str, reward_server: str) -> None:
    server = rewards_of(reward_server, hides="-", bias=bias)
    scores, _ = scored(server.url, "token_probability", options={"most": 0})
    assert scores.scores == [None, None, None]
    assert scores.reasons[0] == "The probability of '-' is not among those that the endpoint returned."


def test_what_a_server_refuses_once_is_not_asked_again(reward_server: str) -> None:
    server = rewards_of(reward_server, hides="-", bias="refused", most_top=20)
    _, spent = scored(server.url, "token_probability", options={"most": 100})
    # One plain request per step, one with more tokens, one with a bias.
    assert spent.requests == len(STEPS) + 2


def test_a_server_without_log_probabilities_scores_nothing(reward_server: str) -> None:
    server = rewards_of(reward_server, no_logprobs=True)
    scores, _ = scored(server.url, "token_probability")
    assert scores.scores == [None] * 3
    assert scores.reasons[-1] == "The endpoint returned no log-probabilities."


def test_steps_beyond_the_context_are_missing_and_those_before_have_scores(reward_server: str) -> None:
    longest = len(SIGNS.prefix(PROBLEM, STEPS[:2]))
    server = rewards_of(reward_server, longest=longest)
    scores, spent = scored(server.url, "token_probability")
    assert scores.scores == [*map(pytest.approx, token_scores(SIGNS, PROBLEM, STEPS)[:2]), None]
    assert scores.is_too_long
    assert "too long" in scores.reasons[0]
    assert spent.requests == 3


def test_nothing_is_cut_off_the_distribution_that_is_asked_for(reward_server: str) -> None:
    with scripted(lambda _: Reply({"choices": [{"text": "x", "logprobs": None}]})) as server:
        scored(server.url, "token_probability", steps=STEPS[:1])
    asked = {name: server.bodies[0][name] for name in ("temperature", "top_p", "top_k", "min_p", "max_tokens")}
    assert asked == {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "max_tokens": 1}


def test_a_setting_that_the_server_refuses_is_left_out(reward_server: str) -> None:
    def script(request: Any) -> Reply:
        if "seed" in request.body:
            message = "Unsupported parameter: 'seed' is not supported with this model."
            return Reply({"error": {"message": message, "param": "seed"}}, status=400)
        logprobs = {
            "tokens": ["+"],
            "token_logprobs": [-0.1],
            "top_logprobs": [{"+": math.log(0.8), "-": math.log(0.2)}],
        }
        return Reply({"choices": [{"text": "+", "logprobs": logprobs}]})

    with scripted(script) as server:
        scores, spent = scored(server.url, "token_probability")
    assert scores.scores == pytest.approx([0.8] * 3)
    assert spent.requests == 4
    assert spent.is_estimated  # The server counts no tokens.


@pytest.mark.parametrize(
    "choice",
    [{"logprobs": {"content": [{"logprob": 1}]}}, {"logprobs": {"top_logprobs": [[1]]}}, {"logprobs": 3}],
)
def test_log_probabilities_in_another_form_are_an_error(choice: dict[str, Any]) -> None:
    with pytest.raises(InvalidResponse):
        next_token({"choices": [choice]})


def test_a_log_probability_that_is_none_is_not_known() -> None:
    token = next_token({"choices": [{"logprobs": {"tokens": ["+"], "top_logprobs": [{"+": -0.1, "-": None}]}}]})
    assert token.top == (("+", -0.1),)
    assert token.sampled is None


def test_the_tokens_of_one_side_are_added_and_extremes_stay_within_0_and_1() -> None:
    entries = [("+", math.log(0.3)), (" +", math.log(0.2)), ("-", -2000.0)]
    assert log_sum(entries, ("+", " +")) == pytest.approx(math.log(0.5))
    assert log_sum(entries, ("x",)) is None
    assert share_of(0.0, -2000.0) == 1.0
    assert share_of(-2000.0, 0.0) == 0.0


# --- prompts ----------------------------------------------------------------------------------------------


def test_math_shepherds_prompt_ends_in_its_tag_and_numbers_only_steps_without_a_number() -> None:
    prompt = PRESETS["math-shepherd"]
    expected = "How many? Step 1: One. \u043a\u0438\nStep 2: Two. \u043a\u0438"
    assert prompt.prefix("How many?", ["One.", "Two."]) == expected
    assert prompt.prefix("How many?", ["Step 1: One.", "Step 2: Two."]) == expected


def test_a_statement_with_braces_is_not_taken_for_a_template() -> None:
    assert SIGNS.prefix("{problem} {number}", ["{step}"]) == "{problem} {number}\nStep 1: {step}\n"


# --- vLLM's pooling interface -----------------------------------------------------------------------------


def pooled(prompt: ScoringPrompt) -> list[float]:
    return [score_of(prompt.prefix(PROBLEM, STEPS[: place + 1])) for place in range(len(STEPS))]


@pytest.mark.parametrize(("rows", "requests"), [("steps", 1), ("tokens", 3)])
def test_rows_of_the_pooling_interface_are_those_of_the_steps(rows: str, requests: int, reward_server: str) -> None:
    server = rewards_of(reward_server, rows=rows)
    prompt = PRESETS["qwen-prm"]
    scores, spent = scored(server.url, "pooling", prompt)
    assert scores.scores == pytest.approx(pooled(prompt))
    assert spent.requests == requests


def test_logits_are_refused_unless_an_activation_is_set(reward_server: str) -> None:
    server = rewards_of(reward_server, rows="logits")
    prompt = PRESETS["qwen-prm"]
    with pytest.raises(InvalidResponse, match=r"between 0 and 1|add up to 1"):
        scored(server.url, "pooling", prompt)
    scores, _ = scored(server.url, "pooling", prompt, {"activation": "softmax"})
    assert scores.scores == pytest.approx(pooled(prompt))


def test_rows_that_fit_neither_steps_nor_tokens_are_an_error(reward_server: str) -> None:
    server = rewards_of(reward_server, rows="short")
    with pytest.raises(InvalidResponse, match="neither fits"):
        scored(server.url, "pooling", PRESETS["qwen-prm"])


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": [{"data": [["a"]]}]}, {"data": [{"data": [[]]}]}, [1]])
def test_a_response_in_another_form_is_an_error(body: Any) -> None:
    with scripted(lambda _: Reply(body)) as server, pytest.raises(InvalidResponse):
        scored(server.url, "pooling", PRESETS["qwen-prm"])


def test_a_class_that_there_is_not_is_an_error(reward_server: str) -> None:
    with pytest.raises(InvalidResponse, match="none numbered 5"):
        scored(rewards_of(reward_server).url, "pooling", PRESETS["qwen-prm"], {"good_class": 5})


# --- plain JSON -------------------------------------------------------------------------------------------


def test_plain_json_sends_problem_and_steps_and_nothing_else(reward_server: str) -> None:
    server = rewards_of(reward_server)
    scores, spent = scored(server.json_url, "json")
    assert scores.scores == pytest.approx(json_scores(PROBLEM, STEPS))
    assert (spent.requests, spent.is_estimated) == (1, True)


def test_a_null_is_a_missing_step(reward_server: str) -> None:
    server = rewards_of(reward_server, json_scores=[0.5, None, 1])
    assert scored(server.json_url, "json")[0].scores == [0.5, None, 1.0]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([0.5], "1 scores for 3 steps"),
        ([0.5, 1.5, 0.1], "returned the score 1.5"),
        ([0.5, "0.4", 0.1], "returned the score 0.4"),
        ([0.5, True, 0.1], "returned the score True"),
        ("no list", "no list"),
    ],
)
def test_scores_that_cannot_be_are_an_error_and_are_not_clipped(answer: Any, reason: str, reward_server: str) -> None:
    server = rewards_of(reward_server, json_scores=answer)
    with pytest.raises(InvalidResponse, match=reason):
        scored(server.json_url, "json")


def test_a_server_that_is_down_is_a_failure_with_its_requests(reward_server: str) -> None:
    server = rewards_of(reward_server, is_down=True)
    with pytest.raises(EndpointFailure) as failure:
        scored(server.json_url, "json")
    assert failure.value.requests == 2


def test_a_refused_solution_names_the_servers_reason() -> None:
    with scripted(lambda _: Reply({"error": {"message": "no digits, please"}}, status=400)) as server:
        assert isinstance(server, Scripted)
        with pytest.raises(RequestRefused, match="no digits"):
            scored(server.url, "token_probability")
