"""A round before it opens: drafted, changed, previewed, discarded."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.labeling.models import Round, Task
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import (
    create_round,
    discard_draft,
    edit_round,
    open_draft,
    open_round,
    set_round_status,
)
from apps.projects.models import Project
from apps.projects.services import create_project, publish_guidelines
from tests.cast import make_gold, make_problem, make_screening, make_solution
from tests.world import rate


@pytest.fixture
def draft(project: Project) -> Round:
    for is_correct in (True, False, False):
        make_solution(make_problem(project, reference_answer="1"), is_correct=is_correct)
    return create_round(project=project, protocol="first_error", name="First", redundancy=2)


def test_a_draft_has_settings_and_no_tasks_until_it_opens(draft: Round, alice: User) -> None:
    assert (draft.status, draft.task_count, Task.objects.count()) == ("draft", 0, 0)
    opened = open_draft(round=draft, actor=alice)
    assert (opened.status, opened.task_count, opened.slot_count) == ("open", 3, 6)
    assert opened.opened_at is not None


def test_the_newest_guidelines_at_the_opening_count_unless_one_is_chosen(draft: Round, alice: User) -> None:
    first = publish_guidelines(project=draft.project, text="One.", author=alice)
    publish_guidelines(project=draft.project, text="Two.", author=alice)
    chosen = create_round(project=draft.project, protocol="first_error", guideline=first)
    assert open_draft(round=chosen, actor=alice).guideline == first
    newest = open_draft(round=draft, actor=alice).guideline
    assert newest is not None
    assert newest.version == 2


def test_settings_can_be_changed_until_it_opens(draft: Round, alice: User, bob: User) -> None:
    changed = edit_round(
        round=draft,
        actor=alice,
        changes={"select": "wrong", "redundancy": 1, "labelers": [bob], "skills": ["Lean", " Lean", ""]},
    )
    assert (changed.name, changed.is_for_named, changed.skills) == ("First", True, ["Lean"])
    opened = open_draft(round=changed, actor=alice)
    assert opened.task_count == 2
    with pytest.raises(DomainError) as told:
        edit_round(round=opened, actor=alice, changes={"select": "right"})
    assert told.value.fields.keys() == {"select"}


def test_a_draft_that_cannot_open_stays_one(draft: Round, alice: User) -> None:
    edit_round(round=draft, actor=alice, changes={"select": "subject:Poetry"})
    with pytest.raises(DomainError):
        open_draft(round=draft, actor=alice)
    draft.refresh_from_db()
    assert (draft.status, Task.objects.count()) == ("draft", 0)


def test_a_draft_is_neither_paused_nor_closed(draft: Round, alice: User) -> None:
    for status in ("paused", "closed"):
        with pytest.raises(Conflict):
            set_round_status(round=draft, status=status, actor=alice)


def test_only_drafts_are_discarded(draft: Round, alice: User) -> None:
    opened = open_round(project=draft.project, protocol="first_error")
    with pytest.raises(Conflict):
        discard_draft(round=opened, actor=alice)
    discard_draft(round=draft, actor=alice)
    assert list(draft.project.rounds.all()) == [opened]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"mode": "loud"}, "mode"),
        ({"kind": "screening", "needs_screening": True}, "needs_screening"),
        ({"kind": "screening", "pass_mark": 1.5}, "pass_mark"),
        ({"kind": "screening", "tries": 0}, "tries"),
        ({"skills": ["x" * 41]}, "skills"),
        ({"name": "x" * 201}, "name"),
        ({"options": {"no": "such"}}, "options"),
        ({"select": "first:best"}, "select"),
        ({"select": "first:sample:3"}, "select"),
    ],
)
def test_invalid_settings_are_refused_by_name(project: Project, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as told:
        create_round(project=project, **{"protocol": "first_error", **terms})
    assert field in told.value.fields


def test_what_a_round_refers_to_belongs_to_its_project(project: Project, alice: User, charlie: User) -> None:
    other = create_project(slug="other", owner=alice)
    foreign = publish_guidelines(project=other, text="x", author=alice)
    with pytest.raises(DomainError) as told:
        create_round(project=project, protocol="first_error", guideline=foreign, labelers=[charlie])
    assert set(told.value.fields) == {"guideline", "labelers"}


@pytest.mark.parametrize(
    "broken",
    [
        {"lease_minutes": 0},
        {"tries": 0},
        {"mode": "loud"},
        {"status": "lost"},
        {"pass_mark": 0.5},
        {"kind": "screening", "needs_screening": True},
    ],
)
def test_the_database_refuses_them_too(draft: Round, broken: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Round.objects.filter(pk=draft.pk).update(**broken)


def test_a_preview_shows_what_the_round_would_be(draft: Round, alice: User, bob: User) -> None:
    seen = preview_of(draft)
    assert (seen.tasks, seen.gold_tasks, seen.submissions, seen.hours) == (3, 0, 6, None)
    assert {member.user for member in seen.may_work} == {alice, bob}
    rate(open_round(project=draft.project, protocol="first_error"), bob, 1, 1, 1)
    timed = preview_of(draft)
    assert (timed.seconds_each, timed.hours) == (9.0, pytest.approx(6 * 9 / 3600))
    edited = edit_round(round=draft, actor=alice, changes={"labelers": [bob], "select": "first:wrong"})
    seen = preview_of(edited)
    assert [member.user for member in seen.may_work] == [bob]
    assert [one.is_correct for one in seen.examples] == [False, False, True]


def test_a_preview_counts_gold_apart(draft: Round, alice: User) -> None:
    gold = draft.project.solutions.first()
    assert gold is not None
    make_gold(gold, 1)
    seen = preview_of(edit_round(round=draft, actor=alice, changes={"gold_share": 0.1}))
    assert (seen.tasks, seen.gold_tasks) == (2, 1)
    screening = create_round(project=draft.project, protocol="first_error", kind="screening")
    seen = preview_of(screening)
    assert (seen.tasks, seen.gold_tasks, seen.submissions) == (0, 1, len(seen.may_work))


def test_convincing_wrong_answers_come_first(project: Project, bob: User) -> None:
    scores = [(True, 0.99), (False, 0.2), (False, 0.9), (False, None), (None, None)]
    for is_correct, score in scores:
        make_solution(make_problem(project), is_correct=is_correct, verifier_score=score)
    round_ = open_round(project=project, protocol="first_error", select="first:convincing")
    assert round_.task_count == 5
    served = [rate(round_, bob, 1, 1, 1).task.solution for _ in range(5)]
    assert [(one.is_correct, one.verifier_score) for one in served if one] == [
        (False, 0.9),
        (False, 0.2),
        (False, None),
        (True, 0.99),
        (None, None),
    ]


def test_of_two_firsts_the_one_named_first_weighs_most(project: Project, bob: User) -> None:
    for source, is_correct in (("a", True), ("b", False), ("a", False), ("b", True)):
        make_solution(make_problem(project), source=source, is_correct=is_correct)
    round_ = open_round(project=project, protocol="first_error", select="first:wrong,first:source:a")
    served = [rate(round_, bob, 1, 1, 1).task.solution for _ in range(4)]
    assert [(one.source, one.is_correct) for one in served if one] == [
        ("a", False),
        ("b", False),
        ("a", True),
        ("b", True),
    ]


def test_a_screening_stays_one_when_it_is_edited(project: Project, alice: User) -> None:
    make_screening(project)
    drafted = create_round(project=project, protocol="first_error", kind="screening", tries=2)
    changed = edit_round(round=drafted, actor=alice, changes={"pass_mark": 0.9})
    assert (changed.pass_mark, changed.tries, changed.gold_share) == (0.9, 2, 1.0)
    with pytest.raises(DomainError):
        edit_round(round=drafted, actor=alice, changes={"kind": "work"})
