"""Verdicts on their way out: whole in our own format, as a source of labels in the others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.corpus.records import EstimateRecord, JudgeRecord, Record, StepCount, UndecidedRecord, VerdictRecord
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.models import Export
from apps.exports.policy import LabelPolicy
from apps.exports.services import create_export
from apps.exports.tally import Tally
from apps.judging.latest import judge_first_errors
from apps.judging.models import JudgeRun, StepVerdict
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.quality.review.evidence import evidence_of
from tests.cast import bearer, make_problem, make_solution
from tests.exports.test_labels import labels, record
from tests.judging.verdicts import bring_in, judge, row, verdicts


def said(name: str, *ratings: int | None, version: int = 1, run: int | None = None) -> JudgeRecord:
    steps = [VerdictRecord(position=place, rating=rating) for place, rating in enumerate(ratings) if rating is not None]
    return JudgeRecord(judge=name, version=version, run=run, steps=steps)


def hard(*good: bool | None, run: int = 1) -> EstimateRecord:
    steps = [StepCount(position=place, hard=one) for place, one in enumerate(good) if one is not None]
    return EstimateRecord(run=run, steps=steps)


JUDGE = {"sources": ["judge"], "after_first_error": "as_rated"}
BOTH = {"sources": ["monte_carlo_and_judge"], "after_first_error": "as_rated"}


def test_the_newest_run_that_says_anything_labels() -> None:
    one = record(judges=[said("a", -1, -1), said("b", 1, 1), said("a", version=2)])
    assert labels(one, **JUDGE) == [[1, 1, None, None]]


def test_an_undecided_newest_run_leaves_its_judge_without_a_verdict() -> None:
    own = [said("a", -1, -1), said("b", 1, 1), said("b", 1, -1, version=2)]
    one = record(judges=own, undecided=[UndecidedRecord(judge="b", version=3, older=3)])
    assert labels(one, **JUDGE) == [[-1, -1, None, None]], "the newest of the other judges"
    assert labels(one, **JUDGE, judges=["b"]) == []
    assert labels(one, **JUDGE, judges=["b v2"]) == [[1, -1, None, None]], "which does not select the undecided one"
    since = record(judges=own, undecided=[UndecidedRecord(judge="b", version=1, older=2)])
    assert labels(since, **JUDGE) == [[1, -1, None, None]]
    assert labels(since, **JUDGE, judges=["b v1"]) == []
    tally = Tally()
    policy = LabelPolicy.from_dict(JUDGE | {"judges": ["b"], "columns": ["votes"]})
    assert [*FORMATS["trl-prm"].rows(one, policy, tally)] == []
    assert tally.left_out["ratings: of an older run of a judge whose newest result is no verdict"] == 4
    policy = LabelPolicy.from_dict(JUDGE | {"columns": ["votes"]})
    (row_,) = FORMATS["trl-prm"].rows(one, policy, Tally())
    assert row_["votes"]["judge"] == {"bad": [1, 1], "okay": [0, 0], "great": [0, 0]}


def test_a_policy_may_name_its_judges_by_name_or_by_version() -> None:
    one = record(judges=[said("a", -1), said("a", 1, 1, version=2), said("b", 1, 1, 1)])
    assert labels(one, **JUDGE, judges=["a"]) == [[1, 1, None, None]]
    assert labels(one, **JUDGE, judges=["a v1"]) == [[-1, None, None, None]]
    assert labels(one, **JUDGE, judges=["nobody"]) == []
    assert labels(one, sources=["judge", "human"], judges=["nobody"]) == []


def test_a_judges_okay_becomes_what_the_policy_makes_of_okay() -> None:
    one = record(judges=[said("a", 1, 0, -1, 1)])
    assert labels(one, sources=["judge"]) == [[1, 1, -1, None]]
    assert labels(one, sources=["judge"], neutral="negative") == [[1, -1, None, None]]
    assert labels(one, sources=["judge"], neutral="own_class") == [[1, 0, -1, None]]


def test_verdicts_beside_the_path_label_nothing() -> None:
    aside = JudgeRecord(judge="b", steps=[VerdictRecord(position=0, candidate=3, rating=-1)])
    assert labels(record(judges=[said("a", 1), aside]), **JUDGE) == [[1, None, None, None]]


def test_monte_carlo_and_judge_label_where_they_agree_on_bad_or_not_bad() -> None:
    one = record(estimates=[hard(True, True, False, False)], judges=[said("a", 1, 0, -1, 1)])
    assert labels(one, **BOTH) == [[1, 1, -1, None]]
    assert labels(one, **BOTH, neutral="negative") == [[1, 1, -1, None]], "rollouts know no okay"
    differing = record(estimates=[hard(True, False, False, True)], judges=[said("a", -1, 1, -1, 1)])
    assert labels(differing, **BOTH) == [[None, None, -1, 1]]


@pytest.mark.parametrize(
    "fields",
    [
        {"estimates": [hard(True, False)]},
        {"judges": [said("a", 1, -1)]},
        {"estimates": [hard(True, None)], "judges": [said("a", None, 1)]},
        {"estimates": [hard(True)], "judges": [said("a", -1)]},
    ],
)
def test_without_both_or_without_agreement_the_next_source_labels(fields: dict[str, Any]) -> None:
    assert labels(record(**fields), **BOTH) == []


def test_both_are_narrowed_by_the_policys_runs_and_judges() -> None:
    one = record(estimates=[hard(False, run=1), hard(True, run=2)], judges=[said("a", -1), said("b", 1)])
    assert labels(one, **BOTH) == [[1, None, None, None]]
    assert labels(one, **BOTH, judges=["a"]) == []
    assert labels(one, **BOTH, judges=["a"], estimation_runs=[1]) == [[-1, None, None, None]]


def test_the_manifest_counts_them_by_source() -> None:
    tally = Tally()
    policy = LabelPolicy.from_dict({"sources": ["monte_carlo_and_judge", "judge"]})
    agreeing = record(estimates=[hard(True, False)], judges=[said("a", 1, -1)])
    for one in (agreeing, record(judges=[said("a", 1, 1)])):
        assert [*FORMATS["trl-prm"].rows(one, policy, tally)]
    assert tally.sources == {"monte_carlo_and_judge": 1, "judge": 1}
    whole = Tally()
    assert [*FORMATS["annotate"].rows(agreeing, policy, whole)]
    assert whole.sources == {"monte_carlo": 1, "judge": 1}
    assert (whole.labels["1"], whole.labels["-1"]) == (1, 1)


# --- through the database ---------------------------------------------------------------------------------


def records(project: Project) -> list[Record]:
    return [one for chunk in load_records(project) for one in chunk]


def out(project: Project) -> list[dict[str, Any]]:
    rows = [made for one in records(project) for made in FORMATS["annotate"].rows(one, LabelPolicy(), Tally())]
    return json.loads(json.dumps(rows, default=str))


def test_what_came_in_goes_out_and_comes_in_again_the_same(project: Project, alice: Any) -> None:
    full = [
        {"position": 0, "rating": 1, "confidence": 0.75, "reason": "Right: 1 < 2 & \u00e9."},
        {"position": 2, "rating": 0},
    ]
    said = [verdicts("a", version=3, steps=full), verdicts("a", -1, version=3, run=2), verdicts("b", 1, 1, -1)]
    one = row(1, judges=said)
    one["solution"]["steps"].append({"position": 1, "candidate": 1, "text": "Else.", "chosen": False})
    said[2]["steps"].append({"position": 1, "candidate": 1, "rating": -1})
    bring_in(project, [one, row(2)])
    first = out(project)
    assert [(judge["judge"], judge["version"], judge["run"]) for judge in first[0]["judges"]] == [
        ("a", 3, None),
        ("a", 3, 2),
        ("b", 1, None),
    ]
    assert first[0]["judges"][0]["steps"][0] == {
        "position": 0,
        "candidate": 0,
        "rating": 1,
        "confidence": 0.75,
        "reason": "Right: 1 < 2 & \u00e9.",
    }
    assert first[1]["judges"] == []
    other = create_project(slug="other", name="Other", owner=alice)
    bring_in(other, first)
    assert out(other) == first
    again = bring_in(project, first)
    assert (again.labels, again.rejected, StepVerdict.objects.filter(run__project=project).count()) == (0, 0, 7)


@pytest.mark.slow
def test_reading_them_costs_the_same_whatever_was_said(project: Project, django_assert_max_num_queries: Any) -> None:
    def more(count: int) -> list[Solution]:
        solutions = [make_solution(make_problem(project)) for _ in range(count)]
        for one in solutions:
            for name in ("a", "b", "c"):
                judge(one, name, 1, -1)
        return solutions

    more(2)
    with django_assert_max_num_queries(22):
        assert sum(len(one.judges) for one in records(project)) == 6
    more(20)
    with django_assert_max_num_queries(22):
        assert sum(len(one.judges) for one in records(project)) == 66


def test_a_policy_with_judges_is_kept_whole(project: Project) -> None:
    bring_in(project, [row(judges=[verdicts("a", 1, version=2)])])
    policy = {"sources": ["judge"], "judges": ["a v2"]}
    export = create_export(project=project, format="trl-prm", policy=policy)
    export.refresh_from_db()
    assert (export.policy["sources"], export.policy["judges"]) == (["judge"], ["a v2"])


def test_a_judge_that_the_project_does_not_know_is_refused_by_name(project: Project, alice: Any) -> None:
    asked = {"sources": ["judge"], "judges": ["a", "nobody"]}
    with pytest.raises(DomainError, match="judges: unknown judge 'a'; the project has no judges"):
        create_export(project=project, format="trl-prm", policy=asked)
    bring_in(create_project(slug="other", name="Other", owner=alice), [row(judges=[verdicts("nobody", 1)])])
    bring_in(project, [row(judges=[verdicts("a", 1, version=2)])])
    with pytest.raises(DomainError) as refused:
        create_export(project=project, format="trl-prm", policy=asked)
    reason = "unknown judge 'nobody'; must be among a, a v2"
    assert refused.value.fields == {"policy.judges": reason}
    with pytest.raises(DomainError, match="unknown judge 'a v1'"):
        create_export(project=project, format="trl-prm", policy=asked | {"judges": ["a v1"]})
    answer = bearer(alice, scopes=["write"]).post(
        f"/api/v1/projects/{project.slug}/exports", {"format": "trl-prm", "policy": asked}, "application/json"
    )
    assert (answer.status_code, "unknown judge 'nobody'" in answer.content.decode()) == (400, True), answer.content
    assert not Export.objects.exists()


def trained(project: Project, **policy: Any) -> dict[str, list[bool]]:
    """By problem, the labels of a trl-prm file."""
    asked = LabelPolicy.from_dict({"sources": ["judge"], "after_first_error": "as_rated"} | policy)
    made = [one for it in records(project) for one in FORMATS["trl-prm"].rows(it, asked, Tally())]
    return {one["prompt"].strip(): one["labels"] for one in made}


def test_labels_are_the_same_wherever_the_export_is_imported(project: Project, alice: Any) -> None:
    """The first row says v2 alone, and the next lists it first: the order of rows must not make v1 the newest."""
    bring_in(project, [row(number, judges=[verdicts("a", 1, 1, 1)]) for number in (2, 3)])
    bring_in(project, [row(number, judges=[verdicts("a", -1, -1, -1, version=2)]) for number in (1, 2, 3)])
    sent = out(project)
    other = create_project(slug="other", name="Other", owner=alice)
    bring_in(other, [one | {"judges": one["judges"][::-1]} for one in sorted(sent, key=lambda one: len(one["judges"]))])
    numbers = JudgeRun.objects.filter(project=other).order_by("number").values_list("judge__version", flat=True)
    assert list(numbers) == [2, 1], "the runs came the other way round"
    assert trained(other) == trained(project)
    assert [*trained(project).values()] == [[False] * 3] * 3


@pytest.mark.parametrize("runs", [(None, 0), (0, 1), (2, 10), (None, 3)])
def test_of_one_version_the_run_with_the_highest_number_in_its_file_is_the_newest(
    project: Project, runs: tuple[int | None, int]
) -> None:
    older, newer = runs
    bring_in(project, [row(judges=[verdicts("a", -1, run=newer), verdicts("a", 1, run=older)])])
    assert [*trained(project).values()] == [[False]]
    assert [one.run for one in records(project)[0].judges] == [older, newer]


def test_disputes_and_evidence_go_by_the_same_newest_run_as_exports(project: Project) -> None:
    bring_in(project, [row(judges=[verdicts("a", 1, -1, version=2), verdicts("a", -1, version=1)])])
    solution = Solution.objects.select_related("problem", "project").get(project=project)
    told = evidence_of(solution, lambda ids: dict.fromkeys(ids, "")).first_errors
    assert [(one.name, one.first_error) for one in told if one.source == "judge"] == [("a v2", 1)]
    assert judge_first_errors({solution.pk: 3}) == {solution.pk: {"a v2": 1}}
