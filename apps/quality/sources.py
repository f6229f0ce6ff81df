"""What counted people say of the steps of some solutions: for pages that show many solutions at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.corpus.models import Solution
from apps.projects.models import Project
from apps.quality.consensus.load import load_ratings


@dataclass(slots=True)
class CountedRatings:
    """By step id, one rating a labeler; and by solution id, how many labelers rated any of its steps."""

    by_step: dict[int, list[int]] = field(default_factory=dict)
    people: dict[int, int] = field(default_factory=dict)


def counted_ratings(solutions: Sequence[Solution]) -> CountedRatings:
    """The same ratings that consensus is computed from. Three queries for each project."""
    found = CountedRatings()
    by_project: defaultdict[int, list[int]] = defaultdict(list)
    for one in solutions:
        by_project[one.project_id].append(one.pk)
    for project_id, ids in by_project.items():
        words = load_ratings(Project(pk=project_id), ids)
        ratings = words.ratings
        for step, rating in zip(words.steps[ratings.steps].tolist(), ratings.ratings.tolist(), strict=True):
            found.by_step.setdefault(step, []).append(rating)
        said = words.ratings.first_errors()
        for solution_id in words.solutions[said.solutions].tolist():
            found.people[solution_id] = found.people.get(solution_id, 0) + 1
    return found
