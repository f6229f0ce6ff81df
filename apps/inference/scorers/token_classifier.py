"""vLLM's pooling interface with a token classifier: class probabilities at each step. Pure.

`POST /pooling` answers `{"data": [{"data": [[...], ...]}]}` with one row of class probabilities per token, or per step
where the server picks the tokens itself (vLLM's pooler STEP, as for Qwen2.5-Math-PRM). In the former case the steps end
at the separator's tokens, which `POST /tokenize` finds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from apps.inference.errors import InvalidResponse
from apps.inference.scorers.base import Ask, ScorerOptions, StepScores, probability, root_of
from apps.inference.scorers.prompt import ScoringPrompt
from apps.inference.types import Server

Rows = list[list[float]]
_SUM_TOLERANCE = 0.01


class TokenClassifierOptions(ScorerOptions, frozen=True):
    """`good_class`: which of a row's values is the probability that the step is right; -1 is the last.

    `activation` is applied to the rows of a server that returns logits.
    """

    good_class: Annotated[int, Meta(ge=-1, le=100)] = -1
    activation: Literal["none", "softmax", "sigmoid"] = "none"


class TokenClassifier:
    name: ClassVar = "pooling"
    title: ClassVar = "token classification"
    about: ClassVar = (
        "A token classifier behind vLLM's pooling interface, such as Qwen2.5-Math-PRM. One request per solution."
    )
    preset: ClassVar[str | None] = "qwen-prm"
    requests_per_step: ClassVar[bool] = False
    option_type: ClassVar[type[ScorerOptions]] = TokenClassifierOptions

    def __init__(self, server: Server, options: ScorerOptions, prompt: ScoringPrompt) -> None:
        assert isinstance(options, TokenClassifierOptions)
        self._server, self._options, self._prompt = server, options, prompt
        self._separator_id: int | None = None

    async def score(self, ask: Ask, problem: str, steps: Sequence[str]) -> StepScores:
        text = self._prompt.whole(problem, steps)
        rows = await ask(f"{root_of(self._server)}/pooling", {"model": self._server.model, "input": text}, _rows)
        if len(rows) != len(steps):
            rows = await self._rows_of_steps(ask, text, rows, len(steps))
        return StepScores([self._score(row) for row in rows])

    async def _rows_of_steps(self, ask: Ask, text: str, rows: Rows, count: int) -> Rows:
        """The rows at the separators. Raises InvalidResponse if they are not one per step."""
        separator = self._prompt.tag.strip()
        if self._separator_id is None:
            ids = await self._tokens(ask, separator, special=False)
            if len(ids) != 1:
                raise InvalidResponse(f"The separator {separator!r} is not a single token of the model.")
            self._separator_id = ids[0]
        tokens = await self._tokens(ask, text, special=True)
        if len(tokens) != len(rows):
            raise InvalidResponse(
                f"The endpoint returned {len(rows)} rows for {count} steps and {len(tokens)} tokens: neither fits."
            )
        found = [row for token, row in zip(tokens, rows, strict=True) if token == self._separator_id]
        if len(found) != count:
            raise InvalidResponse(f"The text has the separator {separator!r} {len(found)} times for {count} steps.")
        return found

    async def _tokens(self, ask: Ask, text: str, *, special: bool) -> list[int]:
        body = {"model": self._server.model, "prompt": text, "add_special_tokens": special}
        return await ask(f"{root_of(self._server)}/tokenize", body, _token_ids)

    def _score(self, row: list[float]) -> float:
        good = self._options.good_class
        if not -len(row) <= good < len(row):
            raise InvalidResponse(f"A step has {len(row)} class probabilities: there is none numbered {good}.")
        if self._options.activation == "softmax":
            highest = max(row)
            weights = [math.exp(value - highest) for value in row]
            return weights[good] / math.fsum(weights)
        if self._options.activation == "sigmoid":
            return 1 / (1 + math.exp(-max(-700.0, min(700.0, row[good]))))
        score = probability(row[good])
        if len(row) > 1 and abs(math.fsum(row) - 1) > _SUM_TOLERANCE:
            raise InvalidResponse(
                "The class probabilities of a step do not add up to 1: set `activation` if the endpoint returns logits."
            )
        return score


def _rows(content: Any) -> Rows:
    """Rows of numbers; a flat list, as of a model with one class, has one number per row."""
    try:
        data = content["data"][0]["data"]
        rows = [row if isinstance(row, list) else [row] for row in data]
        if all(row and all(_is_number(value) for value in row) for row in rows):
            return rows
    except (IndexError, KeyError, TypeError):
        pass
    raise InvalidResponse("The endpoint's response is not that of vLLM's pooling interface.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _token_ids(content: Any) -> list[int]:
    tokens = content.get("tokens") if isinstance(content, dict) else None
    if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
        raise InvalidResponse("The endpoint does not tell the tokens of a text (/tokenize).")
    return tokens
