"""Grades the final answer of every imported solution, whatever its file claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache

from apps.corpus.models import Problem, Solution, SolutionGrade
from apps.corpus.records import Record, SolutionRecord
from apps.verifiers.extraction.sole_answer import sole_answer
from apps.verifiers.pool.pool import GradedAnswer, GradingPool

# `graded_by` of a solution in which no answer was found.
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Graded:
    """A solution's final answer and its grade by the verifier.

    `is_correct` is None without a reference answer, and for an answer that cannot be read or is not found. A solution
    in which no answer is found counts as unreadable: only a person can tell that it states none.
    """

    answer: str | None = None
    grade: str = SolutionGrade.UNGRADED.value
    is_correct: bool | None = None
    by: str = ""
    reference: str | None = None

    def difference(self, *, claimed: bool | None) -> str | None:
        """How the grade differs from what the file claims; None where it does not."""
        if claimed is None or self.grade == SolutionGrade.UNGRADED or self.is_correct == claimed:
            return None
        claim = f"the file says {'right' if claimed else 'wrong'}"
        if not self.answer:
            return f"{claim}, no single answer is found in the solution: reference {self.reference!r}"
        grade = {True: "right", False: "wrong", None: "unreadable"}[self.is_correct]
        return f"{claim}, the verifier {self.by} says {grade}: answer {self.answer!r}, reference {self.reference!r}"


def final_answer(solution: SolutionRecord) -> str | None:
    """The answer that the row names, otherwise the one that its steps state.

    A blank field counts as missing, since a table has one in every row.
    """
    if solution.final_answer is not None and solution.final_answer.strip():
        return solution.final_answer
    return answer_of_steps([step.text for step in solution.path()], solution.separator)


def answer_of_steps(texts: Sequence[str], separator: str) -> str | None:
    """The answer that the steps state as one text; None where they state two and retract neither."""
    return sole_answer((separator or "\n").join(texts))


def grade_records(records: Sequence[Record], *, verifier: str, pool: GradingPool) -> list[Graded]:
    """One `Graded` for each record, by the reference answer of the record itself. No database."""
    questions = [
        (
            record.problem.verifier or verifier,
            record.problem.reference_answer,
            final_answer(record.solution) if record.solution is not None else None,
        )
        for record in records
    ]
    return grade_answers(questions, pool=pool)


def grade_answers(questions: Sequence[tuple[str, str | None, str | None]], *, pool: GradingPool) -> list[Graded]:
    """Grade (verifier, reference, answer) triples; without a reference or an answer no verifier is needed."""
    complete = [(name, reference, answer) for name, reference, answer in questions if reference and answer]
    grades = iter(pool.grade_many(complete, cache=cache))
    return [
        _graded(reference, answer, next(grades) if reference and answer else None) for _, reference, answer in questions
    ]


def _graded(reference: str | None, answer: str | None, grade: GradedAnswer | None) -> Graded:
    if not reference:
        return Graded(answer=answer)
    if grade is None:
        return Graded(grade=SolutionGrade.UNPARSED.value, by=NO_ANSWER, reference=reference)
    right = {SolutionGrade.MATCH.value: True, SolutionGrade.NO_MATCH.value: False}.get(str(grade.grade))
    return Graded(answer, str(grade.grade), right, f"{grade.verifier} {grade.version}", reference)


def regrade_by_stored(
    records: Sequence[Record],
    digests: Sequence[UUID],
    graded: Sequence[Graded],
    *,
    project_id: int,
    verifier: str,
    pool: GradingPool,
) -> list[Graded]:
    """Where a problem exists already, its own reference answer counts, not the one of a later row."""
    problems = Problem.objects.filter(project_id=project_id, digest__in=set(digests)).exclude(reference_answer=None)
    stored = {
        digest: (answer or "", name)
        for digest, answer, name in problems.values_list("digest", "reference_answer", "verifier")
    }
    result = list(graded)
    questions: dict[int, tuple[str, str | None, str | None]] = {}
    for place, (record, digest) in enumerate(zip(records, digests, strict=True)):
        answer, name = stored.get(digest, (None, ""))
        own = (record.problem.reference_answer, record.problem.verifier or "")
        if record.solution is not None and answer and (answer, name) != own:
            questions[place] = (name or verifier, answer, graded[place].answer)
    for place, again in zip(questions, grade_answers(list(questions.values()), pool=pool), strict=True):
        result[place] = again
    return result


def grade_ungraded(problem_ids: Sequence[int], *, verifier: str, pool: GradingPool) -> int:
    """Grade the solutions that waited for a reference answer; returns their number."""
    waiting = list(
        Solution.objects.filter(problem_id__in=problem_ids, grade=SolutionGrade.UNGRADED)
        .exclude(problem__reference_answer=None)
        .select_related("problem")
    )
    questions = [
        (solution.problem.verifier or verifier, solution.problem.reference_answer, solution.final_answer)
        for solution in waiting
    ]
    for solution, graded in zip(waiting, grade_answers(questions, pool=pool), strict=True):
        solution.grade, solution.is_correct, solution.graded_by = graded.grade, graded.is_correct, graded.by
    Solution.objects.bulk_update(waiting, ["grade", "is_correct", "graded_by"], batch_size=500)
    return len(waiting)
