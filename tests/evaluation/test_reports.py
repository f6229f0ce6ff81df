"""What evaluations say of a project: each rater against gold and consensus, each scorer on the same problems."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.evaluation.kinds import KINDS
from apps.evaluation.services import checked_options
from apps.labeling.models import Round
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import AlsoAcceptable
from apps.scoring.models import SolutionScore
from tests.cast import make_gold, make_problem, make_round, make_screening, make_solution
from tests.evaluation.scored_project import (
    estimate,
    judge,
    make_estimation_run,
    make_judge_run,
    make_sample,
    make_samples,
    make_scoring_run,
    score,
    settle,
)
from tests.quality.submissions import mark_all_stale
from tests.world import rate


def report(project: Project, kind: str, **options: Any) -> dict[str, Any]:
    reported: list[tuple[int, int]] = []
    found = KINDS[kind].compute(project, checked_options({"resamples": 50, **options}), lambda *at: reported.append(at))
    assert all(0 <= done <= total for done, total in reported)
    return found


def row_of(found: dict[str, Any], name: str) -> dict[str, Any]:
    (row,) = [row for row in found["raters"] if row["rater"]["name"] == name]
    return row


def f1_of(row: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    return row["erroneous"]["value"], row["correct"]["value"], row["f1"]["value"]


# --- first errors -----------------------------------------------------------------------------------------


@pytest.fixture
def judged(project: Project) -> Project:
    """Four solutions with gold: two with an error in the second step, two without."""
    for number in range(4):
        solution = make_solution(make_problem(project, subject=("Algebra", "Geometry")[number % 2]))
        make_gold(solution, *((1, -1) if number < 2 else (1, 1, 0)))
    return project


def test_rollouts_and_judges_are_scored_like_processbench(judged: Project) -> None:
    first, second, third, fourth = judged.solutions.order_by("pk")
    run, judge_run = make_estimation_run(judged), make_judge_run(judged)
    for solution, error in ((first, 1), (second, 2), (third, -1), (fourth, -1)):
        estimate(run, solution, error)
    judge(judge_run, first, 1, -1)
    judge(judge_run, second, 1, -1)
    judge(judge_run, third, 1, 1, 1)
    judge(judge_run, fourth, 1)  # It stopped without an error: it names none, and is wrong.
    found = report(judged, "processbench")
    assert found["truth"] == {"solutions": 4, "gold": 4, "erroneous": 2, "problems": 4}
    assert f1_of(row_of(found, "math-shepherd, run 1")) == (0.5, 1.0, pytest.approx(2 / 3))
    assert f1_of(row_of(found, "critic v1, run 1")) == (1.0, 0.5, pytest.approx(2 / 3))
    parts = {part["name"]: part["f1"]["value"] for part in row_of(found, "math-shepherd, run 1")["parts"]}
    assert parts == {"Algebra": 1.0, "Geometry": 0.0}
    assert row_of(found, "math-shepherd, run 1")["average"]["value"] == 0.5


def test_an_imported_run_has_the_first_errors_of_its_hard_labels(judged: Project) -> None:
    run = make_estimation_run(judged, origin="math-shepherd")
    for solution, hard in zip(judged.solutions.order_by("pk"), ("+-+", "+++", "+++", "+"), strict=True):
        for step, sign in zip(solution.steps.order_by("position"), hard, strict=False):
            run.estimates.create(step=step, hard=sign == "+")
    assert f1_of(row_of(report(judged, "processbench"), "math-shepherd, run 1"))[:2] == (0.5, 0.5)


def test_a_run_that_has_not_ended_takes_no_part(judged: Project) -> None:
    run = make_estimation_run(judged)
    estimate(run, judged.solutions.order_by("pk")[0], 1)
    type(run).objects.update(status="running")
    score(make_scoring_run(judged, status="running"), judged.solutions.order_by("pk")[0], 0.9, 0.1, 0.1)
    assert report(judged, "processbench")["raters"] == []


def test_first_errors_that_gold_also_accepts_are_right(judged: Project) -> None:
    first = judged.solutions.order_by("pk")[0]
    AlsoAcceptable.objects.create(solution=first, first_errors=[2])
    run = make_estimation_run(judged)
    estimate(run, first, 2)
    assert f1_of(row_of(report(judged, "processbench"), "math-shepherd, run 1"))[0] == 1.0


def test_the_consensus_is_the_truth_where_there_is_no_gold_and_a_rater_where_there_is(judged: Project) -> None:
    unknown = make_solution(make_problem(judged))
    settle(unknown, 0, -1)
    settle(judged.solutions.order_by("pk")[0], 2, 1, 1, -1)
    settle(judged.solutions.order_by("pk")[1], 1, 1, -1, how="adjudicated")
    run = make_estimation_run(judged)
    estimate(run, unknown, 0)
    found = report(judged, "processbench")
    assert found["truth"]["solutions"] == 5
    assert row_of(found, "math-shepherd, run 1")["erroneous"]["value"] == 1.0
    consensus = row_of(found, "consensus of people")
    assert (consensus["solutions"], consensus["erroneous"]["value"]) == (2, 0.5), "no adjudication"
    by_gold = report(judged, "processbench", truth="gold")
    assert by_gold["truth"]["solutions"] == 4
    assert [row["rater"]["kind"] for row in by_gold["raters"]] == ["consensus"]


def labeled(project: Project, bob: User, rita: User) -> Round:
    round_ = make_round(project, redundancy=2)
    for labeler, answers in ((bob, [(1, -1), (1, -1), (1, 1, 1), (1, -1)]), (rita, [(1, 1, 1)] * 4)):
        for ratings in answers:
            rate(round_, labeler, *ratings)
    mark_all_stale(project)
    recompute_project(project)
    return round_


def test_people_are_scored_on_gold_together_and_each(judged: Project, bob: User, rita: User) -> None:
    labeled(judged, bob, rita)
    screening = make_screening(judged, tasks=1)
    rate(screening, bob, -1)
    mark_all_stale(judged)
    recompute_project(judged)
    rows = report(judged, "processbench")["raters"]
    own = {row["rater"]["user"]: f1_of(row) for row in rows if row["rater"]["kind"] == "person"}
    assert own == {bob.pk: (1.0, 0.5, pytest.approx(2 / 3)), rita.pk: (0.0, 1.0, 0.0)}
    (together,) = [row for row in rows if row["rater"]["kind"] == "people"]
    assert f1_of(together) == (0.5, 0.75, pytest.approx(0.6))
    assert together["solutions"] == 8, "screenings are not real work"


def test_a_reward_model_has_its_threshold_from_the_dev_part_which_is_left_out(project: Project) -> None:
    run = make_scoring_run(project)
    for number in range(40):
        solution = make_solution(make_problem(project))
        is_erroneous = number % 2 == 0
        make_gold(solution, *((1, -1) if is_erroneous else (1, 1, 1)))
        score(run, solution, 0.99, 0.85 if is_erroneous else 0.95, 0.95)
    chosen = row_of(report(project, "processbench", dev_share=0.5), "prm, run 1")
    assert chosen["threshold"]["chosen"] == "dev"
    assert 0.85 < chosen["threshold"]["value"] <= 0.95
    assert 0 < chosen["solutions"] < 40
    assert chosen["f1"]["value"] == 1.0
    given = row_of(report(project, "processbench", threshold=0.5), "prm, run 1")
    assert given["threshold"] == {"value": 0.5, "chosen": "given"}
    assert (given["solutions"], f1_of(given)) == (40, (0.0, 1.0, 0.0))
    usual = row_of(report(project, "processbench", dev_share=0.0), "prm, run 1")
    assert usual["threshold"] == {"value": 0.5, "chosen": "usual"}


# --- steps ------------------------------------------------------------------------------------------------


def test_single_steps_are_scored_like_prmbench(judged: Project, bob: User, rita: User) -> None:
    labeled(judged, bob, rita)
    first = judged.solutions.order_by("pk")[0]
    run, judge_run = make_estimation_run(judged), make_judge_run(judged)
    estimate(run, first, 1, [4, 1, 0])  # Gold calls the second step bad, and says nothing of the third.
    judge(judge_run, first, -1, -1)
    score(make_scoring_run(judged), first, 0.9, 0.2)
    found = report(judged, "steps", dev_share=0.0)
    assert found["truth"] == {"steps": 10, "gold": 10, "bad": 2, "problems": 4}
    rollouts = row_of(found, "math-shepherd, run 1")
    assert (rollouts["steps"], rollouts["good"]["value"], rollouts["bad"]["value"]) == (2, 1.0, 0.0)
    verdicts = row_of(found, "critic v1, run 1")
    assert (verdicts["negative_f1"]["value"], verdicts["prm_score"]["value"]) == (
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
    )
    scores = row_of(found, "prm, run 1")
    assert (scores["prm_score"]["value"], scores["threshold"]["value"]) == (1.0, 0.5)
    people = row_of(found, "all labelers")
    assert (people["steps"], people["bad"]["value"]) == (19, 0.5)


# --- best-of-N --------------------------------------------------------------------------------------------


def points_of(found: dict[str, Any], kind: str, reducer: str = "") -> list[float]:
    (curve,) = [curve for curve in found["curves"] if (curve["kind"], curve["reducer"]) == (kind, reducer)]
    return [round(point["value"], 6) for point in curve["points"]]


def test_best_of_n_of_a_case_worked_by_hand(project: Project) -> None:
    """Three samples, one right, which the product prefers and the last step does not; the wrong ones agree."""
    problem = make_problem(project, reference_answer="6")
    run = make_scoring_run(project)
    right = make_sample(problem, "6", right=True, scores=[0.9, 0.8])
    score(run, right, 0.9, 0.8)
    score(run, make_sample(problem, "1/2", right=False, scores=[0.1, 0.9]), 0.1, 0.9)
    score(run, make_sample(problem, "0.5", right=False, scores=[0.2, 0.7]), 0.2, 0.7)
    found = report(project, "best_of_n")
    assert (found["problems"], found["samples"], found["right"], found["largest_n"]) == (1, 3, 1, 3)
    third = round(1 / 3, 6)
    assert points_of(found, "pass") == [third, round(2 / 3, 6), 1.0]
    assert points_of(found, "majority") == [third, third, 0.0], "1/2 and 0.5 are one answer"
    assert points_of(found, "best_of_n", "product") == [third, round(2 / 3, 6), 1.0]
    assert points_of(found, "best_of_n", "last") == [third, third, 0.0]
    assert points_of(found, "weighted_vote", "product") == [third, round(2 / 3, 6), 1.0], "0.72 against 0.09 + 0.14"


def test_the_most_convincing_wrong_answer_of_each_problem_is_listed_beside_the_best_right_one(project: Project) -> None:
    run = make_scoring_run(project)
    first, second, third = (make_problem(project, statement=f"Which? {number}") for number in range(3))
    deceived = make_sample(first, "7", right=False, scores=[0.9, 0.8])
    samples = [
        (deceived, (0.9, 0.8)),
        (make_sample(first, "8", right=False, scores=[0.5, 0.5]), (0.5, 0.5)),
        (make_sample(first, "6", right=True, scores=[0.7, 0.9]), (0.7, 0.9)),
        (make_sample(second, None, right=None, scores=[0.95]), (0.95,)),
        (hopeless := make_sample(second, "1", right=False), (0.1,)),
        (make_sample(third, "6", right=True), (0.9,)),
        (make_sample(third, "6", right=True), (0.8,)),
    ]
    for sample, scores in samples:
        score(run, sample, *scores)
    (convincing,) = report(project, "best_of_n")["convincing"]
    assert (convincing["scorer"]["name"], convincing["reducer"]) == ("prm, run 1", "product")
    assert convincing["solutions"] == [
        {
            "solution": deceived.pk,
            "problem": "Which? 0",
            "answer": "7",
            "score": pytest.approx(0.72),
            "best_right": pytest.approx(0.63),
        },
        {"solution": hopeless.pk, "problem": "Which? 1", "answer": "1", "score": 0.1, "best_right": None},
    ]


def test_few_convincing_answers_are_listed(project: Project) -> None:
    make_samples(project, problems=14, samples=4)
    (convincing,) = report(project, "best_of_n")["convincing"]
    scores = [row["score"] for row in convincing["solutions"]]
    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
    assert len({row["problem"] for row in convincing["solutions"]}) == 10


def test_all_curves_rest_on_the_same_problems(project: Project) -> None:
    run = make_samples(project, problems=4, samples=4)
    lonely = make_problem(project)
    make_sample(lonely, "1", right=True)
    unscored = make_problem(project)
    for _ in range(4):
        make_sample(unscored, "1", right=False)
    partly = make_scoring_run(project, "small")
    scored = project.problems.order_by("pk")[:2]
    for solution in project.solutions.filter(problem__in=scored):
        score(partly, solution, 0.5, 0.5, 0.5)
    found = report(project, "best_of_n", scorer="prm")
    assert (found["problems"], found["left_out"]) == (4, {"single": 1, "unscored": 1, "short": 0})
    both = report(project, "best_of_n")
    assert (both["problems"], both["left_out"]["unscored"]) == (2, 3)
    assert {curve["scorer"]["name"] for curve in both["curves"] if curve["scorer"]} == {"prm, run 1", "small, run 2"}
    assert run.number == 1


def test_scorers_without_a_common_problem_are_named(project: Project) -> None:
    make_samples(project, problems=1, samples=2)
    other = make_problem(project)
    run = make_scoring_run(project, "other")
    for right in (True, False):
        score(run, make_sample(other, "1", right=right), 0.5)
    with pytest.raises(DomainError, match="each of prm, run 1, other, run 2"):
        report(project, "best_of_n")


def test_n_goes_as_far_as_nine_in_ten_problems_have_samples(project: Project) -> None:
    for number in range(10):
        problem = make_problem(project)
        for _ in range(3 if number == 0 else 5):
            make_sample(problem, "1", right=True)
    found = report(project, "best_of_n")
    assert (found["largest_n"], found["problems"], found["left_out"]["short"]) == (5, 9, 1)
    assert [point["n"] for point in found["curves"][0]["points"]] == [1, 2, 4, 5]
    assert report(project, "best_of_n", max_n=2)["largest_n"] == 2


def test_unread_answers_are_wrong_and_ungraded_ones_left_out(project: Project) -> None:
    problem = make_problem(project)
    make_sample(problem, "6", right=True)
    make_sample(problem, None, right=None)
    make_solution(problem, final_answer="7")
    found = report(project, "best_of_n")
    assert (found["samples"], found["right"]) == (2, 1)
    assert points_of(found, "majority") == [0.5, 1.0], "no answer is no vote"


def test_a_sample_without_an_answer_is_chosen_only_where_there_is_no_other(project: Project) -> None:
    run, problem = make_scoring_run(project), make_problem(project, reference_answer="42")
    score(run, make_sample(problem, "42", right=True, scores=[0.5]), 0.5)
    score(run, make_sample(problem, "", right=None, scores=[0.9]), 0.9)
    silent = make_problem(project, reference_answer="42")
    for _ in range(2):
        score(run, make_sample(silent, "", right=None, scores=[0.9]), 0.9)
    assert points_of(report(project, "best_of_n"), "best_of_n", "product") == [0.25, 0.5]


def test_scores_of_files_are_a_scorer_and_those_that_a_run_stored_are_not(project: Project) -> None:
    problem = make_problem(project)
    make_sample(problem, "6", right=True, verifier_score=0.9)
    wrong = make_sample(problem, "7", right=False, verifier_score=0.1)
    found = report(project, "best_of_n")
    assert points_of(found, "best_of_n") == [0.5, 1.0]
    run = make_scoring_run(project)
    SolutionScore.objects.create(run=run, solution=wrong, score=0.1, is_applied=True)
    assert [curve["kind"] for curve in report(project, "best_of_n")["curves"]] == ["pass", "majority"]
    SolutionScore.objects.update(replaced=0.95)
    assert points_of(report(project, "best_of_n"), "best_of_n") == [0.5, 0.0]


def test_nothing_to_sample_from_is_an_empty_report(project: Project) -> None:
    make_sample(make_problem(project), "6", right=True)
    found = report(project, "best_of_n")
    assert (found["problems"], found["curves"], found["left_out"]["single"]) == (0, [], 1)


def test_only_one_writer_may_be_asked_about(project: Project) -> None:
    problem = make_problem(project)
    for source in ("a", "a", "b"):
        make_sample(problem, "6", right=True, source=source)
    assert report(project, "best_of_n", source="a")["samples"] == 2


# --- calibration ------------------------------------------------------------------------------------------


def test_scores_of_steps_and_of_solutions_are_calibrated(judged: Project) -> None:
    first, second, *_ = judged.solutions.order_by("pk")
    run, scores = make_estimation_run(judged), make_scoring_run(judged)
    estimate(run, first, 1, [4, 0, 0])
    score(scores, first, 0.9, 0.1, 0.9)
    type(first).objects.filter(pk=first.pk).update(is_correct=False, grade="no_match")
    type(first).objects.filter(pk=second.pk).update(is_correct=True, grade="match", verifier_score=7.5)
    rows = {(row["rater"]["name"], row["unit"]): row for row in report(judged, "calibration")["scorers"]}
    assert set(rows) == {
        ("math-shepherd, run 1", "steps"),
        ("prm, run 1", "steps"),
        ("prm, run 1", "solutions"),
        ("verifier_score", "solutions"),
    }
    estimates = rows["math-shepherd, run 1", "steps"]
    assert (estimates["count"], estimates["good"], estimates["area"]) == (2, 1, 1.0)
    assert estimates["calibration"]["error"]["value"] == 0.0
    assert sum(estimates["histogram"]["good"]) == 1
    assert rows["prm, run 1", "steps"]["calibration"]["error"]["value"] == pytest.approx(0.1)
    outcome = rows["verifier_score", "solutions"]
    assert (outcome["calibration"], outcome["area"], outcome["histogram"]["high"]) == (None, None, 7.5)
