"""Answers that are desirable or not, one in a row: TRL's unpaired preferences, LLaMA-Factory's `kto_tag`.

An answer becomes a solution; the label is what the file claims of its correctness (`is_correct`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import structs

from apps.corpus.imports.readers.base import ReaderOptions, Row, check_flat_mapping, renamed, unread
from apps.corpus.imports.readers.choices import answer_text, read_answer
from apps.corpus.imports.readers.dialogue import read_messages
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.prompts import PROMPT_KEYS, Prompt, no_prompt, read_prompt, split_answer
from apps.corpus.records import Record, RowError

COMPLETIONS = ("completion", "output", "response")
LABELS = ("label", "kto_tag")


class Kto:
    name = "kto"
    title = "Answers that are right or not (KTO, outcome reward models)"
    about = "A prompt, one answer, and a label that is true or false."
    targets = (*PROMPT_KEYS, *COMPLETIONS, *LABELS, "messages", "reference_answer")

    def looks_like(self, row: Row) -> bool:
        label = next((row[name] for name in LABELS if name in row), None)
        has_answer = any(name in row for name in COMPLETIONS) or isinstance(row.get("messages"), list)
        return has_answer and "chosen" not in row and (isinstance(label, bool) or label in (0, 1))

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        row, notes = renamed(row, options.mapping)
        record = self.read_row(row, options)
        yield structs.replace(record, ignored=[*notes, *record.ignored]) if notes else record

    def check_mapping(self, mapping: Mapping[str, str]) -> None:
        check_flat_mapping(mapping, self.targets)

    @staticmethod
    def read_row(row: Row, options: ReaderOptions) -> Record:
        fields = Fields(row)
        label = next((name for name in LABELS if row.get(name) is not None), LABELS[0])
        is_right = fields.maybe_bool(label)
        if is_right is None:
            raise fields.wrong(label, "true or false")
        prompt, name, text = prompt_and_answer(fields)
        return Record(
            problem=prompt.problem(reference_answer=fields.maybe_text("reference_answer")),
            solution=split_answer(name, text, options, is_correct=is_right),
            ignored=unread(fields, {*prompt.read, name, label, "reference_answer"}),
        )


def prompt_and_answer(fields: Fields) -> tuple[Prompt, str, str]:
    name = next((name for name in COMPLETIONS if fields.row.get(name) is not None), None)
    if name is None:
        if fields.row.get("messages") is None:
            raise fields.wrong(COMPLETIONS[0], "the answer")
        *question, answer = read_messages(fields, "messages")
        if not question or answer["role"] != "assistant":
            raise RowError("messages", "expected a question followed by an answer of the assistant")
        return Prompt(question, frozenset({"messages"})), "messages", answer["content"]
    prompt = read_prompt(fields)
    if prompt is None:
        raise no_prompt()
    return prompt, name, answer_text(name, read_answer(fields, name))
