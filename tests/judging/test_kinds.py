"""Kinds of judging: what is asked, in which order, and what the replies come to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import DomainError
from apps.corpus.labels import BAD, GREAT, OKAY, first_error
from apps.judging.constitutions import constitution_of
from apps.judging.kinds import (
    KINDS,
    Ask,
    ComparisonCase,
    Kind,
    Result,
    SolutionCase,
    full_options,
    kind_of,
    reference_text,
)
from apps.judging.kinds.draw import drawn_principles
from apps.judging.kinds.pairs import middle_margin
from apps.judging.parsers import Reply
from apps.judging.prompts import newest_prompts, prompt_of
from apps.judging.verdicts import (
    OutcomeVerdict,
    PreferenceVerdict,
    Reading,
    StepsVerdict,
    TextVerdict,
    read,
    refused,
    unreadable,
)

STEPS = ("8 * 47 = 376", "376 + 5 = 380", "So 380.")
CASE = SolutionCase("What is 8 * 47 + 5?", STEPS)
PAIR = ComparisonCase("What is 8 * 47 + 5?", ("8 * 47 = 376", "381"), ("It is 380.",))
PRINCIPLES = constitution_of("default").principles
UNREAD, REFUSED = unreadable("No box."), refused("It refuses.")


def judged(kind: Kind[Any, Any], case: Any, judge: Callable[[Ask], str]) -> Result:
    """The result of a judge that replies with a text to each request."""
    readings: dict[int, Reading] = {}
    while asks := kind.asks(case, readings):
        readings |= {ask.slot: ask.read(Reply(judge(ask), "stop")) for ask in asks}
    assert len(readings) <= kind.requests
    return kind.result(case, readings)


def of(name: str, **options: Any) -> Kind[Any, Any]:
    return kind_of(prompt_of(name), options, PRINCIPLES)


# --- all kinds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", newest_prompts(), ids=lambda prompt: prompt.name)
def test_every_prompt_asks_until_it_is_done_and_no_more_than_announced(prompt: Any) -> None:
    kind = kind_of(prompt, {}, PRINCIPLES)
    case = replace(CASE if kind.of == "solution" else PAIR, reference="The answer: 381")
    assert kind.obstacle(case) == ""
    readings: dict[int, Reading] = {}
    while asks := kind.asks(case, readings):
        assert [ask.slot for ask in asks] == sorted(ask.slot for ask in asks)
        assert all(ask.temperature == 0 and ask.max_tokens == prompt.max_tokens for ask in asks)
        assert all(ask.schema == prompt.schema for ask in asks)
        readings |= {ask.slot: read(TextVerdict("x")) if kind.name == "critique-revise" else UNREAD for ask in asks}
    assert set(readings) == set(range(kind.requests))


@pytest.mark.parametrize("reading", [UNREAD, REFUSED])
@pytest.mark.parametrize("prompt", newest_prompts(), ids=lambda prompt: prompt.name)
def test_a_judge_that_gives_no_verdict_leaves_none(prompt: Any, reading: Reading) -> None:
    kind = kind_of(prompt, {}, PRINCIPLES)
    case = CASE if kind.of == "solution" else PAIR
    result = kind.result(case, dict.fromkeys(range(kind.requests), reading))
    assert result.outcome == reading.state
    assert reading.reason in result.sentence
    assert result == replace(
        result, first_error=None, ratings={}, passes=None, choice=None, margin=None, share=None, revisions=()
    )
    assert kind.result(case, {}).outcome == "unreadable"


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"votes": 0}, ">= 1"),
        ({"votes": 65}, "<= 64"),
        ({"revisions": 9}, "<= 8"),
        ({"temperature": 2.5}, "<= 2.0"),
        ({"max_tokens": 0}, ">= 1"),
        ({"principles": "some"}, "Invalid enum value 'some'"),
        ({"loudness": 3}, "unknown field `loudness`"),
    ],
)
def test_options_out_of_range_are_refused_by_name(name: str, options: Mapping[str, Any], problem: str) -> None:
    option = next(iter(options))
    with pytest.raises(DomainError, match=f"Invalid options of {name}") as error:
        full_options(name, options)
    assert problem in error.value.fields["options"] or f"unknown field `{option}`" in error.value.fields["options"]


def test_options_are_frozen_with_their_defaults() -> None:
    assert full_options("principle", {"votes": 3}) == {
        "temperature": None,
        "max_tokens": None,
        "votes": 3,
        "principles": "sample",
    }
    assert full_options("critique-revise", {}) == {"temperature": None, "max_tokens": None, "revisions": 1}
    with pytest.raises(DomainError, match="Unknown kind 'nope'"):
        full_options("nope", {})


@pytest.mark.parametrize("name", ["principle", "critique-revise"])
def test_a_kind_with_principles_needs_a_constitution(name: str) -> None:
    with pytest.raises(DomainError) as error:
        kind_of(prompt_of(name), {}, ())
    assert error.value.fields == {"constitution": "must have at least one principle"}


@pytest.mark.parametrize(
    ("name", "options", "temperature", "tokens"),
    [
        ("critic", {}, 0, 1024),
        ("critic", {"votes": 2}, 1, 1024),
        ("critic", {"votes": 2, "temperature": 0}, 0, 1024),
        ("critic", {"temperature": 0.7, "max_tokens": 5}, 0.7, 5),
        ("principle", {"votes": 2}, 1, 8192),
        ("critique-revise", {"revisions": 2}, 0, 8192),
    ],
)
def test_several_votes_have_a_temperature(name: str, options: dict[str, Any], temperature: float, tokens: int) -> None:
    kind = of(name, **options)
    ask = kind.asks(CASE if kind.of == "solution" else PAIR, {})[0]
    assert (ask.temperature, ask.max_tokens) == (temperature, tokens)


def test_what_cannot_be_judged_has_a_reason() -> None:
    assert "no reference" in of("outcome-reference").obstacle(CASE)
    assert of("outcome").obstacle(CASE) == ""
    assert "no step" in of("outcome").obstacle(SolutionCase("p", ()))
    assert "no step" in of("comparison").obstacle(replace(PAIR, right=(" ",)))


def test_a_reference_is_an_answer_a_solution_or_both() -> None:
    assert reference_text("381", "") == "The answer: 381"
    assert reference_text("", "We add. ") == "We add."
    assert reference_text("381", "We add.") == "The answer: 381\n\nWe add."
    assert reference_text(" ", "\n") == ""


def test_the_reference_is_shown_only_where_the_prompt_has_a_place_for_it() -> None:
    case = replace(CASE, reference="The answer: 381")
    assert "The answer: 381" in of("outcome-reference").asks(case, {})[0].prompt.problem
    assert "The answer: 381" not in of("outcome").asks(case, {})[0].prompt.problem
    assert case.reference in of("outcome-reference").asks(case, {})[0].shown.texts
    assert case.reference not in of("outcome").asks(case, {})[0].shown.texts


# --- steps ------------------------------------------------------------------------------------------------


def steps_reading(*ratings: int, reasons: Mapping[int, str] | None = None) -> Reading:
    return read(StepsVerdict(dict(enumerate(ratings)), reasons or {}))


def steps_result(*readings: Reading) -> Result:
    return of("critic", votes=len(readings)).result(CASE, dict(enumerate(readings)))


def test_one_vote_is_the_verdict_and_has_no_share() -> None:
    result = steps_result(steps_reading(GREAT, BAD, reasons={0: "fine", 1: "381"}))
    assert result == Result(
        "verdict", votes={"1": 1}, first_error=1, ratings={0: GREAT, 1: BAD}, reasons={0: "fine", 1: "381"}
    )


def test_the_most_frequent_first_error_wins_with_its_share_of_all_votes() -> None:
    result = steps_result(
        steps_reading(GREAT, BAD),
        steps_reading(BAD),
        steps_reading(GREAT, BAD),
        UNREAD,
        steps_reading(OKAY, GREAT, OKAY),
    )
    assert (result.outcome, result.first_error, result.share) == ("verdict", 1, 0.4)
    assert result.votes == {"-1": 1, "0": 1, "1": 2, "unreadable": 1}


def test_a_tie_is_no_verdict() -> None:
    result = steps_result(steps_reading(BAD), steps_reading(GREAT, GREAT, GREAT))
    assert result.outcome == "tied"
    assert result.sentence == "The votes are tied, with 1 each for no bad step, step 1."
    assert (result.first_error, result.ratings) == (None, {})


def test_a_few_verdicts_of_a_judge_that_cannot_be_read_are_none() -> None:
    result = steps_result(steps_reading(BAD), UNREAD, UNREAD, REFUSED)
    assert (result.outcome, result.first_error) == ("unreadable", None)
    assert result.sentence == "Only 1 of 4 replies have a verdict. No box."
    assert result.votes == {"verdict": 1, "refusal": 1, "unreadable": 2}
    assert steps_result(steps_reading(BAD), UNREAD, REFUSED, REFUSED).outcome == "refusal"
    assert steps_result(steps_reading(BAD), UNREAD).outcome == "unreadable"


def test_ratings_are_the_most_frequent_of_the_winning_votes() -> None:
    result = steps_result(
        steps_reading(GREAT, GREAT, BAD),
        steps_reading(GREAT, OKAY, BAD),
        steps_reading(OKAY, OKAY, BAD),
        steps_reading(BAD, GREAT, GREAT),
    )
    assert result.first_error == 2
    assert result.ratings == {0: GREAT, 1: OKAY, 2: BAD}


def test_reasons_are_those_of_one_winning_vote() -> None:
    result = steps_result(
        steps_reading(OKAY, BAD, reasons={0: "not counted", 1: "a"}),
        steps_reading(GREAT, BAD, reasons={0: "b0", 1: "b1"}),
        steps_reading(GREAT, BAD, reasons={1: "c"}),
        steps_reading(BAD, reasons={0: "another first error"}),
    )
    assert result.reasons == {0: "b0", 1: "b1"}


@st.composite
def votes(draw: st.DrawFn) -> list[Reading]:
    def reading() -> Reading:
        error = draw(st.integers(-1, 2))
        good = st.sampled_from([OKAY, GREAT])
        before = draw(st.lists(good, min_size=(length := 3 if error < 0 else error), max_size=length))
        after = draw(st.lists(st.sampled_from([BAD, OKAY, GREAT]), max_size=2 - error)) if error >= 0 else []
        return steps_reading(*before, *([BAD] if error >= 0 else []), *after)

    return [
        draw(st.sampled_from([UNREAD, REFUSED])) if draw(st.integers(0, 3)) == 0 else reading()
        for _ in range(draw(st.integers(1, 9)))
    ]


@given(votes())
def test_the_combined_ratings_have_the_winning_first_error(readings: list[Reading]) -> None:
    result = steps_result(*readings)
    if result.outcome != "verdict":
        assert result.sentence
        assert (result.first_error, result.ratings, result.reasons) == (None, {}, {})
        return
    assert first_error(result.ratings, 3) == result.first_error
    errors = [reading.verdict.first_error for reading in readings if isinstance(reading.verdict, StepsVerdict)]
    winner = errors.count(result.first_error)
    assert all(errors.count(error) < winner for error in set(errors) - {result.first_error})
    assert result.share == (winner / len(readings) if len(readings) > 1 else None)
    assert sum(result.votes.values()) == len(readings)


def test_asks_are_only_for_slots_without_a_final_reading() -> None:
    kind = of("critic", votes=3)
    assert [ask.slot for ask in kind.asks(CASE, {1: UNREAD})] == [0, 2]


# --- outcome ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replies", "outcome", "passes", "share"),
    [
        (["pass"], "verdict", True, None),
        (["fail"], "verdict", False, None),
        (["pass", "fail", "pass"], "verdict", True, 2 / 3),
        (["pass", "fail"], "tied", None, None),
        (["fail", "fail", "?", "?"], "unreadable", None, None),
        (["fail", "fail", "?"], "verdict", False, 2 / 3),
    ],
)
def test_outcomes(replies: list[str], outcome: str, passes: bool | None, share: float | None) -> None:
    kind = of("outcome", votes=len(replies))
    result = judged(kind, CASE, lambda ask: f'{{"reason": "r", "verdict": "{replies[ask.slot]}"}}')
    assert (result.outcome, result.passes, result.share) == (outcome, passes, share)
    assert result.reason == ("r" if outcome == "verdict" else "")


def test_the_reason_of_an_outcome_is_of_a_vote_that_won() -> None:
    verdicts = [OutcomeVerdict(False, "lost"), OutcomeVerdict(True, "won"), OutcomeVerdict(True, "also")]
    result = of("outcome", votes=3).result(CASE, dict(enumerate(map(read, verdicts))))
    assert result.reason == "won"


# --- comparisons ------------------------------------------------------------------------------------------


def first_solution(ask: Ask) -> str:
    match = re.search(r"<solution_a>\n(.*?)\n</solution_a>", ask.prompt.problem, re.DOTALL)
    assert match is not None
    return match.group(1)


def prefers(text: str, margin: str = "clearly") -> Callable[[Ask], str]:
    """A judge that sees which one is better, wherever it is shown."""
    return lambda ask: f'{{"choice": "{"A" if first_solution(ask) == text else "B"}", "margin": "{margin}"}}'


@pytest.mark.parametrize("name", ["comparison", "principle"])
@pytest.mark.parametrize("options", [{}, {"votes": 5}])
@pytest.mark.parametrize("letter", ["A", "B"])
def test_a_judge_that_always_says_the_same_letter_is_inconsistent(
    name: str, options: dict[str, Any], letter: str
) -> None:
    result = judged(of(name, **options), PAIR, lambda ask: f'{{"choice": "{letter}", "margin": "clearly"}}')
    assert (result.outcome, result.is_consistent) == ("inconsistent", False)
    assert (result.choice, result.margin, result.share) == (None, None, None)
    asked = 2 * options.get("votes", 1)
    place = "first" if letter == "A" else "second"
    assert result.shown_first == {"first": 0, "second": 0, "neither": 0} | {place: asked}
    assert {pair.outcome for pair in result.pairs} == {"inconsistent"}
    assert "order" in result.sentence or "side first" in result.sentence


@pytest.mark.parametrize("name", ["comparison", "principle"])
@pytest.mark.parametrize(("text", "choice"), [(PAIR.left_text, "left"), (PAIR.right_text, "right")])
@pytest.mark.parametrize("options", [{}, {"votes": 3}])
def test_a_judge_that_looks_at_the_solutions_is_read_in_both_orders(
    name: str, text: str, choice: str, options: dict[str, Any]
) -> None:
    result = judged(of(name, **options), PAIR, prefers(text))
    assert (result.outcome, result.choice, result.margin, result.is_consistent) == ("verdict", choice, "clearly", True)
    asked = options.get("votes", 1)
    assert result.shown_first == {"first": asked, "second": asked, "neither": 0}
    assert result.share == (1.0 if options else None)


def test_a_tie_is_consistent_with_itself() -> None:
    result = judged(of("comparison"), PAIR, lambda ask: '{"choice": "tie", "margin": null}')
    assert (result.outcome, result.choice, result.margin, result.is_consistent) == ("verdict", "tie", None, True)


def test_a_tie_in_one_order_only_is_inconsistent() -> None:
    result = judged(of("comparison"), PAIR, lambda ask: f'{{"choice": "{"tie" if ask.slot else "A"}", "margin": null}}')
    assert result.outcome == "inconsistent"
    assert result.sentence == "With the left side first the verdict is left, with the right side first tie."


def pairs_result(*pairs: tuple[str, str]) -> Result:
    """The result of pairs of letters, as the judge says them in order 0 and in order 1; others cannot be read."""

    def reading(letter: str) -> Reading:
        choice = {"A": "left", "B": "right", "t": "tie"}.get(letter)
        return {"r": REFUSED, "?": UNREAD}[letter] if choice is None else read(PreferenceVerdict(choice))

    kind = of("comparison", votes=len(pairs))
    readings = {number: reading(first) for number, (first, _) in enumerate(pairs)}
    readings |= {len(pairs) + number: reading(second) for number, (_, second) in enumerate(pairs)}
    return kind.result(PAIR, readings)


@pytest.mark.parametrize(
    ("pairs", "outcome", "choice", "share"),
    [
        (["AB", "AB", "BA"], "verdict", "left", 2 / 3),
        (["AB", "BA", "AA", "AB"], "verdict", "left", 0.5),
        (["AB", "BA"], "tied", None, None),
        (["AB", "AA"], "inconsistent", None, None),
        (["AB", "AA", "BB"], "inconsistent", None, None),
        (["tt", "AB", "tt"], "verdict", "tie", 2 / 3),
        (["AB", "A?", "??"], "unreadable", None, None),
        (["AB", "AB", "A?"], "verdict", "left", 2 / 3),
        (["rA", "rr", "AB"], "refusal", None, None),
    ],
)
def test_only_consistent_pairs_vote(pairs: list[str], outcome: str, choice: str | None, share: float | None) -> None:
    result = pairs_result(*[(pair[0], pair[1]) for pair in pairs])
    assert (result.outcome, result.choice, result.share) == (outcome, choice, share)
    if outcome == "verdict":
        assert sum(result.votes.values()) == len(pairs)


def test_both_orders_show_the_same_two_and_the_reason_names_the_left_one_a() -> None:
    asks = of("comparison", votes=2).asks(PAIR, {})
    assert [first_solution(ask) for ask in asks] == [PAIR.left_text] * 2 + [PAIR.right_text] * 2
    result = judged(
        of("comparison"), PAIR, lambda ask: f'{{"choice": "{"BA"[ask.slot]}", "reason": "order {ask.slot}"}}'
    )
    assert (result.choice, result.reason) == ("right", "order 0")


@pytest.mark.parametrize(
    ("margins", "middle"),
    [
        (["clearly"], "clearly"),
        (["significantly", "negligibly"], "negligibly"),
        (["slightly", "significantly", "clearly"], "clearly"),
        ([], None),
    ],
)
def test_of_two_margins_the_smaller_one_counts(margins: list[str], middle: str | None) -> None:
    assert middle_margin(margins) == middle


# --- principles -------------------------------------------------------------------------------------------


def test_both_orders_of_a_pair_are_asked_by_the_same_principle() -> None:
    kind = of("principle", votes=3)
    asks = kind.asks(PAIR, {})
    names = [ask.principle for ask in asks]
    assert names[:3] == names[3:]
    assert len(set(names[:3])) == 3
    by_name = {principle.name: principle for principle in PRINCIPLES}
    assert all(by_name[ask.principle].question in ask.prompt.problem for ask in asks)


def test_all_principles_vote_as_often_as_asked() -> None:
    kind = of("principle", votes=2, principles="all")
    assert kind.requests == 4 * len(PRINCIPLES)
    result = judged(kind, PAIR, prefers(PAIR.right_text))
    assert (result.choice, result.share) == ("right", 1.0)
    assert result.principles == tuple(principle.name for principle in PRINCIPLES)
    assert [pair.principle for pair in result.pairs][:3] == [PRINCIPLES[0].name] * 2 + [PRINCIPLES[1].name]


def test_principles_are_drawn_by_the_seed_and_evenly() -> None:
    drawn = [drawn_principles(PRINCIPLES, seed, 1)[0].name for seed in range(2000)]
    assert drawn[:50] == [drawn_principles(PRINCIPLES, seed, 1)[0].name for seed in range(50)]
    counts = [drawn.count(principle.name) for principle in PRINCIPLES]
    expected = 2000 / len(PRINCIPLES)
    chi2 = sum((count - expected) ** 2 / expected for count in counts)
    assert chi2 < 26.1  # The 0.999 quantile for 8 degrees of freedom.
    many = drawn_principles(PRINCIPLES, 1, 2 * len(PRINCIPLES))
    assert all(many.count(principle) == 2 for principle in PRINCIPLES)


# --- critique and revision --------------------------------------------------------------------------------


def test_each_round_revises_the_text_of_the_round_before() -> None:
    kind = of("critique-revise", revisions=3)
    prompts: list[str] = []

    def judge(ask: Ask) -> str:
        prompts.append(ask.prompt.problem)
        number = ask.slot // 2
        return f"critique {number}" if ask.slot % 2 == 0 else f"<revision>text {number}</revision>"

    result = judged(kind, CASE, judge)
    assert result.outcome == "verdict"
    assert [(made.critique, made.text) for made in result.revisions] == [
        (f"critique {n}", f"text {n}") for n in range(3)
    ]
    assert [made.principle for made in result.revisions] == [principle.name for principle in kind.principles_of(CASE)]
    assert len(set(result.principles)) == 3
    assert CASE.text in prompts[0]
    assert CASE.text in prompts[1]
    assert "critique 0" in prompts[1]
    assert "text 0" in prompts[2]
    assert CASE.text not in prompts[2]


def test_one_request_at_a_time_and_none_after_a_failure() -> None:
    kind = of("critique-revise", revisions=2)
    critique, revision = read(TextVerdict("c")), read(TextVerdict("r"))
    assert [ask.slot for ask in kind.asks(CASE, {})] == [0]
    assert [ask.slot for ask in kind.asks(CASE, {0: critique})] == [1]
    assert [ask.slot for ask in kind.asks(CASE, {0: critique, 1: revision})] == [2]
    assert kind.asks(CASE, {0: UNREAD}) == []
    assert kind.asks(CASE, {0: critique, 1: REFUSED}) == []


def test_what_was_revised_before_a_failure_stays() -> None:
    kind = of("critique-revise", revisions=2)
    readings = {0: read(TextVerdict("c")), 1: read(TextVerdict("r")), 2: read(TextVerdict("d")), 3: REFUSED}
    result = kind.result(CASE, readings)
    assert (result.outcome, result.sentence) == ("refusal", "It ended at revision 2 of 2. It refuses.")
    assert [made.text for made in result.revisions] == ["r"]
    assert len(result.principles) == 1


def test_a_revision_that_changes_nothing_is_marked() -> None:
    text = "\n".join(STEPS)
    result = judged(
        of("critique-revise"), CASE, lambda ask: "Nothing." if ask.slot == 0 else f"<revision>{text}</revision>"
    )
    assert [made.is_changed for made in result.revisions] == [False]
