"""A correction belongs to its author: gold, speed and agreement measure the labeler's first submission."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, Unprocessable
from apps.labeling.assignments.correct import correct, why_not_correctable
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.median_time import seconds_per_assignment
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission
from apps.labeling.queue.claim import claim
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.accuracy import gold_accuracy
from apps.quality.gold.marks import marks_of, scores_of
from apps.quality.metrics.refresh import refresh
from apps.quality.metrics.stored import MIN_SOLUTIONS
from apps.quality.models import Consensus, Figure, Review, StepConsensus
from apps.quality.review.adjudication import adjudicate_step, withdraw_adjudication
from apps.quality.review.assignments import correct_assignment, return_to_labeler, withdraw_correction
from apps.quality.review.corrections import corrections_of
from tests.cast import bearer, make_problem, make_round, make_solution, make_user, signed_in
from tests.quality.submissions import add_gold, submission_of, submit_next

API = "/api/v1"


@pytest.fixture
def round_(project: Project) -> Round:
    """One solution of three steps, whose second is bad by gold."""
    add_gold(make_solution(make_problem(project)), 1, -1)
    return make_round(project)


@pytest.fixture
def missed(round_: Round, bob: User) -> Assignment:
    """Bob finds no error."""
    return submit_next(round_, bob, 1, 1, 1)


def own_ratings(assignment: Assignment) -> list[int | None]:
    return list(assignment.step_labels.order_by("step__position").values_list("rating", flat=True))


def exact_hits(project: Project, labeler: User) -> tuple[int, int]:
    recompute_project(project)
    exact = scores_of(project)[labeler.pk].exact
    return exact.hits, exact.of


def test_a_reviewers_correction_is_no_gold_hit_of_the_labeler(missed: Assignment, bob: User, rita: User) -> None:
    project = missed.round.project
    assert exact_hits(project, bob) == (0, 1)
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita, note="4 + 4 is 8.")
    assert exact_hits(project, bob) == (0, 1)
    assert own_ratings(missed) == [1, 1, 1]
    correction = corrections_of([missed.pk])[missed.pk]
    assert (correction.reviewer, correction.note) == (rita, "4 + 4 is 8.")
    assert [step.rating for step in correction.submission.steps] == [1, -1]


def test_a_labelers_own_correction_is_no_gold_hit_either(missed: Assignment, bob: User) -> None:
    correct(assignment=missed, submission=submission_of([1, -1]))
    assert exact_hits(missed.round.project, bob) == (0, 1)
    correct(assignment=missed, submission=submission_of([1, 1, 1]))
    assert exact_hits(missed.round.project, bob) == (0, 1)


def test_a_hit_stays_a_hit_when_the_labeler_changes_their_mind(round_: Round, bob: User) -> None:
    assignment = submit_next(round_, bob, 1, -1)
    correct(assignment=assignment, submission=submission_of([1, 1, 1]))
    assert exact_hits(round_.project, bob) == (1, 1)


def test_what_was_returned_is_measured_by_what_was_submitted_first(missed: Assignment, bob: User, rita: User) -> None:
    project, first_at = missed.round.project, missed.submitted_at
    return_to_labeler(assignment=missed, reviewer=rita, note="Look at step 2.")
    assert exact_hits_without_settling(project, bob) is None
    again = claim(round=missed.round, labeler=bob)
    assert isinstance(again, Assignment)
    submit(assignment=again, submission=submission_of([1, -1]))
    assert exact_hits(project, bob) == (0, 1)
    again.refresh_from_db()
    assert marks_of([again])[again.pk].at == first_at, "a suspension that was lifted meanwhile covers it"


def exact_hits_without_settling(project: Project, labeler: User) -> tuple[int, int] | None:
    found = scores_of(project).get(labeler.pk)
    return None if found is None else (found.exact.hits, found.exact.of)


def test_speed_is_that_of_the_first_submission(missed: Assignment, bob: User) -> None:
    Assignment.objects.filter(pk=missed.pk).update(active_ms=5000)
    missed.refresh_from_db()
    slow = Submission(steps=submission_of([1, -1]).steps, finish_reason="found_error", active_ms=60_000)
    correct(assignment=missed, submission=slow)
    assert seconds_per_assignment(Assignment.objects.filter(labeler=bob)) == 5.0
    project = missed.round.project
    recompute_project(project)
    refresh(project)
    (row,) = Figure.objects.get(project=project, name="labelers").data["labelers"]
    assert (row["median_ms"], row["active_ms"]) == (5000, 65_000)


@pytest.mark.slow
def test_agreement_is_that_of_first_submissions(project: Project, bob: User, rita: User) -> None:
    for _ in range(MIN_SOLUTIONS):
        make_solution(make_problem(project))
    round_, dora = make_round(project, redundancy=2), make_user("dora")
    Membership.objects.create(project=project, user=dora)
    for _ in range(MIN_SOLUTIONS):
        one, other = submit_next(round_, bob, 1, -1), submit_next(round_, dora, 1, 1, 1)

    def agreement() -> float:
        recompute_project(project)
        refresh(project)
        return float(
            Figure.objects.get(project=project, name="agreement", scope="").data["first_errors"]["exact"]["value"]
        )

    assert agreement() == 0
    correct(assignment=other, submission=submission_of([1, -1]))
    assert agreement() == 0
    correct_assignment(assignment=one, submission=submission_of([-1]), reviewer=rita)
    assert agreement() == 0


def test_consensus_follows_the_labelers_current_ratings_until_a_reviewer_corrects_them(
    missed: Assignment, rita: User
) -> None:
    project, solution = missed.round.project, missed.task.solution
    assert solution is not None

    def stands() -> tuple[str, int | None]:
        recompute_project(project)
        found = Consensus.objects.get(pk=solution.pk)
        return found.how, found.first_error

    correct(assignment=missed, submission=submission_of([-1]))
    assert stands() == ("majority", 0)
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    assert stands() == ("adjudicated", 1)
    assert Consensus.objects.get(pk=solution.pk).adjudicated_by == rita


def test_what_a_reviewer_is_unsure_of_is_no_longer_the_labelers(missed: Assignment, rita: User) -> None:
    """The labeler's own rating of that step does not come back through the majority."""
    correct(assignment=missed, submission=submission_of([-1]))
    correct_assignment(assignment=missed, submission=submission_of([None, 1, 1]), reviewer=rita)
    recompute_project(missed.round.project)
    rated = dict(StepConsensus.objects.values_list("step__position", "rating"))
    assert rated == {1: 1, 2: 1}
    assert not Consensus.objects.settled().exists()


