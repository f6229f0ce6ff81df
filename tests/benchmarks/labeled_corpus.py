"""A project whose every step is rated by a person and by Monte Carlo, made in the database itself: four million in minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apps.projects.models import Project

STEPS = 8
PER_PROBLEM = 4
LABELERS = 16

_PROBLEMS = """
    INSERT INTO corpus_problem (project_id, digest, statement, verifier, subject, created_at, retired_reason)
    SELECT %(project)s, md5('problem ' || n)::uuid,
           'Shop number ' || n || ' sells boxes of items. How many items are left in the evening?', '', 'Arithmetic', now(), ''
    FROM generate_series(1, %(problems)s) AS n"""
_SOLUTIONS = """
    INSERT INTO corpus_solution (project_id, problem_id, digest, source, final_answer, is_correct, grade, graded_by,
                                 step_count, separator, created_at)
    SELECT %(project)s, id, md5('solution ' || id || ' ' || n)::uuid, 'model-' || n, n::text, n %% 3 > 0, 'match', '',
           %(steps)s, E'\\n', now()
    FROM corpus_problem, generate_series(1, %(per_problem)s) AS n WHERE project_id = %(project)s ORDER BY id, n"""
_STEPS = """
    INSERT INTO corpus_step (solution_id, position, candidate, text, origin, chosen)
    SELECT id, n, 0, 'Let $x_{' || n || '}$ be the number of items that are left, so $x_{' || n || '} = ' || id %% 97 ||
           ' \\cdot 31 - ' || n || ' = ' || id || '$, and we carry this value on to the next line of the text.', 'model', true
    FROM corpus_solution, generate_series(0, %(steps)s - 1) AS n WHERE project_id = %(project)s ORDER BY id, n"""
_TASKS = """
    INSERT INTO labeling_task (round_id, solution_id, priority, is_gold, open_slots)
    SELECT %(round)s, id, 0, false, 0 FROM corpus_solution WHERE project_id = %(project)s ORDER BY id"""
_ASSIGNMENTS = """
    INSERT INTO labeling_assignment (task_id, round_id, labeler_id, state, draft_version, finish_reason, reason,
                                     submitted_at, active_ms, is_quality_control)
    SELECT id, round_id, (%(labelers)s::bigint[])[1 + id %% %(labeler_count)s], 'submitted', 0, 'found_error', '',
           '2026-01-01'::timestamptz + id * interval '1 second', 41000, false
    FROM labeling_task WHERE round_id = %(round)s ORDER BY id"""
_LABELS = """
    INSERT INTO labeling_steplabel (assignment_id, step_id, rating, unsure, chosen)
    SELECT assignment.id, step.id, CASE WHEN step.position = task.solution_id %% 9 THEN -1 ELSE 1 END, false, false
    FROM labeling_assignment AS assignment JOIN labeling_task AS task ON task.id = assignment.task_id
    JOIN corpus_step AS step ON step.solution_id = task.solution_id
    WHERE assignment.round_id = %(round)s ORDER BY step.id"""
_ESTIMATES = """
    INSERT INTO estimation_stepestimate (run_id, step_id, rollouts, successes, missing, basis, tokens)
    SELECT %(run)s, step.id, 8, CASE WHEN step.position >= step.solution_id %% 9 THEN 0 ELSE 1 + step.id %% 8 END, 0,
           'rollouts', 900
    FROM corpus_step AS step JOIN corpus_solution AS solution ON solution.id = step.solution_id
    WHERE solution.project_id = %(project)s ORDER BY step.id"""


def labeled_project(*, solutions: int, slug: str = "bench-labeled") -> Project:
    """Steps and ratings are in the order of their solutions, as sampling and labeling leave them."""
    from django.db import connection, transaction

    from apps.accounts.models import User
    from apps.core.jobs.model import JobStatus
    from apps.estimation.models import EstimationRun
    from apps.labeling.models import Round
    from apps.projects.models import Role
    from apps.projects.services import add_member, create_project

    project = create_project(slug=slug)
    labelers = [User.objects.create(email=f"labeler-{number}@{slug}.example") for number in range(LABELERS)]
    for labeler in labelers:
        add_member(project=project, user=labeler, role=Role.LABELER)
    round_ = Round.objects.create(project=project, number=1, protocol="every_step")
    run = EstimationRun.objects.create(
        project=project, number=1, strategy="math-shepherd", completer="bench", status=JobStatus.FINISHED
    )
    values = {
        "project": project.pk,
        "problems": -(-solutions // PER_PROBLEM),
        "per_problem": PER_PROBLEM,
        "steps": STEPS,
        "round": round_.pk,
        "run": run.pk,
        "labelers": [labeler.pk for labeler in labelers],
        "labeler_count": LABELERS,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # To look up what each of millions of rows refers to would take minutes.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in (_PROBLEMS, _SOLUTIONS, _STEPS, _TASKS, _ASSIGNMENTS, _LABELS, _ESTIMATES):
            cursor.execute(statement, values)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return project
