"""Marks of submissions that were made faster than their text can be read.

The text of a submission is what had to be read for it: the problem, unless the labeler had submitted something about it
before, and the steps that they rated; in a comparison both sides. A task that was given up or reported early has only the
steps that were rated until then. Words are counted as six characters, which is generous in every script, and the time is
that of the first submission, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from apps.labeling.models import Assignment
from apps.labeling.models.counted import SUBMITTED_STATES
from apps.projects.models import Project
from apps.quality.models import QualityRules
from apps.quality.rules import rules_for

CHARACTERS_PER_WORD = 6

_OWN = """
WITH own AS (
    SELECT a.id, a.labeler_id, a.submitted_at, t.comparison_id,
           coalesce(s.problem_id, c.problem_id) AS problem_id,
           CASE WHEN a.versions = 0 THEN a.active_ms ELSE (p.submission ->> 'active_ms')::bigint END AS active_ms
    FROM labeling_assignment a
    JOIN labeling_task t ON t.id = a.task_id
    JOIN labeling_round r ON r.id = a.round_id AND r.origin = ''
    LEFT JOIN corpus_solution s ON s.id = t.solution_id
    LEFT JOIN corpus_comparison c ON c.id = t.comparison_id
    LEFT JOIN labeling_pastsubmission p ON p.assignment_id = a.id AND p.number = 1
    WHERE a.state = ANY(%(states)s) AND {scope}
"""

# Another solution of a problem that the labeler knows is read without it.
_KNOWS_PROBLEM = """EXISTS (
        SELECT FROM corpus_solution k
        JOIN labeling_task t ON t.solution_id = k.id JOIN labeling_assignment a ON a.task_id = t.id
        WHERE k.problem_id = own.problem_id AND a.labeler_id = own.labeler_id AND a.submitted_at < own.submitted_at
    )"""

_SIDES = """
        SELECT sum(char_length(step.text)) FROM corpus_comparison c JOIN corpus_step step ON step.chosen AND (
            step.solution_id = c.left_id AND (step.position < c.shared_steps OR c.left_step_id IS NULL)
            OR step.solution_id = c.right_id AND step.position >= c.shared_steps AND c.right_step_id IS NULL
        ) OR step.id IN (c.left_step_id, c.right_step_id)
        WHERE c.id = own.comparison_id
"""

_MARK = f"""
{_OWN}), measured AS (
    SELECT own.*, (
        CASE WHEN {_KNOWS_PROBLEM} THEN 0
        ELSE (SELECT char_length(statement) FROM corpus_problem WHERE id = own.problem_id) END
        + coalesce((
            SELECT sum(char_length(step.text)) FROM labeling_steplabel label JOIN corpus_step step ON step.id = label.step_id
            WHERE label.assignment_id = own.id
        ), 0)
        + coalesce(CASE WHEN own.comparison_id IS NOT NULL THEN ({_SIDES}) END, 0)
    ) * 60000 / (%(speed)s::int * %(characters)s::int) AS floor_ms
    FROM own WHERE own.active_ms IS NOT NULL
)
INSERT INTO quality_fastmark (assignment_id, project_id, labeler_id, active_ms, floor_ms)
SELECT id, %(project)s, labeler_id, active_ms, floor_ms FROM measured WHERE active_ms < floor_ms
ON CONFLICT (assignment_id) DO UPDATE SET active_ms = excluded.active_ms, floor_ms = excluded.floor_ms
"""  # noqa: S608

_FORGET = f"""
{_OWN})
DELETE FROM quality_fastmark WHERE assignment_id IN (SELECT id FROM own)
"""  # noqa: S608

_ON_SOLUTIONS = "t.solution_id = ANY(%(ids)s::bigint[])"
_THESE = "a.id = ANY(%(ids)s::bigint[])"


def mark_fast_work(project: Project, rules: QualityRules, solution_ids: Sequence[int]) -> None:
    """Mark the submissions on these solutions again."""
    _mark(project.pk, rules, solution_ids, _ON_SOLUTIONS)


def mark_fast_comparison(*, assignment: Assignment, now: datetime) -> None:
    """A hook of submissions: no worker computes comparisons, so that theirs are marked at once."""
    if assignment.task.comparison_id is not None:
        _mark(assignment.round.project_id, rules_for(assignment.round.project), [assignment.pk], _THESE)


def _mark(project_id: int, rules: QualityRules, ids: Sequence[int], scope: str) -> None:
    values: dict[str, Any] = {
        "ids": list(ids),
        "project": project_id,
        "states": list(SUBMITTED_STATES),
        "speed": rules.reading_speed,
        "characters": CHARACTERS_PER_WORD,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FORGET.format(scope=scope), values)
        if rules.reading_speed is not None:
            cursor.execute(_MARK.format(scope=scope), values)
