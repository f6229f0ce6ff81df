"""Scripted judges of known error rates over PRMBench's rows, through import, run, trust and certificate.

What the figures must be follows from the rates alone: the judge names the true first error with the probability `accuracy`, and
any other verdict with equal probability.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from apps.judging.models import Judge
from apps.projects.models import Project
from apps.quality.models import BlindSample
from apps.quality.statistics.bootstrap import Measured
from apps.quality.trust.certificates import certify_judge
from apps.quality.trust.report import judge_reports
from tests.flows.test_prmbench_gold import NO_ERROR, Case, cases
from tests.flows.test_real_files import command
from tests.judging.model import assert_counts, judges_of
from tests.quality.judged_project import blind_sample, label_blindly

pytestmark = pytest.mark.django_db(transaction=True)


def expected_rates(rows: Sequence[Case], accuracy: float) -> tuple[float, float]:
    """The true-positive and the true-negative rate, as ratios of expectations over all rows."""
    found = bad = cleared = good = 0.0
    for row in rows:
        verdicts = [NO_ERROR, *range(len(row.steps))]
        for verdict in verdicts:
            share = accuracy if verdict == row.first_error else (1 - accuracy) / (len(verdicts) - 1)
            end = len(row.steps) if verdict == NO_ERROR else verdict
            truth = len(row.steps) if row.first_error == NO_ERROR else row.first_error
            cleared += share * min(end, truth)
            good += share * (min(end, truth) + (end < truth))
            if row.first_error != NO_ERROR and end >= truth:
                bad += share
                found += share * (verdict == row.first_error)
    return found / bad, cleared / good


def imported(project: Project, shared_data: Path, folder: Path) -> list[Case]:
    """PRMBench's rows with their gold; each problem once, since the scripted judge knows the truth by the problem."""
    by_problem = {row.problem: row for row in cases(shared_data)}
    rows = list(by_problem.values())
    lines = [
        {"id": row.name, "problem": row.problem, "steps": list(row.steps), "label": row.first_error} for row in rows
    ]
    path = folder / "gold.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = command("import_corpus", path, project=project.slug, format="processbench")
    assert result["rejected"] == 0
    return rows


def judged(project: Project, rows: Sequence[Case], server_url: str, accuracy: float) -> Judge:
    judges_of(server_url, accuracy=accuracy, truth={row.problem: row.first_error for row in rows})
    command("add_endpoint", "scripted", url=server_url, model="scripted", project=project.slug, max_in_flight=32)
    result = command("judge", project=project.slug, endpoint="scripted", kind="steps", wait=True)
    assert (result["status"], result["items"], result["verdicts"]) == ("finished", len(rows), len(rows))
    run = project.judge_runs.get()
    assert_counts(run)
    return run.judge


def holds(measured: Measured, expected: float) -> bool:
    assert measured.low is not None
    assert measured.high is not None
    return measured.low <= expected <= measured.high


@pytest.mark.parametrize("accuracy", [0.95, 0.7])
def test_the_trust_page_finds_the_rates_of_the_scripted_judge(
    project: Project, shared_data: Path, judge_server: str, tmp_path: Path, accuracy: float
) -> None:
    rows = imported(project, shared_data, tmp_path)
    judged(project, rows, judge_server, accuracy)
    (report,) = judge_reports(project)
    assert report.solutions == len(rows)
    true_positive, true_negative = expected_rates(rows, accuracy)
    figures = report.figures
    assert holds(figures.true_positive, true_positive)
    assert holds(figures.true_negative, true_negative)
    assert holds(figures.exact, accuracy)
    # It is as often right about erroneous as about correct solutions, so F1 is this share.
    assert holds(figures.first_errors.f1, accuracy)
    assert figures.unreadable.value == 0


@pytest.mark.parametrize(("accuracy", "is_granted"), [(0.99, True), (0.6, False)])
def test_the_certificate_is_on_the_right_side_of_the_bar(
    project: Project, shared_data: Path, judge_server: str, tmp_path: Path, accuracy: float, *, is_granted: bool
) -> None:
    rows = imported(project, shared_data, tmp_path)
    judge = judged(project, rows, judge_server, accuracy)
    truth = {row.name: row.first_error for row in rows}
    first_errors = {
        pk: truth[name] for pk, name in project.solutions.values_list("pk", "external_id") if name is not None
    }
    sample: BlindSample = blind_sample(project, sorted(first_errors))
    label_blindly(sample, first_errors)
    certificate = certify_judge(judge=judge, sample=sample)
    assert certificate.is_granted is is_granted, certificate.reasons
