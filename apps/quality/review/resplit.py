"""Reviewers part a solution's steps anew. The old version's disputes end with it, so that no side in one may do it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.resplit import resplit_steps
from apps.quality.review.impartiality import check_sides


@transaction.atomic
def resplit_by_reviewer(*, solution: Solution, texts: Sequence[str], by: User) -> Solution:
    """The newer version, as `part_anew` makes it.

    Raises NotAllowed, code `self_review`, when the reviewer labeled the solution and the project does not allow that.
    """
    is_own = bool(check_sides([solution], by))
    return resplit_steps(solution=solution, texts=texts, actor=by, is_own=is_own)
