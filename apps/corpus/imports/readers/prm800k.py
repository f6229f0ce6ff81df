"""PRM800K (Lightman et al. 2023, arXiv 2305.20050), both phases, as published.

Phase 1 has candidates at each position, one chosen or written by the labeler. Each row is a solution of its own,
`branching`. Phase 2 has a pre-generated solution, which several labelers may have rated up to the first error, and
alternatives for the bad step: `first_error`.

A row is exported exactly as it was imported. Values that the record has no field for are in `PersonRecord.extras`:

    {"prm800k": {
        "steps": 6,                # positions in the row: the last ones may have no ratings
        "no_completions": [5],     # positions whose `completions` is null
        "question": {"ground_truth_answer": "29", ...},  # values that other rows of the problem may contradict
        "absent": ["ground_truth_solution"],             # question keys of the phase that the row lacks
        "timestamp": "...",        # only where it is not in ISO format
    }}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.labels import FINISH_REASONS
from apps.corpus.records import (
    PersonRecord,
    ProblemRecord,
    Record,
    RowError,
    SolutionRecord,
    StepRating,
    StepRecord,
)

QUESTION_1 = ("problem", "ground_truth_answer")
QUESTION_2 = (
    "problem",
    "ground_truth_solution",
    "ground_truth_answer",
    "pre_generated_steps",
    "pre_generated_answer",
    "pre_generated_verifier_score",
)


class Prm800k:
    name = "prm800k"
    title = "PRM800K"
    about = "Both phases: problems, solutions with candidates, and the people's labels."

    def looks_like(self, row: Row) -> bool:
        label = row.get("label")
        return isinstance(row.get("question"), dict) and isinstance(label, dict) and "steps" in label

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        question, label = fields.object("question"), fields.object("label")
        pre_generated = question.texts("pre_generated_steps") if "pre_generated_steps" in question.row else None
        positions = _Positions(label.objects("steps"), pre_generated)
        yield Record(
            problem=_problem(question),
            solution=_solution(fields, question, positions, pre_generated),
            people=[_person(fields, question, label, positions, is_phase_1=pre_generated is None)],
            ignored=[
                *fields.unknown(
                    "labeler",
                    "timestamp",
                    "generation",
                    "is_quality_control_question",
                    "is_initial_screening_question",
                    "question",
                    "label",
                ),
                *question.unknown(*QUESTION_2),
                *label.unknown("steps", "total_time", "finish_reason"),
            ],
        )


class _Positions:
    """The row's positions: all candidates, the person's ratings of them, and positions without completions."""

    def __init__(self, positions: Iterator[Fields], pre_generated: Sequence[str] | None) -> None:
        self.steps: list[StepRecord] = []
        self.ratings: list[StepRating] = []
        self.no_completions: list[int] = []
        self.count = 0
        for text in pre_generated or ():
            self.steps.append(StepRecord(position=len(self.steps), text=text))
        for place, position in enumerate(positions):
            self.count += 1
            self._read(place, position, pre_generated)
        self.steps.sort(key=lambda step: (step.position, step.candidate))
        path = {step.position for step in self.steps if step.chosen}
        gaps = [place for place in range(max(path, default=-1)) if place not in path]
        if gaps:
            raise RowError(
                f"label.steps[{gaps[0]}].chosen_completion", "nothing is chosen here, but later steps follow"
            )

    def _read(self, place: int, position: Fields, pre_generated: Sequence[str] | None) -> None:
        if position.row.get("completions") is None:
            self.no_completions.append(place)
        offered = list(position.objects("completions"))
        written = _human(position)
        chosen = position.maybe_int("chosen_completion", least=0, most=len(offered) - 1)
        base = pre_generated[place] if pre_generated is not None and place < len(pre_generated) else None
        first = offered[0].text("text", blank=True) if offered else None
        # Where the first completion is not the pre-generated step, that step keeps the number 0.
        shift = int(base is not None and first != base)
        for index, completion in enumerate(offered):
            text = completion.text("text", blank=True)
            if index + shift > 0 or base is None:
                self._offer(place, index + shift, text, "model", on_path=pre_generated is None and index == chosen)
            self._rate(place, index + shift, completion, is_chosen=index == chosen)
        if written is not None:
            number = max(len(offered) + shift, int(base is not None))
            text = written.text("text", blank=True)
            self._offer(place, number, text, "human", on_path=pre_generated is None and chosen is None)
            self._rate(place, number, written, is_chosen=chosen is None)

    def _offer(self, place: int, number: int, text: str, origin: str, *, on_path: bool) -> None:
        self.steps.append(StepRecord(position=place, candidate=number, text=text, origin=origin, chosen=on_path))

    def _rate(self, place: int, number: int, completion: Fields, *, is_chosen: bool) -> None:
        self.ratings.append(
            StepRating(
                position=place,
                candidate=number,
                rating=completion.maybe_rating(),
                unsure=completion.maybe_bool("flagged"),
                chosen=is_chosen,
            )
        )


def _human(position: Fields) -> Fields | None:
    """The README has a text here, the data an object."""
    written = position.row.get("human_completion")
    if isinstance(written, str):
        return Fields({"text": written, "rating": None, "flagged": False}, position.at("human_completion"))
    return position.maybe_object("human_completion")


def _problem(question: Fields) -> ProblemRecord:
    return ProblemRecord(
        statement=question.text("problem"),
        reference_answer=question.maybe_text("ground_truth_answer"),
        reference_solution=question.maybe_text("ground_truth_solution"),
    )


def _solution(
    fields: Fields, question: Fields, positions: _Positions, pre_generated: Sequence[str] | None
) -> SolutionRecord:
    answer, score = question.maybe_text("pre_generated_answer"), question.maybe_float("pre_generated_verifier_score")
    if pre_generated is None:
        texts = [(step.position, step.candidate, step.text) for step in positions.steps]
        content = repr((fields.row.get("labeler"), fields.row.get("timestamp"), texts))
    else:
        content = repr((list(pre_generated), answer, score))
    identity = blake2b(content.encode(), digest_size=16).hexdigest()
    return SolutionRecord(
        steps=positions.steps,
        source="prm800k",
        final_answer=answer,
        verifier_score=score,
        extras={"identity": identity},
    )


def _person(
    fields: Fields, question: Fields, label: Fields, positions: _Positions, *, is_phase_1: bool
) -> PersonRecord:
    finish = label.maybe_text("finish_reason")
    if finish is not None and finish not in FINISH_REASONS:
        raise label.wrong("finish_reason", f"one of {', '.join(FINISH_REASONS)}")
    return PersonRecord(
        labeler=fields.text("labeler", most=200),
        round=fields.maybe_int("generation", least=-1000, most=1_000_000),
        protocol="branching" if is_phase_1 else "first_error",
        finish_reason=finish,
        submitted_at=fields.maybe_time("timestamp"),
        active_ms=label.maybe_int("total_time", least=0),
        is_quality_control=bool(fields.maybe_bool("is_quality_control_question", default=False)),
        is_screening=bool(fields.maybe_bool("is_initial_screening_question", default=False)),
        steps=positions.ratings,
        extras={"prm800k": _extras(fields, question, positions, is_phase_1=is_phase_1)},
    )


def _extras(fields: Fields, question: Fields, positions: _Positions, *, is_phase_1: bool) -> dict[str, Any]:
    """The values that a PRM800K export needs to write the row exactly as it was (see above)."""
    usual = QUESTION_1 if is_phase_1 else QUESTION_2
    own = {"ground_truth_answer": question.row.get("ground_truth_answer")}
    for name in ("ground_truth_solution", "pre_generated_answer"):
        if not is_phase_1 and question.row.get(name) is None:
            own[name] = None
    extras: dict[str, Any] = {
        "steps": positions.count,
        "no_completions": positions.no_completions,
        "question": own,
        "absent": [name for name in usual if name not in question.row],
    }
    stamp, time = fields.row.get("timestamp"), fields.maybe_time("timestamp")
    if time is not None and naive_iso(time) != stamp:
        extras["timestamp"] = stamp
    return extras


def naive_iso(time: datetime) -> str:
    """A time as in the published rows: in UTC, with a fraction, without an offset."""
    return time.replace(tzinfo=None).isoformat(timespec="microseconds")
