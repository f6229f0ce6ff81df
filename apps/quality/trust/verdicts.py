"""What a judge says of solutions: its newest counted verdict of each, all its votes, and what they cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import nan

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.corpus.labels import UNKNOWN, first_error
from apps.corpus.models import Solution
from apps.judging.models import Judge, JudgeReply, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.judging.verdicts import StepsVerdict
from apps.runs.status import counted_run_q

STEP_KINDS = ("", Judge.Kind.STEPS, Judge.Kind.CHORUS)


@dataclass(slots=True)
class JudgeVerdicts:
    """By solution id. `votes` holds all first errors that were named, of the votes of all runs; UNKNOWN is left out there.

    `costs` are in the currency of the endpoint's prices, NaN without prices.
    """

    first_errors: dict[int, int] = field(default_factory=dict)
    votes: dict[int, list[int]] = field(default_factory=dict)
    costs: dict[int, float] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)


def judges_of_steps(project_id: int) -> list[Judge]:
    """The project's judges that name first errors and have counted verdicts."""
    own = SolutionVerdict.objects.filter(run=OuterRef("pk"))
    imported = StepVerdict.objects.filter(run=OuterRef("pk"))
    runs = JudgeRun.objects.filter(Exists(own) | Exists(imported), counted_run_q(), judge=OuterRef("pk"))
    judges = Judge.objects.filter(Exists(runs), project=project_id, kind__in=STEP_KINDS)
    return list(judges.select_related("endpoint").order_by("name", "-version"))


def judged_by(judges: Sequence[Judge]) -> QuerySet[Solution]:
    """The solutions on which any run of these judges has a verdict."""
    whole = SolutionVerdict.objects.filter(run__judge__in=judges).order_by().values("solution")
    steps = StepVerdict.objects.filter(run__judge__in=judges).order_by().values("step__solution")
    return Solution.objects.filter(Q(pk__in=whole) | Q(pk__in=steps))


def verdicts_of(judge: Judge, solution_ids: Collection[int]) -> JudgeVerdicts:
    """What the judge says of these solutions. Three queries."""
    verdicts = JudgeVerdicts()
    votes: defaultdict[int, list[int]] = defaultdict(list)
    _read_imported(judge, solution_ids, verdicts, votes)
    _read_own(judge, solution_ids, verdicts, votes)
    _read_votes(judge, solution_ids, votes)
    verdicts.votes = dict(votes)
    return verdicts


def _read_own(
    judge: Judge, solution_ids: Collection[int], verdicts: JudgeVerdicts, votes: defaultdict[int, list[int]]
) -> None:
    rows = SolutionVerdict.objects.filter(counted_run_q("run__"), run__judge=judge, solution__in=solution_ids)
    columns = ("solution_id", "outcome", "first_error", "prompt_tokens", "completion_tokens")
    prices = ("run__price_in", "run__price_out")
    for solution_id, outcome, position, tokens_in, tokens_out, *price in rows.order_by("run__number").values_list(
        *columns, *prices
    ):
        is_verdict = outcome == ItemOutcome.VERDICT and position is not None
        verdicts.first_errors[solution_id] = position if is_verdict else UNKNOWN
        verdicts.costs[solution_id] = _cost(tokens_in, tokens_out, *price)
        verdicts.tokens[solution_id] = tokens_in + tokens_out
        if judge.kind == Judge.Kind.CHORUS and is_verdict:
            votes[solution_id].append(position)


def _read_votes(judge: Judge, solution_ids: Collection[int], votes: defaultdict[int, list[int]]) -> None:
    if judge.kind != Judge.Kind.STEPS:
        return
    replies = JudgeReply.objects.filter(
        counted_run_q("run__"), run__judge=judge, solution__in=solution_ids, outcome=JudgeReply.Outcome.VERDICT
    )
    for solution_id, verdict in replies.values_list("solution_id", "verdict"):
        assert verdict is not None
        votes[solution_id].append(StepsVerdict.from_dict(verdict).first_error)


def _read_imported(
    judge: Judge, solution_ids: Collection[int], verdicts: JudgeVerdicts, votes: defaultdict[int, list[int]]
) -> None:
    rows = StepVerdict.objects.counted().filter(
        ~Q(run__origin=""), run__judge=judge, step__solution__in=solution_ids, step__chosen=True
    )
    ratings: dict[tuple[int, int], dict[int, int]] = {}
    lengths: dict[int, int] = {}
    columns = ("step__solution_id", "step__solution__step_count", "run_id", "step__position", "rating")
    for solution_id, length, run_id, position, rating in rows.oldest_run_first().values_list(*columns):
        ratings.setdefault((solution_id, run_id), {})[position] = rating
        lengths[solution_id] = length
    for (solution_id, _), by_position in ratings.items():
        named = first_error(by_position, lengths[solution_id])
        verdicts.first_errors[solution_id] = named
        if named != UNKNOWN:
            votes[solution_id].append(named)


def _cost(tokens_in: int, tokens_out: int, price_in: Decimal | None, price_out: Decimal | None) -> float:
    if price_in is None and price_out is None:
        return nan
    return float((price_in or 0) * tokens_in + (price_out or 0) * tokens_out) / 1e6
