"""Is the final answer right? Asked of every solution that comes in, whatever its file claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.cache import cache

from apps.corpus.models import Problem, Solution, SolutionGrade
from apps.corpus.records import Record, SolutionRecord
from apps.verifiers.extraction.sole_answer import sole_answer
from apps.verifiers.pool.pool import GradedAnswer, GradingPool

# Who graded a solution in which no answer was found.
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Graded:
    """A solution's final answer and what the verifier said of it.

    `is_correct` is None where nobody can say: no reference answer, an answer that cannot be read, or none that was
    found. A solution without an answer that we find is unreadable: that it states none, only a reader can say.
    """

    answer: str | None = None
    grade: str = SolutionGrade.UNGRADED.value
    is_correct: bool | None = None
    by: str = ""
    reference: str | None = None

    def difference(self, *, claimed: bool | None) -> str | None:
        """What there is to tell when the file claims something else; None when there is nothing."""
        if claimed is None or self.grade == SolutionGrade.UNGRADED or self.is_correct == claimed:
            return None
        claim = f"the file says {'right' if claimed else 'wrong'}"
        if not self.answer:
            return f"{claim}, no single answer is found in the solution: reference {self.reference!r}"
        said = {True: "right", False: "wrong", None: "unreadable"}[self.is_correct]
        return f"{claim}, the verifier {self.by} says {said}: answer {self.answer!r}, reference {self.reference!r}"


def final_answer(solution: SolutionRecord) -> str | None:
    """The answer that the row names, else the one that its steps state: a step may follow it, or its heading.

    A blank field names none: a table has one in every row.
    """
    if solution.final_answer is not None and solution.final_answer.strip():
        return solution.final_answer
    path = sorted((step for step in solution.steps if step.chosen), key=lambda step: step.position)
    return answer_of_steps([step.text for step in path], solution.separator)


def answer_of_steps(texts: Sequence[str], separator: str) -> str | None:
    """The answer that steps state as one text; none where they state two of which neither is taken back."""
    return sole_answer((separator or "\n").join(texts))


def grade_records(records: Sequence[Record], *, verifier: str, pool: GradingPool) -> list[Graded]:
    """One `Graded` for each record, by the reference answer that the record itself brings. No database."""
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
    """Grade (verifier, reference, answer) triples; a side that is missing needs no verifier."""
    asked = [(name, reference, answer) for name, reference, answer in questions if reference and answer]
    grades = iter(pool.grade_many(asked, cache=cache))
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
    """Where a problem stands already, its own reference answer counts, not the one of a later row."""
    stored = _stored_references(digests, project_id)
    result = list(graded)
    questions: dict[int, tuple[str, str | None, str | None]] = {}
    for place, (record, digest) in enumerate(zip(records, digests, strict=True)):
        answer, name = stored.get(digest, (None, ""))
        if record.solution is not None and answer and (answer, name) != _own(record):
            questions[place] = (name or verifier, answer, graded[place].answer)
    for place, again in zip(questions, grade_answers(list(questions.values()), pool=pool), strict=True):
        result[place] = again
    return result


def _own(record: Record) -> tuple[str | None, str]:
    return record.problem.reference_answer, record.problem.verifier or ""


def _stored_references(digests: Sequence[UUID], project_id: int) -> Mapping[UUID, tuple[str, str]]:
    found = Problem.objects.filter(project_id=project_id, digest__in=set(digests)).exclude(reference_answer=None)
    rows = found.values_list("digest", "reference_answer", "verifier")
    return {digest: (answer or "", name) for digest, answer, name in rows}


def grade_ungraded(problem_ids: Sequence[int], *, verifier: str, pool: GradingPool) -> int:
    """Grade what waited for a reference answer that has come now; gives the number graded."""
    waiting = list(
        Solution.objects.filter(problem_id__in=problem_ids, grade=SolutionGrade.UNGRADED)
        .exclude(problem__reference_answer=None)
        .select_related("problem")
    )
    questions = [(one.problem.verifier or verifier, one.problem.reference_answer, one.final_answer) for one in waiting]
    for solution, graded in zip(waiting, grade_answers(questions, pool=pool), strict=True):
        solution.grade, solution.is_correct, solution.graded_by = graded.grade, graded.is_correct, graded.by
    Solution.objects.bulk_update(waiting, ["grade", "is_correct", "graded_by"], batch_size=500)
    return len(waiting)
