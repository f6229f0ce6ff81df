"""Candidates for the next step: those that stand already, else sampled from the round's endpoint, for all who come.

The network is asked while no transaction is open, and within seconds: somebody waits. A model that does not answer
is told as such; the labeler can still write the step, or give up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any

from apps.core.errors import Conflict, DomainError, Unprocessable
from apps.inference.client import Client
from apps.inference.errors import EndpointFailure, Unreachable
from apps.inference.grants import unusable_reason
from apps.inference.models import Endpoint
from apps.inference.prompts import Template, seed_of
from apps.inference.services import save_learned_settings
from apps.inference.types import CompletionPrompt, ModelResponse, SamplingParameters
from apps.labeling.assignments.submit import candidate_tree
from apps.labeling.models import Assignment, CandidateSet, Protocol, Task
from apps.labeling.protocols import options_of
from apps.labeling.protocols.base import SamplingOptions
from apps.labeling.protocols.branching import MOST_POSITIONS
from apps.labeling.protocols.candidate_tree import Candidate, CandidateTree, is_final, own_number, prefix_digest

log = logging.getLogger(__name__)

WITHIN_S = 12.0
REQUESTS = 3
# Of the four threads of a web process, so many may wait for a model at once: the others serve pages.
AT_ONCE = 2
PATIENCE_S = 0.5
_places = BoundedSemaphore(AT_ONCE)
# Somebody who goes back and forth makes tens of beginnings, a program thousands.
MOST_OFFERS = 300
BUSY = "busy"
OPEN_STATES = (Assignment.State.LEASED, Assignment.State.EXPIRED, Assignment.State.RELEASED)


@dataclass(frozen=True, slots=True)
class SampledCandidates:
    """What stands at a position. `source` is `solution`, `model` or empty; `problem` says why nothing does.

    `busy`: the model is writing for others; ask again in a moment.
    """

    position: int
    candidates: Sequence[Candidate] = ()
    source: str = ""
    problem: str = ""
    ended: bool = False
    busy: bool = False

    @property
    def own(self) -> int:
        return own_number(self.candidates)


def candidates_after(
    *, assignment: Assignment, chosen: Sequence[Mapping[str, Any]], goes_on: bool = False
) -> SampledCandidates:
    """The candidates after these choices, each `{"candidate": n}` or `{"text": "..."}`, from the first position on.

    After a final answer a model is asked only when the labeler `goes_on` nevertheless.
    Raises Unprocessable that names the choice which does not exist, Conflict when the task has been handed in.
    """
    check_open(assignment, Protocol.BRANCHING)
    ways = candidate_tree(assignment.task)
    prefix = _texts(ways, chosen)
    options = options_of(assignment.round.protocol, assignment.round.options)
    assert isinstance(options, SamplingOptions)
    found = ways.after(prefix)
    ended = bool(prefix) and is_final(prefix[-1])
    if found is not None or (ended and not goes_on):
        return SampledCandidates(len(prefix), *(found or ([], "")), ended=ended)
    return _sample(assignment, prefix, options)


def check_open(assignment: Assignment, *protocols: Protocol) -> None:
    if assignment.round.protocol not in protocols:
        raise Conflict("This round's protocol asks for no candidates.", code="no_candidates")
    if assignment.state not in OPEN_STATES:
        raise Conflict("This task has been submitted.", code="already_submitted")


def _texts(ways: CandidateTree, chosen: Sequence[Mapping[str, Any]]) -> list[str]:
    prefix: list[str] = []
    for place, choice in enumerate(chosen[:MOST_POSITIONS]):
        text = choice.get("text")
        if text is None:
            offered, _ = ways.after(prefix) or ([], "")
            text = next((one.text for one in offered if one.candidate == choice.get("candidate")), None)
        if text is None or not text.strip():
            raise Unprocessable(
                f"There is no such candidate at step {place + 1}.",
                fields={f"chosen[{place}]": "neither a candidate that is offered nor a text"},
            )
        prefix.append(text.strip())
    return prefix


def _sample(assignment: Assignment, prefix: Sequence[str], options: SamplingOptions) -> SampledCandidates:
    """Ask the model, and keep what it says; whoever was quicker wins."""
    task, endpoint = assignment.task, assignment.round.endpoint
    position = len(prefix)
    if endpoint is None:
        return SampledCandidates(position, problem="Nobody has written candidates for this step.")
    if CandidateSet.objects.filter(task=task).count() >= MOST_OFFERS:
        raise Conflict("Too many beginnings of this solution have been tried.", code="too_many_offers")
    try:
        texts = sampled_steps(endpoint, task, prefix, options)
    except (EndpointFailure, DomainError) as failure:
        return SampledCandidates(position, problem=str(failure), busy=failure.code == BUSY)
    stored = _keep(task, prefix, texts, endpoint.model)
    return SampledCandidates(position, [Candidate(place, text) for place, text in enumerate(stored)], "model")


def _keep(task: Task, prefix: Sequence[str], texts: Sequence[str], model: str) -> Sequence[str]:
    offer, _ = CandidateSet.objects.get_or_create(
        task=task,
        prefix=prefix_digest(prefix),
        defaults={"position": len(prefix), "texts": list(texts), "source": model},
    )
    return list(offer.texts)


# --- asking the model -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Question:
    """What the model is to go on from, and by which rules. `shunned` steps are not worth offering."""

    prompt: CompletionPrompt
    separator: str
    options: SamplingOptions
    seed: int
    shunned: frozenset[str]


def sampled_steps(
    endpoint: Endpoint, task: Task, prefix: Sequence[str], options: SamplingOptions, *, without: Sequence[str] = ()
) -> list[str]:
    """Distinct steps that may follow the prefix. Raises EndpointFailure, or DomainError when it comes to nothing."""
    solution = task.solution
    assert solution is not None
    if (reason := unusable_reason(endpoint, task.round.project)) is not None:
        # The round opened while it was granted. To a labeler the model is away, as with any other failure.
        log.info("round %s: %s", task.round_id, reason)
        raise Unreachable("The endpoint cannot be reached.")
    template = Template(endpoint.problem_template, endpoint.system_prompt, endpoint.prefix_end)
    question = _Question(
        template.prompt(solution.problem.statement, prefix, solution.separator),
        solution.separator,
        options,
        seed_of(task.pk, prefix_digest(prefix).int % 2**61, 0),
        frozenset(text.strip() for text in without),
    )
    if not _places.acquire(timeout=PATIENCE_S):
        raise DomainError("The model is writing for others.", code=BUSY)
    try:
        client = Client(endpoint.server(), attempts=2)
        steps = asyncio.run(_ask(client, endpoint, question))
        save_learned_settings(endpoint=endpoint, client=client)
        return steps
    except TimeoutError as error:
        raise DomainError(f"The model did not answer within {WITHIN_S:g} s.") from error
    finally:
        _places.release()


async def _ask(client: Client, endpoint: Endpoint, question: _Question) -> list[str]:
    """Up to three requests: servers may give fewer choices than they are asked for, and models repeat themselves."""
    wanted = question.options.candidates
    steps: dict[str, None] = {}
    stops: tuple[str, ...] = (question.separator,)
    cut = 0
    async with asyncio.timeout(WITHIN_S), client:
        for attempt in range(REQUESTS):
            n = client.fitting(wanted - len(steps))
            sampling = _sampling(endpoint, question.options, stops)
            answer = await client.complete(question.prompt, sampling, n=n, seed=question.seed + 16 * attempt)
            cut += sum(choice.is_cut for choice in answer.choices)
            new = [step for step in _first_steps(answer, question.separator) if step not in question.shunned]
            steps |= dict.fromkeys(new)
            if len(steps) >= wanted:
                break
            if not new:
                # A model that begins with the separator stops before it says anything: cut it here instead.
                stops = ()
    if not steps:
        raise DomainError(
            "The model's steps are longer than the round allows." if cut else "The model has no step to offer here."
        )
    return list(steps)[:wanted]


def _sampling(endpoint: Endpoint, options: SamplingOptions, stops: Sequence[str]) -> SamplingParameters:
    return SamplingParameters(
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        stop=(*stops, *(one for one in endpoint.stop if one not in stops))[:4],
        extras=endpoint.sends_extras,
    )


def _first_steps(answer: ModelResponse, separator: str) -> list[str]:
    """One step of each choice, without white space around it; what was cut off in mid-sentence is none."""
    steps: list[str] = []
    for choice in answer.choices:
        clean = choice.text.replace("\x00", "").encode("utf-8", "replace").decode().strip()
        step, found, _ = clean.partition(separator)
        if step.strip() and (found or not choice.is_cut):
            steps.append(step.strip())
    return steps
