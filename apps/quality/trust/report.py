"""The trust page's figures: each judge of steps against people, with its biases and its certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Sum
from django.db.models.functions import Length

from apps.corpus.models import Solution, Step
from apps.judging.models import Judge
from apps.projects.models import Project
from apps.quality.models import JudgeCertificate
from apps.quality.statistics.bootstrap import RESAMPLES, Measured
from apps.quality.trust.bias import SelfPreference, SolutionLengthBias, self_preference, solution_length_bias
from apps.quality.trust.figures import JudgeFigures, judge_figures, measure_mean, steps_at
from apps.quality.trust.judged_steps import JudgedSolutions
from apps.quality.trust.truth import TrustFilter, accepted_first_errors
from apps.quality.trust.verdicts import judged_by, judges_of_steps, verdicts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeMeasures:
    """Of a judge against people, over `solutions` that both labeled."""

    solutions: int
    figures: JudgeFigures
    tokens: Measured
    length: SolutionLengthBias
    preference: SelfPreference


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeReport(JudgeMeasures):
    """One judge. `certificate` is its newest decision, or None; `at` is when a worker measured it; None: now."""

    judge: Judge
    certificate: JudgeCertificate | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownSolutions:
    """Solutions whose first error people know, by id: what they accept, steps, characters and who wrote them."""

    accepted: Mapping[int, frozenset[int]]
    lengths: Mapping[int, int]
    characters: Mapping[int, int]
    sources: Mapping[int, str]


def judge_reports(
    project: Project,
    chosen: TrustFilter | None = None,
    judges: Sequence[Judge] | None = None,
    *,
    resamples: int = RESAMPLES,
) -> list[JudgeReport]:
    """A report for each judge, or for each of these, with verdicts on solutions whose first error people know, by name."""
    chosen = chosen or TrustFilter()
    judges = judges_of_steps(project.pk) if judges is None else judges
    if not judges:
        return []
    known = known_solutions(accepted_first_errors(project, chosen, among=judged_by(judges)))
    newest = newest_certificates(project)
    reports = []
    for judge in judges:
        report = _report(judge, known, chosen, newest.get(judge.pk), resamples)
        if report is not None:
            reports.append(report)
    return reports


def known_solutions(accepted: Mapping[int, frozenset[int]]) -> KnownSolutions:
    rows = list(Solution.objects.filter(pk__in=accepted).values_list("pk", "step_count", "source"))
    steps = Step.objects.filter(solution__in=accepted, chosen=True).order_by()
    return KnownSolutions(
        accepted=accepted,
        lengths={pk: length for pk, length, _ in rows},
        characters=dict(steps.values_list("solution_id").annotate(characters=Sum(Length("text")))),
        sources={pk: source or "" for pk, _, source in rows},
    )


def judged_solutions(
    named: Mapping[int, int], accepted: Mapping[int, frozenset[int]], lengths: Mapping[int, int]
) -> JudgedSolutions:
    """Those that are in both mappings, by id ascending."""
    ids = sorted(named.keys() & accepted.keys())
    return JudgedSolutions.of([named[pk] for pk in ids], [accepted[pk] for pk in ids], [lengths[pk] for pk in ids])


def newest_certificates(project: Project) -> dict[int, JudgeCertificate]:
    """By judge id: the newest decision."""
    decisions = JudgeCertificate.objects.filter(project=project).select_related("sample__round").order_by("pk")
    return {decision.judge_id: decision for decision in decisions}


def _report(
    judge: Judge,
    known: KnownSolutions,
    chosen: TrustFilter,
    certificate: JudgeCertificate | None,
    resamples: int,
) -> JudgeReport | None:
    verdicts = verdicts_of(judge, known.accepted.keys())
    ids = sorted(verdicts.first_errors.keys() & known.accepted.keys())
    if not ids:
        return None
    judged = judged_solutions(verdicts.first_errors, known.accepted, known.lengths)
    scored = None
    if chosen.first is not None or chosen.last is not None:
        last = int(judged.lengths.max()) if chosen.last is None else chosen.last
        scored = steps_at(judged, chosen.first or 0, last)
    figures = judge_figures(
        judged,
        repeats=[verdicts.votes[pk] for pk in ids if len(verdicts.votes.get(pk, ())) > 1],
        costs=np.array([verdicts.costs.get(pk, np.nan) for pk in ids]),
        scored=scored,
        resamples=resamples,
    )
    sizes = np.array([known.characters.get(pk, 0) for pk in ids], dtype=np.float64)
    tokens = np.array([verdicts.tokens.get(pk, np.nan) for pk in ids], dtype=np.float64)
    is_own = np.array([bool(judge.model) and known.sources[pk] == judge.model for pk in ids], dtype=np.bool_)
    return JudgeReport(
        judge=judge,
        solutions=len(ids),
        figures=figures,
        tokens=measure_mean(tokens, resamples=resamples),
        length=solution_length_bias(judged, sizes, resamples=resamples),
        preference=self_preference(judged, is_own),
        certificate=certificate,
    )
