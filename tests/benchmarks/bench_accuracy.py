"""How right each strategy's labels are, and what they cost, on solutions that the reasoner wrote and its checker judges.

    python -m tests.benchmarks.bench_accuracy [PROBLEMS] [TEMPERATURE]

Held-out problems, one solution each at temperature 1, all steps rolled out by the same model. Truth is that of the prefix:
is everything so far right? Prints per strategy step accuracy, exact first errors among solutions with one, false goods,
false bads, completions, tokens and seconds, and the reliability of the probabilities that are given.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections import defaultdict
from typing import Any

from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

SEED = 909
# Name, strategy, its settings. "every" rolls out solutions with a right answer too.
STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "math-shepherd.8": ("math-shepherd", {"rollouts": 8}),
    "math-shepherd.16": ("math-shepherd", {"rollouts": 16}),
    "early-stop.8": ("early-stop", {"rollouts": 8}),
    "bisect": ("bisect", {}),
    "posterior-search": ("posterior-search", {}),
    "posterior-search.every": ("posterior-search", {}),
    "sweep.4": ("sweep", {"rollouts": 4}),
    "soft-interval": ("soft-interval", {"half_width": 0.2, "rollouts": 32}),
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    temperature = float(sys.argv[2]) if len(sys.argv) > 2 else 0.7
    from reasoner.serve import start

    server = start(0, slots=16, threads=2)
    with a_database():
        project, endpoint = sampled(count, f"{server.listening_address}/v1")
        truth = judged(project)
        wrong = sum(not all(steps) for steps in truth.values())
        tell("solutions", len(truth), "solutions")
        tell("solutions.with_an_error", wrong, "solutions")
        tell("steps", sum(map(len, truth.values())), "steps")
        tell("steps.right", sum(map(sum, truth.values())) / sum(map(len, truth.values())), "share")
        for name, (strategy, options) in STRATEGIES.items():
            measure(name, strategy, options, project, endpoint, truth, temperature)
    sys.stdout.flush()


def sampled(count: int, url: str) -> tuple[Any, Any]:
    from apps.accounts.models import User
    from apps.corpus.digests import problem_digest
    from apps.corpus.models import Problem
    from apps.dashboard.seeding import register_reasoner
    from apps.estimation.sampling import run_sampling, start_sampling
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
        for one in itertools.islice(problems(SEED, held_out=True), count)
    )
    endpoint = register_reasoner(url=url)
    started = time.perf_counter()
    run = start_sampling(project=project, endpoint=endpoint, per_problem=1, seed=SEED)
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
    name: str, strategy: str, options: dict[str, Any], project: Any, endpoint: Any, truth: dict[int, list[bool]],
    temperature: float,
) -> None:  # fmt: skip
    from apps.estimation.driving import work_on
    from apps.estimation.models import SolutionEstimate, StepEstimate
    from apps.estimation.services import start_run

    run = start_run(
        project=project, endpoint=endpoint, strategy=strategy, options=options, seed=1,
        sampling={"temperature": temperature, "max_tokens": 200}, answers_suffice=not name.endswith(".every"),
    )  # fmt: skip
    work_on(run_id=run.pk)
    run.refresh_from_db()
    assert run.status == "finished", run.error
    said: defaultdict[int, dict[int, bool]] = defaultdict(dict)
    rows = StepEstimate.objects.filter(run=run, hard__isnull=False)
    for solution, position, hard in rows.values_list("step__solution_id", "step__position", "hard"):
        said[solution][position] = hard
    estimates = {one.solution_id: one for one in SolutionEstimate.objects.filter(run=run, failure="")}
    right = good_but_bad = bad_but_good = steps = exact = with_error = 0
    for pk, labels in truth.items():
        for position, is_right in enumerate(labels):
            hard = said[pk].get(position)
            steps += 1
            right += hard == is_right
            good_but_bad += bool(hard) and not is_right
            bad_but_good += hard is False and is_right
        if not all(labels):
            with_error += 1
            exact += pk in estimates and estimates[pk].first_error == labels.index(False)
    tell(f"{name}.step_accuracy", right / steps, "share")
    tell(f"{name}.first_error_exact", exact / with_error, "share")
    tell(f"{name}.false_good", good_but_bad, "steps")
    tell(f"{name}.false_bad", bad_but_good, "steps")
    tell(f"{name}.completions", run.rollouts + run.missing, "completions")
    tell(f"{name}.tokens", run.completion_tokens, "tokens")
    tell(f"{name}.seconds", run.seconds or 0, "s")
    tell_reliability(name, estimates, truth)


def tell_reliability(name: str, estimates: dict[int, Any], truth: dict[int, list[bool]]) -> None:
    """Of the first errors that are said with such a probability, the share that is right; by-answer ones have none."""
    bins: defaultdict[str, list[bool]] = defaultdict(list)
    for pk, one in estimates.items():
        if one.probability is not None and pk in truth:
            labels = truth[pk]
            expected = -1 if all(labels) else labels.index(False)
            low = min(0.9, int(one.probability * 10) / 10) if one.probability < 0.9 else 0.9
            bins["0.9_to_1" if low == 0.9 else "0.5_to_0.9" if low >= 0.5 else "below_0.5"].append(
                one.first_error == expected
            )
    for label, hits in sorted(bins.items()):
        tell(f"{name}.reliability.{label}", sum(hits) / len(hits), f"share of {len(hits)}")


if __name__ == "__main__":
    main()
    # The model server's threads know no end of their own.
    os._exit(0)
