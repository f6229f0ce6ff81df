"""One worker at one sampling run: asks a generator for solutions, many problems at once, and stores what it writes.

A sliding window: each problem is stored, with its solutions graded, as soon as the last of them is there, and keeps its
place in flight until then. So a worker that is killed costs the problems that were in flight, and those are asked for
again with the same seeds. One that gives way to other runs begins no more problems, and ends those that it has begun.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.core.errors import DomainError
from apps.core.jobs import JobStatus
from apps.corpus.grading import Graded, final_answer, grade_answers
from apps.corpus.models import Problem
from apps.corpus.records import RowError, SolutionRecord, StepRecord
from apps.corpus.services import add_solutions
from apps.corpus.splitting.steps import split_steps
from apps.estimation.engine.completions import read_completion
from apps.estimation.models import SampledProblem, SamplingRun
from apps.estimation.runs.endpoint import why_not_asked
from apps.estimation.runs.notices import add_notices
from apps.estimation.runs.parameters import sampling_of
from apps.estimation.worker.schedule import GRACE_S, WorkSlice
from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.concurrency.shared_client import shared_client
from apps.inference.errors import EndpointFailure, RequestRefused
from apps.inference.models import Endpoint
from apps.inference.prompts import Template, seed_of
from apps.inference.refusal_check import RefusalCheck
from apps.inference.refusals import notice_of
from apps.inference.retry_policy import AttemptCounter, EndpointHealth
from apps.inference.services import remember_learned
from apps.inference.types import Choice
from apps.verifiers.pool.pool import GradingPool

Given = TypeVar("Given")

CHUNK = 64  # Problems that are read at once.
LOOK_EVERY_S = 0.5


@dataclass
class Written:
    """What the generator wrote for one problem."""

    texts: list[str] = field(default_factory=list)
    cut: int = 0
    requests: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    failure: str = ""

    @property
    def count(self) -> int:
        return len(self.texts) + self.cut

    def take(self, choices: Sequence[Choice]) -> None:
        for choice in choices:
            completion = read_completion(choice)
            if completion.is_cut:
                self.cut += 1
            elif completion.own.strip():
                self.texts.append(completion.own)


class Writer:
    """`failure` says in the end why the endpoint could not be asked any more; empty when it could.

    Without a turn it takes all the time that it needs.
    """

    def __init__(self, run: SamplingRun, endpoint: Endpoint, pool: GradingPool, turn: WorkSlice | None = None) -> None:
        self.run = run
        self.endpoint = endpoint
        self.pool = pool
        self.failure = ""
        self._stamina = EndpointHealth()
        self._refusals: RefusalCheck | None = None
        self._turn = turn
        self._stopping = False
        self._begun_until = 0.0  # So long problems that are begun may still take when we are to stop.
        self._active: set[asyncio.Task[None]] = set()
        self._after = 0
        self._database = ThreadPoolExecutor(1, thread_name_prefix="write")

    @property
    def is_through(self) -> bool:
        """Whether all problems have a result: nothing has made us stop."""
        return not self._stopping

    def work(self) -> None:
        """Until all problems have a result, or we are to stop. Raises DomainError."""
        try:
            asyncio.run(self._work())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        finally:
            self._database.submit(lambda: connection.close()).result()  # noqa: PLW0108 - that thread's own
            self._database.shutdown()

    async def _work(self) -> None:
        places = asyncio.Semaphore(max(CHUNK, self.endpoint.max_in_flight))
        async with (
            shared_client(self.endpoint, f"sampling-{self.run.pk}") as (client, gate),
            asyncio.TaskGroup() as group,
        ):
            self._refusals = RefusalCheck(client, Template(**self.run.prompt), sampling_of(self.run.sampling))
            watcher = group.create_task(self._watch(gate))
            while not self._stopping and (problems := await self._apart(self._next_problems)):
                for problem in problems:
                    await places.acquire()
                    task = group.create_task(self._write(client, gate, problem))
                    self._active.add(task)
                    task.add_done_callback(self._active.discard)
                    task.add_done_callback(lambda _: places.release())
            while self._active:
                await asyncio.wait(self._active)
            watcher.cancel()
            await self._apart(lambda: self._remember(client))

    def _remember(self, client: Client) -> None:
        """For the next run, and on this one's page."""
        remember_learned(endpoint=self.endpoint, client=client)
        add_notices(self.run, [notice_of(setting) for setting in sorted(client.refused_settings)])

    async def _watch(self, gate: ConcurrencyLimiter) -> None:
        """Stop when somebody says so: what is in flight is waited for, or given up when the run is cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            status = await self._apart(self._look)
            if status != JobStatus.RUNNING:
                self._stop(gate)
                self._begun_until = 0.0
            elif reason := await self._apart(self._why_to_pause):
                self.failure = self.failure or reason
                self._stop(gate)
                self._begun_until = 0.0
            elif self._turn and not self._stopping and await self._turn_ends(self._turn):
                self._begun_until = time.monotonic() + GRACE_S
                self._stop(gate)
            if status == JobStatus.CANCELLED:
                for task in self._active:
                    task.cancel()

    async def _turn_ends(self, turn: WorkSlice) -> bool:
        return turn.is_over or (turn.may_end and await self._apart(turn.gives_way))

    def _stop(self, gate: ConcurrencyLimiter) -> None:
        self._stopping = True
        gate.open()

    def _look(self) -> str:
        SamplingRun.objects.filter(pk=self.run.pk, status=JobStatus.RUNNING).update(beat_at=timezone.now())
        return str(SamplingRun.objects.values_list("status", flat=True).get(pk=self.run.pk))

    def _why_to_pause(self) -> str | None:
        return why_not_asked(self.run)

    async def _apart(self, act: Callable[[], Given]) -> Given:
        return await asyncio.get_running_loop().run_in_executor(self._database, act)

    def _next_problems(self) -> list[Problem]:
        """In the order of their numbers; what an earlier worker has done is left out."""
        done = SampledProblem.objects.filter(run=self.run, problem_id__gt=self._after).values("problem_id")
        found = Problem.objects.filter(project=self.run.project, pk__gt=self._after, retired_at=None)
        found = found.exclude(pk__in=done)
        problems = list(found.order_by("pk")[:CHUNK])
        self._after = problems[-1].pk if problems else self._after
        return problems

    # --- one problem ----------------------------------------------------------------------------------------

    async def _write(self, client: Client, gate: ConcurrencyLimiter, problem: Problem) -> None:
        await gate.enter()
        try:
            written = await self._ask(client, problem)
            if written is not None:
                await self._apart(lambda: self._land(problem, written))
        except EndpointFailure as failure:
            self.failure = self.failure or str(failure)
            self._stop(gate)
        finally:
            gate.leave()

    async def _ask(self, client: Client, problem: Problem) -> Written | None:
        """As many completions as are asked for; fewer choices in an answer are topped up, within so many requests.

        None when we are to stop before they are there.
        """
        run, written, asked, answers, tries = self.run, Written(), 0, 0, AttemptCounter()
        refusals = self._refusals
        assert refusals is not None
        prompt, sampling = Template(**run.prompt).prompt(problem.statement, [], "\n"), sampling_of(run.sampling)
        while written.count < run.per_problem and answers < 2 * run.per_problem:
            n = client.fitting(run.per_problem - written.count)
            if self._stopping and not (written.requests and time.monotonic() < self._begun_until):
                return None
            try:
                answer = await client.complete(prompt, sampling, n=n, seed=seed_of(run.seed, problem.pk, asked))
            except EndpointFailure as failure:
                is_final = await self._is_final(failure, tries)
                written.requests += failure.requests
                if is_final:
                    written.failure = str(failure)
                    break
                continue
            self._stamina.answered()
            refusals.answered()
            asked, answers = asked + n, answers + 1
            written.requests += answer.requests
            written.tokens += answer.usage.prompt_tokens + answer.usage.completion_tokens
            written.prompt_tokens += answer.usage.prompt_tokens
            written.take(answer.choices)
        if written.count < run.per_problem and not written.failure:
            written.failure = f"The model wrote {written.count} of {run.per_problem}."
        return written

    async def _is_final(self, failure: EndpointFailure, tries: AttemptCounter) -> bool:
        """Whether this problem is given up. Raises the failure where all of them are."""
        if isinstance(failure, RequestRefused):
            if self._refusals is not None and await self._refusals.is_general(failure):
                raise failure
            return True
        if self._stamina.ends_with(failure):
            raise failure
        return tries.is_last(failure)

    def _land(self, problem: Problem, written: Written) -> None:
        records = [_record(self.run, text) for text in written.texts]
        verifier = problem.verifier or self.run.project.verifier
        questions = [(verifier, problem.reference_answer, final_answer(record)) for record in records]
        self._store(problem, written, records, grade_answers(questions, pool=self.pool))

    @transaction.atomic
    def _store(
        self, problem: Problem, written: Written, records: Sequence[SolutionRecord], grades: Sequence[Graded]
    ) -> None:
        run, failure = self.run, written.failure
        _, is_new = SampledProblem.objects.get_or_create(run=run, problem=problem, defaults={"failure": failure})
        if not is_new:
            return
        new = add_solutions(problem=problem, records=records, graded=grades)
        SamplingRun.objects.filter(pk=run.pk).update(
            done=F("done") + 1,
            solutions=F("solutions") + len(new),
            duplicates=F("duplicates") + len(records) - len(new),
            right=F("right") + sum(one.is_correct is True for one in new),
            wrong=F("wrong") + sum(one.is_correct is False for one in new),
            cut=F("cut") + written.cut,
            requests=F("requests") + written.requests,
            tokens=F("tokens") + written.tokens,
            prompt_tokens=F("prompt_tokens") + written.prompt_tokens,
            beat_at=timezone.now(),
        )


def _record(run: SamplingRun, text: str) -> SolutionRecord:
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode()
    try:
        steps, joint = split_steps(clean, run.split)
    except RowError as error:
        raise DomainError(error.reason, fields={error.field: error.reason}) from error
    return SolutionRecord(
        steps=[StepRecord(position=place, text=step) for place, step in enumerate(steps)],
        source=run.generator,
        separator=joint,
    )
