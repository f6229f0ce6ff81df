"""A worker at a sampling run: it asks a generator for solutions of many problems at once and stores them.

Problems proceed in a sliding window. Each is stored, with its solutions graded, as soon as its last solution is there,
and keeps its slot in flight until then. So a killed worker loses the problems in flight, and those are requested again
with the same seeds. When its work slice ends, the worker starts no more problems and completes the started ones.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.grading import final_answer, grade_answers
from apps.corpus.models import Problem
from apps.corpus.records import RowError, SolutionRecord, StepRecord
from apps.corpus.services import add_solutions
from apps.corpus.splitting.steps import split_steps
from apps.estimation.engine.completions import read_completion
from apps.estimation.models import SampledProblem, SamplingRun
from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.concurrency.shared_client import shared_client
from apps.inference.errors import EndpointFailure, RequestRefused
from apps.inference.models import Endpoint
from apps.inference.prompts import Template, seed_of
from apps.inference.refusal_check import RefusalCheck, completion_probe
from apps.inference.refusals import notice_of
from apps.inference.retry_policy import AttemptCounter, EndpointHealth
from apps.inference.services import save_learned_settings
from apps.inference.types import ModelResponse
from apps.runs.endpoint import endpoint_unusable_reason
from apps.runs.notices import add_notices
from apps.runs.parameters import sampling_of
from apps.runs.schedule import GRACE_S, WorkSlice
from apps.verifiers.pool.pool import GradingPool

T = TypeVar("T")

CHUNK = 64  # Problems that are read at once.
WATCH_EVERY_S = 0.5


@dataclass
class ProblemSamples:
    """The solutions that the generator wrote for one problem, and what they cost."""

    texts: list[str] = field(default_factory=list)
    cut: int = 0
    requests: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    failure: str = ""

    @property
    def count(self) -> int:
        return len(self.texts) + self.cut

    def add(self, response: ModelResponse) -> None:
        self.requests += response.requests
        self.tokens += response.usage.prompt_tokens + response.usage.completion_tokens
        self.prompt_tokens += response.usage.prompt_tokens
        for choice in response.choices:
            completion = read_completion(choice)
            if completion.is_cut:
                self.cut += 1
            elif completion.own.strip():
                self.texts.append(completion.own)


class SolutionSampler:
    """Samples solutions of all problems without a result. `failure` is the reason if the endpoint became unusable.

    Without a work slice it runs until it is done.
    """

    def __init__(
        self, run: SamplingRun, endpoint: Endpoint, pool: GradingPool, work_slice: WorkSlice | None = None
    ) -> None:
        self.run = run
        self.endpoint = endpoint
        self.pool = pool
        self.failure = ""
        self._template = Template(**run.prompt)
        self._sampling = sampling_of(run.sampling)
        self._health = EndpointHealth()
        self._refusals: RefusalCheck | None = None
        self._work_slice = work_slice
        self._stopping = False
        self._started_until = 0.0  # When stopping: the time until which started problems may send requests.
        self._active: set[asyncio.Task[None]] = set()
        self._after = 0
        self._database = ThreadPoolExecutor(1, thread_name_prefix="write")

    @property
    def is_done(self) -> bool:
        """Whether all problems have a result: nothing stopped the work."""
        return not self._stopping

    def work(self) -> None:
        """Work until all problems have a result, or the run is stopped. Raises DomainError."""
        try:
            asyncio.run(self._work())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            self._database.submit(lambda: connection.close()).result()  # noqa: PLW0108 - that thread's own
            self._database.shutdown()

    async def _work(self) -> None:
        places = asyncio.Semaphore(max(CHUNK, self.endpoint.max_in_flight))
        async with (
            shared_client(self.endpoint, f"sampling-{self.run.pk}") as (client, limiter),
            asyncio.TaskGroup() as group,
        ):
            self._refusals = RefusalCheck(completion_probe(client, self._template, self._sampling))
            watcher = group.create_task(self._watch(limiter))
            while not self._stopping and (problems := await self._in_thread(self._next_problems)):
                for problem in problems:
                    await places.acquire()
                    task = group.create_task(self._sample_problem(client, limiter, problem))
                    self._active.add(task)
                    task.add_done_callback(self._active.discard)
                    task.add_done_callback(lambda _: places.release())
            while self._active:
                await asyncio.wait(self._active)
            watcher.cancel()
            await self._in_thread(lambda: self._save_learned_settings(client))

    def _save_learned_settings(self, client: Client) -> None:
        """For the next run, and as notices of this one."""
        save_learned_settings(endpoint=self.endpoint, client=client)
        add_notices(self.run, [notice_of(setting) for setting in sorted(client.refused_settings)])

    async def _watch(self, limiter: ConcurrencyLimiter) -> None:
        """Stop when the run is paused or cancelled, its endpoint becomes unusable, or the work slice ends.

        Requests in flight are awaited, or cancelled with the run.
        """
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            status = await self._in_thread(self._heartbeat)
            if status != JobStatus.RUNNING:
                self._stop(limiter)
                self._started_until = 0.0
            elif reason := await self._in_thread(lambda: endpoint_unusable_reason(self.run)):
                self.failure = self.failure or reason
                self._stop(limiter)
                self._started_until = 0.0
            elif (
                self._work_slice
                and not self._stopping
                and (
                    self._work_slice.is_over
                    or (self._work_slice.may_end and await self._in_thread(self._work_slice.ends_for_others))
                )
            ):
                self._started_until = time.monotonic() + GRACE_S
                self._stop(limiter)
            if status == JobStatus.CANCELLED:
                for task in self._active:
                    task.cancel()

    def _stop(self, limiter: ConcurrencyLimiter) -> None:
        self._stopping = True
        limiter.admit_all()

    def _heartbeat(self) -> str:
        SamplingRun.objects.filter(pk=self.run.pk, status=JobStatus.RUNNING).update(beat_at=timezone.now())
        return str(SamplingRun.objects.values_list("status", flat=True).get(pk=self.run.pk))

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._database, function)

    def _next_problems(self) -> list[Problem]:
        """The next problems by ID, without those that have a result."""
        done = SampledProblem.objects.filter(run=self.run, problem_id__gt=self._after).values("problem_id")
        remaining = Problem.objects.filter(project=self.run.project, pk__gt=self._after, retired_at=None)
        problems = list(remaining.exclude(pk__in=done).order_by("pk")[:CHUNK])
        self._after = problems[-1].pk if problems else self._after
        return problems

    # --- one problem ----------------------------------------------------------------------------------------

    async def _sample_problem(self, client: Client, limiter: ConcurrencyLimiter, problem: Problem) -> None:
        await limiter.acquire()
        try:
            samples = await self._sample(client, problem)
            if samples is not None:
                await self._in_thread(lambda: self._store(problem, samples))
        except EndpointFailure as failure:
            self.failure = self.failure or str(failure)
            self._stop(limiter)
        finally:
            limiter.release()

    async def _sample(self, client: Client, problem: Problem) -> ProblemSamples | None:
        """`per_problem` completions. A response with fewer choices is topped up, in at most 2 `per_problem` requests.

        None if the worker stops before they are complete.
        """
        run, samples, requested, responses, attempts = self.run, ProblemSamples(), 0, 0, AttemptCounter()
        refusals = self._refusals
        assert refusals is not None
        prompt = self._template.prompt(problem.statement, [], "\n")
        while samples.count < run.per_problem and responses < 2 * run.per_problem:
            n = client.fitting(run.per_problem - samples.count)
            if self._stopping and not (samples.requests and time.monotonic() < self._started_until):
                return None
            try:
                seed = seed_of(run.seed, problem.pk, requested)
                response = await client.complete(prompt, self._sampling, n=n, seed=seed)
            except EndpointFailure as failure:
                is_final = await self._is_final(failure, attempts)
                samples.requests += failure.requests
                if is_final:
                    samples.failure = str(failure)
                    break
                continue
            self._health.record_success()
            refusals.record_success()
            requested, responses = requested + n, responses + 1
            samples.add(response)
        if samples.count < run.per_problem and not samples.failure:
            samples.failure = f"The model wrote {samples.count} of {run.per_problem}."
        return samples

    async def _is_final(self, failure: EndpointFailure, attempts: AttemptCounter) -> bool:
        """Whether the problem is given up. Raises the failure if it affects all problems."""
        if isinstance(failure, RequestRefused):
            if self._refusals is not None and await self._refusals.is_general(failure):
                raise failure
            return True
        if self._health.is_down_after(failure):
            raise failure
        return attempts.is_last(failure)

    def _store(self, problem: Problem, samples: ProblemSamples) -> None:
        """Grade the solutions, then store them, the problem's result and the counters in one transaction."""
        run, failure = self.run, samples.failure
        records = [_record(run, text, number) for number, text in enumerate(samples.texts)]
        verifier = problem.verifier or run.project.verifier
        questions = [(verifier, problem.reference_answer, final_answer(record)) for record in records]
        grades = grade_answers(questions, pool=self.pool)
        with transaction.atomic():
            _, is_new = SampledProblem.objects.get_or_create(run=run, problem=problem, defaults={"failure": failure})
            if not is_new:
                return
            added = add_solutions(problem=problem, records=records, graded=grades)
            SamplingRun.objects.filter(pk=run.pk).update(
                done=F("done") + 1,
                solutions=F("solutions") + len(added),
                duplicates=F("duplicates") + len(records) - len(added),
                right=F("right") + sum(solution.is_correct is True for solution in added),
                wrong=F("wrong") + sum(solution.is_correct is False for solution in added),
                cut=F("cut") + samples.cut,
                requests=F("requests") + samples.requests,
                tokens=F("tokens") + samples.tokens,
                prompt_tokens=F("prompt_tokens") + samples.prompt_tokens,
                beat_at=timezone.now(),
            )


def _record(run: SamplingRun, text: str, number: int) -> SolutionRecord:
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode()
    try:
        steps, separator = split_steps(clean, run.split)
    except RowError as error:
        raise DomainError(error.reason, fields={error.field: error.reason}) from error
    return SolutionRecord(
        steps=[StepRecord(position=position, text=step) for position, step in enumerate(steps)],
        source=run.generator,
        separator=separator,
        extras={"identity": f"sample {number} of run {run.number}"} if run.keeps_repeated else {},
    )
