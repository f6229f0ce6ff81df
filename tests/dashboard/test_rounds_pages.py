"""What the pages of rounds, problems and one's own work show and refuse."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboard.rounds.forms import selection_fields
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import skip
from apps.labeling.rounds.services import create_round, edit_round, open_round, set_round_status
from apps.projects.models import Membership, Project
from apps.projects.services import publish_guidelines
from tests.cast import bearer, html_without_tokens, make_gold, make_problem, make_screening, make_solution, signed_in
from tests.world import rate

TERMS = {"protocol": "first_error", "redundancy": "2", "gold_percent": "0", "lease_minutes": "20"}


def shown(user: User, name: str, *args: object, query: str = "") -> str:
    answer = signed_in(user).get(reverse(name, args=args) + query)
    assert answer.status_code == 200, answer.content
    return html_without_tokens(answer)


@pytest.fixture
def draft(project: Project) -> Round:
    make_solution(make_problem(project, reference_answer="42"))
    return create_round(project=project, protocol="first_error", name="Generation two")


def test_labelers_do_not_see_drafts(draft: Round, bob: User, alice: User) -> None:
    slug = draft.project.slug
    for name in ("rounds", "project", "project-rounds"):
        assert "Generation two" not in shown(bob, name, slug)
        assert "Generation two" in shown(alice, name, slug)
    for name in ("round", "label"):
        assert signed_in(bob).get(reverse(name, args=[slug, draft.number])).status_code == 404


def test_a_draft_is_edited_until_it_is_opened(draft: Round, alice: User, bob: User) -> None:
    url = reverse("round-edit", args=[draft.project.slug, draft.number])
    client = signed_in(alice)
    filled = TERMS | {
        "name": "Third",
        "answer": "wrong",
        "first": "convincing",
        "sample": "5",
        "skills": "Lean, algebra",
        "labelers": [str(bob.pk)],
        "kind": "work",
        "mode": "verify",
    }
    assert client.post(url, filled).status_code == 302
    draft.refresh_from_db()
    assert draft.selection == {"select": "wrong,first:convincing,sample:5"}
    assert (draft.skills, draft.mode, draft.allows_corrections) == (["Lean", "algebra"], "verify", False)
    page = client.get(url).content.decode()
    for value in ("Third", "Lean, algebra"):
        assert f'value="{value}"' in page
    again = client.post(url, filled | {"skills": "x" * 41})
    assert again.status_code == 422
    assert "40 characters" in again.content.decode()
    closed = open_round(project=draft.project, protocol="first_error")
    set_round_status(round=closed, status="closed", actor=alice)
    assert client.get(reverse("round-edit", args=[draft.project.slug, closed.number])).status_code == 409


@pytest.mark.parametrize("select", ["all", "wrong,source:a,sample:7", "unlabeled,unsure:3,first:wrong"])
def test_a_selection_is_shown_as_its_fields(select: str) -> None:
    fields = selection_fields(select)
    assert fields.get("answer") == ("wrong" if select.startswith("wrong") else None)
    assert fields["sample"] == (7 if "sample" in select else None)
    assert fields["first"] == ("wrong" if "first" in select else "")


def test_a_draft_that_matches_no_solutions_says_so_and_does_not_open(project: Project, alice: User) -> None:
    drafted = create_round(project=project, protocol="first_error")
    assert "No solution matches" in shown(alice, "round", project.slug, drafted.number)
    client = signed_in(alice)
    answer = client.post(reverse("round-open", args=[project.slug, drafted.number]), follow=True)
    assert "No solution matches all" in answer.content.decode()
    drafted.refresh_from_db()
    assert drafted.status == "draft"


def test_a_round_shows_who_is_at_work_and_since_when(project: Project, alice: User, bob: User) -> None:
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error", lease_minutes=10)
    assignment = claim(round=round_, labeler=bob)
    assert isinstance(assignment, Assignment)
    sign = timezone.now() - timedelta(minutes=4)
    Assignment.objects.update(leased_until=sign + timedelta(minutes=10))
    page = shown(alice, "round", project.slug, round_.number)
    assert f"last seen {timezone.localtime(sign):%H:%M}" in page
    Assignment.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert "last seen" not in shown(alice, "round", project.slug, round_.number)
    assert "last seen" not in shown(bob, "round", project.slug, round_.number)


def test_reasons_of_skips_and_reports_stand_on_the_rounds_page_and_among_the_flags(
    project: Project, alice: User, rita: User, bob: User
) -> None:
    for _ in range(4):
        make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    assignment = claim(round=round_, labeler=bob)
    assert isinstance(assignment, Assignment)
    skip(assignment=assignment, reason="after lunch")
    rate(round_, bob, finish="give_up", reason="beyond me")
    rate(round_, bob, finish="bad_problem", reason="no numbers")
    rate(round_, bob, None, -1)
    page = shown(alice, "round", project.slug, round_.number)
    for words in ("after lunch", "beyond me", "no numbers", "Edit or retire the problem"):
        assert words in page
    for kind, words in (("skip", "after lunch"), ("give_up", "beyond me"), ("bad_problem", "no numbers")):
        flags = shown(rita, "flags", project.slug, query=f"?kind={kind}")
        assert words in flags
        assert "Bob" not in flags  # Reviewers judge the work: they see pseudonyms.
    assert "Step 1" in shown(rita, "flags", project.slug, query="?kind=unsure")
    other = open_round(project=project, protocol="first_error")
    assert "No open reports" in shown(rita, "flags", project.slug, query=f"?round={other.number}")


def test_a_screening_shows_its_results_to_managers_and_ones_own_to_the_labeler(
    project: Project, alice: User, bob: User
) -> None:
    round_ = make_screening(project, tasks=1)
    assert "Start" in shown(bob, "round", project.slug, round_.number)
    rate(round_, bob, -1)
    page = shown(alice, "round", project.slug, round_.number)
    assert "not passed" in page
    own = shown(bob, "round", project.slug, round_.number)
    assert "You have not passed" in own
    assert "Start" not in own
    assert "Results of the screening" not in own


def test_a_problem_cannot_be_edited_to_an_empty_text_and_its_history_is_shown(project: Project, alice: User) -> None:
    problem = make_solution(make_problem(project, reference_answer="41"), final_answer="42").problem
    client, args = signed_in(alice), [project.slug, problem.pk]
    refused = client.post(reverse("problem-edit", args=args), {"statement": " ", "reference_answer": "42"})
    assert refused.status_code == 422
    assert client.post(reverse("problem-retire", args=args), {"reason": " "}).status_code == 422
    filled = {"statement": problem.statement, "reference_answer": "42"}
    assert client.post(reverse("problem-edit", args=args), filled).status_code == 302
    page = shown(alice, "problem", *args)
    assert "the answer was 41 and is 42" in page
    assert "1 solution waits to be graded" in page


def test_my_work_shows_mine_and_scores_only_where_the_project_wants_it(
    project: Project, alice: User, bob: User
) -> None:
    for _ in range(10):
        make_gold(make_solution(make_problem(project)), 1, -1)
    make_solution(make_problem(project, "Only alice's?"))
    round_ = open_round(project=project, protocol="first_error", gold_share=1.0)
    for number in range(10):
        rate(round_, bob, *((1, -1) if number < 7 else (-1,)))
    assert "agreement with known answers, until yesterday" not in shown(bob, "work", project.slug)
    Project.objects.update(shows_scores=True)
    page = shown(bob, "work", project.slug)
    assert "agreement with known answers, until yesterday" in page
    assert "70 %" not in page, "a figure that moved with each task would tell which was gold"
    Assignment.objects.update(submitted_at=timezone.now() - timedelta(days=1))
    page = shown(bob, "work", project.slug)
    assert "70 %" in page
    assert page.count("Correct<span") == 10
    assert "No submissions yet" in shown(alice, "work", project.slug)
    Assignment.objects.update(submitted_at=timezone.now() - timedelta(days=2))
    assert "No submissions today" in shown(bob, "work", project.slug, query="?when=today")


def test_few_gold_tasks_tell_no_share(project: Project, bob: User) -> None:
    make_gold(make_solution(make_problem(project)), 1, -1)
    make_solution(make_problem(project))
    Project.objects.update(shows_scores=True)
    rate(open_round(project=project, protocol="first_error", gold_share=1.0), bob, 1, -1)
    page = shown(bob, "work", project.slug)
    assert "after more tasks" in page
    assert "100 %" not in page


def test_my_work_is_ordered_by_the_time_of_submission_newest_first(project: Project, bob: User) -> None:
    make_solution(make_problem(project, "Taken first."))
    make_solution(make_problem(project, "Taken second."))
    round_ = open_round(project=project, protocol="first_error")
    first, _ = (rate(round_, bob, 1, 1, 1) for _ in range(2))
    Assignment.objects.filter(pk=first.pk).update(submitted_at=timezone.now() + timedelta(minutes=1), versions=2)
    page = shown(bob, "work", project.slug)
    one, other = (assignment.task.solution.problem.statement for assignment in round_.assignments.order_by("pk"))
    assert page.index(one) < page.index(other)
    assert "resubmitted 2 times" in page


@pytest.mark.parametrize(
    ("query", "status"), [("?assignment=x", 404), ("?assignment=999999", 404), ("?assignment={}", 200)]
)
def test_only_the_users_own_submission_opens_for_correction(
    project: Project, bob: User, alice: User, query: str, status: int
) -> None:
    make_solution(make_problem(project))
    assignment = rate(open_round(project=project, protocol="first_error"), bob, -1)
    url = reverse("label", args=[project.slug, assignment.round.number]) + query.format(assignment.pk)
    assert signed_in(bob).get(url).status_code == status
    assert signed_in(alice).get(url).status_code == 404
    Round.objects.update(allows_corrections=False)
    if status == 200:
        assert signed_in(bob).get(url).status_code == 409


def test_skills_are_set_by_managers(project: Project, mia: User, bob: User) -> None:
    member = Membership.objects.get(user=bob)
    url = reverse("member-skills", args=[project.slug, member.pk])
    client: Any = signed_in(mia)
    assert client.post(url, {"skills": " Lean, algebra,, Lean"}).status_code == 302
    member.refresh_from_db()
    assert member.skills == ["Lean", "algebra"]
    assert 'value="Lean, algebra"' in shown(mia, "people", project.slug)
    assert client.post(url, {"skills": "x" * 41}).status_code == 400


def test_a_manager_edits_an_open_round_and_sees_what_is_fixed_and_why(project: Project, mia: User, bob: User) -> None:
    make_solution(make_problem(project, reference_answer="42"))
    round_ = open_round(project=project, protocol="first_error", options={"critiques": True}, mode="verify")
    page = shown(mia, "round-edit", project.slug, round_.number)
    assert "labels made with the models' labels in view are not blind" in page
    assert shown(mia, "round", project.slug, round_.number).count(reverse("round-edit", args=[project.slug, 1])) == 1
    make_solution(make_problem(project), is_correct=False)
    url = reverse("round-edit", args=[project.slug, round_.number])
    filled = {"name": "Wider", "redundancy": "2", "gold_percent": "0", "lease_minutes": "30", "labelers": [str(bob.pk)]}
    answer = signed_in(mia).post(
        url, filled | {"adds": "on", "answer": "wrong", "allows_corrections": "on"}, follow=True
    )
    assert "1 task added." in answer.content.decode()
    round_.refresh_from_db()
    assert (round_.name, round_.redundancy, round_.task_count, round_.slot_count) == ("Wider", 2, 2, 4)
    assert (round_.mode, round_.options["critiques"], round_.show_reference) == ("verify", True, True)
    assert "added <code>wrong</code> (1 task)" in answer.content.decode()
    refused = signed_in(mia).post(url, filled | {"redundancy": "1"})
    assert refused.status_code == 422
    assert "must be between 2 and 100" in refused.content.decode()
    assert signed_in(bob).get(url).status_code == 403


def test_an_edit_that_names_nothing_new_keeps_the_form_filled(project: Project, mia: User) -> None:
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    filled = {"redundancy": "1", "gold_percent": "0", "lease_minutes": "20", "adds": "on", "sample": "3"}
    answer = signed_in(mia).post(reverse("round-edit", args=[project.slug, round_.number]), filled)
    assert answer.status_code == 422
    assert "No solution matches sample:3." in html_without_tokens(answer)


def test_the_review_of_a_submission_names_the_guidelines_it_was_labeled_under(
    project: Project, alice: User, bob: User
) -> None:
    first = publish_guidelines(project=project, text="One.", author=alice)
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    rated = rate(round_, bob, 1, 1, 1)
    edit_round(
        round=round_, actor=alice, changes={"guideline": publish_guidelines(project=project, text="Two.", author=alice)}
    )
    review = bearer(alice).get(f"/api/v1/assignments/{rated.pk}/review").json()
    assert review["guideline"] == first.version
