"""Reported problems: one query behind every count, and dismissals with their reviewer, time and reason."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError, NotAllowed
from apps.corpus.problem_edits import edit_problem
from apps.labeling.assignments.correct import correct
from apps.labeling.models import Assignment, Round
from apps.labeling.problems import retire_problem
from apps.labeling.protocols.submission import Submission
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.models import QualityRules
from apps.quality.review.reports import (
    REPORT_STATES,
    count_open_reports,
    dismiss_report,
    problem_of,
    reopen_report,
    reports_in,
    reports_of,
)
from tests.cast import bearer, make_comparison, make_problem, make_solution, signed_in
from tests.world import rate

API = "/api/v1"


@pytest.fixture
def round_(project: Project) -> Round:
    for _ in range(6):
        make_solution(make_problem(project))
    return open_round(project=project, protocol="first_error")


@pytest.fixture
def reports(round_: Round, bob: User) -> list[Assignment]:
    """Three reports, beside a task that was given up and a step that was unsure."""
    rate(round_, bob, None, -1)
    rate(round_, bob, finish="give_up", reason="too long")
    return [rate(round_, bob, finish="bad_problem", reason=f"no numbers, {number}") for number in range(3)]


def listed(client: Client, query: str = "kind=bad_problem") -> list[int]:
    page = client.get(f"{reverse('flags', args=['algebra'])}?{query}")
    assert page.status_code == 200
    return [flag.assignment.pk for flag in page.context["flags"]]


def links_of(client: Client, path: str) -> str:
    page = client.get(path)
    assert page.status_code == 200
    return page.content.decode().replace("&amp;", "&")


def test_the_rounds_page_says_what_was_done_about_each(project: Project, reports: list[Assignment], mia: User) -> None:
    """One that is settled is nothing to fix any more; a dismissal of what it said before settles nothing."""
    dismiss_report(assignment=reports[0], reason="The numbers are in the figure.", actor=mia)
    retire_problem(problem=problem_of(reports[1]), reason="twice", actor=mia)

    def shown() -> dict[int, str]:
        page = links_of(signed_in(mia), "/projects/algebra/rounds/1")
        rows = [row for row in page.split("<tr>") if "no numbers, " in row]
        return {int(row.partition("no numbers, ")[2][0]): row for row in rows}

    dismissed, retired, open_ = (shown()[number] for number in range(3))
    assert "Dismissed by" in dismissed
    assert "The numbers are in the figure." in dismissed
    assert "The problem is retired" in retired
    for row in (dismissed, retired):
        assert ("badge bad" in row, "Edit or retire" in row, "View the problem" in row) == (False, False, True)
    assert ("badge bad" in open_, "Edit or retire" in open_, "Dismissed" in open_) == (True, True, False)
    Assignment.objects.filter(pk=reports[0].pk).update(versions=5)
    assert "badge bad" in shown()[0]
    assert "Dismissed" not in shown()[0]


def test_every_count_leads_to_exactly_these(project: Project, reports: list[Assignment], rita: User) -> None:
    client, flags = signed_in(rita), reverse("flags", args=["algebra"])
    for path, query in (
        ("/", "kind=bad_problem"),
        ("/projects/algebra/", "kind=bad_problem"),
        ("/projects/algebra/review", "kind=bad_problem"),
        ("/projects/algebra/rounds/1", "kind=bad_problem&round=1"),
    ):
        assert f'href="{flags}?{query}"' in links_of(client, path)
        assert sorted(listed(client, query)) == [report.pk for report in reports]
    for path in ("/", "/projects/algebra/", "/projects/algebra/rounds/1"):
        assert "3 reported problems" in links_of(client, path)
    dismiss_report(assignment=reports[0], reason="The numbers are in the figure.", actor=rita)
    retire_problem(problem=problem_of(reports[1]), reason="twice", actor=rita)
    for path in ("/", "/projects/algebra/", "/projects/algebra/rounds/1"):
        assert "1 reported problem<" in links_of(client, path)
    assert listed(client) == [reports[2].pk]
    assert listed(client, "kind=bad_problem&state=dismissed") == [reports[0].pk]
    assert listed(client, "kind=bad_problem&state=retired") == [reports[1].pk]
    assert sorted(listed(client, "kind=bad_problem&state=all")) == [report.pk for report in reports]


def test_an_edited_problem_closes_the_reports_before_it(
    project: Project, reports: list[Assignment], rita: User, mia: User
) -> None:
    problem = problem_of(reports[0])
    edit_problem(problem=problem, actor=mia, statement=f"{problem.statement} Take 3.", reference_answer="")
    assert listed(signed_in(rita)) == [reports[2].pk, reports[1].pk]
    assert listed(signed_in(rita), "kind=bad_problem&state=edited") == [reports[0].pk]
    assert count_open_reports([project]) == {project.pk: 2}
    page = links_of(signed_in(rita), f"{reverse('flags', args=['algebra'])}?kind=bad_problem&state=edited")
    assert "The problem was edited on" in page
    # A report of the problem as it is now is open.
    correct(assignment=reports[0], submission=Submission(finish_reason="bad_problem", reason="Still unclear."))
    Assignment.objects.filter(pk=reports[0].pk).update(submitted_at=timezone.now())
    assert count_open_reports([project]) == {project.pk: 3}


def test_each_report_has_one_state(project: Project, reports: list[Assignment], rita: User, mia: User) -> None:
    dismiss_report(assignment=reports[0], reason="Fine.", actor=rita)
    for report in reports[:2]:
        retire_problem(problem=problem_of(report), reason="twice", actor=mia)
    states = {state: [each.pk for each in reports_in([project], state)] for state in REPORT_STATES[:-1]}
    assert states == {
        "open": [reports[2].pk],
        "dismissed": [reports[0].pk],
        "retired": [reports[1].pk],
        "edited": [],
    }
    rows = bearer(rita).get(f"{API}/projects/algebra/reports?state=all").json()["results"]
    assert [row["state"] for row in rows] == ["dismissed", "retired", "open"]


def test_given_up_tasks_and_unsure_steps_are_dismissed_too(
    project: Project, reports: list[Assignment], rita: User
) -> None:
    client, flags = signed_in(rita), reverse("flags", args=["algebra"])
    tabs = {tab.name: tab.open_count for tab in client.get(flags).context["kinds"]}
    assert tabs == {"bad_problem": 3, "give_up": 1, "unsure": 1, "skip": None}
    for kind in ("give_up", "unsure"):
        (pk,) = listed(client, f"kind={kind}")
        (row,) = bearer(rita).get(f"{API}/projects/algebra/reports", {"kind": kind}).json()["results"]
        assert (row["id"], row["state"]) == (pk, "open")
        client.post(reverse("report-dismiss", args=["algebra", pk]), {"reason": "Seen."})
        assert listed(client, f"kind={kind}") == []
        assert listed(client, f"kind={kind}&state=dismissed") == [pk]
        assert AuditEvent.objects.get(verb="report.dismissed", target=str(pk)).after == "Seen."
    tabs = {tab.name: tab.open_count for tab in client.get(flags).context["kinds"]}
    assert tabs == {"bad_problem": 3, "give_up": 0, "unsure": 0, "skip": None}


def test_a_filter_that_is_not_valid_leaves_the_kind_alone(reports: list[Assignment], rita: User) -> None:
    page = signed_in(rita).get(f"{reverse('flags', args=['algebra'])}?kind=bad_problem&round=77")
    assert page.context["kind"] == "bad_problem"
    assert "Select a valid choice" in page.content.decode()


def test_labelers_are_shown_no_reports(reports: list[Assignment], bob: User) -> None:
    for path in ("/", "/projects/algebra/", "/projects/algebra/rounds/1"):
        assert "reported problem" not in links_of(signed_in(bob), path)
    assert signed_in(bob).get(reverse("flags", args=["algebra"])).status_code == 403
    assert bearer(bob).get(f"{API}/projects/algebra/reports").status_code == 403


def test_who_dismissed_it_when_and_why_is_shown_and_in_the_trail(
    project: Project, reports: list[Assignment], rita: User
) -> None:
    client = signed_in(rita)
    form = {"reason": " The figure holds them. ", "return_url": "/projects/algebra/flags?kind=bad_problem&state=all"}
    answer = client.post(reverse("report-dismiss", args=["algebra", reports[0].pk]), form)
    assert (answer.status_code, answer["Location"]) == (302, form["return_url"])
    page = links_of(client, form["return_url"])
    assert "Dismissed by Rita" in page
    assert "The figure holds them." in page
    event = AuditEvent.objects.get(verb="report.dismissed")
    assert (event.actor, event.target, event.after) == (rita, str(reports[0].pk), "The figure holds them.")
    assert count_open_reports([project]) == {project.pk: 2}
    client.post(reverse("report-reopen", args=["algebra", reports[0].pk]), {"return_url": "//elsewhere.example/"})
    assert count_open_reports([project]) == {project.pk: 3}
    assert AuditEvent.objects.get(verb="report.reopened").before == "The figure holds them."


def test_a_way_back_leads_to_no_other_site(reports: list[Assignment], rita: User) -> None:
    for way in ("//elsewhere.example/", "https://elsewhere.example/", "", "flags"):
        answer = signed_in(rita).post(
            reverse("report-dismiss", args=["algebra", reports[0].pk]), {"reason": "Fine.", "return_url": way}
        )
        assert answer["Location"] == "/projects/algebra/flags"


def test_without_a_reason_nothing_is_dismissed(project: Project, reports: list[Assignment], rita: User) -> None:
    for reason in ("", "   ", "x" * 2001):
        with pytest.raises(DomainError) as caught:
            dismiss_report(assignment=reports[0], reason=reason, actor=rita)
        assert "1 to 2000 characters" in caught.value.fields["reason"]
        signed_in(rita).post(reverse("report-dismiss", args=["algebra", reports[0].pk]), {"reason": reason})
        api = bearer(rita).post(
            f"{API}/assignments/{reports[0].pk}/dismiss-report", {"reason": reason}, content_type="application/json"
        )
        assert (api.status_code, "reason" in api.json()["error"]["fields"]) == (400, True)
    assert count_open_reports([project]) == {project.pk: 3}


def test_dismissing_twice_keeps_the_first_reason(reports: list[Assignment], rita: User, mia: User) -> None:
    first = dismiss_report(assignment=reports[0], reason="Fine.", actor=rita)
    assert dismiss_report(assignment=reports[0], reason="Very fine.", actor=mia) == first
    assert AuditEvent.objects.filter(verb="report.dismissed").count() == 1


def test_a_report_that_is_made_again_is_open_again(project: Project, reports: list[Assignment], rita: User) -> None:
    report = reports[0]
    dismiss_report(assignment=report, reason="Fine.", actor=rita)
    report.refresh_from_db()
    correct(assignment=report, submission=Submission(finish_reason="bad_problem", reason="The figure is missing."))
    assert count_open_reports([project]) == {project.pk: 3}
    report.refresh_from_db()
    dismiss_report(assignment=report, reason="It is there.", actor=rita)
    assert count_open_reports([project]) == {project.pk: 2}


def test_nobody_dismisses_their_own_report_unless_the_rules_allow_it(project: Project, rita: User) -> None:
    make_solution(make_problem(project))
    report = rate(open_round(project=project, protocol="first_error"), rita, finish="bad_problem", reason="odd")
    with pytest.raises(NotAllowed):
        dismiss_report(assignment=report, reason="Fine.", actor=rita)
    QualityRules.objects.update_or_create(project=project, defaults={"allows_self_review": True})
    dismiss_report(assignment=report, reason="Fine.", actor=rita)


def test_what_reports_nothing_is_not_dismissed(round_: Round, bob: User, rita: User) -> None:
    assignment = rate(round_, bob, 1, 1, 1)
    with pytest.raises(Conflict):
        dismiss_report(assignment=assignment, reason="Fine.", actor=rita)
    with pytest.raises(Conflict):
        reopen_report(assignment=assignment, actor=rita)


def test_a_comparison_is_reported_with_its_problem(project: Project, bob: User, rita: User) -> None:
    compared = make_comparison(make_problem(project), ["A."], ["B."])
    report = rate(open_round(project=project, protocol="comparison"), bob, finish="bad_problem", reason="no question")
    assert listed(signed_in(rita)) == [report.pk]
    page = links_of(signed_in(rita), f"{reverse('flags', args=['algebra'])}?kind=bad_problem")
    assert reverse("problem", args=["algebra", compared.problem_id]) in page
    assert [one.pk for one in reports_in([project])] == [report.pk]


def test_the_problems_page_lists_what_the_flags_list(project: Project, bob: User, rita: User, mia: User) -> None:
    """Reports of its solutions and of comparisons of them, with what was done about each."""
    problem = make_problem(project)
    make_comparison(problem, ["A."], ["B."])
    make_solution(make_problem(project))
    of_solutions = open_round(project=project, protocol="first_error")
    for reason in ("no numbers", "too vague", "elsewhere"):
        rate(of_solutions, bob, finish="bad_problem", reason=reason)
    rate(open_round(project=project, protocol="comparison"), bob, finish="bad_problem", reason="no question")
    dismiss_report(assignment=Assignment.objects.get(reason="no numbers"), reason="They are in the figure.", actor=mia)
    withdrawn = Assignment.objects.get(reason="too vague")
    Assignment.objects.filter(pk=withdrawn.pk).update(state=Assignment.State.RETURNED)

    def rows() -> dict[str, str]:
        page = links_of(signed_in(rita), reverse("problem", args=["algebra", problem.pk]))
        section = page.partition("<h2>Reports</h2>")[2].partition("</ul>")[0]
        return {row.partition("<q")[2].partition(">")[2].partition("<")[0]: row for row in section.split("<li>")[1:]}

    of_problem = {one.pk for one in reports_in([project], "all") if problem_of(one) == problem}
    assert {one.pk for one in reports_of(problem)} == of_problem
    shown = rows()
    assert list(shown) == ["no question", "no numbers"]
    assert ("Dismissed by" in shown["no numbers"], "They are in the figure." in shown["no numbers"]) == (True, True)
    assert "Dismissed" not in shown["no question"]
    retire_problem(problem=problem, reason="twice", actor=mia)
    shown = rows()
    assert "The problem is retired" in shown["no question"]
    assert "Dismissed by" in shown["no numbers"]


def test_the_api_lists_dismisses_and_reopens(reports: list[Assignment], rita: User) -> None:
    api, address = bearer(rita), f"{API}/projects/algebra/reports"

    def rows(query: str = "") -> list[dict[str, Any]]:
        return list(api.get(address + query).json()["results"])

    assert [row["id"] for row in rows()] == [report.pk for report in reports]
    stream = api.get(address, headers={"accept": "application/x-ndjson"})
    assert [msgspec.json.decode(line) for line in b"".join(stream.streaming_content).splitlines()] == rows()
    first = rows()[0]
    assert (first["reason"], first["dismissal"], first["round"]) == ("no numbers, 0", None, 1)
    assert "bob" not in str(first).lower()
    body = {"reason": "Fine."}
    done = api.post(f"{API}/assignments/{first['id']}/dismiss-report", body, content_type="application/json").json()
    assert (done["reason"], done["by"]) == ("Fine.", rita.email)
    assert [row["id"] for row in rows()] == [report.pk for report in reports[1:]]
    (row,) = rows("?state=dismissed")
    assert row["dismissal"] == done
    assert rows("?round=7") == []
    assert api.get(f"{address}?state=lost").status_code == 400
    assert api.post(f"{API}/assignments/{first['id']}/reopen-report").status_code == 204
    assert len(rows()) == 3


def test_reports_that_came_with_a_file_are_dismissed_by_the_api_as_on_the_page(
    reports: list[Assignment], rita: User
) -> None:
    Round.objects.update(origin="prm800k")
    api, place = bearer(rita), f"{API}/assignments/{reports[0].pk}"
    listed_ids = [row["id"] for row in api.get(f"{API}/projects/algebra/reports").json()["results"]]
    assert reports[0].pk in listed_ids
    sent = api.post(f"{place}/dismiss-report", {"reason": "Fine."}, content_type="application/json")
    assert (sent.status_code, sent.json()["reason"]) == (200, "Fine.")
    assert api.post(f"{place}/reopen-report").status_code == 204
