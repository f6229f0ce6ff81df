"""Our canonical row (docs/export-formats.md), and any other row by a column mapping.

Only `problem.statement` and the steps' texts are required. A solution may come as one `solution.text`,
which is split; steps may be plain texts. The consensus is told as ignored: it is computed anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal

import msgspec

from apps.corpus.imports.readers import canonical
from apps.corpus.imports.readers.base import MISSING, ReaderOptions, Row, column_value, missing_note
from apps.corpus.imports.readers.fields import Fields, is_blank
from apps.corpus.imports.readers.jsonl_comparison import comparison_of, preference_of
from apps.corpus.imports.readers.jsonl_judges import judges_of
from apps.corpus.imports.readers.jsonl_reviews import labelers_of
from apps.corpus.imports.readers.jsonl_solutions import HIGHEST, Number, solution_of
from apps.corpus.imports.readers.marks import LABELER, SOFT, labels_of, read_error_steps, read_first_error, read_labels
from apps.corpus.records import (
    CritiqueWord,
    EstimateRecord,
    GoldRating,
    PersonRecord,
    ProblemRecord,
    Record,
    RowError,
    SolutionRecord,
    StepCount,
    StepRating,
)
from apps.corpus.splitting.steps import unclosed_note

PROTOCOLS = ("first_error", "every_step", "branching")
FINISH_REASONS = ("found_error", "solution", "bad_problem", "give_up")
SIDES = ("left", "right")
SPEAKING = ("people", "gold", "consensus", "monte_carlo", "judges")

Places = set[tuple[int, int]]


class Jsonl:
    name = "jsonl"
    title = "Annotate's own row, or any other by a column mapping"
    about = "Problems, solutions and everything that was said of their steps."

    def looks_like(self, row: Row) -> bool:
        return isinstance(row.get("problem"), dict) and "statement" in row["problem"]

    def check_targets(self, targets: Collection[str]) -> None:
        canonical.check_targets(targets)

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        ignored: list[str] = []
        if options.mapping:
            row, ignored = mapped(row, options)
        fields = Fields(row)
        solution = solution_of(fields.maybe_object("solution"), options)
        places = {(step.position, step.candidate) for step in solution.steps} if solution else set()
        path = {step.position for step in solution.steps if step.chosen} if solution else set()
        comparison = comparison_of(fields.maybe_object("comparison"), lambda side: solution_of(side, options))
        if solution is not None and comparison is not None:
            raise RowError("comparison", "a row has a solution or a comparison, not both")
        labelers, reviewed = labelers_of(fields.objects("people"))
        people = [_person(person, places, of_pair=comparison is not None) for person in labelers]
        marks = _Marks(fields, solution, options)
        yield Record(
            problem=_problem(fields.object("problem")),
            solution=solution,
            comparison=comparison,
            people=[*people, *marks.people],
            gold=_gold(fields.maybe_object("gold"), path) or marks.gold,
            estimates=[_estimate(run, path) for run in fields.objects("monte_carlo")],
            judges=judges_of(fields, places),
            ignored=[*ignored, *canonical.unread_paths(row), *reviewed, *marks.ignored, *_split_notes(row)],
        )


def _split_notes(row: Row) -> Iterator[str]:
    """The solutions that came as one text whose formula, fence or environment never ends."""
    comparison = row.get("comparison") or {}
    sides = {"solution": row.get("solution")} | {f"comparison.{name}": comparison.get(name) for name in SIDES}
    for path, side in sides.items():
        is_split = isinstance(side, dict) and side.get("steps") is None and isinstance(side.get("text"), str)
        note = unclosed_note(side["text"]) if side and is_split else None
        if note:
            yield f"{path}.text ({note})"


class _Marks:
    """What a row says of its steps beside the canonical row's own parts."""

    def __init__(self, fields: Fields, solution: SolutionRecord | None, options: ReaderOptions) -> None:
        self.gold: list[GoldRating] = []
        self.people: list[PersonRecord] = []
        self.ignored: list[str] = []
        length = len(solution.path()) if solution else 0
        given = [name for name in ("first_error", "error_steps", "labels") if not is_blank(fields.row.get(name))]
        if fields.row.get("error_steps") == []:
            given.append("error_steps")
        for name in given:
            if not length:
                self.ignored.append(name)
            elif name == "labels":
                self._read_labels(fields, length, options)
            elif any(not is_blank(fields.row.get(source)) for source in SPEAKING) or self.gold:
                # Our own export derives the first error from the row's other parts: it is computed again.
                self.ignored += [] if name == "first_error" and not self.gold else [name]
            elif name == "first_error":
                self.gold = read_first_error(fields, length)
            else:
                self.gold, notes = read_error_steps(fields, length)
                self.ignored += notes

    def _read_labels(self, fields: Fields, length: int, options: ReaderOptions) -> None:
        ratings = read_labels(fields, "labels", length, options)
        if ratings is None:
            self.ignored.append(f"labels ({SOFT})")
        else:
            self.people = labels_of(ratings, labeler=LABELER)


