"""From the database to records, as a stream: a few queries for every chunk of solutions.

Each chunk is read in one snapshot, so that a solution is never torn; between chunks the connection
is free, so that progress can be written down and the export can be cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from apps.corpus.models import Problem, Solution, Step
from apps.corpus.records import (
    EstimateRecord,
    GoldRating,
    PersonRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StandingRating,
    StepCount,
    StepRating,
    StepRecord,
)
from apps.estimation.models import StepEstimate
from apps.labeling.models import Assignment, GoldLabel, StepLabel
from apps.projects.models import Membership, Project
from apps.quality.models import StepConsensus

CHUNK = 500

PROBLEM = [
    "external_id", "statement", "reference_answer", "reference_solution", "verifier", "subject", "level", "split", "extras",
]  # fmt: skip
SOLUTION = [
    "id", "problem_id", "external_id", "source", "final_answer", "is_correct", "verifier_score", "separator", "extras",
]  # fmt: skip
TURN = [
    "round__number", "round__generation", "round__origin", "round__protocol", "round__is_screening", "finish_reason",
    "reason", "submitted_at", "active_ms", "is_quality_control", "extras",
]  # fmt: skip

Place = tuple[int, int]


def collect(project: Project, *, chunk: int = CHUNK) -> Iterator[list[Record]]:
    """The project's solutions with all that was said of them, in order of their ids, by chunks.

    Solutions that come in after the start are left out, and so are those of retired problems.
    """
    solutions = Solution.objects.filter(project=project, problem__retired_at=None)
    last, end = 0, solutions.aggregate(end=Max("id"))["end"] or 0
    names = dict(Membership.objects.filter(project=project).values_list("user_id", "pseudonym"))
    while True:
        with _snapshot():
            rows = list(solutions.filter(id__gt=last, id__lte=end).order_by("id").values_list(*SOLUTION)[:chunk])
            if not rows:
                return
            records = _records(rows, names, verifier=project.verifier)
        last = rows[-1][0]
        yield records


@contextmanager
def _snapshot() -> Iterator[None]:
    """One consistent view, unless the caller's transaction gives another already."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _records(rows: Sequence[tuple[Any, ...]], names: dict[int, str], *, verifier: str) -> list[Record]:
    solution_ids = [row[0] for row in rows]
    problems = _problems({row[1] for row in rows}, verifier)
    steps, places = _steps(solution_ids)
    people = _people(solution_ids, places, names)
    gold = _gold(solution_ids)
    consensus = _consensus(solution_ids)
    estimates = _estimates(solution_ids)
    return [
        Record(
            problem=problems[problem_id],
            solution=SolutionRecord(
                steps=steps[pk],
                external_id=external_id,
                source=source,
                final_answer=answer,
                is_correct=is_correct,
                verifier_score=score,
                separator=separator,
                extras=extras or {},
            ),
            people=people[pk],
            gold=gold[pk],
            consensus=consensus[pk],
            estimates=estimates[pk],
        )
        for pk, problem_id, external_id, source, answer, is_correct, score, separator, extras in rows
    ]


def _problems(ids: set[int], verifier: str) -> dict[int, ProblemRecord]:
    found: dict[int, ProblemRecord] = {}
    for pk, *values in Problem.objects.filter(id__in=ids).values_list("id", *PROBLEM):
        said = dict(zip(PROBLEM, values, strict=True))
        found[pk] = ProblemRecord(**{**said, "verifier": said["verifier"] or verifier, "extras": said["extras"] or {}})
    return found


def _steps(solution_ids: Sequence[int]) -> tuple[dict[int, list[StepRecord]], dict[int, Place]]:
    """Each solution's steps, and every step's place by its id."""
    steps: defaultdict[int, list[StepRecord]] = defaultdict(list)
    places: dict[int, Place] = {}
    rows = (
        Step.objects.filter(solution_id__in=solution_ids)
        .order_by("solution_id", "position", "candidate")
        .values_list("id", "solution_id", "position", "candidate", "text", "origin", "chosen")
    )
    for pk, solution_id, position, candidate, text, origin, chosen in rows:
        places[pk] = (position, candidate)
        steps[solution_id].append(
            StepRecord(position=position, candidate=candidate, text=text, origin=origin, chosen=chosen)
        )
    return steps, places


