"""Pages say of what kind a round is: cards, lists, the round's page and its form."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.accounts.models import User
from apps.labeling.models import Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_screening, make_solution, signed_in
from tests.quality.submissions import submit_next

pytestmark = pytest.mark.django_db


def shown(user: User, name: str, *args: object) -> str:
    return " ".join(signed_in(user).get(reverse(name, args=args)).content.decode().split())


@pytest.fixture
def screening(project: Project) -> Round:
    return make_screening(project, tasks=2, tries=2, name="Entrance")


PAGES = ["home", "project", "rounds"]


@pytest.mark.parametrize("name", PAGES)
def test_every_list_marks_a_screening_with_its_terms(project: Project, screening: Round, bob: User, name: str) -> None:
    page = shown(bob, name, *([] if name == "home" else [project.slug]))
    assert '<span class="tag">screening test</span>' in page
    assert "pass at 75 %" in page
    assert "attempt 1 of 2" in page
    assert "Start test" in page


@pytest.mark.parametrize("name", PAGES)
def test_a_round_behind_the_screening_is_started_after_it(
    project: Project, screening: Round, bob: User, name: str
) -> None:
    open_round(project=project, protocol="first_error", name="Behind", needs_screening=True)
    args = [] if name == "home" else [project.slug]
    page = shown(bob, name, *args)
    assert "after the screening" in page
    assert "Start labeling" not in page
    for _ in range(2):
        submit_next(screening, bob, 1, -1)
    page = shown(bob, name, *args)
    assert "after the screening" not in page
    assert "Start labeling" in page
    assert ">passed<" in page


def test_the_page_of_a_screening_says_what_it_is_and_where_passing_leads(
    project: Project, screening: Round, bob: User
) -> None:
    assert "A screening is a test: 2 tasks with known answers." in shown(bob, "round", project.slug, screening.number)
    opened = open_round(project=project, protocol="first_error", name="Behind", needs_screening=True)
    for _ in range(2):
        submit_next(screening, bob, 1, -1)
    page = shown(bob, "round", project.slug, screening.number)
    assert "You have passed" in page
    link = reverse("label", args=[project.slug, opened.number])
    assert f'<a class="nowrap" href="{link}">Start labeling: Behind</a>' in page


def test_own_progress_in_training_is_of_its_tasks(project: Project, bob: User) -> None:
    for _ in range(2):
        make_gold(make_solution(make_problem(project)), 1, -1)
    training = open_round(project=project, protocol="first_error", kind="training")
    submit_next(training, bob, 1, -1)
    page = shown(bob, "home")
    assert '<b class="num">1</b> of 2 by you, 1 today' in page
    assert "Continue training" in page
    submit_next(training, bob, 1, -1)
    assert "Continue training" not in shown(bob, "home")


def test_the_form_makes_a_training_round(project: Project, mia: User) -> None:
    make_gold(make_solution(make_problem(project)), 1, -1)
    terms = {
        "protocol": "first_error",
        "redundancy": 1,
        "gold_percent": 0,
        "lease_minutes": 20,
        "kind": "training",
        "pairs": "existing",
        "each": 1,
        "seed": 0,
    }
    address = reverse("round-new", args=[project.slug])
    answer = signed_in(mia).post(address, terms)
    assert answer.status_code == 302, answer.content.decode()
    round_ = Round.objects.get()
    assert (round_.kind, round_.number, round_.pass_mark) == ("training", -1, None)
    assert "training" in shown(mia, "round", project.slug, round_.number)
    assert signed_in(mia).post(address, terms | {"kind": "exam"}).status_code == 422
