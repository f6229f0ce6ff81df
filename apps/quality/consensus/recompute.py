"""Computing consensus, disputes, gold marks and suspensions again for stale solutions. Workers run it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.core.db.copy import analyze, analyze_new, commit_without_waiting
from apps.core.db.locks import advisory_xact_lock, try_advisory_lock
from apps.core.jobs.transient_errors import TRANSIENT_ERRORS
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, PreferenceLabel, StepLabel
from apps.projects.models import Project
from apps.quality.aggregation import rule_of
from apps.quality.aggregation.base import Rule
from apps.quality.aggregation.dawid_skene import DawidSkene
from apps.quality.aggregation.merge import Outcomes, merge_adjudicated
from apps.quality.consensus.load import LoadedRatings, chunks, load_ratings
from apps.quality.consensus.redundancy import open_slots
from apps.quality.consensus.store import CONSENSUS_LOCK, adjudicated_ratings, store_outcomes
from apps.quality.disputes.detect import store_disputes
from apps.quality.disputes.other_sources import other_sources
from apps.quality.fast_work.marks import mark_fast_work
from apps.quality.gold.marks import mark_assignments
from apps.quality.gold.suspensions import suspend_by_gold
from apps.quality.models import Consensus, OpenDispute, QualityRules, StaleSolution, StepConsensus

log = logging.getLogger(__name__)

CHUNK = 5_000


def recompute_projects() -> int:
    """Compute every project with stale solutions; returns the number of solutions that were computed.

    A project that fails stays stale and does not keep the others waiting. A transient error is raised after all
    projects were tried.
    """
    stale = StaleSolution.objects.order_by().values_list("project_id", flat=True).distinct()
    wholly_stale = QualityRules.objects.filter(stale_all=True).values_list("project_id", flat=True)
    computed = 0
    transient_error: Exception | None = None
    for project in Project.objects.filter(pk__in={*stale, *wholly_stale}):
        try:
            computed += recompute_project(project)
        except Exception as error:
            log.exception("the consensus of project %s could not be computed", project.slug)
            if isinstance(error, TRANSIENT_ERRORS):
                transient_error = error
                # The error may have cost the connection: the next project gets another.
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()
    if transient_error is not None:
        raise transient_error
    return computed


def recompute_project(project: Project) -> int:
    """Compute the stale solutions of one project; returns their number, 0 while another worker computes it."""
    with try_advisory_lock("quality", project.pk) as claimed:
        if not claimed:
            return 0
        rules, _ = QualityRules.objects.get_or_create(project=project)
        if rules.stale_all:
            # Each solution is marked: a worker that dies half-way leaves the rest to the next one.
            with transaction.atomic():
                QualityRules.objects.filter(project=project).update(stale_all=False)
                StaleSolution.objects.mark(project.pk, list(_with_steps(project)))
        analyze_new(Assignment, StepLabel, PreferenceLabel)
        stale = dict(StaleSolution.objects.filter(project=project).order_by("pk").values_list("pk", "solution_id"))
        # Dawid and Skene weigh labelers by all their ratings: one more rating may change every label. The fit is not
        # made for every submission.
        fits_labelers = rules.rule == DawidSkene.name
        refit_after = timezone.now() - timedelta(seconds=settings.QUALITY_REFIT_SECONDS)
        is_refit_due = rules.computed_at is None or rules.computed_at <= refit_after
        is_whole = rules.stale_all or (fits_labelers and bool(stale) and is_refit_due)
        if fits_labelers and not is_whole:
            return 0
        solution_ids = list(_with_steps(project)) if is_whole else sorted(set(stale.values()))
        for chunk in [solution_ids] if fits_labelers else chunks(solution_ids, CHUNK):
            _recompute(project, rules, chunk)
        if is_whole:
            QualityRules.objects.filter(pk=rules.pk).update(computed_at=timezone.now())
            analyze(Consensus, StepConsensus, OpenDispute)
        # Solutions that became stale meanwhile have further rows, which wait for the next time.
        StaleSolution.objects.filter(pk__in=stale).delete()
        return len(stale)


def _with_steps(project: Project) -> QuerySet[Solution, int]:
    return Solution.objects.filter(project=project, step_count__gt=0).order_by("pk").values_list("pk", flat=True)


@transaction.atomic
def _recompute(project: Project, rules: QualityRules, solution_ids: Sequence[int]) -> None:
    commit_without_waiting()
    now = timezone.now()
    outcomes = _outcomes_under_lock(project, load_ratings(project, solution_ids), rules)
    sources = other_sources(solution_ids)
    store_outcomes(project, outcomes, how=rules.rule, now=now)
    store_disputes(project, outcomes, sources, convincing=rules.convincing)
    labelers = mark_assignments(project, sources.gold)
    mark_fast_work(project, rules, solution_ids)
    suspend_by_gold(project, labelers, rules=rules, now=now)
    open_slots(solution_ids, outcomes, rules)
    QualityRules.objects.filter(pk=rules.pk).update(figures_are_stale=True)


def _outcomes_under_lock(project: Project, loaded: LoadedRatings, rules: QualityRules) -> Outcomes:
    """The outcomes, with the project's consensus locked until the transaction ends.

    The rule may take seconds, so it runs before the lock is taken. If a reviewer adjudicated meanwhile, it runs again.
    """
    rule = rule_of(rules.rule, rules.options)
    adjudicated = adjudicated_ratings(loaded.steps)
    outcomes = _outcomes(loaded, rule, adjudicated, rules.min_labelers)
    advisory_xact_lock(CONSENSUS_LOCK, project.pk)
    adjudicated_now = adjudicated_ratings(loaded.steps)
    if adjudicated == adjudicated_now:
        return outcomes
    return _outcomes(loaded, rule, adjudicated_now, rules.min_labelers)


def _outcomes(loaded: LoadedRatings, rule: Rule, adjudicated: Mapping[int, int], min_labelers: int | None) -> Outcomes:
    required = loaded.required if min_labelers is None else np.full(len(loaded.solutions), min_labelers)
    return merge_adjudicated(
        loaded.ratings,
        rule,
        adjudicated,
        solutions=loaded.solutions,
        steps=loaded.steps,
        labelers=loaded.labelers,
        required=required,
    )
