"""The bundled model: its problems, its exact checker, and the file that is served."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.local.supervisor import free_port
from reasoner.checker import UnknownQuestion, check, parse
from reasoner.problems import ANSWER, Problem, clean_solution, is_held_out, problems, prompt, results
from reasoner.serve import MODEL
from reasoner.slips import solution
from reasoner.templates import TEMPLATES
from tests.examples import examples

ROOT = Path(__file__).resolve().parent.parent.parent
SOME = list(itertools.islice(problems(1, held_out=False), 300))


def test_the_same_seed_gives_the_same_problems_and_each_once() -> None:
    again = [one.question for one in itertools.islice(problems(1, held_out=False), 300)]
    assert again == [one.question for one in SOME]
    assert len(set(again)) == 300
    assert {one.template.name for one in SOME} == {template.name for template in TEMPLATES}


@pytest.mark.parametrize("one", SOME[:100], ids=lambda one: one.template.name)
def test_every_value_is_small_and_the_clean_solution_is_right(one: Problem) -> None:
    assert all(1 <= value <= 999 for value in results(one.plan, one.numbers))
    lines = clean_solution(one)
    assert lines[-1] == f"{ANSWER}{one.answer}"
    assert all(step.is_sound and step.is_right for step in check(one.question, lines))


def test_held_out_problems_are_apart() -> None:
    assert not any(one.is_held_out for one in SOME)
    assert all(is_held_out(one.question) for one in itertools.islice(problems(1, held_out=True), 20))


def test_a_slip_is_found_where_it_is_and_what_follows_from_it_is_sound_but_not_right() -> None:
    problem = next(one for one in SOME if one.template.name == "garden")
    lines = clean_solution(problem)
    head, _, value = lines[1].rstrip(".").rpartition(" ")
    lines[1] = f"{head} {int(value) + 1}."
    first, second = re.findall(r"= (\d+)\.", lines[0])[0], int(value) + 1
    lines[2] = re.sub(r"\d+ \+ \d+ = \d+", f"{first} + {second} = {int(first) + second}", lines[2])
    told = check(problem.question, lines)
    assert [step.is_sound for step in told[:3]] == [True, False, True]
    assert [step.is_right for step in told] == [True, False, False, False, False]


def test_some_sampled_solutions_slip_and_the_checker_says_so() -> None:
    dice = random.Random(3)
    wrong = [not check(one.question, solution(one, dice))[-1].is_right for one in SOME]
    assert 0.05 < sum(wrong) / len(wrong) < 0.35


@given(st.lists(st.text(max_size=60), max_size=8))
@examples(200)
def test_the_checker_judges_any_text(lines: list[str]) -> None:
    assert len(check(SOME[0].question, lines)) == len(lines)


def test_a_question_of_somebody_else_is_refused() -> None:
    with pytest.raises(UnknownQuestion):
        parse("How many angels dance on the head of a pin?")


def test_the_card_names_this_very_file() -> None:
    digest = hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert digest in (ROOT / "reasoner/README.md").read_text()
    assert MODEL.stat().st_size < 8_000_000


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "reasoner.serve", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready" in process.stdout.readline()
        yield f"http://127.0.0.1:{port}/v1"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def completions(url: str, **body: object) -> list[str]:
    data = json.dumps({"model": "reasoner", "max_tokens": 200} | body).encode()
    with urlopen(Request(f"{url}/completions", data, {"Content-Type": "application/json"}), timeout=60) as answer:
        return [choice["text"] for choice in json.load(answer)["choices"]]


def test_the_served_model_solves_most_held_out_problems(served: str) -> None:
    held_out = list(itertools.islice(problems(9, held_out=True), 40))
    right = 0
    for problem in held_out:
        (text,) = completions(served, prompt=prompt(problem.question), temperature=0)
        right += check(problem.question, text.splitlines())[-1].is_right
    assert right >= 0.8 * len(held_out)


def test_it_gives_as_many_different_completions_as_are_asked_for(served: str) -> None:
    problem = next(itertools.islice(problems(9, held_out=True), 1))
    texts = completions(
        served, prompt=prompt(problem.question), n=8, temperature=1.5, seed=1, top_k=0, top_p=1, min_p=0
    )
    assert len(texts) == 8
    assert len(set(texts)) > 1


def test_a_taken_port_is_told_in_a_line(served: str) -> None:
    port = served.rpartition(":")[2].partition("/")[0]
    command = [sys.executable, "-m", "reasoner.serve", "--port", port]
    for more in ([], ["--port", str(free_port()), "--prm-port", port]):
        told = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True)
        assert told.returncode == 1
        assert told.stderr.startswith(f"reasoner: port {port} is not available")
        assert "Traceback" not in told.stderr


def test_a_missing_model_file_is_told_in_a_line(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "reasoner.serve",
        "--port",
        str(free_port()),
        "--model",
        str(tmp_path / "none.gguf"),
    ]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (told.returncode, told.stderr) == (1, f"reasoner: no model file at {tmp_path / 'none.gguf'}\n")
