r"""A list of answers is extracted as a whole or not at all: `$2$ and also $3$` is never 2."""

from __future__ import annotations

import time

import pytest

from apps.verifiers.base import MATCH
from apps.verifiers.extraction.final_answer import extract_answer
from apps.verifiers.math.verifier import quick

WHOLE = [
    "The answer is: $$2$$ and $$3$$",
    "The answer is: \\[2\\] and \\[3\\]",
    "The answer is:\n\\[\n2\n\\]\nor\n\\[\n3\n\\]",
    "The answer is: $$2$$\n\nand\n\n$$3$$",
    "**Final Answer**\n\n$$2$$\n\n$$3$$",
    "The answer is: **2** and **3**",
    "The answer is therefore **2** and **3**",
    "The answer is: __2__ and __3__",
    "**Answer:** **2** and **3**",
    "**Answer:**\n**2** and **3**",
    "**The answer is: $2$** and **$3$**",
    "The answer is $2$ and also $3$",
    "The answer is $2$ (and $3$)",
    "The answer is $2$ [and $3$]",
    "The answer is $2$ and\n$3$",
    "The answer is: $2$\nand\n$3$",
    "The answer is: $2$\nor $3$",
    "The answer is: $2$,\n$3$",
    "The answers are: $2$\n$3$",
    "The answer is $2$\\text{ and }$3$",
    "Die Antwort ist $2$ sowie $3$",
    "La réponse est $2$ et aussi $3$",
    "La respuesta es $2$ y también $3$.",
    "答案是$2$，还有$3$。",
]
UNREAD = [
    "The answer is $2$ and then $3$",
    "The answer is $2$, then $3$.",
    "The answer is $2$; also we find $3$.",
    "The answer is $2$ — and with it $3$.",
    "The answer is $2$ but also $3$.",
    "The answer is $2$ and the other is $3$.",
    "The answer is $2$ while the other root is $3$.",
    "The answer is $2$, in the other case $3$.",
    "The answer is $2$ and on the right $3$.",
    "The answer is $2$ of the boys and $3$ of the girls.",
    "The answer is $2$ in the first case, $3$ in the second.",
    "The answer is $2$ for $x = 1$ and $3$ for $x = 2$.",
    "The answer is $2$ if $n$ is even, $3$ if $n$ is odd.",
    "The answer is $2$ when $n$ is even, otherwise $3$.",
    "The answer is $2$ by $3$.",
    "The answers are $2$, $3$, ..., $9$.",
    "The answers are:\n1. $2$\n2. $3$",
    "The answers are:\n* 2\n* 3",
    "**The answer is: 2** and **3**",
    "The answer is 2 **and** 3",
    "The answer is: `2` and then `3`",
    "The answer is **Monday** and then **Tuesday**",
    "答案是$2$，另一个是$3$。",
    "A: $2$ and then $3$",
    "<answer>$2$ and then $3$</answer>",
]
ALONE = [
    "The answer is $27$, since $3^3 = 27$.",
    "The answer is $27$ because $2+3=5$ and $x=4$",
    "The answer is $27$ of the $8$ pieces",
    "The answer is $27$ in base $10$.",
    "The answer is $27$ on the interval $[0,1]$.",
    "The answer is $27$ at $x=1$, $y=2$.",
    "The answer is $27$ with $x=1$ and $y=2$.",
    "The answer is $27$ between $1$ and $40$.",
    "The answer is $27$ when $n = 3$ and $m = 4$.",
    "The answer is $27$ for $k=1$.",
    "The answer is $27$, where $x$ is the side and $y$ the base.",
    "The answer is $27$, obtained from $9 \\times 3$.",
    "The answer is $27$ ($n=3$).",
    "The answer is $27$ (that is, $9 \\cdot 3$).",
    "The answer is $27$: $9 \\times 3 = 27$ and $3+4=7$.",
    "The answer is $27$, and we are done.",
    "The answer is $27$, not $28$.",
    "The answer is $27.$ If $x=2$, it is less.",
    "The answer is: $27$\n$9 \\times 3 = 27$",
    "The answer is: $27$.\n\n$x = 3$ is used.",
    "The answer is:\n\\[27\\]\nwhere $x > 0$.",
    "The answer is:\n\\[27\\]Here, we take $x=3$.",
    "The answer is: **27** books, since $9\\cdot3$.",
    "The answer is: **27**\n\n**Explanation:** $3$",
    "The answer is **27**. **Note** that $9$.",
    "The answer is **$27$**, not **$28$**.",
    "The answer is: **the number 27**",
    "**The answer is 27** because $9 \\cdot 3$.",
    "**Answer:** 27 **(because $9\\cdot 3$)**",
    "The answer is:\n* 27",
    "答案是$27$，因为$9×3=27$。",
    "答案是$27$，其中$n=3$。",
    "La réponse est $27$ car $9 \\times 3$.",
]


