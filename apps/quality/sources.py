"""The labels of the steps of many solutions by each source, as strips of marks: for pages that list solutions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from apps.corpus.labels import BAD, OKAY, is_tie
from apps.corpus.models import Solution, Step
from apps.estimation.latest import newest_step_labels
from apps.judging.latest import newest_judge_ratings
from apps.labeling.models import GoldLabel
from apps.projects.models import Project
from apps.quality.consensus.load import load_ratings
from apps.quality.models import ConsensusMethod, StepConsensus
from apps.quality.trust.blind_rounds import hiding_rounds

LONGEST_STRIP = 60

Marks = dict[int, str]  # By step id: great, okay, bad, split or tie.


@dataclass(frozen=True, slots=True)
class Strip:
    """A solution's steps as small marks, and the source that they come from; empty where no source has labels.

    `people` is the number of labelers with counted ratings of the solution. `hidden_in` is the number of the blind round
    in which people label it: the marks of models are hidden meanwhile.
    """

    marks: list[str]
    people: int
    source: str
    is_cut: bool
    hidden_in: int | None = None


@dataclass(slots=True)
class CountedRatings:
    """By step id, one rating a labeler; and by solution id, how many labelers rated any of its steps."""

    by_step: dict[int, list[int]] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)


def strips_of(solutions: Sequence[Solution]) -> dict[int, Strip]:
    """By solution: the strip of the first source that labels it. Twelve queries, however many solutions.

    The consensus comes first where a reviewer adjudicated a step; then people, gold, Monte Carlo, and the judges.
    """
    paths, counted = _paths(solutions), counted_ratings(solutions)
    hiding = hiding_rounds([solution.pk for solution in solutions])
    shown = [solution for solution in solutions if solution.pk not in hiding]
    marks_by_source = [
        ("reviewers", _adjudicated_marks(solutions)),
        ("people", _people_marks(counted)),
        ("gold", _gold_marks(solutions)),
        ("Monte Carlo", _monte_carlo_marks(shown)),
        *_judge_marks(shown),
    ]
    strips: dict[int, Strip] = {}
    for solution in solutions:
        path, people = paths.get(solution.pk, []), counted.people.get(solution.pk, 0)
        source, marks = next(
            ((source, marks) for source, marks in marks_by_source if not marks.keys().isdisjoint(path)), ("", {})
        )
        strip = _strip(path, source, marks, people)
        strips[solution.pk] = strip if source else replace(strip, hidden_in=hiding.get(solution.pk))
    return strips


def source_strips_of(solutions: Sequence[Solution]) -> dict[int, list[Strip]]:
    """By solution: a strip for every source that labels it; one without marks stands for hidden models. Twelve queries."""
    hiding = hiding_rounds([solution.pk for solution in solutions])
    shown = [solution for solution in solutions if solution.pk not in hiding]
    paths, people = _paths(solutions), _people_marks(counted_ratings(solutions))
    labels = StepConsensus.objects.filter(step__solution__in=solutions).values_list("step", "rating")
    # A tied step has no consensus, and is marked as a tie.
    consensus = {step_id: mark for step_id, mark in people.items() if mark == "tie"}
    consensus |= {step_id: _mark({rating}) for step_id, rating in labels}
    marks_by_source = [
        ("people", people),
        ("Monte Carlo", _monte_carlo_marks(shown)),
        *_judge_marks(shown),
        ("gold", _gold_marks(solutions)),
        ("consensus", consensus),
    ]
    strips: dict[int, list[Strip]] = {}
    for solution in solutions:
        path = paths.get(solution.pk, [])
        strips[solution.pk] = [
            _strip(path, source, marks) for source, marks in marks_by_source if not marks.keys().isdisjoint(path)
        ]
        if solution.pk in hiding:
            strips[solution.pk].append(Strip([], 0, "models", is_cut=False, hidden_in=hiding[solution.pk]))
    return strips


def counted_ratings(solutions: Sequence[Solution]) -> CountedRatings:
    """The ratings that consensus is computed from. Three queries for each project."""
    counted = CountedRatings()
    by_project: defaultdict[int, list[int]] = defaultdict(list)
    for solution in solutions:
        by_project[solution.project_id].append(solution.pk)
    for project_id, solution_ids in by_project.items():
        loaded = load_ratings(Project(pk=project_id), solution_ids)
        ratings = loaded.ratings
        for step_id, rating in zip(loaded.steps[ratings.steps].tolist(), ratings.ratings.tolist(), strict=True):
            counted.by_step.setdefault(step_id, []).append(rating)
        for solution_id in loaded.solutions[ratings.first_errors().solutions].tolist():
            counted.people[solution_id] = counted.people.get(solution_id, 0) + 1
    return counted


def _strip(path: Sequence[int], source: str, marks: Mapping[int, str], people: int = 0) -> Strip:
    shown = [marks.get(step_id, "none") for step_id in path[:LONGEST_STRIP]]
    return Strip(shown, people, source, len(path) > LONGEST_STRIP)


def _paths(solutions: Sequence[Solution]) -> dict[int, list[int]]:
    """By solution: the ids of the steps on its path, in order."""
    paths: dict[int, list[int]] = {}
    steps = Step.objects.filter(solution__in=solutions, chosen=True).order_by("position", "candidate")
    for step_id, solution_id in steps.values_list("pk", "solution"):
        paths.setdefault(solution_id, []).append(step_id)
    return paths


# --- marks of each source ---------------------------------------------------------------------------------


def _mark(ratings: set[int]) -> str:
    """The mark is split where people differ about a bad step."""
    if BAD in ratings:
        return "bad" if ratings == {BAD} else "split"
    return "okay" if OKAY in ratings else "great"


def _people_marks(counted: CountedRatings) -> Marks:
    """The mark is a tie where equally many people give two ratings, and split where one side is outvoted."""
    return {step: "tie" if is_tie(ratings) else _mark(set(ratings)) for step, ratings in counted.by_step.items()}


def _gold_marks(solutions: Sequence[Solution]) -> Marks:
    labels = GoldLabel.objects.filter(step__solution__in=solutions).values_list("step", "rating")
    return {step_id: _mark({rating}) for step_id, rating in labels}


def _monte_carlo_marks(solutions: Sequence[Solution]) -> Marks:
    labels = newest_step_labels({solution.pk: solution.step_count for solution in solutions})
    return {step_id: _mark({label}) for step_id, label in labels.items()}


def _judge_marks(solutions: Sequence[Solution]) -> list[tuple[str, Marks]]:
    """By the judge's name, in order of the names."""
    marks: defaultdict[str, Marks] = defaultdict(dict)
    newest = newest_judge_ratings({solution.pk: solution.step_count for solution in solutions})
    for by_judge in newest.values():
        for name, ratings in by_judge.items():
            marks[name] |= {step_id: _mark({rating}) for step_id, rating in ratings.by_step.items()}
    return sorted(marks.items())


def _adjudicated_marks(solutions: Sequence[Solution]) -> Marks:
    """The consensus of all steps of solutions in which a reviewer adjudicated one."""
    labels = list(
        StepConsensus.objects.filter(step__solution__in=solutions, step__chosen=True).values_list(
            "step__solution_id", "step", "rating", "how"
        )
    )
    adjudicated = {solution_id for solution_id, *_, how in labels if how == ConsensusMethod.ADJUDICATED}
    return {step_id: _mark({rating}) for solution_id, step_id, rating, _ in labels if solution_id in adjudicated}
