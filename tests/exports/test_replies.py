"""Whole replies of judges as critiques: as they are, where their verdict is the label and their last box says so."""

from __future__ import annotations

from typing import Any

import pytest

from apps.corpus.records import JudgeRecord, Record, ReplyRecord, VerdictRecord
from apps.exports.formats import FORMATS
from apps.exports.formats.base import Need
from apps.exports.labels.critiques import OTHER_FORM
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.judging.models import JudgeReply
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from tests.cast import make_gold
from tests.exports.golden_rows import exported, gold
from tests.exports.test_pair_exports import made, rows_of
from tests.exports.test_sft import attempt
from tests.judging.model import judges_of, make_judge, worked
from tests.judging.test_runs import fill

THOUGHT = "Let me see. The second step fails.\n\n[0] Fine.\n[1] No.\n\n\\boxed{1}"


def reply(text: str = THOUGHT, *ratings: int, judge: str = "critic", run: int = 1, **fields: Any) -> ReplyRecord:
    return ReplyRecord(key=(judge, 1, run), text=text, ratings=dict(enumerate(ratings or (1, -1))), **fields)


def reasons(judge: str = "critic", run: int = 1) -> JudgeRecord:
    steps = [
        VerdictRecord(position=place, rating=rating, reason=text)
        for place, (rating, text) in enumerate([(1, "Fine."), (-1, "No.")])
    ]
    return JudgeRecord(judge=judge, run=run, steps=steps)


def solved(*replies: ReplyRecord, label: tuple[int, ...] = (1, -1), **fields: Any) -> Record:
    return attempt("One.", "Two.", gold=gold(*label), replies=replies, **fields)


def critiques(record: Record, tally: Tally | None = None, **policy: Any) -> list[str]:
    return [row["completion"] for row in exported("verifier-sft", [record], tally, **policy)]


def test_a_reply_is_written_as_it_is() -> None:
    tally = Tally()
    assert critiques(solved(reply(f"{THOUGHT}\n")), tally) == [THOUGHT]
    assert tally.sources["critiques of replies"] == 1
    assert critiques(solved(reply()), critiques=["judges"]) == []


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (reply("[0] Fine.\n\n\\boxed{0}", -1), "whose verdict differs from the label"),
        (reply('{"first_error": 1}'), OTHER_FORM),
        (
            reply("The first is \\boxed{step 1}"),
            OTHER_FORM,
        ),
        (
            reply("\\boxed{1}, for it is not \\boxed{7}"),
            OTHER_FORM,
        ),
        (reply(saw_reference=True), "of a judge who saw the reference, which a verifier does not see"),
        (reply(THOUGHT, 1), "of a critic who leaves the first error open"),
    ],
)
def test_other_replies_are_left_out_for_their_reason(replies: ReplyRecord, reason: str) -> None:
    tally = Tally()
    assert critiques(solved(replies), tally) == []
    assert tally.left_out[f"critiques: {reason}"] == 1


def test_a_quoted_box_is_no_verdict_if_the_last_one_is() -> None:
    text = "It ends in \\boxed{42}, which is wrong.\n\n\\boxed{1}"
    assert critiques(solved(reply(text))) == [text]


def test_the_reasons_that_were_read_from_a_used_reply_make_no_second_critique() -> None:
    record, tally = solved(reply(), judges=[reasons(), reasons(run=2)]), Tally()
    assert critiques(record, tally, critiques_per_solution=5) == [THOUGHT, "[0] Fine.\n[1] No.\n\n\\boxed{1}"]
    assert tally.left_out == {"critiques: of a judge whose whole reply is a critique": 1}
    first = critiques(record, critiques=["judges", "replies"], critiques_per_solution=5)
    assert first == ["[0] Fine.\n[1] No.\n\n\\boxed{1}", THOUGHT]


def test_replies_with_the_same_text_count_once_and_the_newest_run_comes_first() -> None:
    newer, tally = THOUGHT.replace("Let", "Now let"), Tally()
    record = solved(reply(), reply(), reply(newer, run=2))
    assert critiques(record, tally, critiques_per_solution=5) == [newer, THOUGHT]
    assert tally.left_out == {"critiques: with the same text as another": 1}
    assert critiques(record, judges=["nobody"]) == []


def test_right_and_wrong_replies_make_pairs() -> None:
    wrong = "All is well.\n\n\\boxed{-1}"
    (row,) = exported("verifier-dpo", [solved(reply(), reply(wrong, 1, 1))])
    assert (row["chosen"], row["rejected"]) == (THOUGHT, wrong)
    (row,) = exported("verifier-dpo", [solved(reply(), reply(wrong, 1, 1), label=(1, 1))])
    assert (row["chosen"], row["rejected"]) == (wrong, THOUGHT)


def test_replies_are_read_only_for_the_formats_of_critiques() -> None:
    policy = LabelPolicy()
    readers = {name for name, format_ in FORMATS.items() if Need.REPLIES in format_.needs(policy)}
    assert readers == {"verifier-sft", "verifier-dpo"}
    assert not FORMATS["verifier-sft"].needs(LabelPolicy(critiques=("judges", "people")))


# --- through the database ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prompt", ["critic", "steps-first-error-reference"])
def test_replies_that_fit_gold_are_exported_whole(judge_server: str, project: Project, prompt: str) -> None:
    solutions = fill(project, 8)
    for number, solution in enumerate(solutions):
        make_gold(solution, *((1, -1) if number % 2 else (1, 1, 1)))
    judge = make_judge(project, judges_of(judge_server, noise=0.3), prompt=prompt, options={"votes": 4})
    run = worked(start_judging(judge=judge))
    kept = {"critiques": ["replies"], "critiques_per_solution": 10, "sources": ["gold"]}
    if prompt != "critic":
        with pytest.raises(AssertionError, match="of a judge who saw the reference"):
            made(project, "verifier-sft", **kept)
        return
    (rows,) = rows_of(made(project, "verifier-sft", **kept))
    replies = JudgeReply.objects.filter(run=run, outcome="verdict")
    fitting = {
        (reply.solution_id, reply.text.strip())
        for reply in replies
        if reply.text.strip().endswith(f"\\boxed{{{1 if solutions.index(reply.solution) % 2 else -1}}}")
    }
    assert sorted(row["completion"] for row in rows) == sorted(text for _, text in fitting)
    assert 8 <= len(rows) < replies.count()
