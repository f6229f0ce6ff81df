"""Computing which labels stand, and all that follows: disputes, gold marks, suspensions, extra slots.

A worker does it for what is stale, a project at a time. Doing it again changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.core.db.copy import analyze, commit_without_waiting
from apps.core.db.locks import advisory_xact_lock, try_advisory_lock
from apps.core.transient_errors import TRANSIENT_ERRORS
from apps.corpus.models import Solution
from apps.projects.models import Project
from apps.quality.aggregation import rule_of
from apps.quality.aggregation.base import Rule
from apps.quality.aggregation.dawid_skene import DawidSkene
from apps.quality.aggregation.merge import Outcomes, outcomes_of
from apps.quality.consensus.load import LoadedRatings, chunks, load_ratings
from apps.quality.consensus.redundancy import open_slots
from apps.quality.consensus.store import SETTLING, adjudicated_ratings, store_outcomes
from apps.quality.disputes.detect import store_disputes
from apps.quality.disputes.other_sources import other_sources
from apps.quality.gold.marks import mark_assignments
from apps.quality.gold.suspensions import watch_over
from apps.quality.models import Consensus, OpenDispute, QualityRules, Stale, StepConsensus

log = logging.getLogger(__name__)

CHUNK = 5_000


def recompute_projects() -> int:
    """Every project in which something is stale; gives the number of solutions that were computed.

    A project whose labels cannot be settled stays stale, and does not keep the others waiting. Trouble that passes is
    raised when all of them have had their turn.
    """
    waiting = Stale.objects.order_by().values_list("project_id", flat=True).distinct()
    marked = QualityRules.objects.filter(stale_all=True).values_list("project_id", flat=True)
    projects = Project.objects.filter(pk__in={*waiting, *marked})
    settled = 0
    trouble: Exception | None = None
    for project in projects:
        try:
            settled += recompute_project(project)
        except Exception as error:
            log.exception("the labels of project %s were not settled", project.slug)
            if isinstance(error, TRANSIENT_ERRORS):
                trouble = error
                _renew_connection()
    if trouble is not None:
        raise trouble
    return settled


def _renew_connection() -> None:
    """One project's work may have cost the connection; the next ones get another."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def recompute_project(project: Project) -> int:
    """What is stale in one project; nothing while another worker is at it."""
    with try_advisory_lock("quality", project.pk) as claimed:
        if not claimed:
            return 0
        rules, _ = QualityRules.objects.get_or_create(project=project)
        if rules.stale_all:
            _mark_all(project)
        # Dawid and Skene weigh labelers by all that they said: one word more may move every label.
        noted = dict(Stale.objects.filter(project=project).order_by("pk").values_list("pk", "solution_id"))
        by_labelers = rules.rule == DawidSkene.name
        is_whole = rules.stale_all or (by_labelers and bool(noted) and _is_due(rules))
        if by_labelers and not is_whole:
            return 0
        ids = list(_labeled(project)) if is_whole else sorted(set(noted.values()))
        for some in [ids] if by_labelers else chunks(ids, CHUNK):
            _settle(project, rules, some)
        if is_whole:
            QualityRules.objects.filter(pk=rules.pk).update(computed_at=timezone.now())
            analyze(Consensus, StepConsensus, OpenDispute)
        # What was said meanwhile has a row of its own, and waits for the next time.
        Stale.objects.filter(pk__in=noted).delete()
        return len(noted)


def _is_due(rules: QualityRules) -> bool:
    """Not for every submission: a fit over all labels is worth waiting a little for more of them."""
    since = rules.computed_at
    return since is None or (timezone.now() - since).total_seconds() >= settings.QUALITY_REFIT_SECONDS


def _labeled(project: Project) -> QuerySet[Solution, int]:
    """Solutions that have something to label."""
    return Solution.objects.filter(project=project, step_count__gt=0).order_by("pk").values_list("pk", flat=True)


@transaction.atomic
def _mark_all(project: Project) -> None:
    """A mark each, so that a worker that dies half-way leaves the rest to the next one."""
    QualityRules.objects.filter(project=project).update(stale_all=False)
    Stale.objects.mark(project.pk, list(_labeled(project)))


@transaction.atomic
def _settle(project: Project, rules: QualityRules, solution_ids: Sequence[int]) -> None:
    """Whole or not at all."""
    commit_without_waiting()
    now = timezone.now()
    words = load_ratings(project, solution_ids)
    outcomes = _with_reviewers_words(project, words, rules)
    known = other_sources(solution_ids)
    store_outcomes(project, outcomes, how=rules.rule, now=now)
    store_disputes(project, outcomes, known, convincing=rules.convincing)
    labelers = mark_assignments(project, known.gold)
    watch_over(project, labelers, rules=rules, now=now)
    open_slots(solution_ids, outcomes, rules)
    QualityRules.objects.filter(pk=rules.pk).update(figures_are_stale=True)


def _with_reviewers_words(project: Project, words: LoadedRatings, rules: QualityRules) -> Outcomes:
    """From here until the transaction ends no reviewer speaks.

    Not from the beginning: the rule may take seconds. Who spoke while it was at work is heard, and it is applied again.
    """
    rule = rule_of(rules.rule, rules.options)
    said = adjudicated_ratings(words.steps)
    outcomes = _outcomes(words, rule, said, rules.min_labelers)
    advisory_xact_lock(SETTLING, project.pk)
    now_said = adjudicated_ratings(words.steps)
    return outcomes if said == now_said else _outcomes(words, rule, now_said, rules.min_labelers)


def _outcomes(words: LoadedRatings, rule: Rule, adjudicated: Mapping[int, int], min_labelers: int | None) -> Outcomes:
    required = words.required if min_labelers is None else np.full(len(words.solutions), min_labelers)
    return outcomes_of(
        words.ratings,
        rule,
        adjudicated,
        solutions=words.solutions,
        steps=words.steps,
        labelers=words.labelers,
        required=required,
    )
