"""First errors that machines name: the newest estimation run's, and of each judge its newest run's.

Our own estimation runs say the first error themselves; of runs and verdicts that came with a file it follows from
what they say of each step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from apps.corpus.labels import UNKNOWN, first_error, hard_label
from apps.estimation.models import SolutionEstimate, StepEstimate
from apps.judging.models import JudgeRun, StepVerdict
from apps.quality.runs import ENDED

Lengths = Mapping[int, int]
Told = tuple[int, int, int]


def rollouts_words(lengths: Lengths) -> dict[int, int]:
    """By solution, of those in `lengths`: what the newest run says, UNKNOWN where it cannot tell. Two queries."""
    newest: dict[int, tuple[int, int]] = {}
    for pk, run_id, word in (*_told(lengths), *_followed(lengths)):
        newest[pk] = max(newest.get(pk, (0, UNKNOWN)), (run_id, word))
    return {pk: word for pk, (_, word) in newest.items()}


def _told(lengths: Lengths) -> Iterator[Told]:
    """By runs of our own, which may see more than hard labels do."""
    said = SolutionEstimate.objects.filter(solution__in=lengths, run__status__in=ENDED, failure="")
    for pk, run_id, word in said.values_list("solution_id", "run_id", "first_error"):
        yield pk, run_id, UNKNOWN if word is None else word


def _followed(lengths: Lengths) -> Iterator[Told]:
    """By runs that came with a file."""
    labels: defaultdict[tuple[int, int], dict[int, int]] = defaultdict(dict)
    rows = StepEstimate.objects.filter(step__solution__in=lengths, step__chosen=True).exclude(run__origin="")
    columns = ("step__solution_id", "run_id", "step__position", "rollouts", "successes", "hard")
    for pk, run_id, position, rollouts, successes, hard in rows.values_list(*columns):
        if (label := hard_label(rollouts, successes, hard=hard)) != UNKNOWN:
            labels[pk, run_id][position] = label
    for (pk, run_id), said in labels.items():
        yield pk, run_id, first_error(said, lengths[pk])


def judges_words(lengths: Lengths) -> dict[int, dict[str, int]]:
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
