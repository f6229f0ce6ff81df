"""Evaluations of many solutions: time and memory of each kind.

    python -m tests.benchmarks.bench_evaluation [SOLUTIONS]

50 samples of each problem, eight steps each, all with a settled consensus, an estimation run, a judge's verdicts and a
reward model's scores, put straight into the tables.
"""

from __future__ import annotations

import resource
import sys
import time

from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

STEPS, SAMPLES = 8, 50
ROWS = (
    """INSERT INTO corpus_problem (project_id, digest, statement, subject, reference_answer, verifier, retired_reason,
                                   created_at)
       SELECT %(project)s, gen_random_uuid(), 'Problem ' || n, 'Subject ' || n %% 7, '42', '', '', now()
       FROM generate_series(1, %(problems)s) n""",
    """INSERT INTO corpus_solution (project_id, problem_id, digest, source, final_answer, is_correct, grade, graded_by,
                                    step_count, separator, created_at)
       SELECT %(project)s, problem.id, gen_random_uuid(), 'model', CASE WHEN right_ THEN '42' ELSE (sample %% 9)::text END,
              right_, CASE WHEN right_ THEN 'match' ELSE 'no_match' END, 'numeric 1', %(steps)s, E'\\n', now()
       FROM corpus_problem problem, generate_series(1, %(samples)s) sample,
            LATERAL (SELECT random() < 0.4 AND sample > 0 AS right_) answer
       WHERE problem.project_id = %(project)s""",
    """INSERT INTO corpus_step (solution_id, position, candidate, text, origin, chosen)
       SELECT solution.id, position, 0, 'A step.', 'model', true
       FROM corpus_solution solution, generate_series(0, %(steps)s - 1) position""",
    """INSERT INTO quality_consensus (solution_id, project_id, state, how, first_error, certainty, people, required, note, at)
       SELECT id, project_id, 'settled', 'majority', CASE WHEN is_correct THEN -1 ELSE id %% %(steps)s END, 1, 3, 3, '', now()
       FROM corpus_solution""",
    """INSERT INTO quality_stepconsensus (step_id, rating, certainty, how, people, is_thin, self_reviewed)
       SELECT step.id, CASE WHEN position = first_error THEN -1 ELSE 1 END, 1, 'majority', 3, false, false
       FROM corpus_step step JOIN quality_consensus consensus USING (solution_id)
       WHERE first_error = -1 OR position <= first_error""",
    """INSERT INTO estimation_solutionestimate (run_id, solution_id, failure, note, first_error, by_answer, rollouts, missing)
       SELECT %(run)s, solution_id, '', '', CASE WHEN random() < 0.8 THEN first_error ELSE -1 END, false, 0, 0
       FROM quality_consensus""",
    """INSERT INTO estimation_stepestimate (run_id, step_id, rollouts, successes, missing, basis, tokens)
       SELECT %(run)s, step_id, 8, floor(random() * 4) + CASE rating WHEN 1 THEN 4 ELSE 0 END, 0, 'rollouts', 0
       FROM quality_stepconsensus""",
    """INSERT INTO judging_stepverdict (run_id, step_id, rating, reason)
       SELECT %(judge_run)s, step_id, CASE WHEN random() < 0.9 THEN rating ELSE -rating END, ''
       FROM quality_stepconsensus""",
    """INSERT INTO scoring_stepscore (run_id, step_id, score)
       SELECT %(scoring_run)s, step.id, random() * 0.6 + CASE WHEN is_correct THEN 0.4 ELSE 0.3 END
       FROM corpus_step step JOIN corpus_solution solution ON solution.id = step.solution_id""",
)


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with a_database():
        measure(solutions)


def measure(solutions: int) -> None:
    from django.db import connection

    from apps.accounts.services import create_user
    from apps.evaluation.models import EvaluationKind
    from apps.evaluation.run import run_evaluation
    from apps.evaluation.services import create_evaluation
    from apps.projects.services import create_project
    from tests.evaluation.scored_project import make_estimation_run, make_judge_run, make_scoring_run

    owner = create_user(email="owner@bench.example", password="a long password")
    project = create_project(slug="bench", name="Bench", owner=owner)
    values = {
        "project": project.pk,
        "problems": solutions // SAMPLES,
        "samples": SAMPLES,
        "steps": STEPS,
        "run": make_estimation_run(project).pk,
        "judge_run": make_judge_run(project).pk,
        "scoring_run": make_scoring_run(project).pk,
    }
    with connection.cursor() as cursor:
        for statement in ROWS:
            cursor.execute(statement, values)
        cursor.execute("ANALYZE")
    tell("evaluation.solutions", project.solutions.count(), "solutions")
    tell("evaluation.memory_before", _peak_mb(), "MB")
    for kind in EvaluationKind:
        evaluation = create_evaluation(project=project, kind=kind, enqueue=False)
        started, before = time.perf_counter(), time.process_time()
        evaluation = run_evaluation(evaluation_id=evaluation.pk)
        assert evaluation.status == "finished", evaluation.error
        tell(f"evaluation.{kind}", time.perf_counter() - started, "s")
        tell(f"evaluation.{kind}.cpu", time.process_time() - before, "s")
        tell(f"evaluation.{kind}.peak_memory", _peak_mb(), "MB")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
