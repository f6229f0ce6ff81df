"""Which solutions a selection takes when it takes only some: `by:RULE,sample:N`.

Without a rule, the N solutions are drawn at random, the same ones each time. Rules of other apps are named by the setting
`SELECTION_RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from django.conf import settings
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.module_loading import import_string

from apps.core.errors import DomainError
from apps.corpus.models import Solution

Solutions = QuerySet[Solution]
Rule = Callable[[Solutions, int], Sequence[int]]

# The share of convincing wrong answers in what PRM800K's selector chose (arXiv 2305.20050, 4.2).
WRONG_SHARE = 0.8


def most_convincing(solutions: Solutions, size: int) -> list[int]:
    """Ids of four fifths convincing wrong answers and one fifth the most convincing of the rest, as PRM800K chose them.

    Convincing is what the reward model scores highly. Each problem gives its best solution before any problem gives its
    second, so that a few hard problems do not fill the round. Where wrong answers are too few, the rest fills their places.
    """
    scored = solutions.filter(verifier_score__isnull=False)
    if not scored.exists():
        raise DomainError(
            "by:convincing needs verifier scores, and none of the selected solutions has one: score them first.",
            fields={"select": "by: convincing needs verifier scores"},
        )
    wrong = _problem_by_problem(scored.filter(is_correct=False), round(size * WRONG_SHARE))
    rest = _problem_by_problem(scored.exclude(pk__in=wrong), size - len(wrong))
    return [*wrong, *rest]


def _problem_by_problem(solutions: Solutions, size: int) -> list[int]:
    """The first ids by their place in their own problem, the highest score first."""
    in_problem = Window(RowNumber(), partition_by="problem", order_by=[F("verifier_score").desc(), F("digest").asc()])
    ranked = solutions.annotate(place=in_problem).order_by("place", "-verifier_score", "digest")
    return list(ranked.values_list("id", flat=True)[:size])


_RULES: dict[str, Rule] = {"convincing": most_convincing}
RULES = ("convincing", "uncertainty", "disagreement")


@cache
def choice_rules() -> dict[str, Rule]:
    """The rule of this module, and those that apps unknown to labeling provide."""
    return _RULES | {name: import_string(path) for name, path in settings.SELECTION_RULES.items()}
