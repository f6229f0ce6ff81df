"""The bundled reward model, really served: the product's scores of solutions whose every step is known."""

from __future__ import annotations

import io
import itertools
import random

import pytest
from django.core.management import call_command

from apps.corpus.models import Solution
from apps.demo.seeding import PRM, register_prm
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.scoring.models import ScoringRun, SolutionScore
from reasoner.problems import ANSWER, Problem, clean_solution, problems
from reasoner.serve import PRM as PRM_FILE
from reasoner.slips import slipped_result
from tests.cast import make_problem, make_solution
from tests.reasoner.serving import Models
from tests.scoring.model import assert_exact, values_of

HELD_OUT = list(itertools.islice(problems(77, held_out=True), 20))


def with_wrong_result(problem: Problem, dice: random.Random) -> list[str]:
    """The clean solution, but for the result of the last operation."""
    lines = clean_solution(problem)
    wrong = slipped_result(problem.answer, dice)
    head, _, _ = lines[-2].rpartition(" ")
    return [*lines[:-2], f"{head} {wrong}.", f"{ANSWER}{wrong}"]


@pytest.fixture
def endpoint(transactional_db: None, model_servers: Models) -> Endpoint:
    return register_prm(url=model_servers.prm)


def test_a_clean_solution_scores_higher_than_the_same_with_a_wrong_result(project: Project, endpoint: Endpoint) -> None:
    dice = random.Random(5)
    pairs: list[tuple[Solution, Solution]] = []
    for held_out in HELD_OUT:
        problem = make_problem(project, held_out.question, reference_answer=str(held_out.answer), verifier="numeric")
        clean, wrong = clean_solution(held_out), with_wrong_result(held_out, dice)
        pairs.append((make_solution(problem, clean, is_correct=True), make_solution(problem, wrong, is_correct=False)))
    call_command(
        *("score", "--project", project.slug, "--endpoint", PRM, "--preset", "annotate", "--wait", "--json"),
        stdout=io.StringIO(),
    )
    run = ScoringRun.objects.get()
    assert_exact(run)
    assert (run.missing, run.failed) == (0, 0)
    values = values_of(run)
    scores = dict(SolutionScore.objects.values_list("solution_id", "score"))
    higher = 0
    for clean, wrong in pairs:
        assert len(values[clean.pk]) == clean.step_count
        # Up to the wrong result the two are the same text.
        assert values[clean.pk][: clean.step_count - 2] == pytest.approx(
            values[wrong.pk][: clean.step_count - 2], abs=0.02
        )
        higher += scores[clean.pk] > scores[wrong.pk]
    assert higher >= 0.8 * len(pairs)


def test_the_file_is_small() -> None:
    assert PRM_FILE.stat().st_size < 8_000_000
