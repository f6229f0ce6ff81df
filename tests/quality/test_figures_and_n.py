"""Figures show what they rest on: compared solutions, intervals with a width, and no agreement of a labeler with themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN, first_error, hard_label, majority
from apps.corpus.models import Solution
from apps.estimation.models import EstimationRun, StepEstimate
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.quality.aggregation.majority import majority_labels
from apps.quality.consensus.load import LoadedRatings
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.suspensions import suspend
from apps.quality.metrics import refresh as figures
from apps.quality.metrics.estimation_runs import against_people, soft_values
from apps.quality.metrics.refresh import refresh, refresh_figures
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.quality.models import Consensus, Figure, QualityRules
from apps.quality.review.adjudication import adjudicate_solution
from apps.quality.statistics.agreement import agreement, others_first_errors, pair_agreements, source_agreement
from apps.quality.statistics.ratings import first_errors_of
from tests.cast import make_problem, make_solution, make_user
from tests.quality.labeled_project import add_labelers
from tests.quality.rating_tables import ratings_of
from tests.quality.submissions import mark_all_stale
from tests.quality.test_counted_consensus import answer, make_task

pytestmark = pytest.mark.slow

LABELS = st.sampled_from([BAD, OKAY, GREAT])


# --- the vectorised rules are the scalar ones -------------------------------------------------------------


@given(st.lists(st.lists(LABELS, max_size=6), min_size=1, max_size=20))
def test_majorities_of_many_steps_are_those_of_each(steps: list[list[int]]) -> None:
    counts = np.array([[ratings.count(rating) for rating in (BAD, OKAY, GREAT)] for ratings in steps])
    assert majority_labels(counts).tolist() == [majority(ratings) for ratings in steps]


@given(st.lists(st.lists(st.sampled_from([BAD, OKAY, GREAT, UNKNOWN]), min_size=1, max_size=6), min_size=1, max_size=9))
def test_first_errors_of_many_solutions_are_those_of_each(solutions: list[list[int]]) -> None:
    offsets = np.cumsum([0, *map(len, solutions)])
    expected = [
        first_error({place: label for place, label in enumerate(labels) if label != UNKNOWN}, len(labels))
        for labels in solutions
    ]
    assert first_errors_of(np.array([label for labels in solutions for label in labels]), offsets).tolist() == expected


@given(st.lists(st.lists(st.text("+0-.", max_size=4), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_others_are_the_majority_without_the_labeler(table: list[list[str]]) -> None:
    ratings = ratings_of(table)
    said, others = others_first_errors(ratings)
    signs = {"+": GREAT, "0": OKAY, "-": BAD}
    for solution, labeler, other in zip(said.solutions.tolist(), said.labelers.tolist(), others.tolist(), strict=True):
        length = int(np.diff(ratings.offsets)[solution])
        rest = [walk for who, walk in enumerate(table[solution]) if who != labeler]
        labels = {
            place: majority([signs[walk[place]] for walk in rest if place < len(walk) and walk[place] in signs])
            for place in range(length)
        }
        assert other == first_error({place: one for place, one in labels.items() if one != UNKNOWN}, length)


# --- intervals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("walks", [["+-", "+-"], ["++", "++"]])
@pytest.mark.parametrize("solutions", [2, 10, 40])
def test_perfect_agreement_is_no_certainty(walks: list[str], solutions: int) -> None:
    found = agreement(ratings_of([walks] * solutions))
    exact = found.first_errors.exact
    assert (exact.value, exact.high, exact.solutions) == (1, pytest.approx(1), solutions)
    assert exact.low == pytest.approx(solutions / (solutions + 1.96**2), abs=0.001)


def test_no_agreement_at_all_is_no_certainty_either() -> None:
    exact = agreement(ratings_of([["+-", "-"]] * 10)).first_errors.exact
    assert (exact.value, exact.low) == (0, pytest.approx(0))
    assert exact.high == pytest.approx(1.96**2 / (10 + 1.96**2), abs=0.001)


def test_coefficients_of_perfect_agreement_have_an_interval() -> None:
    found = agreement(ratings_of([["+-", "+-"], ["++", "++"]] * 10))
    for one in (found.first_errors.kappa, found.steps.alpha_ordinal, found.steps.alpha_nominal, found.steps.kappa):
        assert one.value == pytest.approx(1)
        assert one.low is not None
        assert 0.5 < one.low < 0.95
    (pair,) = pair_agreements(ratings_of([["+-", "+-"], ["++", "++"]] * 10))
    assert pair.kappa.low is not None
    assert pair.kappa.low < 0.95


def test_precision_rests_on_the_solutions_that_have_a_bad_step() -> None:
    offsets = np.arange(0, 41, 2)
    people = np.tile([GREAT, GREAT], 20)
    people[1] = BAD
    found = source_agreement(people, people, offsets)
    assert (found.precision.value, found.precision.solutions, found.accuracy.solutions) == (1, 1, 20)
    assert found.precision.low is not None
    assert found.precision.low < 0.3


# --- figures of a project ---------------------------------------------------------------------------------


@pytest.fixture
def crew(project: Project) -> list[User]:
    return add_labelers(project, 4)


def label(project: Project, crew: list[User], number: int, *walks: tuple[int, ...], redundancy: int = 1) -> int:
    solution = make_solution(make_problem(project, f"{number}?"))
    task = make_task(solution, number, redundancy=redundancy)
    for labeler, ratings in zip(crew, walks, strict=False):
        if ratings:
            answer(task, labeler, *ratings)
    return solution.pk


def compute(project: Project) -> None:
    mark_all_stale(project)
    recompute_project(project)
    refresh(project)


def test_agreement_counts_the_solutions_that_are_compared(project: Project, crew: list[User]) -> None:
    for number in range(9):
        label(project, crew, number, (1, -1), *([(1, -1)] if number < 6 else []))
    compute(project)
    data = Figure.objects.get(name="agreement", scope="").data
    assert (data["solutions"], data["labeled"]) == (6, 9)
    assert (data["first_errors"]["exact"]["value"], data["first_errors"]["exact"]["solutions"]) == (1, 6)


def test_fewer_than_the_minimum_are_a_dash_with_their_number(project: Project, crew: list[User]) -> None:
    for number in range(MIN_SOLUTIONS - 1):
        label(project, crew, number, (1, -1), (1, -1))
    compute(project)
    exact = Figure.objects.get(name="agreement", scope="").data["first_errors"]["exact"]
    assert exact == {"value": None, "low": None, "high": None, "solutions": MIN_SOLUTIONS - 1}


def test_nobody_agrees_with_themselves(project: Project, crew: list[User]) -> None:
    """Two agree and the third never: what stands is theirs, and the third's own voice does not help."""
    for number in range(6):
        label(project, crew, number, (1, -1), (1, -1), (1, 1, 1), redundancy=3)
    label(project, crew, 6, (1, -1))
    compute(project)
    rows = {row["labeler"]: row["agrees"] for row in Figure.objects.get(name="labelers").data["labelers"]}
    # For each of the two, one other names an error and one none: a tie is nothing to agree with.
    assert rows == {crew[0].pk: [0, 0], crew[1].pk: [0, 0], crew[2].pk: [0, 6]}


