"""Pairs of next steps (Step-DPO, arXiv 2406.18629): the same problem and prefix, a good and a bad next step.

They are made of rated alternatives, of branches, and of solutions of one problem that share their first steps word for
word and part with different labels. The steps before a pair all have labels, and none is bad.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from apps.corpus.labels import BAD
from apps.corpus.records import ComparisonRecord, Record, SolutionRecord, StepPlace, StepRecord
from apps.exports.formats.base import BaseFormat, Reader, Row
from apps.exports.formats.pair_format import pair_columns
from apps.exports.formats.verifier_dpo import OPENRLHF
from apps.exports.labels.columns.reasons import NO_SOURCE
from apps.exports.labels.pairs.base import MOST_PAIRS, OVER_CAP
from apps.exports.labels.pairs.order import capped, diagonal
from apps.exports.labels.prompts import TextError, paired, side_texts
from apps.exports.labels.steps import TWO_LABELS, Labeled, resolve
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

ALTERNATIVES = "alternatives"
SOLUTIONS = "solutions"
NO_PAIR = "without a good and a bad step after the same prefix"

Prefix = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A step after a prefix, with its label, and the number of its solution among the problem's."""

    prefix: Prefix
    text: str
    label: int
    solution: int


Pair = tuple[NextStep, NextStep]


class StepDpo(BaseFormat):
    name = "step-dpo"
    title = "Pairs of next steps"
    about = "The same prefix, a good and a bad next step, for step-wise DPO and step reward models."
    by_problem = True
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "DPOTrainer",
            "Run on `prompts: standard` and `conversational`, with `max_length=None`. It ignores the ratings and `source`.",
        ),
        Reader("OpenRLHF", "0.11.2", "train_dpo", OPENRLHF),
        Reader(
            "LLaMA-Factory",
            "0.9.5",
            "dpo, rm",
            'Run with the entry `{"mine": {"file_name": "FILE", "ranking": true, "columns": {"prompt": "prompt", "chosen": '
            '"chosen", "rejected": "rejected"}}}` in `dataset_info.json`.',
        ),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        columns = pair_columns(policy)
        for name in ("chosen_rating", "rejected_rating"):
            columns = columns.append(pa.field(name, pa.int64()))
        return columns.append(pa.field("source", pa.string()))

    def check(self, policy: LabelPolicy) -> None:
        """Every policy is valid."""

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        by_prefix: defaultdict[Prefix, list[NextStep]] = defaultdict(list)
        for number, record in enumerate(records):
            labelings = resolve(record, policy)
            if record.solution is not None and not labelings:
                tally.leave_out("solutions", NO_SOURCE)
            for step in (step for labeled in labelings for step in next_steps(labeled, number)):
                by_prefix[step.prefix].append(step)
        most = policy.pairs_per_problem or MOST_PAIRS
        groups = [_pairs(steps, tally, most) for steps in by_prefix.values()]
        if by_prefix and not any(groups):
            tally.leave_out("problems", NO_PAIR)
        for chosen, rejected in capped(groups, policy, tally):
            yield from _rows(records[chosen.solution], chosen, rejected, policy, tally)


def next_steps(labeled: Labeled, number: int) -> Iterator[NextStep]:
    """The labeled steps and alternatives of a solution whose prefix holds no bad step."""
    for example in labeled.examples():
        is_path = example.places == labeled.places[: len(example.places)]
        for place in range(len(example.texts)) if is_path else [len(example.texts) - 1]:
            if BAD in example.labels[:place]:
                break
            yield NextStep(tuple(example.texts[:place]), example.texts[place], example.labels[place], number)


def _pairs(steps: Sequence[NextStep], tally: Tally, most: int) -> list[Pair]:
    """Each good step with each bad one after one prefix, up to `most`. A text with two labels is in no pair.

    White space around a text makes no other one: a pair would have the same step on both sides.
    """
    first: dict[str, NextStep] = {}
    verdicts: defaultdict[str, set[bool]] = defaultdict(set)
    for step in steps:
        first.setdefault(step.text.strip(), step)
        verdicts[step.text.strip()].add(step.label == BAD)
    tally.leave_out("ratings", TWO_LABELS, sum(len(verdicts[step.text.strip()]) > 1 for step in steps))
    clear = [step for text, step in first.items() if len(verdicts[text]) == 1]
    good, bad = ([step for step in clear if (step.label == BAD) == is_bad] for is_bad in (False, True))
    pairs = list(islice(diagonal(good, bad), most))
    tally.leave_out("pairs", OVER_CAP, len(good) * len(bad) - len(pairs))
    return pairs


def _rows(record: Record, chosen: NextStep, rejected: NextStep, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
    assert record.solution is not None
    try:
        prompt, texts = side_texts(record.problem, _comparison(record.solution, chosen, rejected), policy)
        columns = paired(prompt, texts["left"], texts["right"], policy)
    except TextError as error:
        tally.leave_out("pairs", str(error))
        return
    source = ALTERNATIVES if chosen.solution == rejected.solution else SOLUTIONS
    tally.sources[source] += 1
    tally.labels.update([str(chosen.label), str(rejected.label)])
    yield {
        **columns,
        "chosen_rating": chosen.label,
        "rejected_rating": rejected.label,
        "source": source,
    }


def _comparison(solution: SolutionRecord, chosen: NextStep, rejected: NextStep) -> ComparisonRecord:
    position = len(chosen.prefix)
    steps = [StepRecord(position=place, text=text) for place, text in enumerate((*chosen.prefix, chosen.text))]
    other = StepRecord(position=position, candidate=1, text=rejected.text, chosen=False)
    return ComparisonRecord(
        left=SolutionRecord(steps=[*steps, other], separator=solution.separator),
        left_step=StepPlace(position, 0),
        right_step=StepPlace(position, 1),
    )
