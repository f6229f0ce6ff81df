"""From the database to records, as a stream: a few queries for every chunk of solutions.

Each chunk is read in one snapshot, so that a solution is never torn; between chunks the connection
is free, so that progress can be written down and the export can be cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Max, QuerySet

from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.corpus.records import (
    ComparisonRecord,
    CritiqueWord,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    PreferenceRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StandingRating,
    StepCount,
    StepRating,
    StepRecord,
    VerdictRecord,
)
from apps.estimation.latest import counted_run_q
from apps.estimation.models import StepEstimate
from apps.exports.tally import Unit
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, Critique, CritiqueRating, GoldLabel, PreferenceLabel, StepLabel
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
    "reason", "submitted_at", "active_ms", "is_quality_control", "progress", "extras",
]  # fmt: skip

COMPARISON = [
    "id", "problem_id", "left_id", "right_id", "left_step__position", "left_step__candidate", "right_step__position",
    "right_step__candidate", "external_id", "extras",
]  # fmt: skip

Place = tuple[int, int]


class Member(NamedTuple):
    """Who labels, as files call them, and whether their work counts for nothing at present."""

    name: str
    is_suspended: bool


Members = dict[int, Member]
Rows = Sequence[tuple[Any, ...]]


def collect(project: Project, *, of: Sequence[str] = ("solution",), chunk: int = CHUNK) -> Iterator[list[Record]]:
    """The project's solutions, or comparisons, or both after one another, with all that was said of them.

    In order of their ids, by chunks. What comes in after the start is left out, and so is what is of a retired problem.
    """
    members = _members(project)
    if "solution" in of:
        solutions = Solution.objects.written().filter(project=project, problem__retired_at=None)
        yield from _chunks(solutions, SOLUTION, chunk, lambda rows: _records(rows, members, verifier=project.verifier))
    if "comparison" in of:
        compared = Comparison.objects.filter(project=project, problem__retired_at=None)
        yield from _chunks(
            compared, COMPARISON, chunk, lambda rows: _compared(rows, members, verifier=project.verifier)
        )


def _members(project: Project) -> Members:
    memberships = Membership.objects.filter(project=project)
    suspended = set(memberships.filter(status=Membership.Status.SUSPENDED).values_list("user_id", flat=True))
    return {user: Member(name, user in suspended) for user, name in memberships.pseudonyms().items()}


def count_retired(project: Project, *, of: Sequence[str]) -> dict[Unit, int]:
    """How many solutions and comparisons `collect` leaves out because their problem is retired."""
    solutions = Solution.objects.written().filter(project=project, problem__retired_at__isnull=False)
    compared = Comparison.objects.filter(project=project, problem__retired_at__isnull=False)
    counts: dict[Unit, int] = {}
    if "solution" in of:
        counts["solutions"] = solutions.count()
    if "comparison" in of:
        counts["comparisons"] = compared.count()
    return counts


def _chunks(
    found: QuerySet[Any], fields: Sequence[str], size: int, read: Callable[[Rows], list[Record]]
) -> Iterator[list[Record]]:
    last, end = 0, found.aggregate(end=Max("id"))["end"] or 0
    while True:
        with _snapshot():
            rows = list(found.filter(id__gt=last, id__lte=end).order_by("id").values_list(*fields)[:size])
            if not rows:
                return
            records = read(rows)
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


def _records(rows: Sequence[tuple[Any, ...]], members: Members, *, verifier: str) -> list[Record]:
    solution_ids = [row[0] for row in rows]
    problems = _problems({row[1] for row in rows}, verifier)
    steps, places = _steps(solution_ids)
    people = _people(solution_ids, places, members)
    gold = _gold(solution_ids)
    consensus = _consensus(solution_ids)
    estimates = _estimates(solution_ids)
    judges = _judges(solution_ids)
    return [
        Record(
            problem=problems[row[1]],
            solution=_solution(row, steps[row[0]]),
            people=people[row[0]],
            gold=gold[row[0]],
            consensus=consensus[row[0]],
            estimates=estimates[row[0]],
            judges=judges[row[0]],
        )
        for row in rows
    ]


def _solution(row: tuple[Any, ...], steps: Sequence[StepRecord]) -> SolutionRecord:
    _, _, external_id, source, answer, is_correct, score, separator, extras = row
    return SolutionRecord(
        steps=steps,
        external_id=external_id,
        source=source,
        final_answer=answer,
        is_correct=is_correct,
        verifier_score=score,
        separator=separator,
        extras=extras or {},
    )


def _compared(rows: Rows, members: Members, *, verifier: str) -> list[Record]:
    """Comparisons with both sides whole, so that a row stands for itself."""
    problems = _problems({row[1] for row in rows}, verifier)
    ids = sorted({side for row in rows for side in row[2:4]})
    steps, _ = _steps(ids)
    sides = {
        row[0]: _solution(row, steps[row[0]]) for row in Solution.objects.filter(id__in=ids).values_list(*SOLUTION)
    }
    people = _preferring([row[0] for row in rows], members)
    return [Record(problem=problems[row[1]], comparison=_comparison(row, sides), people=people[row[0]]) for row in rows]


def _comparison(row: tuple[Any, ...], sides: dict[int, SolutionRecord]) -> ComparisonRecord:
    _, _, left, right, *places, external_id, extras = row
    left_step, right_step = places[:2], places[2:]
    return ComparisonRecord(
        left=sides[left],
        right=sides[right] if right != left else None,
        left_step=(left_step[0], left_step[1]) if left_step[0] is not None else None,
        right_step=(right_step[0], right_step[1]) if right_step[0] is not None else None,
        external_id=external_id,
        extras=extras or {},
    )


def _preferring(comparison_ids: Sequence[int], members: Members) -> dict[int, list[PersonRecord]]:
    turns = list(
        Assignment.objects.spoken()
        .filter(task__comparison_id__in=comparison_ids)
        .order_by("submitted_at", "id")
        .values_list("id", "task__comparison_id", "labeler_id", *TURN)
    )
    labels = PreferenceLabel.objects.filter(assignment_id__in=[turn[0] for turn in turns])
    said = {
        turn: PreferenceRecord(choice=choice, margin=margin, rationale=rationale)
        for turn, choice, margin, rationale in labels.values_list("assignment_id", "choice", "margin", "rationale")
    }
    people: defaultdict[int, list[PersonRecord]] = defaultdict(list)
    for pk, comparison_id, labeler_id, *turn in turns:
        person = _person(dict(zip(TURN, turn, strict=True)), (), members[labeler_id], said.get(pk))
        people[comparison_id].append(person)
    return people


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


def _people(solution_ids: Sequence[int], places: dict[int, Place], members: Members) -> dict[int, list[PersonRecord]]:
    turns = _turns(solution_ids)
    labels = _ratings([turn[0] for turn in turns], places)
    critiques = _critiques([turn[0] for turn in turns], places)
    people: defaultdict[int, list[PersonRecord]] = defaultdict(list)
    for pk, solution_id, labeler_id, *turn in turns:
        said = dict(zip(TURN, turn, strict=True)) | {"critiques": critiques[pk]}
        people[solution_id].append(_person(said, labels[pk], members[labeler_id]))
    return people


def _turns(solution_ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """In order of time. A turn that made a solution of its own belongs to that, not to the one that it began with."""
    spoken = Assignment.objects.spoken().order_by()
    on_task = spoken.filter(task__solution_id__in=solution_ids, grown__isnull=True)
    on_grown = spoken.filter(grown_id__in=solution_ids)
    found = [
        *on_task.values_list("id", "task__solution_id", "labeler_id", *TURN),
        *on_grown.values_list("id", "grown_id", "labeler_id", *TURN),
    ]
    return sorted(found, key=_when)


def _when(turn: tuple[Any, ...]) -> tuple[bool, Any, int]:
    """As SQL orders it: a file may not say when, and such turns come last."""
    at = turn[3 + TURN.index("submitted_at")]
    return at is None, at or 0, turn[0]


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


def _critiques(turn_ids: Sequence[int], places: dict[int, Place]) -> dict[int, list[CritiqueWord]]:
    """What was written of steps in each turn, and what was said of what others wrote."""
    found: defaultdict[int, list[CritiqueWord]] = defaultdict(list)
    rated = CritiqueRating.objects.filter(assignment_id__in=turn_ids).order_by("critique_id")
    of_critique = ("critique__step_id", "critique__text", "critique__origin", "critique__source")
    for turn_id, rating, step_id, text, origin, source in rated.values_list("assignment_id", "rating", *of_critique):
        position, candidate = places[step_id]
        found[turn_id].append(
            CritiqueWord(position=position, candidate=candidate, text=text, origin=origin, source=source, rating=rating)
        )
    written = Critique.objects.filter(written_in_id__in=turn_ids).order_by("id")
    for turn_id, step_id, text in written.values_list("written_in_id", "step_id", "text"):
        position, candidate = places[step_id]
        found[turn_id].append(
            CritiqueWord(position=position, candidate=candidate, text=text, origin="human", is_own=True)
        )
    return found


def _person(
    turn: dict[str, Any], said: Sequence[StepRating], member: Member, preference: PreferenceRecord | None = None
) -> PersonRecord:
    extras = dict(turn["extras"] or {})
    return PersonRecord(
        labeler=member.name,
        round=turn["round__generation"] if turn["round__origin"] else turn["round__number"],
        protocol=turn["round__protocol"],
        finish_reason=turn["finish_reason"] or None,
        reason=turn["reason"],
        submitted_at=turn["submitted_at"],
        active_ms=turn["active_ms"],
        is_quality_control=turn["is_quality_control"],
        is_screening=extras.pop("is_screening", turn["round__is_screening"]),
        is_suspended=member.is_suspended,
        steps=said,
        preference=preference,
        progress=turn["progress"],
        critiques=turn.get("critiques", ()),
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
        StepEstimate.objects.filter(counted_run_q("run__"), step__solution_id__in=solution_ids, step__chosen=True)
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


def _judges(solution_ids: Sequence[int]) -> dict[int, list[JudgeRecord]]:
    """Of each solution what every run said of it: each judge's oldest run first, last the judge whose run came last."""
    said: defaultdict[tuple[Any, ...], list[VerdictRecord]] = defaultdict(list)
    rows = (
        StepVerdict.objects.filter(step__solution_id__in=solution_ids)
        .oldest_run_first("step__position", "step__candidate")
        .values_list(
            "step__solution_id", "run__number", "run__judge__name", "run__judge__version", "run__run_in_file",
            "step__position", "step__candidate", "rating", "confidence", "reason",
        )
    )  # fmt: skip
    for *run, position, candidate, rating, confidence, reason in rows:
        said[tuple(run)].append(
            VerdictRecord(
                position=position, candidate=candidate, rating=rating, confidence=confidence, reason=reason
            )
        )  # fmt: skip
    came: dict[tuple[int, str], int] = {}
    for solution_id, number, name, *_ in said:
        came[solution_id, name] = max(number, came.get((solution_id, name), 0))
    judges: defaultdict[int, list[JudgeRecord]] = defaultdict(list)
    for told in sorted(said, key=lambda run: came[run[0], run[2]]):
        solution_id, _, name, version, run_in_file = told
        judges[solution_id].append(JudgeRecord(judge=name, version=version, run=run_in_file, steps=said[told]))
    return judges
