r"""Common phrasings of answers by models: the text around them neither adds a value nor retracts one."""

from __future__ import annotations

import pytest

from apps.verifiers.base import MATCH
from apps.verifiers.choice import quick as compare_choices
from apps.verifiers.extraction.final_answer import extract_answer
from apps.verifiers.extraction.sole_answer import sole_answer
from apps.verifiers.math.verifier import quick

LEADS = ["The answer is ", "**Answer:** ", "Final Answer: ", "### Final Answer\n\n"]
AMOUNTS = ["$18", "\\$18", "$18.00", "18", "$18$", "**18**", "18 dollars", "\\(18\\)"]
BEHIND_AMOUNTS = [
    *(".", ", as expected.", ", which is her daily income.", ", as she sells them daily", ", not $20.", ", not 20."),
    *(", because she sells 9 eggs at $2 each.", " because she sells 9 eggs at $2 each.", ", as Janet sells 9 eggs."),
    *(
        ", leaving her with nothing.",
        ", so she can buy it.",
        " in total.",
        " (9 eggs at $2 each).",
        ", since 9 * 2 = 18.",
    ),
    *(", while Tom earns 9.", ", whereas Tom has 9.", ", but Tom only has 9.", ", although 3 were broken."),
    *(" while the other 3 are pears.", " (the other 3 were eaten).", ", the other 3 were eaten.", ", plus tax."),
    *(", since the other one costs 2.", ", with 2 left over.", ", of which 9 are red.", ", then she goes home."),
    *(
        ", and all is well.",
        ", or so it seems.",
        ", or in other words the total.",
        ", and we are done.",
        " for Tom and Ann.",
    ),
    *(". That's too many for one box, so she needs two.", ". It doesn't add up to 30, so 3 are left."),
    *(
        ". This is too large to list by hand.",
        ". The number is wrong in the book.",
        ". Nope, not 41.",
        ". It isn't 20.",
    ),
    *(". It doesn't fit in one box.", ". That's not enough for two.", ". This isn't possible without a calculator."),
    *(
        ". Let me know if that isn't right.",
        ". Tom's answer of 20 is incorrect.",
        ". The result isn't affected by tax.",
    ),
    *(".\n18", "\n18", "\n18\n18", "\n18.0", ".\n\n18", ".\n\nThe answer is 18.", "\n#### 18"),
    *(".\n\nCheck: 9 x 2 = 18.", ".\n\nTo verify, 18 / 2 = 9, so it is correct."),
    *(
        ".\n\n**Note:** The other approach is wrong because it double counts.",
        ".\n\nExplanation: 16 - 7 = 9; 9 x 2 = 18.",
    ),
]
VALUES = [
    ("$18 a day, every day.", "18"),
    ("$27 each for Tom and Ann", "27"),
    ("$5,250 for each person.", "5250"),
    ("$18 - $2 = $16, which she keeps.", "16"),
    ("120 (or 2 hours)", "120"),
    ("1.5 (or 90 min)", "1.5"),
    ("64 (or 2 gross)", "64"),
    ("6 (or B)", "6"),
    ("50% (or 1/2)", "50%"),
    ("3 feet (or 36 inches)", "3 feet"),
    ("27 (or 3^3)", "27"),
    ("**60** in 4 weeks.", "60"),
    ("$60$ in 3 hours.", "60"),
    ("$\\frac{1}{4}$ of 100", "1/4"),
    ("$\\frac{3}{4}$, which is 0.75.", "3/4"),
    ("$[0, 1)$, since $x < 1$", "[0,1)"),
    ("$(2, 3)$.", "(2,3)"),
    ("$27$, attained at $x = 3$.", "27"),
    ("2, and the other solution -3 is rejected.", "2"),
    ("2 (the other root is -3, which we reject).", "2"),
    ("2, because the other root is -3.", "2"),
    ("1/2\n0.5", "1/2"),
    ("42 apples\n42 apples", "42"),
]
TEXTS = [
    ("Since Tom didn't eat any apples the answer is 27.", "27"),
    ("As we don't count the ends the answer is 27.", "27"),
    ("Don't forget that the answer is 27.", "27"),
    ("We haven't used this yet but the answer is 27.", "27"),
    ("Thus Tom hasn't any left and the answer is 0.", "0"),
    ("You don't need a calculator to see that the answer is 27.", "27"),
    ("Since it isn't divisible by 4 the answer is 27.", "27"),
    ("答案是27个苹果，还剩3个。", "27"),
    ("答案是27，还可以写成$3^3$。", "27"),
    ("答案是27，而不是28。", "27"),
    ("Die Antwort ist 27, während Tom 9 hat.", "27"),
    ("La réponse est 27, soit 3 au cube.", "27"),
    ("La respuesta es 27, ya que 9 y 3 se multiplican.", "27"),
    ("\\boxed{42}. That's too many for one box, so she needs two.", "42"),
]
OPTIONS = [
    *(
        "\n\n- A: it is too small.\n- B: it is too large.",
        "\n\nA is wrong: it is too small.",
        " A is wrong: it is too small.",
    ),
    *("\n\nExplanation:\nA) This doesn't fit the definition.", "\n\nOption A says 2 is odd; this isn't right."),
    *(
        "\n\nA. This is incorrect because 2 is even.\nB. That's wrong.",
        "\n\n**A)** Not correct: it's 3.\n**B)** Wrong.",
    ),
    *("\n\nWhy not A? It is too small.", "\n\nIn A, the value is wrong.", "\n\nNot A: too small.", "\n\nA：这不正确。"),
    *(
        "\n\n* A - This isn't possible.\n* B - It can't be.",
        "\n\nOption A: This is not correct.\nOption B: That's wrong.",
    ),
    *("\n\nOption A can't be right because it is too small.", "\n\nA doesn't work. B doesn't work. D doesn't work."),
    *(
        "\n\nWhy the others are incorrect:\nA. It is not the case.\nB. It doesn't work.",
        "\n\nThe others are incorrect.",
    ),
]
UNREAD = [
    *(
        "I don't think that the answer is 27.",
        "It isn't true that the answer is 27.",
        "It can't be that the answer is 27.",
    ),
    *("This doesn't mean the answer is 27.", "I doubt that the answer is 27.", "The answer isn't 27."),
    *("The answer is (C). This isn't right.", "Answer: C\n\nThat's wrong.", "The answer is $18. That can't be right."),
    *("答案是2，另一个是3。", "The answer is 2 for Tom and Ann gets 3."),
    *("The answer is $27$ and 3 more are left.", "The answer is $27$ and 3 more than 24."),
]


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("behind", BEHIND_AMOUNTS)
def test_text_after_an_amount_does_not_change_it(lead: str, behind: str) -> None:
    texts = [lead + amount + behind for amount in AMOUNTS]
    answers = [(extract_answer(text), sole_answer(text)) for text in texts]
    assert [
        text for text, both in zip(texts, answers, strict=True) if not all(_is("18", answer) for answer in both)
    ] == []


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize(("text", "value"), VALUES)
def test_one_value_is_extracted_after_each_lead(lead: str, text: str, value: str) -> None:
    assert _is(value, extract_answer(lead + text))


