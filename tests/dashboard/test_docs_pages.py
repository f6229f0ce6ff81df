"""The docs in the app: every page, link, anchor and image of them, each format's page, the search, and nothing else."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.dashboard.docs.documents import Doc, all_docs, doc_of, files, images
from apps.dashboard.docs.search import search
from apps.exports.description.example import example_rows
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from tests.cast import signed_in
from tests.world import World

pytestmark = pytest.mark.django_db


def ids(html: str) -> list[str]:
    return re.findall(r'<h[1-6] id="([^"]*)"', html)


def test_every_file_is_a_page_that_anybody_may_read(client: Client) -> None:
    names = files()
    assert len(names) > 35
    on_disk = set(settings.DOCS_ROOT.rglob("*.md"))
    assert on_disk <= set(names.values())
    for doc in all_docs():
        answer = client.get(doc.url)
        assert answer.status_code == 200, doc.name
        assert doc.title in unescape(re.sub(r"<[^>]*>", "", answer.content.decode()))


def test_every_link_in_every_page_leads_to_a_page_and_a_heading_that_exist(client: Client) -> None:
    by_path: dict[str, Doc] = {doc.url: doc for doc in all_docs()}
    broken = []
    for doc in all_docs():
        for address in map(unescape, re.findall(r'(?:href|src)="([^"]*)"', doc.html)):
            path, _, anchor = address.partition("#")
            if path.startswith(("http", "/api/")):
                continue
            target = by_path.get(path or doc.url)
            is_missing = target is None and client.get(path).status_code != 200
            if is_missing or (target is not None and anchor and anchor not in ids(target.html)):
                broken.append((doc.name, address))
    assert broken == []


def test_no_link_to_a_page_of_ours_is_lost_in_rendering() -> None:
    for name, path in files().items():
        links = re.findall(
            r"(?<!\!)\]\(([^)\s#]*\.md)(?:#[^)]*)?\)", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
        )
        ours = [
            link for link in links if (path.parent / link).resolve() in {known.resolve() for known in files().values()}
        ]
        doc = doc_of(name)
        assert doc is not None
        assert len(re.findall(r'href="/docs/[^"]', doc.html)) >= len(ours), name


def test_headings_of_one_text_have_anchors_of_their_own() -> None:
    for doc in all_docs():
        assert len(ids(doc.html)) == len(set(ids(doc.html))), doc.name


def test_the_pages_are_sanitized() -> None:
    for doc in all_docs():
        assert not re.search(r"<(script|style|iframe|form)|\son[a-z]+=|style=", doc.html), doc.name


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nothing",
        "/docs/../annotate/settings.py",
        "/docs/..%2fannotate%2fsettings.py",
        "/docs/%2e%2e/CONTRIBUTING",
        "/docs/decisions/..%2f..%2fREADME",
        "/docs/decisions/README",
        "/docs/images/..%2fapi.md",
        "/docs/images/%2e%2e%2f%2e%2e%2fpyproject.toml",
        "/docs/images/nothing.png",
        "/docs/formats/nothing",
        "/docs/formats/..%2fapi",
        "/docs/api.md",
    ],
)
def test_what_is_no_page_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_images_are_served_with_their_type(client: Client) -> None:
    assert images()
    for name in images():
        answer = client.get(reverse("docs-image", args=[name]))
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("image/")


def test_the_start_page_leads_to_every_page_and_format(client: Client) -> None:
    page = client.get("/docs/").content.decode()
    for doc in all_docs():
        if not doc.name.startswith("decisions/"):
            assert f'href="{doc.url}"' in page, doc.name
    for name in FORMATS:
        assert f'href="/docs/formats/{name}"' in page


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_has_a_page_with_rows_options_and_readers(client: Client, name: str) -> None:
    page = unescape(client.get(f"/docs/formats/{name}").content.decode())
    format_ = FORMATS[name]
    assert format_.about in page
    rows = example_rows(format_)
    assert rows, "the example has something for every format"
    assert set(rows[0]) <= set(format_.schema(LabelPolicy()).names)
    for column in rows[0]:
        assert f'"{column}":' in page
    for reader in format_.readers:
        assert str(reader) in page
    assert "<code>split_seed</code>" in page


def test_a_search_finds_sections_by_all_words_and_marks_them(client: Client) -> None:
    page = client.get("/docs/search", {"q": "POSTERIOR search budget <b>"}).content.decode()
    assert "No section has all of these words" in page
    assert "&lt;b&gt;" in page
    page = client.get("/docs/search", {"q": "lease expires"}).content.decode()
    assert "<mark>lease</mark>" in page
    assert '<a href="/docs/glossary#what-people-do">' in page
    hits = search(all_docs(), "release audits")
    assert hits[0].section.title in ("Release audits", "Lineage and release audits")
    assert search(all_docs(), "   ") == []
    assert client.get("/docs/search").status_code == 200
    assert "The first 30 of" in client.get("/docs/search", {"q": "the"}).content.decode()


def test_the_export_pages_lead_to_the_pages_of_formats(world: World, alice: User) -> None:
    client, slug = signed_in(alice), world.project.slug
    assert 'href="/docs/formats/"' in client.get(f"/projects/{slug}/exports/new").content.decode()
    page = client.get(f"/projects/{slug}/exports/{world.export.pk}").content.decode()
    assert f'href="/docs/formats/{world.export.format}"' in page
