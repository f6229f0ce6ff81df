from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.records import RowError
from apps.corpus.splitting.steps import SPLITTERS, split_steps, unclosed_note


@pytest.mark.parametrize(
    ("split", "separator", "text", "steps"),
    [
        ("newline", None, "One.\nTwo.\n\nThree.", ["One.", "Two.", "Three."]),
        ("blank_line", None, "One\nand more.\n\nTwo.", ["One\nand more.", "Two."]),
        ("numbered", None, "Step 1: One.\nStep 2: Two.\nof it.", ["Step 1: One.", "Step 2: Two.\nof it."]),
        ("numbered", None, "1. One.\n2. Two.", ["1. One.", "2. Two."]),
        ("separator", "<step>", "One.<step>Two.", ["One.", "Two."]),
        ("separator", "|", "One.|Two.", ["One.", "Two."]),
        ("separator", "$$", "One.$$Two.$$Three.", ["One.", "Two.", "Three."]),
    ],
)
def test_a_text_becomes_steps(split: str, separator: str | None, text: str, steps: list[str]) -> None:
    found, _ = split_steps(text, split, separator)
    assert [one.strip() for one in found] == steps


BLOCKS = {
    "brackets": "\\[\ny = 9\n\\]",
    "brackets with a blank line": "\\[\ny = 9\n\n+ 1\n\\]",
    "line break of TeX": "\\[\na \\\\[2pt]\nb\n\\]",
    "dollars": "$$\ny = 9\n$$",
    "environment": "\\begin{align*}\na &= 4 \\\\\nb &= 6\n\\end{align*}",
    "nested environments": "\\begin{cases}\n\\begin{cases}\na\n\\end{cases}\n\\end{cases}",
    "parentheses": "\\(a +\nb\\)",
    "inline over a line": "$a +\nb$",
    "fence": "```python\nx = 1\n\nprint(x)\n```",
    "tildes": "~~~\na\n~~~",
    "long fence": "````\n```\n$$\n````",
    "table": "| a | b |\n|---|---|\n| 1 | 2 |",
    "table without rule": "| a | b |\n| 1 | 2 |",
    "table without edges": "a | b\n--|--\n1 | 2",
    "one item": "We get:\n- x = 3",
    "one numbered item": "We get:\n1. x = 3",
}


@pytest.mark.parametrize("split", ["newline", "separator"])
@pytest.mark.parametrize("name", BLOCKS)
def test_no_block_is_split(name: str, split: str) -> None:
    text = f"Before it.\n{BLOCKS[name]}\nAfter it."
    steps, _ = split_steps(text, split, "\n")
    assert steps == ["Before it.", BLOCKS[name], "After it."]
    assert unclosed_note(text) is None


def test_blank_lines_within_a_block_do_not_split() -> None:
    steps, _ = split_steps("One.\n\n```\na\n\nb\n```\n\n\\[\nx\n\n\\]\n\nTwo.", "blank_line")
    assert steps == ["One.", "```\na\n\nb\n```", "\\[\nx\n\n\\]", "Two."]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It costs $5.\nThat is $7 in all.", 2),
        ("It costs $5 and\n$7.", 2),
        ("Let $x$ be it.\nThen $y$ is.", 2),
        ("It is \\$5.\nAnd \\$7.", 2),
        ("|x| = 3\n|y| = 4", 2),
        ("P(A|B) = 1\nP(B|A) = 2", 2),
        ("Cases:\n- a\n- b", 3),
        ("- a\n- b\n- c", 3),
    ],
)
def test_text_that_only_looks_like_a_block_is_split(text: str, count: int) -> None:
    assert len(split_steps(text, "newline")[0]) == count


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("We have \\[ x = 1\nand so on.\nDone.", "formula"),
        ("$$\nx = 1\nDone.", "formula"),
        ("```\nx = 1\nDone.", "code fence"),
        ("\\begin{align}\nx = 1\nDone.", "environment"),
    ],
)
def test_a_block_that_never_ends_is_split_at_each_line_and_noted(text: str, told: str) -> None:
    assert split_steps(text, "newline")[0] == text.split("\n")
    assert told in (unclosed_note(text) or "")


