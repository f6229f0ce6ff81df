"""GSM8K's `example_model_solutions.jsonl`: four models' solutions for each question.

Lines are steps. The last line, `A: x`, is the last step, which a labeler rates too, and the final answer.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.calculator import without_marks
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import ProblemRecord, Record, RowError, SolutionRecord, StepRecord

MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


class Gsm8kSolutions:
    name = "gsm8k-solutions"
    title = "GSM8K model solutions"
    about = "Four models' solutions for each question, each graded again."

    def looks_like(self, row: Row) -> bool:
        return "question" in row and any(model in row for model in MODELS)

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        problem = self._problem(fields)
        ignored = fields.unknown("question", "ground_truth", *MODELS)
        models = [model for model in MODELS if model in row]
        if not models:
            raise RowError(MODELS[0], f"expected a solution of one of {', '.join(MODELS)}")
        for model in models:
            yield Record(problem=problem, solution=self._solution(fields.object(model), model), ignored=ignored)

    @staticmethod
    def _problem(fields: Fields) -> ProblemRecord:
        truth = fields.text("ground_truth")
        solution, mark, answer = truth.rpartition("\nA:")
        return ProblemRecord(
            statement=fields.text("question"),
            reference_answer=answer.strip() if mark else None,
            reference_solution=without_marks(solution if mark else truth).strip(),
        )

    @staticmethod
    def _solution(fields: Fields, model: str) -> SolutionRecord:
        text = fields.text("solution")
        lines = [line.strip() for line in without_marks(text).split("\n") if line.strip()]
        answer = lines[-1].removeprefix("A:").strip() if lines[-1].startswith("A:") else None
        return SolutionRecord(
            steps=[StepRecord(position=place, text=line) for place, line in enumerate(lines)],
            source=model,
            final_answer=answer,
            is_correct=fields.maybe_bool("is_correct"),
            extras={"gsm8k-solutions": {"solution": text}} if "<<" in text else {},
        )
