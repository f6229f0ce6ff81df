"""Sampling runs: new solutions of a project's problems from a generator, split into steps, graded, each once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone
from redis import Redis

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.bulk import lock_project, sole_worker
from apps.core.errors import Conflict, DomainError
from apps.core.jobs import JobStatus
from apps.corpus.grading import Graded, final_answer, grade_answers
from apps.corpus.models import Problem
from apps.corpus.records import RowError, SolutionRecord, StepRecord
from apps.corpus.services import add_solutions
from apps.corpus.splitting import SPLITTERS, split_steps
from apps.estimation.driving import share_gate
from apps.estimation.models import SampledProblem, SamplingRun
from apps.estimation.parameters import checked_sampling, sampling_of, template_of
from apps.inference.client import Client
from apps.inference.failures import EndpointFailure, RequestRefused
from apps.inference.gate import Gate
from apps.inference.models import Endpoint
from apps.inference.prompting import Template, seed_of
from apps.inference.shares import Shares
from apps.inference.wire import Choice
from apps.projects.models import Project
from apps.verifiers.grading import GradingPool

MOST_PER_PROBLEM = 1024
CHUNK = 64  # Problems that are under way at once.


@transaction.atomic
def start_sampling(
    *, project: Project, endpoint: Endpoint, per_problem: int = 4, sampling: Mapping[str, Any] | None = None,
    split: str = "newline", seed: int | None = None, created_by: User | None = None,
) -> SamplingRun:  # fmt: skip
    """Queue a run over all problems of the project. Raises DomainError that names the field."""
    if not 1 <= per_problem <= MOST_PER_PROBLEM:
        raise DomainError(
            "That many solutions a problem cannot be.", fields={"per_problem": f"1 to {MOST_PER_PROBLEM}"}
        )
    if split not in SPLITTERS or split == "separator":
        known = ", ".join(name for name in SPLITTERS if name != "separator")
        raise DomainError(f"A text cannot be split by {split!r}.", fields={"split": f"one of {known}"})
    total = Problem.objects.filter(project=project).count()
    if not total:
        raise DomainError("The project has no problems yet: import some first.", fields={"project": "no problems"})
    frozen = msgspec.to_builtins(checked_sampling(endpoint, {"temperature": 1.0} | dict(sampling or {})))
    lock_project(project.pk, "sampling run")
    number = (SamplingRun.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1
    run = SamplingRun.objects.create(
        project=project,
        number=number,
        endpoint=endpoint,
        created_by=created_by,
        generator=endpoint.model,
        per_problem=per_problem,
        sampling=frozen,
        prompt=template_of(endpoint),
        split=split,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        total=total,
    )
    record_event(actor=created_by, verb="sampling.started", target=str(run), project=project.slug)
    return run


@transaction.atomic
def cancel_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """What has been written stays."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not run.has_ended:
        run.end(JobStatus.CANCELLED)
        record_event(actor=actor, verb="sampling.cancelled", target=str(run), project=run.project.slug)
    return run


