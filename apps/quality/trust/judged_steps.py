"""Which steps a judge judged, and how, where people know the first error. Pure.

A judge names one first error, and a step is *marked bad* if it is that one. What counts as judged:

- The bad step of an erroneous solution is its first error. Where people accept several first errors, naming any of them
  finds it, and passing the last one misses it.
- Good steps are those before the last acceptable first error, in a solution without an error all of them. An acceptable
  first error that is not the bad step is neither good nor bad, since both verdicts on it are right.
- Steps after the first error are not judged: people did not rate them.
- A judge that stops too early marks one good step bad. It did not judge the later ones, so they are left out, and so is the
  bad step among them. Otherwise one mistake would count as many, and the two rates would not be those of steps.
- A verdict that cannot be read, a refusal and the tie of a chorus are wrong about each good step and miss the bad one. If
  they were left out, a judge that answers only easy questions would look best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.statistics.coefficients import confusions
from apps.quality.statistics.ratings import Bools, Floats, Ints, ints


@dataclass(frozen=True, slots=True)
class JudgedSolutions:
    """One entry per solution that a judge was asked about and whose first error people know.

    `named` is the judge's first error: a position, NO_ERROR, or UNKNOWN where its verdict cannot be read, it refused, or a
    chorus is tied. `accepted` holds each first error that people accept; with NO_ERROR among them the solution is not
    erroneous. `lengths` counts steps.
    """

    named: Ints
    accepted: Sequence[frozenset[int]]
    lengths: Ints

    @classmethod
    def of(cls, named: Any, accepted: Sequence[frozenset[int]], lengths: Any) -> JudgedSolutions:
        """From any sequences. Raises ValueError, which names the invalid one."""
        judged = cls(ints(named), accepted, ints(lengths))
        if not len(judged.named) == len(accepted) == len(judged.lengths):
            raise ValueError("named, accepted and lengths must be of one length")
        if (judged.lengths < 1).any():
            raise ValueError("lengths: must be at least 1")
        if ((judged.named < UNKNOWN) | (judged.named >= judged.lengths)).any():
            raise ValueError("named: must be a position in the solution, NO_ERROR or UNKNOWN")
        for errors, length in zip(accepted, judged.lengths.tolist(), strict=True):
            if not errors or not NO_ERROR <= min(errors) <= max(errors) < length:
                raise ValueError("accepted: must hold positions in the solution or NO_ERROR, at least one")
        return judged

    @property
    def offsets(self) -> Ints:
        """Where the steps of each solution begin in arrays of all steps, and the number of all steps."""
        return ints(np.concatenate(([0], np.cumsum(self.lengths))))

    @property
    def is_erroneous(self) -> Bools:
        return np.array([NO_ERROR not in errors for errors in self.accepted], dtype=np.bool_)

    @property
    def is_right(self) -> Bools:
        """Whether the judge names an acceptable first error; an unreadable verdict is wrong."""
        pairs = zip(self.named.tolist(), self.accepted, strict=True)
        return np.array([first_error in errors for first_error, errors in pairs], dtype=np.bool_)

    @property
    def is_readable(self) -> Bools:
        return np.asarray(self.named != UNKNOWN)

    def where(self, mask: Bools) -> JudgedSolutions:
        accepted = [errors for errors, is_kept in zip(self.accepted, mask.tolist(), strict=True) if is_kept]
        return JudgedSolutions(self.named[mask], accepted, self.lengths[mask])


@dataclass(frozen=True, slots=True)
class JudgedSteps:
    """One entry per judged step: its solution, its position, whether it is bad, and whether the judge marks it bad."""

    solutions: Ints
    positions: Ints
    is_bad: Bools
    is_marked: Bools

    def where(self, mask: Bools) -> JudgedSteps:
        return JudgedSteps(self.solutions[mask], self.positions[mask], self.is_bad[mask], self.is_marked[mask])

    def confusions(self, solution_count: int) -> Floats:
        """A row per solution: good and not marked, good and marked, bad and not marked, bad and marked."""
        rows = np.zeros((solution_count, 4))
        counts = confusions(self.is_bad * 1, self.is_marked * 1, self.solutions, 2)
        rows[: len(counts)] = counts
        return rows


def judged_steps(judged: JudgedSolutions, scored: Bools | None = None) -> JudgedSteps:
    """The judged steps, good ones first; `scored` is a mask over all steps, such as those that people rated."""
    good, bad = _good_steps(judged), _bad_steps(judged)
    steps = JudgedSteps(
        np.concatenate((good.solutions, bad.solutions)),
        np.concatenate((good.positions, bad.positions)),
        np.concatenate((good.is_bad, bad.is_bad)),
        np.concatenate((good.is_marked, bad.is_marked)),
    )
    if scored is None:
        return steps
    if len(scored) != judged.offsets[-1]:
        raise ValueError(f"scored: must have an entry for each of the {judged.offsets[-1]} steps")
    return steps.where(scored[judged.offsets[steps.solutions] + steps.positions])


def _good_steps(judged: JudgedSolutions) -> JudgedSteps:
    solutions = np.repeat(np.arange(len(judged.named)), judged.lengths)
    positions = np.arange(len(solutions)) - judged.offsets[solutions]
    is_accepted = np.zeros(len(solutions), dtype=np.bool_)
    is_accepted[[judged.offsets[place] + error for place, error in _accepted_errors(judged)]] = True
    named = judged.named[solutions]
    is_good = ~is_accepted & (positions < _ends(judged)[solutions])
    is_judged = (named < 0) | (positions <= named)
    is_marked = (positions == named) | (named == UNKNOWN)
    everywhere = JudgedSteps(solutions, positions, np.zeros(len(solutions), dtype=np.bool_), is_marked)
    return everywhere.where(is_good & is_judged)


def _bad_steps(judged: JudgedSolutions) -> JudgedSteps:
    is_found, ends = judged.is_right, _ends(judged)
    is_passed = (judged.named < 0) | (judged.named > ends)
    solutions = np.flatnonzero(judged.is_erroneous & (is_found | is_passed))
    positions = np.where(is_found, judged.named, ends)[solutions]
    return JudgedSteps(solutions, positions, np.ones(len(solutions), dtype=np.bool_), is_found[solutions])


def _accepted_errors(judged: JudgedSolutions) -> list[tuple[int, int]]:
    return [(place, error) for place, errors in enumerate(judged.accepted) for error in errors if error != NO_ERROR]


def _ends(judged: JudgedSolutions) -> Ints:
    """The last acceptable first error; the number of steps where no error is acceptable, too."""
    pairs = zip(judged.accepted, judged.lengths.tolist(), strict=True)
    return ints([length if NO_ERROR in errors else max(errors) for errors, length in pairs])
