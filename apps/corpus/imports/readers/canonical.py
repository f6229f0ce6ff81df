"""Annotate's own row (`canonical_row`, docs/export-formats.md), and any other row by a mapping. Pure.

Only `problem.statement` and the steps' texts are required. A solution may come as one `solution.text`, which is split;
steps may be plain texts. The row's types and ranges are declared by its structs; what the parts of a row require of
each other is checked in `canonical_checks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from apps.corpus import canonical_row
from apps.corpus.canonical_row import COMPUTED, KEYS, CanonicalRow, extras_of
from apps.corpus.imports.files import named
from apps.corpus.imports.readers.base import ReaderOptions, Row, missing_note
from apps.corpus.imports.readers.canonical_checks import (
    check_estimates,
    check_judges,
    check_places,
    check_scores,
    checked_labelers,
    with_checked_sides,
    with_checked_steps,
)
from apps.corpus.imports.readers.convert_fields import convert_fields
from apps.corpus.imports.readers.fields import Fields, is_blank, plain_list
from apps.corpus.imports.readers.marks import LABELER, SOFT, labels_of, read_error_steps, read_first_error, read_labels
from apps.corpus.imports.readers.row_paths import MISSING, has_each, item_count, parsed_path, unread_parts, value_at
from apps.corpus.imports.readers.step_scores import read_step_scores
from apps.corpus.labels import SIDES
from apps.corpus.records import (
    GoldRating,
    PersonRecord,
    Record,
    RowError,
    SolutionRecord,
)
from apps.corpus.splitting.steps import split_steps, unclosed_note

MARKS = ("first_error", "error_steps", "labels")
SOURCES = ("people", "gold", "consensus", "monte_carlo", "judges", "scores")


class Canonical:
    name = "jsonl"
    title = "Annotate's own row, or any other by a mapping"
    about = "Problems, solutions and all labels, counts and verdicts of their steps."

    def looks_like(self, row: Row) -> bool:
        return isinstance(row.get("problem"), dict) and "statement" in row["problem"]

    def check_mapping(self, mapping: Mapping[str, str]) -> None:
        canonical_row.check_targets(mapping)
        check_paths(mapping)

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        if not options.mapping:
            yield self.read_row(row, options, [])
            return
        notes = unread_parts(row, list(options.mapping.values()))
        for canonical, missing in mapped_rows(row, options.mapping):
            yield self.read_row(canonical, options, [*missing, *notes])

    @staticmethod
    def read_row(row: Row, options: ReaderOptions, notes: Sequence[str]) -> Record:
        """The record of a canonical row; `notes` are what its own row holds and the mapping leaves out."""
        canonical = convert_fields(with_step_objects(row, options), CanonicalRow)
        from apps.verifiers.registry import VERIFIERS  # Here, since it takes most of a second.

        verifier = canonical.problem.verifier
        if verifier and verifier not in VERIFIERS:
            raise RowError("problem.verifier", f"expected one of {', '.join(VERIFIERS)}, found {named(verifier)}")
        solution = canonical.solution and with_checked_steps(canonical.solution, "solution")
        comparison = canonical.comparison and with_checked_sides(canonical.comparison)
        if solution is not None and comparison is not None:
            raise RowError("comparison", "a row has a solution or a comparison, not both")
        places = {(step.position, step.candidate) for step in solution.steps} if solution else set()
        path = {step.position for step in solution.steps if step.chosen} if solution else set()
        people, reviewed = checked_labelers(
            canonical.people, row.get("people") or [], places, of_pair=comparison is not None
        )
        gold = list(canonical.gold.steps) if canonical.gold else []
        check_places([rating.position for rating in gold], path, "gold.steps")
        check_estimates(canonical.monte_carlo, path)
        check_judges(canonical.judges, places)
        check_scores(canonical.scores, path)
        step_scores = read_step_scores(Fields(row), len(path))
        marks = _Marks(row, solution, options)
        return Record(
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


def check_paths(mapping: Mapping[str, str]) -> None:
    """Raises RowError for a path that is none, and for `[each]` in one that does not belong to a solution."""
    for target, path in mapping.items():
        parsed_path(path)
        if has_each(path) and target.partition(".")[0] in ("problem", "comparison"):
            raise RowError("mapping", f"{path!r} has [each], one for each solution, but {target} is not of a solution")


def mapped_rows(row: Row, mapping: Mapping[str, str]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """The canonical rows that the mapping makes of another: one, or one for each item at `[each]`; and what it lacks."""
    count = item_count(row, [path for path in mapping.values() if has_each(path)])
    for item in range(count) if count else (None,):
        yield mapped_row(row, mapping, item)


def mapped_row(row: Row, mapping: Mapping[str, str], item: int | None) -> tuple[dict[str, Any], list[str]]:
    """A value that the row lacks is null, and noted. Raises RowError where it is the problem."""
    canonical: dict[str, Any] = {}
    notes: list[str] = []
    for target, path in mapping.items():
        value = value_at(row, path, item=item)
        if value is MISSING:
            if target in ("problem", "problem.statement"):
                raise RowError(path, f"is missing; it is mapped to {target}")
            notes.append(missing_note(path, target))
            value = None
        *parents, last = target.split(".")
        parent = canonical
        for name in parents:
            parent = parent.setdefault(name, {})
        parent[last] = plain_list(value) if last == "steps" else value
    solution = canonical.get("solution")
    if isinstance(solution, dict) and all(is_blank(value) for value in solution.values()):
        canonical["solution"] = None
    return canonical, notes


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
