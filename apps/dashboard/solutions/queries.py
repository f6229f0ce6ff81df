"""The solution browser: its filters, and the strip of ratings of each row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Left

from apps.corpus.labels import BAD, OKAY, is_tie
from apps.corpus.models import Problem, Solution, Step
from apps.estimation.latest import counted_run_q, newest_step_labels
from apps.estimation.models import StepEstimate
from apps.judging.models import StepVerdict
from apps.labeling.models import Assignment, GoldLabel
from apps.projects.models import Project
from apps.quality.models import How, StepConsensus
from apps.quality.sources import CountedRatings, counted_ratings

EXCERPT = 400  # Characters of a statement that a list shows.
LONGEST_STRIP = 60

Solutions = QuerySet[Solution]


def labeled_q() -> Q:
    counted, solution = Assignment.objects.counted(), OuterRef("pk")
    return Exists(counted.filter(task__solution=solution, grown__isnull=True)) | Exists(counted.filter(grown=solution))


def gold_q() -> Exists:
    return Exists(GoldLabel.objects.filter(step__solution=OuterRef("pk")))


LABELS = {
    "people": lambda solutions: solutions.filter(labeled_q()),
    "none": lambda solutions: solutions.filter(~labeled_q()),
    "gold": lambda solutions: solutions.filter(gold_q()),
    "monte_carlo": lambda solutions: solutions.filter(
        Exists(StepEstimate.objects.filter(counted_run_q("run__"), step__solution=OuterRef("pk")))
    ),
    "judges": lambda solutions: solutions.filter(Exists(StepVerdict.objects.filter(step__solution=OuterRef("pk")))),
}


def browse(project: Project, filters: dict[str, Any]) -> Solutions:
    """The project's solutions that match; `filters` are the cleaned fields of `BrowseForm`."""
    solutions = Solution.objects.written().filter(project=project)
    answers = {
        "right": solutions.right,
        "wrong": solutions.wrong,
        "ungraded": lambda: solutions.filter(is_correct=None),
        "differing": solutions.differing,
    }
    if filters.get("answer") in answers:
        solutions = answers[filters["answer"]]()
    if filters.get("labels") in LABELS:
        solutions = LABELS[filters["labels"]](solutions)
    if filters.get("source"):
        solutions = solutions.filter(source=filters["source"])
    of_problem = {"subject": filters.get("subject"), "level": filters.get("level"), "pk": filters.get("problem")}
    terms = {name: value for name, value in of_problem.items() if value not in (None, "")}
    if filters.get("text"):
        terms["statement__icontains"] = filters["text"]
    if not terms:
        return solutions
    return solutions.filter(problem__in=Problem.objects.filter(project=project, **terms).order_by())


def for_list(solutions: Solutions) -> Solutions:
    """The solutions with an `excerpt` of the problem's statement, as a row of the list shows it."""
    return solutions.annotate(excerpt=Left("problem__statement", EXCERPT)).defer("extras")


# --- strips -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Strip:
    """A solution's steps as small marks.

    What stands where a reviewer has spoken; else what people say, else gold, else Monte Carlo, else a judge.
    """

    marks: list[str]
    people: int
    by: str
    is_cut: bool


def with_strips(solutions: Iterable[Solution]) -> list[Solution]:
    """Gives each a `strip`, and whether it `is_same_problem` as the one above. Ten queries, however many."""
    shown = list(solutions)
    steps, counted = _paths(shown), counted_ratings(shown)
    said = [
        ("reviewers", _adjudicated(shown)),
        ("people", _people(counted)),
        ("gold", _gold(shown)),
        ("Monte Carlo", _monte_carlo(shown)),
        *_judges(shown),
    ]
    before = None
    for one in shown:
        one.strip = _strip(steps.get(one.pk, []), said, counted.people.get(one.pk, 0))  # type: ignore[attr-defined]
        one.is_same_problem, before = one.problem_id == before, one.problem_id  # type: ignore[attr-defined]
    return shown


def _strip(path: list[int], said: list[tuple[str, dict[int, str]]], people: int) -> Strip:
    by, marks = next(((by, marks) for by, marks in said if any(step in marks for step in path)), ("", {}))
    drawn = [marks.get(step, "none") for step in path[:LONGEST_STRIP]]
    return Strip(drawn, people, by, len(path) > LONGEST_STRIP)


