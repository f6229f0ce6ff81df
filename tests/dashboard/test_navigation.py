"""The frame of pages: entries, tabs, counts and breadcrumbs by role, from one structure; and the search for projects."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.dashboard.docs.documents import doc_of
from apps.dashboard.navigation.counts import waiting_for
from apps.dashboard.navigation.structure import BELOW, ENTRIES, MORE, PAGES
from apps.dashboard.urls import urlpatterns
from apps.labeling.models import Assignment, Round
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Membership, Project
from apps.projects.permissions import NEEDS
from apps.projects.services import create_project
from apps.quality.models import DisputeCount
from apps.quality.review.assignments import accept, return_to_labeler
from tests.cast import make_problem, make_solution, signed_in
from tests.dashboard import test_access
from tests.world import World, rate

ROLES = ["labeler", "reviewer", "manager", "owner"]


def nav(page: str, name: str) -> str:
    found = re.search(rf'<nav class="{name}".*?</nav>', page, re.DOTALL)
    return found[0] if found else ""


def link_texts(html: str) -> list[str]:
    return [re.sub(r"<[^>]*>", "", text).strip() for text in re.findall(r"<a [^>]*>(.*?)</a>", html, re.DOTALL)]


def crumbs(page: str) -> list[str]:
    found = re.search(r'<ol class="crumbs">.*?</ol>', page, re.DOTALL)
    return re.findall(r'title="([^"]*)"', found[0]) if found else []


@pytest.fixture
def members(bob: User, rita: User, mia: User, alice: User) -> dict[str, User]:
    return {"labeler": bob, "reviewer": rita, "manager": mia, "owner": alice}


def test_the_structure_names_pages_actions_and_docs_that_exist() -> None:
    assert len([entry for entry in ENTRIES if entry.name != MORE]) == 7
    names = {pattern.name for pattern in urlpatterns}
    assert {page.name for page in PAGES.values()} <= names
    assert BELOW.keys() <= names
    assert {thing.within for thing in BELOW.values()} - {""} <= BELOW.keys()
    assert {page.needs for page in PAGES.values()} <= NEEDS.keys()
    for page in PAGES.values():
        name, _, anchor = page.help.partition("#")
        if name != "formats":
            doc = doc_of(name)
            assert doc is not None, page.help
            assert not anchor or anchor in {section.anchor for section in doc.sections}, page.help


@pytest.mark.parametrize(
    ("role", "entries", "more"),
    [
        ("labeler", ["Overview", "Label"], ["Guidelines"]),
        ("reviewer", ["Overview", "Data", "Label", "Review", "Models", "Quality"], ["Guidelines"]),
        (
            "manager",
            ["Overview", "Data", "Label", "Review", "Models", "Quality", "Export"],
            ["Guidelines", "People", "Audit log"],
        ),
        (
            "owner",
            ["Overview", "Data", "Label", "Review", "Models", "Quality", "Export"],
            ["Guidelines", "People", "Audit log", "Settings"],
        ),
    ],
)
def test_each_role_has_the_entries_that_it_may_see(
    project: Project, members: dict[str, User], role: str, entries: list[str], more: list[str]
) -> None:
    page = signed_in(members[role]).get(f"/projects/{project.slug}/").content.decode()
    shown = nav(page, "entries")
    assert link_texts(shown.partition("<details")[0]) == entries
    assert link_texts(shown.partition("<details")[2]) == more


def test_every_link_of_the_navigation_can_be_followed(project: Project, members: dict[str, User]) -> None:
    for role, member in members.items():
        client = signed_in(member)
        seen, rest = set(), {f"/projects/{project.slug}/"}
        while rest:
            url = rest.pop()
            seen.add(url)
            answer = client.get(url)
            assert answer.status_code == 200, (role, url)
            page = answer.content.decode()
            links = re.findall(r'href="([^"]*)"', nav(page, "entries") + nav(page, "tabs"))
            rest |= set(links) - seen
        assert len(seen) >= 3


@pytest.mark.parametrize(
    ("path", "current", "tab", "way"),
    [
        ("", ["Overview"], [], ["Algebra", "Overview"]),
        ("solutions", ["Data"], ["Solutions"], ["Algebra", "Data", "Solutions"]),
        ("review/adjudicated", ["Review"], ["Adjudicated"], ["Algebra", "Review", "Adjudicated"]),
        ("review/people", ["Review"], ["Disputes"], ["Algebra", "Review", "Disputes", "People disagree"]),
        ("judging/cascades/new", ["Models"], ["Cascades"], ["Algebra", "Models", "Cascades", "New cascade"]),
        ("estimation/sampling", ["Models"], ["Sampling"], ["Algebra", "Models", "Sampling"]),
        ("rounds/new", ["Label"], ["Rounds"], ["Algebra", "Label", "Rounds", "New round"]),
        ("guidelines/edit", ["Guidelines"], [], ["Algebra", "Guidelines", "Edit"]),
        ("audit", ["Audit log"], [], ["Algebra", "Audit log"]),
    ],
)
def test_the_current_page_is_marked_and_the_way_to_it_is_shown(
    project: Project, alice: User, path: str, current: list[str], tab: list[str], way: list[str]
) -> None:
    page = signed_in(alice).get(f"/projects/{project.slug}/{path}").content.decode()
    marked = re.findall(r'aria-current="(?:page|true)">(.*?)</a>', nav(page, "entries"), re.DOTALL)
    assert [re.sub(r" ?<.*", "", text, flags=re.DOTALL) for text in marked] == current
    marked = re.findall(r'aria-current="page">(.*?)</a>', nav(page, "tabs"), re.DOTALL)
    assert [re.sub(r" ?<.*", "", text, flags=re.DOTALL) for text in marked] == tab
    assert crumbs(page) == way


def test_things_are_named_with_all_that_they_are_within(world: World, alice: User) -> None:
    client, slug = signed_in(alice), world.project.slug
    number, run = world.draft.number, world.judging.number
    for path, end in (
        (f"rounds/{number}/edit", ["Rounds", str(world.draft)[:1].upper() + str(world.draft)[1:], "Edit"]),
        (f"solutions/{world.solution.pk}/split", ["Solutions", f"Solution {world.solution.pk}", "Split again"]),
        (f"judging/runs/{run}/items", ["Judges", f"Judge run {run}", "Results"]),
        (f"imports/{world.batch.pk}", ["Imports", world.batch.filename]),
        (f"endpoints/{world.endpoint.pk}", ["Endpoints", world.endpoint.name]),
    ):
        page = client.get(f"/projects/{slug}/{path}").content.decode()
        assert crumbs(page)[-len(end) :] == end, path


def test_every_page_of_a_project_has_a_way_and_a_link_to_its_docs(world: World, alice: User) -> None:
    client, without = signed_in(alice), []
    for name, args, method, _ in test_access.PAGES:
        answer = client.get(reverse(name, args=[world.project.slug, *args(world)])) if method == "get" else None
        if answer is None or answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
            continue
        page = b"" if answer.streaming else answer.content
        # Fragments have no frame, and the pages of a task have the whole window.
        if (
            b"<html" in page
            and name not in {"label", "assignment"}
            and not (crumbs(page.decode()) and b'class="help"' in page)
        ):
            without.append(name)
    assert without == []


@pytest.mark.parametrize(("path", "way"), [("/account/tokens", ["Home", "Account", "API tokens"]), ("/", [])])
def test_pages_outside_of_projects_have_a_way_too(alice: User, path: str, way: list[str]) -> None:
    assert crumbs(signed_in(alice).get(path).content.decode()) == way


# --- counts -----------------------------------------------------------------------------------------------


def waiting(project: Project, user: User) -> dict[str, int]:
    return waiting_for(Membership.objects.select_related("project", "user").get(project=project, user=user))


def test_labelers_see_their_own_open_tasks_and_nothing_of_what_reviewers_wait_for(
    project: Project, bob: User, rita: User, alice: User
) -> None:
    for _ in range(3):
        make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    done = rate(round_, bob, 1, -1)
    assert isinstance(claim(round=round_, labeler=bob), Assignment)
    DisputeCount.objects.create(project=project, kind="people", count=12)
    assert waiting(project, bob) == {"rounds": 1, "work": 1}
    return_to_labeler(assignment=done, reviewer=rita, note="Look again.")
    assert waiting(project, bob)["work"] == 2
    page = signed_in(bob).get(f"/projects/{project.slug}/").content.decode()
    assert link_texts(nav(page, "entries").partition("<details")[0]) == ["Overview", "Label 2 of your tasks wait"]
    assert "12" not in nav(page, "entries")
    assert waiting(project, alice)["work"] == 0
    Round.objects.update(status="closed")
    assert waiting(project, bob) == {"rounds": 0, "work": 0}


def test_reviewers_see_disputes_submissions_and_reports_without_their_own(
    project: Project, bob: User, rita: User
) -> None:
    for _ in range(3):
        make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    first = rate(round_, bob, 1, -1)
    rate(round_, bob, finish="bad_problem", reason="unclear")
    rate(round_, rita, 1, -1)
    DisputeCount.objects.create(project=project, kind="people", count=1200)
    assert waiting(project, rita) | {"rounds": 0} == {
        "rounds": 0,
        "work": 0,
        "review": 1200,
        "assignments": 2,
        "flags": 1,
    }
    accept(assignments=[first], reviewer=rita)
    assert waiting(project, rita)["assignments"] == 1
    page = signed_in(rita).get(f"/projects/{project.slug}/review").content.decode()
    assert "Review 1,202 wait" in link_texts(nav(page, "entries"))
    assert link_texts(nav(page, "tabs"))[:3] == [
        "Disputes 1,200 disputes wait",
        "Submissions 1 submissions wait",
        "Flags 1 reported problems wait",
    ]


def test_the_counts_of_a_page_are_one_query_and_fragments_have_none(project: Project, rita: User, alice: User) -> None:
    client = signed_in(alice)
    for url, expected in (
        (f"/projects/{project.slug}/guidelines", 1),
        (f"/projects/{project.slug}/overview/rounds", 0),
    ):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        counting = [query["sql"] for query in queries if "quality_disputecount" in query["sql"]]
        assert len(counting) == expected, url
    with CaptureQueriesContext(connection) as queries:
        waiting(project, rita)
    assert len(queries) == 2, "the membership, and one statement for all counts"


# --- the search for projects ------------------------------------------------------------------------------


def test_projects_are_found_by_name_and_short_name(project: Project, alice: User, client: Client) -> None:
    create_project(slug="geo", owner=alice, name="Geometry <b>")
    client = signed_in(alice)

    def found(query: str) -> list[str]:
        page = client.get("/", {"q": query}).content.decode()
        return re.findall(r'<a href="/projects/([a-z]+)/"><b>', page)

    assert set(found("")) == {"algebra", "geo"}
    assert found("GEOM") == ["geo"]
    assert found("geo") == ["geo"]
    assert found("nothing%") == []
    page = client.get("/", {"q": "<script>"}).content.decode()
    assert "None of your projects has “&lt;script&gt;” in its name." in page


def test_of_many_projects_the_first_are_shown_and_the_page_says_so(
    project: Project, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.dashboard.home.views.SHOWN_PROJECTS", 1)
    create_project(slug="geo", owner=alice, name="Geometry")
    page = signed_in(alice).get("/").content.decode()
    assert "The first 1 by name. Search for the others." in page
    assert page.count("<b>Geometry</b>") == 0


def test_strangers_projects_are_not_found(project: Project, charlie: User) -> None:
    page = signed_in(charlie).get("/", {"q": project.slug}).content.decode()
    assert project.name not in page
