"""The samples of each problem: its solutions whose answers are graded, and which of their answers are equal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.core.cache import cache
from django.db.models import Q, Sum

from apps.corpus.models import SolutionGrade
from apps.estimation.models import SamplingRun
from apps.evaluation.metrics.majority import NO_ANSWER, Pair, answer_classes
from apps.labeling.models import Assignment
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.statistics.ratings import Bools, Ints, ints
from apps.verifiers.pool.pool import GradingPool

_INTEGER = re.compile(r"-?\d{1,18}")


@dataclass(frozen=True, slots=True)
class Samples:
    """One entry per solution, by id. `problems` are the ids of their problems."""

    solutions: Ints
    problems: Ints
    lengths: Ints
    is_right: Bools
    answers: Sequence[str]

    @property
    def is_answered(self) -> Bools:
        return self.is_right | np.array([bool(answer) for answer in self.answers], dtype=np.bool_)

    def where(self, mask: Bools) -> Samples:
        places = np.flatnonzero(mask).tolist()
        answers = [self.answers[place] for place in places]
        return Samples(self.solutions[mask], self.problems[mask], self.lengths[mask], self.is_right[mask], answers)


def load_samples(project: Project, source: str = "") -> Samples:
    """One query. An answer that cannot be read is not right; solutions that cannot be graded at all are left out.

    Without solutions that labelers derived, since no model sampled them.
    """
    derived = Assignment.objects.filter(round__project=project, derived_solution__isnull=False)
    graded = Q(is_correct__isnull=False) | Q(grade=SolutionGrade.UNPARSED)
    solutions = selectable_solutions(project).filter(graded).exclude(pk__in=derived.values("derived_solution"))
    if source:
        solutions = solutions.filter(source=source)
    rows = list(
        solutions.order_by("pk").values_list("pk", "problem_id", "step_count", "is_correct", "final_answer").iterator()
    )
    return Samples(
        solutions=ints([row[0] for row in rows]),
        problems=ints([row[1] for row in rows]),
        lengths=ints([row[2] for row in rows]),
        is_right=np.array([row[3] is True for row in rows], dtype=np.bool_),
        answers=[(row[4] or "").strip() for row in rows],
    )


def duplicate_count(project: Project) -> int:
    """Samples that were not stored because their text existed already: samples are distinct texts."""
    counts = SamplingRun.objects.filter(project=project).aggregate(count=Sum("duplicates"))
    return int(counts["count"] or 0)


def classes_of(project: Project, samples: Samples) -> Ints:
    """The class of each sample's answer within its problem; NO_ANSWER without one.

    All right answers are one class, since each equals the reference. Wrong ones are compared by the problem's verifier,
    the most frequent ones first.
    """
    order = np.argsort(samples.problems, kind="stable")
    problem_ids, starts = np.unique(samples.problems[order], return_index=True)
    groups = np.split(order, starts[1:]) if len(order) else []
    wrong = [_wrong_answers(samples, group.tolist()) for group in groups]
    verifiers = dict(project.problems.filter(pk__in=problem_ids.tolist()).values_list("pk", "verifier"))
    names = [verifiers[pk] or project.verifier for pk in problem_ids.tolist()]
    with GradingPool() as pool:
        numbers = answer_classes(wrong, lambda pairs: _equal(pairs, names, pool))
    classes = np.full(len(samples.solutions), NO_ANSWER)
    for group, answers, own in zip(groups, wrong, numbers, strict=True):
        # Class 0 is that of the right answers.
        class_of = {answer: number + 1 for answer, number in zip(answers, own, strict=True)}
        for place in group.tolist():
            classes[place] = 0 if samples.is_right[place] else class_of.get(samples.answers[place], NO_ANSWER)
    return ints(classes)


def _wrong_answers(samples: Samples, places: Sequence[int]) -> list[str]:
    """The distinct wrong answers, the most frequent first."""
    answers = [samples.answers[place] for place in places if not samples.is_right[place] and samples.answers[place]]
    return sorted(dict.fromkeys(answers), key=lambda answer: -answers.count(answer))


def _equal(pairs: Sequence[Pair], verifiers: Sequence[str], pool: GradingPool) -> list[bool]:
    """By the verifier; two different integers are never equal, and need none."""
    equal = [False] * len(pairs)
    uncertain = [place for place, (_, first, second) in enumerate(pairs) if not _are_different_integers(first, second)]
    grades = pool.grade_many([(verifiers[pairs[place][0]], *pairs[place][1:]) for place in uncertain], cache=cache)
    for place, grade in zip(uncertain, grades, strict=True):
        equal[place] = grade.is_correct is True
    return equal


def _are_different_integers(first: str, second: str) -> bool:
    if _INTEGER.fullmatch(first) is None or _INTEGER.fullmatch(second) is None:
        return False
    return int(first) != int(second)
