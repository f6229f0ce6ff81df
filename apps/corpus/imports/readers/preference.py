"""Pairs of answers of which one is preferred, in the shapes in which they are published.

TRL, HH-RLHF, LLaMA-Factory (sharegpt and alpaca ranking) and Step-DPO; and pairs whose preference is a signed number
or an index (HelpSteer, PKU-SafeRLHF, SHP, arena votes). Rows of KTO, which hold one answer, are read as `kto` does.

A prompt of several messages becomes one statement, a transcript; the messages are kept in the problem's extras. An
answer is split into steps; its text is kept in the extras where it cannot be joined from the steps. The files do not
name who preferred it: the preference becomes that of a labeler called `preference`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import structs

from apps.corpus.imports.readers import choices, step_dpo
from apps.corpus.imports.readers.base import ReaderOptions, Row, check_flat_mapping, renamed, unread
from apps.corpus.imports.readers.choices import PairChoice, answer_text, read_answer, read_choice
from apps.corpus.imports.readers.dialogue import Message, opened_answer, parse_transcript, shared_turns
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.kto import Kto
from apps.corpus.imports.readers.prompts import PROMPT_KEYS, Prompt, no_prompt, read_prompt, split_answer
from apps.corpus.records import ComparisonRecord, PersonRecord, PreferenceRecord, Record, RowError
from apps.corpus.splitting.steps import unclosed_note

ANSWERS = ("reference_answer", "ground_truth")
RANKINGS = ("answers", "completions", "responses", "rankings", "outputs", "candidates", "output")
_KTO = Kto()


class Preference:
    name = "preference"
    title = "Preference pairs"
    about = "A prompt and two answers: TRL, HH-RLHF, LLaMA-Factory, Step-DPO, HelpSteer, PKU-SafeRLHF, SHP."
    targets = tuple(dict.fromkeys((*PROMPT_KEYS, *choices.KEYS, *step_dpo.KEYS, *ANSWERS, *Kto.targets)))

    def looks_like(self, row: Row) -> bool:
        return {"chosen", "rejected"} <= row.keys() or choices.looks_like(row)

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        row, notes = renamed(row, options.mapping)
        for record in self._read(row, options):
            yield structs.replace(record, ignored=[*notes, *record.ignored]) if notes else record

    def check_mapping(self, mapping: Mapping[str, str]) -> None:
        check_flat_mapping(mapping, self.targets)

    @staticmethod
    def _read(row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        if step_dpo.looks_like(row):
            yield read_step_pair(fields, options)
        elif {"chosen", "rejected"} <= row.keys() or choices.pair_in(row) is not None:
            yield read_pair(fields, options)
        elif _KTO.looks_like(row):
            yield _KTO.read_row(row, options)
        else:
            raise no_pair(fields)


def no_pair(fields: Fields) -> RowError:
    """The error of a row without two answers, with what it is where that is known."""
    ranking = next((name for name in RANKINGS if isinstance(fields.row.get(name), list)), None)
    if ranking is not None:
        reason = "a ranking of several answers is not read; write a row with chosen and rejected for each pair"
        return RowError(ranking, reason)
    missing = "chosen" if "chosen" not in fields.row else "rejected"
    return RowError(missing, f'is missing; name its column with the option mapping, {{"{missing}": "COLUMN"}}')


def read_pair(fields: Fields, options: ReaderOptions) -> Record:
    choice = read_choice(fields, options)
    prompt, left, right = prompt_and_sides(fields, choice)
    if left.strip() == right.strip():
        raise RowError(choice.right, f"is the same as {choice.left}: there is nothing to prefer")
    answer, answer_key = _reference_answer(fields, ANSWERS)
    notes = ((choice.left, unclosed_note(left)), (choice.right, unclosed_note(right)))
    return Record(
        problem=prompt.problem(reference_answer=answer),
        comparison=ComparisonRecord(
            left=split_answer(choice.left, left, options),
            right=split_answer(choice.right, right, options),
            extras={"continues_prompt": True} if prompt.is_continued else {},
        ),
        people=[_person(choice)],
        ignored=[
            *unread(fields, {*prompt.read, *choice.read, *answer_key}),
            *(f"{name} ({note})" for name, note in notes if note),
        ],
    )


def read_step_pair(fields: Fields, options: ReaderOptions) -> Record:
    choice = read_choice(fields, options)
    prompt = read_prompt(fields)
    if prompt is None:
        raise no_prompt()
    answer, answer_key = _reference_answer(fields, ("answer", *ANSWERS))
    return Record(
        problem=prompt.problem(reference_answer=answer),
        comparison=step_dpo.read_comparison(fields, options),
        people=[_person(choice)],
        ignored=unread(fields, {*prompt.read, *choice.read, *step_dpo.keys_read(fields), *answer_key}),
    )


def _reference_answer(fields: Fields, names: tuple[str, ...]) -> tuple[str | None, tuple[str, ...]]:
    """The answer and the name that it has in the row."""
    name = next((name for name in names if fields.row.get(name) is not None), None)
    return (fields.maybe_text(name), (name,)) if name else (None, ())


def _person(choice: PairChoice) -> PersonRecord:
    return PersonRecord(
        labeler=Preference.name,
        protocol="comparison",
        finish_reason="solution",
        preference=PreferenceRecord(choice=choice.side, margin=choice.margin),
        extras=choice.extras,
    )


# --- the prompt and the two answers -----------------------------------------------------------------------


def prompt_and_sides(fields: Fields, choice: PairChoice) -> tuple[Prompt, str, str]:
    left, right = read_answer(fields, choice.left), read_answer(fields, choice.right)
    prompt = read_prompt(fields)
    if isinstance(left, list) and isinstance(right, list):
        return without_shared_turns(choice, prompt, left, right)
    left_text, right_text = answer_text(choice.left, left), answer_text(choice.right, right)
    if prompt is None:
        return split_dialogue(choice, left_text, right_text)
    return prompt, left_text, right_text


def without_shared_turns(
    choice: PairChoice, prompt: Prompt | None, left: list[Message], right: list[Message]
) -> tuple[Prompt, str, str]:
    """Both answers are dialogues: the turns that they share are the prompt, and the row's own prompt is in or before them."""
    count = shared_turns(left, right)
    shared, read = list(left[:count]), frozenset[str]()
    if prompt is None and not shared:
        raise no_prompt()
    if prompt is not None:
        missing = [message for message in prompt.messages if message not in shared]
        if not shared or all(message["role"] == "system" for message in missing):
            shared, read = [*missing, *shared], prompt.read
    answers = (answer_text(choice.left, left[count:]), answer_text(choice.right, right[count:]))
    return Prompt(shared, read), *answers


def split_dialogue(choice: PairChoice, left: str, right: str) -> tuple[Prompt, str, str]:
    """HH-RLHF: the prompt ends where the last turn of the assistant begins that both share."""
    if parse_transcript(left) is None or parse_transcript(right) is None:
        raise no_prompt()
    pairs = enumerate(zip(left, right, strict=False))
    start = opened_answer(left[: next((place for place, (a, b) in pairs if a != b), min(len(left), len(right)))])
    if start is None:
        raise RowError(choice.right, f"does not begin with the same turns as {choice.left}")
    messages = parse_transcript(left[:start])
    if messages is None:
        raise RowError(choice.left, "has no prompt before the answer")
    return Prompt(messages), left[start:].strip(), right[start:].strip()