def test_the_newest_correction_counts(missed: Assignment, alice: User, rita: User) -> None:
    correct_assignment(assignment=missed, submission=submission_of([1, 1, -1]), reviewer=rita)
    correct_assignment(assignment=missed, submission=submission_of([-1]), reviewer=alice, note="Already the first.")
    correction = corrections_of([missed.pk])[missed.pk]
    assert (correction.reviewer, [step.rating for step in correction.submission.steps]) == (alice, [-1])
    assert dict(StepConsensus.objects.filter(how="adjudicated").values_list("step__position", "rating")) == {0: -1}
    first, second = AuditEvent.objects.filter(verb="assignment.corrected").order_by("pk")
    assert [step["rating"] for step in first.before["steps"]] == [1, 1, 1]
    assert second.before["steps"] == first.after["steps"]
    assert (second.actor, second.after["note"]) == (alice, "Already the first.")


def test_a_correction_that_is_withdrawn_leaves_the_labelers_ratings(missed: Assignment, rita: User) -> None:
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    assert withdraw_correction(assignment=missed, reviewer=rita)
    recompute_project(missed.round.project)
    assert (Consensus.objects.get().how, Consensus.objects.get().first_error) == ("majority", -1)
    assert corrections_of([missed.pk]) == {}
    assert not withdraw_correction(assignment=missed, reviewer=rita)


@pytest.mark.parametrize("how", ["solution", "steps"])
def test_withdrawing_adjudications_on_the_evidence_page_withdraws_the_correction(
    missed: Assignment, rita: User, how: str
) -> None:
    solution = missed.task.solution
    assert solution is not None
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    if how == "solution":
        withdraw_adjudication(solution=solution, by=rita)
    else:
        for step in solution.steps.filter(position__lt=2):
            adjudicate_step(step=step, rating=None, by=rita)
    missed.refresh_from_db()
    assert missed.corrected_by is None
    recompute_project(missed.round.project)
    assert Consensus.objects.get().first_error == -1


def test_the_labeler_does_not_overwrite_a_reviewers_correction(missed: Assignment, rita: User) -> None:
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    missed.refresh_from_db()
    assert "reviewer has corrected this task" in (why_not_correctable(missed) or "")
    with pytest.raises(Conflict) as raised:
        correct(assignment=missed, submission=submission_of([-1]), seen=0)
    assert raised.value.code == "not_correctable"
    assert correct(assignment=missed, submission=submission_of([1, 1, 1])).versions == 0, (
        "an answer lost on its way is no conflict"
    )


def test_what_is_corrected_is_not_returned_as_well(missed: Assignment, rita: User) -> None:
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    with pytest.raises(Conflict, match="withdraw the correction"):
        return_to_labeler(assignment=missed, reviewer=rita, note="Again.")
    assert own_ratings(missed) == [1, 1, 1]


@pytest.mark.parametrize("ratings", [[1, 1, 1]])
def test_a_correction_that_changes_nothing_is_refused(missed: Assignment, rita: User, ratings: list[int]) -> None:
    with pytest.raises(Conflict, match="Nothing is changed"):
        correct_assignment(assignment=missed, submission=submission_of(ratings), reviewer=rita)
    assert not Review.objects.exists()


def test_a_correction_satisfies_the_protocol_and_is_of_what_is_submitted(missed: Assignment, rita: User) -> None:
    with pytest.raises(Unprocessable):
        correct_assignment(
            assignment=missed,
            submission=Submission(steps=submission_of([1]).steps, finish_reason="solution"),
            reviewer=rita,
        )
    return_assignment(assignment=Assignment.objects.get(pk=missed.pk), note="Once more.")
    with pytest.raises(Conflict, match="returned"):
        correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    missed.refresh_from_db()
    assert (missed.state, missed.corrected_by) == ("returned", None)


