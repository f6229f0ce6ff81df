"""Splitting a solution's steps again, by a reviewer who did not label it: it ends the disputes of the old version."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.resplit import resplit_steps
from apps.quality.review.impartiality import check_impartial


@transaction.atomic
def resplit_by_reviewer(*, solution: Solution, texts: Sequence[str], by: User) -> Solution:
    """Returns the newer version that `resplit_steps` makes.

    Raises NotAllowed, code `self_review`, if the reviewer labeled the solution and the project does not allow it.
    """
    is_own = bool(check_impartial([solution], by))
    return resplit_steps(solution=solution, texts=texts, actor=by, is_own=is_own)
