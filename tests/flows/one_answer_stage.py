"""The project of `test_one_answer_everywhere` as its script has it: labeled over the API, estimated by a real worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Problem, Solution, Step
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.estimation.runs.services import cancel_run, resume_run, start_run
from apps.estimation.worker.run import run_estimation_slice
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.labeling.models import Assignment, Round
from apps.labeling.problems import retire_problem
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.rounds.services import open_round
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.consensus.ended_runs import mark_ended_runs_stale
from apps.quality.consensus.recompute import recompute_projects
from apps.quality.metrics.refresh import refresh_figures
from apps.quality.review.assignments import correct_assignment
from tests.cast import bearer, make_gold, make_user, signed_in
from tests.estimation.corpus import add_sums
from tests.estimation.model import Model
from tests.flows.one_answer_script import (
    ALTERNATIVES,
    CANDIDATES,
    CORRECTION,
    FORK,
    GOLD,
    JUDGE,
    JUDGED,
    JUDGED_BEFORE,
    NAMES,
    PREFERENCES,
    RIGHT,
    ROLLOUTS,
    SCRIPT,
    STEPS,
)
from tests.judging.verdicts import judge
from tests.processes import eventually

Body = dict[str, Any]
# What a labeler has in mind: by what is asked, the answer to the sheet that asks it.
Mind = dict[Any, Callable[[Body], Body]]


@dataclass
class Told:
    """The finished project, and who may look at it. `rollouts` are hard labels by solution, `partial` those so far."""

    project: Project
    reader: Client
    script: Client
    ids: dict[str, int]
    ended: EstimationRun
    under_way: EstimationRun
    rollouts: dict[str, list[int]] = field(default_factory=dict)
    partial: dict[str, list[int]] = field(default_factory=dict)

    def page(self, name: str, *parts: object, **query: object) -> str:
        answer = self.reader.get(reverse(name, args=[self.project.slug, *parts]), query)
        assert answer.status_code == 200, answer.content[:500]
        return str(answer.content.decode())

    def api(self, path: str) -> Any:
        answer = self.script.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.content[:500]
        return answer.json()

    def every(self, path: str) -> list[dict[str, Any]]:
        found, answer = [], self.api(f"/projects/{self.project.slug}/{path}")
        while answer:
            found += answer["results"]
            answer = self.api(answer["next"].partition("/api/v1")[2]) if answer["next"] else None
        return found

    def evidence(self, name: str) -> dict[str, Any]:
        return dict(self.api(f"/solutions/{self.ids[name]}/evidence"))

    def named(self, name: str, source: str) -> set[int | None]:
        return {one["first_error"] for one in self.evidence(name)["first_errors"] if one["source"] == source}

    def in_script(self, solutions: set[int]) -> set[str]:
        return {name for name, pk in self.ids.items() if pk in solutions}


@contextmanager
def staged(project: Project, *, owner: User, reviewer: User, bob: User, url: str) -> Iterator[Told]:
    """While one of its runs is under way."""
    ids = dict(zip(NAMES, add_sums(project, len(NAMES), steps=STEPS), strict=True))
    _add_candidates(ids)
    _answer_rightly(Solution.objects.get(pk=ids[RIGHT]))
    people = {name: make_user(name) for name in ("dan", "cara")} | {"bob": bob}
    for name in ("cara", "dan"):
        add_member(project=project, user=people[name], role=Role.LABELER)
    _label(project, people, ids)
    _correct(reviewer, Assignment.objects.get(labeler=bob, task__solution=ids["corrected"]))
    Membership.objects.filter(project=project, user=people["dan"]).update(status=Membership.Status.SUSPENDED)
    retire_problem(problem=Problem.objects.get(solutions=ids["retired"]), reason="Ambiguous.", actor=owner)
    endpoint = add_endpoint(
        project=project, name="sums", url=url, model="sums", settings={"max_in_flight": 2, "timeout_s": 120.0}
    )
    for version, judged in ((1, JUDGED_BEFORE), (2, JUDGED)):
        for name, ratings in judged.items():
            judge(Solution.objects.get(pk=ids[name]), JUDGE, *ratings, version=version)
    ended, under_way = _two_runs(project, endpoint, Model(url))
    with _at_work(under_way, Model(url)):
        mark_ended_runs_stale()
        recompute_projects()
        refresh_figures()
        found = Told(project, signed_in(owner), bearer(owner), ids, ended, under_way)
        found.rollouts, found.partial = _hard_labels(ended, ids), _hard_labels(under_way, ids)
        assert 0 < len(found.partial) < len(found.rollouts)
        yield found
        under_way.refresh_from_db()
        assert under_way.status == JobStatus.RUNNING, "it was to be under way to the end"


def _add_candidates(ids: Mapping[str, int]) -> None:
    Step.objects.bulk_create(
        Step(solution_id=ids[name], position=FORK, candidate=number, text=candidate(number), chosen=False)
        for name, numbers in CANDIDATES.items()
        for number in numbers
    )


def candidate(number: int) -> str:
    """The text of a candidate for the second step; 0 is the solution's own."""
    return f"Step 2: another way, number {number}." if number else "Step 2: we add a little more."


