from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Problem
from apps.dashboard.pagination import page_of
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.cast import make_problem


@pytest.fixture
def ids(project: Project) -> list[int]:
    return [make_problem(project).pk for _ in range(7)]


def walked(params: str, *, newest_first: bool = False) -> tuple[list[int], str | None, str | None]:
    page = page_of(Problem.objects.all(), QueryDict(params), size=3, newest_first=newest_first)
    return [one.pk for one in page.rows], page.previous_url, page.next_url


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_lead_through_all_rows_and_back(ids: list[int], newest_first: bool) -> None:
    wanted = ids[::-1] if newest_first else ids
    params, forward = "", []
    while True:
        rows, previous, following = walked(params, newest_first=newest_first)
        forward.append(rows)
        if following is None:
            break
        params = following.removeprefix("?")
    assert forward == [wanted[:3], wanted[3:6], wanted[6:]]
    backward = [forward[-1]]
    while previous is not None:
        rows, previous, _ = walked(previous.removeprefix("?"), newest_first=newest_first)
        backward.insert(0, rows)
    assert backward == forward


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_behind(ids: list[int]) -> None:
    rows, previous, following = walked(f"before={ids[3]}")
    assert (rows, previous) == (ids[:3], None)
    assert following == f"?after={ids[2]}"
    assert walked(f"after={ids[5]}")[2] is None


def test_the_filters_stay_in_the_addresses(ids: list[int]) -> None:
    _, previous, following = walked(f"source=a+b&after={ids[0]}")
    assert following == f"?source=a+b&after={ids[3]}"
    assert previous == f"?source=a+b&before={ids[1]}"


@pytest.mark.parametrize("params", ["after=x", "after=-1", "after=99999999999999999999", "before="])
def test_a_malformed_key_is_ignored(ids: list[int], params: str) -> None:
    assert walked(params)[0] == ids[:3]


def test_a_page_behind_the_last_row_is_empty(ids: list[int]) -> None:
    assert walked(f"after={ids[-1]}")[0] == []


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_by_a_moment_lead_through_all_rows_and_back(project: Project, alice: User, newest_first: bool) -> None:
    """Numbers 1 to 7 do not rise with their moments, and three have the same one."""
    start = timezone.now()
    found = [create_project(slug=f"set-{number}", owner=alice).pk for number in range(7)]
    for pk, seconds in zip(found, (5, 2, 2, 9, 2, 1, 7), strict=True):
        Project.objects.filter(pk=pk).update(created_at=start + timedelta(seconds=seconds))
    rows = Project.objects.filter(pk__in=found)
    wanted = [found[place] for place in (5, 1, 2, 4, 0, 6, 3)]
    if newest_first:
        wanted.reverse()

    def leaf(params: str) -> tuple[list[int], str | None, str | None]:
        page = page_of(rows, QueryDict(params), size=2, newest_first=newest_first, at="created_at")
        return [one.pk for one in page.rows], page.previous_url, page.next_url

    forward: list[list[int]] = []
    url: str | None = ""
    while url is not None:
        shown, previous, url = leaf(url.removeprefix("?"))
        forward.append(shown)
    assert forward == [wanted[:2], wanted[2:4], wanted[4:6], wanted[6:]]
    backward = [forward[-1]]
    while previous is not None:
        shown, previous, _ = leaf(previous.removeprefix("?"))
        backward.insert(0, shown)
    assert backward == forward
    for params in ("after=5", "after=1.x", "after=9223372036854775807.1", f"after={'1' * 5000}.1"):
        assert leaf(params)[0] == wanted[:2]
