"""Stores the revisions of a critique-revise run: each changed text is a new solution that names its parent."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.db.locks import advisory_xact_lock
from apps.corpus.grading import final_answer, grade_answers
from apps.corpus.identity import solution_digest
from apps.corpus.models import Solution
from apps.corpus.records import SolutionRecord, StepRecord
from apps.corpus.services import add_solutions
from apps.corpus.splitting.steps import split_steps
from apps.judging.engine.states import JudgedItem
from apps.judging.kinds import RevisedText
from apps.judging.models import JudgeRun, Revision
from apps.runs.changes import RunChanges, storable
from apps.verifiers.pool.pool import GradingPool


def store_revisions(run: JudgeRun, results: Sequence[JudgedItem], pool: GradingPool, changes: RunChanges) -> None:
    """Store the revisions of these items in the order in which they were made."""
    revised = {item.item_id: item.result.revisions for item in results if item.result.revisions}
    if not revised:
        return
    # Another worker may store the same text of the same model.
    advisory_xact_lock("revisions", run.project_id)
    originals = Solution.objects.filter(pk__in=revised).select_related("problem")
    for original in originals:
        changes.add(new_solutions=_store(run, original, revised[original.pk], pool))


def _store(run: JudgeRun, original: Solution, revisions: Sequence[RevisedText], pool: GradingPool) -> int:
    """Returns how many of the texts are new solutions. The parent of each is the text that it revises."""
    parent, count = original, 0
    rows = []
    for ordinal, revision in enumerate(revisions):
        solution = None
        if revision.is_changed:
            solution, is_new = _solution(run, parent, revision, pool)
            count += is_new
            parent = solution
        rows.append(
            Revision(
                run=run,
                solution=original,
                ordinal=ordinal,
                principle=revision.principle,
                critique=storable(revision.critique),
                revised=solution,
            )
        )
    Revision.objects.bulk_create(rows, ignore_conflicts=True)
    return count


def _solution(run: JudgeRun, parent: Solution, revision: RevisedText, pool: GradingPool) -> tuple[Solution, bool]:
    """The solution with the revised text, and whether it is new."""
    method = "blank_line" if parent.separator == "\n\n" else "newline"
    steps, separator = split_steps(storable(revision.text), method)
    record = SolutionRecord(
        steps=[StepRecord(position=position, text=text) for position, text in enumerate(steps)],
        source=run.judge.model,
        separator=separator,
        extras={"revised_from": {"run": run.number, "solution": parent.pk, "principle": revision.principle}},
    )
    problem = parent.problem
    verifier = problem.verifier or run.project.verifier
    grades = grade_answers([(verifier, problem.reference_answer, final_answer(record))], pool=pool)
    if stored := add_solutions(problem=problem, records=[record], graded=grades):
        stored[0].problem = problem
        return stored[0], True
    return Solution.objects.select_related("problem").get(problem=problem, digest=solution_digest(record)), False