def _answer_rightly(solution: Solution) -> None:
    solution.final_answer, solution.is_correct, solution.grade = solution.problem.reference_answer, True, "match"
    solution.save()
    last = solution.steps.get(position=STEPS - 1)
    last.text = f"Step {STEPS}: The answer is: {solution.final_answer}"
    last.save()


# --- people -----------------------------------------------------------------------------------------------


def _label(project: Project, people: Mapping[str, User], ids: Mapping[str, int]) -> None:
    make_gold(Solution.objects.get(pk=ids["screening"]), *GOLD["screening"])
    screening = open_round(project=project, protocol="first_error", kind="screening")
    _work(screening, people["bob"], _ratings("bob", ["screening"]))
    screening.status = Round.Status.CLOSED
    screening.save()
    make_gold(Solution.objects.get(pk=ids["gold task"]), *GOLD["gold task"])
    # So much gold that everybody is sure to meet it before their other tasks are done.
    round_ = open_round(
        project=project, protocol="first_error", redundancy=2, gold_share=0.99, options={"alternatives": True}
    )
    for who, user in people.items():
        _work(round_, user, _ratings(who, [name for name in NAMES if name != "screening" and who in SCRIPT[name]]))
    make_gold(Solution.objects.get(pk=ids["against gold"]), *GOLD["against gold"])
    compared = open_round(project=project, protocol="comparison", redundancy=3, options={"pairs": "steps", "each": 6})
    for who, user in people.items():
        _work(compared, user, _preferences(who))


def _work(round_: Round, labeler: User, mind: Mind) -> None:
    """Over the API, until all is said; what the labeler has no word for is put off."""
    client, waiting = bearer(labeler), dict(mind)
    path = f"/api/v1/projects/{round_.project.slug}/rounds/{round_.number}/claim"
    for _ in range(3 * len(NAMES)):
        if not waiting or (task := client.post(path, {}, "application/json").json()["assignment"]) is None:
            break
        answer = waiting.pop(_asked(task), None)
        if answer is None:
            client.post(f"/api/v1/assignments/{task['id']}/skip", {}, "application/json")
            continue
        body = answer(task) | {"active_ms": 5000}
        taken = client.post(f"/api/v1/assignments/{task['id']}/submit", body, "application/json")
        assert taken.status_code == 200, taken.content
    assert not waiting, f"{labeler.name} was not asked about {list(waiting)}"


def _asked(task: Body) -> tuple[object, ...]:
    name = name_of(task["problem"]["statement"])
    return (name, *sorted(_sides(task))) if task["protocol"] == "comparison" else (name,)


