"""From the database to the engine's work: solutions of a shard, and the rollouts that are stored of them already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from apps.core import cache as grades
from apps.corpus.models import Solution, SolutionGrade, Step
from apps.estimation.engine.solution_state import Work
from apps.estimation.models import EstimationRun, RolloutBatch, Shard, SolutionEstimate
from apps.estimation.runs.selection import selected
from apps.estimation.strategies.base import Case
from apps.verifiers.extraction.final_answer import extract_answer
from apps.verifiers.pool.pool import GradingPool


def load(run: EstimationRun, shard: Shard, pool: GradingPool) -> list[Work]:
    """The solutions of this shard that have no result yet, in their order."""
    # Bounded as well: the database would go through all the results of the run otherwise, for each shard anew.
    done = SolutionEstimate.objects.filter(run=run, solution_id__gt=shard.after, solution_id__lte=shard.upto)
    solutions = list(
        selected(run)
        .filter(id__gt=shard.after, id__lte=shard.upto)
        .exclude(id__in=done.values("solution_id"))
        .select_related("problem")
        .order_by("id")
    )
    works = works_of(run, solutions)
    _mark_ungradable(works, pool)
    return works


def works_of(run: EstimationRun, solutions: Sequence[Solution]) -> list[Work]:
    """With the rollouts that are stored of them."""
    steps = _steps([solution.pk for solution in solutions])
    works = [_work(run, solution, steps[solution.pk]) for solution in solutions]
    _take_up_rollouts(run, works)
    return works


def _steps(solution_ids: Sequence[int]) -> dict[int, list[tuple[int, str]]]:
    """Of each solution the steps of its own path: (id, text)."""
    found: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = Step.objects.filter(solution_id__in=solution_ids, chosen=True).order_by("solution_id", "position")
    for solution_id, pk, text in rows.values_list("solution_id", "id", "text"):
        found[solution_id].append((pk, text))
    return found


def _work(run: EstimationRun, solution: Solution, steps: Sequence[tuple[int, str]]) -> Work:
    texts = [text for _, text in steps]
    settled, unreadable = _own_answers(solution, texts)
    return Work(
        solution_id=solution.pk,
        statement=solution.problem.statement,
        separator=solution.separator,
        steps=texts,
        step_ids=[pk for pk, _ in steps],
        verifier=solution.problem.verifier or run.project.verifier,
        reference=solution.problem.reference_answer,
        case=Case(len(steps), settled),
        unreadable=unreadable,
    )


def _own_answers(solution: Solution, texts: Sequence[str]) -> tuple[dict[int, bool], frozenset[int]]:
    """Prefixes that hold the solution's final answer already: whether it is right, or that nobody can say.

    That is its last step, and any before it by which the very same answer has been stated and no other since.
    """
    if not texts or solution.final_answer is None:
        return {}, frozenset()
    answer = solution.final_answer
    stated: str | None = None
    holding: list[int] = []
    for place, text in enumerate(texts):
        stated = extract_answer(text) or stated
        if stated == answer or place == len(texts) - 1:
            holding.append(place)
    if solution.is_correct is None:
        return {}, frozenset(holding) if solution.grade == SolutionGrade.UNPARSED else frozenset()
    return dict.fromkeys(holding, solution.is_correct), frozenset()


def _mark_ungradable(works: Sequence[Work], pool: GradingPool) -> None:
    """A reference answer that is not even equal to itself can be compared with nothing."""
    asked = [work for work in works if work.reference]
    questions = [(work.verifier, work.reference, work.reference) for work in asked]
    for work, grade in zip(asked, pool.grade_many(questions, grades.CACHE), strict=True):
        work.is_gradable = grade.is_correct is True


def _take_up_rollouts(run: EstimationRun, works: Sequence[Work]) -> None:
    places = {step_id: (work, place) for work in works for place, step_id in enumerate(work.step_ids)}
    stored = RolloutBatch.objects.filter(run=run, step_id__in=list(places)).order_by("step_id", "ordinal")
    for step_id, ordinal, outcomes, tokens, reason in stored.values_list(
        "step_id", "ordinal", "outcomes", "tokens", "reason"
    ):
        work, place = places[step_id]
        work.outcomes[place][ordinal] = outcomes
        work.tokens[place] += tokens
        if reason:
            work.reasons[place].append(reason)
