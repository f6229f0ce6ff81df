"""What else is known of solutions, beside people's ratings: gold, rollouts, verdicts, unsure flags, answers."""

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
    """By solution id; what is not there is not known."""

    gold: dict[int, Gold] = field(default_factory=dict)
    monte_carlo: dict[int, int] = field(default_factory=dict)
    judges: dict[int, dict[str, int]] = field(default_factory=dict)
    unsure: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    answers: dict[int, tuple[bool | None, float | None, int]] = field(default_factory=dict)
    set_aside: set[int] = field(default_factory=set)


def other_sources(solution_ids: Sequence[int]) -> OtherSources:
    """Ten queries, however many solutions."""
    found = OtherSources()
    rows = Solution.objects.filter(pk__in=solution_ids)
    for pk, is_correct, score, steps in rows.values_list("id", "is_correct", "verifier_score", "step_count"):
        found.answers[pk] = (is_correct, score, steps)
    found.set_aside = {
        *rows.older().values_list("id", flat=True),
        *rows.filter(problem__retired_at__isnull=False).values_list("id", flat=True),
    }
    found.gold = gold_of(solution_ids)
    lengths = {pk: steps for pk, (_, _, steps) in found.answers.items()}
    found.monte_carlo = {pk: said.first_error for pk, said in newest_first_errors(lengths).items()}
    found.judges = judge_first_errors(lengths)
    flagged = StepLabel.objects.filter(
        counted_q("assignment__"), newest_q("assignment__"), unsure=True, step__solution__in=solution_ids
    )
    for pk, labeler in flagged.values_list("step__solution_id", "assignment__labeler_id").distinct():
        found.unsure[pk].add(str(labeler))
    return found