@pytest.mark.parametrize("text", WHOLE)
def test_a_list_is_extracted_as_a_whole(text: str) -> None:
    assert extract_answer(text) == "2, 3"


@pytest.mark.parametrize("text", UNREAD)
def test_the_first_value_of_a_joined_list_is_not_extracted_alone(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize("text", ALONE)
def test_an_explanation_adds_no_value(text: str) -> None:
    assert extract_answer(text) == "27"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is $x=2$ or else $x=3$", "x=2, x=3"),
        ("The answer is $2$ and also 3.", "$2$ and 3"),
        ("The answer is 2 and\n3", "2 and 3"),
        ("The answer is: **A** and also **C**", "A, C"),
        ("The answer is $27$ $\\text{cm}^2$.", "27 \\text{cm}^2"),
    ],
)
def test_neighbors_of_such_lists(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


PLAIN_WHOLE = [
    ("2 (and also 3)", "2 and 3"),
    ("$2$ (or 3)", "$2$ or 3"),
    ("**2** (or 3)", "2 or 3"),
    ("2 as well as 3.", "2 and 3"),
    ("2, or else 3", "2 or 3"),
    ("2 & 3", "2 and 3"),
    ("2\nand 3", "2 and 3"),
    ("2,\n3", "2, 3"),
    ("2,\n3,\n4", "2, 3, 4"),
    ("x = 2,\ny = 3", "x = 2, y = 3"),
    ("$2$\nor 3", "$2$ or 3"),
    ("B (or D)", "B or D"),
    ("2 a.m. and 3 p.m.", "2 a.m. and 3 p.m"),
    ("1/2 (or 0.5)", "1/2 or 0.5"),
]
PLAIN_UNREAD = [
    *(
        "2, and the other is 3.",
        "2, then 3",
        "2 but also 3",
        "2, plus 3",
        "2; the other is 3",
        "2: also 3",
        "2 – and 3",
    ),
    *("2 (min) and 3 (max)", "2 (min), 3 (max)", "2 (or 3 if n is odd)", "2 (3 if n is odd)", "A (or C if n is odd)"),
    *("2 for Tom, 3 for Ann", "2 for Tom and Ann gets 3", "2 for n = 1, 3 for n = 2", "2 for n even, and for n odd 3"),
    *("2 where n is even, 3 elsewhere", "2 when n is even; otherwise 3"),
    *(
        "x = 2 while y = 3",
        "2, possibly 3",
        "2, alternatively 3",
        "2, with the other being 3",
        "2, and the other is 3, not 4",
    ),
    *("2 and also, by symmetry, 3", "2 apples,\n3 pears", "2; the other solution is 3", "2, and the other is 3 cm"),
    *("2, and the total is 3", "2, the second 3", "2, in the other case 3", "2, another is 3"),
    *("2 and the other is three", "2, with the other being x", "2 since x > 0; the other root is 3", "2 (resp. 3)"),
    *("$2$, and the other is 3", "$2$, then 3", "$2$ (min) and 3 (max)", "$2$ for Tom, 3 for Ann", "**2**, maybe 3"),
    *("2\n3", "x = 2\ny = 3", "$2$\n3", "2\nthen 3", "2\nthe other is 3", "2 or, in the other case, 3", "2 and"),
    *("2, puis 3", "2, und dann 3", "2, luego 3", "1/3 (or 0.33)", "$\\frac13$ or $0.33$"),
    *("9 for each, so 27", "27, 9 for each", "$27$, 9 for each", "**27**, 9 for each", "27 – 9 for each"),
    *("2 for Tom\n3 for Ann", "**2** for Tom\n**3** for Ann", "2 and, respectively, 3"),
    *("$2$ (resp. $3$)", "$2$ and, respectively, $3$", "2，另一个是3", "2，以及3", "2，或者3", "2 (the other is 3)"),
]
PLAIN_ALONE = [
    *(
        "27, and we are done",
        "27 and nothing else",
        "27, and nothing more",
        "27, and not 28",
        "27, and that is all 3 shelves",
    ),
    *("27, and the total is 27", "27, and this is 9 times 3", "27, and the other root is negative", "27, then we stop"),
    *(
        "27 (since 3^3 = 27)",
        "27 (that is, 3 times 9)",
        "27 (9 for each of 3)",
        "27 (3 shelves and 9 books on each)",
        "27 (or 27)",
    ),
    *(
        "27 (or about 30)",
        "27, also known as 3^3",
        "27 (also written as 3^3)",
        "27 (twenty-seven)",
    ),
    *("27, because 2 and 3 sum to it", "27, since one side is 9 and the other is 3", "27, as 20 and 7 make 27"),
    *("27 as shown in step 2 and step 3", "27, which is odd and a multiple of 3", "27, since 2, 3 and 4 are used"),
    *(
        "27 for n = 1, 2 and 3",
        "27 for each of the 3 shelves",
        "27 for Tom, Ann and Bob together",
        "27 when x = 3 and y = 9",
    ),
    *(
        "27, where x is 3 and y is 9",
        "27, given 3 and 9",
        "27, using 9 and 3",
        "27, of which 9 are red and 18 are blue",
    ),
    *("27 but not 28", "27, but let me double-check: 3 * 9 = 27", "27 rather than 28", "27; there are 9 on each of 3"),
    *(
        "27 – that is 9 times 3",
        "27, with 3 left over",
        "27, the sum of 9 and 18",
        "27. Then 28 would be too many",
        "27.\n3",
    ),
    *("27\nand we are done", "27\nbecause 3 x 9 = 27", "27,\nsince 9 and 18 make 27", "27\n\n28 would be too many"),
    *(
        "27\n(9 on each of 3)",
        "27\nThe other numbers are 2 and 3",
        "$27$ (not 28)",
        "$27$ for 3 shelves",
        "**27** on 3 shelves",
    ),
]
CUT_IN_BRACKETS = [
    ("27 (not 28)", "27"),
    ("27 [not 28]", "27"),
    ("27 (which is 3 cubed)", "27"),
    ("27 (because 3 and 9 are multiplied)", "27"),
    ("27 (after removing 3)", "27"),
    ("27 (because of (3)", "27"),
    ("(2, 3), since x > 0", "(2, 3)"),
    ("[0, 1) because x < 1", "[0, 1)"),
    ("(2, not 3)", None),
    ("(2, three)", None),
    ("{2, not 3}", None),
    ("9 each (so 27)", None),
]
RATIOS = [
    *("$1$ in $4$", "$1$ in 4", "1 in $4$", "1 in 4", "**1** in **4**", "**1 in 4**", "1 out of 4", "$1$ out of $4$"),
    *("$1$ of $4$", "$1$ of every $4$", "1 for every 4", "$1$ for every $4$", "$1$ per $4$", "$1$ chance in $4$"),
    *("one in four", "$1$ sur $4$", "$1$ von $4$"),
]
LEADS = ["The answer is ", "**Answer:** ", "**Final Answer**\n\n"]


@pytest.mark.parametrize(("text", "answer"), PLAIN_WHOLE)
def test_a_list_in_plain_words_is_extracted_as_a_whole(text: str, answer: str) -> None:
    assert extract_answer(f"The answer is {text}") == answer


@pytest.mark.parametrize("lead", LEADS)
@pytest.mark.parametrize("text", PLAIN_UNREAD)
def test_the_first_value_of_a_list_in_plain_words_is_not_extracted_alone(text: str, lead: str) -> None:
    assert extract_answer(lead + text) is None


@pytest.mark.parametrize("text", PLAIN_ALONE)
def test_numbers_in_an_explanation_are_not_values(text: str) -> None:
    answer = extract_answer(f"The answer is {text}")
    assert answer is not None
    assert quick("27", answer) == MATCH


@pytest.mark.parametrize(("text", "answer"), CUT_IN_BRACKETS)
def test_no_answer_ends_within_brackets(text: str, answer: str | None) -> None:
    assert extract_answer(f"The answer is {text}.") == answer


@pytest.mark.parametrize("text", RATIOS)
def test_no_number_of_a_ratio_is_extracted_alone(text: str) -> None:
    assert extract_answer(f"The answer is {text}.") is None


@pytest.mark.parametrize(
    "text",
    [
        "$27$ of the $30$ pieces",
        "$27$ in base $10$",
        "$27$ for each shelf",
        "27 for each of the 3 shelves",
        "27 in all",
        "**27** in 4 weeks",
        "$27$ in 2024",
        "$27$ in 3",
    ],
)
def test_neighbors_of_ratios(text: str) -> None:
    answer = extract_answer(f"The answer is {text}.")
    assert answer is not None
    assert quick("27", answer) == MATCH


@pytest.mark.parametrize("lead", ["<answer>2, ", "A: 2 ", "The answer is 2, "])
@pytest.mark.parametrize(
    "part",
    ["and ", "2, ", "(or ", "[", "for x, 2 ", "for Tom, ", "the other is ", "1 in ", "if, ", "    ", "a", "2 also "],
)
def test_time_grows_with_the_length_of_a_value_and_not_with_its_square(lead: str, part: str) -> None:
    began = time.process_time()
    extract_answer(lead + part * (40_000 // len(part)))
    assert time.process_time() - began < 10