# --- what people and scripts are shown ----------------------------------------------------------------------


def test_the_labeler_sees_what_was_changed(missed: Assignment, bob: User, rita: User) -> None:
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita, note="4 + 4 is 8.")
    page = signed_in(bob).get("/projects/algebra/work").content.decode()
    assert "Rita</b> changed step 2 to bad, step 3 to not rated:" in page
    assert "4 + 4 is 8." in page
    own = bearer(bob).get(f"{API}/assignments/{missed.pk}").json()
    assert [step["rating"] for step in own["submission"]["steps"]] == [1, 1, 1]
    assert [step["rating"] for step in own["correction"]["steps"]] == [1, -1]
    reviewer = Membership.objects.get(user=rita).pseudonym
    assert (own["correction"]["by"], own["correction"]["note"]) == (reviewer, "4 + 4 is 8.")
    assert (own["correctable"], own["versions"]) == (False, 0)


def test_scripts_see_whose_rating_it_is(missed: Assignment, bob: User, rita: User) -> None:
    client = bearer(rita)
    before = client.get(f"{API}/projects/algebra/step-labels").json()["results"]
    assert [(one["corrected_by"], one["correction"]) for one in before] == [(None, None)] * 3
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita)
    labeler, reviewer = (Membership.objects.get(user=user).pseudonym for user in (bob, rita))
    rows = client.get(f"{API}/projects/algebra/step-labels").json()["results"]
    assert [(one["labeler"], one["rating"], one["corrected_by"]) for one in rows] == [(labeler, 1, reviewer)] * 3
    assert [one["correction"] and one["correction"]["rating"] for one in rows] == [1, -1, None]
    evidence = client.get(f"{API}/solutions/{missed.task.solution_id}/evidence").json()
    (assignment,) = evidence["assignments"]
    assert (assignment["labeler"], assignment["correction"]["by"]) == (labeler, reviewer)
    assert [step["people"][0]["rating"] for step in evidence["steps"]] == [1, 1, 1]
    assert [step["consensus"] and step["consensus"]["rating"] for step in evidence["steps"]] == [1, -1, None]
    stream = client.get(f"{API}/projects/algebra/step-labels", headers={"Accept": "application/x-ndjson"})
    assert b"".join(stream).count(b'"corrected_by":"') == 3  # type: ignore[arg-type]


def test_scripts_of_reviewers_correct_too(missed: Assignment, rita: User) -> None:
    client, url = bearer(rita), f"{API}/assignments/{missed.pk}/review"

    def post(**body: Any) -> Any:
        return client.post(url, body, content_type="application/json")

    half = post(decision="corrected", steps=[{"position": 0, "rating": -1}])
    assert (half.status_code, set(half.json()["error"]["fields"])) == (400, {"finish_reason"})
    odd = post(decision="accepted", finish_reason="solution")
    assert (odd.status_code, set(odd.json()["error"]["fields"])) == (400, {"finish_reason"})
    steps = [{"position": 0, "rating": 1}, {"position": 1, "rating": -1}]
    assert post(decision="corrected", steps=steps, finish_reason="solution").status_code == 422
    done = post(decision="corrected", steps=steps, finish_reason="found_error", note="The sum.")
    assert (done.status_code, done.json()["decision"]) == (200, "corrected")
    assert corrections_of([missed.pk])[missed.pk].note == "The sum."
    assert own_ratings(missed) == [1, 1, 1]


def test_reviewers_pages_show_both_submissions(missed: Assignment, rita: User) -> None:
    correct_assignment(assignment=missed, submission=submission_of([1, -1]), reviewer=rita, note="the sum")
    client = signed_in(rita)
    evidence = client.get(f"/projects/algebra/solutions/{missed.task.solution_id}").content.decode()
    assert "Rita</b> changed step 2 to bad" in evidence
    api = bearer(rita)
    shown = api.get(f"{API}/assignments/{missed.pk}/review").json()
    assert [step["rating"] for step in shown["submission"]["steps"]] == [1, 1, 1]
    assert [step["rating"] for step in shown["correction"]["steps"]] == [1, -1]
    assert (shown["correction"]["by"], shown["correction"]["note"]) == ("Rita", "the sum")
    assert "Withdraw" in shown["refusals"]["returned"]
    assert api.post(f"{API}/assignments/{missed.pk}/withdraw-correction").status_code == 204
    assert api.get(f"{API}/assignments/{missed.pk}/review").json()["correction"] is None


def test_my_work_measures_first_submissions_too(project: Project, bob: User) -> None:
    for _ in range(10):
        add_gold(make_solution(make_problem(project)), 1, -1)
    round_ = make_round(project)
    for _ in range(10):
        correct(assignment=submit_next(round_, bob, 1, 1, 1), submission=submission_of([1, -1]))
    Assignment.objects.update(is_quality_control=True, submitted_at=timezone.now() - timedelta(days=1))
    assert gold_accuracy(project, bob).share == 0
