"""How large a blind round must be in this project, for a bar or for an interval."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import DomainError
from apps.labeling.rounds.plan import selectable_solutions
from apps.projects.models import Project
from apps.quality.rules import rules_for
from apps.quality.trust.certification_rule import BlindRoundSize, round_for_bar, round_for_half_width
from apps.quality.trust.truth import erroneous_share

USUAL_RATE, USUAL_ERRONEOUS = 0.9, 0.5
LEAST_ERRONEOUS = 0.02  # A share that people have not found yet must not make the round endless.


@dataclass(frozen=True, slots=True)
class SizeAdvice:
    """A round of `needed` solutions, of the `pool` that the project has.

    `erroneous` is the assumed share of solutions with an error; `is_known` if it is that of the project's labels. `rate` is
    the judge's assumed true rate.
    """

    needed: BlindRoundSize
    pool: int
    rate: float
    erroneous: float
    is_known: bool

    @property
    def size(self) -> int:
        """The needed size, or the whole pool if it is smaller."""
        return min(self.needed.solutions, self.pool)

    @property
    def is_enough(self) -> bool:
        return self.pool >= self.needed.solutions


def advise_size(project: Project, *, half_width: float | None = None, rate: float = USUAL_RATE) -> SizeAdvice:
    """For an interval of +- `half_width`; without it, for the project's bar. Raises DomainError that names the field."""
    known = erroneous_share(project)
    erroneous = USUAL_ERRONEOUS if known is None else min(1 - LEAST_ERRONEOUS, max(LEAST_ERRONEOUS, known))
    try:
        if half_width is None:
            needed = round_for_bar(rules_for(project).judge_bar, rate=rate, erroneous=erroneous)
        else:
            needed = round_for_half_width(half_width, rate=rate, erroneous=erroneous)
    except ValueError as error:
        field, _, text = str(error).partition(": ")
        raise DomainError(f"The size cannot be computed: {error}.", fields={field: text}) from error
    pool = selectable_solutions(project).count()
    return SizeAdvice(needed, pool, rate, erroneous, is_known=known is not None)
