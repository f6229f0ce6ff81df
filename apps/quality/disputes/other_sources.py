"""What is known of solutions from sources other than people's ratings: gold, Monte Carlo, judges, flags, answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.corpus.models import Solution
from apps.estimation.latest import newest_first_errors
from apps.judging.latest import judge_first_errors
from apps.labeling.models import StepLabel, counted_q, newest_q
from apps.quality.gold.labels import gold_of
from apps.quality.gold.scoring import Gold


@dataclass(slots=True)
class OtherSources:
    """By solution id. `unsure` holds the labelers who flagged a step; `answers` correctness, score and step count.

    `set_aside` are older versions of solutions, and solutions of retired problems.
    """

    gold: dict[int, Gold] = field(default_factory=dict)
    monte_carlo: dict[int, int] = field(default_factory=dict)
    judges: dict[int, dict[str, int]] = field(default_factory=dict)
    unsure: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    answers: dict[int, tuple[bool | None, float | None, int]] = field(default_factory=dict)
    set_aside: set[int] = field(default_factory=set)


def other_sources(solution_ids: Sequence[int]) -> OtherSources:
    """The labels of these solutions by the other sources. Always eleven queries."""
    sources = OtherSources()
    solutions = Solution.objects.filter(pk__in=solution_ids)
    for pk, is_correct, score, length in solutions.values_list("id", "is_correct", "verifier_score", "step_count"):
        sources.answers[pk] = (is_correct, score, length)
    sources.set_aside = {
        *solutions.older().values_list("id", flat=True),
        *solutions.filter(problem__retired_at__isnull=False).values_list("id", flat=True),
    }
    sources.gold = gold_of(solution_ids)
    lengths = {pk: length for pk, (_, _, length) in sources.answers.items()}
    sources.monte_carlo = {pk: newest.first_error for pk, newest in newest_first_errors(lengths).items()}
    sources.judges = judge_first_errors(lengths)
    flagged = StepLabel.objects.filter(
        counted_q("assignment__"), newest_q("assignment__"), unsure=True, step__solution__in=solution_ids
    )
    for pk, labeler in flagged.values_list("step__solution_id", "assignment__labeler_id").distinct():
        sources.unsure[pk].add(str(labeler))
    return sources
