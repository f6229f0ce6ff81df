"""The key, the content and the labels of an exported row, so that rows of two exports can be compared. Pure.

A row of `annotate` is known by its external ids, any other by its content without its labels. The labels of a PRM row
belong to the problem and the steps up to their own: a row may end earlier in one export than in the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from apps.corpus.labels import hard_label
from apps.exports.policy import STEP_TAG

TITLE = 80
NO_POSITION = -1
# Columns that say something of the row and are not what it is about.
_LABEL_COLUMNS = frozenset(
    [
        "label",
        "labels",
        "lineage",
        "margin",
        "votes",
        "values",
        "source",
        "answer",
        "final_answer_correct",
        "chosen_rating",
        "rejected_rating",
        "share",
        "judge",
        "judge_prompt",
        "principles",
        "original",
    ]
)

Row = Mapping[str, Any]


class LabelPart(NamedTuple):
    """One label: what it is a label of, its source ("" where rows do not name it), the step's position, and the label."""

    key: bytes
    source: str
    position: int
    label: str


class RowParts(NamedTuple):
    key: bytes
    content: bytes
    title: str
    labels: Sequence[LabelPart]


def row_parts(row: Row, *, step_tag: str = STEP_TAG, ignore_nulls: bool = False) -> RowParts:
    """The parts of one row. `ignore_nulls` makes rows of JSON Lines and Parquet equal, where only one lists empty columns."""
    content = blake2b(msgspec.json.encode(_without_nulls(row) if ignore_nulls else row, order="sorted"), digest_size=16)
    kind = next(kind for kind in _KINDS if kind.columns <= row.keys())
    key, title, labels = kind.read(row, step_tag)
    return RowParts(key, content.digest(), " ".join(title.split())[:TITLE], list(labels))


def digest(*values: Any) -> bytes:
    return blake2b(msgspec.json.encode(values, order="sorted"), digest_size=16).digest()


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


Parts = tuple[bytes, str, Iterator[LabelPart]]


def _canonical(row: Row, _: str) -> Parts:
    problem, solution = row["problem"], row.get("solution")
    if not solution:
        sides = row.get("comparison") or {}
        key = digest(problem["statement"], sides)
        return key, problem["external_id"] or problem["statement"], _canonical_labels(row, key)
    ids = (problem["external_id"], solution["external_id"])
    steps = [(step["position"], step["candidate"], step["text"]) for step in solution["steps"]]
    key = digest(*ids) if all(ids) else digest(problem["statement"], solution["source"], steps)
    return key, solution["external_id"] or problem["external_id"] or problem["statement"], _canonical_labels(row, key)


def _canonical_labels(row: Row, key: bytes) -> Iterator[LabelPart]:
    """The labels by their sources. Of rollouts, the hard label: other counts change the row, but no label."""

    def part(step: Row, source: str, label: Any, *giver: Any) -> LabelPart:
        place = (step["position"], step.get("candidate", 0))
        return LabelPart(digest(key.hex(), source, *giver, place), source, step["position"], str(label))

    for person in row.get("people") or ():
        giver = (person["labeler"], person.get("round"), person.get("role"))
        yield from (part(step, "human", step["rating"], *giver) for step in person.get("steps") or ())
        if preference := person.get("preference"):
            yield LabelPart(digest(key.hex(), "human", *giver), "human", NO_POSITION, preference["choice"])
    for source in ("gold", "consensus"):
        rated = (row.get(source) or {}).get("steps") or ()
        yield from (part(step, source, step["rating"]) for step in rated)
    for run in row.get("monte_carlo") or ():
        for step in run["steps"]:
            yield part(step, "monte_carlo", _hard(step), run["run"], run["completer"], run["strategy"])
    for judge in row.get("judges") or ():
        source = f"judge {judge['judge']} v{judge['version']}"
        yield from (part(step, source, step["rating"], judge["run"]) for step in judge["steps"])


def _hard(step: Row) -> int:
    return hard_label(step["rollouts"], step["successes"], hard=step["hard"])


