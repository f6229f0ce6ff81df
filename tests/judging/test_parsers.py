"""Parsers never raise and never guess, and read a verdict in the form that prompts ask for."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import BAD, GREAT, MARGINS, OKAY, UNKNOWN
from apps.judging.parsers import PARSERS, Reply, Shown, read_reply
from apps.judging.parsers.boxed import index_of
from apps.judging.parsers.loose_json import json_values, unescaped
from apps.judging.parsers.reply_text import visible_text
from apps.judging.verdicts import (
    OutcomeVerdict,
    PreferenceVerdict,
    Reading,
    StepsVerdict,
    TextVerdict,
    refused,
    unreadable,
)

SHOWN = Shown(4, ("The answer is \\boxed{2}.",))
WORDS = {GREAT: "good", OKAY: "okay", BAD: "bad"}
# Pieces of which replies are made, so that random texts come close to verdicts.
_MARKS = "{ } [ ] , : \" ' \\ ``` // /* | ** \\boxed{ [0] [[A]] <think> </think> <revision> </revision> \\u00 \\frac"
_PARTS = (
    'step rating good bad okay tie Verdict: "step":0 {"step": "verdict":"pass" "choice":"A" "margin":"clearly" -1 0 1 2'
)
PIECES = st.sampled_from(
    [*_MARKS.split(), *_PARTS.split(), " ", "\n", "9" * 30, "\ud800", "\x00", "I'm sorry, but I can't help"]
)
REPLIES = st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=30).map("".join))
# Reasons as models write them in one line, with the signs that matter to JSON and LaTeX.
REASONS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, blacklist_characters="\\\x7f\x85\xa0\xad"), max_size=40
).map(str.strip)


@st.composite
def steps_verdicts(draw: st.DrawFn) -> tuple[StepsVerdict, int]:
    """A verdict that stops at its first bad step, and the number of steps."""
    length = draw(st.integers(1, 8))
    error = draw(st.integers(-1, length - 1))
    count = length if error < 0 else error
    ratings = dict(enumerate(draw(st.lists(st.sampled_from([OKAY, GREAT]), min_size=count, max_size=count))))
    ratings |= {error: BAD} if error >= 0 else {}
    reasons = {position: reason for position in ratings if (reason := draw(REASONS))}
    return StepsVerdict(ratings, reasons), length


@pytest.mark.parametrize("name", list(PARSERS))
@given(text=REPLIES, reason=st.sampled_from(["stop", "length", "", "content_filter"]), is_cut=st.booleans())
def test_no_reply_makes_a_parser_raise(name: str, text: str, reason: str, is_cut: bool) -> None:
    reading = read_reply(name, Reply(text, reason, is_cut), SHOWN)
    assert (reading.verdict is not None) == (reading.state == "verdict")
    assert bool(reading.reason) == (reading.state != "verdict")
    stored = json.dumps(reading.to_dict())
    assert "\\u0000" not in stored
    assert Reading.from_dict(json.loads(stored)) == reading
    if isinstance(reading.verdict, StepsVerdict):
        assert reading.verdict.first_error in range(-1, 4)
        assert set(reading.verdict.ratings) <= set(range(4))


@given(steps_verdicts())
def test_a_first_error_in_the_asked_form_is_read_as_it_is(case: tuple[StepsVerdict, int]) -> None:
    verdict, length = case
    ratings = {position: BAD if rating == BAD else GREAT for position, rating in verdict.ratings.items()}
    lines = [f"[{position}] {verdict.reasons.get(position, '')}" for position in ratings]
    text = "\n".join([*lines, "", f"\\boxed{{{verdict.first_error}}}"])
    reading = read_reply("boxed", Reply(text, "stop"), Shown(length))
    assert isinstance(reading.verdict, StepsVerdict), reading
    assert reading.verdict.ratings == ratings
    assert reading.verdict.first_error == verdict.first_error


@given(steps_verdicts(), st.sampled_from([None, 2]), st.booleans())
def test_ratings_in_the_asked_form_are_read_as_they_are(
    case: tuple[StepsVerdict, int], indent: int | None, is_fenced: bool
) -> None:
    verdict, length = case
    rows = [
        {"step": position, "reason": verdict.reasons.get(position, ""), "rating": WORDS[rating]}
        for position, rating in verdict.ratings.items()
    ]
    text = json.dumps({"steps": rows}, indent=indent, ensure_ascii=False)
    reading = read_reply("ratings", Reply(f"```json\n{text}\n```" if is_fenced else text, "stop"), Shown(length))
    assert reading.verdict == verdict


@given(st.booleans(), REASONS)
def test_an_outcome_in_the_asked_form_is_read_as_it_is(passes: bool, reason: str) -> None:
    text = json.dumps({"analysis": "", "reason": reason, "verdict": "pass" if passes else "fail"})
    assert read_reply("pass-fail", Reply(text), Shown()).verdict == OutcomeVerdict(passes, reason)


@given(st.sampled_from(["left", "right", "tie"]), st.sampled_from([None, *MARGINS]), REASONS)
def test_a_preference_in_the_asked_form_is_read_as_it_is(choice: str, margin: str | None, reason: str) -> None:
    margin = None if choice == "tie" else margin
    letter = {"left": "A", "right": "B", "tie": "tie"}[choice]
    text = json.dumps({"analysis": "", "reason": reason, "choice": letter, "margin": margin})
    assert read_reply("preference", Reply(text), Shown()).verdict == PreferenceVerdict(choice, margin, reason)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1).filter(lambda text: "<" not in text))
def test_a_revision_in_the_asked_form_is_read_as_it_is(text: str) -> None:
    reading = read_reply("revision", Reply(f"<revision>\n{text}\n</revision>"), Shown())
    assert reading.verdict == TextVerdict(text)


@given(steps_verdicts(), st.data())
def test_a_cut_reply_has_no_verdict_or_the_whole_one(case: tuple[StepsVerdict, int], data: st.DataObject) -> None:
    verdict, length = case
    for name, text in {
        "boxed": f"[0] fine.\n\n\\boxed{{{verdict.first_error}}}",
        "ratings": json.dumps(
            {"steps": [{"step": key, "rating": WORDS[value]} for key, value in verdict.ratings.items()]}
        ),
    }.items():
        cut = text[: data.draw(st.integers(0, len(text)))]
        reading = read_reply(name, Reply(cut, "length", is_cut=True), Shown(length))
        if isinstance(reading.verdict, StepsVerdict):
            assert reading.verdict.first_error == verdict.first_error
        else:
            assert reading.state == "unreadable"


# --- JSON -------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\\\x00\b\f\t\r\n"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc_", min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc", min_size=1), VALUES, min_size=1), st.sampled_from([None, 1]), st.booleans())
def test_json_is_read_as_json(value: dict[str, object], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = json_values(f"As asked: {text} That is all.")
    assert [part.value for part in found if isinstance(part.value, dict)] == [value]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('{"a": 1,}', {"a": 1}),
        ("{'a': 'it's'}", {"a": "it's"}),
        ('{"a": "the "sum" is wrong"}', {"a": 'the "sum" is wrong'}),
        ("{a: True, b: None}", {"a": True, "b": None}),
        ('{"a": "x" /* why */, // end\n "b": 2}', {"a": "x", "b": 2}),
        ("{“a”: “x”}", {"a": "x"}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": 1, "a": 1}', {"a": 1}),
    ],
)
def test_json_as_models_write_it_is_read(written: str, value: object) -> None:
    assert [part.value for part in json_values(written)] == [value]


@pytest.mark.parametrize(
    "written", ['{"a": 1, "a": 2}', '{"a": ', '{"a": "x" "b": 1}', '{"a": bad}', '[{"a": 1}, {"b"']
)
def test_json_that_is_broken_is_reported_as_such(written: str) -> None:
    assert [part.is_broken for part in json_values(written)] == [True]


@pytest.mark.parametrize(
    "written", ["\\frac{1}{2}", "the set {1, 2}", "f(x) = {x: x > 0", "[[A]]", "{problem}", "{}}{"]
)
def test_braces_of_formulas_are_no_json(written: str) -> None:
    assert [part.value for part in json_values(written) if part.value] == []


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (
            r"\frac{1}{2} \times \beta \neq \rho \text{x} \uparrow",
            r"\frac{1}{2} \times \beta \neq \rho \text{x} \uparrow",
        ),
        (r"\\frac{1}{2}", r"\frac{1}{2}"),
        (r"a\nb\tc\"d\/", 'a\nb\tc"d/'),
        (r"\u00e9 \ud83d\ude00 \ud83d \u0000", "é 😀 \ufffd \ufffd"),
        (r"\( x \) 5\% \$", r"\( x \) 5\% \$"),
        ("end\\", "end\\"),
    ],
)
def test_escapes_are_read_and_commands_of_latex_kept(literal: str, text: str) -> None:
    assert unescaped(literal) == text


# --- the rest ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "index"),
    [
        ("2", 2),
        (" 2 ", 2),
        ("-1", -1),
        ("−1", -1),
        ("\\text{2}", 2),
        ("\\textbf{-1}", -1),
        ("step 2", 2),
        ("Step_2", 2),
        ("step_{2}", 2),
        ("paragraph 3", 3),
        ("k=2", 2),
        ("$2$", 2),
        ("2.", 2),
        ("[2]", 2),
        ("२", 2),
        ("２", 2),
        ("2.0", None),
        ("1,2", None),
        ("1-2", None),
        ("none", None),
        ("k", None),
        ("", None),
        ("2nd", None),
        ("x+2", None),
        ("step two", None),
        ("9" * 5000, None),
        ("1/2", None),
        ("1 2", None),
        ("2?", None),
    ],
)
def test_the_number_in_a_box(content: str, index: int | None) -> None:
    assert index_of(content) == index


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("<think>a</think>b", "b"),
        ("a</think>b", "b"),
        ("b<think>a", "b"),
        ("x<think>a</think>y<think>b</think>z", "xyz"),
        ("<think>a<think>b</think>c", "c"),
        ("a</think>b</think>c", "c"),
        ("x<think>a</think>y</think>z", "z"),
        ("[THINK]a[/THINK]b", "b"),
        ("<thinking>\na\n</thinking>\n\nb\n", "b"),
        ("<|channel|>analysis<|message|>a", ""),
        ("a\x00b", "a\ufffdb"),
    ],
)
def test_reasoning_is_no_part_of_the_reply(reply: str, text: str) -> None:
    assert visible_text(reply) == text


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m sorry, I cannot help with this.",
        "I cannot provide an assessment of this material.",
        "Unfortunately, I am unable to judge these solutions.",
        "I must decline to answer.",
        "As an AI language model, I can't comply.",
        "抱歉，我无法完成。",
        "Lo siento, pero no puedo ayudar con eso.",
    ],
)
def test_usual_refusals_are_refusals(text: str) -> None:
    assert read_reply("boxed", Reply(text, "stop"), SHOWN).state == "refusal"


@pytest.mark.parametrize(
    "text", ["I can't find a bad step.", "I cannot determine it.", "Sorry, step 2 is wrong.", "I am sure."]
)
def test_other_replies_without_a_verdict_are_asked_again(text: str) -> None:
    assert read_reply("boxed", Reply(text, "stop"), SHOWN).state == "unreadable"


@pytest.mark.parametrize("reason", ["content_filter", "refusal", "SAFETY", "FinishReason.PROHIBITED_CONTENT"])
def test_a_refusal_of_the_server_or_of_the_message_counts_whatever_the_text(reason: str) -> None:
    assert read_reply("boxed", Reply("\\boxed{1}", reason), SHOWN).state == "refusal"
    assert read_reply("boxed", Reply("\\boxed{1}", "stop", refusal="I can't."), SHOWN).reason == (
        "The model refuses: I can't."
    )


def test_reasons_go_up_to_the_first_error_and_hold_no_box() -> None:
    text = "[0] first\nand more\n\n[1] second\n[2] third: \\boxed{1}\n[3] fourth\n\n**\\boxed{1}**"
    reading = read_reply("boxed", Reply(text, "stop"), SHOWN)
    assert reading.verdict == StepsVerdict({0: GREAT, 1: BAD}, {0: "first\nand more", 1: "second"})


def test_ratings_of_lines_leave_reasons() -> None:
    text = "[0] good: the sum is right.\n[1] The product is wrong. Rating: bad"
    reading = read_reply("ratings", Reply(text, "stop"), SHOWN)
    assert reading.verdict == StepsVerdict({0: GREAT, 1: BAD}, {0: "the sum is right.", 1: "The product is wrong."})


CHOICES = Shown(0, ("Which is prime?\n(A) 4\n(B) 5", "So it is $\\boxed{B}$.", "So it is (A)."))


@pytest.mark.parametrize("text", ["Both conclude \\boxed{A}.", "The right option is\n\nB", "Choice: B", "\\boxed{B}"])
def test_a_letter_may_be_an_answer_to_the_problem(text: str) -> None:
    assert read_reply("preference", Reply(text, "stop"), CHOICES).state == "unreadable"


@pytest.mark.parametrize(
    "text", ['{"choice": "B", "margin": null}', "[[B]]", "Winner: B", "Better solution: Solution B"]
)
def test_a_clear_choice_is_read_also_where_the_problem_offers_letters(text: str) -> None:
    assert read_reply("preference", Reply(text, "stop"), CHOICES).verdict == PreferenceVerdict("right")


def test_a_box_of_the_solution_is_no_outcome() -> None:
    shown = Shown(1, ("Hence she must \\boxed{pass}.",))
    assert read_reply("pass-fail", Reply("It ends with \\boxed{pass}.", "stop"), shown).state == "unreadable"
    assert read_reply(
        "pass-fail", Reply("It ends with \\boxed{pass}.\n\nFAIL", "stop"), shown
    ).verdict == OutcomeVerdict(passes=False, reason="It ends with \\boxed{pass}.")


def test_a_verdict_without_ratings_has_no_first_error() -> None:
    assert StepsVerdict({}).first_error == UNKNOWN


@pytest.mark.parametrize(
    "reading",
    [
        Reading("verdict", StepsVerdict({0: 1, 10: 0, 2: -1}, {10: "x"})),
        Reading("verdict", OutcomeVerdict(passes=False, reason="x")),
        Reading("verdict", PreferenceVerdict("tie")),
        Reading("verdict", TextVerdict("x")),
        refused("x"),
        unreadable("y"),
    ],
)
def test_readings_survive_storage_as_json(reading: Reading) -> None:
    assert Reading.from_dict(json.loads(json.dumps(reading.to_dict()))) == reading


MONSTERS = [
    "[",
    '["',
    "{",
    "[{",
    '{"a":',
    '{a:"',
    "\\boxed{",
    "<think>",
    '"\\',
    "[1] ",
    "| 1 |",
    "Step 1: good\n",
    "[1,",
    " ",
    "\n",
]


@pytest.mark.parametrize("piece", MONSTERS)
@pytest.mark.parametrize("name", list(PARSERS))
def test_monstrous_replies_do_not_hold_up_a_worker(name: str, piece: str) -> None:
    """A quadratic reader would need minutes for a hundred thousand characters: the bound is wide, for busy machines."""
    start = time.process_time()
    reading = read_reply(name, Reply(piece * (100_000 // len(piece)), "stop"), SHOWN)
    assert reading.state in {"unreadable", "verdict"}
    assert time.process_time() - start < 5
