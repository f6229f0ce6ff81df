"""The admin in words: the menu, the names of tables, lists without a query per row, pages for review, actions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEvent, User
from apps.core.admin_words import MOST_ITEMS, plain_words, value_words
from apps.core.jobs.model import JobStatus
from apps.estimation.models import Shard
from apps.exports.models import Export, ExportPart
from apps.exports.services import create_export
from apps.labeling.models import Assignment, Round
from apps.projects.models import Membership, Project
from apps.projects.services import invite
from apps.quality.models import StaleSolution, Suspension
from tests.admin.test_every_model import OURS, REGISTERED, filled, name, page, staff
from tests.cast import signed_in
from tests.world import World

__all__ = ["filled", "staff"]

# Tables with at most so many queries for a list: session and user, the rows, and the filters' choices.
MOST_QUERIES = 12


def test_plural_names_are_english() -> None:
    wrong = [
        str(model._meta.verbose_name_plural)
        for model in apps.get_models()
        if re.search(r"(sss|[^aeiou]ys|chs|xs|shs)\b", str(model._meta.verbose_name_plural))
    ]
    assert wrong == []
    assert {str(model._meta.verbose_name_plural) for model in OURS} >= {"imports", "saved policies", "rollout batches"}


def test_the_menu_has_no_books_of_workers(staff: Client) -> None:
    menu = staff.get("/admin/").content.decode()
    for model in (Shard, StaleSolution, ExportPart):
        assert f'href="{page(model, "changelist")}"' not in menu
        assert staff.get(page(model, "changelist")).status_code == 200
    for model in (Round, Project, Export):
        assert f'href="{page(model, "changelist")}"' in menu
    # The page of an app has them.
    assert page(Shard, "changelist") in staff.get("/admin/estimation/").content.decode()


def test_no_row_of_a_list_costs_a_query(filled: World, staff: Client, subtests: pytest.Subtests) -> None:
    staff.get("/admin/")
    for model in REGISTERED:
        rows = model._default_manager.count()
        with subtests.test(name(model)):
            # The same list with the rows and without them.
            listed = _queries(staff, page(model, "changelist"))
            none = _queries(staff, page(model, "changelist"), pk=10**12)
            assert len(listed) <= MOST_QUERIES, listed
            assert rows == 0 or len(listed) <= len(none), set(listed) - set(none)


def _queries(client: Client, address: str, **query: Any) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(address, query)
    assert answer.status_code == 200, answer.headers.get("Location")
    return [query["sql"] for query in captured.captured_queries]


def test_big_tables_are_not_counted(filled: World, staff: Client, subtests: pytest.Subtests) -> None:
    for model in REGISTERED:
        assert admin.site._registry[model].show_full_result_count is False, name(model)


def test_a_solution_shows_its_steps_with_what_everyone_says(filled: World, staff: Client) -> None:
    shown = staff.get(page(type(filled.solution), "change", filled.solution.pk)).content.decode()
    for step in filled.solution.steps.all():
        assert step.text in shown
    for words in ("Monte Carlo", "judges", "reward models", "consensus", "6 of 8", "critic v1: great"):
        assert words in shown, words
    assert f'href="/projects/{filled.project.slug}/solutions/{filled.solution.pk}"' in shown


def test_texts_of_a_solution_are_escaped(filled: World, staff: Client) -> None:
    filled.solution.steps.update(text="<script>alert(1)</script>")
    shown = staff.get(page(type(filled.solution), "change", filled.solution.pk)).content.decode()
    assert "<script>alert(1)" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_an_assignment_shows_its_ratings_with_the_texts_of_the_steps(filled: World, staff: Client) -> None:
    label = next(label for labels in (a.step_labels.all() for a in Assignment.objects.all()) for label in labels)
    shown = staff.get(page(Assignment, "change", label.assignment_id)).content.decode()
    assert label.step.text in shown
    assert {1: "great", 0: "okay", -1: "bad"}[label.rating] in shown


def test_settings_are_names_and_values_instead_of_json(filled: World, staff: Client) -> None:
    export = create_export(project=filled.project, format="trl-prm")
    shown = staff.get(page(Export, "change", export.pk)).content.decode()
    assert '<th scope="row">after first error</th><td>leave_out</td>' in shown
    assert "{&#x27;" not in shown
    listed = staff.get(page(Export, "changelist")).content.decode()
    assert f'href="/projects/{filled.project.slug}/exports/{filled.export.pk}"' in listed


def test_json_becomes_words() -> None:
    assert value_words({"a_b": True, "c": [1, 2], "d": None}) == (
        '<div class="words"><table><tbody><tr><th scope="row">a b</th><td>yes</td></tr>'
        '<tr><th scope="row">c</th><td>1, 2</td></tr><tr><th scope="row">d</th><td>–</td></tr></tbody></table></div>'
    )
    assert value_words([{"a": "<b>"}]).count("&lt;b&gt;") == 1
    assert str(value_words(list(range(MOST_ITEMS + 5)))).endswith("99 and 5 more")
    assert value_words([]) == value_words("") == plain_words(None) == "–"
    assert plain_words({"role": "owner", "skills": ["a", "b"]}) == "role: owner; skills: a, b"
    assert len(str(value_words("x" * 5000))) == 2000


def act(client: Client, row: Any, action: str) -> str:
    sent = {"action": action, "_selected_action": [row.pk]}
    return client.post(page(type(row), "changelist"), sent, follow=True).content.decode()


def test_members_are_suspended_and_reinstated_by_the_services(filled: World, staff: Client) -> None:
    member = Membership.objects.get(project=filled.project, user__email="bob@lab.example")
    assert "1 suspended." in act(staff, member, "suspend")
    member.refresh_from_db()
    assert member.status == Membership.Status.SUSPENDED
    event = AuditEvent.objects.filter(verb="member.suspended").latest("pk")
    assert (event.actor and event.actor.email, event.target) == ("olga@lab.example", "bob@lab.example")
    labeled = set(Assignment.objects.filter(labeler=member.user).values_list("task__solution", flat=True)) - {None}
    assert labeled
    assert labeled <= set(StaleSolution.objects.values_list("solution", flat=True)), "the consensus follows"
    suspension = Suspension.objects.get(membership=member)
    assert (suspension.by and suspension.by.email, suspension.lifted_at) == ("olga@lab.example", None)
    StaleSolution.objects.all().delete()
    assert "1 reinstated." in act(staff, member, "reinstate")
    member.refresh_from_db()
    suspension.refresh_from_db()
    assert member.status == Membership.Status.ACTIVE
    assert suspension.lifted_at is not None, "gold counts anew from here on"
    assert labeled <= set(StaleSolution.objects.values_list("solution", flat=True))


def test_the_last_owner_stays(filled: World, staff: Client) -> None:
    owner = Membership.objects.get(project=filled.project, role="owner")
    shown = act(staff, owner, "suspend")
    assert "1 suspended." not in shown
    owner.refresh_from_db()
    assert owner.status == Membership.Status.ACTIVE


def test_rounds_are_paused_opened_and_closed_and_stay_closed(filled: World, staff: Client) -> None:
    round_ = filled.round
    for action, status in (("pause", "paused"), ("open_again", "open"), ("close", "closed"), ("open_again", "closed")):
        act(staff, round_, action)
        round_.refresh_from_db()
        assert round_.status == status, action
    assert AuditEvent.objects.filter(verb="round.status", actor__email="olga@lab.example").count() == 3
    assert "expired." in act(staff, round_, "expire")


def test_a_draft_is_not_opened_by_a_click_in_a_list(filled: World, staff: Client) -> None:
    assert "It is draft." in act(staff, filled.draft, "open_again")
    filled.draft.refresh_from_db()
    assert filled.draft.status == Round.Status.DRAFT


@pytest.mark.parametrize("kind", ["run", "sampling", "scoring", "judging"])
def test_runs_are_cancelled_by_their_services(filled: World, staff: Client, kind: str) -> None:
    run = getattr(filled, kind)
    type(run).objects.filter(pk=run.pk).update(status=JobStatus.RUNNING, finished_at=None)
    assert "1 cancelled" in act(staff, run, "cancel")
    run.refresh_from_db()
    assert run.status == JobStatus.CANCELLED


def test_an_invitation_is_revoked(filled: World, staff: Client, alice: User) -> None:
    invitation, _ = invite(project=filled.project, role="labeler", invited_by=alice)
    assert "1 revoked." in act(staff, invitation, "revoke")
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


def test_staff_without_all_rights_only_look(filled: World) -> None:
    from django.contrib.auth.models import Permission

    helper = User.objects.create_user("hal@lab.example", "correct horse battery", is_staff=True)
    helper.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client = signed_in(helper)
    assert client.get(page(Round, "changelist")).status_code == 200
    act(client, filled.round, "close")
    filled.round.refresh_from_db()
    assert filled.round.status == Round.Status.OPEN