def mapped(row: Row, options: ReaderOptions) -> tuple[dict[str, Any], list[str]]:
    """The canonical row that the mapping makes of another, and what it leaves out: columns that nobody mapped.

    A column that the row lacks is null there, and told. Raises RowError where it holds the problem.
    """
    made: dict[str, Any] = {}
    notes: list[str] = []
    for target, column in options.mapping.items():
        value = column_value(row, column)
        if value is MISSING:
            if target in ("problem", "problem.statement"):
                raise RowError(column, f"is missing; it is mapped to {target}")
            notes.append(missing_note(column, target))
            value = None
        *parents, last = target.split(".")
        place = made
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    solution = made.get("solution")
    if isinstance(solution, dict) and all(is_blank(value) for value in solution.values()):
        made["solution"] = None
    return made, [*notes, *_unmapped(row, set(options.mapping.values()), "")]


def _unmapped(row: Row, columns: set[str], above: str) -> Iterator[str]:
    """The columns that hold something and are not mapped; an object of which a part is mapped is looked into."""
    for name, value in row.items():
        path = f"{above}{name}"
        if path in columns or is_blank(value):
            continue
        if isinstance(value, dict) and any(column.startswith(f"{path}.") for column in columns):
            yield from _unmapped(value, columns, f"{path}.")
        else:
            yield path


def _problem(fields: Fields) -> ProblemRecord:
    return ProblemRecord(
        statement=fields.text("statement"),
        external_id=fields.maybe_text("external_id"),
        reference_answer=fields.maybe_text("reference_answer"),
        reference_solution=fields.maybe_text("reference_solution"),
        verifier=_verifier(fields),
        subject=fields.maybe_text("subject"),
        level=fields.maybe_text("level"),
        split=fields.maybe_text("split"),
        extras=_extras(fields),
    )


def _verifier(fields: Fields) -> str | None:
    from apps.verifiers.registry import VERIFIERS

    name = fields.maybe_text("verifier")
    if name and name not in VERIFIERS:
        raise fields.wrong("verifier", f"one of {', '.join(VERIFIERS)}")
    return name


def _extras(fields: Fields) -> dict[str, Any]:
    extras = fields.maybe_object("extras")
    return dict(extras.row) if extras else {}


# --- what was said of the steps ---------------------------------------------------------------------------


def _person(fields: Fields, places: Places, *, of_pair: bool) -> PersonRecord:
    ratings = _plain_ratings(fields.row.get("steps"), places) or [
        _rating(step, places) for step in fields.objects("steps")
    ]
    if len({(said.position, said.candidate) for said in ratings}) < len(ratings):
        raise RowError(fields.at("steps"), "rates a step twice")
    preference = preference_of(fields.maybe_object("preference"))
    if preference is not None and not of_pair:
        raise RowError(fields.at("preference"), "only a row that has a comparison has preferences")
    finish = fields.maybe_text("finish_reason") or None
    if finish is not None and finish not in FINISH_REASONS:
        raise fields.wrong("finish_reason", f"one of {', '.join(FINISH_REASONS)}")
    return PersonRecord(
        labeler=fields.text("labeler", most=200),
        round=fields.maybe_int("round", least=-1000, most=1_000_000),
        protocol="comparison" if of_pair else _protocol(fields, ratings),
        finish_reason=finish,
        reason=fields.maybe_text("reason") or "",
        submitted_at=fields.maybe_time("submitted_at"),
        active_ms=fields.maybe_int("active_ms", least=0),
        is_quality_control=bool(fields.maybe_bool("is_quality_control")),
        is_screening=bool(fields.maybe_bool("is_screening")),
        steps=ratings,
        preference=preference,
        progress=fields.maybe_rating("progress"),
        critiques=[_critique(one, places) for one in fields.objects("critiques")],
        extras=_extras(fields),
    )


