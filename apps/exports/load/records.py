"""Loads records from the database as a stream, with a few queries for every chunk of solutions.

Each chunk is read in one snapshot, so that a solution is consistent; between chunks the connection is free, so that
progress can be stored and the export can be cancelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from apps.core.errors import NotFound
from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.corpus.records import (
    ComparisonRecord,
    ConsensusRating,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StepCount,
    StepPlace,
    StepRecord,
    UndecidedRecord,
    VerdictRecord,
)
from apps.estimation.models import StepEstimate
from apps.exports.formats.base import Need
from apps.exports.load.judged import load_judge_preferences, load_machine_errors, load_replies, load_revisions
from apps.exports.load.people import Members, load_members, load_people, load_preferences
from apps.exports.load.spans import Span, comparisons_in, cut_pieces, cut_spans, solutions_in
from apps.exports.rows.addresses import problem_address, solution_address
from apps.exports.tally import Unit
from apps.judging.models import SolutionVerdict, StepVerdict
from apps.judging.models.runs import number_in_row, run_order
from apps.judging.records import with_distinct_runs
from apps.labeling.models import GoldLabel
from apps.projects.models import Project
from apps.quality.models import StepConsensus
from apps.runs.status import counted_run_q
from apps.scoring.records import score_records

CHUNK = 500

PROBLEM = [
    "external_id",
    "statement",
    "reference_answer",
    "reference_solution",
    "verifier",
    "subject",
    "level",
    "split",
    "extras",
]
SOLUTION = [
    "id",
    "problem_id",
    "external_id",
    "source",
    "final_answer",
    "is_correct",
    "verifier_score",
    "separator",
    "extras",
]
COMPARISON = [
    "id",
    "problem_id",
    "left_id",
    "right_id",
    "left_step__position",
    "left_step__candidate",
    "right_step__position",
    "right_step__candidate",
    "external_id",
    "extras",
]

# A judge's run: its number, the judge, and the number in the row.
_JUDGE_RUN = ("run__number", "run__judge__name", "run__judge__version", number_in_row("run__"))

Place = tuple[int, int]


Rows = Sequence[tuple[Any, ...]]
Needs = Collection[Need]
NOTHING: Needs = frozenset()


def load_records(
    project: Project,
    *,
    of: Sequence[str] = ("solution",),
    chunk: int = CHUNK,
    within: Span | None = None,
    whole: bool = False,
    needs: Needs = NOTHING,
) -> Iterator[list[Record]]:
    """Yield the project's solutions, comparisons, or both, with all their labels, in the order of their problems.

    `needs` is what they have besides. A problem's records, solutions first, are together in one chunk, unless there are
    thousands and not `whole`. Leaves out the records of retired problems.
    """
    members = load_members(project)
    for chunk_span in cut_spans(project, of=of, size=chunk, within=within):
        for span in [chunk_span] if whole else cut_pieces(project, chunk_span, size=chunk):
            with _snapshot():
                records = _records_in(project, span, members, of, needs)
            # Outside: whoever works on them stores the progress, which other workers store as well.
            if records:
                yield records


def load_record(project: Project, solution_id: int, needs: Needs = NOTHING) -> Record:
    """One solution of the project with all its labels. Raises NotFound."""
    with _snapshot():
        rows = list(Solution.objects.written().filter(project=project, pk=solution_id).values_list(*SOLUTION))
        if not rows:
            raise NotFound("No such solution.")
        return _records(rows, load_members(project), project, needs)[0]


def load_problems(
    project: Project, problem_ids: Collection[int], needs: Needs = NOTHING
) -> dict[int, list[tuple[int, Record]]]:
    """By problem, its solutions with all their labels: id and record, in the order of the ids."""
    by_problem: defaultdict[int, list[tuple[int, Record]]] = defaultdict(list)
    with _snapshot():
        rows = list(solutions_in(project).filter(problem__in=problem_ids).order_by("id").values_list(*SOLUTION))
        records = _records(rows, load_members(project), project, needs)
    for row, record in zip(rows, records, strict=True):
        by_problem[row[1]].append((row[0], record))
    return by_problem


def _records_in(project: Project, span: Span, members: Members, of: Sequence[str], needs: Needs) -> list[Record]:
    by_problem: defaultdict[int, list[Record]] = defaultdict(list)
    if "solution" in of:
        rows = list(solutions_in(project, span).order_by("problem_id", "id").values_list(*SOLUTION))
        for row, record in zip(rows, _records(rows, members, project, needs), strict=True):
            by_problem[row[1]].append(record)
    if "comparison" in of:
        rows = list(comparisons_in(project, span).order_by("problem_id", "id").values_list(*COMPARISON))
        for row, record in zip(rows, _comparison_records(rows, members, project, needs), strict=True):
            by_problem[row[1]].append(record)
    return [record for _, records in sorted(by_problem.items()) for record in records]


def count_retired(project: Project, *, of: Sequence[str]) -> dict[Unit, int]:
    """The number of solutions and comparisons that `load_records` leaves out because their problem is retired."""
    solutions = Solution.objects.written().filter(project=project, problem__retired_at__isnull=False)
    comparisons = Comparison.objects.filter(project=project, problem__retired_at__isnull=False)
    counts: dict[Unit, int] = {}
    if "solution" in of:
        counts["solutions"] = solutions.count()
    if "comparison" in of:
        counts["comparisons"] = comparisons.count()
    return counts


@contextmanager
def _snapshot() -> Iterator[None]:
    """One consistent view, unless the caller is in a transaction already."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _records(rows: Rows, members: Members, project: Project, needs: Needs) -> list[Record]:
    solution_ids = [row[0] for row in rows]
    problems = _problems({row[1] for row in rows}, project.verifier)
    steps, places = _steps(solution_ids)
    people = load_people(solution_ids, places, members)
    gold = _gold(solution_ids)
    consensus = _consensus(solution_ids)
    estimates = _estimates(solution_ids)
    judges, undecided = _judges(solution_ids)
    scores = score_records(solution_ids)
    replies = load_replies(solution_ids) if Need.REPLIES in needs else {}
    revisions = load_revisions(solution_ids) if Need.REVISIONS in needs else {}
    machine_errors = load_machine_errors(solution_ids) if Need.CASCADE in needs else {}
    return [
        Record(
            problem=problems[row[1]],
            solution=_solution(row, steps[row[0]]),
            people=people[row[0]],
            gold=gold[row[0]],
            consensus=consensus[row[0]],
            estimates=estimates[row[0]],
            judges=judges.get(row[0], []),
            undecided=undecided.get(row[0], ()),
            address=solution_address(project.slug, row[0]),
            problem_address=problem_address(project.slug, row[1]),
            scores=scores.get(row[0], []),
            replies=replies.get(row[0], ()),
            revisions=revisions.get(row[0], ()),
            machine_error=machine_errors.get(row[0]),
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


def _comparison_records(rows: Rows, members: Members, project: Project, needs: Needs) -> list[Record]:
    """Comparisons with both sides complete, so that each row is self-contained."""
    problems = _problems({row[1] for row in rows}, project.verifier)
    ids = sorted({side for row in rows for side in row[2:4]})
    steps, _ = _steps(ids)
    sides = {
        row[0]: _solution(row, steps[row[0]]) for row in Solution.objects.filter(id__in=ids).values_list(*SOLUTION)
    }
    comparison_ids = [row[0] for row in rows]
    people = load_preferences(comparison_ids, members)
    judged = load_judge_preferences(comparison_ids) if Need.JUDGE_PREFERENCES in needs else {}
    return [
        Record(
            problem=problems[row[1]],
            comparison=_comparison(row, sides),
            people=people[row[0]],
            judge_preferences=judged.get(row[0], ()),
            address=problem_address(project.slug, row[1]),
            problem_address=problem_address(project.slug, row[1]),
        )
        for row in rows
    ]


def _comparison(row: tuple[Any, ...], sides: dict[int, SolutionRecord]) -> ComparisonRecord:
    _, _, left, right, *places, external_id, extras = row
    left_step, right_step = places[:2], places[2:]
    return ComparisonRecord(
        left=sides[left],
        right=sides[right] if right != left else None,
        left_step=StepPlace(*left_step) if left_step[0] is not None else None,
        right_step=StepPlace(*right_step) if right_step[0] is not None else None,
        external_id=external_id,
        extras=extras or {},
    )


def _problems(ids: set[int], verifier: str) -> dict[int, ProblemRecord]:
    problems: dict[int, ProblemRecord] = {}
    for pk, *columns in Problem.objects.filter(id__in=ids).values_list("id", *PROBLEM):
        values = dict(zip(PROBLEM, columns, strict=True))
        values |= {"verifier": values["verifier"] or verifier, "extras": values["extras"] or {}}
        problems[pk] = ProblemRecord(**values)
    return problems


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


def _gold(solution_ids: Sequence[int]) -> dict[int, list[GoldRating]]:
    gold: defaultdict[int, list[GoldRating]] = defaultdict(list)
    rows = GoldLabel.objects.filter(step__solution_id__in=solution_ids, step__chosen=True).order_by("step__position")
    names = ("rating", "self_reviewed", "explanation")
    for solution_id, position, *values in rows.values_list("step__solution_id", "step__position", *names):
        gold[solution_id].append(GoldRating(position=position, **dict(zip(names, values, strict=True))))
    return gold


def _consensus(solution_ids: Sequence[int]) -> dict[int, list[ConsensusRating]]:
    consensus: defaultdict[int, list[ConsensusRating]] = defaultdict(list)
    rows = StepConsensus.objects.filter(step__solution_id__in=solution_ids, step__chosen=True)
    columns = ("rating", "how", "certainty", "people", "is_thin", "self_reviewed")
    for solution_id, position, *values in rows.order_by("step__position").values_list(
        "step__solution_id", "step__position", *columns
    ):
        label = dict(zip(columns, values, strict=True))
        consensus[solution_id].append(ConsensusRating(position=position, **label))
    return consensus


def _estimates(solution_ids: Sequence[int]) -> dict[int, list[EstimateRecord]]:
    counts: defaultdict[tuple[int, int, str, str], list[StepCount]] = defaultdict(list)
    rows = (
        StepEstimate.objects.filter(counted_run_q("run__"), step__solution_id__in=solution_ids, step__chosen=True)
        .order_by("run__number", "step__position")
        .values_list(
            "step__solution_id",
            "run__number",
            "run__completer",
            "run__strategy",
            "step__position",
            "rollouts",
            "successes",
            "missing",
            "hard",
        )
    )
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


def _judges(solution_ids: Sequence[int]) -> tuple[dict[int, list[JudgeRecord]], dict[int, list[UndecidedRecord]]]:
    """By solution, every run's verdicts, and the runs that are undecided.

    Each judge's oldest run comes first, and last the judge with the newest run that has verdicts.
    """
    verdicts: defaultdict[tuple[Any, ...], list[VerdictRecord]] = defaultdict(list)
    rows = (
        StepVerdict.objects.counted()
        .filter(step__solution_id__in=solution_ids)
        .oldest_run_first("step__position", "step__candidate")
        .values_list(
            "step__solution_id",
            *_JUDGE_RUN,
            "step__position",
            "step__candidate",
            "rating",
            "confidence",
            "reason",
        )
    )
    for *run, position, candidate, rating, confidence, reason in rows:
        verdicts[tuple(run)].append(
            VerdictRecord(position=position, candidate=candidate, rating=rating, confidence=confidence, reason=reason)
        )
    newest: dict[tuple[int, str], int] = {}
    for solution_id, number, name, *_ in verdicts:
        newest[solution_id, name] = max(number, newest.get((solution_id, name), 0))
    judges: defaultdict[int, list[JudgeRecord]] = defaultdict(list)
    runs: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for key in sorted(verdicts, key=lambda run: newest[run[0], run[2]]):
        solution_id, _, name, version, run_in_row = key
        judges[solution_id].append(JudgeRecord(judge=name, version=version, run=run_in_row, steps=verdicts[key]))
        runs[solution_id].append(key)
    return {pk: with_distinct_runs(records) for pk, records in judges.items()}, _undecided(solution_ids, runs)


def _undecided(
    solution_ids: Sequence[int], runs: Mapping[int, Sequence[tuple[Any, ...]]]
) -> dict[int, list[UndecidedRecord]]:
    """By solution, the undecided runs that are newer than one of the judge's `runs`, which have verdicts."""
    undecided: defaultdict[int, list[UndecidedRecord]] = defaultdict(list)
    rows = SolutionVerdict.objects.undecided().filter(solution__in=solution_ids)
    for solution_id, number, name, version, run_in_row in rows.values_list("solution_id", *_JUDGE_RUN):
        order = run_order(version, run_in_row, number)
        places = [
            place
            for place, (_, own_number, judge, own_version, own_run) in enumerate(runs.get(solution_id, ()))
            if judge == name and run_order(own_version, own_run, own_number) < order
        ]
        if places:
            older = places[-1] + 1
            undecided[solution_id].append(UndecidedRecord(judge=name, version=version, older=older))
    return undecided
