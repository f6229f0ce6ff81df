"""Which solutions become tasks, said in one line: `wrong,subject:Algebra,sample:200`."""

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

Solutions = QuerySet[Solution]

_WITH_VALUE = {"source", "subject", "level"}


def _unlabeled(solutions: Solutions, _: str) -> Solutions:
    spoken, here = Assignment.objects.spoken(), OuterRef("pk")
    return solutions.exclude(Exists(spoken.filter(task__solution=here, grown__isnull=True))).exclude(
        Exists(spoken.filter(grown=here))
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

TERMS = "all, right, wrong, unlabeled, source:NAME, subject:NAME, level:NAME, unsure:RUN, sample:N"


@cache
def _filters() -> dict[str, Callable[[Solutions, str], Solutions]]:
    """Ours, and those of apps that labeling does not know: settings name them."""
    return _FILTERS | {name: import_string(path) for name, path in settings.SELECTION_TERMS.items()}


def _takes_value(name: str) -> bool:
    return name in _WITH_VALUE or name in settings.SELECTION_TERMS


@dataclass(frozen=True, slots=True)
class Selection:
    """Terms that all have to hold; `sample` takes that many at random, the same ones each time."""

    terms: tuple[tuple[str, str], ...] = ()
    sample: int | None = None

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Raises DomainError naming `select` for a term that there is not."""
        terms: list[tuple[str, str]] = []
        sample: int | None = None
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition(":")
            if name == "sample" and value.isdecimal() and len(value) < 10 and int(value) > 0:
                sample = int(value)
            elif name in _filters() and bool(value) == _takes_value(name):
                terms.append((name, value))
            else:
                raise DomainError(f"Unknown selection {part!r}. Terms: {TERMS}.", fields={"select": f"unknown: {part}"})
        return cls(tuple(terms), sample)

    def __str__(self) -> str:
        words = [f"{name}:{value}" if value else name for name, value in self.terms]
        return ",".join([*words, *([f"sample:{self.sample}"] if self.sample else [])]) or "all"

    def apply(self, solutions: QuerySet[Solution]) -> QuerySet[Solution]:
        """In the order in which they are to be served."""
        for name, value in self.terms:
            solutions = _filters()[name](solutions, value)
        if self.sample is None:
            return solutions.order_by("id")
        # The digest is a hash of the content: its order is as good as chance, and the same each time.
        return solutions.order_by("digest")[: self.sample]
