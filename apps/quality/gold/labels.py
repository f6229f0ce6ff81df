"""Loading the gold of many solutions, with the first errors that it also accepts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from apps.corpus.models import Solution
from apps.labeling.models import GoldLabel
from apps.quality.gold.scoring import Gold
from apps.quality.models import AlsoAcceptable


def gold_of(solution_ids: Collection[int]) -> dict[int, Gold]:
    """By solution id, for solutions with gold on their own path; three queries."""
    labels = GoldLabel.objects.filter(step__solution__in=solution_ids, step__chosen=True)
    ratings: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for pk, position, rating in labels.values_list("step__solution_id", "step__position", "rating"):
        ratings[pk][position] = rating
    lengths = dict(Solution.objects.filter(pk__in=ratings).values_list("pk", "step_count"))
    also = dict(AlsoAcceptable.objects.filter(solution__in=ratings).values_list("solution_id", "first_errors"))
    return {pk: Gold.of(by_position, lengths[pk], also.get(pk, ())) for pk, by_position in ratings.items()}
