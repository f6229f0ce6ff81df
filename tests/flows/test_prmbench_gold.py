"""PRMBench's rows as ProcessBench-style gold, and labelers from a noisy copy of them: who did how well.

The scores are computed here once more, from the rows alone, by definitions that know nothing of the tables.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import User
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.marks import scores_of
from apps.quality.gold.scoring import Score
from apps.quality.models import GoldMark
from tests.flows.test_real_files import command

NO_ERROR = -1
# Name, and how often the first error that they name is not PRMBench's.
NOISE = {"careful": 0.1, "hasty": 0.4, "guessing": 1.0}


@dataclass(frozen=True)
class Case:
    name: str
    problem: str
    steps: tuple[str, ...]
    first_error: int


def cases(folder: Path) -> Iterator[Case]:
    """The altered process of each row with its first error, and the original one, which has none."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for path in sorted(folder.glob("prmbench_*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            told: list[tuple[str, str, list[str], int]] = [
                ("altered", row["modified_question"], row["modified_process"], min(row["error_steps"]) - 1),
                ("original", row["original_question"], row["original_process"], NO_ERROR),
            ]
            for kind, statement, texts, first_error in told:
                problem, steps = statement.strip(), tuple(text.strip() for text in texts)
                # The files share their original processes.
                if (problem, steps) not in seen and first_error < len(steps):
                    seen.add((problem, steps))
                    yield Case(f"{path.stem}-{row['idx']}-{kind}", problem, steps, first_error)


def noisy(case: Case, share: float, dice: random.Random) -> int:
    if dice.random() >= share:
        return case.first_error
    near = [place for place in (case.first_error - 1, case.first_error + 1) if 0 <= place < len(case.steps)]
    far = [NO_ERROR, *range(len(case.steps))]
    return dice.choice(near if near and dice.random() < 0.5 else far)


def ratings(first_error: int, length: int) -> list[dict[str, int]]:
    """As somebody rates who stops there."""
    good = length if first_error == NO_ERROR else first_error
    said = [{"position": place, "rating": 1} for place in range(good)]
    return said if first_error == NO_ERROR else [*said, {"position": first_error, "rating": -1}]


def recount(told: list[tuple[Case, int]]) -> dict[str, tuple[int, int]]:
    """Hits and tries of one labeler by first error, within one position, and by step."""
    exact = sum(case.first_error == word for case, word in told)
    near = sum(
        case.first_error == word or (min(case.first_error, word) >= 0 and abs(case.first_error - word) == 1)
        for case, word in told
    )
    right = steps = 0
    for case, word in told:
        end = len(case.steps)
        spoken = min(end if one == NO_ERROR else one + 1 for one in (case.first_error, word))
        steps += spoken
        # Both call every step good until one of them says bad: only the last step can be in dispute.
        right += spoken - (case.first_error != word)
    return {"exact": (exact, len(told)), "within_one": (near, len(told)), "steps": (right, steps)}


def counted(score: Score) -> dict[str, tuple[int, int]]:
    shares = {"exact": score.exact, "within_one": score.within_one, "steps": score.steps}
    return {name: (share.hits, share.of) for name, share in shares.items()}


@pytest.fixture
def rows(shared_data: Path) -> list[Case]:
    found = list(cases(shared_data))
    assert len(found) > 120
    return found


def write(path: Path, lines: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_labels_of_a_noisy_copy_are_scored_as_they_are_counted_by_hand(
    project: Project, alice: User, rows: list[Case], tmp_path: Path
) -> None:
    gold = [
        {"id": one.name, "problem": one.problem, "steps": list(one.steps), "label": one.first_error} for one in rows
    ]
    command("import_corpus", write(tmp_path / "gold.jsonl", gold), project=project.slug, format="processbench")

    dice = random.Random(7)
    told: dict[str, list[tuple[Case, int]]] = {}
    lines = []
    for case in rows:
        words = {name: noisy(case, share, dice) for name, share in NOISE.items()}
        for name, word in words.items():
            told.setdefault(name, []).append((case, word))
        people = [
            {
                "labeler": name,
                "protocol": "first_error",
                "finish_reason": "solution" if word == NO_ERROR else "found_error",
                "steps": ratings(word, len(case.steps)),
            }
            for name, word in words.items()
        ]
        solution = {"external_id": case.name, "steps": list(case.steps)}
        lines.append({"problem": {"statement": case.problem}, "solution": solution, "people": people})
    landed = command("import_corpus", write(tmp_path / "noisy.jsonl", lines), project=project.slug, format="jsonl")
    assert landed["solutions"] == 0, "the copy is of the same solutions"

    recompute_project(project)
    assert GoldMark.objects.filter(project=project).count() == len(rows) * len(NOISE)
    names = dict(Membership.objects.filter(project=project).values_list("user_id", "pseudonym"))
    found = {names[pk]: counted(score) for pk, score in scores_of(project).items()}
    assert found == {name: recount(words) for name, words in told.items()}
    for name, score in found.items():
        print(name, {kind: f"{hits / of:.3f} of {of}" for kind, (hits, of) in score.items()})
    exact = [found[name]["exact"][0] for name in NOISE]
    assert exact == sorted(exact, reverse=True), "more noise, fewer hits"
