"""Preferences of judges as pairs: alone, after people's, and never one that flips, ties or fails."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from msgspec import structs

from apps.accounts.models import User
from apps.corpus.models import Comparison
from apps.corpus.records import ComparisonRecord, JudgePreference, PersonRecord, Record
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally
from apps.judging.models import ComparisonVerdict
from apps.judging.models.verdicts import ItemOutcome
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from tests.estimation.model import Model
from tests.exports.test_pair_exports import made, rows_of
from tests.exports.test_pairs import compared, prefers, rows, solution
from tests.judging.model import judges_of, make_judge, worked
from tests.judging.test_runs import pairs
from tests.world import compare

JUDGES = {"preferences": ["judges"], "sources": ["gold"]}
HYBRID = {"preferences": ["people", "judges"]}
COLUMNS = ("source", "share", "judge_prompt", "principles")


def judged(choice: str = "left", judge: str = "critic", **fields: Any) -> JudgePreference:
    is_verdict = fields.get("outcome", "verdict") == "verdict"
    values = {"prompt": "comparison v1", "choice": choice if is_verdict else ""} | fields
    return JudgePreference(judge=judge, **values)


def with_judges(*judgements: JudgePreference, people: tuple[PersonRecord, ...] = ()) -> Record:
    return structs.replace(compared(*people), judge_preferences=judgements)


def test_a_row_names_the_judge_its_prompt_its_share_of_votes_and_the_principles() -> None:
    verdict = judged("right", version=3, margin="clearly", share=0.75, principles=["harmless", "honest"])
    (row,) = rows("reward-pairs", with_judges(verdict), **JUDGES)
    assert row == {
        "prompt": "What is 1 + 1?\n",
        "chosen": "One.\nIt is 3.",
        "rejected": "One.\nIt is 2.",
        "margin": 2.0,
        "votes": {"chosen": 0, "rejected": 0, "tie": 0},
        "source": "critic v3",
        "share": 0.75,
        "judge_prompt": "comparison v1",
        "principles": ["harmless", "honest"],
    }
    (row,) = rows("dpo", with_judges(verdict), **JUDGES)
    assert [row[name] for name in COLUMNS] == ["critic v3", 0.75, "comparison v1", ["harmless", "honest"]]


def test_a_file_of_people_alone_has_no_columns_of_judges() -> None:
    record = with_judges(judged("right"), people=(prefers("left"),))
    assert rows("dpo", record)[0].keys() == {"prompt", "chosen", "rejected"}
    assert rows("dpo", with_judges(judged())) == []
    assert rows("dpo", record, pairs=["answers"], **HYBRID) == []


@pytest.mark.parametrize("outcome", [outcome for outcome in ItemOutcome if outcome != ItemOutcome.VERDICT])
def test_what_is_no_verdict_makes_no_pair_whatever_the_policy(outcome: str) -> None:
    tally = Tally()
    for ties in ("drop", "both_ways"):
        assert rows("reward-pairs", with_judges(judged(outcome=outcome)), tally, ties=ties, **JUDGES) == []
    assert sum(tally.left_out.values()) == 4
    assert tally.left_out["comparisons: without a verdict of a judge that can be used"] == 2


def test_ties_are_handled_as_those_of_people_are() -> None:
    record, tally = with_judges(judged("tie", share=1.0)), Tally()
    assert rows("reward-pairs", record, tally, **JUDGES) == []
    assert tally.left_out == {"comparisons: a tie": 1}
    both = rows("reward-pairs", record, ties="both_ways", margin_rule="votes", **JUDGES)
    assert [(row["chosen"], row["margin"]) for row in both] == [("One.\nIt is 2.", 0.0), ("One.\nIt is 3.", 0.0)]


def test_only_the_newest_run_of_a_judge_counts_even_if_it_decides_nothing() -> None:
    flips = judged(outcome="inconsistent", version=2)
    tally = Tally()
    assert rows("dpo", with_judges(judged("left"), flips), tally, **JUDGES) == []
    assert tally.left_out == {
        "preferences: of an older run of a judge": 1,
        "preferences: of a judge whose verdict flips with the order of the sides": 1,
        "comparisons: without a verdict of a judge that can be used": 1,
    }
    (row,) = rows("dpo", with_judges(judged("left"), flips), judges=["critic v1"], **JUDGES)
    assert row["source"] == "critic v1"


def test_of_several_judges_the_newest_with_a_usable_verdict_decides() -> None:
    record = with_judges(judged("left", "a"), judged("right", "b"), judged("left", "c", share=0.4))
    tally = Tally()
    (row,) = rows("dpo", record, tally, **JUDGES)
    assert (row["source"], row["chosen"]) == ("b v1", "One.\nIt is 3.")
    assert tally.left_out == {
        "preferences: of a judge of whose votes a smaller share agrees than minimum_share": 1,
        "preferences: of a judge, since a newer run of another judge decides the comparison": 1,
    }
    assert tally.sources == {"judge b v1": 1}
    (row,) = rows("dpo", record, judges=["a"], **JUDGES)
    assert row["source"] == "a v1"
    assert rows("dpo", with_judges(judged(share=0.75)), minimum_share=0.8, **JUDGES) == []
    assert len(rows("dpo", with_judges(judged()), minimum_share=0.8, **JUDGES)) == 1, "a single vote has no share"


def test_the_order_of_the_policy_decides_between_people_and_judges() -> None:
    record = with_judges(judged("right"), people=(prefers("left"),))
    assert [row["source"] for row in rows("dpo", record, **HYBRID)] == ["people"]
    assert [row["source"] for row in rows("dpo", record, preferences=["judges", "people"])] == ["critic v1"]
    (row,) = rows("reward-pairs", record, **HYBRID)
    assert (row["share"], row["judge_prompt"], row["principles"], row["votes"]["chosen"]) == (1.0, "", [], 1)


def test_a_judge_decides_what_people_leave_open_but_not_what_they_call_a_tie() -> None:
    divided = (prefers("left"), prefers("right"))
    assert [row["source"] for row in rows("dpo", with_judges(judged(), people=divided), **HYBRID)] == ["critic v1"]
    tied, tally = with_judges(judged(), people=(prefers("tie"),)), Tally()
    assert rows("dpo", tied, tally, **HYBRID) == []
    assert tally.left_out == {"comparisons: a tie": 1}
    open_to_both, tally = with_judges(judged(outcome="tied"), people=divided), Tally()
    assert rows("dpo", open_to_both, tally, **HYBRID) == []
    assert tally.left_out["comparisons: no majority"] == 1
    assert sum(count for reason, count in tally.left_out.items() if reason.startswith("comparisons")) == 1


def test_two_texts_that_people_compared_get_no_second_pair_from_a_judge() -> None:
    sides = ComparisonRecord(left=solution("One.", "It is 3.", source="b"), right=solution("One.", "It is 2."))
    of_people, again = compared(prefers("left")), structs.replace(compared(), comparison=sides)
    by_judge = structs.replace(again, judge_preferences=[judged("left")])
    policy, tally = LabelPolicy.from_dict(HYBRID), Tally()
    found = list(FORMATS["dpo"].problem_rows([by_judge, of_people], policy, tally))
    assert [row["source"] for row in found] == ["people"]
    assert tally.left_out == {"pairs: of two texts that are a pair already": 1}
    twice = [by_judge, structs.replace(by_judge, judge_preferences=[judged("right")])]
    assert len(list(FORMATS["dpo"].problem_rows(twice, LabelPolicy.from_dict(JUDGES), Tally()))) == 1


@pytest.mark.parametrize(("share", "margin"), [(None, 3.0), (1.0, 3.0), (0.75, 1.5), (0.5, 0.0)])
def test_the_margin_by_votes_is_the_least_lead_that_the_share_leaves(share: float | None, margin: float) -> None:
    (row,) = rows("reward-pairs", with_judges(judged(share=share)), margin_rule="votes", **JUDGES)
    assert row["margin"] == margin


def test_people_must_be_a_source_only_where_their_preferences_are_asked_for() -> None:
    assert rows("dpo", with_judges(judged()), sources=["gold"], preferences=["judges"])
    with pytest.raises(PolicyError, match="sources: must name human"):
        rows("dpo", with_judges(judged()), sources=["gold"], **HYBRID)
    for names in ([], ["judges", "judges"]):
        with pytest.raises(PolicyError, match="preferences: must name at least one of people, judges"):
            LabelPolicy.from_dict({"preferences": names})


# --- judged by a scripted judge ---------------------------------------------------------------------------


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server, prefers="right")


@pytest.mark.django_db(transaction=True)
def test_comparisons_of_a_problems_solutions_are_judged_and_exported(server: Model, project: Project) -> None:
    pairs(project, 6)
    judge = make_judge(project, server, "comparison", options={"votes": 3})
    worked(start_judging(judge=judge, selection={"pairs": "right_wrong"}))
    for format_ in ("dpo", "reward-pairs"):
        export = made(project, format_, **JUDGES)
        (exported,) = rows_of(export)
        assert len(exported) == 6
        assert all("wrong" in row["rejected"] for row in exported)
        assert {(row["source"], row["share"], row["judge_prompt"]) for row in exported} == {
            (str(judge), 1.0, "comparison v1")
        }
        assert export.manifest is not None
        assert export.manifest["counts"]["sources"] == {f"judge {judge}": 6}
        assert made(project, format_, **JUDGES).sha256 == export.sha256


@pytest.mark.django_db(transaction=True)
def test_a_judge_that_always_says_a_yields_no_preference(server: Model, project: Project) -> None:
    server.control(prefers="A")
    pairs(project, 4)
    worked(start_judging(judge=make_judge(project, server, "comparison"), selection={"pairs": "random"}))
    assert ComparisonVerdict.objects.count() == 4
    export = made_or_failed(project, **JUDGES)
    assert "whose verdict flips with the order of the sides (4)" in export


def made_or_failed(project: Project, **policy: Any) -> str:
    with pytest.raises(AssertionError) as failed:
        made(project, "reward-pairs", **policy)
    return str(failed.value)


@pytest.mark.django_db(transaction=True)
def test_one_file_joins_peoples_preferences_and_those_by_a_principle(
    server: Model, project: Project, bob: User
) -> None:
    """Constitutional AI: people say what is helpful, a judge what is harmless by a principle."""
    solutions = pairs(project, 6)
    people_first = Comparison.objects.count()
    compare(solutions[0], bob)
    by_people = Comparison.objects.count() - people_first
    judge = make_judge(project, server, "principle")
    assert judge.constitution is not None
    worked(start_judging(judge=judge, selection={"pairs": "right_wrong"}))
    export = made(project, "reward-pairs", **HYBRID)
    (exported,) = rows_of(export)
    sources = Counter(row["source"] for row in exported)
    assert sources.keys() == {"people", str(judge)}
    assert sources["people"] <= by_people
    names = {principle["name"] for principle in judge.constitution.principles}
    for row in exported:
        assert (set(row["principles"]) <= names and row["principles"] != []) == (row["source"] == str(judge))
    assert export.manifest is not None
    assert export.manifest["counts"]["sources"] == {
        "people": sources["people"],
        f"judge {judge}": sources[str(judge)],
    }
    assert any("preferences of people" in notice for notice in export.manifest["notices"])
