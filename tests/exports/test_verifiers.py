"""Files that train verifiers: critiques are written only where their verdict equals the label, all others are counted."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from apps.corpus.labels import UNKNOWN
from apps.corpus.records import CritiqueRecord, EstimateRecord, PersonRecord, Record, StepCount, StepRating
from apps.exports.formats import FORMATS
from apps.exports.formats.first_error import request
from apps.exports.labels.batch import batched
from apps.exports.labels.critiques import critiques_of
from apps.exports.labels.pairs.order import diagonal
from apps.exports.labels.steps import resolve
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally
from tests.examples import examples
from tests.exports.golden_rows import SUM, exported, gold, judge, person, rollouts, solution

BOX = re.compile(r"\\+boxed\{([^{}]*)\}")


def own(position: int, text: str) -> CritiqueRecord:
    return CritiqueRecord(position=position, text=text, origin="human", is_own=True)


def wrong_at_1(**fields: Any) -> Record:
    texts = fields.pop("texts", ("One.", "Two.", "Three."))
    return Record(problem=SUM, solution=solution(*texts), gold=fields.pop("gold", gold(1, -1)), **fields)


def left_out(record: Record, format_: str = "verifier-sft", **policy: Any) -> dict[str, int]:
    """What is counted as left out where nothing is written."""
    tally = Tally()
    assert exported(format_, [record], tally, **policy) == []
    return dict(tally.left_out)


def completions(record: Record, **policy: Any) -> list[str]:
    return [row["completion"] for row in exported("verifier-sft", [record], **policy)]


# --- which critiques are written --------------------------------------------------------------------------


def test_a_critique_goes_up_to_the_first_error_and_ends_with_the_verdict() -> None:
    reasons = judge("j", (1, "Fine."), (-1, "It is 3."), (-1, "Never read."))
    assert completions(wrong_at_1(judges=[reasons])) == ["[0] Fine.\n[1] It is 3.\n\n\\boxed{1}"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"judges": [judge("j", (-1, "No."))]}, "whose verdict differs from the label"),
        ({"judges": [judge("j", (1, "Yes."), (1, "Yes."), (1, ""))]}, "whose verdict differs from the label"),
        ({"judges": [judge("j", (1, "Yes."))]}, "of a critic who leaves the first error open"),
        ({"judges": [judge("j", (1, "Yes."), (-1, " \n"))]}, "with an empty text for the step that they call wrong"),
        ({"people": [person("a", 1, -1)]}, "without a text for the step that they call wrong"),
        (
            {"people": [person("a", 1, -1, critiques=[own(0, "No.")])]},
            "without a text for the step that they call wrong",
        ),
        (
            {"people": [person("a", 1, -1, critiques=[own(1, r"So \boxed{0}.")])]},
            r"whose text contains \boxed, which would be a second verdict",
        ),
        (
            {"people": [person("a", 1, -1, critiques=[own(1, r"So \boxed 0.")])]},
            r"whose text contains \boxed, which would be a second verdict",
        ),
        (
            {"judges": [judge("j", (1, r"\fbox{0}"), (-1, "No."))]},
            r"whose text contains \boxed, which would be a second verdict",
        ),
        (
            {"people": [person("a", 1, -1, critiques=[CritiqueRecord(position=1, text="No.", rating=0)])]},
            "that no person wrote or rated +1",
        ),
        (
            {"people": [person("a", 1, -1, critiques=[CritiqueRecord(position=1, text="No.", rating=-1)])]},
            "that a person rates -1",
        ),
        (
            {"people": [person("a", 1, -1, critiques=[own(1, "No.")], is_suspended=True)]},
            "of suspended labelers",
        ),
        (
            {"people": [person("a", 1, -1, critiques=[own(1, "No.")], corrected_by="r")]},
            "corrected by a reviewer, whose ratings count instead",
        ),
        (
            {
                "estimates": [
                    EstimateRecord(run=1, steps=[StepCount(position=0, hard=True), StepCount(position=1, hard=False)])
                ]
            },
            "without a text for the step that they call wrong",
        ),
    ],
)
def test_a_critique_that_cannot_be_used_is_left_out_for_its_reason(fields: dict[str, Any], reason: str) -> None:
    expected = {f"critiques: {reason}": 1, "solutions: no critique that fits the label": 1}
    assert left_out(wrong_at_1(**fields)) == expected


def test_a_judge_without_any_reason_is_no_critic() -> None:
    record = wrong_at_1(gold=gold(1, 1, 1), judges=[judge("j", (1, ""), (1, ""), (1, ""))])
    assert left_out(record)["critiques: of a judge who gives no reasons"] == 1


def test_a_solution_without_a_label_has_no_critique() -> None:
    reasons = judge("j", (1, "Fine."), (-1, "It is 3."))
    assert left_out(wrong_at_1(gold=[], judges=[reasons])) == {
        "solutions: no source of the policy labels them": 1,
        "critiques: of solutions without a known first error": 1,
    }
    assert left_out(wrong_at_1(gold=gold(1), judges=[reasons])) == {
        "solutions: the first error is unknown: a step before it has no label": 1,
        "critiques: of solutions without a known first error": 1,
    }
    assert left_out(wrong_at_1()) == {"solutions: no critique": 1}


def test_what_another_person_rates_minus_1_is_no_target() -> None:
    doubtful = CritiqueRecord(position=1, text="It is 4.", source="critic", rating=1)
    doubts = structs.replace(doubtful, rating=-1)
    people = [person("a", 1, -1, critiques=[doubtful]), person("b", 1, -1, critiques=[doubts])]
    assert left_out(wrong_at_1(people=people))["critiques: that a person rates -1"] == 2
    suspended = structs.replace(people[1], is_suspended=True)
    assert completions(wrong_at_1(people=[people[0], suspended])) == [
        "[0] This step is correct.\n[1] It is 4.\n\n\\boxed{1}"
    ]


def test_a_labeler_who_left_the_path_judged_another_solution() -> None:
    steps = [StepRating(position=0, candidate=1, rating=1, chosen=True), StepRating(position=1, rating=-1)]
    wanderer = PersonRecord(labeler="a", finish_reason="found_error", steps=steps, critiques=[own(1, "No.")])
    record = wrong_at_1(people=[wanderer])
    assert left_out(record)["critiques: after a step that is not the solution's own"] == 1


def test_critiques_of_alternatives_are_of_other_steps() -> None:
    of_other = CritiqueRecord(position=1, candidate=1, text="No.", origin="human", is_own=True)
    record = wrong_at_1(people=[person("a", 1, -1, critiques=[of_other])])
    assert left_out(record)["critiques: without a text for the step that they call wrong"] == 1


def test_rollouts_give_their_counts_where_these_are_the_reason() -> None:
    search = EstimateRecord(
        run=2,
        strategy="binary-search",
        steps=[
            StepCount(position=0, rollouts=4, successes=0, hard=True),
            StepCount(position=1, rollouts=4, successes=0),
        ],
    )
    (text,) = completions(wrong_at_1(estimates=[search]))
    assert text.splitlines()[:2] == [
        "[0] This step is correct.",
        "[1] This step is wrong: from here, the right answer is reached in none of 4 continuations.",
    ]
    run = wrong_at_1(estimates=[rollouts(1, 3, 0), rollouts(2, 1, 0)])
    assert [text.splitlines()[0] for text in completions(run, estimation_runs=[1], critiques_per_solution=9)] == [
        "[0] From here, the right answer is reached in 3 of 8 continuations."
    ]


def test_labels_without_words_are_used_only_where_there_are_no_words() -> None:
    right = Record(problem=SUM, solution=solution("One.", "Two."), people=[person("a", 1, 1)])
    silent = "[0] This step is correct.\n[1] This step is correct.\n\n\\boxed{-1}"
    assert completions(right) == [silent]
    judged = structs.replace(right, judges=[judge("j", (1, "Yes."), (1, "Indeed."))])
    tally = Tally()
    (row,) = exported("verifier-sft", [judged], tally, critiques_per_solution=5)
    assert row["completion"] == "[0] Yes.\n[1] Indeed.\n\n\\boxed{-1}"
    assert tally.left_out == {"critiques: without any text, where another has some": 1}


def test_the_policy_orders_and_counts_the_critiques_of_a_solution() -> None:
    record = wrong_at_1(
        people=[person("a", 1, -1, critiques=[own(1, "By a person.")])],
        judges=[judge("old", (1, "Yes."), (-1, "By a judge.")), judge("new", (1, "Yes."), (-1, "By a newer judge."))],
        estimates=[rollouts(1, 4, 0)],
    )
    first = [text.splitlines()[1] for text in completions(record, critiques_per_solution=3)]
    assert first == ["[1] By a person.", "[1] By a newer judge.", "[1] By a judge."]
    tally = Tally()
    (row,) = exported("verifier-sft", [record], tally, critiques=["judges", "people"])
    assert "By a newer judge." in row["completion"]
    assert tally.left_out == {"critiques: beyond the number that the policy takes of a solution": 2}
    assert tally.sources == {"gold": 1, "critiques of judges": 1}
    (chosen,) = completions(record, critiques=["judges"], judges=["old"], critiques_per_solution=9)
    assert "By a judge." in chosen


@pytest.mark.parametrize("format_", ["verifier-sft", "verifier-dpo", "verifier-rl", "processbench"])
def test_one_solution_has_one_first_error(format_: str) -> None:
    with pytest.raises(PolicyError, match=f"people: must be majority or first: {format_} has one first error"):
        exported(format_, [], people="each")


@pytest.mark.parametrize(
    ("policy", "key"),
    [
        ({"critiques": []}, "critiques"),
        ({"critiques": ["people", "people"]}, "critiques"),
        ({"critiques": ["readers"]}, "critiques"),
        ({"critiques_per_solution": 0}, "critiques_per_solution"),
        ({"critiques_per_solution": 101}, "critiques_per_solution"),
        ({"rewards": "all"}, "rewards"),
    ],
)
def test_a_policy_that_is_not_valid_names_its_key(policy: dict[str, Any], key: str) -> None:
    with pytest.raises(PolicyError, match=f"^{key}"):
        LabelPolicy.from_dict(policy)


@pytest.mark.parametrize("format_", ["verifier-sft", "verifier-rl", "processbench"])
def test_the_card_says_when_a_verifier_could_be_right_without_reading(format_: str) -> None:
    wrong = wrong_at_1(judges=[judge("j", (1, "Fine."), (-1, "No."))])
    right = wrong_at_1(gold=gold(1, 1, 1), judges=[judge("j", (1, "Fine."), (1, "Fine."), (1, "Fine."))])
    assert notices(format_, wrong) == ["Every solution in the rows has an error."]
    assert notices(format_, right) == ["No solution in the rows has an error."]
    assert notices(format_, wrong, right) == []


def test_the_card_says_when_critiques_may_be_compared_with_themselves() -> None:
    judged = [
        wrong_at_1(gold=[], judges=[judge("j", (1, "Fine."), (rating, "So."), (rating, "So."))]) for rating in (1, -1)
    ]
    assert "Some labels are those of judges" in notices("verifier-sft", *judged, sources=["judge"])[0]
    rolled = [wrong_at_1(gold=[], estimates=[rollouts(1, 4, count, count)]) for count in (0, 4)]
    assert "Some labels are those of rollouts" in notices("verifier-sft", *rolled)[0]


def notices(format_: str, *records: Record, **policy: Any) -> list[str]:
    tally = Tally()
    exported(format_, records, tally, **policy)
    return list(FORMATS[format_].notices(LabelPolicy.from_dict(policy), tally))


# --- pairs and answers ------------------------------------------------------------------------------------


def test_a_pair_is_a_right_and_a_wrong_critique_of_one_solution() -> None:
    record = wrong_at_1(
        judges=[judge("mild", (1, "Yes."), (1, "Yes."), (1, "")), judge("strict", (1, ""), (-1, "No."))]
    )
    tally = Tally()
    (row,) = exported("verifier-dpo", [record], tally)
    assert row["prompt"] == request(SUM, ["One.", "Two.", "Three."]) + "\n"
    assert row["chosen"].endswith("[1] No.\n\n\\boxed{1}")
    assert row["rejected"].endswith("\\boxed{-1}")
    assert tally.sources == {"gold": 1, "judges against judges": 1}
    assert left_out(wrong_at_1(judges=[judge("strict", (1, ""), (-1, "No."))]), "verifier-dpo") == {
        "critiques: of solutions whose critiques are all right or all wrong": 1,
        "solutions: no right and wrong critique": 1,
    }


def test_a_cap_takes_one_pair_of_each_solution_in_turns() -> None:
    mild, strict = judge("mild", (1, "Yes."), (1, "Yes."), (1, "")), judge("strict", (1, ""), (-1, "No."))
    hasty = judge("hasty", (-1, "No."))
    records = [wrong_at_1(texts=(name, "Two.", "Three."), judges=[mild, hasty, strict]) for name in ("One.", "1.")]
    tally = Tally()
    rows = exported("verifier-dpo", records, tally, pairs_per_problem=3)
    assert ["[0] One." in row["prompt"] for row in rows] == [True, False, True]
    assert tally.left_out == {"pairs: more than pairs_per_problem": 1}


@pytest.mark.parametrize("format_", ["verifier-sft", "sft"])
@pytest.mark.parametrize("prompts", ["llama_factory", "ms_swift"])
def test_what_is_no_pair_has_no_form_for_pairs(format_: str, prompts: str) -> None:
    with pytest.raises(PolicyError, match=f"prompts: must be standard or conversational: {format_}"):
        exported(format_, [], prompts=prompts)


@pytest.mark.parametrize(("chosen", "rejected"), [(0, 3), (1, 1), (2, 2), (3, 2), (2, 5), (4, 2)])
def test_pairs_use_everything_before_they_repeat_anything(chosen: int, rejected: int) -> None:
    pairs = list(diagonal(range(chosen), range(rejected)))
    assert sorted(pairs) == [(left, right) for left in range(chosen) for right in range(rejected)]
    first = pairs[: max(chosen, rejected)]
    assert {left for left, _ in first} == set(range(chosen if rejected else 0))
    assert {right for _, right in first} == set(range(rejected if chosen else 0))


def test_the_answer_of_a_reinforcement_row_is_the_first_error_as_text() -> None:
    (row,) = exported("verifier-rl", [wrong_at_1()])
    assert row["answer"] == row["reward_model"]["ground_truth"] == "1"
    assert row["prompt"][0]["content"] == request(SUM, ["One.", "Two.", "Three."])
    (other,) = exported("verifier-rl", [wrong_at_1(texts=("One.", "2.", "Three."))])
    assert row["extra_info"]["index"] != other["extra_info"]["index"]
    assert row["extra_info"]["index"] < 2**53, "JSON readers keep it exact"


# --- properties -------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", " ", "No.", "It is 3.", "Line.\nLine.", r"\boxed{1}", "[2] odd"])
RATINGS = st.sampled_from([-1, -1, 0, 1, 1, 1, None])


@st.composite
def critics(draw: st.DrawFn) -> Record:
    length = draw(st.integers(1, 4))
    people = []
    for name in draw(st.sets(st.sampled_from("abc"))):
        texts = [text for text in draw(st.lists(TEXTS, max_size=2)) if text.strip()]
        made = [
            CritiqueRecord(
                position=draw(st.integers(0, length - 1)),
                text=text,
                is_own=(is_own := draw(st.booleans())),
                rating=None if is_own else draw(st.sampled_from([-1, 0, 1])),
            )
            for text in texts
        ]
        ratings = draw(st.lists(RATINGS, max_size=length))
        people.append(person(name, *ratings, critiques=made, is_suspended=draw(st.booleans())))
    judges = [
        judge(name, *draw(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), TEXTS), max_size=length)))
        for name in draw(st.sets(st.sampled_from("jk")))
    ]
    counts = draw(st.lists(st.integers(0, 4), max_size=length))
    return Record(
        problem=SUM,
        solution=solution(*(f"Step {place}." for place in range(length))),
        people=people,
        judges=judges,
        gold=gold(*draw(st.lists(st.sampled_from([-1, 0, 1]), max_size=length))),
        estimates=[rollouts(1, *counts, of=4)] if counts else [],
    )


POLICIES = st.fixed_dictionaries(
    {
        "neutral": st.sampled_from(["positive", "negative", "own_class", "drop"]),
        "people": st.sampled_from(["majority", "first"]),
        "after_first_error": st.sampled_from(["leave_out", "negative", "as_rated"]),
        "suspended": st.sampled_from(["keep", "drop"]),
        "sources": st.permutations(["gold", "human", "monte_carlo_hard", "judge"]).map(lambda names: names[:2]),
        "critiques": st.permutations(["people", "judges", "rollouts"]).map(lambda names: names[:2]),
        "critiques_per_solution": st.integers(1, 3),
        "prompts": st.sampled_from(["standard", "conversational"]),
    }
)


@given(critics(), POLICIES)
@examples(150)
def test_every_verdict_is_the_label_and_every_critique_is_counted_once(record: Record, policy: dict[str, Any]) -> None:
    tally = Tally()
    chosen = LabelPolicy.from_dict(policy)
    rows = exported("verifier-sft", [record], tally, **policy)
    texts = [row["completion"] if "completion" in row else row["messages"][-1]["content"] for row in rows]
    labels = [labeled.first_error for labeled in resolve(record, chosen)]
    assert all(BOX.findall(text) == [str(labels[0])] for text in texts)
    assert len(set(texts)) == len(texts) <= chosen.critiques_per_solution
    assert tally.left_out_of("critiques") + len(rows) == len(critiques_of(record, chosen))
    assert tally.left_out_of("solutions") == (not rows)
    assert tally.labels.total() == len(rows)
    schema = FORMATS["verifier-sft"].schema(chosen)
    assert pa.Table.from_pylist(rows, schema=schema).to_pylist() == rows


@given(critics(), POLICIES)
@examples(150)
def test_a_pair_has_the_label_on_one_side_only(record: Record, policy: dict[str, Any]) -> None:
    tally = Tally()
    chosen = LabelPolicy.from_dict(policy)
    rows = exported("verifier-dpo", [record], tally, **policy)
    labels = [labeled.first_error for labeled in resolve(record, chosen)]
    sides = [[json.dumps(row[side]) for side in ("chosen", "rejected")] for row in rows]
    for right, wrong in sides:
        (verdict,), (other,) = BOX.findall(right), BOX.findall(wrong)
        assert int(verdict) == labels[0] != int(other)
    assert len({tuple(pair) for pair in sides}) == len(sides)
    assert tally.labels.total() == len(rows)
    assert tally.left_out_of("solutions") == (not rows)


@given(critics(), POLICIES)
@examples(100)
def test_a_critic_is_read_as_the_same_critic_is_as_a_source(record: Record, policy: dict[str, Any]) -> None:
    """The verdict of a critique follows the rules by which the critic alone would label the solution."""
    kinds = {"people": "human", "judges": "judge", "rollouts": "monte_carlo_hard"}
    critics_alone = [
        *(structs.replace(record, people=[one], judges=[], estimates=[]) for one in record.people),
        *(structs.replace(record, people=[], judges=[one], estimates=[]) for one in record.judges),
        structs.replace(record, people=[], judges=[]),
    ]
    with batched(critics_alone):
        for kind, source in kinds.items():
            chosen = LabelPolicy.from_dict(policy | {"critiques": [kind], "sources": [source]})
            for alone in critics_alone:
                labels = {labeled.first_error for labeled in resolve(alone, chosen)}
                verdicts = {one.verdict for one in critiques_of(alone, chosen) if one.verdict != UNKNOWN}
                assert verdicts <= labels
