"""Right solutions for supervised training: rejection sampling by the final answer and by the labels of the steps."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.labels import BAD
from apps.corpus.records import Record, SolutionRecord
from apps.exports.formats.base import BaseFormat, Reader, Row, check_plain_prompts
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.formats.verifier_sft import LLAMA_FACTORY
from apps.exports.labels.prompts import TextError, full_text, prompt_and_answer
from apps.exports.labels.steps import Labeled, resolve
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally


class Sft(BaseFormat):
    name = "sft"
    title = "Right solutions"
    about = "Solutions with a right final answer and no step known to be bad, for supervised training."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "SFTTrainer",
            "Run on both forms, with `max_length=None`: otherwise it cuts rows at 1,024 tokens without a word. With "
            "`prompts: conversational` set `assistant_only_loss=True` and a chat template with generation marks, or the loss "
            "is on the prompt too.",
        ),
        Reader("LLaMA-Factory", "0.9.5", "sft", LLAMA_FACTORY),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        if policy.prompts == "conversational":
            return pa.schema([("messages", MESSAGES)])
        return pa.schema([("prompt", pa.string()), ("completion", pa.string())])

    def check(self, policy: LabelPolicy) -> None:
        check_plain_prompts(self.name, policy)
        if policy.answers == "wrong":
            raise PolicyError("answers", f"must be all or right: {self.name} has right answers only")

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        solution = record.solution
        if solution is None:
            return
        labelings = resolve(record, policy)
        text = full_text(solution)
        if reason := _unfit_reason(solution, labelings, text):
            tally.leave_out("solutions", reason)
            return
        try:
            prompt, completion = prompt_and_answer(record.problem, text, policy)
        except TextError as error:
            tally.leave_out("solutions", str(error))
            return
        tally.sources["final answer"] += 1
        for source in {labeled.source for labeled in labelings}:
            tally.sources[source] += 1
        tally.labels["right"] += 1
        if policy.prompts == "conversational":
            yield {"messages": [*prompt, *completion]}
        else:
            yield {"prompt": prompt, "completion": completion}


def _unfit_reason(solution: SolutionRecord, labelings: list[Labeled], text: str) -> str:
    if solution.is_correct is None:
        return "it is unknown whether the answer is right"
    if not solution.is_correct:
        return "the final answer is wrong"
    if any(BAD in labeled.labels for labeled in labelings):
        return "a step is known to be bad"
    return "" if text.strip() else "an empty completion"
