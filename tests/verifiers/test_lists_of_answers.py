r"""A list of answers is read whole or not at all: `$2$ and also $3$` is never 2."""

from __future__ import annotations

import pytest

from apps.verifiers.extraction import extract_answer

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
    "The answer is $2$ (and $3$)",
    "The answer is $2$ [and $3$]",
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
def test_a_list_is_read_whole(text: str) -> None:
    assert extract_answer(text) == "2, 3"


@pytest.mark.parametrize("text", UNREAD)
def test_where_words_join_a_list_its_first_value_is_not_read_alone(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize("text", ALONE)
def test_what_explains_a_value_adds_none(text: str) -> None:
    assert extract_answer(text) == "27"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is $x=2$ or else $x=3$", "x=2, x=3"),
        ("The answer is $2$ and also 3.", "$2$ and also 3"),
        ("The answer is 2 and\n3", "2 and 3"),
        ("The answer is: **A** and also **C**", "A, C"),
        ("The answer is $27$ $\\text{cm}^2$.", "27 \\text{cm}^2"),
    ],
)
def test_neighbors_of_such_lists(text: str, answer: str) -> None:
    assert extract_answer(text) == answer