def _published(row: Row, _: str) -> Parts:
    """PRM800K's row: one person's labels of one solution."""
    question, label = row["question"], row["label"]
    offered = [[item["text"] for item in step["completions"] or ()] for step in label["steps"]]
    key = digest(row["labeler"], row["timestamp"], question["problem"], question.get("pre_generated_steps") or offered)
    ratings = (
        LabelPart(digest(key.hex(), position, item["text"]), "human", position, str(item["rating"]))
        for position, step in enumerate(label["steps"])
        for item in step["completions"] or ()
    )
    return key, question["problem"], ratings


def _supervised(row: Row, _: str) -> Parts:
    texts = row["completions"]
    return digest(row["prompt"], texts), row["prompt"], _step_labels(row["prompt"], texts, row["labels"])


def _tagged(row: Row, step_tag: str) -> Parts:
    """A text with a tag after each step; the labels are a list, or stand in the place of the tags in a second text."""
    texts, labels = row["input"].split(step_tag), row["label"]
    if isinstance(labels, str):
        labels = list(_signs(texts, labels))
    return digest(row["input"]), row["input"], _step_labels("", texts, labels)


def _signs(texts: Sequence[str], labeled: str) -> Iterator[str]:
    place = 0
    for text in texts[:-1]:
        place += len(text)
        yield labeled[place : place + 1]
        place += 1


def _signed_messages(row: Row, _: str) -> Parts:
    """A dialogue, in which turns of + or - label the message before."""
    texts: list[str] = []
    labels: list[str] = []
    for message in row["messages"]:
        is_label = message["role"] == "assistant" and message["content"] in ("+", "-")
        (labels if is_label else texts).append(message["content"])
    other_columns = {name: value for name, value in row.items() if name not in {"messages", *_LABEL_COLUMNS}}
    return digest(texts, other_columns), texts[0] if texts else "", _step_labels("", texts, labels)


def _step_labels(prompt: str, texts: Sequence[str], labels: Sequence[Any]) -> Iterator[LabelPart]:
    """A label for each step, known by the prompt and the texts up to it."""
    prefix = blake2b(prompt.encode("utf-8", "surrogatepass"), digest_size=16)
    for position, (text, label) in enumerate(zip(texts, labels, strict=False)):
        prefix.update(b"\x1f" + text.encode("utf-8", "surrogatepass"))
        yield LabelPart(prefix.digest(), "", position, _shown(label))


def _pair(row: Row, _: str) -> Parts:
    """A pair is the same whichever side is chosen."""
    chosen, rejected = (msgspec.json.encode(row[side]).decode() for side in ("chosen", "rejected"))
    prompt = row.get("prompt") or row.get("conversations") or ""
    key = digest(prompt, sorted([chosen, rejected]))
    label = "first side" if chosen <= rejected else "second side"
    return key, _text(prompt), iter([LabelPart(key, "", NO_POSITION, label)])


def _plain(row: Row, _: str) -> Parts:
    """Any other row: its columns without those that label it, and its label if that is one value."""
    about = {name: value for name, value in row.items() if name not in _LABEL_COLUMNS}
    key = digest(about)
    label = next((row[name] for name in ("label", "answer") if name in row), None)
    labels = (
        [] if label is None or isinstance(label, list | Mapping) else [LabelPart(key, "", NO_POSITION, _shown(label))]
    )
    return key, _text(next(iter(about.values()), "")), iter(labels)


def _shown(label: Any) -> str:
    return msgspec.json.encode(label).decode() if isinstance(label, bool) or label is None else str(label)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class _Kind(NamedTuple):
    """A kind of row: the columns that it has, and how it is read."""

    columns: frozenset[str]
    read: Callable[[Row, str], Parts]


_KINDS = (
    _Kind(frozenset({"problem", "people"}), _canonical),
    _Kind(frozenset({"labeler", "question", "label"}), _published),
    _Kind(frozenset({"prompt", "completions", "labels"}), _supervised),
    _Kind(frozenset({"input", "label"}), _tagged),
    _Kind(frozenset({"chosen", "rejected"}), _pair),
    _Kind(frozenset({"messages"}), _signed_messages),
    _Kind(frozenset(), _plain),
)
