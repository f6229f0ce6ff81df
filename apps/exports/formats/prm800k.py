"""PRM800K, key for key: one row for each person. What was imported comes out as it went in.

The inverse of `apps/corpus/imports/readers/prm800k.py`, where the layout of the extras is described. What was
labeled here by branching comes out in the form of phase 1, everything else in that of phase 2. This is what people
said, not what to train on: of the policy only filters apply. The rows have flags for gold tasks and screenings; they have
none for suspended labelers and for what a reviewer corrected, so that those are left out, the first unless the policy
keeps them, and the reviewer's row stands in the place of the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
from msgspec import structs

from apps.corpus.imports.readers.prm800k import QUESTION_1, QUESTION_2, naive_iso
from apps.corpus.labels import FINISH_REASONS
from apps.corpus.records import PersonRecord, Record, SolutionRecord, StepRating, StepRecord
from apps.exports.formats.base import OfSolutions, Row, label_name
from apps.exports.labels.counted import exclusion
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

_COMPLETION = pa.struct([("text", pa.string()), ("rating", pa.int8()), ("flagged", pa.bool_())])
_HUMAN = pa.struct([("text", pa.string()), ("rating", pa.int8()), ("source", pa.string()), ("flagged", pa.bool_())])
_STEP = pa.struct(
    [("completions", pa.list_(_COMPLETION)), ("human_completion", _HUMAN), ("chosen_completion", pa.int32())]
)


class Prm800k(OfSolutions):
    name = "prm800k"
    title = "PRM800K"
    about = "Every person's labels as PRM800K publishes them."
    trainer = "openai/prm800k's own scripts"
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

    def check(self, policy: LabelPolicy) -> None:
        """Any policy will do."""

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        if record.solution is None:
            return
        kept = structs.replace(policy, quality_control="keep", screening="keep", finish_reasons=FINISH_REASONS)
        rows = 0
        for person in record.people:
            if reason := exclusion(person, kept):
                tally.leave_out("ratings", reason, len(person.steps))
                continue
            rows += 1
            tally.sources["human"] += 1
            tally.carry(label_name(said.rating) for said in person.steps)
            yield _row(record, record.solution, person)
        if not rows:
            tally.leave_out("solutions", "nobody labeled them")


def _row(record: Record, solution: SolutionRecord, person: PersonRecord) -> Row:
    peculiar = person.extras.get("prm800k", {})
    at = person.submitted_at
    return {
        "labeler": person.labeler,
        "timestamp": peculiar.get("timestamp") or (naive_iso(at) if at else None),
        "generation": _generation(person),
        "is_quality_control_question": person.is_quality_control,
        "is_initial_screening_question": person.is_screening,
        "question": _question(record, solution, person, peculiar),
        "label": {
            "steps": _steps(solution, person, peculiar),
            "total_time": person.active_ms,
            "finish_reason": person.finish_reason,
        },
    }


def _generation(person: PersonRecord) -> int | None:
    """Phase 1 had no generations; a file of it may say otherwise, and then it comes out so."""
    return None if person.protocol == "branching" and "prm800k" not in person.extras else person.round


def _question(
    record: Record, solution: SolutionRecord, person: PersonRecord, peculiar: Mapping[str, Any]
) -> dict[str, Any]:
    question = {
        "problem": record.problem.statement,
        "ground_truth_solution": record.problem.reference_solution,
        "ground_truth_answer": record.problem.reference_answer,
        "pre_generated_steps": [step.text for step in solution.path()],
        "pre_generated_answer": solution.final_answer,
        "pre_generated_verifier_score": solution.verifier_score,
    } | peculiar.get("question", {})
    usual = QUESTION_1 if person.protocol == "branching" else QUESTION_2
    return {name: question[name] for name in usual if name not in peculiar.get("absent", [])}


def _steps(solution: SolutionRecord, person: PersonRecord, peculiar: Mapping[str, Any]) -> list[dict[str, Any]]:
    texts = {(step.position, step.candidate): step for step in solution.steps}
    said: dict[int, list[StepRating]] = {}
    for rating in person.steps:
        said.setdefault(rating.position, []).append(rating)
    reached = max(said, default=-1) + 1
    # Whoever stopped after a choice had come to a step for which nothing was shown yet: PRM800K keeps it, bare.
    left = _is_left(person) and any(one.chosen for one in said.get(reached - 1, []))
    count = peculiar.get("steps", reached + left)
    bare = set(peculiar.get("no_completions", [reached] if left else []))
    return [_position(said.get(place, []), texts, is_bare=place in bare) for place in range(count)]


def _is_left(person: PersonRecord) -> bool:
    return person.protocol == "branching" and person.finish_reason in ("give_up", "bad_problem")


def _position(said: list[StepRating], texts: Mapping[tuple[int, int], StepRecord], *, is_bare: bool) -> dict[str, Any]:
    offered = [rating for rating in said if texts[rating.position, rating.candidate].origin == "model"]
    written = [rating for rating in said if texts[rating.position, rating.candidate].origin == "human"]
    completions = [
        {"text": texts[one.position, one.candidate].text, "rating": one.rating, "flagged": one.unsure}
        for one in offered
    ]
    own = written[-1] if written else None
    return {
        "completions": None if is_bare else completions,
        "human_completion": own
        and {
            "text": texts[own.position, own.candidate].text,
            "rating": own.rating,
            "source": "human",
            "flagged": own.unsure,
        },
        "chosen_completion": next((index for index, one in enumerate(offered) if one.chosen), None),
    }
