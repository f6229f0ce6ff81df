"""Pages and answers of the API are compressed, files and streams are not."""

from __future__ import annotations

import gzip
import json

from apps.accounts.models import User
from apps.projects.models import Project
from tests.cast import bearer, make_problem, make_solution, signed_in

GZIP = {"Accept-Encoding": "gzip"}


def test_pages_and_json_are_compressed_for_those_who_ask(project: Project, alice: User) -> None:
    client = signed_in(alice)
    page = client.get(f"/projects/{project.slug}/", headers=GZIP)
    assert page["Content-Encoding"] == "gzip"
    assert project.name in gzip.decompress(page.content).decode()
    assert not client.get(f"/projects/{project.slug}/").has_header("Content-Encoding")
    for number in range(5):
        make_solution(make_problem(project, f"Problem {number}?"))
    rows = bearer(alice).get(f"/api/v1/projects/{project.slug}/solutions", headers=GZIP)
    assert rows["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(rows.content))["results"]) == 5


def test_files_and_streams_are_sent_as_they_are(project: Project, alice: User) -> None:
    make_solution(make_problem(project))
    page = signed_in(alice).get(f"/projects/{project.slug}/audit.csv", headers=GZIP)
    assert (page.status_code, page.has_header("Content-Encoding")) == (200, False)
    stream = bearer(alice).get(f"/api/v1/projects/{project.slug}/exports/stream?format=annotate", headers=GZIP)
    assert not stream.has_header("Content-Encoding")