def _paths(solutions: list[Solution]) -> dict[int, list[int]]:
    """The step on the path at each position, in order."""
    paths: dict[int, list[int]] = {}
    steps = Step.objects.filter(solution__in=solutions, chosen=True).order_by("position", "candidate")
    for pk, solution_id in steps.values_list("pk", "solution"):
        paths.setdefault(solution_id, []).append(pk)
    return paths


def _people(counted: CountedRatings) -> dict[int, str]:
    """A tie is a tie; where the others outvote those who call a step bad, or the other way round, the mark is split."""
    return {step: "tie" if is_tie(ratings) else _mark(set(ratings)) for step, ratings in counted.by_step.items()}


def _mark(ratings: set[int]) -> str:
    """Where people differ about a bad step, the mark says so."""
    if BAD in ratings:
        return "bad" if ratings == {BAD} else "split"
    return "okay" if OKAY in ratings else "great"


def _gold(solutions: list[Solution]) -> dict[int, str]:
    found = GoldLabel.objects.filter(step__solution__in=solutions).values_list("step", "rating")
    return {step: _mark({rating}) for step, rating in found}


def _monte_carlo(solutions: list[Solution]) -> dict[int, str]:
    labels = newest_step_labels({one.pk: one.step_count for one in solutions})
    return {step: _mark({label}) for step, label in labels.items()}


def _judges(solutions: list[Solution]) -> list[tuple[str, dict[int, str]]]:
    """Each judge by name, with its newest run's words."""
    found = StepVerdict.objects.filter(step__solution__in=solutions, step__chosen=True).oldest_run_first()
    columns = ("run__judge__name", "step__solution_id", "run_id", "step_id", "rating")
    said = ((*told, _mark({rating})) for *told, rating in found.values_list(*columns))
    return sorted(_newest(said).items())


def _newest(said: Iterable[tuple[Any, ...]]) -> dict[str, dict[int, str]]:
    """By source the marks of steps, from what runs say, the oldest first: source, solution, run, step and mark.

    One run speaks for a whole solution: words of several together would be a strip that nobody said.
    """
    runs: dict[tuple[str, int], tuple[int, dict[int, str]]] = {}
    for source, solution, run, step, mark in said:
        if runs.get((source, solution), (None,))[0] != run:
            runs[source, solution] = (run, {})
        runs[source, solution][1][step] = mark
    marks: dict[str, dict[int, str]] = {}
    for (source, _), (_, of_steps) in runs.items():
        marks.setdefault(source, {}).update(of_steps)
    return marks


def _adjudicated(solutions: list[Solution]) -> dict[int, str]:
    """What stands for the steps of solutions of which a reviewer has settled a step: with the others' it is one path."""
    found = StepConsensus.objects.filter(step__solution__in=solutions, step__chosen=True)
    stands = list(found.values_list("step__solution_id", "step", "rating", "how"))
    settled = {solution_id for solution_id, *_, how in stands if how == How.ADJUDICATED}
    return {step: _mark({rating}) for solution_id, step, rating, _ in stands if solution_id in settled}


def _consensus(solutions: list[Solution], counted: CountedRatings) -> dict[int, str]:
    """A tied step has no label that stands, and is shown all the same."""
    ties = {step: "tie" for step, ratings in counted.by_step.items() if is_tie(ratings)}
    found = StepConsensus.objects.filter(step__solution__in=solutions).values_list("step", "rating")
    return ties | {step: _mark({rating}) for step, rating in found}


def with_sources(solutions: Iterable[Solution]) -> list[Solution]:
    """Gives each `sources`: a strip for every source that says anything of it. Ten queries, however many."""
    shown = list(solutions)
    steps, counted = _paths(shown), counted_ratings(shown)
    said = [
        ("people", _people(counted)),
        ("Monte Carlo", _monte_carlo(shown)),
        *_judges(shown),
        ("gold", _gold(shown)),
        ("stands", _consensus(shown, counted)),
    ]
    for one in shown:
        path = steps.get(one.pk, [])
        strips = [_strip(path, [source], 0) for source in said]
        one.sources = [strip for strip in strips if strip.by]  # type: ignore[attr-defined]
    return shown
