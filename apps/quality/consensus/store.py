"""Putting down what stands, by COPY: a million labels in seconds. Changes of what stood before are audited."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from apps.accounts.models import AuditEvent
from apps.core.db.copy import copy_rows
from apps.corpus.labels import UNKNOWN
from apps.projects.models import Project
from apps.quality.aggregation.merge import Outcomes
from apps.quality.models import Consensus, How, StepConsensus
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
    "settled_by",
    "note",
    "at",
]
STEP_CONSENSUS = ["step", "rating", "certainty", "how", "people", "is_thin"]

# What stands in a project is changed by one at a time, a worker or a reviewer: both write the same rows.
SETTLING = "what stands"

_FORGET_STEPS = "DELETE FROM quality_stepconsensus WHERE step_id = ANY(%s) AND how <> 'adjudicated'"
_FORGET = """
DELETE FROM quality_consensus WHERE solution_id = ANY(%s)
RETURNING solution_id, how, first_error, settled_by_id, note, at
"""

Stood = dict[int, tuple[str, int | None, int | None, str, datetime]]
Stands = tuple[int, str, str, int | None, float, int, int]
Texts = NDArray[np.str_]


def adjudicated_ratings(steps: Ints) -> dict[int, int]:
    """Reviewers' words on these steps."""
    mine = StepConsensus.objects.filter(how=How.ADJUDICATED, step__in=steps.tolist())
    return dict(mine.values_list("step_id", "rating"))


def store_outcomes(project: Project, outcomes: Outcomes, *, how: str, now: datetime) -> None:
    """In place of what stood. Who settled a solution by hand, and why, stays with it."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_STEPS, [outcomes.steps.tolist()])
        cursor.execute(_FORGET, [outcomes.solutions.tolist()])
        stood: Stood = {row[0]: row[1:] for row in cursor.fetchall()}
    copy_rows(StepConsensus, STEP_CONSENSUS, _step_rows(outcomes, how))
    rows = list(_standing(outcomes, how))
    copy_rows(Consensus, CONSENSUS, (_row(project, one, stood.get(one[0]), now) for one in rows))
    _audit(project, rows, stood, now)


def _step_rows(outcomes: Outcomes, how: str) -> Iterator[tuple[object, ...]]:
    told = outcomes.settlement
    wanted = (told.labels != UNKNOWN) & ~outcomes.adjudicated_steps
    columns = (outcomes.steps, told.labels, told.certainty, outcomes.raters(), outcomes.thin_steps())
    for step, rating, certainty, people, is_thin in zip(*(one[wanted].tolist() for one in columns), strict=True):
        yield step, rating, certainty, how, people, is_thin


def _standing(outcomes: Outcomes, how: str) -> Iterator[Stands]:
    """Solutions of which something was said."""
    told, heard = outcomes.settlement, outcomes.heard()
    wanted = (heard > 0) | outcomes.adjudicated
    columns = (
        outcomes.solutions,
        _states(outcomes),
        told.first_errors,
        told.first_error_certainty,
        outcomes.adjudicated,
        heard,
        outcomes.required,
    )
    for pk, state, error, certainty, is_mine, people, required in zip(
        *(column[wanted].tolist() for column in columns), strict=True
    ):
        first_error = None if error == UNKNOWN else error
        yield pk, state, How.ADJUDICATED.value if is_mine else how, first_error, certainty, people, required


def _states(outcomes: Outcomes) -> Texts:
    """How each solution stands; the first condition that holds says it."""
    told, state = outcomes.settlement, Consensus.State
    conditions = [told.discarded, outcomes.tied(), told.first_errors == UNKNOWN, outcomes.thin()]
    choices = [state.DISCARDED.value, state.TIED.value, state.OPEN.value, state.THIN.value]
    return np.select(conditions, choices, default=state.SETTLED.value)


def _row(project: Project, stands: Stands, before: tuple[object, ...] | None, now: datetime) -> tuple[object, ...]:
    pk, state, how, first_error, certainty, people, required = stands
    settled_by, note, at = (before[2], before[3], before[4]) if before and how == How.ADJUDICATED else (None, "", now)
    return pk, project.pk, state, how, first_error, certainty, people, required, settled_by, note, at


def _audit(project: Project, rows: list[Stands], stood: Stood, now: datetime) -> None:
    """A first word is no change; what stood and stands otherwise is."""
    AuditEvent.objects.bulk_create(
        (
            AuditEvent(
                at=now,
                project=project.slug,
                verb="consensus.changed",
                target=str(pk),
                before={"first_error": stood[pk][1], "how": stood[pk][0]},
                after={"first_error": first_error, "how": how},
            )
            for pk, _, how, first_error, *_ in rows
            if pk in stood and (stood[pk][1], stood[pk][0]) != (first_error, how)
        ),
        batch_size=1000,
    )