def name_of(statement: str) -> str:
    """The statement of each sum begins with its number in the script."""
    return NAMES[int(statement.split()[1])]


def _sides(task: Body) -> dict[int, str]:
    """By candidate, on which side it is shown."""
    texts = {task["comparison"][side]["steps"][0]["text"]: side for side in ("left", "right")}
    return {number: texts[candidate(number)] for number in range(4) if candidate(number) in texts}


def _ratings(who: str, names: list[str]) -> Mind:
    def answer(name: str) -> Callable[[Body], Body]:
        ratings = SCRIPT[name][who]
        steps = [{"position": place, "rating": rating} for place, rating in enumerate(ratings)]
        if name == "alternatives":
            said = ALTERNATIVES[who].items()
            steps += [{"position": FORK, "candidate": number, "rating": rating} for number, rating in said]
        return lambda task: {"steps": steps, "finish_reason": "found_error" if -1 in ratings else "solution"}

    return {(name,): answer(name) for name in names}


def _preferences(who: str) -> Mind:
    def answer(better: int | None, margin: str) -> Callable[[Body], Body]:
        def body(task: Body) -> Body:
            choice = "tie" if better is None else _sides(task)[better]
            return {"finish_reason": "solution", "preference": {"choice": choice, "margin": margin}}

        return body

    return {pair: answer(*said[who]) for pair, said in PREFERENCES.items() if who in said}


def _correct(reviewer: User, assignment: Assignment) -> None:
    ratings = [SubmittedStep(position=place, rating=rating) for place, rating in enumerate(CORRECTION)]
    correct_assignment(
        assignment=assignment,
        submission=Submission(steps=ratings, finish_reason="found_error", active_ms=0),
        reviewer=reviewer,
        note="The second step adds nothing.",
    )


# --- rollouts ---------------------------------------------------------------------------------------------


def _two_runs(project: Project, endpoint: Endpoint, model: Model) -> tuple[EstimationRun, EstimationRun]:
    """One that has ended, in which a fifth of the rollouts succeed, and one in which none does, held half-way."""
    model.control(latency_s=0.001, right=0.2)
    ended = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", seed=3)
    run_estimation_slice(run_id=ended.pk)
    model.control(latency_s=0.3, right=0.0)
    budget = {"rollouts": 4 * ROLLOUTS}
    under_way = start_run(project=project, endpoint=endpoint, strategy="math-shepherd", seed=4, budget=budget)
    run_estimation_slice(run_id=under_way.pk)
    ended.refresh_from_db()
    under_way.refresh_from_db()
    assert (ended.status, under_way.status) == (JobStatus.FINISHED, JobStatus.PAUSED)
    return ended, resume_run(run=under_way, budget={})


@contextmanager
def _at_work(run: EstimationRun, model: Model) -> Iterator[None]:
    """A worker is at the run, and waits for an answer of the model that does not come."""
    model.control(latency_s=100.0)
    model.forget()
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(_work_apart, run.pk)
        try:
            eventually(lambda: working.done() or model.stats()["requests"] > 0)
            run.refresh_from_db()
            assert run.status == JobStatus.RUNNING
            yield
        finally:
            cancel_run(run=run)
            working.result(timeout=60)


def _work_apart(run_id: int) -> None:
    try:
        run_estimation_slice(run_id=run_id)
    finally:
        connections.close_all()


def _hard_labels(run: EstimationRun, ids: Mapping[str, int]) -> dict[str, list[int]]:
    """By solution with a result, from the counts alone; the last step stands by its own answer."""
    found = {}
    for name, pk in ids.items():
        counts = StepEstimate.objects.filter(run=run, step__solution=pk).order_by("step__position")
        successes = list(counts.values_list("successes", flat=True))
        if SolutionEstimate.objects.filter(run=run, solution=pk, failure="").exists():
            found[name] = [*(1 if one else -1 for one in successes[: STEPS - 1]), 1 if name == RIGHT else -1]
    return found
