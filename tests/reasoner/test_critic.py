"""The bundled critic, really served, and the critiques that it learns from."""

from __future__ import annotations

import io
import itertools
import json
import random
from dataclasses import replace

import pytest
from django.core.management import call_command

from apps.demo.seeding import CRITIC, PRM, REASONER, register_critic, register_prm, register_reasoner
from apps.inference.models import Endpoint
from apps.judging.models import JudgeReply, JudgeRun, SolutionVerdict, StepVerdict
from apps.projects.models import Project
from reasoner.critic.critique import NO_ERROR, critique, error_kind, first_error, verdict
from reasoner.critic.figures import Judged, accuracy, f1, f1_interval, fleiss_kappa, step_rates
from reasoner.critic.solutions import Solved, sample, training_solutions
from reasoner.evaluate import Client
from reasoner.problems import ANSWER, is_held_out, problems
from reasoner.serve import CRITIC as CRITIC_FILE
from reasoner.slips import solution
from tests.cast import make_problem, make_solution
from tests.judging.model import assert_counts
from tests.reasoner.serving import Models

F1_FLOOR = 0.85
HELD_OUT = list(itertools.islice(problems(78, held_out=True), 120))
TRAYS = "Anna fills 8 trays with 47 apples each and sells 52 of them. How many apples are left?"
STEPS = ["Step 1: The trays hold 8 * 47 = 376.", "Step 2: After the sale there are 376 - 52 = 324.", f"{ANSWER}324"]


def slipped_solutions() -> list[Solved]:
    """About half of them with an error."""
    dice = random.Random(6)
    return [Solved(problem.question, tuple(solution(problem, dice, 0.2))) for problem in HELD_OUT]


# --- What it learns -------------------------------------------------------------------------------------------


def test_the_critique_of_a_right_solution_recomputes_every_step() -> None:
    assert critique(TRAYS, STEPS).splitlines() == [
        "[0] Step 1: The trays hold 8 * 47 = 376, right.",
        "[1] Step 2: After the sale there are 376 - 52 = 324, right.",
        "[2] The answer is: 324, right.",
        r"\boxed{-1}",
    ]


@pytest.mark.parametrize(
    ("index", "step", "reason"),
    [
        (0, "Step 1: The trays hold 8 * 47 = 366.", "wrong result."),
        (0, "Step 1: The trays hold 8 * 52 = 416.", "wrong numbers."),
        (1, "Step 2: After the sale there are 376 + 52 = 428.", "wrong operation."),
        (1, f"{ANSWER}376", "wrong step."),
        (1, "After the sale there are 324.", "wrong step."),
        (2, f"{ANSWER}325", "wrong answer."),
        (2, "Step 3: After the sale there are 376 - 52 = 324.", "wrong step."),
    ],
)
def test_the_critique_ends_at_the_first_wrong_step_and_says_why(index: int, step: str, reason: str) -> None:
    steps = [*STEPS[:index], step, *STEPS[index + 1 :]]
    *lines, box = critique(TRAYS, steps).splitlines()
    assert len(lines) == index + 1
    assert lines[-1].endswith(f", {reason}")
    assert all(line.endswith(", right.") for line in lines[:-1])
    assert verdict(box) == index == first_error(TRAYS, steps)


def test_a_step_with_factors_swapped_is_right() -> None:
    assert critique(TRAYS, ["Step 1: The trays hold 47 * 8 = 376."]).endswith("right.\n\\boxed{-1}")


def test_a_wrong_step_is_recomputed_from_the_right_values_before_it() -> None:
    steps = [STEPS[0], "Step 2: After the sale there are 366 - 52 = 314."]
    assert (
        critique(TRAYS, steps).splitlines()[1] == "[1] Step 2: After the sale there are 376 - 52 = 324, wrong numbers."
    )


def test_about_half_of_the_training_solutions_have_an_error_and_none_is_held_out() -> None:
    sampled = slipped_solutions()
    trained = list(itertools.islice(training_solutions([], 3, sampled_share=0), 400))
    assert 0.4 < sum(solved.has_error for solved in trained) / len(trained) < 0.6
    assert not any(is_held_out(solved.question) for solved in trained)
    mixed = list(itertools.islice(training_solutions(sampled, 3), 400))
    assert 0.6 < sum(is_held_out(solved.question) for solved in mixed) / len(mixed) < 0.8


# --- Its figures ----------------------------------------------------------------------------------------------

