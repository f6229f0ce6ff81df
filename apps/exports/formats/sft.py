"""Solutions for supervised training: right ones, and those in which critique and revision ended.

Right ones are chosen by rejection sampling: by the final answer and by the labels of the steps. Revised ones are the data of
the first phase of Constitutional AI (Bai et al. 2022, arXiv:2212.08073, section 3.1); they need no reference answer, and
name the text that was revised and the principles.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.labels import BAD
from apps.corpus.records import Record, RevisionRecord, SolutionRecord
from apps.exports.formats.base import BaseFormat, Need, Reader, Row, check_plain_prompts
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.formats.verifier_sft import LLAMA_FACTORY
from apps.exports.labels.prompts import TextError, full_text, prompt_and_answer
from apps.exports.labels.steps import Labeled, resolve
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

NOT_REVISED = "no critique and revision ended in them"
UNKNOWN_ANSWER = "it is unknown whether the answer is right"
# Where a revised solution comes from; null and empty for others.
_PARENTS = (("judge", pa.string()), ("original", pa.string()), ("principles", pa.list_(pa.string())))


class Sft(BaseFormat):
    name = "sft"
    title = "Right or revised solutions"
    about = (
        "Solutions with a right final answer and no step known to be bad, or those in which critique and revision ended, "
        "for supervised training."
    )
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
        parents = _PARENTS if "revised" in policy.solutions else ()
        if policy.prompts == "conversational":
            return pa.schema([("messages", MESSAGES), *parents])
        return pa.schema([("prompt", pa.string()), ("completion", pa.string()), *parents])

    def needs(self, policy: LabelPolicy) -> frozenset[Need]:
        revisions = frozenset({Need.REVISIONS}) if "revised" in policy.solutions else frozenset()
        return super().needs(policy) | revisions

    def check(self, policy: LabelPolicy) -> None:
        check_plain_prompts(self.name, policy)
        if policy.answers == "wrong":
            raise PolicyError("answers", f"must be all or right: {self.name} has no wrong answers")

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        solution = record.solution
        if solution is None:
            return
        labelings = resolve(record, policy)
        text = full_text(solution)
        revision = _revision_of(record, policy)
        if reason := _unfit_reason(solution, labelings, text, revision, policy):
            tally.leave_out("solutions", reason)
            return
        try:
            prompt, completion = prompt_and_answer(record.problem, text, policy)
        except TextError as error:
            tally.leave_out("solutions", str(error))
            return
        tally.sources["final answer" if revision is None else f"revised by {revision.names[1]}"] += 1
        for source in {labeled.source for labeled in labelings}:
            tally.sources[source] += 1
        tally.labels["right" if solution.is_correct else UNKNOWN_ANSWER] += 1
        parents = _parents(revision) if "revised" in policy.solutions else {}
        if policy.prompts == "conversational":
            yield {"messages": [*prompt, *completion], **parents}
        else:
            yield {"prompt": prompt, "completion": completion, **parents}


def _revision_of(record: Record, policy: LabelPolicy) -> RevisionRecord | None:
    """The oldest revision by a selected judge that ended in the solution."""
    if "revised" not in policy.solutions:
        return None
    selected = (
        revision for revision in record.revisions if not policy.judges or set(revision.names) & set(policy.judges)
    )
    return next(selected, None)


def _parents(revision: RevisionRecord | None) -> Row:
    if revision is None:
        return {"judge": None, "original": None, "principles": []}
    return {"judge": revision.names[1], "original": revision.original, "principles": list(revision.principles)}


def _unfit_reason(
    solution: SolutionRecord,
    labelings: list[Labeled],
    text: str,
    revision: RevisionRecord | None,
    policy: LabelPolicy,
) -> str:
    """Of a revised solution, the answer may be unknown: there may be nothing to compare it with."""
    if revision is None and "right" not in policy.solutions:
        return NOT_REVISED
    if solution.is_correct is None and revision is None:
        return UNKNOWN_ANSWER
    if solution.is_correct is False:
        return "the final answer is wrong"
    if any(BAD in labeled.labels for labeled in labelings):
        return "a step is known to be bad"
    return "" if text.strip() else "an empty completion"
