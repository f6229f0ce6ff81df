"""Our canonical row: the problem, the solution, and all that was said of each step. Everything else is a function of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from apps.corpus.labels import BAD, GREAT, UNKNOWN
from apps.corpus.records import (
    ComparisonRecord,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StandingRating,
)
from apps.exports.formats.base import Row, SolutionFormat, label_name
from apps.exports.labels.sources import hard_rating
from apps.exports.labels.steps import resolve
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


def _struct(**fields: pa.DataType) -> pa.DataType:
    return pa.struct(list(fields.items()))


TEXT, INT, BOOL, FLOAT = pa.string(), pa.int64(), pa.bool_(), pa.float64()

SOLUTION = _struct(
    external_id=TEXT,
    source=TEXT,
    final_answer=TEXT,
    is_correct=BOOL,
    verifier_score=FLOAT,
    separator=TEXT,
    steps=pa.list_(_struct(position=INT, candidate=INT, text=TEXT, origin=TEXT, chosen=BOOL)),
)
PLACE = _struct(position=INT, candidate=INT)


class Annotate(SolutionFormat):
    name = "annotate"
    title = "Annotate's own row"
    about = "All that is known: people, gold, Monte Carlo, judges. It can be imported again."
    trainer = "any script; see docs/export-formats.md"
    of: tuple[str, ...] = ("solution", "comparison")
    columns = pa.schema(
        [
            (
                "problem",
                _struct(
                    external_id=TEXT,
                    statement=TEXT,
                    reference_answer=TEXT,
                    reference_solution=TEXT,
                    verifier=TEXT,
                    subject=TEXT,
                    level=TEXT,
                    split=TEXT,
                ),
            ),
            ("solution", SOLUTION),
            (
                "comparison",
                _struct(left=SOLUTION, right=SOLUTION, left_step=PLACE, right_step=PLACE, external_id=TEXT),
            ),
            (
                "people",
                pa.list_(
                    _struct(
                        labeler=TEXT,
                        round=INT,
                        protocol=TEXT,
                        finish_reason=TEXT,
                        reason=TEXT,
                        submitted_at=TEXT,
                        active_ms=INT,
                        is_quality_control=BOOL,
                        is_screening=BOOL,
                        is_suspended=BOOL,
                        role=TEXT,
                        corrects=TEXT,
                        corrected_by=TEXT,
                        self_reviewed=BOOL,
                        steps=pa.list_(_struct(position=INT, candidate=INT, rating=INT, unsure=BOOL, chosen=BOOL)),
                        preference=_struct(choice=TEXT, margin=TEXT, rationale=TEXT),
                        progress=INT,
                        critiques=pa.list_(
                            _struct(
                                position=INT,
                                candidate=INT,
                                text=TEXT,
                                origin=TEXT,
                                source=TEXT,
                                rating=INT,
                                is_own=BOOL,
                            )
                        ),
                    )
                ),
            ),
            ("gold", _struct(steps=pa.list_(_struct(position=INT, rating=INT, self_reviewed=BOOL)))),
            (
                "consensus",
                _struct(
                    steps=pa.list_(
                        _struct(
                            position=INT,
                            rating=INT,
                            how=TEXT,
                            certainty=FLOAT,
                            people=INT,
                            is_thin=BOOL,
                            self_reviewed=BOOL,
                        )
                    )
                ),
            ),
            (
                "monte_carlo",
                pa.list_(
                    _struct(
                        run=INT,
                        completer=TEXT,
                        strategy=TEXT,
                        steps=pa.list_(_struct(position=INT, rollouts=INT, successes=INT, missing=INT, hard=BOOL)),
                    )
                ),
            ),
            (
                "judges",
                pa.list_(
                    _struct(
                        judge=TEXT,
                        version=INT,
                        run=INT,
                        steps=pa.list_(_struct(position=INT, candidate=INT, rating=INT, confidence=FLOAT, reason=TEXT)),
                    )
                ),
            ),
            ("first_error", INT),
        ]
    )

    def check(self, policy: LabelPolicy) -> None:
        """Any policy will do: it only decides `first_error`."""

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        if record.comparison is not None:
            _count(record, tally)
            yield {
                "problem": _problem(record.problem),
                "comparison": _comparison(record.comparison),
                "people": [_person(person) for person in record.people],
            }
        if record.solution is None:
            return
        _count(record, tally)
        labelings = resolve(record, policy)
        yield {
            "problem": _problem(record.problem),
            "solution": _solution(record.solution),
            "people": [_person(person) for person in record.people],
            "gold": {"steps": [_gold(gold) for gold in record.gold]},
            "consensus": {"steps": [_standing(one) for one in record.consensus]},
            "monte_carlo": [_estimate(run) for run in record.estimates],
            "judges": [_judge(one) for one in record.judges],
            "first_error": labelings[0].first_error if labelings else None,
        }


def _count(record: Record, tally: Tally) -> None:
    """Every source that the row holds, as this format leaves none out: sources are labelings, labels are of steps."""
    for person in record.people:
        tally.sources["human"] += 1
        tally.carry(label_name(said.rating) for said in person.steps)
        if person.preference is not None:
            tally.carry([person.preference.choice])
    if record.gold:
        tally.sources["gold"] += 1
        tally.carry(str(gold.rating) for gold in record.gold)
    if record.consensus:
        tally.sources["consensus"] += 1
        tally.carry(str(step.rating) for step in record.consensus)
    for run in record.estimates:
        tally.sources["monte_carlo"] += 1
        tally.carry(_HARD_NAMES[hard_rating(count)] for count in run.steps)
    for judge in record.judges:
        tally.sources["judge"] += 1
        tally.carry(str(verdict.rating) for verdict in judge.steps)


_HARD_NAMES = {GREAT: "reaches the answer", BAD: "misses the answer", UNKNOWN: "no rollout counted"}


def _with_extras(row: Row, extras: Mapping[str, Any]) -> Row:
    return {**row, "extras": dict(extras)} if extras else row


def _problem(problem: ProblemRecord) -> Row:
    names = (
        "external_id",
        "statement",
        "reference_answer",
        "reference_solution",
        "verifier",
        "subject",
        "level",
        "split",
    )
    return _with_extras({name: getattr(problem, name) for name in names}, problem.extras)


def _solution(solution: SolutionRecord) -> Row:
    names = ("external_id", "source", "final_answer", "is_correct", "verifier_score", "separator")
    row = {name: getattr(solution, name) for name in names}
    row["steps"] = [
        {
            "position": step.position,
            "candidate": step.candidate,
            "text": step.text,
            "origin": step.origin,
            "chosen": step.chosen,
        }
        for step in solution.steps
    ]
    return _with_extras(row, solution.extras)


def _comparison(compared: ComparisonRecord) -> Row:
    row: Row = {
        "external_id": compared.external_id,
        "left": _solution(compared.left),
        "right": _solution(compared.right) if compared.right is not None else None,
        "left_step": _place(compared.left_step),
        "right_step": _place(compared.right_step),
    }
    return _with_extras(row, compared.extras)


def _place(place: tuple[int, int] | None) -> Row | None:
    return {"position": place[0], "candidate": place[1]} if place is not None else None


def _person(person: PersonRecord) -> Row:
    row: Row = {
        "labeler": person.labeler,
        "round": person.round,
        "protocol": person.protocol,
        "finish_reason": person.finish_reason,
        "reason": person.reason,
        "submitted_at": person.submitted_at.isoformat() if person.submitted_at else None,
        "active_ms": person.active_ms,
        "is_quality_control": person.is_quality_control,
        "is_screening": person.is_screening,
        "is_suspended": person.is_suspended,
        "role": person.role,
        "corrects": person.corrects,
        "corrected_by": person.corrected_by,
        "self_reviewed": person.self_reviewed,
        "steps": [
            {
                "position": said.position,
                "candidate": said.candidate,
                "rating": said.rating,
                "unsure": said.unsure,
                "chosen": said.chosen,
            }
            for said in person.steps
        ],
        "progress": person.progress,
        "critiques": [
            {
                "position": one.position,
                "candidate": one.candidate,
                "text": one.text,
                "origin": one.origin,
                "source": one.source,
                "rating": one.rating,
                "is_own": one.is_own,
            }
            for one in person.critiques
        ],
    }
    if person.preference is not None:
        said = person.preference
        row["preference"] = {"choice": said.choice, "margin": said.margin, "rationale": said.rationale}
    return _with_extras(row, person.extras)


def _gold(gold: GoldRating) -> Row:
    return {"position": gold.position, "rating": gold.rating, "self_reviewed": gold.self_reviewed}


def _standing(one: StandingRating) -> Row:
    names = ("position", "rating", "how", "certainty", "people", "is_thin", "self_reviewed")
    return {name: getattr(one, name) for name in names}


def _estimate(run: EstimateRecord) -> Row:
    return {
        "run": run.run,
        "completer": run.completer,
        "strategy": run.strategy,
        "steps": [
            {
                "position": one.position,
                "rollouts": one.rollouts,
                "successes": one.successes,
                "missing": one.missing,
                "hard": one.hard,
            }
            for one in run.steps
        ],
    }


def _judge(one: JudgeRecord) -> Row:
    return {
        "judge": one.judge,
        "version": one.version,
        "run": one.run,
        "steps": [
            {
                "position": said.position,
                "candidate": said.candidate,
                "rating": said.rating,
                "confidence": said.confidence,
                "reason": said.reason,
            }
            for said in one.steps
        ],
    }
