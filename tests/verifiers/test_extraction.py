r"""The final answer of a text is extracted where it is stated with a known marker, and never misread."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.verifiers.extraction.boxes import last_boxed_answer
from apps.verifiers.extraction.final_answer import extract_answer, own_text

MARKED = [
    ("We add.\n#### 1,234", "1,234"),
    ("#### -3", "-3"),
    ("# Answer\n\n\\frac{1}{2}", "\\frac{1}{2}"),
    ("Step 5: so it is 13520. The answer is: 13520", "13520"),
    ("So \\boxed{3}, and then \\boxed{\\frac{a}{b}}.", "\\frac{a}{b}"),
    ("\\boxed{\\text{a {nested} brace}}", "\\text{a {nested} brace}"),
    ("We add.\nA: 27", "27"),
    ("<answer>27</answer>", "27"),
    ("<answer>\nThe answer is 27\n</answer>", "27"),
    ("<final_answer> $27$ </final_answer>", "27"),
    ("<answer>27", "27"),
    ("[ANSWER]27[/ANSWER]", "27"),
    ("Final Answer: The final answer is $27$. I hope it is correct.", "27"),
    ("The correct option is (B).", "(B)"),
    ("The answer is B because it is.", "B"),
    ("The answer is A and C.", "A and C"),
    ("Answer: 9 + 9 + 9 = 27 books", "27 books"),
    ("The answer is 3 hours and 20 minutes.", "3 hours and 20 minutes"),
    ("The answer is 5. We see that 2<|x| then.", "5"),
]
NOWHERE = [
    "There is none here.",
    "Therefore, there are 27 books.",
    "\\boxed{ never closed",
    "\\boxed{}",
    "",
    "We get 9 * 3 = 27.",
]
BELOW = [
    "**Final Answer**\n\n27",
    "The answer is:\n\n27",
    "### Answer\n27",
    "#### Final Answer\n27",
    "**Answer:**\n27",
    "Answer:\n\n$27$",
    "The final answer is\n\\[\n27\n\\]",
    "**Final Answer**\n\n$$27$$",
    "Final answer:\n**27**",
    "## Answer\n\n27.",
    "The answer is\n27",
    "**Final Answer:** 27",
    "**Answer: 27**",
    "### Final Answer: 27",
    "> **Answer**\n27",
    "**答案**\n\n27",
    "## Réponse finale\n\n27",
    "**Antwort:**\n27",
    "答え：\n27",
    "정답:\n27",
    "**Respuesta final**\n\n$27$",
    "Ответ:\n27",
]
WORDED = [
    "The answer is therefore 27.",
    "The answer is, therefore, 27.",
    "The answer is thus $27$.",
    "The answer is hence **27**.",
    "Answer is 27 because 9 x 3 = 27.",
    "The answer is 27, since 9 * 3 = 27.",
    "The answer is $27$ because $9 \\times 3 = 27$.",
    "The answer is 27 (9 x 3 = 27).",
    "The answer is 27 as we have seen.",
    "The answer is 27, which is 9 times 3.",
    "The answer comes to 27.",
    "The answer equals 27",
    "The answer turns out to be 27.",
    "The answer to the problem is 27.",
    "The answer is simply 27.",
    "The answer is 27, not 28.",
    "The answer is 9 x 3 = 27.",
    "Answer: 9 * 3 = 27",
    "The answer is $x$ = $27$.",
    "The answer is: 27 – that is all.",
    "The answer is 27 \U0001f389",
    "So, our answer is 27.",
    "The answer would be \\(27\\).",
    "The answer is 27; see above.",
    "The answer was 27.",
    "The answer is 27: 9 x 3 = 27.",
    "The answer is a total of 27.",
    "The answer is 27; there are 9 on each.",
    "The answer is 27. Let me check: 9 x 3 = 27.",
    "The answer is 27.\nLet's verify: 9 + 9 + 9 = 27, as it should be.",
    "The answer is 27. The correct answer is 27.",
    "The answer is 27. There is no other.",
]
MISREAD_BEFORE = [
    "The answer is 27 on 3 shelves.",
    "The answer is 27 although 26 is close.",
    "The answer is 26 below zero.",
    "The answer is 26 for x = 1 and 27 for x = 2.",
    "The answer is 26 when n is even, else 27.",
    "The answer is a total that nobody knows.",
    "One root is \\boxed{2}.\nAnother is \\boxed{4}.\nThe last is \\boxed{9}.",
    "Case 1 gives \\boxed{2}.\n\nCase 2 gives \\boxed{4}.",
    "If the answer is 26, we get nonsense.",
    "A common wrong answer is 26.",
    "The answer is not 26.",
    "Alice's answer is 26.",
    "The answer is 26? No.",
    "Is the answer 26?",
    "The answer is 3 more than 24.",
    "The answer is a prime number.",
    "The answer is clear.",
    "The answer is either 26 or 27.",
    "The answer is at least 26.",
    "The answer is 27!",
    "I first thought that the answer is 26.",
    "The answer is 26. Wait, that's wrong.",
    "The answer is 26.\nThat is incorrect, for 9 x 3 is more.",
    "The answer is 26. Actually, it is 27.",
    "The answer is 26. Let me recheck: 27. So the correct total is 27.",
    "The answer is 26. The correct total is 27.",
    "The answer is 26. It should be 27.",
    "The answer is 26.\n\nLet's double-check: 9 x 3 = 27.",
    "The answer is 26. On second thought, it is 27.",
    "The answer is 26. Correction: 27.",
    "The answer is 26. I apologize, 9 x 3 is 27.",
    "The answer is 26. I made a small mistake: it is 27.",
    "The answer is 26. I miscounted: it is 27.",
    "The answer is 26, sorry, 27.",
    "The answer is 26 — no, 27.",
    "The answer is 26 (actually 27).",
    "\\boxed{26}. Hmm, 9 x 3 is 27.",
    "答案是26。其实是27。",
    "答案是26，不对，应该是27。",
    "答えは26です。訂正：27です。",
    "La réponse est 26. En fait, c'est 27.",
    "Die Antwort ist 26. Moment, ich habe mich verrechnet: 27.",
    "La respuesta es 26. Perdón, es 27.",
    "Ответ: 26. Нет, 27.",
    "**Answer**\n2\n3",
    "Answer:\n- 27",
    "**Final Answer**\n\nThe shelf holds twenty-seven books.",
    "The answer is: let us see.",
    "The first is \\boxed{2} and the second is \\boxed{3}.",
    "(a) \\boxed{2} (b) \\boxed{3}",
    "- \\boxed{2}\n- \\boxed{3}",
    "Answer: 9 books on each shelf, so 27.",
    "Answer: 9 books each, therefore 27 books.",
    "Answer: We have 9 books on each of 3 shelves. So 9 * 3 = 27.",
    "\\boxed{2}\n\\boxed{3}",
    "$x = \\boxed{2}$, $y = \\boxed{3}$",
    "The answer is: \\boxed{27",
    "#### Step 3: Multiply\n9 x 3",
    "<think>the answer is 26",
    "<think>The answer is 26.</think>\nThere are many books.",
]
LISTS = [
    ("The answer is: $2$ and $3$", "2, 3"),
    ("The answer is: $2$, $3$ and $5$.", "2, 3, 5"),
    ("The answer is \\(2\\) or \\(3\\).", "2, 3"),
    ("The answer is **2** and **3**.", "2, 3"),
    ("The answers are $2$ and $3$.", "2, 3"),
    ("The answers are 2 and 3.", "2 and 3"),
    ("The answer is $x=2$ or $x=3$", "x=2, x=3"),
    ("The answer is $(1,2)$ and $(3,4)$.", "(1,2), (3,4)"),
    ("答案是$2$和$3$。", "2, 3"),
    ("La réponse est $2$ et $3$.", "2, 3"),
    ("Die Antwort ist $2$ oder $3$.", "2, 3"),
    ("The answer is $2$, 3 and 4", "$2$, 3 and 4"),
    ("The numbers are \\boxed{2}, \\boxed{4}, \\boxed{9}.", "2, 4, 9"),
    ("\\boxed{2} and \\boxed{3}", "2, 3"),
    ("$\\boxed{2}$ or $\\boxed{3}$", "2, 3"),
    ("$\\boxed{2} \\text{ and } \\boxed{3}$", "2, 3"),
    ("\\boxed{2}、\\boxed{3}", "2, 3"),
    ("\\boxed{27}\n\\boxed{27}", "27"),
    ("It is \\boxed{3}. Wait, I forgot 2. So \\boxed{5}", "5"),
    ("One root is \\boxed{2}, another \\boxed{3}. So the sum is \\boxed{5}", "5"),
    ("\\boxed{3}\n\nActually, \\boxed{5}", "5"),
]
LANGUAGES = [
    "答案是27。",
    "答案：27",
    "所以答案是 27。",
    "因此，最终答案为 27。",
    "答案是27本。",
    "答：27",
    "【答案】27",
    "最终答案：$27$",
    "答案为：２７",
    "答えは27です。",
    "答え：27",
    "したがって、答えは 27 となります。",
    "答えは27冊です。",
    "正解は27である。",
    "답은 27입니다.",
    "정답: 27",
    "따라서 정답은 27이다.",
    "최종 답: 27",
    "정답은 $27$입니다.",
    "La réponse est 27.",
    "La réponse est donc : 27",
    "Réponse : 27",
    "La réponse finale est $27$, car 9 x 3 = 27.",
    "Die Antwort ist 27.",
    "Die Antwort lautet also: 27",
    "Antwort: 27",
    "Die Antwort beträgt 27, weil 9 x 3 = 27.",
    "La respuesta es 27.",
    "Respuesta: 27",
    "La respuesta final es $27$.",
    "La respuesta es, por lo tanto, 27.",
    "La respuesta es 27 porque 9 x 3 = 27.",
    "A resposta é 27.",
    "Resposta: 27",
    "A resposta final é $27$.",
    "La risposta è 27.",
    "La risposta è quindi 27.",
    "Risposta: 27",
    "Ответ: 27.",
    "Ответ — 27",
    "Таким образом, ответ: $27$.",
    "الجواب هو ٢٧.",
    "الإجابة: 27",
    "الإجابة النهائية هي 27.",
    "उत्तर २७ है।",
    "उत्तर: 27",
    "इसलिए उत्तर है 27।",
]
LANGUAGES_UNREADABLE = [
    "答案是27万。",
    "答案是3分之2。",
    "答案是一个质数。",
    "若答案是26，则不对。",
    "答えは27億です。",
    "La réponse est 1.234.",
    "Die Antwort ist 27 Millionen.",
    "La respuesta no es 26.",
    "Wenn die Antwort 26 ist, geht es nicht auf.",
    "La mauvaise réponse est 26.",
    "Неверный ответ: 26",
    "오답: 26",
]


@pytest.mark.parametrize(("text", "answer"), MARKED)
def test_a_marked_answer_is_found(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize("text", NOWHERE)
def test_no_answer_is_guessed(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize("text", BELOW)
def test_an_answer_below_its_heading_is_found(text: str) -> None:
    assert extract_answer(f"We multiply.\n\n{text}") == "27"
    assert extract_answer(f"We multiply.\n\n{text}\n\nTell me if you want another way to see it.") == "27"


@pytest.mark.parametrize("text", WORDED)
def test_words_around_the_answer_are_not_part_of_it(text: str) -> None:
    assert extract_answer(f"We multiply.\n{text}") == "27"
    assert extract_answer(f"We multiply.\n{text.replace('27', '26')}") == "26"


@pytest.mark.parametrize("text", MISREAD_BEFORE)
def test_missing_retracted_and_ambiguous_answers_are_not_extracted(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize(("text", "answer"), LISTS)
def test_a_list_is_extracted_as_a_whole_and_a_correction_alone(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


@pytest.mark.parametrize("text", LANGUAGES)
def test_answers_in_other_languages_are_extracted(text: str) -> None:
    assert extract_answer(f"9 × 3 = 27\n{text}") == "27"


@pytest.mark.parametrize("text", LANGUAGES_UNREADABLE)
def test_ambiguous_answers_in_other_languages_are_not_extracted(text: str) -> None:
    assert extract_answer(text) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("La réponse est 2,5.", "2.5"),
        ("Antwort: 0,5", "0.5"),
        ("La respuesta es 1.234.567,5", "1234567.5"),
        ("La réponse est 1 234.", "1234"),
        ("La réponse est $2{,}5$.", "2.5"),
        ("Ответ: 2,5", "2.5"),
        ("The answer is 1,234.", "1,234"),
        ("الجواب هو ٢٫٥", "2.5"),
    ],
)
def test_numbers_follow_the_notation_of_their_language(text: str, answer: str) -> None:
    assert extract_answer(text) == answer


RUNAWAYS = [
    "\n\nQuestion: Ann has 2 hats and gets 3. How many?\nAnswer: 2 + 3 = 5. The answer is 5.",
    "\n\nQ: 2 + 3?\nA: 5",
    "\nProblem: 2 + 3\n#### 5",
    "\n\nHuman: and 2 + 3?\n\nAssistant: The answer is 5.",
    " Question: What is 2 + 3? The answer is 5.",
    "\n\n**Problem 2:** 2 + 3\n\\boxed{5}",
    "\n\nAnn has 2 hats and gets 3 more. How many hats does she have?\nThe answer is 5.",
    "<|im_end|>\n<|im_start|>user\n2 + 3?\nThe answer is 5.",
    "\n\n### Question 2\n2 + 3\n### Answer\n5",
    "\n\n问题：2 + 3 = ?\n答案：5",
    "\n\nPregunta: 2 + 3\nRespuesta: 5",
]


@pytest.mark.parametrize("more", RUNAWAYS)
def test_a_new_question_ends_the_solution(more: str) -> None:
    assert extract_answer(f"9 x 3 is 27.\nThe answer is 27.{more}") == "27"
    assert own_text(f"The answer is 27.{more}") == "The answer is 27."


def test_a_question_before_the_answer_ends_nothing() -> None:
    text = "Question: What is 9 x 3?\nWe multiply.\nThe answer is 27."
    assert (extract_answer(text), own_text(text)) == ("27", text)
    checked = "The answer is 27.\nIs that right? Yes: the answer is 27."
    assert extract_answer(checked) == "27"


def test_thinking_does_not_count() -> None:
    assert extract_answer("<think>the answer is 26</think>\nThe answer is 27") == "27"


@pytest.mark.parametrize(("text", "answer"), [("\\boxed{3} so \\boxed{7}", "7"), ("\\boxed{7", None)])
def test_the_last_box_alone(text: str, answer: str | None) -> None:
    boxed = last_boxed_answer(text)
    assert boxed is not None
    assert boxed.answer == answer


def test_without_a_box_there_is_no_last_one() -> None:
    assert last_boxed_answer("none") is None


@given(
    st.text(max_size=200)
    | st.text(alphabet="\\boxed{}#$ Answerthis:.\n", max_size=80)
    | st.lists(
        st.sampled_from(["The answer is", " 27", "$", "\\boxed{", "}", "**", " and ", "答案", "：", "\n", "=", ","])
    ).map("".join)
)
def test_no_text_raises_and_an_answer_is_never_blank(text: str) -> None:
    answer = extract_answer(text)
    assert answer is None or answer.strip() == answer != ""


LONG = [
    "answer is ",
    "The answer: ",
    "\\boxed{1} ",
    "\n\nQuestion: 5 ?",
    "<answer>",
    "the answer is $",
    "答案是",
    "**Answer**\n",
    "#### a\n",
    "The answer is 27.\nThat isn't, ",
    "this is quite quite ",
]


@pytest.mark.parametrize("part", LONG)
def test_time_grows_with_the_length_of_a_text_and_not_with_its_square(part: str) -> None:
    """A page of the same words takes at most a few seconds, even on a slow machine."""
    began = time.process_time()
    extract_answer(part * (40_000 // len(part)))
    assert time.process_time() - began < 10


@pytest.mark.parametrize("text", [text for text, _ in MARKED + LISTS] + WORDED + LANGUAGES + MISREAD_BEFORE)
def test_preceding_lines_change_nothing(text: str) -> None:
    """The last line is parsed alone if it decides; a text of one line is parsed as a whole."""
    text = text.removeprefix("<think>")
    alone = extract_answer(text)
    assert extract_answer(f"Each shelf holds 9 books.\nThe sum of 9, 9 and 9 is wanted.\n{text}") == alone
    assert extract_answer(f"The answer is 99.\n\n{text}") in (alone, "99" if alone is None else alone)
