"""The rows of `reward-pairs` and `dpo`, written out, and how several people become one preference."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec import structs

from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.records import (
    ComparisonRecord,
    PersonRecord,
    PreferenceRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StepPlace,
    StepRecord,
)
from apps.exports.files.writers import PartWriter
from apps.exports.formats import FORMATS
from apps.exports.formats.reward_pairs import NO_MARGINS
from apps.exports.labels.steps import is_selected
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

_numbers = count()


def solution(*texts: str, **fields: Any) -> SolutionRecord:
    return SolutionRecord(steps=[StepRecord(position=place, text=text) for place, text in enumerate(texts)], **fields)


def prefers(choice: str, margin: str = "", **fields: Any) -> PersonRecord:
    said = PreferenceRecord(choice=choice, margin=margin)
    return PersonRecord(
        labeler=fields.pop("labeler", None) or f"labeler {next(_numbers)}",
        protocol="comparison",
        preference=said,
        **fields,
    )


def compared(*people: PersonRecord, **fields: Any) -> Record:
    sides = ComparisonRecord(left=solution("One.", "It is 2."), right=solution("One.", "It is 3."), **fields)
    return Record(problem=ProblemRecord(statement="What is 1 + 1?"), comparison=sides, people=people)


def rows(format_: str, record: Record, tally: Tally | None = None, **policy: Any) -> list[dict[str, Any]]:
    chosen = LabelPolicy.from_dict(policy)
    FORMATS[format_].check(chosen)
    return list(FORMATS[format_].rows(record, chosen, tally or Tally()))


def test_reward_pairs() -> None:
    assert rows("reward-pairs", compared(prefers("right", "clearly"))) == [
        {
            "prompt": "What is 1 + 1?\n",
            "chosen": "One.\nIt is 3.",
            "rejected": "One.\nIt is 2.",
            "margin": 2.0,
            "votes": {"chosen": 1, "rejected": 0, "tie": 0},
            "source": "people",
        }
    ]


def test_dpo() -> None:
    assert rows("dpo", compared(prefers("left", "slightly"))) == [
        {"prompt": "What is 1 + 1?\n", "chosen": "One.\nIt is 2.", "rejected": "One.\nIt is 3."}
    ]


def test_dpo_as_messages() -> None:
    assert rows("dpo", compared(prefers("left")), prompts="conversational") == [
        {
            "prompt": [{"role": "user", "content": "What is 1 + 1?"}],
            "chosen": [{"role": "assistant", "content": "One.\nIt is 2."}],
            "rejected": [{"role": "assistant", "content": "One.\nIt is 3."}],
        }
    ]


@pytest.mark.parametrize(
    ("scale", "numbers"), [("large", [3, 2, 1, 0]), ("small", [1, pytest.approx(2 / 3), pytest.approx(1 / 3), 0])]
)
def test_margins_are_those_of_llama_2(scale: str, numbers: list[float]) -> None:
    words = ("significantly", "clearly", "slightly", "negligibly")
    found = [rows("reward-pairs", compared(prefers("left", word)), margins=scale)[0]["margin"] for word in words]
    assert found == numbers


def test_who_does_not_say_by_how_much_asks_for_no_margin() -> None:
    assert rows("reward-pairs", compared(prefers("left")))[0]["margin"] == 0.0


def of_steps(*people: PersonRecord) -> Record:
    steps = [
        StepRecord(position=0, text="We add."),
        StepRecord(position=1, text="It is 3."),
        StepRecord(position=1, candidate=1, text="It is 2.", chosen=False),
    ]
    sides = ComparisonRecord(left=SolutionRecord(steps=steps), left_step=StepPlace(1, 0), right_step=StepPlace(1, 1))
    return Record(problem=ProblemRecord(statement="What is 1 + 1?"), comparison=sides, people=people)


def test_two_steps_after_one_prefix() -> None:
    record = of_steps(prefers("right", "significantly"))
    assert rows("dpo", record) == [
        {"prompt": "What is 1 + 1?\nWe add.\n", "chosen": "It is 2.", "rejected": "It is 3."}
    ]


def test_as_messages_both_answers_begin_with_the_prefix() -> None:
    (row,) = rows("dpo", of_steps(prefers("right")), prompts="conversational")
    assert row["prompt"] == [{"role": "user", "content": "What is 1 + 1?"}]
    assert row["chosen"] == [{"role": "assistant", "content": "We add.\nIt is 2."}]
    assert row["rejected"] == [{"role": "assistant", "content": "We add.\nIt is 3."}]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."},
        {"prompt": "Q: 1 + 1?\nA:", "chosen": " 2\n\nSurely.\n", "rejected": " 3"},
        {
            "prompt": "\n\nHuman: Hello\n\nAssistant: Hi.\n\nHuman: A joke?\n\nAssistant:",
            "chosen": " Why did the hen cross?\n\nBecause.",
            "rejected": " No.",
        },
    ],
)
def test_published_pairs_come_out_as_they_went_in(row: dict[str, str]) -> None:
    whole = {side: row["prompt"] + row[side] for side in ("chosen", "rejected")}
    (record,) = READERS["preference"].read(whole if "Human" in row["prompt"] else row, ReaderOptions())
    assert rows("dpo", record) == [row]


def test_a_dialogue_comes_out_as_its_messages() -> None:
    prompt = [
        {"role": role, "content": text} for role, text in (("user", "Hi"), ("assistant", "Yes?"), ("user", "A joke?"))
    ]
    answers = {
        "chosen": [{"role": "assistant", "content": "Why?"}],
        "rejected": [{"role": "assistant", "content": "No."}],
    }
    row = {"prompt": prompt, **answers}
    (record,) = READERS["preference"].read(row, ReaderOptions())
    assert rows("dpo", record, prompts="conversational") == [row]


# --- several people ---------------------------------------------------------------------------------------


def test_the_majority_prefers_with_the_median_margin_of_those_who_agree() -> None:
    people = [prefers("left", "clearly"), prefers("left", "negligibly"), prefers("right", "significantly")]
    assert rows("reward-pairs", compared(*people, prefers("left", "significantly")))[0]["margin"] == 2.0
    assert rows("reward-pairs", compared(*people))[0]["margin"] == 0.0, "of two, the smaller"


def test_people_who_do_not_agree_give_no_label() -> None:
    tally = Tally()
    assert rows("dpo", compared(prefers("left"), prefers("right")), tally) == []
    assert tally.left_out == {"comparisons: no majority": 1}


def test_a_tie_is_left_out_and_counted() -> None:
    tally = Tally()
    assert rows("reward-pairs", compared(prefers("tie")), tally) == []
    assert tally.left_out == {"comparisons: a tie": 1}


def test_a_tie_may_be_a_pair_both_ways() -> None:
    found = rows("reward-pairs", compared(prefers("tie")), ties="both_ways")
    assert [(row["chosen"][-2], row["margin"]) for row in found] == [("2", 0.0), ("3", 0.0)]


@pytest.mark.parametrize(("people", "chosen"), [("each", ["2", "3", "2"]), ("first", ["2"]), ("majority", ["2"])])
def test_people_each_or_the_first(people: str, chosen: list[str]) -> None:
    record = compared(prefers("left"), prefers("right"), prefers("left"))
    assert [row["chosen"][-2] for row in rows("dpo", record, people=people)] == chosen


@pytest.mark.parametrize(
    ("person", "policy", "is_heard"),
    [
        (prefers("left", is_quality_control=True), {}, False),
        (prefers("left", is_quality_control=True), {"quality_control": "keep"}, True),
        (prefers("left", round=2), {"rounds": [1]}, False),
        (prefers("left", round=2), {"rounds": [2]}, True),
        (prefers("left", finish_reason="give_up"), {}, False),
        (prefers("left", finish_reason="solution"), {}, True),
    ],
)
def test_whose_word_counts(person: PersonRecord, policy: dict[str, Any], is_heard: bool) -> None:
    tally = Tally()
    assert bool(rows("dpo", compared(person), tally, **policy)) is is_heard
    assert bool(tally.left_out["comparisons: without a counted preference"]) is not is_heard


def test_filters_hold_for_both_sides() -> None:
    sides = ComparisonRecord(
        left=solution("a", is_correct=True, source="x"), right=solution("b", is_correct=False, source="y")
    )
    record = Record(problem=ProblemRecord(statement="What?", subject="Algebra"), comparison=sides)
    assert is_selected(record, LabelPolicy(generators=("x", "y"), subjects=("Algebra",)))
    assert not is_selected(record, LabelPolicy(generators=("x",)))
    assert not is_selected(record, LabelPolicy(answers="right"))
    assert not is_selected(record, LabelPolicy(subjects=("Poetry",)))


@pytest.mark.parametrize("format_", ["reward-pairs", "dpo"])
def test_pairs_need_people(format_: str) -> None:
    with pytest.raises(PolicyError, match="human"):
        rows(format_, compared(), sources=["gold"])


def test_step_formats_make_nothing_of_a_comparison_and_pairs_nothing_of_a_solution() -> None:
    alone = Record(problem=ProblemRecord(statement="What?"), solution=solution("One."))
    assert rows("dpo", alone) == []
    assert FORMATS["dpo"].kinds(LabelPolicy()) == FORMATS["reward-pairs"].kinds(LabelPolicy()) == ("comparison",)
    assert all("comparison" not in FORMATS[name].of for name in ("prm800k", "trl-prm", "math-shepherd"))


# --- what the trainers load -------------------------------------------------------------------------------

TEXT, TURNS = pa.string(), pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
VOTES = pa.struct([(side, pa.int64()) for side in ("chosen", "rejected", "tie")])


@pytest.mark.parametrize(("prompts", "kind"), [("standard", TEXT), ("conversational", TURNS)])
@pytest.mark.parametrize(
    ("format_", "more"), [("dpo", {}), ("reward-pairs", {"margin": pa.float64(), "votes": VOTES, "source": TEXT})]
)
def test_the_columns_are_those_that_trl_documents(
    tmp_path: Path, format_: str, more: dict[str, Any], prompts: Any, kind: Any
) -> None:
    policy = LabelPolicy(prompts=prompts)
    path = tmp_path / "pairs.parquet"
    with PartWriter(path, "parquet", FORMATS[format_].schema(policy)) as writer:
        writer.write(list(FORMATS[format_].rows(of_steps(prefers("right", "clearly")), policy, Tally())))
    table = pq.read_table(path)
    wanted = {"prompt": kind, "chosen": kind, "rejected": kind, **more}
    assert {name: table.schema.field(name).type for name in table.column_names} == wanted
    assert table.num_rows == 1
    assert not any(table[name].null_count for name in wanted)


def test_our_own_row_comes_back_as_it_was() -> None:
    for record in (
        of_steps(prefers("right", "clearly")),
        compared(prefers("tie"), external_id="pair-1", extras={"a": 1}),
    ):
        (row,) = rows("annotate", record)
        (again,) = READERS["jsonl"].read(row, ReaderOptions())
        (twice,) = rows("annotate", again)
        assert twice["comparison"] == row["comparison"]
        assert [one["preference"] for one in twice["people"]] == [one["preference"] for one in row["people"]]


def test_fewer_people_than_asked_make_a_pair_only_where_the_policy_takes_it() -> None:
    thin = compared(prefers("left", redundancy=2))
    tally = Tally()
    assert rows("dpo", thin, tally) == []
    assert tally.left_out == {"comparisons: thin: fewer people than asked for": 1}
    assert len(rows("dpo", thin, thin="take")) == len(rows("dpo", thin, people="first")) == 1
    assert len(rows("dpo", compared(prefers("left", redundancy=2), prefers("left", redundancy=2)))) == 1


def test_a_side_that_was_taken_back_makes_no_pair() -> None:
    """Of one labeler the last word counts, also where it ended in a way that the policy does not take."""
    said = [prefers("left", labeler="bob"), prefers("right", labeler="bob", finish_reason="bad_problem")]
    tally = Tally()
    assert rows("dpo", compared(*said), tally) == []
    assert tally.left_out == {
        "preferences: of an earlier assignment of the same labeler": 1,
        "preferences: of assignments that ended in bad_problem": 1,
        "comparisons: without a counted preference": 1,
    }


# --- several people, and how sure they are ----------------------------------------------------------------


def test_the_votes_are_those_of_all_who_count() -> None:
    people = [prefers("left"), prefers("left"), prefers("right"), prefers("tie"), prefers("left", is_suspended=True)]
    (row,) = rows("reward-pairs", compared(*people))
    assert row["votes"] == {"chosen": 2, "rejected": 1, "tie": 1}


@pytest.mark.parametrize(("share", "is_kept"), [(0.5, True), (0.6, True), (0.75, False), (1, False)])
def test_a_smaller_share_than_the_policy_asks_for_makes_no_pair(share: float, is_kept: bool) -> None:
    record, tally = compared(prefers("left"), prefers("left"), prefers("right")), Tally()
    assert bool(rows("dpo", record, tally, minimum_share=share)) is is_kept
    assert tally.left_out == (
        {} if is_kept else {"comparisons: a smaller share of people agrees than minimum_share": 1}
    )


@pytest.mark.parametrize(("scale", "margin"), [("large", 1.0), ("small", pytest.approx(1 / 3))])
def test_the_margin_may_be_the_lead_in_votes(scale: str, margin: float) -> None:
    record = compared(prefers("left", "negligibly"), prefers("left"), prefers("right"))
    (row,) = rows("reward-pairs", record, margin_rule="votes", margins=scale)
    assert row["margin"] == margin
    tied = rows("reward-pairs", compared(prefers("tie")), margin_rule="votes", ties="both_ways")
    assert [row["margin"] for row in tied] == [0.0, 0.0]
    minority = rows("reward-pairs", record, margin_rule="votes", people="each")
    assert [row["margin"] for row in minority] == [1.0, 1.0, 0.0]


def test_the_margin_may_be_the_difference_of_verifier_scores() -> None:
    scores = {"margin_rule": "scores", "pair_score": "verifier_score"}
    sides = ComparisonRecord(left=solution("a", verifier_score=0.75), right=solution("b", verifier_score=0.25))
    record = Record(problem=ProblemRecord(statement="What?"), comparison=sides, people=[prefers("left", "clearly")])
    assert rows("reward-pairs", record, **scores)[0]["margin"] == 0.5
    against = structs.replace(record, people=[prefers("right", "clearly")])
    assert rows("reward-pairs", against, **scores)[0]["margin"] == 0.0, "a margin is never negative"
    assert rows("reward-pairs", compared(prefers("left", "clearly")), **scores)[0]["margin"] == 0.0


def test_two_sides_with_the_same_text_make_no_pair() -> None:
    sides = ComparisonRecord(left=solution("It is 2.", source="a"), right=solution("It is 2.", source="b"))
    record = Record(problem=ProblemRecord(statement="What?"), comparison=sides, people=[prefers("left")])
    for ties in ("drop", "both_ways"):
        tally = Tally()
        assert rows("dpo", record, tally, ties=ties) == []
        assert tally.left_out == {"comparisons: both sides have the same text": 1}


def test_the_card_says_when_all_margins_are_zero() -> None:
    format_, policy = FORMATS["reward-pairs"], LabelPolicy()
    without, with_one = Tally(), Tally()
    rows("reward-pairs", compared(prefers("left")), without)
    rows("reward-pairs", compared(prefers("left")), with_one)
    rows("reward-pairs", compared(prefers("left", "clearly")), with_one)
    assert [*format_.notices(policy, without)] == [NO_MARGINS]
    assert [*format_.notices(policy, with_one)] == []
    assert [*FORMATS["dpo"].notices(policy, without)] == [], "it has no margins"


@pytest.mark.parametrize(
    ("format_", "policy", "key"),
    [
        ("dpo", {"pairs": []}, "pairs"),
        ("dpo", {"pairs": ["ratings"]}, "pairs[0]"),
        ("dpo", {"pairs": ["answers"], "answers": "right"}, "answers"),
        ("dpo", {"pairs": ["labels"], "people": "each"}, "people"),
        ("dpo", {"pairs": ["labels"], "neutral": "own_class"}, "neutral"),
        ("dpo", {"pairs": ["answers"], "minimum_share": 0.8}, "minimum_share"),
        ("dpo", {"people": "first", "minimum_share": 0.8}, "minimum_share"),
        ("dpo", {"minimum_share": 0.4}, "minimum_share"),
        ("dpo", {"minimum_share": 1.1}, "minimum_share"),
        ("dpo", {"pairs_per_problem": -1}, "pairs_per_problem"),
        ("reward-pairs", {"pairs": ["labels"], "margin_rule": "votes"}, "margin_rule"),
        ("reward-pairs", {"margin_rule": "scores"}, "pair_score"),
        ("orm", {"prompts": "llama_factory"}, "prompts"),
    ],
)
def test_a_policy_that_pairs_cannot_follow_is_refused_by_its_key(
    format_: str, policy: dict[str, Any], key: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        rows(format_, compared(prefers("left")), **policy)
    assert refused.value.key == key


# --- the forms that each reader takes ---------------------------------------------------------------------


def test_pairs_for_llama_factory_have_one_message_on_each_side() -> None:
    assert rows("dpo", compared(prefers("left")), prompts="llama_factory") == [
        {
            "conversations": [{"from": "human", "value": "What is 1 + 1?"}],
            "chosen": {"from": "gpt", "value": "One.\nIt is 2."},
            "rejected": {"from": "gpt", "value": "One.\nIt is 3."},
        }
    ]


def test_pairs_for_ms_swift_have_the_whole_dialogue_twice() -> None:
    question = {"role": "user", "content": "What is 1 + 1?"}
    assert rows("dpo", compared(prefers("left")), prompts="ms_swift") == [
        {
            "messages": [question, {"role": "assistant", "content": "One.\nIt is 2."}],
            "rejected_messages": [question, {"role": "assistant", "content": "One.\nIt is 3."}],
        }
    ]


def dialogue(*roles: str) -> Record:
    messages = [{"role": role, "content": f"{number}."} for number, role in enumerate(roles)]
    problem = ProblemRecord(statement="...", extras={"messages": messages})
    return structs.replace(compared(prefers("left")), problem=problem)


@pytest.mark.parametrize(
    "roles", [("user",), ("system", "user"), ("user", "assistant", "user"), ("user", "gpt", "tool")]
)
def test_llama_factory_reads_dialogues_whose_turns_alternate(roles: tuple[str, ...]) -> None:
    (row,) = rows("dpo", dialogue(*roles), prompts="llama_factory")
    names = {"user": "human", "gpt": "gpt", "assistant": "gpt", "system": "system", "tool": "observation"}
    assert [turn["from"] for turn in row["conversations"]] == [names[role] for role in roles]


@pytest.mark.parametrize("roles", [("user", "user"), ("assistant",), ("user", "assistant"), ("user", "system", "user")])
def test_a_dialogue_that_llama_factory_would_skip_is_left_out_and_counted(roles: tuple[str, ...]) -> None:
    tally = Tally()
    assert rows("dpo", dialogue(*roles), tally, prompts="llama_factory") == []
    assert tally.left_out == {"comparisons: the dialogue's turns do not alternate, as LLaMA-Factory requires": 1}
    assert len(rows("dpo", dialogue(*roles), prompts="ms_swift")) == 1


@pytest.mark.parametrize("format_", ["dpo", "reward-pairs"])
@pytest.mark.parametrize("prompts", ["standard", "conversational", "llama_factory"])
def test_what_is_written_for_a_reader_can_be_imported_again(format_: str, prompts: str) -> None:
    (row,) = rows(format_, compared(prefers("right", "clearly")), prompts=prompts)
    (again,) = READERS["preference"].read(row, ReaderOptions(margins="large"))
    assert again.problem.statement.strip() == "What is 1 + 1?"
    assert rows(format_, again, prompts=prompts) == [row]