def test_of_two_each_is_compared_with_the_other(project: Project, crew: list[User]) -> None:
    for number in range(4):
        label(project, crew, number, (1, -1), (1, -1) if number else (1, 1, 1), redundancy=2)
    compute(project)
    rows = {row["labeler"]: row["agrees"] for row in Figure.objects.get(name="labelers").data["labelers"]}
    assert rows == {crew[0].pk: [3, 4], crew[1].pk: [3, 4]}


def agreements() -> dict[int, list[int]]:
    return {row["labeler"]: row["agrees"] for row in Figure.objects.get(name="labelers").data["labelers"]}


def test_who_settled_a_solution_is_compared_with_the_others(project: Project, crew: list[User]) -> None:
    """They may have settled it before they were handed it, or the project allows it."""
    for number in range(6):
        pk = label(project, crew, number, (1, -1), (1, 1, 1), (1, 1, 1), redundancy=3)
        adjudicate_solution(solution=Solution.objects.get(pk=pk), first_error=1, by=make_user(f"reviewer{number}"))
        Consensus.objects.filter(pk=pk).update(adjudicated_by=crew[0])
    compute(project)
    assert agreements() == {crew[0].pk: [0, 6], crew[1].pk: [0, 6], crew[2].pk: [0, 6]}


def test_who_settled_what_nobody_else_labeled_is_compared_with_nobody(project: Project, crew: list[User]) -> None:
    pk = label(project, crew, 1, (1, -1))
    adjudicate_solution(solution=Solution.objects.get(pk=pk), first_error=1, by=make_user("reviewer"))
    compute(project)
    assert agreements() == {crew[0].pk: [1, 1]}
    Consensus.objects.filter(pk=pk).update(adjudicated_by=crew[0])
    compute(project)
    assert agreements() == {crew[0].pk: [0, 0]}


