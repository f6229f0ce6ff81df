"""The cascade's promise on real models: the reasoner's rollouts, the critic's verdicts, and the exact checker as people.

    python -m tests.benchmarks.bench_cascade [SOLUTIONS] [SAMPLE] [ALPHA] [SEED]

Held-out problems, one solution each at temperature 1. The blind sample is labeled by the exact checker. Prints the alpha that
was asked for, the bound, the share of wrong first errors among the machine labels as the checker counts them, and the share of
the solutions that people label, the sample included.
"""

from __future__ import annotations

import sys
from typing import Any

from tests.benchmarks.bench_accuracy import judged, sampled
from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

DEFAULTS = ("400", "140", "0.05", "909")


def main() -> None:
    given = sys.argv[1:]
    solutions, size, alpha, seed = (
        kind(value) for kind, value in zip((int, int, float, int), [*given, *DEFAULTS[len(given) :]], strict=True)
    )
    from reasoner.serve import CRITIC

    if not CRITIC.is_file():
        print(f"# There is no {CRITIC.name}: train it, see reasoner/README.md.")
        return
    from annotate.local.supervisor import free_ports
    from tests.reasoner.serving import serving

    reasoner, critic = free_ports(2)
    with serving("--port", str(reasoner), "--critic-port", str(critic)), a_database():
        project, endpoint = sampled(int(solutions), f"http://127.0.0.1:{reasoner}/v1", int(seed))
        truth = {pk: first_wrong(steps) for pk, steps in judged(project).items()}
        run = estimated(project, endpoint, int(seed))
        judge_run = judged_by_critic(project, f"http://127.0.0.1:{critic}/v1")
        report(project, run, judge_run, truth, size=int(size), alpha=float(alpha), seed=int(seed))
    sys.stdout.flush()


def first_wrong(steps: list[bool]) -> int:
    return steps.index(False) if False in steps else -1


def estimated(project: Any, endpoint: Any, seed: int) -> Any:
    from apps.estimation.runs.services import start_run
    from apps.estimation.worker.run import run_estimation_slice

    run = start_run(
        project=project, endpoint=endpoint, strategy="posterior-search", sampling={"max_tokens": 200}, seed=seed
    )
    while run_estimation_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    assert run.status == "finished", run.error
    tell("rollouts", run.rollouts, "rollouts")
    return run


def judged_by_critic(project: Any, url: str) -> Any:
    from apps.demo.seeding import register_critic
    from apps.judging.judges import save_judge
    from apps.judging.runs.services import start_judging
    from apps.judging.worker.run import run_judging_slice

    run = start_judging(judge=save_judge(project=project, endpoint=register_critic(url=url), kind="steps"), seed=1)
    while run_judging_slice(run_id=run.pk):
        pass
    run.refresh_from_db()
    assert run.status == "finished", run.error
    tell("judging", run.requests / (run.seconds or 1), "requests/s")
    tell("unreadable", run.unreadable, "solutions")
    return run


def report(
    project: Any, run: Any, judge_run: Any, truth: dict[int, int], *, size: int, alpha: float, seed: int
) -> None:
    from apps.labeling.models import Round
    from apps.quality.cascade.machine_labels import machine_labels, run_first_errors
    from apps.quality.cascade.services import decide_cascade, plan_cascade
    from apps.quality.models import CascadeLabel
    from apps.quality.trust.blind_rounds import sampled_ids
    from tests.quality.judged_project import label_blindly

    lengths = {solution.pk: solution.step_count for solution in project.solutions.all()}
    named = run_first_errors(judge_run, lengths)
    tell("critic.exact", sum(named.get(pk) == error for pk, error in truth.items()) / len(truth), "share")
    cascade = plan_cascade(
        project=project, estimation_run=run, judge_runs=[judge_run], size=size, alpha=alpha, seed=seed
    )
    label_blindly(cascade.sample, {pk: truth[pk] for pk in sampled_ids(cascade.sample)})
    Round.objects.filter(pk=cascade.sample.round_id).update(status=Round.Status.CLOSED)
    cascade = decide_cascade(cascade=cascade)
    labels = machine_labels(cascade, sorted(truth))
    agreed = {pk: label for pk, label in labels.items() if label.agrees}
    wrong = sum(truth[pk] != label.first_error for pk, label in agreed.items())
    tell("agreed", len(agreed) / len(truth), "share")
    tell("agreed.wrong", wrong / max(1, len(agreed)), "share")
    by_machines = CascadeLabel.objects.filter(cascade=cascade, is_label=True).values_list("solution_id", "first_error")
    errors = sum(truth[pk] != error for pk, error in by_machines)
    print(f"# {cascade.status}: {cascade.reason}")
    tell("alpha.asked", alpha, "share")
    tell("alpha.bound", cascade.bound if cascade.bound is not None else 1.0, "share")
    tell("alpha.found", errors / max(1, len(by_machines)), "share")
    tell("people", 1 - len(by_machines) / len(truth), "share")


if __name__ == "__main__":
    main()
