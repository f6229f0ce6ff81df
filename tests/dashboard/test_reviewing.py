"""What reviewers do on pages: settle, queues, turns; and what the pages cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.dashboard.templatetags.numbers import RATING_SIGNS
from apps.labeling.assignments.correct import correct
from apps.labeling.models import Assignment, GoldLabel, StepLabel
from apps.labeling.rounds.services import set_round_status
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import AlsoAcceptable, Consensus, OpenDispute, Review, StepConsensus
from apps.quality.review.assignments import accept, correct_assignment, return_to_labeler
from apps.quality.review.queues import QueueFilters, neighbours, queue_of
from apps.quality.review.unreviewed import newest_unreviewed, unreviewed
from tests.cast import bearer, make_problem, make_round, make_solution, make_user, signed_in
from tests.quality.submissions import submission_of, submit_next


@pytest.fixture
def crew(project: Project) -> list[User]:
    people = [make_user(f"labeler{number}") for number in range(2)]
    for one in people:
        add_member(project=project, user=one, role=Role.LABELER)
    return people


@pytest.fixture
def solutions(project: Project, crew: list[User]) -> list[Solution]:
    """Three in dispute: the first person finds the second step bad, the other none."""
    made = [make_solution(make_problem(project, subject=f"S{place % 2}"), source="m") for place in range(3)]
    round_ = make_round(project, redundancy=2)
    for _ in made:
        submit_next(round_, crew[0], 1, -1)
        submit_next(round_, crew[1], 1, 1, 1)
    recompute_project(project)
    return made


@pytest.fixture
def client(rita: User) -> Client:
    return signed_in(rita)


def act(client: Client, solution: Solution, name: str, position: int = 0, **more: str) -> Any:
    step = solution.steps.get(position=position).pk
    url = reverse("solution-adjudicate", args=[solution.project.slug, solution.pk])
    return client.post(url, {"act": name, "step": step, **more}, headers={"HX-Request": "true"})


def test_each_action_is_saved_and_shown(client: Client, solutions: list[Solution]) -> None:
    one = solutions[0]
    assert b"Step 2 rated bad." in act(client, one, "bad", 1).content
    assert Consensus.objects.get(pk=one.pk).first_error == 1
    assert b"withdrawn" in act(client, one, "withdraw", 1).content
    assert not StepConsensus.objects.filter(step__solution=one, how="adjudicated").exists()
    assert not Consensus.objects.filter(pk=one.pk, how="adjudicated").exists()
    recompute_project(one.project)
    assert Consensus.objects.get(pk=one.pk).how == "majority"
    assert b"Adjudicated: no step is bad." in act(client, one, "no_error", note="looked twice").content
    assert Consensus.objects.get(pk=one.pk).note == "looked twice"
    assert b"step 3 is the first error" in act(client, one, "first_error", 2).content
    assert b"made gold" in act(client, one, "gold").content
    assert list(
        GoldLabel.objects.filter(step__solution=one).order_by("step__position").values_list("rating", flat=True)
    ) == [
        1,
        1,
        -1,
    ]
    assert b"also accepts step 2" in act(client, one, "also_accept", 1).content
    assert AlsoAcceptable.objects.get(pk=one.pk).first_errors == [1]
    assert b"no longer accepts" in act(client, one, "also_accept", 1).content
    assert b"All adjudicated ratings withdrawn" in act(client, one, "withdraw_all").content
    assert b"no rating to withdraw" in act(client, one, "withdraw_all").content


def test_invalid_actions_are_refused_with_a_message(client: Client, solutions: list[Solution]) -> None:
    one, other = solutions[:2]
    assert act(client, one, "guess").status_code == 400
    assert b"Adjudicate the solution first" in act(client, one, "gold").content
    url = reverse("solution-adjudicate", args=[one.project.slug, one.pk])
    for step in ("", "x", "9" * 30):
        assert client.post(url, {"act": "bad", "step": step}).status_code == 400
    foreign = other.steps.all()[0].pk
    assert client.post(url, {"act": "bad", "step": foreign}).status_code == 404
    assert not StepConsensus.objects.filter(how="adjudicated").exists()


def test_without_scripts_an_action_redirects_to_the_page(client: Client, solutions: list[Solution]) -> None:
    one = solutions[0]
    url = reverse("solution-adjudicate", args=[one.project.slug, one.pk])
    answer = client.post(f"{url}?queue=people", {"act": "first_error", "step": one.steps.all()[1].pk})
    assert answer["Location"] == f"/projects/algebra/solutions/{one.pk}?queue=people"


def test_reviewers_see_pseudonyms_and_managers_names(solutions: list[Solution], rita: User, mia: User) -> None:
    url = f"/projects/algebra/solutions/{solutions[0].pk}"
    pseudonym = Membership.objects.get(user__name="Labeler0").pseudonym[:8]
    seen = signed_in(rita).get(url).content.decode()
    assert "Labeler0" not in seen
    assert pseudonym in seen
    assert "Labeler0" in signed_in(mia).get(url).content.decode()


def test_the_way_goes_through_the_queue_also_from_a_solution_that_has_left_it(
    client: Client, solutions: list[Solution]
) -> None:
    first, second, third = solutions
    act(client, second, "first_error", 1)
    assert neighbours(queue_of(second.project, "people"), second.pk) == (first.pk, third.pk)
    seen = client.get(f"/projects/algebra/solutions/{second.pk}?queue=people").content.decode()
    assert f"/solutions/{first.pk}?queue=people" in seen
    assert f"/solutions/{third.pk}?queue=people" in seen
    assert "2 in the queue" in seen
    narrow = queue_of(second.project, "people", QueueFilters(subject="S1"))
    assert neighbours(narrow, first.pk) == (None, None)


def test_queues_are_narrowed(project: Project, client: Client, solutions: list[Solution], crew: list[User]) -> None:
    def found(**narrowing: Any) -> list[int]:
        return list(queue_of(project, "people", QueueFilters(**narrowing)).values_list("solution_id", flat=True))

    everything = [one.pk for one in solutions]
    assert found() == found(round=1) == found(source="m") == found(labeler=crew[0].pk) == everything
    assert found(round=2) == found(source="n") == found(labeler=0) == []
    assert found(subject="S1") == [solutions[1].pk]
    member = Membership.objects.get(user=crew[0])
    seen = client.get(f"/projects/algebra/review/people?labeler={member.pk}&subject=S1&round=1").content.decode()
    assert f"/solutions/{solutions[1].pk}?queue=people" in seen
    assert f"/solutions/{solutions[0].pk}?" not in seen
    assert client.get("/projects/algebra/review/nonsense").status_code == 404
    assert client.get("/projects/algebra/review/people?round=x&labeler=0&after=z").status_code == 200


def test_the_consensus_of_many_is_accepted_and_made_gold(
    project: Project, client: Client, solutions: list[Solution], crew: list[User]
) -> None:
    third = make_user("third")
    add_member(project=project, user=third, role=Role.LABELER)
    round_ = make_round(project, select="subject:S0")
    submit_next(round_, third, 1, -1)
    recompute_project(project)
    url = "/projects/algebra/review/people/selected"
    ids = [one.pk for one in solutions]
    answer = client.post(url, {"act": "accept_consensus", "solution": ids}, follow=True)
    assert b"1 adjudicated. 2 skipped: their consensus has no first error" in answer.content
    assert Consensus.objects.get(how="adjudicated").pk == solutions[0].pk
    assert (
        b"1 made gold. 2 skipped: not adjudicated yet."
        in client.post(url, {"act": "gold", "solution": ids}, follow=True).content
    )
    assert b"Labeler0" not in client.get("/projects/algebra/review/adjudicated").content
    for wrong in ({"act": "gold"}, {"act": "gold", "solution": ["x"]}, {"act": "burn", "solution": ids}):
        assert client.post(url, wrong).status_code == 400


def test_a_queue_is_sent_to_a_new_round(project: Project, mia: User, solutions: list[Solution], client: Client) -> None:
    page = signed_in(mia).get("/projects/algebra/review/people?subject=S0").content.decode()
    link = "/projects/algebra/rounds/new?dispute=people&amp;subject=S0"
    assert link in page
    assert "New round over these" not in client.get("/projects/algebra/review/people").content.decode()
    form = signed_in(mia).get(link.replace("&amp;", "&")).content.decode()
    assert '<option value="people" selected>' in form
    terms = {
        "protocol": "first_error",
        "redundancy": 1,
        "gold_percent": 0,
        "lease_minutes": 20,
        "kind": "work",
        "dispute": "people",
    }
    signed_in(mia).post("/projects/algebra/rounds/new", terms | {"subject": "S0"})
    round_ = project.rounds.get(number=2)
    assert round_.selection == {"select": "subject:S0,dispute:people"}
    set_round_status(round=round_, status="open", actor=mia)
    assert set(round_.tasks.values_list("solution", flat=True)) == {solutions[0].pk, solutions[2].pk}


def decide(reviewer: User, assignment: Assignment, **decision: Any) -> Any:
    """As the page of the submission does."""
    path = f"/api/v1/assignments/{assignment.pk}/review"
    return bearer(reviewer).post(path, decision, content_type="application/json")


def test_a_correction_counts_instead_of_the_labelers_own_ratings_which_are_kept(
    client: Client, rita: User, solutions: list[Solution], crew: list[User]
) -> None:
    assignment = Assignment.objects.filter(labeler=crew[1]).order_by("pk")[0]
    steps = [{"position": place, "rating": rating} for place, rating in enumerate((1, 0, -1))]
    wrong = decide(rita, assignment, decision="corrected", steps=steps, finish_reason="solution")
    assert wrong.status_code == 422
    assert b"found_error" in wrong.content
    right = decide(rita, assignment, decision="corrected", steps=steps, finish_reason="found_error", note="the sum")
    assert right.status_code == 200
    said = StepLabel.objects.filter(assignment=assignment).order_by("step__position").values_list("rating", flat=True)
    assert list(said) == [1, 1, 1]
    review = Review.objects.get()
    assert (review.note, [one["rating"] for one in review.submission["steps"]]) == ("the sum", [1, 0, -1])
    stands = StepConsensus.objects.filter(step__solution=assignment.task.solution_id, how="adjudicated")
    assert list(stands.order_by("step__position").values_list("rating", flat=True)) == [1, 0, -1]
    shown = client.get(f"/projects/algebra/solutions/{assignment.task.solution_id}").content.decode()
    assert "changed step 2 to okay, step 3 to bad" in shown
    assert "corrected a submission" in shown


def test_assignments_are_returned_with_a_note_only(
    client: Client, rita: User, solutions: list[Solution], crew: list[User]
) -> None:
    assignment = Assignment.objects.filter(labeler=crew[1]).order_by("pk")[0]
    assert decide(rita, assignment, decision="returned", note=" ").status_code == 400
    assert decide(rita, assignment, decision="returned", note="again").status_code == 200
    assert Assignment.objects.get(pk=assignment.pk).state == "returned"
    assert decide(rita, assignment, decision="returned", note="again").status_code == 200  # Once.
    assert decide(rita, assignment, decision="returned", note="and again").status_code == 409
    assert Review.objects.filter(assignment=assignment, decision="returned").count() == 1
    assert b"again" in client.get("/projects/algebra/review/assignments?show=reviewed").content


def test_in_a_closed_round_submissions_are_accepted_and_corrected_but_not_returned(
    rita: User, mia: User, solutions: list[Solution], crew: list[User]
) -> None:
    first, second = Assignment.objects.filter(labeler=crew[1]).select_related("round").order_by("pk")[:2]
    set_round_status(round=first.round, status="closed", actor=mia)
    answer = decide(rita, first, decision="returned", note="again")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "round_closed")
    shown = bearer(rita).get(f"/api/v1/assignments/{first.pk}/review").json()
    assert shown["refusals"]["returned"].startswith("The round is closed")
    assert decide(rita, first, decision="accepted").status_code == 200
    steps = [{"position": 0, "rating": -1}]
    assert decide(rita, second, decision="corrected", steps=steps, finish_reason="found_error").status_code == 200


def test_the_list_says_why_nothing_waits(
    project: Project, client: Client, solutions: list[Solution], rita: User
) -> None:
    page = "/projects/algebra/review/assignments"
    assert b"Start reviewing" in client.get(page).content
    assert b"matches the filters" in client.get(f"{page}?round=7").content
    accept(assignments=list(Assignment.objects.all()), reviewer=rita)
    assert b"Every submission has a review" in client.get(page).content
    Assignment.objects.all().delete()
    assert b"No labeler has submitted anything yet" in client.get(page).content


def test_an_accepted_assignment_no_longer_waits(client: Client, solutions: list[Solution]) -> None:
    everything = list(Assignment.objects.order_by("pk").values_list("pk", flat=True))
    assert b"of 6 submissions" in client.get("/projects/algebra/review/assignments").content
    client.post("/projects/algebra/review/assignments/accept", {"assignment": everything[:4]})
    assert b"of 2 submissions" in client.get("/projects/algebra/review/assignments").content
    left = client.get("/projects/algebra/review/assignments?show=all").content.decode()
    assert [f'value="{pk}"' in left for pk in everything] == [False] * 4 + [True] * 2
    assert client.post("/projects/algebra/review/assignments/accept", {}).status_code == 400


def test_an_assignment_corrected_after_it_was_accepted_waits_again(
    client: Client, solutions: list[Solution], rita: User
) -> None:
    assignment = Assignment.objects.order_by("pk")[0]
    assert accept(assignments=[assignment], reviewer=rita) == 1
    correct(assignment=assignment, submission=submission_of([1, 1, 1]))
    assert assignment.pk in newest_unreviewed(assignment.round.project)
    assert assignment in unreviewed(Assignment.objects.all())
    assignment.refresh_from_db()
    assert (accept(assignments=[assignment], reviewer=rita), accept(assignments=[assignment], reviewer=rita)) == (1, 0)
    assert assignment.pk not in newest_unreviewed(assignment.round.project)
    correct_assignment(assignment=assignment, submission=submission_of([1, -1]), reviewer=rita)
    assert assignment.pk not in newest_unreviewed(assignment.round.project), "what a reviewer said needs no review"


def test_the_page_of_a_solution_shows_the_ratings_before_a_correction(
    client: Client, solutions: list[Solution]
) -> None:
    assignment = Assignment.objects.order_by("pk")[0]
    before = [label.rating for label in assignment.step_labels.order_by("step__position")]
    correct(assignment=assignment, submission=submission_of([1, 1, 1]))
    page = client.get(f"/projects/algebra/solutions/{assignment.task.solution_id}").content.decode()
    shown = page.split("earlier ratings: ", 1)[1].split(" (", 1)[0]
    assert before
    assert shown.split() == [RATING_SIGNS[rating] for rating in before]


def test_the_sample_and_the_whole_list_hold_the_same_assignments(
    project: Project, client: Client, solutions: list[Solution], rita: User
) -> None:
    assignments = list(Assignment.objects.order_by("pk"))
    accept(assignments=assignments[:3], reviewer=rita)
    correct(assignment=assignments[0], submission=submission_of([1, 1, 1]))
    return_to_labeler(assignment=assignments[3], reviewer=rita, note="Look again.")
    expected = {assignment.pk for assignment in (assignments[0], assignments[4], assignments[5])}
    assert set(newest_unreviewed(project)) == expected
    assert {assignment.pk for assignment in unreviewed(Assignment.objects.submitted())} == expected
    one = assignments[4]
    of_one = unreviewed(Assignment.objects.submitted().filter(labeler=one.labeler_id, round=one.round_id))
    asked = newest_unreviewed(project, round_number=one.round.number, labeler=one.labeler_id)
    assert asked == sorted((assignment.pk for assignment in of_one), reverse=True) != []


def cost(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    counted = [one["sql"] for one in queries if "COUNT(" in one["sql"] and "LIMIT" not in one["sql"]]
    # Reports are few, and have a partial index of their own.
    assert [sql for sql in counted if "bad_problem" not in sql] == []
    return len(queries)


def test_pages_of_reviewers_cost_the_same_however_much_there_is(
    project: Project, client: Client, solutions: list[Solution], crew: list[User]
) -> None:
    urls = [
        "/projects/algebra/review",
        "/projects/algebra/review/people",
        "/projects/algebra/review/assignments",
        "/projects/algebra/review/assignments?show=all",
        "/projects/algebra/flags",
        f"/projects/algebra/review/assignments/{Assignment.objects.order_by('pk')[0].pk}",
        f"/projects/algebra/solutions/{solutions[1].pk}?queue=people",
    ]
    before = {url: cost(client, url) for url in urls}
    for _ in range(12):
        make_solution(make_problem(project, subject="S2"), source="m")
    round_ = make_round(project, redundancy=2, select="subject:S2")
    again = make_round(project, redundancy=2, select="subject:S0")
    for _ in range(12):
        submit_next(round_, crew[0], 1, -1)
        submit_next(round_, crew[1], 1, 1, 1)
    submit_next(again, crew[0], 0, 0, 0)
    recompute_project(project)
    assert OpenDispute.objects.filter(kind="people").count() == 14
    assert {url: cost(client, url) for url in urls} == before
    assert before[urls[-1]] <= 33, "one of them counts what waits, for the navigation of every page"
