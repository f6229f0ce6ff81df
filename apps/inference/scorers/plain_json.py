"""A server of one's own: `{"problem", "steps"}` in, `{"scores": [...]}` out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from apps.inference.errors import InvalidResponse
from apps.inference.scorers.base import Ask, ScorerOptions, StepScores, probability
from apps.inference.scorers.prompt import ScoringPrompt
from apps.inference.types import Server


class PlainJson:
    """The request is sent to the endpoint's URL as it is. A score may be null: the step has none."""

    name: ClassVar = "json"
    title: ClassVar = "plain JSON"
    about: ClassVar = "A server of your own: problem and steps in, a list of scores out. One request per solution."
    preset: ClassVar[str | None] = None
    requests_per_step: ClassVar[bool] = False
    option_type: ClassVar[type[ScorerOptions]] = ScorerOptions

    def __init__(self, server: Server, options: ScorerOptions, prompt: ScoringPrompt) -> None:
        self._server = server

    async def score(self, ask: Ask, problem: str, steps: Sequence[str]) -> StepScores:
        def read(content: Any) -> list[float | None]:
            scores = content.get("scores") if isinstance(content, dict) else None
            if not isinstance(scores, list):
                raise InvalidResponse("The endpoint's response has no list `scores`.")
            if len(scores) != len(steps):
                raise InvalidResponse(f"The endpoint returned {len(scores)} scores for {len(steps)} steps.")
            return [None if score is None else probability(score) for score in scores]

        scores = await ask(self._server.url, {"problem": problem, "steps": list(steps)}, read)
        missing = ["The endpoint returned null for a step."] if None in scores else []
        return StepScores(scores, missing)
