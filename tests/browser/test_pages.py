"""Every page in light and dark, wide and on a phone: no barrier that axe knows, nothing cut off, no error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import resolve, reverse
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.corpus.models import ImportBatch, Problem
from apps.exports.services import create_export
from apps.judging.judges import usual_constitution
from apps.projects.models import Project, Role
from apps.projects.services import invite, publish_guidelines
from tests.browser.barriers import PHONE, barriers, flaws, overflow
from tests.browser.conftest import Watched, path_of
from tests.cast import signed_in
from tests.dashboard import test_access
from tests.world import World, compare

STATIC = Path(__file__).resolve().parent.parent.parent / "static"

# By what a page is called, its path below the project or, from a slash on, of the site.
PAGES: dict[str, Callable[[World], str]] = {
    "home": lambda _: "/",
    "new project": lambda _: "/projects/new",
    "docs": lambda _: "/docs/",
    "page of the docs": lambda _: "/docs/labeling-guide",
    "page of the docs with tables": lambda _: "/docs/export-formats",
    "decisions": lambda _: "/docs/decisions/",
    "search in the docs": lambda _: "/docs/search?q=lease",
    "format": lambda _: "/docs/formats/trl-prm",
    "account": lambda _: "/account",
    "tokens": lambda _: "/account/tokens",
    "project": lambda _: "",
    "settings": lambda _: "settings",
    "guidelines": lambda _: "guidelines",
    "edit guidelines": lambda _: "guidelines/edit",
    "version of the guidelines": lambda world: f"guidelines/{world.guideline.version}",
    "solutions": lambda _: "solutions",
    "solution": lambda world: f"solutions/{world.solution.pk}",
    "review": lambda _: "review",
    "queue": lambda _: "review/wrong_without_bad_step",
    "solution in a queue": lambda world: f"solutions/{world.solution.pk}?queue=people",
    "assignments": lambda _: "review/assignments",
    "assignment": lambda world: f"review/assignments/{world.round.assignments.get().pk}",
    "split": lambda world: f"solutions/{world.solution.pk}/split",
    "imports": lambda _: "imports",
    "new import": lambda _: "imports/new",
    "upload": lambda world: f"imports/uploads/{world.upload.pk}",
    "import": lambda world: f"imports/{world.batch.pk}",
    "exports": lambda _: "exports",
    "new export": lambda _: "exports/new",
    "export": lambda world: f"exports/{world.export.pk}",
    "compared exports": lambda _: "exports/compare",
    "lineage": lambda world: f"exports/{world.export.pk}/lineage/{world.solution.pk}",
    "rounds": lambda _: "rounds",
    "new round": lambda _: "rounds/new",
    "draft": lambda world: f"rounds/{world.draft.number}",
    "edit round": lambda world: f"rounds/{world.draft.number}/edit",
    "problem": lambda world: f"problems/{world.solution.problem_id}",
    "my work": lambda _: "work",
    "tasks": lambda _: "tasks",
    "person": lambda world: f"people/{world.bobs.pk}",
    "flags": lambda _: "flags",
    "round": lambda world: f"rounds/{world.round.number}",
    "estimation": lambda _: "estimation",
    "sampling runs": lambda _: "estimation/sampling",
    "scoring runs": lambda _: "estimation/scoring",
    "new run": lambda _: "estimation/new",
    "run": lambda world: f"estimation/{world.run.number}",
    "sampling": lambda world: f"estimation/sampling/{world.sampling.number}",
    "new sampling": lambda _: "estimation/sampling/new",
    "scoring": lambda world: f"estimation/scoring/{world.scoring.number}",
    "new scoring": lambda _: "estimation/scoring/new",
    "judges": lambda _: "judging",
    "new judge run": lambda _: "judging/new",
    "playground": lambda world: f"judging/playground?solution={world.solution.pk}",
    "constitutions": lambda _: "judging/constitutions",
    "constitution": lambda world: f"judging/constitutions/{usual_constitution(world.project).pk}",
    "edit constitution": lambda _: "judging/constitutions/edit",
    "judge run": lambda world: f"judging/runs/{world.judging.number}",
    "results": lambda world: f"judging/runs/{world.judging.number}/items",
    "judged solution": lambda world: f"judging/runs/{world.judging.number}/items/{world.solution.pk}",
    "trust": lambda _: "judging/trust",
    "calibrate": lambda _: "judging/trust/calibrate",
    "new chorus": lambda _: "judging/choruses/new",
    "cascades": lambda _: "judging/cascades",
    "new cascade": lambda _: "judging/cascades/new",
    "cascade": lambda world: f"judging/cascades/{world.cascade.number}",
    "endpoints": lambda _: "endpoints",
    "new endpoint": lambda _: "endpoints/new",
    "endpoint": lambda world: f"endpoints/{world.endpoint.pk}",
    "people": lambda _: "people",
    "hours": lambda _: "people/hours",
    "my hours": lambda _: "work/hours",
    "quality": lambda _: "quality",
    "labelers": lambda _: "quality/labelers",
    "quality rules": lambda _: "quality/rules",
    "evaluation": lambda _: "evaluation",
    "new evaluation": lambda _: "evaluation/new",
    "one evaluation": lambda world: f"evaluation/{world.evaluation.pk}",
    "audit log": lambda _: "audit",
    "deletion": lambda world: f"delete/round/{world.round.pk}",
    "edit open round": lambda world: f"rounds/{world.round.number}/edit",
    "labeling": lambda world: f"rounds/{world.round.number}/label",
    "join": lambda world: f"/join/{world.secret}/",
    "not found": lambda _: "/no/such/page",
    "change password": lambda _: "/accounts/password/change/",
}


def stretch(world: World, user: User) -> None:
    """Names, texts and formulas as long as they come, where pages break first."""
    User.objects.filter(pk=user.pk).update(name="Alexandra-Wilhelmina von Hohenberg-Sonnenschein")
    Project.objects.filter(pk=world.project.pk).update(
        name="Competition algebra and precalculus, screening, second year"
    )
    Problem.objects.filter(project=world.project).update(
        statement=f"Simplify \\[{' + '.join(f'x_{{{place}}}^{{2}}' for place in range(60))}\\] as far as it goes."
    )
    publish_guidelines(project=world.project, text="# Rules\n\n" + "Be fair. " * 2000, author=user)
    ImportBatch.objects.filter(pk=world.batch.pk).update(filename=f"{'a-name-as-clusters-give-them-' * 4}00003.jsonl")


def path_in(world: World, name: str) -> str:
    path = PAGES[name](world)
    return path if path.startswith("/") else f"/projects/{world.project.slug}/{path}"


# In two halves, so that two workers share the pages.
@pytest.mark.parametrize("half", [0, 1])
def test_no_page_has_a_barrier(world: World, alice: User, watched: Watched, half: int) -> None:
    stretch(world, alice)
    watched.expected = ("404",)
    page = watched.page(alice, viewport=PHONE)
    wrong: dict[str, Any] = {}
    compared = f"/projects/{world.project.slug}/rounds/{compare(world.solution, world.bobs.user).number}"
    more = {"round of comparisons": compared, "comparing": f"{compared}/label"}
    paths = {name: path_in(world, name) for name in PAGES} | more
    for name, path in list(paths.items())[half::2]:
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == (404 if name == "not found" else 200), name
        if name in {"labeling", "comparing"}:
            page.locator("#task[aria-busy=false]").wait_for()
        if found := flaws(page):
            wrong[name] = found
    assert wrong == {}


def test_dark_pages_differ_in_colours_only() -> None:
    """`light-dark()` is of colours by definition; nothing else in styles and scripts asks for the scheme.

    But for Swagger UI, which has a dark look of its own.
    """
    for file in [*STATIC.rglob("*.css"), *STATIC.rglob("*.js"), *STATIC.rglob("*.mjs")]:
        if file.name == "api-docs.js":
            continue
        text = file.read_text()
        assert "prefers-color-scheme" not in text, file
        assert file.name == "tokens.css" or "color-scheme" not in text, file


def test_the_sign_in_page_has_none_either(watched: Watched) -> None:
    for scheme in ("light", "dark"):
        page = watched.page(viewport=PHONE, color_scheme=scheme)
        page.goto("/accounts/login/")
        assert barriers(page) == []
        assert overflow(page) == []


def test_every_page_can_be_reached_and_left_by_keyboard(world: World, alice: User, watched: Watched) -> None:
    """The first stop skips to the content, and every stop shows where it is."""
    page = watched.page(alice)
    for name in ("home", "project", "solutions", "new round", "new export"):
        page.goto(path_in(world, name))
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')?.startsWith('#')"), name
        for _ in range(8):
            page.keyboard.press("Tab")
            ring = page.evaluate(
                """() => { const style = getComputedStyle(document.activeElement);
                    return document.activeElement === document.body || style.outlineStyle !== "none"
                        || style.boxShadow !== "none"; }"""
            )
            assert ring, (name, page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))


SHIFTS = """() => { window.shifted = 0; new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.shifted += one.value; }).observe({ type: "layout-shift" }); }"""


def test_a_page_that_follows_a_job_keeps_the_keyboard_where_it_is_and_does_not_jump(
    world: World, alice: User, watched: Watched
) -> None:
    """The part that moves is replaced every other second; no worker runs here, so it goes on for ever."""
    export = create_export(project=world.project, format="annotate", requested_by=alice)
    page = watched.page(alice)
    for path, name in ((f"exports/{export.pk}", "Cancel"), (f"imports/{world.batch.pk}", "Cancel")):
        page.goto(f"/projects/{world.project.slug}/{path}")
        page.evaluate(SHIFTS)
        page.get_by_role("button", name=name).focus()
        for _ in range(2):
            with page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
                pass
        page.wait_for_timeout(200)
        assert page.evaluate("document.activeElement.textContent") == name
        assert page.evaluate("shifted") == 0


def test_a_guest_makes_an_account_by_the_link_and_the_link_tells_members_that_they_are_in(
    world: World, alice: User, watched: Watched
) -> None:
    guest = watched.page(viewport=PHONE)
    guest.goto(f"/join/{world.secret}/")
    guest.get_by_role("link", name="Create account").click()
    assert barriers(guest) == []
    guest.get_by_label("E-mail address").fill("gina@lab.example")
    guest.get_by_label("Name").fill("Gina Guest")
    for field in ("Password", "Password (again)"):
        guest.get_by_label(field, exact=True).fill("correct horse battery")
    guest.get_by_role("button", name="Create account").click()

    expect(guest.get_by_role("heading", name=world.project.name)).to_be_visible()
    member = world.project.memberships.get(user__email="gina@lab.example")
    assert (member.role, member.user.name) == (Role.LABELER, "Gina Guest")

    _, secret = invite(project=world.project, role="labeler", invited_by=alice)
    guest.goto(f"/join/{secret}/")
    expect(guest.get_by_text("You are already a member of this project")).to_be_visible()
    guest.get_by_role("link", name="Open the project").click()
    assert path_of(guest) == f"/projects/{world.project.slug}/"


def test_error_pages_explain_what_is_wrong(world: World, bob: User, charlie: User, watched: Watched) -> None:
    watched.expected = ("403", "404", "400")
    for user, path, title in (
        (bob, path_in(world, "exports"), "You don't have permission"),
        (charlie, path_in(world, "project"), "Page not found"),
        (charlie, "/join/no-such-link/", "Invalid request"),
    ):
        page = watched.page(user, viewport=PHONE)
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.get_by_role("link", name="Home")).to_be_visible()
        assert (barriers(page), overflow(page)) == ([], [])


def test_empty_pages_show_the_next_step(project: Project, alice: User, watched: Watched) -> None:
    page = watched.page(alice)
    for path, action in (
        ("solutions", "Import a file"),
        ("imports", "Import a file"),
        ("exports", "Export"),
        ("rounds", "New round"),
        ("guidelines", "Write guidelines"),
        ("judging", "Add an endpoint"),
    ):
        page.goto(f"/projects/{project.slug}/{path}")
        expect(page.locator(".empty").get_by_role("link", name=action)).to_be_visible()
    page.goto(f"/projects/{project.slug}/rounds/new")
    expect(page.locator("#size").get_by_role("link", name="Import a file")).to_be_visible()


def test_every_page_is_looked_at(world: World, alice: User) -> None:
    """Of those that the table of access knows: a new page belongs into PAGES."""
    looked_at = {resolve(path_in(world, name).partition("?")[0]).url_name for name in PAGES if name != "not found"}
    client, missing = signed_in(alice), set()
    for name, args, method, _ in test_access.PAGES:
        if method == "get" and name not in looked_at:
            answer = client.get(reverse(name, args=[world.project.slug, *args(world)]))
            is_page = answer.status_code == 200 and not answer.streaming and b"<html" in answer.content
            missing |= {name} if is_page else set()
    assert missing == set()
