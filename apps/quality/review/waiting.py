"""The turns that reviewers look over: those that nobody has reviewed since they were handed in, with their risks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, QuerySet, Sum

from apps.accounts.models import User
from apps.corpus.labels import UNKNOWN, first_error
from apps.labeling.assignments.first_submissions import FirstSubmission, first_submissions_of
from apps.labeling.models import Assignment, PastSubmission, Round, Seat, StepLabel
from apps.projects.models import Project
from apps.quality.models import Consensus, GoldMark, Review
from apps.quality.review.impartiality import allows_self_review
from apps.quality.review.risk import Facts, Risk, risk_of, usual_pace

# Of each labeler in each round, so many of the newest are weighed: a sample is of what people do now.
EACH = 10
WEIGHED = 1000


def waiting(
    project: Project,
    *,
    round: int | None = None,  # noqa: A002
    labeler: int | None = None,
    reviewer: User | None = None,
) -> list[int]:
    """Ids of the newest turns of each labeler that wait for a review; not the reviewer's own.

    From the few seats to each one's newest turns by an index, however many turns there are.
    """
    asked = {"round__number": round, "labeler": labeler}
    seats = Seat.objects.filter(round__project=project, round__origin="").filter(
        **{name: value for name, value in asked.items() if value is not None}
    )
    if reviewer is not None and not allows_self_review(project.pk):
        seats = seats.exclude(labeler=reviewer)
    turns = Assignment.objects.spoken().filter(task__solution__isnull=False)
    of_seat = turns.filter(labeler=OuterRef("labeler"), round=OuterRef("round")).order_by("-submitted_at")
    newest = ArraySubquery(unreviewed(of_seat).values("pk")[:EACH])
    found = seats.order_by().values_list(newest, flat=True)
    return sorted(chain.from_iterable(found), reverse=True)[:WEIGHED]


def unreviewed(turns: QuerySet[Assignment]) -> QuerySet[Assignment]:
    """Whoever corrects what was reviewed says something new."""
    later = PastSubmission.objects.filter(assignment=OuterRef("assignment"), replaced_at__gt=OuterRef("at"))
    reviews = Review.objects.filter(~Exists(later), assignment=OuterRef("pk"), at__gte=OuterRef("submitted_at"))
    return turns.filter(~Exists(reviews))


def risks_of(turn_ids: Sequence[int]) -> dict[int, Risk]:
    """By turn, in nine queries at most however many."""
    found = Assignment.objects.filter(pk__in=turn_ids).select_related("task__solution")
    turns = list(
        found.only(
            "active_ms", "finish_reason", "labeler_id", "round_id", "submitted_at", "versions",
            "task__solution__step_count",
        )
    )  # fmt: skip
    said, first = _said(turn_ids), first_submissions_of(turns)
    stands = dict(
        Consensus.objects.settled()
        .filter(solution__in={turn.task.solution_id for turn in turns if turn.task.solution_id})
        .values_list("pk", "first_error")
    )
    gold = dict(GoldMark.objects.filter(assignment__in=turn_ids).values_list("assignment", "exact"))
    done = dict(
        Seat.objects.filter(labeler__in={turn.labeler_id for turn in turns}, round__project__in=_projects(turns))
        .order_by()
        .values_list("labeler")
        .annotate(done=Sum("submitted"))
    )
    paces = {turn.pk: _pace(first[turn.pk]) for turn in turns}
    usual = _usual(turns, paces)
    return {
        turn.pk: risk_of(
            Facts(
                turn=turn.pk, labeler=turn.labeler_id, gold=gold.get(turn.pk),
                agrees=_agrees(turn, said.get(turn.pk, {}), stands), pace=paces[turn.pk],
                usual_pace=usual.get(turn.round_id), turns_before=done.get(turn.labeler_id, 0),
            )
        )
        for turn in turns
    }  # fmt: skip


def _projects(turns: Sequence[Assignment]) -> Any:
    rounds = {turn.round_id for turn in turns}
    return Round.objects.filter(pk__in=rounds).values("project")


def _said(turn_ids: Sequence[int]) -> dict[int, dict[int, int | None]]:
    """Ratings on the path, by turn and position."""
    said: defaultdict[int, dict[int, int | None]] = defaultdict(dict)
    labels = StepLabel.objects.filter(assignment__in=turn_ids, step__chosen=True)
    for turn, position, rating in labels.values_list("assignment", "step__position", "rating"):
        said[turn][position] = rating
    return said


def _pace(first: FirstSubmission) -> float | None:
    """Milliseconds for each rated step, as the labeler submitted it at first."""
    return first.active_ms / len(first.ratings) if first.active_ms is not None and first.ratings else None


def _usual(turns: Sequence[Assignment], paces: Mapping[int, float | None]) -> dict[int, float | None]:
    by_round: defaultdict[int, list[float]] = defaultdict(list)
    for turn in turns:
        if (pace := paces[turn.pk]) is not None:
            by_round[turn.round_id].append(pace)
    return {pk: usual_pace(values) for pk, values in by_round.items()}


def _agrees(turn: Assignment, said: Mapping[int, int | None], stands: Mapping[int, int | None]) -> bool | None:
    """None where either side cannot be told."""
    solution = turn.task.solution
    if solution is None or stands.get(solution.pk) is None:
        return None
    rated = {place: rating for place, rating in said.items() if rating is not None}
    word = first_error(rated, solution.step_count)
    return None if word == UNKNOWN else word == stands[solution.pk]
