"""Turns the solutions of a run into engine states, with their stored outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from apps.core.cache import GRADE_CACHE
from apps.core.db.prepared import fetch
from apps.corpus.models import Solution, SolutionGrade
from apps.corpus.paths import chosen_steps
from apps.estimation.engine.solution_state import SolutionState
from apps.estimation.models import EstimationRun, SolutionEstimate
from apps.estimation.strategies.base import Case
from apps.runs.shards import OpenItems
from apps.verifiers.extraction.final_answer import extract_answer
from apps.verifiers.pool.pool import GradingPool

_COLUMNS = (
    *("separator", "final_answer", "is_correct", "grade"),
    *("problem__statement", "problem__verifier", "problem__reference_answer"),
)
_OUTCOMES = """
    SELECT step_id, ordinal, outcomes, tokens, reason FROM estimation_rolloutbatch
    WHERE run_id = %(run)s AND step_id = ANY(%(steps)s) ORDER BY step_id, ordinal
"""


def open_items(run: EstimationRun) -> OpenItems:
    """The solutions of the run's shards, with what `load` needs of them."""

    def solutions() -> QuerySet[Any, Any]:
        return run.items().select_related("problem").only(*_COLUMNS).order_by("id")

    return OpenItems(solutions, SolutionEstimate.objects.filter(run=run), "solution_id")


def load(run: EstimationRun, solutions: Sequence[Solution], pool: GradingPool) -> list[SolutionState]:
    """The states of these solutions, which know whether a rollout can be graded."""
    states = load_states(run, solutions)
    # A reference answer that the verifier does not find equal to itself cannot be compared with anything.
    with_reference = [state for state in states if state.reference]
    questions = [(state.verifier, state.reference, state.reference) for state in with_reference]
    for state, grade in zip(with_reference, pool.grade_many(questions, GRADE_CACHE), strict=True):
        state.is_gradable = grade.is_correct is True
    return states


def load_states(run: EstimationRun, solutions: Sequence[Solution]) -> list[SolutionState]:
    """The states of these solutions with their stored outcomes."""
    steps = chosen_steps(solution.pk for solution in solutions)
    states = [_state(run, solution, steps[solution.pk]) for solution in solutions]
    _load_outcomes(run, states)
    return states


def _state(run: EstimationRun, solution: Solution, steps: Sequence[tuple[int, str]]) -> SolutionState:
    texts = [text for _, text in steps]
    graded_positions, unreadable = _stated_answers(solution, texts)
    return SolutionState(
        solution_id=solution.pk,
        statement=solution.problem.statement,
        separator=solution.separator,
        steps=texts,
        step_ids=[pk for pk, _ in steps],
        verifier=solution.problem.verifier or run.project.verifier,
        reference=solution.problem.reference_answer,
        case=Case(len(steps), graded_positions),
        unreadable=unreadable,
    )


def _stated_answers(solution: Solution, texts: Sequence[str]) -> tuple[dict[int, bool], frozenset[int]]:
    """Positions whose prefix states the solution's final answer: by position whether it is right, or the ungradable ones.

    They are the last step, and each earlier one up to which this answer was stated and no other since.
    """
    if not texts or solution.final_answer is None:
        return {}, frozenset()
    answer = solution.final_answer
    stated: str | None = None
    positions: list[int] = []
    for position, text in enumerate(texts):
        stated = extract_answer(text) or stated
        if stated == answer or position == len(texts) - 1:
            positions.append(position)
    if solution.is_correct is None:
        return {}, frozenset(positions) if solution.grade == SolutionGrade.UNPARSED else frozenset()
    return dict.fromkeys(positions, solution.is_correct), frozenset()


def _load_outcomes(run: EstimationRun, states: Sequence[SolutionState]) -> None:
    place_of = {step_id: (state, position) for state in states for position, step_id in enumerate(state.step_ids)}
    rows = fetch(_OUTCOMES, {"run": run.pk, "steps": list(place_of)})
    for step_id, ordinal, outcomes, tokens, reason in rows:
        state, position = place_of[step_id]
        state.outcomes[position][ordinal] = outcomes
        state.tokens[position] += tokens
        if reason:
            state.reasons[position].append(reason)
