"""How right each strategy's labels are, and what they cost, on solutions that the reasoner wrote and its checker judges.

    python -m tests.benchmarks.bench_accuracy [PROBLEMS] [TEMPERATURE] [SEED] [NAME ...]

Held-out problems, one solution each at temperature 1, all steps rolled out by the same model. Truth is that of the prefix:
is everything so far right? Prints per strategy step accuracy, exact first errors among solutions with one, false goods,
false bads, completions, tokens and seconds; how these compare with Math-Shepherd's; and the reliability of the
probabilities that are given. Settings are chosen with one SEED and reported with another. Without a NAME of those in
STRATEGIES all of them are measured.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

SEED = 909
BASE = "math-shepherd.8"
# Name, strategy, its settings. "every" rolls out solutions with a right answer too, as Math-Shepherd does; "again" is a
# second run with other dice: what differs between the two is sampling error.
STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    BASE: ("math-shepherd", {"rollouts": 8}),
    "posterior-search": ("posterior-search", {}),
    "posterior-search.every": ("posterior-search", {}),
    "early-stop.8.every": ("early-stop", {"rollouts": 8}),
    "bisect": ("bisect", {}),
    "sweep.4": ("sweep", {"rollouts": 4}),
    "early-stop.8": ("early-stop", {"rollouts": 8}),
    "math-shepherd.8.again": ("math-shepherd", {"rollouts": 8}),
    "math-shepherd.16": ("math-shepherd", {"rollouts": 16}),
    "soft-interval": ("soft-interval", {"half_width": 0.2, "rollouts": 32}),
    # Last, for it adds solutions to the project; what counts here are the labels of the given ones.
    "tree": ("tree", {"budget": 64}),
}

Truth = Mapping[int, list[bool]]  # Per solution, whether each prefix is right.
Labels = dict[int, dict[int, bool]]  # Per solution, hard labels by position.


@dataclass
class Measured:
    """A run: its labels, the first errors that it named, and what it took."""

    labels: Labels
    first_errors: dict[int, int | None]
    completions: int


def main() -> None:
    given = sys.argv[1:]
    count, temperature, seed = (
        kind(value)
        for kind, value in zip((int, float, int), [*given[:3], *("400", "0.7", str(SEED))[len(given) :]], strict=True)
    )
    from reasoner.serve import start

    # One thread: two wait for each other where the machine has other things to do.
    server = start(0, slots=16, threads=1)
    with a_database():
        project, endpoint = sampled(int(count), f"{server.listening_address}/v1", int(seed))
        truth = judged(project)
        wrong = sum(not all(steps) for steps in truth.values())
        tell("solutions", len(truth), "solutions")
        tell("solutions.with_an_error", wrong, "solutions")
        tell("steps", sum(map(len, truth.values())), "steps")
        tell("steps.right", sum(map(sum, truth.values())) / sum(map(len, truth.values())), "share")
        found: dict[str, Measured] = {}
        for name in given[3:] or STRATEGIES:
            strategy, options = STRATEGIES[name]
            found[name] = measure(name, strategy, options, project, endpoint, truth, temperature)
            tell_against_base(name, found, truth)
    sys.stdout.flush()


def sampled(count: int, url: str, seed: int) -> tuple[Any, Any]:
    from apps.accounts.models import User
    from apps.corpus.identity import problem_digest
    from apps.corpus.models import Problem
    from apps.demo.seeding import register_reasoner
    from apps.estimation.sampling.services import run_sampling, start_sampling
    from apps.projects.services import create_project
    from reasoner.problems import problems

    owner = User.objects.create_user(email="bench@lab.example", password="bench of ours")
    project = create_project(slug="accuracy", owner=owner)
    Problem.objects.bulk_create(
        Problem(
            project=project,
            digest=problem_digest(one.question),
            statement=one.question,
            reference_answer=str(one.answer),
            verifier="numeric",
        )
        for one in itertools.islice(problems(seed, held_out=True), count)
    )
    endpoint = register_reasoner(url=url)
    started = time.perf_counter()
    run = start_sampling(project=project, endpoint=endpoint, per_problem=1, seed=seed)
    run = run_sampling(run_id=run.pk)
    assert run.status == "finished", run.error
    tell("sampling", run.solutions / (time.perf_counter() - started), "solutions/s")
    return project, endpoint


def judged(project: Any) -> dict[int, list[bool]]:
    """Per solution, whether each prefix is right."""
    from apps.corpus.models import Solution
    from reasoner.checker import check

    found = {}
    for solution in Solution.objects.filter(project=project, step_count__gt=1).select_related("problem"):
        texts = list(solution.steps.order_by("position").values_list("text", flat=True))
        found[solution.pk] = [one.is_right for one in check(solution.problem.statement, texts)]
    return found


def measure(
    name: str, strategy: str, options: dict[str, Any], project: Any, endpoint: Any, truth: Truth, temperature: float
) -> Measured:
    from apps.estimation.models import SolutionEstimate, StepEstimate
    from apps.estimation.runs.services import start_run
    from apps.estimation.worker.run import run_estimation_slice

    run = start_run(
        project=project,
        endpoint=endpoint,
        strategy=strategy,
        options=options,
        seed=2 if name.endswith(".again") else 1,
        sampling={"temperature": temperature, "max_tokens": 200},
        answers_suffice=not name.endswith(".every"),
    )
    while run_estimation_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    assert run.status == "finished", run.error
    hard: Labels = defaultdict(dict)
    soft: Labels = defaultdict(dict)
    for one in StepEstimate.objects.filter(run=run, hard__isnull=False).select_related("step"):
        place = one.step.position
        hard[one.step.solution_id][place] = bool(one.hard)
        soft[one.step.solution_id][place] = one.successes / one.rollouts >= 0.5 if one.rollouts else bool(one.hard)
    estimates = {one.solution_id: one for one in SolutionEstimate.objects.filter(run=run, failure="")}
    measured = Measured(hard, {pk: one.first_error for pk, one in estimates.items()}, run.rollouts + run.missing)
    tell_accuracy(name, hard, measured.first_errors, truth)
    if strategy == "math-shepherd":
        tell_accuracy(f"{name}.soft", soft, {pk: first_bad(labels) for pk, labels in soft.items()}, truth)
    tell(f"{name}.completions", measured.completions, "completions")
    tell(f"{name}.tokens", run.completion_tokens, "tokens")
    tell(f"{name}.seconds", run.seconds or 0, "s")
    tell_reliability(name, estimates, truth)
    return measured


def first_bad(labels: Mapping[int, bool]) -> int:
    return next((place for place in sorted(labels) if not labels[place]), -1)


def tell_accuracy(name: str, said: Labels, first_errors: Mapping[int, int | None], truth: Truth) -> None:
    pairs = [(said[pk].get(place), is_right) for pk, labels in truth.items() for place, is_right in enumerate(labels)]
    wrong = {pk: labels.index(False) for pk, labels in truth.items() if not all(labels)}
    tell(f"{name}.step_accuracy", sum(hard == is_right for hard, is_right in pairs) / len(pairs), "share")
    tell(
        f"{name}.first_error_exact",
        sum(first_errors.get(pk) == place for pk, place in wrong.items()) / len(wrong),
        "share",
    )
    tell(f"{name}.false_good", sum(bool(hard) and not is_right for hard, is_right in pairs), "steps")
    tell(f"{name}.false_bad", sum(hard is False and is_right for hard, is_right in pairs), "steps")
    if unknown := sum(hard is None for hard, _ in pairs):
        tell(f"{name}.unlabelled", unknown, "steps")


def tell_against_base(name: str, found: Mapping[str, Measured], truth: Truth) -> None:
    """Completions as a share of Math-Shepherd's, and of how many steps the label is another."""
    if name == BASE or BASE not in found:
        return
    one, base = found[name], found[BASE]
    tell(f"{name}.rollouts_ratio", one.completions / base.completions, "of Math-Shepherd's")
    places = [(pk, place) for pk, labels in truth.items() for place in range(len(labels))]
    other = sum(one.labels[pk].get(place) != base.labels[pk].get(place) for pk, place in places)
    tell(f"{name}.labels_that_differ", other / len(places), "of all steps")


BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


def tell_reliability(name: str, estimates: dict[int, Any], truth: Truth) -> None:
    """Of the first errors that are said with such a probability: the probability on average, and the share that is right.

    What stands by its answer has no probability.
    """
    said = [
        (one.probability, one.first_error == (-1 if all(truth[pk]) else truth[pk].index(False)))
        for pk, one in estimates.items()
        if one.probability is not None and pk in truth
    ]
    for low, high in itertools.pairwise(BINS):
        within = [(sure, right) for sure, right in said if low <= sure < high or sure == high == 1]
        if within:
            label = f"{name}.reliability.{low:g}_to_{high:g}"
            tell(f"{label}.said", sum(sure for sure, _ in within) / len(within), f"on average of {len(within)}")
            tell(f"{label}.right", sum(right for _, right in within) / len(within), f"share of {len(within)}")


if __name__ == "__main__":
    main()
    # The model server's threads know no end of their own.
    os._exit(0)