def _critique(fields: Fields, places: Places) -> CritiqueWord:
    said = _rating(fields, places)
    own, origin = bool(fields.maybe_bool("is_own")), fields.maybe_text("origin") or "model"
    if origin not in ("model", "human"):
        raise fields.wrong("origin", "model or human")
    if not own and said.rating is None:
        raise fields.wrong("rating", "a rating of -1, 0 or 1, unless `is_own`")
    return CritiqueWord(
        position=said.position,
        candidate=said.candidate,
        text=fields.text("text"),
        origin="human" if own else origin,
        source=fields.maybe_text("source") or "",
        rating=None if own else said.rating,
        is_own=own,
    )


def _protocol(fields: Fields, ratings: Sequence[StepRating]) -> str:
    """Where the row does not say: ratings after a bad step mean that all were asked for."""
    named = fields.maybe_text("protocol")
    if named is not None:
        if named not in PROTOCOLS:
            raise fields.wrong("protocol", f"one of {', '.join(PROTOCOLS)}")
        return named
    bad = [said.position for said in ratings if said.rating == -1]
    goes_on = bad and any(said.position > bad[0] for said in ratings)
    return "every_step" if goes_on else "first_error"


class _PlainRating(msgspec.Struct, gc=False):
    position: Number
    candidate: Number = 0
    rating: Literal[-1, 0, 1] | None = None
    unsure: bool | None = False
    chosen: bool = False


def _plain_ratings(values: Any, places: Places) -> list[StepRating] | None:
    """As with the plain steps of a solution: None when one of them needs a closer look."""
    try:
        plain = msgspec.convert(values, list[_PlainRating])
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None
    if not places.issuperset((said.position, said.candidate) for said in plain):
        return None
    return [
        StepRating(
            position=said.position,
            candidate=said.candidate,
            rating=said.rating,
            unsure=said.unsure,
            chosen=said.chosen,
        )
        for said in plain
    ]


def _rating(fields: Fields, places: Places) -> StepRating:
    place = (fields.maybe_int("position", least=0, most=HIGHEST), fields.maybe_int("candidate", least=0) or 0)
    if place not in places:
        raise fields.wrong("position", f"a step of the solution; there is no step {place[0]}, candidate {place[1]}")
    return StepRating(
        position=place[0] or 0,
        candidate=place[1],
        rating=fields.maybe_rating(),
        unsure=fields.maybe_bool("unsure", default=False),
        chosen=bool(fields.maybe_bool("chosen")),
    )


def _on_path(fields: Fields, path: set[int]) -> int:
    position = fields.maybe_int("position", least=0, most=HIGHEST)
    if position not in path:
        raise fields.wrong("position", "a position on the solution's path")
    return position or 0


def _gold(fields: Fields | None, path: set[int]) -> list[GoldRating]:
    if fields is None:
        return []
    gold = [_gold_rating(step, path) for step in fields.objects("steps")]
    if len({said.position for said in gold}) < len(gold):
        raise RowError(fields.at("steps"), "rates a step twice")
    return gold


def _gold_rating(fields: Fields, path: set[int]) -> GoldRating:
    rating = fields.maybe_rating()
    if rating is None:
        raise fields.wrong("rating", "a rating of -1, 0 or 1")
    return GoldRating(
        position=_on_path(fields, path),
        rating=rating,
        self_reviewed=bool(fields.maybe_bool("self_reviewed")),
    )


def _estimate(fields: Fields, path: set[int]) -> EstimateRecord:
    counts = [_count(step, path) for step in fields.objects("steps")]
    if len({said.position for said in counts}) < len(counts):
        raise RowError(fields.at("steps"), "counts a step twice")
    return EstimateRecord(
        run=fields.maybe_int("run", least=0, most=1_000_000_000),
        completer=fields.maybe_text("completer"),
        strategy=fields.maybe_text("strategy") or "math-shepherd",
        steps=counts,
    )


def _count(fields: Fields, path: set[int]) -> StepCount:
    most = 1_000_000
    rollouts, hard = fields.maybe_int("rollouts", least=0, most=most), fields.maybe_bool("hard")
    if rollouts is None and hard is None:
        raise fields.wrong("rollouts", "the number of rollouts, or `hard`")
    successes = fields.maybe_int("successes", least=0, most=rollouts if rollouts is not None else 0)
    if rollouts and successes is None and hard is None:
        raise fields.wrong("successes", f"how many of the {rollouts} rollouts reached the answer, or `hard`")
    return StepCount(
        position=_on_path(fields, path),
        rollouts=rollouts,
        successes=successes,
        missing=fields.maybe_int("missing", least=0, most=most) or 0,
        hard=hard,
    )
