"""Best-of-N of every scorer, the majority and pass@N, all on the same problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from apps.core.errors import DomainError
from apps.corpus.models import Problem
from apps.evaluation.metrics.reducers import reduce_scores
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Progress, Report
from apps.evaluation.reports.curves import SampledProblems
from apps.evaluation.sources.raters import Rater
from apps.evaluation.sources.samples import Samples, classes_of, duplicate_count, load_samples
from apps.evaluation.sources.scorers import (
    OUTCOME_RATER,
    VERIFIER_SCORE,
    rater_of,
    scores_of_files,
    scoring_runs,
    solution_step_scores,
)
from apps.projects.models import Project
from apps.quality.statistics.ratings import Bools, Floats, Ints, ints
from apps.scoring.reducers import Reducer

# N goes as far as this share of the problems has samples; the others are left out.
SHARE_WITH_SAMPLES = 0.9
FEWEST_SAMPLES = 2
MOST_CONVINCING = 10
MOST_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class ScoredSamples:
    """The scores of one scorer by reducer ("" for scores of whole solutions); NaN without one."""

    rater: Rater
    by_reducer: dict[str, Floats]

    def is_complete(self) -> Bools:
        """Which samples have a score by every reducer."""
        return np.asarray(~np.isnan(np.stack(list(self.by_reducer.values()))).any(axis=0))

    def where(self, mask: Bools) -> ScoredSamples:
        return ScoredSamples(self.rater, {name: scores[mask] for name, scores in self.by_reducer.items()})


def best_of_n(project: Project, options: EvaluationOptions, progress: Progress) -> Report:
    samples = load_samples(project, options.source)
    scored = _scored(project, samples, options.scorer)
    is_common, left_out = _common_problems(samples, scored)
    largest_n = _largest_n(samples.problems[is_common], options.max_n)
    is_short = is_common & (_counts(samples.problems, is_common) < largest_n)
    is_common &= ~is_short
    left_out["short"] = len(np.unique(samples.problems[is_short]))
    samples, scored = samples.where(is_common), [scorer.where(is_common) for scorer in scored]
    count = len(np.unique(samples.problems))
    return {
        "problems": count,
        "samples": len(samples.solutions),
        "right": int(samples.is_right.sum()),
        "largest_n": largest_n if count else None,
        "left_out": left_out,
        "duplicates": duplicate_count(project),
        "curves": _curves(project, samples, scored, largest_n=largest_n, options=options, progress=progress)
        if count
        else [],
        "convincing": [_convincing(samples, scorer) for scorer in scored],
    }


def _scored(project: Project, samples: Samples, scorer: str) -> list[ScoredSamples]:
    """The scorers that scored any of the samples."""
    offsets = ints(np.concatenate(([0], np.cumsum(samples.lengths))))
    every: list[ScoredSamples] = []
    for run in scoring_runs(project, scorer):
        scores = solution_step_scores(run, samples.solutions, samples.lengths)
        by_reducer: dict[str, Floats] = {name: reduce_scores(scores, offsets, name) for name in Reducer}
        every.append(ScoredSamples(rater_of(run), by_reducer))
    if scorer in ("", VERIFIER_SCORE):
        every.append(ScoredSamples(OUTCOME_RATER, {"": scores_of_files(project, samples.solutions)}))
    return [scored for scored in every if scored.is_complete().any()]


def _common_problems(samples: Samples, scored: list[ScoredSamples]) -> tuple[Bools, dict[str, int]]:
    """The samples of problems with at least FEWEST_SAMPLES, all scored by every scorer; and how many are left out.

    Scorers without such a problem are removed from `scored`. Raises DomainError if the others have none in common.
    """
    counts = _counts(samples.problems, np.ones(len(samples.solutions), dtype=np.bool_))
    is_several = counts >= FEWEST_SAMPLES
    complete = [is_several & (_counts(samples.problems, scorer.is_complete()) == counts) for scorer in scored]
    scored[:] = [scorer for scorer, mask in zip(scored, complete, strict=True) if mask.any()]
    is_common = np.logical_and.reduce([is_several, *(mask for mask in complete if mask.any())])
    if is_several.any() and not is_common.any():
        names = ", ".join(scorer.rater.name for scorer in scored)
        raise DomainError(
            f"There is no problem whose samples are all scored by each of {names}: choose one scorer.",
            fields={"scorer": "must be one of several without a common problem"},
        )
    return np.asarray(is_common), {
        "single": len(np.unique(samples.problems[~is_several])),
        "unscored": len(np.unique(samples.problems[is_several & ~is_common])),
    }


def _counts(problems: Ints, mask: Bools) -> Ints:
    """For each sample: how many samples under the mask its problem has."""
    _, numbers = np.unique(problems, return_inverse=True)
    return ints(np.bincount(numbers, weights=mask, minlength=1)[numbers])


def _largest_n(problems: Ints, most: int) -> int:
    """The number of samples that at least SHARE_WITH_SAMPLES of the problems have, up to `most`."""
    _, sizes = np.unique(problems, return_counts=True)
    if not len(sizes):
        return most
    return min(most, int(np.sort(sizes)[::-1][ceil(SHARE_WITH_SAMPLES * len(sizes)) - 1]))


def _curves(
    project: Project,
    samples: Samples,
    scored: Sequence[ScoredSamples],
    *,
    largest_n: int,
    options: EvaluationOptions,
    progress: Progress,
) -> list[Report]:
    """pass@N, the majority, and for each scorer best-of-N by each reducer and the vote weighted by the first."""
    problems = SampledProblems.of(samples.is_right, samples.problems, largest_n, options)
    total = 2 + sum(1 + len(scorer.by_reducer) for scorer in scored)
    progress(0, total)
    classes = classes_of(project, samples)
    curves = [problems.passes(), problems.majority(classes)]
    for scorer in scored:
        rater = {"scorer": scorer.rater.to_dict()}
        for reducer, scores in scorer.by_reducer.items():
            progress(len(curves), total)
            curves.append(problems.best(scores, samples.is_answered) | rater | {"reducer": reducer})
        reducer, weights = next(iter(scorer.by_reducer.items()))
        curves.append(problems.vote("weighted_vote", classes, weights) | rater | {"reducer": reducer})
    return curves


def _convincing(samples: Samples, scored: ScoredSamples) -> Report:
    """The wrong answers that the scorer scores highest, by its first reducer, one of each problem.

    Each has the highest score of a right sample of its problem: where that is lower, the best of all samples is wrong.
    """
    reducer, scores = next(iter(scored.by_reducer.items()))
    best_right: dict[int, float] = {}
    best_wrong: dict[int, int] = {}
    answered = np.flatnonzero(samples.is_answered)
    for place in answered[np.argsort(-scores[answered], kind="stable")].tolist():
        problem = int(samples.problems[place])
        if samples.is_right[place]:
            best_right.setdefault(problem, float(scores[place]))
        else:
            best_wrong.setdefault(problem, place)
    places = list(best_wrong.values())[:MOST_CONVINCING]
    statements = dict(Problem.objects.filter(pk__in=samples.problems[places].tolist()).values_list("pk", "statement"))
    rows = [
        {
            "solution": int(samples.solutions[place]),
            "problem": statements[int(samples.problems[place])][:MOST_CHARACTERS],
            "answer": samples.answers[place][:MOST_CHARACTERS],
            "score": float(scores[place]),
            "best_right": best_right.get(int(samples.problems[place])),
        }
        for place in places
    ]
    return {"scorer": scored.rater.to_dict(), "reducer": reducer, "solutions": rows}
