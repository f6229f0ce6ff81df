"""What one person made is settled by that one person: a solution that grew out of a dialogue, a step of their own.

Nobody else is asked about either, so that consensus, pages and exports take it as it is.
"""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.corpus.records import ProblemRecord, Record, SolutionRecord, StepRecord
from apps.exports.load.records import load_records
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round, StepLabel
from apps.labeling.models.counted import rated_q
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Consensus, QualityRules, StepConsensus
from apps.quality.review.evidence import evidence_of
from tests.cast import make_problem, make_round, make_solution
from tests.exports.test_alternatives import left_out, person, rows
from tests.exports.test_labels import labels
from tests.quality.submissions import mark_all_stale, submit_next

OWN = "The answer is: 5"


def grow(round_: Round, labeler: User, *, rated: bool = True) -> Solution:
    """The labeler leaves the path after its first step, or begins with nothing, and writes the end."""
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment), assignment
    steps = [SubmittedStep(position=0, text=OWN, chosen=True)]
    if rated:
        steps = [
            SubmittedStep(position=0, rating=1, chosen=True),
            SubmittedStep(position=1, rating=-1),
            SubmittedStep(position=1, candidate=1, text=OWN, chosen=True),
        ]
    done = submit(assignment=assignment, submission=Submission(steps=steps, finish_reason="solution"))
    assert done.derived_solution is not None
    return done.derived_solution


def rate_path(round_: Round, labeler: User) -> None:
    """Two great steps: the task's first, and the one that somebody wrote beside the task's second."""
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment), assignment
    steps = [SubmittedStep(position=place, candidate=place, rating=1) for place in range(2)]
    submit(assignment=assignment, submission=Submission(steps=steps, finish_reason="solution"))


def exported(solution: Solution, **policy: Any) -> list[list[int | None]]:
    """The labels of this solution, which its path tells from the task's own."""
    path = list(solution.steps.filter(chosen=True).order_by("position").values_list("text", flat=True))
    records = [one for chunk in load_records(solution.project) for one in chunk]
    (found,) = (one for one in records if one.solution and [step.text for step in one.solution.path()] == path)
    return labels(found, **policy)


def stands(solution: Solution) -> tuple[str, int | None, int, int, float]:
    mark_all_stale(solution.project)
    recompute_project(solution.project)
    whole = Consensus.objects.get(solution=solution)
    thin = StepConsensus.objects.filter(step__solution=solution, is_thin=True).exists()
    assert thin == (whole.state == "thin")
    assert exported(solution) == exported(solution, sources=["consensus"]), "one rule for both"
    return whole.state, whole.first_error, whole.people, whole.required, whole.certainty


@pytest.mark.slow
@pytest.mark.parametrize("starts_from", ["solutions", "problems"])
@pytest.mark.parametrize("rule", ["majority", "dawid-skene"])
def test_whoever_grew_a_solution_settles_it(project: Project, bob: User, starts_from: str, rule: str) -> None:
    QualityRules.objects.create(project=project, rule=rule)
    make_solution(make_problem(project, reference_answer="5"))
    options = {"starts_from": starts_from}
    round_ = make_round(project, protocol="branching", redundancy=2, options=options)
    grown = grow(round_, bob, rated=starts_from == "solutions")
    state, error, people, required, certainty = stands(grown)
    assert (state, error, people, required) == ("settled", -1, 1, 1)
    assert certainty <= 0.75, "one labeler stays one labeler"
    assert exported(grown) == [[1] * grown.step_count]


def test_what_others_are_asked_about_stays_thin(project: Project, bob: User, mia: User) -> None:
    """The task's own solution: two are asked, one of them went another way."""
    own = make_solution(make_problem(project, reference_answer="5"), ["One.", "The answer is: 7"])
    round_ = make_round(project, protocol="branching", redundancy=2)
    grow(round_, bob)
    assignment = claim(round=round_, labeler=mia)
    assert isinstance(assignment, Assignment)
    steps = [SubmittedStep(position=place, rating=1, chosen=True) for place in range(2)]
    submit(assignment=assignment, submission=Submission(steps=steps, finish_reason="solution"))
    mark_all_stale(project)
    recompute_project(project)
    assert Consensus.objects.get(solution=own).state == "thin"