JUDGED = [
    Judged(1, 1, 4),
    Judged(2, 0, 4),
    Judged(2, NO_ERROR, 4),
    Judged(NO_ERROR, NO_ERROR, 3),
    Judged(NO_ERROR, None, 3),
]


def test_figures_by_hand() -> None:
    assert accuracy(JUDGED, has_error=True) == pytest.approx(1 / 3)
    assert accuracy(JUDGED, has_error=False) == pytest.approx(1 / 2)
    assert f1(JUDGED) == pytest.approx(0.4)
    # Wrong steps: found, not judged, missed. Right ones: 1 + (0 of 1) + 2 + 3.
    assert step_rates(JUDGED) == (pytest.approx(1 / 2), pytest.approx(6 / 7))
    low, high = f1_interval(JUDGED * 40, 1)
    assert 0.3 < low < 0.4 < high < 0.5


def test_kappa_by_hand() -> None:
    assert fleiss_kappa([[0, 0], [1, 1]]) == 1
    # Observed 1 / 2; by chance (3 / 4)^2 + (1 / 4)^2 = 5 / 8.
    assert fleiss_kappa([[0, 0], [0, 1]]) == pytest.approx((1 / 2 - 5 / 8) / (1 - 5 / 8))


def test_kinds_of_errors_cover_all_slips() -> None:
    kinds = set()
    for solved in slipped_solutions():
        if solved.has_error:
            error = first_error(solved.question, solved.steps)
            problem = next(problem for problem in HELD_OUT if problem.question == solved.question)
            kinds.add(error_kind(problem, error, solved.steps[error]))
    assert kinds == {"result", "numbers", "operation"}


# --- The bundled critic, served -------------------------------------------------------------------------------


@pytest.fixture
def endpoint(transactional_db: None, model_servers: Models) -> Endpoint:
    return register_critic(url=model_servers.critic)


def judge(project: Project, *options: str) -> dict[str, object]:
    out = io.StringIO()
    command = ("judge", "--project", project.slug, "--endpoint", CRITIC, "--kind", "steps", "--wait", "--json")
    call_command(*command, *options, stdout=out)
    result: dict[str, object] = json.loads(out.getvalue())
    return result


def test_a_judge_run_names_the_first_errors_that_the_reasoner_makes(
    project: Project, endpoint: Endpoint, model_servers: Models
) -> None:
    truths: dict[int, Judged] = {}
    for solved in sample(Client(model_servers.reasoner.removesuffix("/v1")), HELD_OUT, [1.0, 1.3], 5):
        truth = Judged(first_error(solved.question, solved.steps), None, len(solved.steps))
        truths[make_solution(make_problem(project, solved.question), solved.steps).pk] = truth
    result = judge(project)
    assert (result["status"], result["items"]) == ("finished", len(truths))
    run = JudgeRun.objects.get()
    assert_counts(run)
    named = dict(SolutionVerdict.objects.filter(run=run).values_list("solution_id", "first_error"))
    judged = [replace(truth, verdict=named[pk]) for pk, truth in truths.items()]
    assert 0.1 < sum(one.has_error for one in judged) / len(judged) < 0.8
    assert f1(judged) >= F1_FLOOR
    assert run.unreadable <= len(truths) // 50
    # Each step that it has read has its line as the reason.
    rated = StepVerdict.objects.filter(run=run)
    assert rated.exists()
    assert not rated.filter(reason="").exists()


def test_votes_count_their_tokens(project: Project, endpoint: Endpoint, model_servers: Models) -> None:
    make_solution(make_problem(project, TRAYS), STEPS)
    assert judge(project, "--votes", "4")["verdicts"] == 1
    run = JudgeRun.objects.get()
    assert_counts(run)
    texts = list(JudgeReply.objects.filter(run=run).values_list("text", flat=True))
    assert len(texts) == 4
    # A word, a digit and a sign are a token each: a critique of three lines has some forty.
    assert 4 * 30 < run.completion_tokens < 4 * 70


def test_the_file_is_small_and_forms_begin_with_the_fitting_endpoint(project: Project, model_servers: Models) -> None:
    assert CRITIC_FILE.stat().st_size < 8_000_000
    for register, url in (
        (register_reasoner, model_servers.reasoner),
        (register_prm, model_servers.prm),
        (register_critic, model_servers.critic),
    ):
        register(url=url)
    usable = Endpoint.objects.usable_in(project)
    assert [endpoint.name for endpoint in usable] == [REASONER, PRM, CRITIC]
    assert usable.first_judge() == Endpoint.objects.get(name=CRITIC)
