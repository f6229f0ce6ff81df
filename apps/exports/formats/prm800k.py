"""PRM800K, key for key: one row for each person. Imported rows are restored as they were.

The inverse of `apps/corpus/imports/readers/prm800k.py`, which describes the layout of the extras. Submissions of
branching rounds have the form of phase 1, all others that of phase 2. The rows are people's ratings, not training labels:
only the policy's filters apply. Rows have flags for gold tasks and screenings, but none for suspended labelers and
corrected submissions. Suspended labelers are left out unless the policy keeps them; a corrected submission is replaced by
the reviewer's row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from msgspec import structs

from apps.corpus.imports.readers.prm800k import QUESTION_1, QUESTION_2, naive_iso
from apps.corpus.labels import FINISH_REASONS
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepRating, StepRecord
from apps.exports.formats.base import ARCHIVES, Reader, Row, SolutionFormat, label_name
from apps.exports.labels.counted import exclusion_reasons
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

_COMPLETION = pa.struct([("text", pa.string()), ("rating", pa.int8()), ("flagged", pa.bool_())])
_HUMAN = pa.struct([("text", pa.string()), ("rating", pa.int8()), ("source", pa.string()), ("flagged", pa.bool_())])
_STEP = pa.struct(
    [("completions", pa.list_(_COMPLETION)), ("human_completion", _HUMAN), ("chosen_completion", pa.int32())]
)


class Prm800k(SolutionFormat):
    name = "prm800k"
    title = "PRM800K"
    about = "Every person's labels as PRM800K publishes them."
    group = ARCHIVES
    readers: tuple[Reader, ...] = (Reader("openai/prm800k", "", "its own scripts"),)
    columns = pa.schema(
        [
            ("labeler", pa.string()),
            ("timestamp", pa.string()),
            ("generation", pa.int32()),
            ("is_quality_control_question", pa.bool_()),
            ("is_initial_screening_question", pa.bool_()),
            (
                "question",
                pa.struct(
                    [(name, pa.string()) for name in QUESTION_2[:3]]
                    + [
                        ("pre_generated_steps", pa.list_(pa.string())),
                        ("pre_generated_answer", pa.string()),
                        ("pre_generated_verifier_score", pa.float64()),
                    ]
                ),
            ),
            (
                "label",
                pa.struct([("steps", pa.list_(_STEP)), ("total_time", pa.int64()), ("finish_reason", pa.string())]),
            ),
        ]
    )

    def reads_labels(self, policy: LabelPolicy) -> bool:
        """The rows are people's ratings, whatever the sources."""
        return False

    def check(self, policy: LabelPolicy) -> None:
        """Every policy is valid."""

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        if record.solution is None:
            return
        widened = structs.replace(policy, quality_control="keep", screening="keep", finish_reasons=FINISH_REASONS)
        rows = 0
        for person, reason in zip(record.people, exclusion_reasons(record, widened), strict=True):
            if reason:
                tally.leave_out("ratings", reason, len(person.steps))
                continue
            rows += 1
            tally.sources["human"] += 1
            tally.carry(label_name(step.rating) for step in person.steps)
            yield _row(record, record.solution, person)
        if not rows:
            tally.leave_out("solutions", "not labeled by people")


def _row(record: Record, solution: SolutionRecord, person: PersonRecord) -> Row:
    stored = person.extras.get("prm800k", {})
    at = person.submitted_at
    return {
        "labeler": person.labeler,
        "timestamp": stored.get("timestamp") or (naive_iso(at) if at else None),
        # Phase 1 had no generations, except those that an imported file names.
        "generation": None if person.protocol == "branching" and "prm800k" not in person.extras else person.round,
        "is_quality_control_question": person.is_quality_control,
        "is_initial_screening_question": person.is_screening,
        "question": _question(record, solution, person, stored),
        "label": {
            "steps": _steps(solution, person, stored),
            "total_time": person.active_ms,
            "finish_reason": person.finish_reason,
        },
    }


def _question(
    record: Record, solution: SolutionRecord, person: PersonRecord, stored: Mapping[str, Any]
) -> dict[str, Any]:
    question = {
        "problem": record.problem.statement,
        "ground_truth_solution": record.problem.reference_solution,
        "ground_truth_answer": record.problem.reference_answer,
        "pre_generated_steps": [step.text for step in solution.path()],
        "pre_generated_answer": solution.final_answer,
        "pre_generated_verifier_score": solution.verifier_score,
    } | stored.get("question", {})
    usual = QUESTION_1 if person.protocol == "branching" else QUESTION_2
    return {name: question[name] for name in usual if name not in stored.get("absent", [])}


def _steps(solution: SolutionRecord, person: PersonRecord, stored: Mapping[str, Any]) -> list[dict[str, Any]]:
    texts = {(step.position, step.candidate): step for step in solution.steps}
    by_position: dict[int, list[StepRating]] = {}
    for rating in person.steps:
        by_position.setdefault(rating.position, []).append(rating)
    reached = max(by_position, default=-1) + 1
    has_stopped = person.protocol == "branching" and person.finish_reason in ("give_up", "bad_problem")
    # A labeler who stops after a choice has reached a step without candidates yet: PRM800K keeps it, empty.
    has_empty_step = has_stopped and any(rating.chosen for rating in by_position.get(reached - 1, []))
    count = stored.get("steps", reached + has_empty_step)
    empty = set(stored.get("no_completions", [reached] if has_empty_step else []))
    return [_position(by_position.get(place, []), texts, is_empty=place in empty) for place in range(count)]


def _position(
    ratings: list[StepRating], texts: Mapping[tuple[int, int], StepRecord], *, is_empty: bool
) -> dict[str, Any]:
    offered = [rating for rating in ratings if texts[rating.position, rating.candidate].origin == "model"]
    written = [rating for rating in ratings if texts[rating.position, rating.candidate].origin == "human"]
    completions = [
        {"text": texts[rating.position, rating.candidate].text, "rating": rating.rating, "flagged": rating.unsure}
        for rating in offered
    ]
    own = written[-1] if written else None
    return {
        "completions": None if is_empty else completions,
        "human_completion": own
        and {
            "text": texts[own.position, own.candidate].text,
            "rating": own.rating,
            "source": "human",
            "flagged": own.unsure,
        },
        "chosen_completion": next((index for index, rating in enumerate(offered) if rating.chosen), None),
    }