@pytest.mark.slow
def test_a_later_round_and_the_projects_own_number_ask_for_more(project: Project, bob: User, mia: User) -> None:
    make_solution(make_problem(project, reference_answer="5"))
    grown = grow(make_round(project, protocol="branching", redundancy=2), bob)
    later = open_round(project=project, protocol="first_error", redundancy=3, select="source:branching round 1")
    assert stands(grown)[0] == "settled", "nobody has spoken in the later round yet"
    rate_path(later, mia)
    assert stands(grown)[:4] == ("thin", -1, 2, 3)
    QualityRules.objects.filter(project=project).update(min_labelers=2)
    assert stands(grown)[:4] == ("settled", -1, 2, 2)
    Assignment.objects.filter(labeler=mia).delete()
    assert stands(grown)[:4] == ("thin", -1, 1, 2)


def test_two_who_go_the_same_way_make_two_solutions(project: Project, bob: User, mia: User) -> None:
    """Each is heard once, of their own."""
    make_solution(make_problem(project, reference_answer="5"))
    round_ = make_round(project, protocol="branching", redundancy=2)
    grown = [grow(round_, labeler) for labeler in (bob, mia)]
    mark_all_stale(project)
    recompute_project(project)
    found = Consensus.objects.filter(solution__in=grown).values_list("state", "people")
    assert list(found) == [("settled", 1), ("settled", 1)]


def test_an_own_step_is_great_wherever_ratings_are_read(project: Project, bob: User) -> None:
    make_solution(make_problem(project, reference_answer="5"))
    grown = grow(make_round(project, protocol="branching"), bob)
    by_rule = StepLabel.objects.filter(rated_q(), step__solution=grown).order_by("pk")
    in_python = [one for one in StepLabel.objects.filter(step__solution=grown).order_by("pk") if one.counted_rating]
    assert list(by_rule) == in_python
    assert [one.counted_rating for one in in_python] == [1, -1, 1]
    (labeler,) = evidence_of(grown, lambda ids: dict.fromkeys(ids, "bob")).labelers
    assert labeler.first_error == -1


def test_a_dialogue_of_own_steps_alone_is_a_labelers_newer_answer(project: Project, bob: User) -> None:
    """Though it holds no rating."""
    make_problem(project, reference_answer="5")
    options = {"starts_from": "problems"}
    grown = grow(open_round(project=project, protocol="branching", options=options), bob, rated=False)
    submit_next(open_round(project=project, protocol="first_error", select="source:branching round 1"), bob, -1)
    dialogue = Assignment.objects.get(derived_solution=grown)
    assert Assignment.objects.with_reason().get(pk=dialogue.pk).not_counted == "earlier"
    Assignment.objects.filter(pk=dialogue.pk).update(submitted_at="2099-01-01T00:00Z")
    later = Assignment.objects.exclude(pk=dialogue.pk).get()
    assert Assignment.objects.with_reason().get(pk=later.pk).not_counted == "earlier"
    assert stands(grown)[1] == -1


# --- beside the path --------------------------------------------------------------------------------------


def test_a_step_that_somebody_wrote_beside_the_path_stands_by_their_word() -> None:
    """Three are asked, and all find the error; what one of them wrote in its place is offered to nobody else."""
    steps = [
        StepRecord(position=0, text="a"),
        StepRecord(position=1, text="b"),
        StepRecord(position=1, candidate=1, text="offered", chosen=False),
        StepRecord(position=1, candidate=2, text="mine", origin="human", chosen=False),
    ]
    writes = person((0, 0, 1), (1, 0, -1), (1, 1, -1), (1, 2, None), chosen=[(0, 0), (1, 2)])
    others = [person((0, 0, 1), (1, 0, -1), name=name) for name in ("b", "c")]
    people = [structs.replace(one, redundancy=3) for one in (writes, *others)]
    one = Record(problem=ProblemRecord(statement="?"), solution=SolutionRecord(steps=steps), people=people)
    assert rows(one) == [(("a", True), ("b", False)), (("a", True), ("mine", True))]
    assert left_out(one) == {"ratings: thin: fewer people than asked for": 1}, "of the candidate that others rate, too"