def _people(
    solution_ids: Sequence[int], places: dict[int, Place], names: dict[int, str]
) -> dict[int, list[PersonRecord]]:
    turns = list(
        Assignment.objects.spoken()
        .filter(task__solution_id__in=solution_ids)
        .order_by("submitted_at", "id")
        .values_list("id", "task__solution_id", "labeler_id", *TURN)
    )
    labels = _ratings([turn[0] for turn in turns], places)
    people: defaultdict[int, list[PersonRecord]] = defaultdict(list)
    for pk, solution_id, labeler_id, *turn in turns:
        people[solution_id].append(_person(dict(zip(TURN, turn, strict=True)), labels[pk], names[labeler_id]))
    return people


def _ratings(turn_ids: Sequence[int], places: dict[int, Place]) -> dict[int, list[StepRating]]:
    """What was said in each turn, in order of positions and candidates."""
    found: defaultdict[int, list[StepRating]] = defaultdict(list)
    rows = StepLabel.objects.filter(assignment_id__in=turn_ids)
    for turn_id, step_id, rating, unsure, chosen in rows.values_list(
        "assignment_id", "step_id", "rating", "unsure", "chosen"
    ):
        position, candidate = places[step_id]
        found[turn_id].append(
            StepRating(position=position, candidate=candidate, rating=rating, unsure=unsure, chosen=chosen)
        )
    for said in found.values():
        said.sort(key=attrgetter("position", "candidate"))
    return found


def _person(turn: dict[str, Any], said: Sequence[StepRating], name: str) -> PersonRecord:
    extras = dict(turn["extras"] or {})
    return PersonRecord(
        labeler=name,
        round=turn["round__generation"] if turn["round__origin"] else turn["round__number"],
        protocol=turn["round__protocol"],
        finish_reason=turn["finish_reason"] or None,
        reason=turn["reason"],
        submitted_at=turn["submitted_at"],
        active_ms=turn["active_ms"],
        is_quality_control=turn["is_quality_control"],
        is_screening=extras.pop("is_screening", turn["round__is_screening"]),
        steps=said,
        extras=extras,
    )


def _gold(solution_ids: Sequence[int]) -> dict[int, list[GoldRating]]:
    gold: defaultdict[int, list[GoldRating]] = defaultdict(list)
    rows = GoldLabel.objects.filter(step__solution_id__in=solution_ids, step__chosen=True).order_by("step__position")
    for solution_id, position, rating in rows.values_list("step__solution_id", "step__position", "rating"):
        gold[solution_id].append(GoldRating(position=position, rating=rating))
    return gold


def _consensus(solution_ids: Sequence[int]) -> dict[int, list[StandingRating]]:
    found: defaultdict[int, list[StandingRating]] = defaultdict(list)
    rows = StepConsensus.objects.filter(step__solution_id__in=solution_ids, step__chosen=True)
    columns = ("step__solution_id", "step__position", "rating", "how", "certainty")
    for solution_id, position, rating, how, certainty in rows.order_by("step__position").values_list(*columns):
        found[solution_id].append(StandingRating(position=position, rating=rating, how=how, certainty=certainty))
    return found


def _estimates(solution_ids: Sequence[int]) -> dict[int, list[EstimateRecord]]:
    counts: defaultdict[tuple[int, int, str, str], list[StepCount]] = defaultdict(list)
    rows = (
        StepEstimate.objects.filter(step__solution_id__in=solution_ids, step__chosen=True)
        .order_by("run__number", "step__position")
        .values_list(
            "step__solution_id", "run__number", "run__completer", "run__strategy",
            "step__position", "rollouts", "successes", "missing", "hard",
        )
    )  # fmt: skip
    for solution_id, number, completer, strategy, position, rollouts, successes, missing, hard in rows:
        counts[solution_id, number, completer, strategy].append(
            StepCount(position=position, rollouts=rollouts, successes=successes, missing=missing, hard=hard)
        )
    estimates: defaultdict[int, list[EstimateRecord]] = defaultdict(list)
    for (solution_id, number, completer, strategy), steps in counts.items():
        estimates[solution_id].append(
            EstimateRecord(run=number, completer=completer or None, strategy=strategy, steps=steps)
        )
    return estimates