HEADS = [
    "Step {}:",
    "step {}:",
    "## Step {}:",
    "### Step {}",
    "**Step {}:**",
    "**Step {}**:",
    "**Step {}**",
    "Step {} -",
    "Step {} \u2013",
    "Step {}.",
    "Step {})",
    "STEP {}:",
    "Step #{}:",
    "- **Step {}:**",
    "\\textbf{{Step {}:}}",
    "Step {}/2:",
    "Step {} of 2:",
    "{}.",
    "{})",
    "({})",
    "**{}.**",
    "\u6b65\u9aa4{}\uff1a",
    "\u6b65\u9aa4 {}:",
    "\u7b2c{}\u6b65\uff1a",
    "## \u7b2c {} \u6b65",
    "\u30b9\u30c6\u30c3\u30d7{}\uff1a",
    "\u624b\u9806{}:",
    "\u7b2c{}\u6bb5\u968e:",
    "\ub2e8\uacc4 {}:",
    "{}\ub2e8\uacc4:",
    "**{}\ub2e8\uacc4:**",
    "\uc81c{}\ub2e8\uacc4:",
    "\u00c9tape {} :",
    "### \u00c9tape {}",
    "Schritt {}:",
    "**Schritt {}:**",
    "{}. Schritt:",
    "Paso {}:",
    "Passo {}:",
    "Etapa {}:",
    "\u0428\u0430\u0433 {}.",
    "\u0428\u0430\u0433 {}:",
    "\u0627\u0644\u062e\u0637\u0648\u0629 {}:",
    "\u091a\u0930\u0923 {}:",
    "{}\u3001",
    "[Step {}]",
    "(Step {})",
    "\u3010Step {}\u3011",
    "<b>Step {}</b>:",
    "<b>Step {}:</b>",
    "Step-{}:",
    "Step ({}):",
]


@pytest.mark.parametrize("head", HEADS)
def test_numbered_knows_the_heads_of_steps(head: str) -> None:
    text = f"First we look at it.\n{head.format(1)} Add.\n4+5=9\n\n{head.format(2)} Double.\n18 is the answer."
    steps, _ = split_steps(text, "numbered")
    assert [step.split()[0] for step in steps] == [
        part.split()[0] for part in ("First", head.format(1), head.format(2))
    ]
    assert steps[1].endswith("4+5=9")


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("\u7b2c\u4e00\u6b65\uff1a", "\u7b2c\u4e8c\u6b65\uff1a"),
        ("\u6b65\u9aa4\u4e00\uff1a", "\u6b65\u9aa4\u4e8c\uff1a"),
        ("Step one:", "Step two:"),
        ("First step:", "Second step:"),
        ("**Première étape :**", "**Deuxième étape :**"),
        ("Erster Schritt:", "Zweiter Schritt:"),
        ("Primer paso:", "Segundo paso:"),
        ("Первый шаг:", "Второй шаг:"),
        (
            "\u0627\u0644\u062e\u0637\u0648\u0629 \u0627\u0644\u0623\u0648\u0644\u0649:",
            "\u0627\u0644\u062e\u0637\u0648\u0629 \u0627\u0644\u062b\u0627\u0646\u064a\u0629:",
        ),
        ("\u0627\u0644\u062e\u0637\u0648\u0629 \u0661:", "\u0627\u0644\u062e\u0637\u0648\u0629 \u0662:"),
        ("\u091a\u0930\u0923 \u0967:", "\u091a\u0930\u0923 \u0968:"),
    ],
)
def test_numbered_knows_numbers_in_words_and_other_digits(one: str, two: str) -> None:
    assert split_steps(f"{one} Add. 9\n{two} Double. 18", "numbered")[0] == [f"{one} Add. 9", f"{two} Double. 18"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Step 1: Cases:\n1. a\n2. b\nStep 2: Done.", 2),
        ("1. One.\n   1. inner\n   2. inner\n2. Two.", 2),
        ("The answer.\n1. It is 3.", 1),
        ("Step 1.5 is odd.\nStep 2 is what we did.", 1),
        ("```\nStep 1: a\nStep 2: b\n```", 1),
        ("No heads here.\nNone.", 1),
        ("3.5 is it.\n4.5 too.", 1),
        ("1\u30019\u3092\u8db3\u3059\n2\u30013\u3092\u639b\u3051\u308b", 2),
        ("The first step is easy.\nFirst step or not, it is 9.", 1),
    ],
)
def test_numbers_that_are_no_heads(text: str, count: int) -> None:
    assert len(split_steps(text, "numbered")[0]) == count


PIECES = ["\n", "$", "$$", "\\[", "\\]", "```", "|", "a", " ", "\\begin{a}", "\\end{a}", "1.", "- "]


@given(
    st.text(max_size=80) | st.lists(st.sampled_from(PIECES)).map("".join),
    st.sampled_from(sorted(set(SPLITTERS) - {"separator"})),
)
def test_no_text_is_lost(text: str, split: str) -> None:
    try:
        steps, _ = split_steps(text, split, None)
    except RowError:
        assert not text.strip()
        return
    assert "".join("".join(steps).split()) == "".join(text.split())
    assert all(step.strip() for step in steps)


def test_no_step_of_published_solutions_opens_a_formula_that_another_closes(shared_data: Path) -> None:
    """Every solution of MATH-500: whatever opens in a step closes there."""
    for line in (shared_data / "math500.jsonl").read_text().splitlines():
        text = json.loads(line)["solution"]
        steps, _ = split_steps(text, "newline")
        for step in steps:
            for opening, closing in (("\\[", "\\]"), ("\\begin{", "\\end{"), ("\\(", "\\)")):
                assert step.replace("\\\\[", "").count(opening) == step.count(closing), (text, step)
