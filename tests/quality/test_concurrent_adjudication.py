"""A reviewer adjudicates while a worker recomputes, over two connections and in either order: the adjudication stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Consensus, StaleSolution, StepConsensus
from apps.quality.review.adjudication import adjudicate_consensus, adjudicate_solution, adjudicate_step
from tests.at_once import blocked, elsewhere
from tests.cast import make_round
from tests.processes import eventually
from tests.quality.submissions import submit_next


@pytest.fixture
def solution(transactional_db: None, project: Project, bob: User) -> Solution:
    """Settled once, and then somebody says that its second step is bad."""
    round_ = make_round(project, redundancy=2)
    submit_next(round_, bob, 1, 1, 1)
    recompute_project(project)
    return project.solutions.get()


def second_step(solution: Solution) -> Step:
    return solution.steps.get(position=1)


def the_word_stands(solution: Solution, reviewer: User) -> None:
    stands = Consensus.objects.get(solution=solution)
    assert (stands.how, stands.first_error, stands.adjudicated_by) == ("adjudicated", 1, reviewer)
    word = StepConsensus.objects.get(step=second_step(solution))
    assert (word.rating, word.how) == (-1, "adjudicated")


def test_an_adjudication_while_a_worker_reads_counts(project: Project, solution: Solution, rita: User) -> None:
    step = second_step(solution)
    StepConsensus.objects.filter(step=step).delete()
    StaleSolution.objects.mark(project.pk, [solution.pk])
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            adjudicate_step(step=step, rating=-1, by=rita)
            worker = elsewhere(pool, lambda: recompute_project(project))
            # It has read that nobody spoke, and waits for the end of this transaction.
            eventually(lambda: blocked() == 1 or worker.done())
        worker.result(60)
    the_word_stands(solution, rita)


def test_an_adjudication_while_a_worker_writes_overrides_it(project: Project, solution: Solution, rita: User) -> None:
    step, first = second_step(solution), solution.steps.get(position=0)
    StepConsensus.objects.filter(step=step).delete()
    StaleSolution.objects.mark(project.pk, [solution.pk])
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            StepConsensus.objects.select_for_update().get(step=first)
            worker = elsewhere(pool, lambda: recompute_project(project))
            eventually(lambda: blocked() == 1)  # It would put down what stands, and meets the row above.
            reviewer = elsewhere(pool, lambda: adjudicate_step(step=step, rating=-1, by=rita))
            eventually(lambda: blocked() == 2 or reviewer.done())
        worker.result(60)
        reviewer.result(60)
    the_word_stands(solution, rita)
    recompute_project(project)
    the_word_stands(solution, rita)


def test_the_consensus_of_a_rule_does_not_override_an_adjudication_meanwhile(
    solution: Solution, rita: User, alice: User
) -> None:
    Consensus.objects.filter(pk=solution.pk).update(first_error=-1, how="majority")
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            adjudicate_solution(solution=solution, first_error=1, by=rita)
            together = elsewhere(pool, lambda: adjudicate_consensus(solutions=[solution], by=alice))
            eventually(lambda: blocked() == 1)
        assert together.result(60) == 0
    the_word_stands(solution, rita)
