"""Annotate's own row (`canonical_row`, docs/export-formats.md), and any other row by a column mapping. Pure.

Only `problem.statement` and the steps' texts are required. A solution may come as one `solution.text`, which is split;
steps may be plain texts. The row's types and ranges are declared by its structs; what the parts of a row require of
each other is checked here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from apps.corpus import canonical_row
from apps.corpus.canonical_row import COMPUTED, KEYS, CanonicalRow, extras_of
from apps.corpus.imports.files import named
from apps.corpus.imports.readers.base import MISSING, ReaderOptions, Row, column_value, missing_note
from apps.corpus.imports.readers.convert_fields import convert_fields
from apps.corpus.imports.readers.fields import Fields, is_blank
from apps.corpus.imports.readers.marks import LABELER, SOFT, labels_of, read_error_steps, read_first_error, read_labels
from apps.corpus.imports.readers.step_scores import read_step_scores
from apps.corpus.labels import BAD, SIDES
from apps.corpus.records import (
    ComparisonRecord,
    CritiqueRecord,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    Record,
    RowError,
    ScoreRecord,
    SolutionRecord,
    StepPlace,
    StepRecord,
)
from apps.corpus.splitting.steps import split_steps, unclosed_note

MARKS = ("first_error", "error_steps", "labels")
SOURCES = ("people", "gold", "consensus", "monte_carlo", "judges", "scores")

# What an import leaves out of `people`, as it is counted under `ignored`.
CORRECTED = "people[] (ratings that a reviewer corrected)"
CORRECTION = "people[] (a reviewer's correction)"
SUSPENDED = "people[].is_suspended (the labels count here)"
SELF_REVIEWED = "people[].self_reviewed"  # Only of a reviewer's correction; on a labeler's entry it has no meaning.

Place = tuple[int, int]


class Canonical:
    name = "jsonl"
    title = "Annotate's own row, or any other by a column mapping"
    about = "Problems, solutions and all labels, counts and verdicts of their steps."

    def looks_like(self, row: Row) -> bool:
        return isinstance(row.get("problem"), dict) and "statement" in row["problem"]

    def check_targets(self, targets: Collection[str]) -> None:
        canonical_row.check_targets(targets)

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        notes: list[str] = []
        if options.mapping:
            row, notes = mapped_row(row, options)
        canonical = convert_fields(with_step_objects(row, options), CanonicalRow)
        from apps.verifiers.registry import VERIFIERS  # Here, since it takes most of a second.

        verifier = canonical.problem.verifier
        if verifier and verifier not in VERIFIERS:
            raise RowError("problem.verifier", f"expected one of {', '.join(VERIFIERS)}, found {named(verifier)}")
        solution = canonical.solution and _with_checked_steps(canonical.solution, "solution")
        comparison = canonical.comparison and with_checked_sides(canonical.comparison)
        if solution is not None and comparison is not None:
            raise RowError("comparison", "a row has a solution or a comparison, not both")
        places = {(step.position, step.candidate) for step in solution.steps} if solution else set()
        path = {step.position for step in solution.steps if step.chosen} if solution else set()
        people, reviewed = _labelers(canonical.people, row.get("people") or [], places, of_pair=comparison is not None)
        gold = list(canonical.gold.steps) if canonical.gold else []
        _check_places([rating.position for rating in gold], path, "gold.steps")
        check_estimates(canonical.monte_carlo, path)
        _check_judges(canonical.judges, places)
        _check_scores(canonical.scores, path)
        step_scores = read_step_scores(Fields(row), len(path))
        marks = _Marks(row, solution, options)
        yield Record(
            problem=canonical.problem,
            solution=solution,
            comparison=comparison,
            people=[*people, *marks.people],
            gold=gold or marks.gold,
            estimates=canonical.monte_carlo,
            judges=canonical.judges,
            scores=[*canonical.scores, *step_scores],
            ignored=[*notes, *unread_paths(row), *reviewed, *marks.ignored, *split_notes(row)],
        )


# --- another row by a mapping -----------------------------------------------------------------------------


def mapped_row(row: Row, options: ReaderOptions) -> tuple[dict[str, Any], list[str]]:
    """The canonical row that the mapping makes of another, and the names of the columns that are not mapped.

    A column that the row lacks is null, and noted. Raises RowError where it holds the problem.
    """
    canonical: dict[str, Any] = {}
    notes: list[str] = []
    for target, column in options.mapping.items():
        value = column_value(row, column)
        if value is MISSING:
            if target in ("problem", "problem.statement"):
                raise RowError(column, f"is missing; it is mapped to {target}")
            notes.append(missing_note(column, target))
            value = None
        *parents, last = target.split(".")
        parent = canonical
        for name in parents:
            parent = parent.setdefault(name, {})
        parent[last] = value
    solution = canonical.get("solution")
    if isinstance(solution, dict) and all(is_blank(value) for value in solution.values()):
        canonical["solution"] = None
    return canonical, [*notes, *_unmapped(row, set(options.mapping.values()), "")]


def _unmapped(row: Row, columns: set[str], above: str) -> Iterator[str]:
    """The columns that hold something and are not mapped; an object of which a part is mapped is searched."""
    for name, value in row.items():
        path = f"{above}{name}"
        if path in columns or is_blank(value):
            continue
        if isinstance(value, dict) and any(column.startswith(f"{path}.") for column in columns):
            yield from _unmapped(value, columns, f"{path}.")
        else:
            yield path


# --- what the row leaves to be completed, and what else it holds -------------------------------------------


def with_extras(part: Row, path: str) -> Row:
    """The part of a row with its extras as an object. Raises RowError."""
    if "extras" not in part:
        return part
    if part["extras"] is None:
        return {name: value for name, value in part.items() if name != "extras"}
    return {**part, "extras": extras_of(part["extras"], f"{path}.extras")}


def with_step_objects(row: Row, options: ReaderOptions) -> dict[str, Any]:
    """The row with every step of a solution as an object, and without what is computed again."""
    completed = {name: value for name, value in row.items() if name not in COMPUTED}
    if isinstance(row.get("solution"), dict):
        completed["solution"] = _complete_solution(row["solution"], options, "solution")
    if isinstance(row.get("problem"), dict):
        completed["problem"] = with_extras(row["problem"], "problem")
    if isinstance(row.get("people"), list):
        completed["people"] = [
            with_extras(person, f"people[{place}]") if isinstance(person, dict) else person
            for place, person in enumerate(row["people"])
        ]
    comparison = row.get("comparison")
    if isinstance(comparison, dict):
        comparison = with_extras(comparison, "comparison")
        sides = {name: comparison[name] for name in SIDES if isinstance(comparison.get(name), dict)}
        completed["comparison"] = {
            **comparison,
            **{name: _complete_solution(side, options, f"comparison.{name}") for name, side in sides.items()},
        }
    return completed


def _complete_solution(solution: Row, options: ReaderOptions, at: str) -> dict[str, Any]:
    """The solution with one text split into steps, and plain texts as steps. Raises RowError for a blank text."""
    steps, text, joint = solution.get("steps"), solution.get("text"), "\n"
    if steps is None and isinstance(text, str):
        if not text.strip():
            raise RowError(f"{at}.text", f"expected a text that is not blank, found {named(text)}")
        steps, joint = split_steps(text, options.split, options.separator)
    if isinstance(steps, list) and steps and all(isinstance(step, str) for step in steps):
        for place, step in enumerate(steps):
            if not step.strip():
                raise RowError(f"{at}.steps[{place}]", f"expected a text that is not blank, found {named(step)}")
        steps = [{"position": place, "text": step} for place, step in enumerate(steps)]
    elif isinstance(steps, list):
        steps = [complete_step(step, place) for place, step in enumerate(steps)]
    completed = {**with_extras(solution, at), "separator": solution.get("separator") or joint}
    return completed if steps is None else completed | {"steps": steps}


def complete_step(step: Any, place: int) -> Any:
    """A step without a position is the one at its place in the list; candidate 0 is the chosen one."""
    if not isinstance(step, dict):
        return step
    position, chosen, candidate = step.get("position"), step.get("chosen"), step.get("candidate")
    if position is None:
        step = {**step, "position": place}
    return {**step, "chosen": not candidate} if candidate and is_blank(chosen) else step


def unread_paths(row: Row) -> list[str]:
    """The paths of the row that hold something and are not read: `problem.subjct`, `solution.steps[].note`."""
    return list(dict.fromkeys(_unread(row, KEYS, "")))


def _unread(value: Mapping[str, Any], known: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, inner in value.items():
        if name not in known:
            if not is_blank(inner):
                yield f"{above}{name}"
            continue
        keys = known[name]
        if isinstance(keys, list) and isinstance(inner, list):
            # Most steps hold only known values: each costs one comparison.
            is_flat = all(key is None for key in keys[0].values())
            for item in inner:
                if isinstance(item, dict) and not (is_flat and item.keys() <= keys[0].keys()):
                    yield from _unread(item, keys[0], f"{above}{name}[].")
        elif isinstance(keys, dict) and keys and isinstance(inner, dict):
            yield from _unread(inner, keys, f"{above}{name}.")


def split_notes(row: Row) -> Iterator[str]:
    """The solutions that came as one text whose formula, fence or environment never ends."""
    comparison = row.get("comparison") or {}
    sides = {"solution": row.get("solution")} | {f"comparison.{name}": comparison.get(name) for name in SIDES}
    for path, side in sides.items():
        is_split = isinstance(side, dict) and side.get("steps") is None and isinstance(side.get("text"), str)
        note = unclosed_note(side["text"]) if side and is_split else None
        if note:
            yield f"{path}.text ({note})"


class _Marks:
    """Gold and labels that a row has in the form of `first_error`, `error_steps` or `labels`."""

    def __init__(self, row: Row, solution: SolutionRecord | None, options: ReaderOptions) -> None:
        self.gold: list[GoldRating] = []
        self.people: list[PersonRecord] = []
        self.ignored: list[str] = []
        length = len(solution.path()) if solution else 0
        for name in MARKS:
            if is_blank(row.get(name)) and not (name == "error_steps" and row.get(name) == []):
                continue
            fields = Fields(row)
            if not length:
                self.ignored.append(name)
            elif name == "labels":
                ratings = read_labels(fields, "labels", length, options)
                self.people = labels_of(ratings, labeler=LABELER) if ratings is not None else []
                self.ignored += [f"labels ({SOFT})"] if ratings is None else []
            elif any(not is_blank(row.get(source)) for source in SOURCES) or self.gold:
                # Our own export derives the first error from the row's other parts: it is computed again.
                self.ignored += [] if name == "first_error" and not self.gold else [name]
            elif name == "first_error":
                self.gold = read_first_error(fields, length)
            else:
                self.gold, notes = read_error_steps(fields, length)
                self.ignored += notes


# --- what the parts of a row require of each other --------------------------------------------------------


def _with_checked_steps(solution: SolutionRecord, at: str) -> SolutionRecord:
    """The solution with its steps in order. Raises RowError unless the chosen ones are a path without gap or fork."""
    steps = solution.steps
    if all(step.position == place and step.chosen for place, step in enumerate(steps)):
        return solution
    if len({(step.position, step.candidate) for step in steps}) < len(steps):
        raise RowError(f"{at}.steps", "two steps have the same position and candidate")
    path = sorted(step.position for step in steps if step.chosen)
    if path != list(range(len(path))):
        raise RowError(f"{at}.steps", "the chosen steps are not one at each position from 0 on")
    return structs.replace(solution, steps=sorted(steps, key=_place))


def _place(step: StepRecord | StepPlace) -> Place:
    return step.position, step.candidate


def with_checked_sides(comparison: ComparisonRecord) -> ComparisonRecord:
    """The comparison with the steps of its sides in order. Raises RowError where there is nothing to compare."""
    left_side = _with_checked_steps(comparison.left, "comparison.left")
    right_side = comparison.right and _with_checked_steps(comparison.right, "comparison.right")
    left_step, right_step = comparison.left_step, comparison.right_step
    for name, step, side in (("left_step", left_step, left_side), ("right_step", right_step, right_side or left_side)):
        if step is not None and _place(step) not in map(_place, side.steps):
            raise RowError(f"comparison.{name}.position", f"the side has no {_step_name(_place(step))}")
    if (left_step is None) != (right_step is None):
        missing = "right_step" if right_step is None else "left_step"
        raise RowError(f"comparison.{missing}", "is missing; expected a step on both sides or on neither")
    # As the digests decide: by the identity where there is one, otherwise by the source and the steps.
    keys = [side.identity or (side.source, side.steps) for side in (left_side, right_side) if side is not None]
    if left_step == right_step and keys[0] == keys[-1]:
        raise RowError("comparison.right", "is the same as left: there is nothing to prefer")
    return structs.replace(comparison, left=left_side, right=right_side)


def _labelers(
    people: Sequence[PersonRecord], rows: Sequence[Row], places: Collection[Place], *, of_pair: bool
) -> tuple[list[PersonRecord], list[str]]:
    """The people whose labels are imported, and what is ignored.

    A correction counts in place of what it corrects. As the labels of two labelers both would count, the wrong one as
    much as the right one: neither is imported.
    """
    labelers: list[PersonRecord] = []
    ignored: list[str] = []
    for index, (person, row) in enumerate(zip(people, rows, strict=True)):
        if person.role == "reviewer":
            ignored.append(CORRECTION)
        elif person.corrected_by is not None:
            ignored.append(CORRECTED)
        else:
            labelers.append(labeler_of(person, row, places, f"people[{index}]", of_pair=of_pair))
            ignored += [SUSPENDED] if person.is_suspended else []
            ignored += [SELF_REVIEWED] if person.self_reviewed else []
    return labelers, list(dict.fromkeys(ignored))


def labeler_of(person: PersonRecord, row: Row, places: Collection[Place], at: str, *, of_pair: bool) -> PersonRecord:
    _check_places([(rating.position, rating.candidate) for rating in person.steps], places, f"{at}.steps")
    preference = person.preference
    if preference is not None and not of_pair:
        raise RowError(f"{at}.preference", "only a row that has a comparison has preferences")
    if preference is not None and preference.choice == "tie" and preference.margin:
        raise RowError(f"{at}.preference.margin", f"expected none for a tie, found {named(preference.margin)}")
    protocol = person.protocol
    if of_pair:
        protocol = "comparison"
    elif is_blank(row.get("protocol")):
        # Ratings after a bad step mean that all were required.
        bad = [rating.position for rating in person.steps if rating.rating == BAD]
        goes_on = bad and any(rating.position > bad[0] for rating in person.steps)
        protocol = "every_step" if goes_on else "first_error"
    elif protocol == "comparison":
        raise RowError(f"{at}.protocol", "only a row that has a comparison has the protocol comparison")
    return structs.replace(
        person,
        protocol=protocol,
        submitted_at=person.submitted_at and in_utc(person.submitted_at, f"{at}.submitted_at"),
        critiques=[
            critique_of(critique, places, f"{at}.critiques[{place}]") for place, critique in enumerate(person.critiques)
        ],
        redundancy=1,
    )


def in_utc(time: datetime, at: str) -> datetime:
    """A time without a zone is taken for UTC."""
    try:
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except OverflowError:
        raise RowError(at, f"expected a time from the year 1 to 9999 in UTC, found {time}") from None


def critique_of(critique: CritiqueRecord, places: Collection[Place], at: str) -> CritiqueRecord:
    if (critique.position, critique.candidate) not in places:
        raise RowError(f"{at}.position", f"the solution has no {_step_name((critique.position, critique.candidate))}")
    if critique.is_own:
        return structs.replace(critique, origin="human", rating=None)
    if critique.rating is None:
        raise RowError(f"{at}.rating", "expected a rating of -1, 0 or 1, unless `is_own`, found null")
    return critique


def _check_places(named_places: Sequence[Place | int], places: Collection[Place | int], at: str) -> None:
    """Raises RowError for a step that the solution does not have, and for one that is named twice.

    Steps are (position, candidate), or positions on the path.
    """
    for index, place in enumerate(named_places):
        if place not in places:
            raise RowError(f"{at}[{index}].position", f"the solution has no {_step_name(place)}")
    if len(set(named_places)) < len(named_places):
        raise RowError(at, "has two entries for one step")


def _step_name(place: Place | int) -> str:
    return f"step {place}" if isinstance(place, int) else f"step {place[0]}, candidate {place[1]}"


def check_estimates(estimates: Sequence[EstimateRecord], path: Collection[int]) -> None:
    for index, estimate in enumerate(estimates):
        at = f"monte_carlo[{index}].steps"
        for place, count in enumerate(estimate.steps):
            if count.rollouts is None and count.hard is None:
                raise RowError(f"{at}[{place}].rollouts", "is missing; expected the number of rollouts, or `hard`")
            most = count.rollouts or 0
            if count.successes is not None and count.successes > most:
                reason = f"expected a whole number from 0 to {most}, found {named(count.successes)}"
                raise RowError(f"{at}[{place}].successes", reason)
            if most and count.successes is None and count.hard is None:
                expected = f"how many of the {most} rollouts reached the answer, or `hard`"
                raise RowError(f"{at}[{place}].successes", f"is missing; expected {expected}")
        _check_places([count.position for count in estimate.steps], path, at)


def _check_judges(judges: Sequence[JudgeRecord], places: Collection[Place]) -> None:
    keys: set[tuple[str, int, int | None]] = set()
    for index, judge in enumerate(judges):
        _check_places([(rating.position, rating.candidate) for rating in judge.steps], places, f"judges[{index}].steps")
        if judge.key in keys:
            raise RowError(f"judges[{index}].judge", "is in the row twice: give the second another `version` or `run`")
        keys.add(judge.key)


def _check_scores(scores: Sequence[ScoreRecord], path: Collection[int]) -> None:
    keys: set[tuple[str, int | None]] = set()
    for index, score in enumerate(scores):
        _check_places([step.position for step in score.steps], path, f"scores[{index}].steps")
        if score.key in keys:
            raise RowError(f"scores[{index}].scorer", "is in the row twice: give the second another `run`")
        keys.add(score.key)
