"""Queries that are made once: they say the same as the QuerySets that they are made of."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.accounts.services import issue_token
from apps.core.db.prepared import Prepared, fetch, run
from apps.labeling.models import Assignment
from apps.projects.models import Project

TOKENS = Prepared(
    lambda email, now: (
        ApiToken.objects.usable(now).select_related("user").filter(user__email=email).annotate(who=F("user__name"))
    ),
    "email",
    "now",
)
NAMES = Prepared(lambda active: User.objects.filter(is_active=active).order_by("id").values_list("name"), "active")


def test_rows_come_with_what_is_related_and_annotated(alice: User) -> None:
    token, _ = issue_token(user=alice, scopes=["read"])
    now = timezone.now()
    token = TOKENS.first(email=alice.email, now=now)
    assert token is not None
    assert (token.pk, token.scopes, token.who) == (token.pk, ["read"], "Alice")  # type: ignore[attr-defined]
    with CaptureQueriesContext(connection) as queries:
        assert token.user == alice
    assert not queries
    assert TOKENS.first(email="nobody@lab.example", now=now) is None


def test_each_call_has_values_of_its_own(alice: User) -> None:
    token, _ = issue_token(user=alice)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() + timedelta(days=1))
    assert TOKENS.first(email=alice.email, now=timezone.now()) is not None
    assert TOKENS.first(email=alice.email, now=timezone.now() + timedelta(days=2)) is None


def test_a_values_list_queryset_returns_tuples(alice: User, charlie: User) -> None:
    assert NAMES.rows(active=True) == [("Alice",), ("Charlie",)]
    assert NAMES.rows(active=False) == []


def test_the_first_rows_alone(alice: User, charlie: User) -> None:
    assert NAMES.rows(most=1, active=True) == [("Alice",)]
    assert NAMES.rows(most=5, active=True) == [("Alice",), ("Charlie",)]


@pytest.mark.parametrize("keeps_plan", [True, False])
def test_a_plan_is_kept_unless_it_is_made_for_the_values(alice: User, *, keeps_plan: bool) -> None:
    names = Prepared(lambda pk: User.objects.filter(pk=pk).values_list("name"), "pk", keeps_plan=keeps_plan)
    for _ in range(10):
        assert names.rows(pk=alice.pk) == [("Alice",)]
    statement = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%\"name\"%%'"
    with connection.cursor() as cursor:
        cursor.execute(statement, [])
        assert (cursor.fetchone()[0] > 0) is keeps_plan


def test_constants_are_written_out_so_that_a_kept_plan_can_use_a_partial_index(alice: User) -> None:
    """As a parameter, `returned` could be any state, and the index of returned assignments would be of no use."""
    held = Prepared(
        lambda labeler: Assignment.objects.filter(labeler_id=labeler, state="returned").order_by().values_list("pk"),
        "labeler",
    )
    with connection.cursor() as cursor:
        # Before the plan is made, which is kept: of an empty table PostgreSQL would read the whole.
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert [held.rows(labeler=alice.pk) for _ in range(10)] == [[]] * 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements WHERE statement LIKE '%%labeling_assignment%%'", [])
        ((name,),) = cursor.fetchall()
        cursor.execute(f'EXPLAIN EXECUTE "{name}" ({alice.pk})')
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "returned_assignment" in plan
    assert "$1" in plan


def test_a_constant_may_hold_quotes_and_percent_signs(alice: User, charlie: User) -> None:
    for name in ("100 %s of O'Brien", "%", "a%sb"):
        User.objects.filter(pk=alice.pk).update(name=name)
        for lookup in ("name", "name__contains", "name__iexact"):
            found = Prepared(
                lambda pk, lookup=lookup, name=name: User.objects.filter(**{lookup: name}, pk=pk).values_list("name"),
                "pk",
            )
            assert found.rows(pk=alice.pk) == [(name,)], (lookup, name)
            assert found.rows(pk=charlie.pk) == []


def test_text_is_never_part_of_the_statement(alice: User) -> None:
    hostile = "'; DROP TABLE accounts_user; --"
    assert TOKENS.first(email=hostile, now=timezone.now()) is None
    assert fetch("SELECT %s::text", [hostile]) == [(hostile,)]
    assert User.objects.exists()


def test_djangos_log_of_queries_has_their_text(alice: User) -> None:
    for _ in range(2):  # Planned the first time, run by its name the second.
        with CaptureQueriesContext(connection) as queries:
            NAMES.rows(active=True)
        assert len(queries) == 1
        assert "accounts_user" in queries[0]["sql"]


def test_errors_are_djangos_own(project: Project) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        run("INSERT INTO accounts_user (email) VALUES (%s)", ["x@lab.example"])
    assert run("UPDATE projects_project SET name = %s WHERE id = %s", ["Sums", project.pk]) == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_closed_by_the_server_is_reopened() -> None:
    """As after a restart of PostgreSQL: the next request finds out by a look at the socket."""
    (pid,) = fetch("SELECT pg_backend_pid()", [])[0]
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    connection.close_if_unusable_or_obsolete()
    connection.health_check_enabled = True
    assert fetch("SELECT pg_backend_pid()", [])[0] != (pid,)


@pytest.mark.django_db(transaction=True)
def test_a_quiet_connection_is_kept_without_a_query() -> None:
    (pid,) = fetch("SELECT pg_backend_pid()", [])[0]
    connection.health_check_enabled, connection.health_check_done = True, False
    assert connection.is_usable()
    assert fetch("SELECT pg_backend_pid()", [])[0] == (pid,)
