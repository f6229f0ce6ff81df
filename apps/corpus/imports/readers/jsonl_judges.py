"""What judge models said of the steps, in our canonical row."""

from __future__ import annotations

from collections.abc import Collection

from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import JudgeRecord, RowError, VerdictRecord

HIGHEST = 1_000_000_000
LONGEST_NAME = 200


def judges_of(row: Fields, places: Collection[tuple[int, int]]) -> list[JudgeRecord]:
    """Raises RowError for verdicts on steps that are not among `places`, and for what is said twice."""
    found: list[JudgeRecord] = []
    named: set[tuple[str, int, int | None]] = set()
    for fields in row.objects("judges"):
        judge = _judge(fields, places)
        if judge.key in named:
            raise RowError(fields.at("judge"), "stands in the row twice; give the second another `version` or `run`")
        named.add(judge.key)
        found.append(judge)
    return found


def _judge(fields: Fields, places: Collection[tuple[int, int]]) -> JudgeRecord:
    version = fields.maybe_int("version", least=0, most=HIGHEST)
    verdicts = [_verdict(step, places) for step in fields.objects("steps")]
    if len({(said.position, said.candidate) for said in verdicts}) < len(verdicts):
        raise RowError(fields.at("steps"), "rates a step twice")
    return JudgeRecord(
        judge=fields.text("judge", most=LONGEST_NAME),
        version=1 if version is None else version,
        run=fields.maybe_int("run", least=0, most=HIGHEST),
        steps=verdicts,
    )


def _verdict(fields: Fields, places: Collection[tuple[int, int]]) -> VerdictRecord:
    position = fields.maybe_int("position", least=0, most=HIGHEST)
    candidate = fields.maybe_int("candidate", least=0, most=HIGHEST) or 0
    if position is None:
        raise fields.wrong("position", "the position of a step")
    if (position, candidate) not in places:
        raise fields.wrong("position", f"a step of the solution; there is no step {position}, candidate {candidate}")
    rating = fields.maybe_rating()
    if rating is None:
        raise fields.wrong("rating", "a rating of -1, 0 or 1")
    return VerdictRecord(
        position=position,
        candidate=candidate,
        rating=rating,
        confidence=_confidence(fields),
        reason=fields.maybe_text("reason") or "",
    )


def _confidence(fields: Fields) -> float | None:
    confidence = fields.maybe_float("confidence")
    if confidence is not None and not 0 <= confidence <= 1:
        raise fields.wrong("confidence", "a number from 0 to 1, or null")
    return confidence
