"""Candidates for the next step: the existing ones, else sampled from the round's endpoint and shared by all labelers.

The endpoint is called outside any transaction and within seconds, because a labeler waits. If it does not answer, the
labeler sees a message and can still write the step or give up.
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
from apps.labeling.assignments.context import candidate_tree
from apps.labeling.models import Assignment, CandidateSet, Protocol, Task
from apps.labeling.protocols import options_of
from apps.labeling.protocols.base import SamplingOptions
from apps.labeling.protocols.branching import MOST_POSITIONS
from apps.labeling.protocols.candidate_tree import CandidateTree, StepCandidate, is_final, own_number, prefix_digest

log = logging.getLogger(__name__)

WITHIN_S = 12.0
REQUESTS = 3
# How many of a web process's four threads may wait for a model at once; the others serve pages.
AT_ONCE = 2
PATIENCE_S = 0.5
_waiting = BoundedSemaphore(AT_ONCE)
# A labeler who goes back and forth tries tens of prefixes; a script tries thousands.
MOST_CANDIDATE_SETS = 300
BUSY = "busy"
OPEN_STATES = (Assignment.State.LEASED, Assignment.State.EXPIRED, Assignment.State.RELEASED)


@dataclass(frozen=True, slots=True)
class PositionCandidates:
    """The candidates at a position. `source` is `solution`, `model` or empty; `problem` says why there are none.

    `busy`: the model answers other labelers; ask again in a moment. `ended`: the step before states the final answer.
    """

    position: int
    candidates: Sequence[StepCandidate] = ()
    source: str = ""
    problem: str = ""
    ended: bool = False
    busy: bool = False

    @property
    def own(self) -> int:
        return own_number(self.candidates)


def candidates_after(
    *, assignment: Assignment, chosen: Sequence[Mapping[str, Any]], goes_on: bool = False
) -> PositionCandidates:
    """The candidates after these choices, each `{"candidate": n}` or `{"text": "..."}`, from the first position on.

    After a final answer a model is called only if `goes_on` is set. Raises Unprocessable that names a choice which does
    not exist, and Conflict if the task has been submitted.
    """
    check_open(assignment, Protocol.BRANCHING)
    tree = candidate_tree(assignment.task)
    prefix = chosen_texts(tree, chosen)
    options = options_of(assignment.round.protocol, assignment.round.options)
    assert isinstance(options, SamplingOptions)
    existing = tree.after(prefix)
    ended = bool(prefix) and is_final(prefix[-1])
    if existing is not None or (ended and not goes_on):
        return PositionCandidates(len(prefix), *(existing or ([], "")), ended=ended)
    return _sample(assignment, prefix, options)


def check_open(assignment: Assignment, *protocols: Protocol) -> None:
    """Raises Conflict if the round has another protocol, or the task has been submitted."""
    if assignment.round.protocol not in protocols:
        raise Conflict("This round's protocol uses no candidates.", code="no_candidates")
    if assignment.state not in OPEN_STATES:
        raise Conflict("This task has been submitted.", code="already_submitted")


def chosen_texts(tree: CandidateTree, chosen: Sequence[Mapping[str, Any]]) -> list[str]:
    prefix: list[str] = []
    for place, choice in enumerate(chosen[:MOST_POSITIONS]):
        text = choice.get("text")
        if text is None:
            candidates, _ = tree.after(prefix) or ([], "")
            number = choice.get("candidate")
            text = next((candidate.text for candidate in candidates if candidate.candidate == number), None)
        if text is None or not text.strip():
            raise Unprocessable(
                f"There is no such candidate at step {place + 1}.",
                fields={f"chosen[{place}]": "must be an existing candidate or a text"},
            )
        prefix.append(text.strip())
    return prefix


def _sample(assignment: Assignment, prefix: Sequence[str], options: SamplingOptions) -> PositionCandidates:
    """Call the model and store its texts. If another labeler was faster, theirs are returned."""
    task, endpoint = assignment.task, assignment.round.endpoint
    position = len(prefix)
    if endpoint is None:
        return PositionCandidates(position, problem="There are no candidates for this step, and no model to ask.")
    if CandidateSet.objects.filter(task=task).count() >= MOST_CANDIDATE_SETS:
        raise Conflict(
            f"Candidates were sampled for {MOST_CANDIDATE_SETS} beginnings of this solution, which is the limit.",
            code="too_many_candidates",
        )
    try:
        texts = sampled_steps(endpoint, task, prefix, options)
    except (EndpointFailure, DomainError) as failure:
        return PositionCandidates(position, problem=str(failure), busy=failure.code == BUSY)
    candidate_set, _ = CandidateSet.objects.get_or_create(
        task=task,
        prefix=prefix_digest(prefix),
        defaults={"position": position, "texts": list(texts), "source": endpoint.model},
    )
    candidates = [StepCandidate(place, text) for place, text in enumerate(candidate_set.texts)]
    return PositionCandidates(position, candidates, "model")


@dataclass(frozen=True, slots=True)
class _SamplingRequest:
    """What the model is to continue, and how. `excluded` steps are dropped from its answers."""

    prompt: CompletionPrompt
    separator: str
    options: SamplingOptions
    seed: int
    excluded: frozenset[str]


def sampled_steps(
    endpoint: Endpoint, task: Task, prefix: Sequence[str], options: SamplingOptions, *, without: Sequence[str] = ()
) -> list[str]:
    """Distinct steps that may follow the prefix, at most as many as the options allow, none of them in `without`.

    Raises EndpointFailure, or DomainError if the model is busy, too slow, or has no usable step.
    """
    solution = task.solution
    assert solution is not None
    if (reason := unusable_reason(endpoint, task.round.project)) is not None:
        # The grant was revoked after the round opened. Labelers see the same message as for any other failure.
        log.info("round %s: %s", task.round_id, reason)
        raise Unreachable("The endpoint cannot be reached.")
    template = Template(endpoint.problem_template, endpoint.system_prompt, endpoint.prefix_end)
    request = _SamplingRequest(
        template.prompt(solution.problem.statement, prefix, solution.separator),
        solution.separator,
        options,
        seed_of(task.pk, prefix_digest(prefix).int % 2**61, 0),
        frozenset(text.strip() for text in without),
    )
    if not _waiting.acquire(timeout=PATIENCE_S):
        raise DomainError("The model is busy with requests of other labelers.", code=BUSY)
    try:
        client = Client(endpoint.server(), attempts=2)
        steps = asyncio.run(_ask(client, endpoint, request))
        save_learned_settings(endpoint=endpoint, client=client)
        return steps
    except TimeoutError as error:
        raise DomainError(f"The model did not answer within {WITHIN_S:g} s.") from error
    finally:
        _waiting.release()


async def _ask(client: Client, endpoint: Endpoint, request: _SamplingRequest) -> list[str]:
    """At most three requests: servers may return fewer choices than asked for, and models repeat themselves."""
    options = request.options
    steps: dict[str, None] = {}
    stops: tuple[str, ...] = (request.separator,)
    cut = 0
    async with asyncio.timeout(WITHIN_S), client:
        for attempt in range(REQUESTS):
            sampling = SamplingParameters(
                temperature=options.temperature,
                max_tokens=options.max_tokens,
                stop=(*stops, *(stop for stop in endpoint.stop if stop not in stops))[:4],
                extras=endpoint.sends_extras,
            )
            n = client.fitting(options.candidates - len(steps))
            answer = await client.complete(request.prompt, sampling, n=n, seed=request.seed + 16 * attempt)
            cut += sum(choice.is_cut for choice in answer.choices)
            new = [step for step in first_steps(answer, request.separator) if step not in request.excluded]
            steps |= dict.fromkeys(new)
            if len(steps) >= options.candidates:
                break
            if not new:
                # A model that begins with the separator stops at once: cut its text at the separator here instead.
                stops = ()
    if not steps:
        raise DomainError(
            "The model's steps are longer than the round allows." if cut else "The model returned no step."
        )
    return list(steps)[: options.candidates]


def first_steps(answer: ModelResponse, separator: str) -> list[str]:
    """The first step of each choice, without surrounding white space. A step that was cut off is left out."""
    steps: list[str] = []
    for choice in answer.choices:
        text = choice.text.replace("\x00", "").encode("utf-8", "replace").decode().strip()
        step, is_separated, _ = text.partition(separator)
        if step.strip() and (is_separated or not choice.is_cut):
            steps.append(step.strip())
    return steps
