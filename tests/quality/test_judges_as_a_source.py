"""Judges as one of the sources: disputes, the evidence of a solution, agreement with people."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.corpus.problem_edits import edit_problem
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.judging.models import StepVerdict
from apps.labeling.resplit import resplit_steps
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.metrics.refresh import refresh_figures
from apps.quality.models import Consensus, Figure, OpenDispute, StaleSolution
from apps.quality.review.evidence import Evidence, evidence_of
from apps.quality.review.queues import counts_of, queue_of
from tests.cast import make_problem, make_round, make_solution
from tests.judging.verdicts import bring_in, judge, row, verdicts
from tests.quality.submissions import submit_next

QUEUE = "monte_carlo_judge"


def estimate(solution: Solution, *hard: bool, number: int = 1, origin: str = "jsonl:1") -> EstimationRun:
    """Hard labels of the first steps, as a file brings them."""
    run, _ = EstimationRun.objects.get_or_create(
        project=solution.project, number=number, strategy="math-shepherd", origin=origin, status="finished"
    )
    steps = solution.steps.order_by("position")
    StepEstimate.objects.bulk_create(
        StepEstimate(run=run, step=step, hard=one) for step, one in zip(steps, hard, strict=False)
    )
    return run


def settle(*solutions: Solution) -> None:
    project = solutions[0].project
    StaleSolution.objects.mark(project.pk, [one.pk for one in solutions])
    recompute_project(project)


def kinds(solution: Solution) -> set[str]:
    return set(OpenDispute.objects.filter(solution=solution).values_list("kind", flat=True))


def evidence(solution: Solution) -> Evidence:
    found = Solution.objects.select_related("problem", "project").get(pk=solution.pk)
    return evidence_of(found, lambda ids: dict.fromkeys(ids, "somebody"))


def first_errors(solution: Solution) -> list[tuple[str, str, int]]:
    return [(one.source.value, one.name, one.first_error) for one in evidence(solution).first_errors]


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project))


def test_a_judge_who_names_another_first_error_than_rollouts_fills_the_queue(project: Project) -> None:
    agreeing, differing, unsaid = (make_solution(make_problem(project)) for _ in range(3))
    for one in (agreeing, differing, unsaid):
        estimate(one, True, False, False)
    judge(agreeing, "a", 1, -1)
    judge(differing, "a", 1, 0, -1)
    judge(unsaid, "a", 1, None, -1)
    settle(agreeing, differing, unsaid)
    assert list(queue_of(project, QUEUE).values_list("solution", flat=True)) == [differing.pk]
    assert counts_of(project)[QUEUE] == 1
    assert not Consensus.objects.exists(), "nothing stands by a machine alone"


def test_verdicts_that_land_are_news_to_quality(project: Project) -> None:
    rollouts = {"monte_carlo": [{"run": 1, "steps": [{"position": place, "hard": place < 1} for place in range(3)]}]}
    bring_in(project, [row(1, **rollouts), row(2, **rollouts)])
    recompute_project(project)
    assert not StaleSolution.objects.exists()
    bring_in(project, [row(1, judges=[verdicts("a", 1, -1)]), row(2, judges=[verdicts("a", -1)])])
    assert StaleSolution.objects.count() == 1 + 1
    recompute_project(project)
    (differing, agreeing) = project.solutions.order_by("pk")
    assert (kinds(differing), kinds(agreeing)) == (set(), {QUEUE})


def test_rollouts_of_a_file_name_a_first_error_as_runs_of_our_own_do(project: Project, bob: User) -> None:
    named, gap, none = (make_solution(make_problem(project)) for _ in range(3))
    estimate(named, True, True, False)
    estimate(gap, True)
    estimate(none, True, True, True)
    round_ = make_round(project)
    for _ in range(3):
        submit_next(round_, bob, 1, -1)
    recompute_project(project)
    assert (kinds(named), kinds(gap), kinds(none)) == ({"people_monte_carlo"}, set(), {"people_monte_carlo"})
    assert [one.step_number for one in evidence(named).runs + evidence(gap).runs + evidence(none).runs] == [3, None, 0]
    assert [one for one in first_errors(none) if one[0] == "monte_carlo"] == [("monte_carlo", "", -1)]


def test_the_newest_estimation_run_counts_whether_it_was_imported_or_not(solution: Solution) -> None:
    judge(solution, "a", -1)
    estimate(solution, False)
    own = EstimationRun.objects.create(project=solution.project, number=2, strategy="bisect", status="finished")
    SolutionEstimate.objects.create(run=own, solution=solution, first_error=1)
    settle(solution)
    assert kinds(solution) == {QUEUE}
    estimate(solution, False, number=3, origin="jsonl:2")
    settle(solution)
    assert kinds(solution) == set()


def test_of_each_judge_the_newest_run_counts(solution: Solution) -> None:
    estimate(solution, True, True, False)
    judge(solution, "a", -1)
    judge(solution, "b", 1, 1, -1)
    settle(solution)
    assert kinds(solution) == {QUEUE}
    judge(solution, "a", 1, 1, -1, version=2)
    settle(solution)
    assert kinds(solution) == set()
    assert first_errors(solution) == [("monte_carlo", "", 2), ("judge", "a v2", 2), ("judge", "b v1", 2)]


def test_what_a_reviewer_has_settled_leaves_the_queue_and_judges_settle_nothing(
    solution: Solution, bob: User, rita: User
) -> None:
    from apps.quality.review.adjudication import adjudicate_solution

    estimate(solution, True, False)
    judge(solution, "a", -1)
    settle(solution)
    assert kinds(solution) == {QUEUE}
    adjudicate_solution(solution=solution, first_error=0, by=rita)
    recompute_project(solution.project)
    assert kinds(solution) == set()


def test_the_evidence_has_every_verdict_beside_the_rest(project: Project, solution: Solution, bob: User) -> None:
    submit_next(make_round(project), bob, 1, -1)
    judge(solution, "b", 1, 0, 1, confidence=0.8, reason="It follows.")
    judge(solution, "a", 1, None, -1, version=4)
    shown = evidence(solution)
    assert [
        [(str(one.run.judge), one.rating, one.confidence, one.reason) for one in row.verdicts] for row in shown.rows
    ] == [
        [("b v1", 1, 0.8, "It follows."), ("a v4", 1, None, "")],
        [("b v1", 0, 0.8, "It follows.")],
        [("b v1", 1, 0.8, "It follows."), ("a v4", -1, None, "")],
    ]
    assert [(str(one.run.judge), one.step_number) for one in shown.judges] == [("b v1", 0), ("a v4", None)]
    assert first_errors(solution) == [
        ("person", "somebody", 1),
        ("judge", "a v4", -2),
        ("judge", "b v1", -1),
    ]


def test_verdicts_from_before_the_answer_was_changed_are_marked(solution: Solution, alice: User) -> None:
    judge(solution, "a", 1, 1, 1)
    problem = solution.problem
    assert not evidence(solution).precedes_answer_change
    edit_problem(problem=problem, actor=alice, statement=problem.statement, reference_answer="7")
    judge(solution, "b", 1, 1, 1)
    shown = evidence(solution)
    assert [one.precedes_answer_change for one in shown.judges] == [True, False]
    assert shown.precedes_answer_change


def test_steps_that_are_split_again_leave_their_verdicts_on_the_older_version(solution: Solution, rita: User) -> None:
    estimate(solution, True, False)
    judge(solution, "a", -1)
    settle(solution)
    assert kinds(solution) == {QUEUE}
    newer = resplit_steps(solution=solution, texts=["One.Two.", "Three."], actor=rita)
    recompute_project(solution.project)
    assert StepVerdict.objects.filter(step__solution=solution).count() == 1
    assert not StepVerdict.objects.filter(step__solution=newer).exists()
    assert (kinds(solution), kinds(newer)) == (set(), set())
    assert (len(evidence(solution).judges), evidence(newer).judges) == (1, [])


# --- agreement with people --------------------------------------------------------------------------------

PEOPLE = ([1, 1, 1], [1, -1, 1], [1, 1, -1], [-1, 1, 1], [1, 0, 1])
JUDGED = ([1, 1, 1], [1, -1, 1], [1, -1, 1], [-1, 0, 1], [0, 1, -1])


def figures(project: Project) -> dict[str, Any]:
    refresh_figures()
    return dict(Figure.objects.filter(project=project, name="judges").values_list("scope", "data"))


@pytest.fixture
def judged(project: Project, bob: User) -> Project:
    solutions = [make_solution(make_problem(project)) for _ in PEOPLE]
    round_ = make_round(project, protocol="every_step")
    for ratings in PEOPLE:
        submit_next(round_, bob, *ratings)
    for one, ratings in zip(solutions, JUDGED, strict=True):
        judge(one, "a", *ratings, confidence=0.9)
    judge(solutions[0], "b", 1, version=2)
    recompute_project(project)
    return project


def test_agreement_of_judges_with_people_is_what_counting_gives(judged: Project) -> None:
    pairs = [pair for people, said in zip(PEOPLE, JUDGED, strict=True) for pair in zip(said, people, strict=True)]
    shown = figures(judged)
    assert sorted(shown) == ["run:1", "run:2"]
    first = shown["run:1"]
    assert (first["judge"], first["version"], first["number"]) == ("a", 1, 1)
    same = sum((said == -1) == (people == -1) for said, people in pairs)
    assert first["accuracy"]["value"] == pytest.approx(same / len(pairs))
    assert first["accuracy"]["low"] < same / len(pairs) < first["accuracy"]["high"]
    both = sum(said == people == -1 for said, people in pairs)
    assert first["precision"]["value"] == pytest.approx(both / sum(said == -1 for said, _ in pairs))
    assert first["recall"]["value"] == pytest.approx(both / sum(people == -1 for _, people in pairs))
    assert first["first_error_exact"]["value"] == pytest.approx(3 / 5)
    assert first["confusion"] == [
        [sum(pair == (said, people) for pair in pairs) for people in (-1, 0, 1)] for said in (-1, 0, 1)
    ]
    (bin_,) = [one for one in first["calibration"]["bins"] if one["of"]]
    assert (bin_["good"], bin_["of"], bin_["mean"]) == (same, len(pairs), pytest.approx(0.9))
    assert "calibration" not in shown["run:2"], "it never said how sure it was"


def test_a_judge_that_no_person_has_labeled_beside_has_no_figures(project: Project, bob: User) -> None:
    alone, other = (make_solution(make_problem(project)) for _ in range(2))
    judge(other, "a", 1, 1)
    submit_next(make_round(project), bob, 1, -1)
    settle(alone, other)
    assert figures(project) == {}
