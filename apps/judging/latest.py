"""First errors that judges name: of each judge its newest run's. Rollouts' are in `apps.estimation.latest`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from apps.corpus.labels import first_error
from apps.judging.models import JudgeRun, StepVerdict

Lengths = Mapping[int, int]


def judge_first_errors(lengths: Lengths) -> dict[int, dict[str, int]]:
    """By solution and judge, as name and version: what the newest run of each name says. Two queries."""
    ratings: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    rows = StepVerdict.objects.filter(step__solution__in=lengths, step__chosen=True).oldest_run_first()
    for pk, run_id, position, rating in rows.values_list("step__solution_id", "run_id", "step__position", "rating"):
        ratings[pk, run_id][position] = rating
    runs = JudgeRun.objects.select_related("judge").in_bulk({run_id for _, run_id in ratings})
    newest: defaultdict[int, dict[str, tuple[str, int]]] = defaultdict(dict)
    for (pk, run_id), said in ratings.items():
        judge = runs[run_id].judge
        newest[pk][judge.name] = (str(judge), first_error(said, lengths[pk]))
    return {pk: dict(words.values()) for pk, words in newest.items()}
