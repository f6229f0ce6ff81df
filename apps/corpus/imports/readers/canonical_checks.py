"""What the parts of a canonical row require of each other: steps that exist, counts that fit, whose labels count. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from msgspec import structs

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.base import Row
from apps.corpus.imports.readers.fields import is_blank
from apps.corpus.labels import BAD
from apps.corpus.records import (
    ComparisonRecord,
    CritiqueRecord,
    EstimateRecord,
    JudgeRecord,
    PersonRecord,
    RowError,
    ScoreRecord,
    SolutionRecord,
    StepPlace,
    StepRecord,
)

# What an import leaves out of `people`, as it is counted under `ignored`.
CORRECTED = "people[] (ratings that a reviewer corrected)"
CORRECTION = "people[] (a reviewer's correction)"
SUSPENDED = "people[].is_suspended (the labels count here)"
SELF_REVIEWED = "people[].self_reviewed"  # Only of a reviewer's correction; on a labeler's entry it has no meaning.

Place = tuple[int, int]


def with_checked_steps(solution: SolutionRecord, at: str) -> SolutionRecord:
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
    left_side = with_checked_steps(comparison.left, "comparison.left")
    right_side = comparison.right and with_checked_steps(comparison.right, "comparison.right")
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


def checked_labelers(
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
    check_places([(rating.position, rating.candidate) for rating in person.steps], places, f"{at}.steps")
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


def check_places(named_places: Sequence[Place | int], places: Collection[Place | int], at: str) -> None:
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
        check_places([count.position for count in estimate.steps], path, at)


def check_judges(judges: Sequence[JudgeRecord], places: Collection[Place]) -> None:
    keys: set[tuple[str, int, int | None]] = set()
    for index, judge in enumerate(judges):
        check_places([(rating.position, rating.candidate) for rating in judge.steps], places, f"judges[{index}].steps")
        if judge.key in keys:
            raise RowError(f"judges[{index}].judge", "is in the row twice: give the second another `version` or `run`")
        keys.add(judge.key)


def check_scores(scores: Sequence[ScoreRecord], path: Collection[int]) -> None:
    keys: set[tuple[str, int | None]] = set()
    for index, score in enumerate(scores):
        check_places([step.position for step in score.steps], path, f"scores[{index}].steps")
        if score.key in keys:
            raise RowError(f"scores[{index}].scorer", "is in the row twice: give the second another `run`")
        keys.add(score.key)
