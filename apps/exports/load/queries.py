"""The queries of `columns`, each compiled once for an export: the values of placeholders differ from chunk to chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl
from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BooleanField, Case, ExpressionWrapper, Q, QuerySet, TextField, Value, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce

from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.estimation.models import EstimationRun, StepEstimate
from apps.exports.labels.columns import chunk, frames
from apps.exports.load.arrow import Query, compile_query, is_any_of, placeholder
from apps.exports.load.judged import machine_errors
from apps.judging.models import JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.models.runs import number_in_row
from apps.labeling.models import Assignment, Critique, CritiqueRating, GoldLabel, Round, StepLabel
from apps.labeling.models.counted import redundancy_expression
from apps.quality.models import StepConsensus
from apps.quality.review.corrections import counted_corrections
from apps.runs.status import counted_run_q
from apps.scoring.models import StepScore

_STEPS: frames.Schema = {
    "step": pl.Int64,
    "solution": pl.Int64,
    "position": pl.Int64,
    "candidate": pl.Int64,
    "origin": pl.String,
    "chosen": pl.Boolean,
    "text": pl.String,
}
_PATHS: frames.Schema = {"solution": pl.Int64, "path": pl.List(pl.String)}
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
_CONSENSUS: frames.Schema = {
    "step": pl.Int64,
    "rating": pl.Int8,
    "how": pl.String,
    "is_thin": pl.Boolean,
    "people": pl.Int64,
}
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
_UNDECIDED: frames.Schema = {"solution": pl.Int64, "run": pl.Int64}
_MACHINE_ERRORS: frames.Schema = {"solution": pl.Int64, "first_error": pl.Int64}
_SCORED: frames.Schema = {"step": pl.Int64}
_OF_ASSIGNMENT: frames.Schema = {"assignment": pl.Int64}

Among = Callable[[str], Any]
# What only the canonical row has: the columns of each table by name, with their lookup and type.
More = dict[str, tuple[Any, type[pl.DataType]]]


def _text_of_extras() -> Cast:
    return Cast("extras", TextField())


MORE: dict[str, More] = {
    "problems": {
        "external_id": ("external_id", pl.String),
        "reference_answer": ("reference_answer", pl.String),
        "reference_solution": ("reference_solution", pl.String),
        "verifier": ("verifier", pl.String),
        "level": ("level", pl.String),
        "split_in_file": ("split", pl.String),
        "extras": (_text_of_extras(), pl.String),
    },
    "solutions": {
        "solution_external_id": ("external_id", pl.String),
        "final_answer": ("final_answer", pl.String),
        "verifier_score": ("verifier_score", pl.Float64),
        "solution_extras": (_text_of_extras(), pl.String),
    },
    "assignments": {
        "protocol": ("round__protocol", pl.String),
        "stated_reason": ("reason", pl.String),
        "active_ms": ("active_ms", pl.Int64),
        "progress": ("progress", pl.Int64),
        "extras": (_text_of_extras(), pl.String),
    },
    "gold": {"self_reviewed": ("self_reviewed", pl.Boolean), "explanation": ("explanation", pl.String)},
    "consensus": {
        "certainty": ("certainty", pl.Float64),
        "self_reviewed": ("self_reviewed", pl.Boolean),
    },
    "runs": {"completer": ("completer", pl.String)},
    "estimates": {"missing": ("missing", pl.Int64)},
    "verdicts": {"confidence": ("confidence", pl.Float64), "stated_reason": ("reason", pl.String)},
}


def in_list(column: str) -> Any:
    """The rows of exactly these ids."""
    return is_any_of(column, "ids")


def in_range(column: str) -> Any:
    """The rows of all ids from the first to the last: faster where there are hardly any others."""
    return Q(**{f"{column}__gte": placeholder("first_id"), f"{column}__lte": placeholder("last_id")})


Compile = Callable[[str, QuerySet[Any], Sequence[Any], frames.Schema], Query]


def compile_queries(among: Among, *, is_wide: bool = False) -> dict[str, Query]:
    """By name. `among` says how the rows of many ids are found; `is_wide` adds the columns of MORE."""

    def compiled(table: str, queryset: QuerySet[Any], columns: Sequence[Any], schema: frames.Schema) -> Query:
        more = MORE.get(table, {}) if is_wide else {}
        lookups = [lookup for lookup, _ in more.values()]
        types = {column: kind for column, (_, kind) in more.items()}
        return compile_query(queryset.values_list(*columns, *lookups), {**schema, **types})

    return {
        **_of_problems(compiled),
        **_of_submissions(compiled, among),
        **_of_steps(compiled, among),
        **_of_machines(compiled, among),
    }


def _of_problems(compiled: Compile) -> dict[str, Query]:
    in_span = {"problem_id__gte": placeholder("first"), "problem_id__lte": placeholder("last")}
    problems = Problem.objects.filter(
        **_of_project(), retired_at=None, id__gte=placeholder("first"), id__lte=placeholder("last")
    )
    # By the ids of problems that are not retired: PostgreSQL would join them by a scan of all problems.
    solutions = Solution.objects.written().filter(
        is_any_of("problem_id", "ids"), id__gt=placeholder("after"), id__lte=placeholder("until")
    )
    comparisons = Comparison.objects.filter(**_of_project(), **in_span).values_list("id")
    return {
        "problems": compiled(
            "problems", problems, ("id", "statement", "subject", _key_json("messages")), chunk.PROBLEMS
        ),
        "solutions": compiled(
            "solutions",
            solutions,
            ("id", "problem_id", "source", "is_correct", "separator", KeyTextTransform("text", "extras")),
            chunk.SOLUTIONS,
        ),
        "comparisons": compile_query(comparisons, {"comparison": pl.Int64}),
    }


def _of_submissions(compiled: Compile, among: Among) -> dict[str, Query]:
    submitted = Assignment.objects.submitted().outside_training()
    on_task = submitted.filter(among("task__solution_id"), derived_solution__isnull=True)
    on_derived = submitted.filter(among("derived_solution_id"))
    corrections = counted_corrections().filter(among("assignment_id"))
    critique_ratings = CritiqueRating.objects.filter(among("assignment_id")).values_list("assignment_id")
    critiques_written = Critique.objects.filter(among("written_in_id")).values_list("written_in_id")
    return {
        "on_task": compiled("assignments", *_assignments(on_task, "task__solution_id"), _ASSIGNMENTS),
        "on_derived": compiled("assignments", *_assignments(on_derived, "derived_solution_id"), _ASSIGNMENTS),
        "ratings": compiled(
            "ratings",
            StepLabel.objects.filter(among("assignment_id")),
            ("assignment_id", "step_id", "rating", "unsure", "chosen"),
            _RATINGS,
        ),
        "critique_ratings": compile_query(critique_ratings, _OF_ASSIGNMENT),
        "critiques_written": compile_query(critiques_written, _OF_ASSIGNMENT),
        "step_comments": compile_query(
            StepLabel.objects.filter(among("assignment_id")).exclude(comment="").values_list("assignment_id"),
            _OF_ASSIGNMENT,
        ),
        "corrections": compiled(
            "corrections",
            corrections,
            ("assignment_id", "reviewer_id", "at", "id", Cast("submission", TextField())),
            _CORRECTIONS,
        ),
    }


def _of_steps(compiled: Compile, among: Among) -> dict[str, Query]:
    steps = Step.objects.filter(among("solution_id"))
    texts = ArrayAgg("text", order_by=("position", "candidate"))
    paths = steps.filter(chosen=True).order_by().values("solution_id").annotate(path=texts)
    consensus = StepConsensus.objects.filter(among("step_id"))
    return {
        "paths": compile_query(paths.values_list("solution_id", "path"), _PATHS),
        "steps": compiled(
            "steps", steps, ("id", "solution_id", "position", "candidate", "origin", "chosen", "text"), _STEPS
        ),
        "gold": compiled("gold", GoldLabel.objects.filter(among("step_id")), ("step_id", "rating"), _GOLD),
        "consensus": compiled("consensus", consensus, ("step_id", "rating", "how", "is_thin", "people"), _CONSENSUS),
    }


def _of_machines(compiled: Compile, among: Among) -> dict[str, Query]:
    runs = EstimationRun.objects.filter(counted_run_q(), **_of_project())
    estimates = StepEstimate.objects.filter(among("step_id"))
    judge_runs = JudgeRun.objects.filter(counted_run_q(), **_of_project())
    verdicts = StepVerdict.objects.counted().filter(among("step_id"))
    undecided = SolutionVerdict.objects.undecided().filter(among("solution_id"))
    errors = machine_errors().filter(among("solution_id"))
    scores = StepScore.objects.filter(counted_run_q("run__"), among("step_id"))
    return {
        "runs": compiled("runs", runs, ("id", "number", "strategy"), _RUNS),
        "estimates": compiled(
            "estimates", estimates, ("step_id", "run_id", "rollouts", "successes", "hard"), _ESTIMATES
        ),
        "judge_runs": compiled(
            "judge_runs", judge_runs, ("id", "number", "judge__name", "judge__version", number_in_row()), _JUDGE_RUNS
        ),
        "verdicts": compiled("verdicts", verdicts, ("step_id", "run_id", "rating"), _VERDICTS),
        "undecided": compile_query(undecided.values_list("solution_id", "run_id"), _UNDECIDED),
        "machine_errors": compile_query(errors.values_list("solution_id", "first_error"), _MACHINE_ERRORS),
        "step_scores": compile_query(scores.values_list("step_id"), _SCORED),
    }


def _of_project() -> dict[str, Any]:
    return {"project_id": placeholder("project")}


def _assignments(assignments: QuerySet[Assignment], solution: str) -> tuple[QuerySet[Assignment], Sequence[Any]]:
    # A file may mark a single submission as part of a screening.
    marked = Cast(KeyTextTransform("is_screening", "extras"), BooleanField())
    columns = (
        *("id", solution, "labeler_id", "round__number", "round__generation", "round__origin"),
        Coalesce(
            marked, Case(When(round__kind=Round.Kind.SCREENING, then=Value(value=True)), default=Value(value=False))
        ),
        *("is_quality_control", "is_corrected", "finish_reason", "submitted_at"),
        redundancy_expression(),
    )
    corrected = ExpressionWrapper(Q(corrected_by__isnull=False), output_field=BooleanField())
    return assignments.annotate(is_corrected=corrected), columns


def _key_json(name: str) -> Cast:
    """A value in `extras` as JSON text."""
    return Cast(KeyTransform(name, "extras"), TextField())
