"""Which solutions become tasks, and which of them first, in one line: `subject:Algebra,first:convincing,sample:200`.

`first:TERM` puts the solutions for which a term holds before the others; of several, the one that is named first
weighs most. `first:convincing` is for wrong answers, the highest verifier score first: what a reward model falls for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.module_loading import import_string

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.labeling.models import Assignment
from apps.projects.models import Project

Solutions = QuerySet[Solution]

_WITH_VALUE = {"source", "subject", "level"}


def _unlabeled(solutions: Solutions, _: str) -> Solutions:
    counted, here = Assignment.objects.counted(), OuterRef("pk")
    return solutions.exclude(Exists(counted.filter(task__solution=here, grown__isnull=True))).exclude(
        Exists(counted.filter(grown=here))
    )


_FILTERS: dict[str, Callable[[Solutions, str], Solutions]] = {
    "all": lambda solutions, _: solutions,
    "right": lambda solutions, _: solutions.filter(is_correct=True),
    "wrong": lambda solutions, _: solutions.filter(is_correct=False),
    "unlabeled": _unlabeled,
    "source": lambda solutions, value: solutions.filter(source=value),
    "subject": lambda solutions, value: solutions.filter(problem__subject=value),
    "level": lambda solutions, value: solutions.filter(problem__level=value),
}

TERMS = (
    "all, right, wrong, unlabeled, source:NAME, subject:NAME, level:NAME, unsure:RUN, dispute:KIND, sample:N, "
    "first:TERM, first:convincing"
)
CONVINCING = "convincing"


@cache
def _filters() -> dict[str, Callable[[Solutions, str], Solutions]]:
    """Ours, and those of apps that labeling does not know: settings name them."""
    return _FILTERS | {name: import_string(path) for name, path in settings.SELECTION_TERMS.items()}


def _takes_value(name: str) -> bool:
    return name in _WITH_VALUE or name in settings.SELECTION_TERMS


def _parted(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value


def _word(term: tuple[str, str]) -> str:
    return ":".join(filter(None, term))


def _is_term(text: str) -> bool:
    name, value = _parted(text)
    return name in _filters() and bool(value) == _takes_value(name)


@dataclass(frozen=True, slots=True)
class Selection:
    """Terms that all have to hold; `sample` takes that many at random, the same ones each time.

    `first` says what comes first of what they leave; it leaves nothing out.
    """

    terms: tuple[tuple[str, str], ...] = ()
    sample: int | None = None
    first: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Raises DomainError naming `select` for a term that there is not."""
        terms: list[tuple[str, str]] = []
        first: list[tuple[str, str]] = []
        sample: int | None = None
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition(":")
            if name == "sample" and value.isdecimal() and len(value) < 10 and int(value) > 0:
                sample = int(value)
            elif name == "first" and (value == CONVINCING or _is_term(value)):
                first.append(_parted(value))
            elif _is_term(part):
                terms.append(_parted(part))
            else:
                raise DomainError(f"Unknown selection {part!r}. Terms: {TERMS}.", fields={"select": f"unknown: {part}"})
        return cls(tuple(terms), sample, tuple(first))

    def __str__(self) -> str:
        words = [_word(term) for term in self.terms]
        words += [f"first:{_word(term)}" for term in self.first]
        return ",".join([*words, *([f"sample:{self.sample}"] if self.sample else [])]) or "all"

    def apply(self, solutions: QuerySet[Solution]) -> QuerySet[Solution]:
        """In the order in which they are to be served."""
        for name, value in self.terms:
            solutions = _filters()[name](solutions, value)
        if self.sample is None:
            return solutions.order_by("id")
        # The digest is a hash of the content: its order is as good as chance, and the same each time.
        return solutions.order_by("digest")[: self.sample]

    def priorities(self, project: Project) -> dict[int, int]:
        """By a solution's id, how far before the others it comes; those that no `first` names are left out."""
        weights = [_weights(project, term) for term in self.first]
        keys = {pk: tuple(one.get(pk, _LAST) for one in weights) for pk in set().union(*weights)}
        rank = {key: place for place, key in enumerate(sorted(set(keys.values())), start=1)}
        return {pk: rank[key] for pk, key in keys.items()}


_LAST = float("-inf")


def _weights(project: Project, term: tuple[str, str]) -> dict[int, float]:
    """Of the solutions that a `first` names, the higher the earlier."""
    solutions = Solution.objects.filter(project=project)
    if term[0] == CONVINCING:
        scored = solutions.filter(is_correct=False).values_list("id", "verifier_score")
        return {pk: score if score is not None else -1e300 for pk, score in scored}
    found = _filters()[term[0]](solutions, term[1]).order_by()
    return dict.fromkeys(found.values_list("id", flat=True), 1.0)