# --- Monte Carlo against people ---------------------------------------------------------------------------


def test_a_suspended_labeler_counts_neither_on_the_run_page_nor_on_the_quality_page(
    project: Project, alice: User, crew: list[User]
) -> None:
    run = EstimationRun.objects.create(project=project, number=1, strategy="math-shepherd", status=JobStatus.FINISHED)
    for number in range(6):
        pk = label(project, crew, number, (1, -1), () if number < 3 else (1, 1, 1))
        steps = make_problem(project).project.solutions.get(pk=pk).steps.order_by("position")
        StepEstimate.objects.bulk_create(
            StepEstimate(run=run, step=step, rollouts=8, successes=8, hard=True) for step in steps
        )

    def totals() -> tuple[int, int]:
        compute(project)
        data = Figure.objects.get(name="monte_carlo", scope="run:1").data
        assert against_people(run).solutions == data["accuracy"]["solutions"]
        return against_people(run).steps, sum(map(sum, data["confusion"]))

    before = totals()
    suspend(membership=project.memberships.get(user=crew[0]), reason="guesses", by=alice)
    after = totals()
    assert before[0] == before[1]
    # What the suspended labeler said of three solutions is gone, and the ties on the others are resolved.
    assert after == (9, 9)
    assert against_people(run).good_bad == 0


def test_thin_labels_are_compared_with_nothing(project: Project, crew: list[User]) -> None:
    run = EstimationRun.objects.create(project=project, number=1, strategy="math-shepherd", status=JobStatus.FINISHED)
    pk = label(project, crew, 0, (1, -1), redundancy=3)
    for step in project.solutions.get(pk=pk).steps.all():
        StepEstimate.objects.create(run=run, step=step, rollouts=8, successes=8, hard=True)
    compute(project)
    assert against_people(run).steps == 0
    assert not Figure.objects.filter(name="monte_carlo").exists()


def test_an_uncounted_step_is_no_bad_one_on_the_run_page(project: Project, crew: list[User]) -> None:
    run = EstimationRun.objects.create(project=project, number=1, strategy="math-shepherd", status=JobStatus.FINISHED)
    pk = label(project, crew, 0, (1, 1, 1))
    for step in project.solutions.get(pk=pk).steps.all():
        StepEstimate.objects.create(run=run, step=step, rollouts=0, successes=0)
    compute(project)
    assert against_people(run).steps == 0


# --- refreshing -------------------------------------------------------------------------------------------


def test_counts_without_successes_are_no_share_and_leave_the_other_figures(project: Project, bob: User) -> None:
    """A file may have the hard label with the number of rollouts; older imports took even less."""
    solution = make_solution(make_problem(project), ["One.", "Two."])
    answer(make_task(solution), bob, 1, -1)
    run = EstimationRun.objects.create(
        project=project, number=1, strategy="math-shepherd", status=JobStatus.FINISHED, origin="jsonl:1"
    )
    first, second = solution.steps.order_by("position")
    StepEstimate.objects.create(run=run, step=first, rollouts=8, hard=True)
    StepEstimate.objects.create(run=run, step=second, rollouts=8)
    mark_all_stale(project)
    QualityRules.objects.filter(project=project).update(min_labelers=1)
    recompute_project(project)
    assert refresh_figures() == 1
    figure = Figure.objects.get(project=project, name="monte_carlo")
    assert (sum(map(sum, figure.data["confusion"])), "calibration" in figure.data) == (1, False)
    assert sum(one.count for one in soft_values(run)) == 0
    assert hard_label(8, None) == UNKNOWN


def test_a_project_that_cannot_be_computed_stays_stale_and_delays_no_other(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    others = [create_project(slug=name, name=name, owner=alice) for name in ("before", "behind")]
    for one in (project, *others):
        mark_all_stale(one)
    QualityRules.objects.update(figures_are_stale=True)
    labeler_rows = figures.labeler_rows

    def fails(one: Project, loaded: LoadedRatings) -> list[dict[str, object]]:
        if one == project:
            raise TypeError("unsupported operand")
        return labeler_rows(one, loaded)

    monkeypatch.setattr(figures, "labeler_rows", fails)
    assert refresh_figures() == 2
    assert set(QualityRules.objects.filter(figures_are_stale=True).values_list("project", flat=True)) == {project.pk}
    assert project.slug in caplog.text
    monkeypatch.setattr(figures, "labeler_rows", labeler_rows)
    assert refresh_figures() == 1
    assert Figure.objects.filter(project=project).exists()
