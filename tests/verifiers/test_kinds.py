"""Pairs by kind, each kind with its rule: kinds.txt in this folder.

`=` is right, `!` is wrong, `?` is unparsed, `~` is anything but wrong, `-` anything but right.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.verifiers.base import Grade
from apps.verifiers.registry import VERIFIERS

ALLOWED = {
    "=": {Grade.MATCH},
    "!": {Grade.NO_MATCH},
    "?": {Grade.UNPARSED},
    "~": {Grade.MATCH, Grade.UNPARSED},
    "-": {Grade.NO_MATCH, Grade.UNPARSED},
}
PAIRS = [
    tuple(line.split(" | ", 2))
    for line in Path(__file__).with_name("kinds.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
PIECES = [
    *(
        r"\frac",
        "{",
        "}",
        "1",
        "2",
        "x",
        "R",
        "(",
        ")",
        "[",
        "]",
        ",",
        r"\pm ",
        r"\sqrt",
        "^",
        "_",
        "°",
        r"\text{cm}",
        " or ",
    ),
    *(
        "=",
        r"\cup ",
        r"\infty",
        "-",
        "+",
        "/",
        "!",
        "|",
        r"\begin{pmatrix}",
        r"\end{pmatrix}",
        r"\\",
        "&",
        ":",
        "5:30",
        " and ",
    ),
    *(
        r"\{",
        r"\}",
        r"\in ",
        r"\boxed{",
        "$",
        "%",
        r"\over ",
        r"\choose ",
        "ft ",
        "in ",
        "'",
        '"',
        "√",
        "½",
        "²",
        "one ",
        "half",
    ),
    *(
        r"\log",
        r"\sin ",
        " ",
        "0.",
        "...",
        "1,200",
        r"\setminus ",
        r"\mid ",
        "i",
        r"\pi",
        r"\langle ",
        r"\overline",
        "to ",
        "<",
    ),
    *("July 4", "(C)", "no solution", " p.m."),
]


@pytest.mark.parametrize(("expected", "reference", "answer"), PAIRS)
def test_pairs_of_every_kind(expected: str, reference: str, answer: str) -> None:
    outcome = VERIFIERS["math"].grade(reference, answer)
    assert outcome.grade in ALLOWED[expected], outcome


@pytest.mark.parametrize("verifier", VERIFIERS)
@given(st.lists(st.sampled_from(PIECES), max_size=9), st.lists(st.sampled_from(PIECES), max_size=9))
def test_no_answer_raises_and_each_equals_itself(verifier: str, reference: list[str], answer: list[str]) -> None:
    grade = VERIFIERS[verifier].grade_inline
    grade("".join(reference), "".join(answer))
    itself = grade("".join(answer), "".join(answer))
    assert itself is None or itself.grade is not Grade.NO_MATCH
