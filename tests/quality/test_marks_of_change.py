"""Consensus follows what changes: derived solutions, withdrawn corrections, several assignments of one labeler."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Comparison, Solution
from apps.dashboard.solutions.evidence import comparisons_of
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, PreferenceLabel, Round, Task
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.marks import scores_of
from apps.quality.gold.suspensions import lift, suspend
from apps.quality.metrics.refresh import refresh
from apps.quality.models import Consensus, ConsensusMethod, Figure, StepConsensus
from apps.quality.review.adjudication import adjudicate_solution
from apps.quality.review.assignments import correct_assignment, return_to_labeler, withdraw_correction
from apps.quality.review.evidence import evidence_of
from tests.cast import make_problem, make_round, make_solution
from tests.quality.labeled_project import add_labelers
from tests.quality.submissions import add_gold, mark_all_stale, submission_of, submit_next
from tests.quality.test_counted_consensus import answer, make_task


def grow(round_: Round, labeler: User) -> Assignment:
    """The labeler finds the second step bad and writes another in its place."""
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment), assignment
    steps = [
        SubmittedStep(position=0, candidate=0, rating=1, chosen=True),
        SubmittedStep(position=1, candidate=0, rating=-1),
        SubmittedStep(position=1, candidate=1, text="A step of my own.", chosen=True),
    ]
    return submit(assignment=assignment, submission=Submission(steps=steps, finish_reason="give_up", reason="Enough."))


def stands(solution: Solution | None) -> dict[int, int]:
    return dict(
        StepConsensus.objects.filter(step__solution=solution, step__chosen=True).values_list("step__position", "rating")
    )


def test_a_grown_solution_is_settled_without_being_asked(project: Project, bob: User, rita: User, alice: User) -> None:
    make_solution(make_problem(project))
    assignment = grow(make_round(project, protocol="branching"), bob)
    assert assignment.derived_solution is not None
    recompute_project(project)
    assert stands(assignment.derived_solution) == {0: 1, 1: 1}
    member = Membership.objects.get(project=project, user=bob)
    suspend(membership=member, reason="Checks.", by=alice)
    recompute_project(project)
    assert stands(assignment.derived_solution) == {}
    member.refresh_from_db()
    lift(membership=member, by=alice)
    recompute_project(project)
    assert stands(assignment.derived_solution) == {0: 1, 1: 1}
    return_to_labeler(assignment=assignment, reviewer=rita, note="Again.")
    recompute_project(project)
    assert stands(assignment.derived_solution) == {}


def test_gold_measures_a_dialogue_by_the_steps_of_its_own_solution(project: Project, bob: User) -> None:
    solution = make_solution(make_problem(project))
    round_ = make_round(project, protocol="branching")
    add_gold(solution, 1, -1)
    assignment = grow(round_, bob)
    mark_all_stale(project)
    recompute_project(project)
    exact = scores_of(project)[bob.pk].exact
    assert (exact.hits, exact.of) == (1, 1), "they named the bad step before they went on"
    assert assignment.derived_solution is not None


def test_a_withdrawn_correction_leaves_the_other_one_in_place(project: Project, rita: User) -> None:
    solution = make_solution(make_problem(project))
    crew = add_labelers(project, 2)
    round_ = make_round(project, redundancy=2)
    first, second = (submit_next(round_, one, 1, 1, 1) for one in crew)
    correct_assignment(assignment=first, submission=submission_of([1, -1]), reviewer=rita)
    correct_assignment(assignment=second, submission=submission_of([-1]), reviewer=rita)
    recompute_project(project)
    assert Consensus.objects.get(pk=solution.pk).first_error == 0
    withdraw_correction(assignment=second, reviewer=rita)
    recompute_project(project)
    assert Consensus.objects.get(pk=solution.pk).first_error == 1


def test_a_later_adjudication_outlives_a_correction(project: Project, rita: User) -> None:
    solution = make_solution(make_problem(project))
    bob = add_labelers(project, 1)[0]
    assignment = submit_next(make_round(project), bob, 1, 1, 1)
    correct_assignment(assignment=assignment, submission=submission_of([1, -1]), reviewer=rita)
    adjudicate_solution(solution=solution, first_error=2, by=rita, note="It is the third.")
    withdraw_correction(assignment=assignment, reviewer=rita)
    recompute_project(project)
    found = Consensus.objects.get(pk=solution.pk)
    assert (found.how, found.first_error) == (ConsensusMethod.ADJUDICATED, 2)


def test_contests_count_the_preferences_that_count(project: Project, alice: User) -> None:
    problem = make_problem(project)
    one, other = make_solution(problem), make_solution(problem, ["Otherwise."])
    comparison = Comparison.objects.create(project=project, problem=problem, left=one, right=other, digest="0" * 32)
    crew = add_labelers(project, 3)
    for number, kind in ((1, "work"), (2, "screening")):
        round_ = Round.objects.create(project=project, number=number, protocol="comparison", status="open", kind=kind)
        task = Task.objects.create(round=round_, comparison=comparison, open_slots=0)
        for labeler in crew[:2] if number == 1 else crew[2:]:
            assignment = Assignment.objects.create(
                task=task, round=round_, labeler=labeler, state="submitted", submitted_at=timezone.now()
            )
            PreferenceLabel.objects.create(assignment=assignment, choice="left")
    suspend(membership=Membership.objects.get(project=project, user=crew[0]), reason="Checks.", by=alice)
    (counts,) = comparisons_of(one)
    assert counts.own == 1


def test_a_mark_with_other_extras_counts(project: Project, bob: User) -> None:
    solution = make_solution(make_problem(project))
    add_gold(solution, 1, -1)
    answer(make_task(solution), bob, 1, -1, extras={"prm800k": {"steps": 3}}, finish_reason="found_error")
    mark_all_stale(project)
    recompute_project(project)
    assert bob.pk in scores_of(project)


def test_a_first_error_that_one_of_two_names_is_thin(project: Project) -> None:
    solution = make_solution(make_problem(project))
    crew, task = add_labelers(project, 2), make_task(solution, redundancy=2)
    answer(task, crew[0], 1, 1, -1)
    answer(task, crew[1], 1, finish_reason="give_up")
    mark_all_stale(project)
    recompute_project(project)
    assert Consensus.objects.get(pk=solution.pk).state == Consensus.State.THIN


def test_agreement_of_a_round_is_of_the_ratings_that_count(project: Project) -> None:
    crew = add_labelers(project, 2)
    rounds = [
        Round.objects.create(project=project, number=number, protocol="first_error", status="open", **terms)
        for number, terms in ((1, {"redundancy": 2}), (2, {"kind": "screening"}))
    ]
    for number in range(6):
        solution = make_solution(make_problem(project, f"Problem {number}"))
        tasks = [Task.objects.create(round=one, solution=solution, open_slots=0) for one in rounds]
        for one in crew:
            answer(tasks[0], one, 1, -1)
            answer(tasks[1], one, -1)
    mark_all_stale(project)
    recompute_project(project)
    refresh(project)
    figure = Figure.objects.filter(project=project, name="agreement", scope="round:1").first()
    assert figure is not None
    assert figure.data["solutions"] == 6


def test_the_newest_assignment_is_the_one_that_was_submitted_last(project: Project, bob: User) -> None:
    solution = make_solution(make_problem(project))
    late = answer(make_task(solution, 1), bob, 1, -1)
    early = answer(make_task(solution, 2), bob, -1)
    Assignment.objects.filter(pk=early.pk).update(submitted_at=timezone.now() - timedelta(days=2))
    mark_all_stale(project)
    recompute_project(project)
    assert late.pk < early.pk
    assert Consensus.objects.get(pk=solution.pk).first_error == 1


def test_evidence_counts_one_assignment_of_each_labeler(project: Project, bob: User) -> None:
    solution = make_solution(make_problem(project))
    answer(make_task(solution, 1), bob, -1)
    answer(make_task(solution, 2), bob, 1, 1, 1)
    mark_all_stale(project)
    recompute_project(project)
    found = evidence_of(solution, lambda ids: {pk: str(pk) for pk in ids})
    assert not found.path[0].is_disputed
    assert [bool(labeler.not_counted) for labeler in found.labelers] == [True, False]


def test_a_correction_does_not_bring_an_older_assignment_back(project: Project, bob: User, rita: User) -> None:
    solution = make_solution(make_problem(project))
    answer(make_task(solution, 1), bob, -1)
    newer = answer(make_task(solution, 2), bob, 1, 1, 1)
    correct_assignment(assignment=newer, submission=submission_of([1, -1]), reviewer=rita)
    recompute_project(project)
    assert Consensus.objects.get(pk=solution.pk).people == 0
