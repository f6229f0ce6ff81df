"""Which solutions become tasks, and which are served first, in one line: `subject:Algebra,first:convincing,sample:200`.

`first:TERM` serves the solutions that satisfy a term before the others; of several, the first named weighs most.
`first:convincing` means wrong answers, the highest verifier score first: those that deceive a reward model.
`by:RULE` decides which solutions a sample has; without it, they are drawn at random.
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
from apps.labeling.rounds.choice import RULES, choice_rules
from apps.projects.models import Project

Solutions = QuerySet[Solution]
Term = tuple[str, str]  # Name and value; the value is empty for a term without one.

_WITH_VALUE = {"source", "subject", "level"}
_LAST = float("-inf")


def unlabeled(solutions: Solutions, _: str) -> Solutions:
    counted, solution = Assignment.objects.counted(), OuterRef("pk")
    labeled = counted.filter(task__solution=solution, derived_solution__isnull=True)
    return solutions.exclude(Exists(labeled)).exclude(Exists(counted.filter(derived_solution=solution)))


_FILTERS: dict[str, Callable[[Solutions, str], Solutions]] = {
    "all": lambda solutions, _: solutions,
    "right": lambda solutions, _: solutions.filter(is_correct=True),
    "wrong": lambda solutions, _: solutions.filter(is_correct=False),
    "unlabeled": unlabeled,
    "source": lambda solutions, value: solutions.filter(source=value),
    "subject": lambda solutions, value: solutions.filter(problem__subject=value),
    "level": lambda solutions, value: solutions.filter(problem__level=value),
}

TERMS = (
    "all, right, wrong, unlabeled, source:NAME, subject:NAME, level:NAME, unsure:RUN, dispute:KIND, cascade:N, sample:N, "
    f"by:RULE ({', '.join(RULES)}), first:TERM, first:convincing"
)
CONVINCING = "convincing"


@cache
def _filters() -> dict[str, Callable[[Solutions, str], Solutions]]:
    """The filters of this module, and those that apps unknown to labeling register in the settings."""
    return _FILTERS | {name: import_string(path) for name, path in settings.SELECTION_TERMS.items()}


def _term(text: str) -> Term | None:
    """The parsed term; None if there is no such term."""
    name, _, value = text.partition(":")
    takes_value = name in _WITH_VALUE or name in settings.SELECTION_TERMS
    return (name, value) if name in _filters() and bool(value) == takes_value else None


@dataclass(frozen=True, slots=True)
class Selection:
    """All `terms` must hold. `sample` takes that many, the same ones each time: by the rule `by`, else at random.

    `first` orders the selected solutions; it leaves none out.
    """

    terms: tuple[Term, ...] = ()
    sample: int | None = None
    first: tuple[Term, ...] = ()
    by: str = ""

    @classmethod
    def parse(cls, text: str) -> Selection:
        """Raises DomainError naming `select` for an unknown term."""
        terms: list[Term] = []
        first: list[Term] = []
        sample: int | None = None
        by = ""
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition(":")
            if name == "sample" and value.isdecimal() and len(value) < 10 and int(value) > 0:
                sample = int(value)
            elif name == "by" and value in RULES:
                by = value
            elif name == "first" and (term := (CONVINCING, "") if value == CONVINCING else _term(value)):
                first.append(term)
            elif term := _term(part):
                terms.append(term)
            else:
                raise DomainError(f"Unknown selection {part!r}. Terms: {TERMS}.", fields={"select": f"unknown: {part}"})
        if by and sample is None:
            raise DomainError(
                f"by:{by} needs a number of solutions to choose: add sample:N.",
                fields={"select": "by: needs sample:N"},
            )
        return cls(tuple(terms), sample, tuple(first), by)

    def __str__(self) -> str:
        texts = [":".join(filter(None, term)) for term in self.terms]
        texts += [":".join(filter(None, ("first", *term))) for term in self.first]
        texts += [f"by:{self.by}"] if self.by else []
        return ",".join([*texts, *([f"sample:{self.sample}"] if self.sample else [])]) or "all"

    def apply(self, solutions: QuerySet[Solution]) -> QuerySet[Solution]:
        """The selected solutions, in the order in which they are served apart from `first`."""
        for name, value in self.terms:
            solutions = _filters()[name](solutions, value)
        if self.sample is None:
            return solutions.order_by("id")
        if self.by:
            return solutions.filter(pk__in=choice_rules()[self.by](solutions, self.sample)).order_by("id")
        # The digest is a hash of the content, so its order is a random order that is the same each time.
        return solutions.order_by("digest")[: self.sample]

    def priorities(self, project: Project) -> dict[int, int]:
        """The priority of each solution that a `first` term names, by its id; the others have priority 0."""
        weights = [term_weights(project, term) for term in self.first]
        keys = {pk: tuple(weight.get(pk, _LAST) for weight in weights) for pk in set().union(*weights)}
        rank = {key: place for place, key in enumerate(sorted(set(keys.values())), start=1)}
        return {pk: rank[key] for pk, key in keys.items()}


def term_weights(project: Project, term: Term) -> dict[int, float]:
    """The weight of each solution that a `first` term names: the higher, the earlier it is served."""
    solutions = Solution.objects.filter(project=project)
    if term[0] == CONVINCING:
        wrong = solutions.filter(is_correct=False).values_list("id", "verifier_score")
        return {pk: score if score is not None else -1e300 for pk, score in wrong}
    named = _filters()[term[0]](solutions, term[1]).order_by()
    return dict.fromkeys(named.values_list("id", flat=True), 1.0)
