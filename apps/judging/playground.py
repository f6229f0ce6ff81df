"""One item, one judge: what is asked, the reply, and what the parser makes of it. Nothing is stored."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from dataclasses import dataclass
from typing import Any

from apps.core.errors import DomainError, Unavailable
from apps.corpus.models import Comparison, Solution
from apps.inference.client import Client
from apps.inference.concurrency.shared_client import shared_connection
from apps.inference.errors import EndpointFailure
from apps.inference.models import Endpoint
from apps.judging.engine.replies import replies_to, sampling_for
from apps.judging.engine.states import JudgeState, SlotReply
from apps.judging.judges import endpoint_of, judge_kind
from apps.judging.kinds import Ask, ComparisonCase, Kind, Result, SolutionCase
from apps.judging.models import Judge
from apps.judging.runs.parameters import judge_sampling
from apps.judging.worker.load import comparison_case, paths_of, sides_of, solution_case

WITHIN_S = 120.0
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question with its reply."""

    ask: Ask
    reply: SlotReply


@dataclass(frozen=True, slots=True)
class Trial:
    """All questions about the item in order, and what they come to. Prices are those of the endpoint."""

    exchanges: list[Exchange]
    result: Result
    prompt_tokens: int
    completion_tokens: int


def try_judge(*, judge: Judge, solution: Solution | None = None, comparison: Comparison | None = None) -> Trial:
    """Ask the judge about this solution or comparison, each question once. `judge` need not be stored.

    Raises DomainError if the item is not of the judge's project and kind or cannot be judged, and Unavailable if the model
    is away.
    """
    endpoint = endpoint_of(judge)
    case = _case(judge, solution, comparison)
    kind = judge_kind(judge)
    if obstacle := kind.obstacle(case):
        raise DomainError(obstacle, fields={"comparison" if judge.compares else "solution": obstacle})
    try:
        return asyncio.run(_asked(endpoint, kind, case))
    except TimeoutError as error:
        raise Unavailable(f"The judge did not answer within {WITHIN_S:g} s.", code="judge_away") from error
    except EndpointFailure as failure:
        raise Unavailable(f"The judge does not answer: {failure}", code="judge_away") from failure


def _case(judge: Judge, solution: Solution | None, comparison: Comparison | None) -> SolutionCase | ComparisonCase:
    if judge.compares:
        if comparison is None:
            raise DomainError("This judge compares.", fields={"comparison": "required, since this judge compares"})
        _check_project(judge, comparison, "comparison")
        return comparison_case(comparison, *sides_of([comparison])[comparison.pk], 0)
    if solution is None:
        raise DomainError(
            "This judge judges solutions.", fields={"solution": "required, since this judge rates solutions"}
        )
    _check_project(judge, solution, "solution")
    return solution_case(solution, paths_of([solution])[solution.pk], 0)


def _check_project(judge: Judge, item: Solution | Comparison, field: str) -> None:
    """A project's model and prices are not for the texts of another."""
    if item.project_id != judge.project_id:
        raise DomainError(f"The {field} belongs to another project.", fields={field: "must be of the judge's project"})


async def _asked(endpoint: Endpoint, kind: Kind[Any, Any], case: SolutionCase | ComparisonCase) -> Trial:
    member = f"playground-{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
    opened = shared_connection(Client, endpoint, member, attempts=ATTEMPTS, demand=kind.requests)
    state = JudgeState(0, case)
    exchanges: list[Exchange] = []
    async with asyncio.timeout(WITHIN_S), opened as (client, limiter):
        sampling = judge_sampling(endpoint)
        while asks := kind.asks(case, state.readings):
            for ask in asks:
                await limiter.acquire()
                try:
                    response = await client.complete(ask.prompt, sampling_for(ask, 0, sampling), seed=ask.slot)
                finally:
                    limiter.release()
                (reply,) = replies_to([ask], 0, response)
                exchanges.append(Exchange(ask, reply))
                state.add(reply, 1)
    return Trial(exchanges, kind.result(case, state.readings), state.prompt_tokens, state.completion_tokens)
