"""The cast of every test: alice owns, mia manages, rita reviews, bob labels, charlie is a stranger.

And plain makers for what they work on: each gives a stored row, with defaults for all that a test
does not care about.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services import create_user, issue_token
from apps.corpus.comparisons import shared_steps
from apps.corpus.identity import digest, problem_digest
from apps.corpus.models import Comparison, Problem, Solution, Step
from apps.labeling.models import GoldLabel, Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project, Role
from apps.projects.services import add_member, create_project

PASSWORD = "correct horse battery"

_numbers = itertools.count(1)


def make_user(name: str) -> User:
    return create_user(email=f"{name}@lab.example", password=PASSWORD, name=name.capitalize())


def make_problem(project: Project, statement: str | None = None, **fields: Any) -> Problem:
    statement = statement or f"What is {next(_numbers)} plus 1?"
    return Problem.objects.create(project=project, statement=statement, digest=problem_digest(statement), **fields)


def make_solution(problem: Problem, steps: Sequence[str] = ("One.", "Two.", "Three."), **fields: Any) -> Solution:
    solution = Solution.objects.create(
        project=problem.project,
        problem=problem,
        digest=digest(str(next(_numbers))),
        step_count=len(steps),
        **fields,
    )
    Step.objects.bulk_create(Step(solution=solution, position=place, text=text) for place, text in enumerate(steps))
    return solution


def make_comparison(problem: Problem, left: Sequence[str], right: Sequence[str], **fields: Any) -> Comparison:
    """Two new solutions of the problem, side by side."""
    sides = [make_solution(problem, steps) for steps in (left, right)]
    return Comparison.objects.create(
        project=problem.project,
        problem=problem,
        left=sides[0],
        right=sides[1],
        digest=digest(str(next(_numbers))),
        **{"shared_steps": shared_steps(left, right), **fields},
    )


def make_round(project: Project, *, tasks: int = 1, protocol: str = "first_error", **fields: Any) -> Round:
    """An open round; so many solutions are made for it when the project has none."""
    if not project.solutions.exists():
        for _ in range(tasks):
            make_solution(make_problem(project, reference_answer="42"))
    return open_round(project=project, protocol=protocol, **fields)


def make_gold(solution: Solution, *ratings: int) -> None:
    """Gold for the first steps of a solution."""
    steps = solution.steps.order_by("position")
    GoldLabel.objects.bulk_create(
        GoldLabel(step=step, rating=rating) for step, rating in zip(steps, ratings, strict=False)
    )


def make_screening(project: Project, *, tasks: int = 2, **fields: Any) -> Round:
    """An open screening over solutions whose second step is bad, by gold."""
    for _ in range(tasks):
        make_gold(make_solution(make_problem(project)), 1, -1)
    return open_round(project=project, protocol="first_error", kind="screening", **fields)


@contextmanager
def undone() -> Iterator[None]:
    """What the block writes is taken back: many cases can start from the same rows, which take long to make."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def html_without_tokens(page: Any) -> str:
    """The page's HTML without its CSRF tokens, which are random and may contain any short word."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page.content.decode())


def bearer(user: User, scopes: Sequence[str] = ("read", "write", "label")) -> Client:
    """A client that sends the user's API token."""
    _, secret = issue_token(user=user, scopes=scopes)
    return Client(headers={"Authorization": f"Bearer {secret}"})


@pytest.fixture
def alice(db: None) -> User:
    return make_user("alice")


@pytest.fixture
def project(alice: User) -> Project:
    return create_project(slug="algebra", name="Algebra", owner=alice)


def _member(project: Project, name: str, role: Role) -> User:
    user = make_user(name)
    add_member(project=project, user=user, role=role)
    return user


@pytest.fixture
def mia(project: Project) -> User:
    return _member(project, "mia", Role.MANAGER)


@pytest.fixture
def rita(project: Project) -> User:
    return _member(project, "rita", Role.REVIEWER)


@pytest.fixture
def bob(project: Project) -> User:
    return _member(project, "bob", Role.LABELER)


@pytest.fixture
def charlie(db: None) -> User:
    return make_user("charlie")