@transaction.atomic
def resume_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """Go on with the problems that have no result. Raises Conflict when it has ended well or for good."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status not in (JobStatus.PAUSED, JobStatus.FAILED):
        raise Conflict(f"This run is {run.get_status_display()}: it cannot be resumed.", code="not_resting")
    run.status, run.error, run.finished_at = JobStatus.QUEUED, "", None
    run.save(update_fields=["status", "error", "finished_at"])
    record_event(actor=actor, verb="sampling.resumed", target=str(run), project=run.project.slug)
    return run


def run_sampling(*, run_id: int) -> SamplingRun:
    """Work on the run until it ends. Safe to call again at any time: problems with a result are left alone."""
    run = SamplingRun.objects.select_related("project", "endpoint").get(pk=run_id)
    with sole_worker("sampling", run_id) as claimed:
        if not claimed or run.has_ended or run.status == JobStatus.PAUSED:
            return run
        if run.endpoint is None:
            run.end(JobStatus.FAILED, error="The endpoint of this run is gone.")
            return run
        run.start(keep_clock=True)
        with GradingPool() as pool:
            try:
                while _is_live(run) and (problems := _next_problems(run)):
                    _land(run, problems, asyncio.run(_ask_all(run, run.endpoint, problems)), pool)
            except EndpointFailure as failure:
                SamplingRun.objects.filter(pk=run.pk).update(status=JobStatus.PAUSED, error=str(failure))
        run.refresh_from_db()
        if run.status == JobStatus.RUNNING:
            run.end(JobStatus.FINISHED)
        return run


def _is_live(run: SamplingRun) -> bool:
    return SamplingRun.objects.filter(pk=run.pk, status=JobStatus.RUNNING).exists()


def _next_problems(run: SamplingRun) -> list[Problem]:
    done = SampledProblem.objects.filter(run=run).values("problem_id")
    return list(Problem.objects.filter(project=run.project).exclude(id__in=done).order_by("id")[:CHUNK])


@dataclass
class Written:
    """What the generator wrote for one problem."""

    texts: list[str] = field(default_factory=list)
    cut: int = 0
    requests: int = 0
    tokens: int = 0
    failure: str = ""

    def take(self, choices: Sequence[Choice]) -> None:
        for choice in choices:
            if choice.is_cut:
                self.cut += 1
            elif choice.text.strip():
                self.texts.append(choice.text)


async def _ask_all(run: SamplingRun, endpoint: Endpoint, problems: Sequence[Problem]) -> list[Written]:
    shares = Shares(Redis.from_url(settings.REDIS_URL), endpoint.pk, f"sampling-{run.pk}", endpoint.max_in_flight)
    gate = Gate(0)
    async with Client(endpoint.server()) as client, share_gate(shares, gate), asyncio.TaskGroup() as group:
        tasks = [group.create_task(_ask(run, client, gate, problem)) for problem in problems]
    return [task.result() for task in tasks]


async def _ask(run: SamplingRun, client: Client, gate: Gate, problem: Problem) -> Written:
    """As many completions as are asked for; fewer choices in an answer are topped up, within twice the number."""
    written, asked = Written(), 0
    prompt = Template(**run.prompt).prompt(problem.statement, [], "\n")
    sampling = sampling_of(run.sampling)
    while len(written.texts) + written.cut < run.per_problem and asked < 2 * run.per_problem:
        n = client.fitting(run.per_problem - len(written.texts) - written.cut)
        await gate.enter()
        try:
            answer = await client.complete(prompt, sampling, n=n, seed=seed_of(run.seed, problem.pk, asked))
        except RequestRefused as refused:
            written.requests += refused.requests
            written.failure = str(refused)
            break
        finally:
            gate.leave()
        asked += n
        written.requests += answer.requests
        written.tokens += answer.usage.prompt_tokens + answer.usage.completion_tokens
        written.take(answer.choices)
    return written


def _land(run: SamplingRun, problems: Sequence[Problem], written: Sequence[Written], pool: GradingPool) -> None:
    records = [[_record(run, text) for text in one.texts] for one in written]
    questions = [
        (problem.verifier or run.project.verifier, problem.reference_answer, final_answer(record))
        for problem, found in zip(problems, records, strict=True)
        for record in found
    ]
    grades = iter(grade_answers(questions, pool=pool))
    for problem, one, found in zip(problems, written, records, strict=True):
        _land_problem(run, problem, one, found, [next(grades) for _ in found])


@transaction.atomic
def _land_problem(
    run: SamplingRun, problem: Problem, written: Written, records: Sequence[SolutionRecord], grades: Sequence[Graded]
) -> None:
    _, is_new = SampledProblem.objects.get_or_create(run=run, problem=problem, defaults={"failure": written.failure})
    if not is_new:
        return
    new = add_solutions(problem=problem, records=records, graded=grades)
    SamplingRun.objects.filter(pk=run.pk).update(
        done=F("done") + 1,
        solutions=F("solutions") + new,
        duplicates=F("duplicates") + len(records) - new,
        cut=F("cut") + written.cut,
        requests=F("requests") + written.requests,
        tokens=F("tokens") + written.tokens,
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
