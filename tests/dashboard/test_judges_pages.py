"""Judges on the pages: the evidence of a solution, the queue, the browser, quality, the question of an export."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.dashboard.solutions.queries import with_sources
from apps.exports.models import Export
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.metrics.refresh import refresh_figures
from tests.cast import make_problem, make_round, make_solution, signed_in
from tests.judging.verdicts import judge
from tests.quality.submissions import submit_next
from tests.quality.test_judges_as_a_source import estimate


@pytest.fixture
def solution(project: Project, bob: User) -> Solution:
    made = make_solution(make_problem(project))
    make_solution(make_problem(project))
    submit_next(make_round(project), bob, 1, 1, -1)
    estimate(made, True, True, False)
    judge(made, "llama-judge", 1, -1, version=3, confidence=0.85, reason="The <b>sum</b> is wrong.")
    recompute_project(project)
    refresh_figures()
    return made


@pytest.fixture
def pages(alice: User) -> Client:
    return signed_in(alice)


def page(pages: Client, project: Project, path: str) -> str:
    answer = pages.get(f"/projects/{project.slug}/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_evidence_page_shows_each_verdict_with_its_reason(
    pages: Client, project: Project, solution: Solution
) -> None:
    shown = page(pages, project, f"solutions/{solution.pk}")
    assert "llama-judge v3" in shown
    assert "first error: 2" in shown
    assert "0.85" in shown
    assert "The &lt;b&gt;sum&lt;/b&gt; is wrong." in shown
    assert "Monte Carlo against judge" in shown


def test_the_queue_and_the_browser_have_the_judges_strip(pages: Client, project: Project, solution: Solution) -> None:
    queue = page(pages, project, "review/monte_carlo_judge")
    assert "llama-judge" in queue
    assert f"/solutions/{solution.pk}" in queue
    found = page(pages, project, "solutions?labels=judges")
    assert f"/solutions/{solution.pk}" in found
    other = project.solutions.exclude(pk=solution.pk).get()
    assert f'/solutions/{other.pk}"' not in found


def test_strips_show_the_latest_run_of_each_source(project: Project, solution: Solution) -> None:
    estimate(solution, False, False, False, number=2, origin="jsonl:2")
    judge(solution, "llama-judge", -1, -1, -1, version=4)
    (shown,) = with_sources([solution])
    strips = {strip.source: strip.marks for strip in shown.sources}  # type: ignore[attr-defined]
    assert strips["Monte Carlo"] == strips["llama-judge"] == ["bad"] * 3


def test_a_strip_shows_the_verdicts_of_one_run_only(project: Project) -> None:
    """The newest run says nothing of some steps: an older one's words do not fill the gap."""
    first, second = (make_solution(make_problem(project)) for _ in range(2))
    judge(first, "a", None, 1, version=2)
    judge(first, "a", -1, -1, 1)
    judge(second, "a", -1, 1, 0)
    estimate(first, False, False, True)
    estimate(second, True, False, True)
    estimate(first, True, number=2, origin="jsonl:2")
    shown = with_sources([first, second])
    strips = [{strip.source: strip.marks for strip in one.sources} for one in shown]  # type: ignore[attr-defined]
    assert strips[0] == {"a": ["none", "great", "none"], "Monte Carlo": ["great", "none", "none"]}
    assert strips[1] == {"a": ["bad", "great", "okay"], "Monte Carlo": ["great", "bad", "great"]}


def test_quality_shows_judges_against_people_and_gives_the_same_as_a_file(
    pages: Client, project: Project, solution: Solution
) -> None:
    shown = page(pages, project, "quality")
    assert "Judges against people" in shown
    assert "llama-judge" in shown
    answer = pages.get(f"/projects/{project.slug}/quality/judges.csv")
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))  # type: ignore[attr-defined]
    assert (row["Judge"], row["Version"], float(row["Accuracy"])) == ("llama-judge", "3", 0.5)
    answer = pages.get(f"/projects/{project.slug}/quality/judge-confidence.csv")
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode()))  # type: ignore[attr-defined]
    assert (row["Verdicts"], float(row["Mean confidence"]), float(row["Right according to people"])) == ("2", 0.85, 0.5)


def test_without_judges_the_quality_page_says_how_to_import_verdicts(
    pages: Client, project: Project, bob: User
) -> None:
    make_solution(make_problem(project))
    submit_next(make_round(project), bob, 1, -1)
    recompute_project(project)
    refresh_figures()
    assert "Import verdicts on solutions" in page(pages, project, "quality")


def test_an_export_may_be_asked_for_by_judges(pages: Client, project: Project, solution: Solution) -> None:
    form = page(pages, project, "exports/new")
    assert 'value="monte_carlo_and_judge"' in form
    assert "llama-judge, any version" in form
    asked = {
        "format": "trl-prm",
        "container": "jsonl",
        "sources_0": "judge",
        "people": "majority",
        "neutral": "positive",
        "unsure": "drop",
        "after_first_error": "leave_out",
        "margins": "large",
        "ties": "drop",
        "prompts": "standard",
        "quality_control": "drop",
        "finish_reasons": ["solution"],
        "soft_threshold": "0.5",
        "answers": "all",
        "split_seed": "annotate",
        "judges": ["llama-judge v3"],
        "alternatives": "rows",
        "screening": "drop",
        "suspended": "drop",
        "thin": "leave_out",
        "step_tag": "<s>",
    }
    answer = pages.post(f"/projects/{project.slug}/exports/new", asked)
    assert answer.status_code == 302, answer.content
    export = Export.objects.get()
    assert (export.policy["sources"], export.policy["judges"]) == (["judge"], ["llama-judge v3"])
    again = page(pages, project, f"exports/new?like={export.pk}")
    (box,) = re.findall(r"<input[^>]*llama-judge v3[^>]*>", again)
    assert "checked" in box


def test_an_export_of_a_project_without_judges_does_not_ask_for_them(pages: Client, project: Project) -> None:
    assert "any version" not in page(pages, project, "exports/new")
