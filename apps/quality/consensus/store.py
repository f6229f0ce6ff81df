"""Storing consensus labels by COPY, a million in seconds. Changes of a consensus are recorded in the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection

from apps.accounts.models import AuditEvent
from apps.core.db.copy import copy_rows
from apps.corpus.labels import UNKNOWN
from apps.projects.models import Project
from apps.quality.aggregation.merge import Outcomes
from apps.quality.models import Consensus, ConsensusMethod, StepConsensus
from apps.quality.statistics.ratings import Ints

CONSENSUS = [
    "solution",
    "project",
    "state",
    "how",
    "first_error",
    "certainty",
    "people",
    "required",
    "adjudicated_by",
    "note",
    "at",
]
STEP_CONSENSUS = ["step", "rating", "certainty", "how", "people", "is_thin"]

# The lock of a project's consensus, which workers and reviewers write one at a time.
CONSENSUS_LOCK = "consensus"

_DELETE_STEPS = "DELETE FROM quality_stepconsensus WHERE step_id = ANY(%s) AND how <> 'adjudicated'"
_DELETE = """
DELETE FROM quality_consensus WHERE solution_id = ANY(%s)
RETURNING solution_id, how, first_error, adjudicated_by_id, note, at
"""


class Previous(NamedTuple):
    """The consensus on a solution before it was computed again."""

    how: str
    first_error: int | None
    adjudicated_by: int | None
    note: str
    at: datetime


class Computed(NamedTuple):
    """The consensus on a solution as it was just computed."""

    solution: int
    state: str
    how: str
    first_error: int | None
    certainty: float
    people: int
    required: int


def adjudicated_ratings(steps: Ints) -> dict[int, int]:
    """The ratings that reviewers adjudicated, by step id, of these steps."""
    labels = StepConsensus.objects.filter(how=ConsensusMethod.ADJUDICATED, step__in=steps.tolist())
    return dict(labels.values_list("step_id", "rating"))


def store_outcomes(project: Project, outcomes: Outcomes, *, how: str, now: datetime) -> None:
    """Replace the stored consensus. An adjudicated solution keeps its reviewer, note and time."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE_STEPS, [outcomes.steps.tolist()])
        cursor.execute(_DELETE, [outcomes.solutions.tolist()])
        previous = {row[0]: Previous(*row[1:]) for row in cursor.fetchall()}
    copy_rows(StepConsensus, STEP_CONSENSUS, _step_rows(outcomes, how))
    computed = list(_computed(outcomes, how))
    copy_rows(Consensus, CONSENSUS, (_row(project, row, previous.get(row.solution), now) for row in computed))
    _audit_changes(project, computed, previous, now)


def _step_rows(outcomes: Outcomes, how: str) -> Iterator[tuple[object, ...]]:
    result = outcomes.result
    is_labeled = (result.labels != UNKNOWN) & ~outcomes.adjudicated_steps
    columns = (outcomes.steps, result.labels, result.certainty, outcomes.rater_counts(), outcomes.thin_steps())
    for step, rating, certainty, people, is_thin in zip(
        *(column[is_labeled].tolist() for column in columns), strict=True
    ):
        yield step, rating, certainty, how, people, is_thin


def _computed(outcomes: Outcomes, how: str) -> Iterator[Computed]:
    """The consensus of all solutions with a counted rating or an adjudicated step."""
    result, labelers, state_of = outcomes.result, outcomes.labeler_counts(), Consensus.State
    is_stored = (labelers > 0) | outcomes.adjudicated
    # The first condition that holds determines the state.
    conditions = [result.discarded, outcomes.tied(), result.first_errors == UNKNOWN, outcomes.thin()]
    states = [state_of.DISCARDED.value, state_of.TIED.value, state_of.OPEN.value, state_of.THIN.value]
    columns = (
        outcomes.solutions,
        np.select(conditions, states, default=state_of.SETTLED.value),
        outcomes.adjudicated,
        result.first_errors,
        result.first_error_certainty,
        labelers,
        outcomes.required,
    )
    for pk, state, is_adjudicated, error, certainty, people, required in zip(
        *(column[is_stored].tolist() for column in columns), strict=True
    ):
        method = ConsensusMethod.ADJUDICATED.value if is_adjudicated else how
        yield Computed(pk, state, method, None if error == UNKNOWN else error, certainty, people, required)


def _row(project: Project, computed: Computed, previous: Previous | None, now: datetime) -> tuple[object, ...]:
    solution_id, *values = computed
    if previous is not None and computed.how == ConsensusMethod.ADJUDICATED:
        return solution_id, project.pk, *values, previous.adjudicated_by, previous.note, previous.at
    return solution_id, project.pk, *values, None, "", now


def _audit_changes(project: Project, computed: list[Computed], previous: dict[int, Previous], now: datetime) -> None:
    """Record each consensus that changed. A solution's first consensus is not a change."""
    changed = (
        (row, previous[row.solution])
        for row in computed
        if row.solution in previous
        and (row.first_error, row.how) != (previous[row.solution].first_error, previous[row.solution].how)
    )
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                at=now,
                project=project.slug,
                verb="consensus.changed",
                target=str(after.solution),
                before={"first_error": before.first_error, "how": before.how},
                after={"first_error": after.first_error, "how": after.how},
            )
            for after, before in changed
        ),
        batch_size=1000,
    )
