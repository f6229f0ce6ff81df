"""The task table: what it shows, how it is filtered, and what is done with many tasks at once."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import NotAllowed
from apps.corpus.models import Problem
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Reservation, Round, SavedView, Task
from apps.labeling.protocols.submission import Submission
from apps.labeling.queue.leases import skip
from apps.labeling.queue.reservations import reserve
from apps.labeling.rounds.services import set_round_status
from apps.labeling.saved_views import MOST_VIEWS, delete_view, save_view, views_for
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.quality.models import FastMark, OpenDispute
from apps.quality.task_table import filters as task_filters
from apps.quality.task_table.filters import TaskFilters, count_of, tasks_in
from apps.quality.task_table.rows import rows_of, with_excerpts
from apps.quality.trust.blind_rounds import open_blind_round
from tests.cast import html_without_tokens, make_comparison, make_problem, make_round, make_solution, signed_in
from tests.labeling.test_queue import GOOD, take

PAGE = "/projects/algebra/tasks"
BAD_PROBLEM = Submission(steps=[], finish_reason="bad_problem", reason="It is unclear.")


@pytest.fixture
def round_(project: Project) -> Round:
    for number, (subject, level) in enumerate((("Algebra", "1"), ("Algebra", "2"), ("Geometry", "1"), ("", ""))):
        make_solution(
            make_problem(
                project, f"What is the {number}th pear?", subject=subject, level=level, external_id=f"p{number}"
            )
        )
    return make_round(project, redundancy=1)


@pytest.fixture
def tasks(round_: Round) -> list[int]:
    return list(Task.objects.filter(round=round_).order_by("pk").values_list("pk", flat=True))


def found(project: Project, **filters: Any) -> list[int]:
    return sorted(tasks_in(project, TaskFilters(**filters)).values_list("pk", flat=True))


def member(project: Project, user: User) -> str:
    return str(Membership.objects.get(project=project, user=user).pk)


def shown(page: Any) -> list[int]:
    return [row.row.task.pk for row in page.context["rows"]]


def test_every_task_is_a_row_with_who_has_it(
    round_: Round, tasks: list[int], alice: User, bob: User, rita: User
) -> None:
    submit(assignment=take(round_, bob), submission=GOOD)
    take(round_, rita)
    skip(assignment=take(round_, bob))
    reserve(project=round_.project, tasks=[tasks[3]], labeler=rita, actor=alice, note="For you.")
    page = signed_in(alice).get(PAGE)
    text = " ".join(html_without_tokens(page).split())
    assert shown(page) == tasks[::-1]
    states = {row.row.task.pk: row.state for row in page.context["rows"]}
    assert [states[pk] for pk in tasks] == ["complete", "in work", "waiting", "assigned"]
    for words in ("4 tasks", "in work by", "skipped by", "assigned to", "For you.", "1 of 1", "0 of 1", "Bob", "Rita"):
        assert words in text
    assert f'href="/projects/algebra/people/{member(round_.project, bob)}"' in text


def test_each_filter_finds_its_tasks(round_: Round, tasks: list[int], alice: User, bob: User, rita: User) -> None:
    project = round_.project
    first, second, third, fourth = tasks
    done = submit(assignment=take(round_, bob), submission=GOOD)
    submit(assignment=take(round_, rita), submission=BAD_PROBLEM)
    skip(assignment=take(round_, bob))
    assert found(project, state="submitted") == [first, second]
    assert found(project, state="submitted", labeler=bob.pk) == [first]
    assert found(project, state="complete") == [first, second]
    assert found(project, state="reported") == [second]
    assert found(project, state="skipped") == [third]
    assert found(project, state="skipped", labeler=rita.pk) == []
    assert found(project, state="waiting") == [third, fourth]
    assert found(project, labeler=bob.pk) == [first, third]
    reserve(project=project, tasks=[fourth], labeler=rita, actor=alice)
    assert found(project, state="assigned") == [fourth]
    assert found(project, labeler=rita.pk) == [second, fourth]
    held = take(round_, rita)
    assert found(project, state="in_work", labeler=rita.pk) == [held.task_id]
    Assignment.objects.filter(pk=held.pk).update(leased_until=timezone.now() - timedelta(minutes=1))
    assert found(project, state="in_work") == []
    FastMark.objects.create(assignment=done, project=project, labeler=bob, active_ms=1, floor_ms=2)
    assert found(project, state="fast") == [first]
    OpenDispute.objects.create(solution_id=done.task.solution_id, project=project, kind="labelers-differ")
    assert found(project, state="disputed") == [first]
    Task.objects.filter(pk=third).update(withdrawn="retired", open_slots=0)
    assert found(project, state="withdrawn") == [third]
    Assignment.objects.filter(pk=done.pk).update(state="returned")
    assert found(project, state="returned") == [first]
    assert first not in found(project, state="complete")


def test_a_blind_round_hides_what_models_dispute(project: Project, alice: User) -> None:
    make_solution(make_problem(project))
    sample = open_blind_round(project=project, size=1, actor=alice)
    task = Task.objects.get(round=sample.round)
    for kind in ("people_monte_carlo", "people"):
        OpenDispute.objects.create(solution_id=task.solution_id, project=project, kind=kind)
    (row,) = rows_of(list(with_excerpts(Task.objects.all())))
    assert row.disputes == ("people",)
    OpenDispute.objects.filter(kind="people").delete()
    assert found(project, state="disputed") == []
    set_round_status(round=task.round, status="closed", actor=alice)
    assert found(project, state="disputed") == [task.pk]
    (row,) = rows_of(list(with_excerpts(Task.objects.all())))
    assert row.disputes == ("people_monte_carlo",)


def test_every_state_of_the_filter_is_known() -> None:
    assert task_filters._STATES.keys() == task_filters.STATES.keys()


def test_problems_are_found_by_subject_level_text_and_id(round_: Round, tasks: list[int]) -> None:
    project = round_.project
    first, second, third, fourth = tasks
    assert found(project, subject="Algebra") == [first, second]
    assert found(project, subject="Algebra", level="2") == [second]
    assert found(project, text="2th PEAR") == [third]
    assert found(project, text="p3") == [fourth]
    assert found(project, text=f"#{second}") == [second]
    assert found(project, text=f"# {second}") == []
    assert second in found(project, text=str(second))
    assert found(project, text="%") == []
    Task.objects.filter(pk=fourth).update(priority=7)
    assert found(project, priority=7) == [fourth]


def test_comparisons_are_tasks_as_well(round_: Round, tasks: list[int], project: Project, alice: User) -> None:
    make_comparison(make_problem(project, "Which plum?", subject="Fruit"), ["One."], ["Two."])
    compared = make_round(project, protocol="comparison")
    (task,) = Task.objects.filter(round=compared).values_list("pk", flat=True)
    assert found(project, text="plum") == [task]
    assert found(project, subject="Fruit") == [task]
    assert found(project, round=compared.number) == [task]
    assert "Which plum?" in signed_in(alice).get(PAGE, {"subject": "Fruit"}).content.decode()


def test_another_project_is_not_searched(round_: Round, tasks: list[int], alice: User) -> None:
    other = create_project(slug="other", owner=alice)
    assert found(other) == []
    assert found(other, text=f"#{tasks[0]}") == []


def test_gold_looks_like_every_other_task(round_: Round, tasks: list[int], alice: User) -> None:
    task = Task.objects.get(pk=tasks[0])
    assert task.solution is not None
    GoldLabel.objects.create(step=task.solution.steps.all()[0], rating=-1)
    Task.objects.filter(pk=task.pk).update(is_gold=True, open_slots=1_000_000)
    page = signed_in(alice).get(PAGE)
    (row,) = [row for row in page.context["rows"] if row.row.task.pk == task.pk]
    assert (row.state, row.row.done, row.row.needed) == ("waiting", 0, 1)
    assert "gold" not in html_without_tokens(page).partition("<table")[2].partition("</table>")[0].lower()


def test_pages_go_by_key_in_every_order(project: Project, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.dashboard.tasks.queries.SIZE", 2)
    make_round(project, tasks=5)
    ids = list(Task.objects.order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk=ids[1]).update(priority=5)
    Task.objects.filter(pk=ids[3]).update(priority=-5)
    client = signed_in(alice)
    orders = {"": ids[::-1], "oldest": ids, "priority": [ids[1], ids[0], ids[2], ids[4], ids[3]]}
    for order, expected in orders.items():
        url, seen = f"?order={order}", []
        while url:
            page = client.get(PAGE + url)
            seen += shown(page)
            url = page.context["page"].next_url
        assert seen == expected


def test_many_are_counted_up_to_a_limit(round_: Round, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_filters, "COUNTED_TO", 2)
    monkeypatch.setattr("apps.dashboard.tasks.views.COUNTED_TO", 2)
    assert count_of(tasks_in(round_.project, TaskFilters())) == 3
    assert "More than 2 tasks" in signed_in(alice).get(PAGE).content.decode()


def test_hostile_values_filter_nothing_and_break_nothing(round_: Round, tasks: list[int], alice: User) -> None:
    client = signed_in(alice)
    for query in (
        "round=x",
        "labeler=9",
        "state=gold",
        "priority=1e9",
        "text=%00",
        "after=x",
        "order=priority&after=9.9.9",
    ):
        assert client.get(f"{PAGE}?{query}").status_code in (200, 400), query
    assert shown(client.get(f"{PAGE}?state=gold")) == tasks[::-1]


# --- actions ----------------------------------------------------------------------------------------------


def act(client: Client, name: str, ids: list[int], query: str = "", **data: Any) -> Any:
    return client.post(f"{PAGE}/act{query}", {"act": name, "task": ids, **data}, follow=True)


def test_chosen_tasks_are_assigned_and_each_refusal_is_told(
    round_: Round, tasks: list[int], alice: User, bob: User
) -> None:
    submit(assignment=take(round_, bob), submission=GOOD)
    page = act(signed_in(alice), "assign", tasks[:2], labeler=member(round_.project, bob), note="Soon, please.")
    text = page.content.decode()
    assert "1 task assigned." in text
    assert f"Task {tasks[0]} was left out. They have it, or have submitted it." in text
    reservation = Reservation.objects.get()
    assert (reservation.task_id, reservation.labeler, reservation.by) == (tasks[1], bob, alice)


def test_all_that_match_are_meant_where_that_is_chosen(round_: Round, tasks: list[int], alice: User) -> None:
    act(signed_in(alice), "priority", [], "?subject=Algebra", all="1", priority="4")
    priorities = dict(Task.objects.values_list("pk", "priority"))
    assert [priorities[pk] for pk in tasks] == [4, 4, 0, 0]


def test_an_action_under_a_filter_that_is_not_offered_any_more_changes_nothing(
    round_: Round, tasks: list[int], alice: User, bob: User
) -> None:
    """On the page such a filter is left out, so that the action would reach what nobody has chosen."""
    submit(assignment=take(round_, bob), submission=GOOD)
    client = signed_in(alice)
    for query in ("?subject=Geology", "?labeler=99", "?round=7"):
        page = act(client, "retire", [], query, all="1", note="All of them.")
        assert "Nothing was changed" in page.content.decode(), query
        act(client, "return", tasks, query, note="Look again.")
    assert not Problem.objects.exclude(retired_at=None).exists()
    assert not Assignment.objects.filter(state="returned").exists()


def test_leases_are_taken_back(round_: Round, tasks: list[int], alice: User, bob: User) -> None:
    held = take(round_, bob)
    page = act(signed_in(alice), "release", [held.task_id, tasks[3]])
    assert "1 task taken back" in page.content.decode()
    assert f"Task {tasks[3]} was left out. Nobody has it." in page.content.decode()
    held.refresh_from_db()
    assert held.state == Assignment.State.RELEASED


def test_submissions_are_returned_with_a_note(round_: Round, tasks: list[int], alice: User, bob: User) -> None:
    done = submit(assignment=take(round_, bob), submission=GOOD)
    client = signed_in(alice)
    refused = act(client, "return", [done.task_id])
    assert refused.status_code == 422
    assert "must not be empty" in refused.content.decode()
    act(client, "return", [done.task_id], note="Look at step 2.")
    done.refresh_from_db()
    assert (done.state, done.note) == ("returned", "Look at step 2.")


def test_problems_are_retired_with_a_reason(round_: Round, tasks: list[int], alice: User) -> None:
    client = signed_in(alice)
    assert act(client, "retire", tasks[:1]).status_code == 422
    act(client, "retire", tasks[:1], note="It is wrong.")
    assert Task.objects.get(pk=tasks[0]).withdrawn == "retired"


def test_what_an_action_needs_is_asked_for(round_: Round, tasks: list[int], alice: User) -> None:
    client = signed_in(alice)
    assert "choose to whom" in act(client, "assign", tasks).content.decode()
    assert act(client, "priority", tasks).status_code == 422
    assert "Choose 1 to 1,000 tasks" in act(client, "release", []).content.decode()
    assert client.post(f"{PAGE}/act", {"act": "delete", "task": tasks}).status_code == 400
    assert not Reservation.objects.exists()


def test_tasks_of_another_project_are_not_acted_on(round_: Round, tasks: list[int], charlie: User) -> None:
    create_project(slug="other", owner=charlie)
    client = signed_in(charlie)
    client.post("/projects/other/tasks/act", {"act": "priority", "task": tasks, "priority": "9"})
    client.post("/projects/other/tasks/act", {"act": "retire", "task": tasks, "note": "Mine."})
    assert set(Task.objects.values_list("priority", "withdrawn")) == {(0, "")}


# --- views and files --------------------------------------------------------------------------------------


def test_a_view_is_saved_and_opened_again(round_: Round, tasks: list[int], alice: User, mia: User) -> None:
    client = signed_in(alice)
    client.post(f"{PAGE}/views?state=waiting&subject=Algebra&nonsense=1", {"name": "Algebra to do"})
    view = SavedView.objects.get()
    assert view.filters == {"state": "waiting", "subject": "Algebra"}
    assert "Algebra to do" in client.get(PAGE).content.decode()
    assert "Algebra to do" not in signed_in(mia).get(PAGE).content.decode()
    client.post(f"{PAGE}/views?state=waiting", {"name": "Algebra to do", "is_shared": "on"})
    assert SavedView.objects.get().filters == {"state": "waiting"}
    assert "Algebra to do" in signed_in(mia).get(PAGE).content.decode()
    assert client.post(f"{PAGE}/views", {"name": "  "}).status_code == 422


def test_a_shared_view_is_deleted_by_who_saved_it_or_an_owner(project: Project, alice: User, mia: User) -> None:
    own = save_view(project=project, owner=alice, name="Mine", filters={}, is_shared=True)
    with pytest.raises(NotAllowed):
        delete_view(view=own, actor=mia)
    theirs = save_view(project=project, owner=mia, name="Theirs", filters={}, is_shared=True)
    delete_view(view=theirs, actor=alice)
    assert views_for(project, mia) == [own]
    private = save_view(project=project, owner=mia, name="Private", filters={})
    assert signed_in(alice).post(f"{PAGE}/views/{private.pk}/delete").status_code == 404


def test_nobody_has_too_many_views(project: Project, alice: User) -> None:
    SavedView.objects.bulk_create(
        SavedView(project=project, owner=alice, name=f"View {number}") for number in range(MOST_VIEWS)
    )
    assert signed_in(alice).post(f"{PAGE}/views", {"name": "One more"}).status_code == 422
    assert signed_in(alice).post(f"{PAGE}/views", {"name": "View 1"}).status_code == 302


def test_the_file_has_what_the_filters_find(
    round_: Round, tasks: list[int], alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.quality.task_table.rows.CHUNK", 2)
    submit(assignment=take(round_, bob), submission=GOOD)
    answer = signed_in(alice).get(f"{PAGE}.csv")
    assert answer.streaming  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [int(row["Task"]) for row in rows] == tasks[::-1]
    assert (rows[-1]["State"], rows[-1]["People"], rows[-1]["Done"]) == ("complete", "submitted by Bob", "1")
    answer = signed_in(alice).get(f"{PAGE}.csv?subject=Geometry")
    assert b"".join(answer.streaming_content).count(b"\r\n") == 2  # type: ignore[attr-defined]
    answer = signed_in(alice).get(f"{PAGE}.csv?subject=Geology")
    assert answer.status_code == 400, "a filter that is left out would give a file of everything"
    assert "A filter has a value that it does not offer" in answer.content.decode()
