"""Loads chunks of an export from the database as columns: only what the policy's sources need, and each text once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import polars as pl
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce

from apps.corpus.models import Problem, Solution, Step
from apps.estimation.latest import counted_run_q
from apps.estimation.models import EstimationRun, StepEstimate
from apps.exports.labels.columns import chunk, frames
from apps.exports.labels.columns.chunk import Chunk
from apps.exports.labels.columns.frames import LabelFrames, key_expr
from apps.exports.labels.contamination import ContaminationIndex
from apps.exports.load.arrow import Query, Reader, compile_query, is_any_of, placeholder
from apps.exports.load.people import UNKNOWN_MEMBER, Members
from apps.exports.load.spans import Span
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.judging.models import JudgeRun, StepVerdict
from apps.labeling.models import Assignment, GoldLabel, StepLabel
from apps.labeling.models.counted import redundancy_expression
from apps.labeling.protocols.submission import Submission
from apps.projects.models import Project
from apps.quality.models import StepConsensus
from apps.quality.review.corrections import counted_corrections

_STEPS: frames.Schema = {
    "step": pl.Int64,
    "solution": pl.Int64,
    "position": pl.Int64,
    "candidate": pl.Int64,
    "origin": pl.String,
    "chosen": pl.Boolean,
    "text": pl.String,
}
_ASSIGNMENTS: frames.Schema = {
    "assignment": pl.Int64,
    "solution": pl.Int64,
    "user": pl.Int64,
    "number": pl.Int64,
    "generation": pl.Int64,
    "origin": pl.String,
    "is_screening": pl.Boolean,
    "is_quality_control": pl.Boolean,
    "is_corrected": pl.Boolean,
    "finish_reason": pl.String,
    "submitted_at": pl.Datetime("us", "UTC"),
    "redundancy": pl.Int64,
}
_RATINGS: frames.Schema = {
    "assignment": pl.Int64,
    "step": pl.Int64,
    "rating": pl.Int8,
    "unsure": pl.Boolean,
    "chosen": pl.Boolean,
}
_CORRECTIONS: frames.Schema = {
    "assignment": pl.Int64,
    "reviewer": pl.Int64,
    "at": pl.Datetime("us", "UTC"),
    "review": pl.Int64,
    "submission": pl.String,
}
_GOLD: frames.Schema = {"step": pl.Int64, "rating": pl.Int8}
_CONSENSUS: frames.Schema = {"step": pl.Int64, "rating": pl.Int8, "how": pl.String, "is_thin": pl.Boolean}
_RUNS: frames.Schema = {"run": pl.Int64, "number": pl.Int64, "strategy": pl.String}
_ESTIMATES: frames.Schema = {
    "step": pl.Int64,
    "run": pl.Int64,
    "rollouts": pl.Int32,
    "successes": pl.Int32,
    "hard": pl.Boolean,
}
_JUDGE_RUNS: frames.Schema = {
    "run": pl.Int64,
    "number": pl.Int64,
    "judge": pl.String,
    "version": pl.Int64,
    "run_in_file": pl.Int64,
}
_VERDICTS: frames.Schema = {"step": pl.Int64, "run": pl.Int64, "rating": pl.Int8}


class ColumnLoader:
    """Loads the chunks of one project for one policy. Made in the thread of Django's connection; any thread may load."""

    def __init__(
        self,
        project: Project,
        policy: LabelPolicy,
        members: Members,
        *,
        needs_labels: bool = True,
        index: ContaminationIndex | None = None,
    ) -> None:
        self._policy, self._members, self._index = policy, members, index
        self._needed = chunk.sources_needed(policy) if needs_labels else ()
        self._project = project.pk
        self._queries = _queries()

    def load(self, reader: Reader, span: Span) -> Chunk:
        tally = Tally()
        solutions = chunk.in_order(
            self._read(reader, "solutions", **_borders(span)), self._read(reader, "problems", **_borders(span))
        )
        solutions = chunk.selected(solutions, self._policy, tally, self._index)
        steps = self._steps(reader, solutions)
        is_kept = chunk.selected_within_problems(solutions, steps, self._policy, tally)
        if is_kept is not None:
            solutions = solutions.filter(is_kept)
            steps = self._numbered(steps.drop("key"), solutions)
        tally.solutions += len(solutions)
        return Chunk(solutions, self._frames(reader, solutions, steps), tally)

    def _read(self, reader: Reader, name: str, **values: Any) -> pl.DataFrame:
        return reader.read(self._queries[name], project=self._project, **values)

    def _steps(self, reader: Reader, solutions: pl.DataFrame) -> pl.DataFrame:
        return self._numbered(self._read(reader, "steps", ids=solutions["solution"]), solutions)

    @staticmethod
    def _numbered(steps: pl.DataFrame, solutions: pl.DataFrame) -> pl.DataFrame:
        """The steps of these solutions with their keys, in order."""
        rows = solutions.select("solution").with_row_index("row")
        key = key_expr(pl.col("row"), pl.col("position"), pl.col("candidate"))
        return steps.join(rows, on="solution").with_columns(key=key).drop("row").sort("key")

    def _frames(self, reader: Reader, solutions: pl.DataFrame, steps: pl.DataFrame) -> LabelFrames:
        keys = steps.select("step", "key", "chosen")
        path = keys.filter("chosen")
        is_human = pl.col("origin") == Step.Origin.HUMAN
        people, ratings = (
            self._people(reader, solutions, steps)
            if "people" in self._needed
            else (frames.empty(frames.PEOPLE), frames.empty(frames.RATINGS))
        )
        return LabelFrames(
            size=len(solutions),
            steps=steps.select("key", "chosen", "text", is_human=is_human),
            people=people,
            ratings=ratings,
            gold=self._gold(reader, path),
            consensus=self._consensus(reader, path),
            estimates=self._estimates(reader, path),
            verdicts=self._verdicts(reader, keys),
        )

    # --- single sources -----------------------------------------------------------------------------------

    def _gold(self, reader: Reader, path: pl.DataFrame) -> pl.DataFrame:
        if "gold" not in self._needed:
            return frames.empty(frames.GOLD)
        gold = self._read(reader, "gold", ids=path["step"])
        return path.join(gold, on="step").select(frames.GOLD)

    def _consensus(self, reader: Reader, path: pl.DataFrame) -> pl.DataFrame:
        if "consensus" not in self._needed:
            return frames.empty(frames.CONSENSUS)
        consensus = self._read(reader, "consensus", ids=path["step"])
        return (
            path.join(consensus, on="step")
            .with_columns(is_adjudicated=pl.col("how") == "adjudicated")
            .select(frames.CONSENSUS)
        )

    def _estimates(self, reader: Reader, path: pl.DataFrame) -> pl.DataFrame:
        if "estimates" not in self._needed:
            return frames.empty(frames.ESTIMATES)
        runs = self._read(reader, "runs")
        runs = runs.with_columns(yields_soft=pl.col("strategy").is_in(list(frames.YIELDS_SOFT)))
        estimates = self._read(reader, "estimates", ids=path["step"])
        return (
            path.join(estimates, on="step")
            .join(runs, on="run")
            .select(
                "key", pl.col("number").alias("order"), "yields_soft", "rollouts", "successes", "hard", run="number"
            )
            .select(frames.ESTIMATES)
        )

    def _verdicts(self, reader: Reader, keys: pl.DataFrame) -> pl.DataFrame:
        """Each judge's oldest run first, and last the judge with the newest run, as in `records`."""
        if "verdicts" not in self._needed:
            return frames.empty(frames.VERDICTS)
        verdicts = keys.join(self._read(reader, "verdicts", ids=keys["step"]), on="step")
        verdicts = verdicts.join(self._read(reader, "judge_runs"), on="run")
        newest = pl.col("number").max().over(frames.row_expr(), "judge")
        ordered = verdicts.with_columns(newest=newest).sort(
            "newest", "version", "run_in_file", "number", nulls_last=False, maintain_order=True
        )
        return ordered.with_columns(order=pl.struct("newest", "run").rle_id().cast(pl.Int64)).select(frames.VERDICTS)

    # --- people -------------------------------------------------------------------------------------------

    def _people(
        self, reader: Reader, solutions: pl.DataFrame, steps: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        ids = solutions["solution"]
        rows = solutions.select("solution").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
        assignments = pl.concat([self._read(reader, name, ids=ids) for name in ("on_task", "on_derived")])
        # Undated submissions of files come last, as in SQL.
        people = (
            assignments.join(rows, on="solution")
            .sort("row", "submitted_at", "assignment", nulls_last=True)
            .with_row_index("place")
            .with_columns(person=pl.col("place").cast(pl.Int64) * 2)
        )
        ratings = self._read(reader, "ratings", ids=people["assignment"])
        placed = ratings.join(steps.select("step", "key"), on="step").join(
            people.select("assignment", "person"), on="assignment"
        )
        people, placed = self._described(people), placed.select(frames.RATINGS)
        corrected = people.filter("is_corrected")
        if len(corrected):
            reviewers, of_reviewers = self._corrections(reader, corrected)
            people, placed = pl.concat([people, reviewers]).sort("person"), pl.concat([placed, of_reviewers])
        return people.select(frames.PEOPLE), placed.sort("person", "key")

    def _described(self, people: pl.DataFrame) -> pl.DataFrame:
        """Submissions as the rules know them: labelers by number, rounds by the number in their file."""
        of_round = pl.when(pl.col("origin") != "").then(pl.col("generation")).otherwise(pl.col("number"))
        least = self._members.min_labelers
        return people.with_columns(
            labeler=pl.col("user"),
            round=of_round,
            is_suspended=pl.col("user").is_in(self._suspended),
            finish_reason=pl.when(pl.col("finish_reason") == "")
            .then(pl.lit("solution"))
            .otherwise(pl.col("finish_reason")),
            redundancy=pl.lit(least, dtype=pl.Int64) if least else pl.col("redundancy"),
            prefers=pl.lit(value=False),
        ).select("assignment", *frames.PEOPLE)

    @property
    def _suspended(self) -> list[int]:
        return [user for user, member in self._members.items() if member.is_suspended]

    def _corrections(self, reader: Reader, corrected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The reviewers' corrections, each behind the submission that it corrects."""
        reviews = self._read(reader, "corrections", ids=corrected["assignment"]).sort("at", "review")
        newest = {review["assignment"]: review for review in reviews.to_dicts()}
        people: list[dict[str, Any]] = []
        ratings: list[dict[str, Any]] = []
        for person in corrected.to_dicts():
            if (review := newest.get(person["assignment"])) is None:
                continue
            submission = Submission.from_dict(_json(review["submission"]))
            number = person["person"] + 1
            people.append(
                person | self._reviewer(review) | {"person": number, "finish_reason": submission.finish_reason}
            )
            ratings += [
                {
                    "person": number,
                    "key": frames.key_of(person["row"], step.position, step.candidate),
                    "rating": step.rating,
                    "unsure": step.unsure,
                    "chosen": step.chosen,
                }
                for step in submission.steps
            ]
        schema: frames.Schema = {"assignment": pl.Int64, **frames.PEOPLE}
        return pl.DataFrame(people, schema=schema), pl.DataFrame(ratings, schema=frames.RATINGS)

    def _reviewer(self, review: Mapping[str, Any]) -> dict[str, Any]:
        """What a correction has in place of the submission's own. A person without membership has no number."""
        member = self._members.get(review["reviewer"], UNKNOWN_MEMBER)
        return {
            "labeler": review["reviewer"] if review["reviewer"] in self._members else -1,
            "submitted_at": review["at"],
            "is_screening": False,
            "is_quality_control": False,
            "is_suspended": member.is_suspended,
            "is_corrected": False,
        }


def _json(text: str) -> dict[str, Any]:
    return dict(msgspec.json.decode(text))


def _borders(span: Span) -> dict[str, int]:
    until = span.until if span.until is not None else 2**63 - 1
    return {"first": span.first, "last": span.last, "after": span.after, "until": until}


def _queries() -> dict[str, Query]:
    """Compiled once for an export: the values of placeholders differ from chunk to chunk."""
    of_project = {"project_id": placeholder("project")}
    in_span = {"problem_id__gte": placeholder("first"), "problem_id__lte": placeholder("last")}
    problems = Problem.objects.filter(
        **of_project, retired_at=None, id__gte=placeholder("first"), id__lte=placeholder("last")
    )
    solutions = Solution.objects.written().filter(
        **of_project, **in_span, problem__retired_at=None, id__gt=placeholder("after"), id__lte=placeholder("until")
    )
    steps = Step.objects.filter(is_any_of("solution_id", "ids"))
    submitted = Assignment.objects.submitted()
    on_task = submitted.filter(is_any_of("task__solution_id", "ids"), derived_solution__isnull=True)
    on_derived = submitted.filter(is_any_of("derived_solution_id", "ids"))
    runs = EstimationRun.objects.filter(counted_run_q(), **of_project)
    return {
        "problems": compile_query(
            problems.values_list("id", "statement", "subject", _key_json("messages")), chunk.PROBLEMS
        ),
        "solutions": compile_query(
            solutions.values_list(
                "id", "problem_id", "source", "is_correct", "separator", KeyTextTransform("text", "extras")
            ),
            chunk.SOLUTIONS,
        ),
        "steps": compile_query(
            steps.values_list("id", "solution_id", "position", "candidate", "origin", "chosen", "text"), _STEPS
        ),
        "on_task": _assignments(on_task, "task__solution_id"),
        "on_derived": _assignments(on_derived, "derived_solution_id"),
        "ratings": compile_query(
            StepLabel.objects.filter(is_any_of("assignment_id", "ids")).values_list(
                "assignment_id", "step_id", "rating", "unsure", "chosen"
            ),
            _RATINGS,
        ),
        "corrections": compile_query(
            counted_corrections()
            .filter(is_any_of("assignment_id", "ids"))
            .values_list("assignment_id", "reviewer_id", "at", "id", Cast("submission", TextField())),
            _CORRECTIONS,
        ),
        "gold": compile_query(
            GoldLabel.objects.filter(is_any_of("step_id", "ids")).values_list("step_id", "rating"), _GOLD
        ),
        "consensus": compile_query(
            StepConsensus.objects.filter(is_any_of("step_id", "ids")).values_list(
                "step_id", "rating", "how", "is_thin"
            ),
            _CONSENSUS,
        ),
        "runs": compile_query(runs.values_list("id", "number", "strategy"), _RUNS),
        "estimates": compile_query(
            StepEstimate.objects.filter(is_any_of("step_id", "ids")).values_list(
                "step_id", "run_id", "rollouts", "successes", "hard"
            ),
            _ESTIMATES,
        ),
        "judge_runs": compile_query(
            JudgeRun.objects.filter(**of_project).values_list(
                "id", "number", "judge__name", "judge__version", "run_in_file"
            ),
            _JUDGE_RUNS,
        ),
        "verdicts": compile_query(
            StepVerdict.objects.filter(is_any_of("step_id", "ids")).values_list("step_id", "run_id", "rating"),
            _VERDICTS,
        ),
    }


def _assignments(assignments: QuerySet[Assignment], solution: str) -> Query:
    # A file may mark a single submission as part of a screening.
    marked = Cast(KeyTextTransform("is_screening", "extras"), BooleanField())
    columns = (
        *("id", solution, "labeler_id", "round__number", "round__generation", "round__origin"),
        Coalesce(marked, F("round__is_screening")),
        *("is_quality_control", "is_corrected", "finish_reason", "submitted_at"),
        redundancy_expression(),
    )
    corrected = ExpressionWrapper(Q(corrected_by__isnull=False), output_field=BooleanField())
    return compile_query(assignments.annotate(is_corrected=corrected).values_list(*columns), _ASSIGNMENTS)


def _key_json(name: str) -> Cast:
    """A value in `extras` as JSON text."""
    return Cast(KeyTransform(name, "extras"), TextField())
