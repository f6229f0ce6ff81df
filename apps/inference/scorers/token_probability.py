"""The probability of a good token against a bad one after each step, as Math-Shepherd's reward model is read. Pure.

For each prefix one token is requested with the log-probabilities of the most likely ones. Where the good or the bad token
is not among them, more are requested; then both are made likely by the same `logit_bias`. A server that reports
probabilities before the bias reveals that of the token that it was made to write; one that reports those after it reveals
both, and their ratio is unchanged. A step whose probabilities remain unknown is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.inference.errors import PromptTooLong, RequestRefused
from apps.inference.scorers.base import Ask, ScorerOptions, StepScores
from apps.inference.scorers.logprobs import NextToken, log_sum, next_token, share_of
from apps.inference.scorers.prompt import ScoringPrompt
from apps.inference.transports.base import Body, sampling_fields
from apps.inference.types import SamplingParameters, Server

# Added to the logits of both tokens: then one of them is written.
BIAS = 100
TokenId = Annotated[int, Meta(ge=0, le=10_000_000)]


class TokenProbabilityOptions(ScorerOptions, frozen=True):
    """`top`: how many of the most likely tokens are requested at first, and `most`: at the second attempt, 0 for none.

    `good_ids` and `bad_ids` are the tokens' numbers, for servers whose `logit_bias` knows no texts: vLLM and SGLang.
    """

    top: Annotated[int, Meta(ge=1, le=1000)] = 20
    most: Annotated[int, Meta(ge=0, le=300_000)] = 400
    good_ids: Annotated[tuple[TokenId, ...], Meta(max_length=8)] = ()
    bad_ids: Annotated[tuple[TokenId, ...], Meta(max_length=8)] = ()
    extras: bool = True


class TokenProbability:
    name: ClassVar = "token_probability"
    title: ClassVar = "token probability"
    about: ClassVar = (
        "A good token against a bad one after each step: llama.cpp, vLLM, SGLang. At least one request per step."
    )
    preset: ClassVar[str | None] = "math-shepherd"
    requests_per_step: ClassVar[bool] = True
    option_type: ClassVar[type[ScorerOptions]] = TokenProbabilityOptions

    def __init__(self, server: Server, options: ScorerOptions, prompt: ScoringPrompt) -> None:
        assert isinstance(options, TokenProbabilityOptions)
        self._server, self._options, self._prompt = server, options, prompt
        # Attempts that this server has refused are not made again.
        self._takes_most, self._takes_bias = options.most > options.top, True

    async def score(self, ask: Ask, problem: str, steps: Sequence[str]) -> StepScores:
        """One prefix after the other: each begins with the one before, which the server has in its cache."""
        scored = StepScores()
        for position in range(len(steps)):
            try:
                score, reason = await self._score_step(ask, problem, steps[: position + 1])
            except PromptTooLong as failure:
                # The later prefixes are longer still.
                scored.scores += [None] * (len(steps) - position)
                scored.reasons.append(str(failure))
                scored.is_too_long = True
                break
            scored.scores.append(score)
            if reason:
                scored.reasons.append(reason)
        return scored

    async def _score_step(self, ask: Ask, problem: str, steps: Sequence[str]) -> tuple[float | None, str]:
        first = await self._request(ask, problem, steps, self._options.top)
        score = self._share(first)
        if score is None and self._takes_most:
            wider = await self._attempt(ask, problem, steps, self._options.most)
            self._takes_most = wider is not None
            first = wider or first
            score = self._share(first)
        if score is None and self._takes_bias and first.top:
            score = await self._forced_share(ask, problem, steps, first)
        return score, "" if score is not None else self._missing_reason(first)

    async def _forced_share(self, ask: Ask, problem: str, steps: Sequence[str], plain: NextToken) -> float | None:
        """Make the server write one of the two tokens, then the other if its probability is still unknown."""
        good = self._bias_keys(self._prompt.good, self._options.good_ids)
        bad = self._bias_keys(self._prompt.bad, self._options.bad_ids)
        both = await self._attempt(ask, problem, steps, self._options.top, bias=(*good, *bad))
        if both is None:
            self._takes_bias = False
            return None
        if (score := self._share(both)) is not None:
            return score
        if not both.is_same_distribution(plain):
            return None
        lacks_good = log_sum(both.entries(), self._prompt.good) is None
        other = await self._attempt(ask, problem, steps, self._options.top, bias=good if lacks_good else bad)
        if other is None or not other.is_same_distribution(plain):
            return None
        known = {text for text, _ in both.entries()}
        return self._share(NextToken((*both.entries(), *(one for one in other.entries() if one[0] not in known)), None))

    async def _attempt(
        self, ask: Ask, problem: str, steps: Sequence[str], top: int, bias: Sequence[str] = ()
    ) -> NextToken | None:
        """A request that the server may refuse; None if it does."""
        try:
            return await self._request(ask, problem, steps, top, bias)
        except PromptTooLong:
            raise
        except RequestRefused:
            return None

    async def _request(
        self, ask: Ask, problem: str, steps: Sequence[str], top: int, bias: Sequence[str] = ()
    ) -> NextToken:
        # Nothing may be cut off the distribution, by settings of ours or by a server's own defaults.
        plain = SamplingParameters(temperature=1.0, max_tokens=1, extras=self._options.extras)
        body: Body = sampling_fields(self._server, plain, n=1, seed=0)
        if self._prompt.style == "chat":
            body |= {"messages": self._prompt.messages(problem, steps), "logprobs": True, "top_logprobs": top}
        else:
            body |= {"prompt": self._prompt.prefix(problem, steps), "logprobs": top}
        if bias:
            body["logit_bias"] = dict.fromkeys(bias, BIAS)
        path = "/chat/completions" if self._prompt.style == "chat" else "/completions"
        return await ask(self._server.url.rstrip("/") + path, body, next_token)

    @staticmethod
    def _bias_keys(texts: Sequence[str], ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(map(str, ids)) or (texts[0],)

    def _share(self, token: NextToken) -> float | None:
        good, bad = (log_sum(token.entries(), tokens) for tokens in (self._prompt.good, self._prompt.bad))
        return None if good is None or bad is None else share_of(good, bad)

    def _missing_reason(self, token: NextToken) -> str:
        if not token.top:
            return "The endpoint returned no log-probabilities."
        sides = (self._prompt.good, self._prompt.bad)
        absent = [repr(tokens[0]) for tokens in sides if log_sum(token.entries(), tokens) is None]
        return f"The probability of {' and '.join(absent)} is not among those that the endpoint returned."
