"""Recomputing consensus, disputes, gold marks and suspensions from submitted ratings."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import AuditEvent, User
from apps.corpus.models import Solution
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.models import Round, Task
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.consensus import recompute
from apps.quality.consensus.recompute import recompute_project, recompute_projects
from apps.quality.disputes.kinds import Dispute
from apps.quality.gold.marks import scores_of
from apps.quality.gold.suspensions import lift
from apps.quality.models import (
    Consensus,
    DisputeCount,
    GoldMark,
    OpenDispute,
    QualityRules,
    StaleSolution,
    StepConsensus,
    Suspension,
)
from apps.quality.review.adjudication import adjudicate_solution, adjudicate_step, also_accept, make_gold
from apps.scoring.apply import apply_scores
from apps.scoring.models import ScoringRun, SolutionScore
from tests.cast import make_problem, make_round, make_solution, make_user
from tests.judging.verdicts import bring_in
from tests.quality.submissions import add_gold, mark_all_stale, submit_next


@pytest.fixture
def crew(project: Project) -> list[User]:
    people = [make_user(f"labeler{number}") for number in range(5)]
    for one in people:
        add_member(project=project, user=one, role=Role.LABELER)
    return people


def kinds(solution: Solution) -> set[str]:
    return set(OpenDispute.objects.filter(solution=solution).values_list("kind", flat=True))


def test_the_consensus_of_each_step_is_what_most_people_say(project: Project, crew: list[User]) -> None:
    round_ = make_round(project, redundancy=3)
    for labeler, ratings in zip(crew, ([1, -1], [0, -1], [1, 1, 1]), strict=False):
        submit_next(round_, labeler, *ratings)
    assert recompute_projects() == 3
    solution = project.solutions.get()
    stands = Consensus.objects.get(solution=solution)
    assert (stands.state, stands.how, stands.first_error, stands.people) == ("settled", "majority", 1, 3)
    assert stands.certainty == pytest.approx(2.5 / 4)
    ratings = StepConsensus.objects.filter(step__solution=solution).order_by("step__position")
    assert list(ratings.values_list("rating", flat=True)) == [1, -1, 1]
    assert not StaleSolution.objects.exists()
    assert kinds(solution) == {"people"}
    assert DisputeCount.objects.get(project=project, kind="people").count == 1


def test_recomputing_again_changes_nothing(project: Project, crew: list[User]) -> None:
    round_ = make_round(project, redundancy=2)
    submit_next(round_, crew[0], 1, -1)
    submit_next(round_, crew[1], -1)
    recompute_projects()
    before = list(Consensus.objects.values_list("solution", "state", "first_error", "certainty"))
    mark_all_stale(project)
    assert recompute_project(project) == 1
    assert list(Consensus.objects.values_list("solution", "state", "first_error", "certainty")) == before
    assert not AuditEvent.objects.filter(verb="consensus.changed").exists()


def test_a_change_of_what_stood_is_audited(project: Project, crew: list[User]) -> None:
    round_ = make_round(project, redundancy=3)
    submit_next(round_, crew[0], 1, -1)
    recompute_projects()
    submit_next(round_, crew[1], 1, 1, 1)
    submit_next(round_, crew[2], 1, 1, 1)
    recompute_projects()
    event = AuditEvent.objects.get(verb="consensus.changed")
    assert (event.before["first_error"], event.after["first_error"]) == (1, -1)


def test_a_reviewer_settles_a_solution_above_every_rule(project: Project, crew: list[User], rita: User) -> None:
    round_ = make_round(project, redundancy=2)
    submit_next(round_, crew[0], 1, -1)
    submit_next(round_, crew[1], 1, 1, 1)
    recompute_projects()
    solution = project.solutions.get()
    assert Consensus.objects.get().state == "tied"
    adjudicate_solution(solution=solution, first_error=2, by=rita, note="the last line is wrong")
    for _ in range(2):
        stands = Consensus.objects.get()
        assert (stands.state, stands.how, stands.first_error, stands.adjudicated_by) == (
            "settled",
            "adjudicated",
            2,
            rita,
        )
        assert stands.note == "the last line is wrong"
        assert kinds(solution) == set()
        recompute_projects()


def test_a_step_is_adjudicated_and_the_adjudication_can_be_withdrawn(
    project: Project, crew: list[User], rita: User
) -> None:
    round_ = make_round(project, redundancy=2)
    submit_next(round_, crew[0], 1, -1)
    submit_next(round_, crew[1], 1, 1, 1)
    recompute_projects()
    step = project.solutions.get().steps.get(position=1)
    adjudicate_step(step=step, rating=-1, by=rita)
    recompute_projects()
    assert Consensus.objects.get().first_error == 1
    adjudicate_step(step=step, rating=None, by=rita)
    recompute_projects()
    assert (Consensus.objects.get().state, Consensus.objects.get().how) == ("tied", "majority")


def test_adjudicated_labels_become_gold(project: Project, crew: list[User], rita: User) -> None:
    round_ = make_round(project, redundancy=2)
    submit_next(round_, crew[0], 1, -1)
    submit_next(round_, crew[1], 1, 1, -1)
    solution = project.solutions.get()
    adjudicate_solution(solution=solution, first_error=1, by=rita)
    assert make_gold(solutions=[solution], by=rita) == 1
    recompute_projects()
    marks = dict(GoldMark.objects.values_list("labeler__name", "exact"))
    assert marks == {"Labeler0": True, "Labeler1": False}
    assert GoldMark.objects.get(labeler=crew[1]).within_one
    also_accept(solution=solution, first_errors=[2], by=rita)
    recompute_projects()
    assert GoldMark.objects.get(labeler=crew[1]).exact


def gold_tasks(project: Project, count: int) -> None:
    for _ in range(count):
        add_gold(make_solution(make_problem(project)), 1, -1)


@pytest.mark.slow
def test_who_fails_gold_is_suspended_with_a_reason_and_no_longer_counts(project: Project, crew: list[User]) -> None:
    ordinary = make_solution(make_problem(project))
    earlier = make_round(project, redundancy=2)
    spammer, honest = crew[:2]
    submit_next(earlier, honest, 1, -1)
    submit_next(earlier, spammer, 1, 1, 1)
    gold_tasks(project, 12)
    round_ = make_round(project, gold_share=1.0)
    assignments = 0
    while Membership.objects.get(user=spammer).status == "active":
        submit_next(round_, spammer, 1, 1, 1)
        recompute_projects()
        assignments += 1
        assert assignments < 12
    suspension = Suspension.objects.get()
    assert "75%" in suspension.reason
    assert suspension.by is None
    assert Membership.objects.get(user=honest).status == "active"
    recompute_projects()
    stands = Consensus.objects.get(solution=ordinary)
    assert (stands.people, stands.first_error) == (1, 1)


@pytest.mark.slow
def test_a_suspension_that_is_lifted_starts_gold_from_zero(project: Project, crew: list[User], alice: User) -> None:
    gold_tasks(project, 12)
    make_solution(make_problem(project))
    round_ = make_round(project, gold_share=1.0)
    while Membership.objects.get(user=crew[0]).status == "active":
        submit_next(round_, crew[0], 1, 1, 1)
        recompute_projects()
    lift(membership=Membership.objects.get(user=crew[0]), by=alice)
    recompute_projects()
    assert Membership.objects.get(user=crew[0]).status == "active"


def test_gold_remembers_the_first_submission_of_an_assignment_that_was_returned(
    project: Project, crew: list[User]
) -> None:
    gold_tasks(project, 1)
    assignment = submit_next(make_round(project), crew[0], 1, 1, 1)
    recompute_projects()
    assert scores_of(project)[crew[0].pk].exact.of == 1
    return_assignment(assignment=assignment, note="Look again.")
    recompute_projects()
    assert scores_of(project)[crew[0].pk].exact.of == 1


def test_a_worker_that_dies_halfway_leaves_the_rest_of_a_new_rule_to_the_next(
    project: Project, crew: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_solution(make_problem(project))
    round_ = make_round(project, redundancy=3)
    for _ in range(3):
        submit_next(round_, crew[0], 1, -1)
    recompute_projects()
    rules = QualityRules.objects.get(project=project)
    rules.rule = "processbench"
    rules.save()
    mark_all_stale(project)
    whole, done = recompute._recompute, []

    def dies(*asked: Any) -> None:
        if done:
            raise RuntimeError("killed")
        done.append(asked)
        whole(*asked)

    monkeypatch.setattr(recompute, "CHUNK", 1)
    monkeypatch.setattr(recompute, "_recompute", dies)
    with pytest.raises(RuntimeError):
        recompute_project(project)
    monkeypatch.setattr(recompute, "_recompute", whole)
    recompute_projects()
    assert set(Consensus.objects.values_list("how", "state")) == {("processbench", "open")}
    assert Consensus.objects.count() == 3
    assert not StaleSolution.objects.exists()


def test_reviewers_are_not_suspended_by_gold(project: Project, rita: User) -> None:
    gold_tasks(project, 12)
    make_solution(make_problem(project))
    round_ = make_round(project, gold_share=1.0)
    for _ in range(12):
        submit_next(round_, rita, 1, 1, 1)
    recompute_projects()
    assert GoldMark.objects.filter(labeler=rita).count() == 12
    assert not Suspension.objects.exists()


def test_a_slot_more_is_opened_where_people_disagree_and_only_there(project: Project, crew: list[User]) -> None:
    round_ = make_round(project, tasks=2, redundancy=2)
    Round.objects.filter(pk=round_.pk).update(most_people=3)
    for labeler, other in ((crew[0], -1), (crew[1], 1)):
        submit_next(round_, labeler, 1, other) if other == -1 else submit_next(round_, labeler, 1, 1, 1)
        submit_next(round_, labeler, 1, 1, 1)
    recompute_projects()
    first, second = Task.objects.order_by("pk")
    assert (first.open_slots, first.extra_slots) == (1, 1)
    assert (second.open_slots, second.extra_slots) == (0, 0)
    assert Round.objects.get(pk=round_.pk).slot_count == 5
    submit_next(round_, crew[2], 1, -1)
    recompute_projects()
    assert Consensus.objects.get(solution=first.solution).first_error == 1
    assert Task.objects.get(pk=first.pk).open_slots == 0


@pytest.mark.slow
def test_no_more_than_the_limit_are_asked(project: Project, crew: list[User]) -> None:
    QualityRules.objects.create(project=project, rule="processbench")
    round_ = make_round(project, redundancy=3)
    Round.objects.filter(pk=round_.pk).update(most_people=5)
    for labeler, ratings in zip(crew[:3], ([-1], [1, -1], [1, 1, 1]), strict=True):
        submit_next(round_, labeler, *ratings)
    recompute_projects()
    assert Task.objects.get().open_slots == 1
    submit_next(round_, crew[3], 1, -1)
    recompute_projects()
    assert Task.objects.get().open_slots == 1
    submit_next(round_, crew[4], 1, 1, -1)
    recompute_projects()
    assert Task.objects.get().open_slots == 0
    assert Consensus.objects.get().state == "discarded"


def test_a_wrong_answer_is_disputed_as_soon_as_a_run_scores_it_highly(project: Project) -> None:
    run = ScoringRun.objects.create(project=project, number=1, model="prm", status="finished")
    problem = make_problem(project)
    convincing, clumsy, right = (make_solution(problem, is_correct=is_right) for is_right in (False, False, True))
    recompute_project(project)
    for solution, score in ((convincing, 0.9), (clumsy, 0.1), (right, 0.9)):
        SolutionScore.objects.create(run=run, solution=solution, score=score)
    apply_scores(run_id=run.pk)
    assert recompute_project(project) == 2, "those with a wrong answer"
    (dispute,) = OpenDispute.objects.filter(project=project)
    assert (dispute.kind, dispute.solution) == (Dispute.CONVINCING_WRONG_ANSWER, convincing)
    apply_scores(run_id=run.pk)
    assert recompute_project(project) == 0


def test_a_wrong_answer_that_comes_with_a_high_score_is_disputed(project: Project) -> None:
    rows = [
        {
            "problem": {"statement": "Which?", "reference_answer": "7", "verifier": "numeric"},
            "solution": {"steps": [{"position": 0, "text": text}], "final_answer": answer, "verifier_score": 0.9},
        }
        for text, answer in (("It is 8.", "8"), ("It is 7.", "7"))
    ]
    bring_in(project, rows)
    recompute_project(project)
    (dispute,) = OpenDispute.objects.filter(project=project)
    assert (dispute.kind, dispute.solution.final_answer) == (Dispute.CONVINCING_WRONG_ANSWER, "8")
