"""A judge whose newest result is tied, refused or unreadable has no verdict anywhere: no older run takes its place."""

from __future__ import annotations

import pytest

from apps.corpus.labels import UNKNOWN
from apps.corpus.models import Solution
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.policy import LabelPolicy
from apps.exports.rows.chunks import chunk_rows
from apps.exports.tally import Tally
from apps.judging.latest import newest_judge_ratings
from apps.judging.models import Judge
from apps.projects.models import Project
from apps.quality.disputes.other_sources import other_sources
from apps.quality.review.evidence import evidence_of
from apps.quality.sources import Strip, source_strips_of
from apps.quality.trust.verdicts import verdicts_of
from tests.cast import make_problem, make_solution
from tests.judging.verdicts import judge, judge_here

UNDECIDED = ("tied", "refusal", "unreadable")


@pytest.fixture
def solution(project: Project) -> Solution:
    return make_solution(make_problem(project))


def named(solution: Solution, judge_name: str = "critic") -> int:
    """The first error by the judge, which is the same for disputes, evidence, strips and both readers of exports."""
    evidence = evidence_of(Solution.objects.select_related("problem", "project").get(pk=solution.pk), _names)
    errors = {
        "evidence": [error.first_error for error in evidence.first_errors if error.name.startswith(judge_name)],
        "disputes": [error for name, error in _disputed(solution).items() if name.startswith(judge_name)],
        "strips": [_bad(strip.marks) for strip in _strips(solution) if strip.source == judge_name],
        "records": _by_records(solution.project, judge_name),
        "columns": _by_columns(solution.project, judge_name),
    }
    assert len(set(map(tuple, errors.values()))) == 1, errors
    return next(iter(errors["evidence"]), UNKNOWN)


def _names(ids: set[int]) -> dict[int, str]:
    return dict.fromkeys(ids, "")


def _disputed(solution: Solution) -> dict[str, int]:
    return other_sources([solution.pk]).judges.get(solution.pk, {})


def _strips(solution: Solution) -> list[Strip]:
    return source_strips_of([solution])[solution.pk]


def _bad(marks: list[str]) -> int:
    return marks.index("bad")


def _by_records(project: Project, name: str) -> list[int]:
    policy = LabelPolicy.from_dict({"sources": ["judge"], "judges": [name]})
    records = (record for chunk in load_records(project) for record in chunk)
    return [row["labels"].index(False) for it in records for row in FORMATS["trl-prm"].rows(it, policy, Tally())]


def _by_columns(project: Project, name: str) -> list[int]:
    policy = LabelPolicy.from_dict({"sources": ["judge"], "judges": [name]})
    chunks = chunk_rows(project, FORMATS["trl-prm"], policy)
    return [
        labels.index(False) for chunk in chunks for rows in chunk.rows.values() for labels in rows["labels"].to_list()
    ]


@pytest.mark.parametrize("outcome", UNDECIDED)
def test_no_older_run_takes_the_place_of_an_undecided_one(solution: Solution, outcome: str) -> None:
    run = judge_here(solution, "critic", 1, -1)
    assert named(solution) == 1
    judge_here(solution, "critic", outcome=outcome)
    assert named(solution) == UNKNOWN
    assert verdicts_of(run.judge, [solution.pk]).first_errors == {solution.pk: UNKNOWN}
    judge_here(solution, "critic", -1)
    assert named(solution) == 0


def test_nor_an_older_version_or_one_of_a_file(solution: Solution) -> None:
    judge(solution, "critic", -1)
    judge_here(solution, "critic", 1, -1, version=2)
    judge_here(solution, "critic", outcome="tied", version=3)
    assert named(solution) == UNKNOWN
    judge(solution, "critic", 1, 1, -1, version=4)
    assert named(solution) == 2, "a verdict of a file, which has no result for the whole solution"


def test_a_run_under_way_decides_nothing_yet(solution: Solution) -> None:
    judge_here(solution, "critic", 1, -1)
    judge_here(solution, "critic", outcome="refusal", status="running")
    assert named(solution) == 1


def test_other_judges_and_other_solutions_keep_theirs(solution: Solution) -> None:
    judge_here(solution, "other", 1, -1)
    judge_here(solution, "critic", -1)
    judge_here(solution, "critic", outcome="unreadable")
    assert (named(solution), named(solution, "other")) == (UNKNOWN, 1)
    beside = make_solution(make_problem(solution.project))
    judge_here(beside, "critic", -1)
    assert newest_judge_ratings({solution.pk: 3, beside.pk: 3}).keys() == {solution.pk, beside.pk}


def test_a_judge_that_is_asked_for_no_first_error_hides_none(solution: Solution) -> None:
    judge(solution, "critic", 1, -1)
    Judge.objects.create(project=solution.project, name="critic", version=2, kind=Judge.Kind.OUTCOME)
    judge_here(solution, "critic", outcome="refusal", version=2)
    assert named(solution) == 1