@pytest.mark.parametrize(("text", "value"), TEXTS)
def test_words_before_and_after_an_answer_do_not_change_it(text: str, value: str) -> None:
    assert _is(value, extract_answer(text))


@pytest.mark.parametrize("options", OPTIONS)
def test_remarks_about_other_options_do_not_retract_a_choice(options: str) -> None:
    for stated in ("The answer is (C).", "Answer: C.", "**Answer:** C.", "So the answer is \\boxed{C}."):
        answer = extract_answer(stated + options)
        assert answer is not None
        assert compare_choices("C", answer) == MATCH


@pytest.mark.parametrize(
    "text", ["B (or 3)", "B (3 cm)", "B, because A is too small.", "B while A is too small", "B, or so."]
)
def test_an_explained_choice_is_extracted(text: str) -> None:
    assert extract_answer(f"The answer is {text}") == "B"


@pytest.mark.parametrize("text", UNREAD)
def test_a_real_denial_or_another_answer_leaves_no_answer(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "The final answer is\n\n$$12$$\n\nand 5 more",
        "the answer is $12$\nand 3 more than 24.",
        "The answer is $12$\nand 5 are left",
    ],
)
def test_a_line_that_continues_in_words_is_not_part_of_the_answer(text: str) -> None:
    assert extract_answer(text) == "12"


def _is(value: str, answer: str | None) -> bool:
    return answer is not None and quick(value, answer) == MATCH
