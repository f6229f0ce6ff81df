"""Where a labeler can go on when a round has no task for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Exists, OuterRef, Q, When

from apps.accounts.models import User
from apps.labeling.models import Round, RoundProgress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.queue.claim import has_task
from apps.labeling.queue.eligibility import ineligible_reason
from apps.projects.models import Membership

SHOWN = 3
LOOKED_AT = 20
# Only what the labeler can do something about.
TELLING = ("screening_not_taken", "screening_failed", "screening_missing", "skills_missing")


@dataclass(frozen=True, slots=True)
class NextRound:
    """An open round that has a task for the labeler; `is_begun` if they have submitted something in it."""

    round: Round
    is_begun: bool


@dataclass(frozen=True, slots=True)
class NextRounds:
    """At most a few rounds, those of the same project first. `why_none` is a sentence where there are none."""

    rounds: Sequence[NextRound]
    why_none: str = ""


def next_rounds_for(labeler: User, after: Round) -> NextRounds:
    """The other open rounds in which the labeler would be given a task now; a few look-ups for each round."""
    members = Membership.objects.filter(project=OuterRef("project"), user=labeler, status=Membership.Status.ACTIVE)
    open_rounds = Round.objects.served().filter(Exists(members), protocol__in=PROTOCOLS).exclude(pk=after.pk)
    nearest_first = open_rounds.order_by(*_order(after))
    own = RoundProgress.objects.filter(Q(submitted__gt=0) | Q(gold__gt=0), labeler=labeler)
    begun = set(own.values_list("round", flat=True))
    rounds: list[NextRound] = []
    reasons: list[str] = []
    for round_ in nearest_first.select_related("project")[:LOOKED_AT]:
        reason = ineligible_reason(round_, labeler)
        if reason is None and has_task(round_, labeler):
            rounds.append(NextRound(round_, round_.pk in begun))
            if len(rounds) == SHOWN:
                break
        elif reason is not None and reason.code in TELLING:
            reasons.append(f"{round_}: {reason.message}")
    return NextRounds(rounds, "" if rounds else _why_none(reasons))


def _order(after: Round) -> list[Any]:
    """The same project first, there what a screening has opened; work before training, and training before a test."""
    is_other = Case(When(project=after.project_id, then=0), default=1)
    is_opened = Case(When(needs_screening=True, then=0), default=1)
    by_kind = Case(When(kind=Round.Kind.WORK, then=0), When(kind=Round.Kind.TRAINING, then=1), default=2)
    return [is_other, "project__name", *([is_opened] if after.is_screening else []), by_kind, "number"]


def _why_none(reasons: Sequence[str]) -> str:
    if reasons:
        return " ".join(("No other open round has a task for you.", *reasons[:SHOWN]))
    return "No other open round of your projects has a task for you now. New rounds appear on your home page."
