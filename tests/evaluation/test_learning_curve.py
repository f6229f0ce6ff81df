"""Labels against F1: a point for each scoring run on gold, and what each closed round bought."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.corpus.models import Solution
from apps.evaluation.kinds import KINDS
from apps.evaluation.metrics.learning_curve import line_of
from apps.evaluation.metrics.processbench import f1_gain
from apps.evaluation.models import Evaluation
from apps.evaluation.run import run_evaluation
from apps.evaluation.services import checked_options, create_evaluation
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.services import open_round, set_round_status
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.scoring.models import ScoringRun
from tests.cast import bearer, make_gold, make_problem, make_solution, signed_in
from tests.evaluation.scored_project import label_round, make_scoring_run, score, score_gold
from tests.world import rate


@pytest.fixture
def gold(project: Project) -> list[Solution]:
    """Four solutions with gold: two with an error in the second step, two without."""
    solutions = [make_solution(make_problem(project), source="gold") for _ in range(4)]
    for number, solution in enumerate(solutions):
        make_gold(solution, *((1, -1) if number < 2 else (1, 1, 1)))
    return solutions


def report(project: Project, **options: Any) -> dict[str, Any]:
    reported: list[tuple[int, int]] = []
    values = {"resamples": 50, "threshold": 0.5, "truth": "gold", **options}
    found = KINDS["learning_curve"].compute(project, checked_options(values), lambda *at: reported.append(at))
    assert all(0 <= done <= total for done, total in reported)
    return found


def test_each_run_is_a_point_at_the_labels_that_existed_when_it_started(
    project: Project, gold: list[Solution], alice: User, bob: User
) -> None:
    score_gold(project, gold, 0, "prm-0")
    label_round(project, bob, alice)
    score_gold(project, gold, 1, "prm-1")
    label_round(project, bob, alice, solutions=3)
    score_gold(project, gold, 2, "prm-2")
    found = report(project)
    assert found["truth"] == {"gold": 4, "solutions": 4, "erroneous": 2}
    assert [(row["labels"], row["labeled_solutions"], row["f1"]["value"]) for row in found["runs"]] == [
        (0, 0, 0.0),
        (4, 2, pytest.approx(2 / 3)),
        (10, 5, 1.0),
    ]
    (curve,) = found["curves"]
    assert curve["title"] == "prm"
    assert [(point["name"], point["labels"]) for point in curve["points"]] == [
        ("prm-1, run 2", 4),
        ("prm-2, run 3", 10),
    ]
    assert found["labels"] == 10


def test_a_round_has_its_rule_and_the_gain_between_the_runs_around_it(
    project: Project, gold: list[Solution], alice: User, bob: User
) -> None:
    score_gold(project, gold, 0)
    label_round(project, bob, alice, select=",sample:2")
    score_gold(project, gold, 1)
    score_gold(project, gold, 2, "other")
    label_round(project, bob, alice, select=",by:convincing,sample:2")
    first, second = report(project)["rounds"]
    assert (first["choice"], first["labels"], second["choice"], second["labels"]) == ("random", 4, "convincing", 8)
    assert second["select"] == "source:round 2,by:convincing,sample:2"
    (gain,) = first["gains"]
    assert (gain["line"], gain["before"], gain["after"], gain["labels"]) == ("prm", 1, 2, 4)
    assert gain["gain"]["value"] == pytest.approx(2 / 3)
    assert second["gains"] == [], "no model was scored after it"


def test_open_rounds_and_screenings_are_no_marks(
    project: Project, gold: list[Solution], alice: User, bob: User
) -> None:
    round_ = label_round(project, bob, alice)
    assert len(report(project)["rounds"]) == 1
    set_round_status(round=round_, status=Round.Status.OPEN, actor=alice)
    assert report(project)["rounds"] == []
    Round.objects.update(status="closed", closed_at=timezone.now(), kind="screening", pass_mark=0.5)
    assert report(project)["rounds"] == []


def test_only_labels_that_count_are_counted_each_once(
    project: Project, gold: list[Solution], alice: User, bob: User, charlie: User
) -> None:
    add_member(project=project, user=charlie, role=Role.LABELER, actor=alice)
    label_round(project, bob, alice)
    again = open_round(project=project, protocol="first_error", select="source:round 1")
    rate(again, bob, 1, -1)
    run = score_gold(project, gold, 2)
    assert report(project)["runs"][0]["labels"] == 4, "Bob rated two steps twice"
    rate(again, charlie, 1, -1)
    assert report(project)["runs"][0]["labels"] == 4, "Charlie's labels came later"
    Assignment.objects.filter(labeler=charlie).update(submitted_at=None)
    assert report(project)["runs"][0]["labels"] == 6, "labels of a file without times were there before"
    ScoringRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(days=1))
    assert report(project)["runs"][0]["labels"] == 2
    Membership.objects.filter(user=charlie).update(status=Membership.Status.SUSPENDED)
    assert report(project)["runs"][0]["labels"] == 0


def test_all_points_rest_on_the_same_solutions_and_runs_with_too_few_are_named(
    project: Project, gold: list[Solution], alice: User, bob: User
) -> None:
    label_round(project, bob, alice)
    score_gold(project, gold[1:], 0, "small")
    score_gold(project, gold, 2)
    score_gold(project, gold[:2], 2, "lopsided")
    make_scoring_run(project, "nothing")
    found = report(project)
    assert {row["solutions"] for row in found["runs"]} == {3}
    assert [row["rater"]["name"] for row in found["runs"]] == ["small, run 1", "prm, run 2"]
    assert found["left_out"] == [{"run": "lopsided, run 3", "solutions": 2}], "a run without gold is no point"


@pytest.mark.parametrize("status", ["running", "cancelled", "failed"])
def test_only_finished_runs_are_points(project: Project, gold: list[Solution], status: str) -> None:
    score_gold(project, gold, 2)
    ScoringRun.objects.update(status=status)
    found = report(project)
    assert (found["runs"], found["left_out"], found["curves"]) == ([], [], [])


def test_two_lines_tell_the_share_of_labels_that_one_needs(
    project: Project, gold: list[Solution], alice: User, bob: User
) -> None:
    label_round(project, bob, alice)
    score_gold(project, gold, 1, "convincing-1")
    score_gold(project, gold, 0, "random-1")
    label_round(project, bob, alice)
    score_gold(project, gold, 2, "convincing-2")
    label_round(project, bob, alice, solutions=4)
    score_gold(project, gold, 1, "random-2")
    assert report(project)["ratios"] == [
        {
            "curve": "convincing",
            "baseline": "random",
            "labels": 16,
            "f1": pytest.approx(2 / 3),
            "ratio": 0.25,
            "is_upper_bound": True,
        }
    ]


def test_thresholds_come_from_a_dev_part_that_no_point_rests_on(project: Project, alice: User, bob: User) -> None:
    solutions = [make_solution(make_problem(project)) for _ in range(40)]
    for number, solution in enumerate(solutions):
        make_gold(solution, *((1, -1) if number % 2 else (1, 1, 1)))
    label_round(project, bob, alice)
    for model in ("prm-1", "prm-2"):
        run = make_scoring_run(project, model)
        for number, solution in enumerate(solutions):
            score(run, solution, 0.99, 0.85 if number % 2 else 0.95, 0.95)
    found = report(project, threshold=None, dev_share=0.5)
    assert [row["threshold"]["chosen"] for row in found["runs"]] == ["dev", "dev"]
    assert [row["f1"]["value"] for row in found["runs"]] == [1.0, 1.0]
    assert 0 < found["truth"]["solutions"] < 40


def test_gold_is_the_truth_whatever_is_asked(project: Project) -> None:
    evaluation = create_evaluation(
        project=project, kind="learning_curve", options={"truth": "gold_and_consensus"}, enqueue=False
    )
    assert evaluation.options["truth"] == "gold"


@pytest.mark.parametrize(
    ("model", "line"),
    [
        ("prm-random-2", "prm-random"),
        ("prm_v3", "prm"),
        ("prm round 12", "prm"),
        ("/models/prm/checkpoint-500", "/models/prm/checkpoint"),
        ("Qwen2.5-Math-PRM-7B", "Qwen2.5-Math-PRM-7B"),
        ("Qwen2.5", "Qwen2.5"),
        ("7", "7"),
    ],
)
def test_models_that_differ_in_a_number_at_the_end_are_one_line(model: str, line: str) -> None:
    assert line_of(model) == line


def test_a_gain_is_paired_so_its_interval_is_narrower_than_that_of_the_f1s() -> None:
    erroneous = np.arange(200) % 2 == 0
    before = np.arange(200) % 4 < 2
    after = before.copy()
    after[np.flatnonzero(~before)[:10]] = True
    gain = f1_gain(before, after, erroneous, np.arange(200))
    assert gain.value == pytest.approx(0.05)
    assert gain.low is not None
    assert gain.high is not None
    assert 0 < gain.low < 0.05 < gain.high < 0.1
    worse = f1_gain(after, before, erroneous, np.arange(200))
    assert worse.value == pytest.approx(-0.05)
    assert worse.high is not None
    assert worse.high < 0
    same = f1_gain(before, before, erroneous, np.arange(200))
    assert (same.value, same.low, same.high) == (0.0, None, None)


# --- the faces ------------------------------------------------------------------------------------------------


def evaluated(project: Project) -> Evaluation:
    options = {"resamples": 50, "threshold": 0.5}
    evaluation = create_evaluation(project=project, kind="learning_curve", options=options, enqueue=False)
    evaluation = run_evaluation(evaluation_id=evaluation.pk)
    assert (evaluation.status, evaluation.error) == (JobStatus.FINISHED, "")
    return evaluation


def page_of(client: Client, project: Project, path: str = "evaluation") -> str:
    return client.get(f"/projects/{project.slug}/{path}").content.decode()


def test_the_page_says_what_is_missing(project: Project, alice: User, request: pytest.FixtureRequest) -> None:
    client = signed_in(alice)
    assert "Score the solutions with gold by each reward model that you train" in page_of(client, project)
    evaluated(project)
    assert "No solution has gold" in page_of(client, project)
    request.getfixturevalue("gold")
    evaluated(project)
    page = page_of(client, project)
    assert "No reward model has scored gold" in page
    assert f"/projects/{project.slug}/estimation/scoring/new" in page


def test_the_page_and_its_files_show_what_each_round_bought(
    project: Project, gold: list[Solution], alice: User, bob: User, rita: User
) -> None:
    score_gold(project, gold, 0, "prm-0")
    round_ = label_round(project, bob, alice, select=",by:convincing,sample:2")
    score_gold(project, gold, 1, "prm-1")
    label_round(project, bob, alice)
    score_gold(project, gold, 2, "prm-2")
    evaluation = evaluated(project)
    client = signed_in(rita)
    page = page_of(client, project)
    assert "Started before the first label, so not on the logarithmic axis: prm-0, run 1, F1 0 %." in page
    assert "by convincing wrong answers: closed at 4 labels" in page
    assert "What each round bought" in page
    files = f"evaluation/{evaluation.pk}"
    rows = b"".join(client.get(f"/projects/{project.slug}/{files}/rounds.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert rows.splitlines()[1].startswith("round 1,by convincing wrong answers,")
    assert ",prm,1 to 2,4,4,0.66" in rows.splitlines()[1]
    runs = b"".join(client.get(f"/projects/{project.slug}/{files}/runs.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert len(runs.splitlines()) == 4
    result = bearer(rita).get(f"/api/v1/evaluations/{evaluation.pk}").json()["result"]
    assert [row["labels"] for row in result["runs"]] == [0, 4, 8]
    link = f'href="/projects/{project.slug}/evaluation#h-learning_curve"'
    assert link in page_of(client, project, f"rounds/{round_.number}")
    assert link not in page_of(signed_in(bob), project, f"rounds/{round_.number}"), "labelers see no evaluation"
    set_round_status(round=round_, status=Round.Status.OPEN, actor=alice)
    assert link not in page_of(client, project, f"rounds/{round_.number}")
