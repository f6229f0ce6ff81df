"""What formats of whole solutions with one first error have in common: verifiers, critics and their benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from apps.corpus.records import ProblemRecord, Record
from apps.exports.formats.base import VERIFIERS, BaseFormat, Need
from apps.exports.labels.columns.reasons import NO_SOURCE
from apps.exports.labels.prompts import Message
from apps.exports.labels.steps import Labeled, resolve
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

OPEN = "the first error is unknown: a step before it has no label"

_REQUEST = (
    "Check the solution step by step and stop at the first wrong step. End with the number of that step, "
    r"or -1 if no step is wrong, in \boxed{}."
)


class FirstErrorFormat(BaseFormat):
    """Formats of solutions with one first error each."""

    name: str
    has_classes = False  # It has a sentence of its own.

    def check(self, policy: LabelPolicy) -> None:
        if policy.people == "each":
            raise PolicyError("people", f"must be majority or first: {self.name} has one first error for each solution")

    def notices(self, policy: LabelPolicy, tally: Tally) -> Sequence[str]:
        """A sentence for the card when a verifier could be right without reading."""
        with_error, without = tally.labels["error"], tally.labels["no error"]
        if bool(with_error) == bool(without):
            return []
        return ["Every solution in the rows has an error." if with_error else "No solution in the rows has an error."]


class CritiqueFormat(FirstErrorFormat):
    """Formats of critiques."""

    group = VERIFIERS

    def needs(self, policy: LabelPolicy) -> frozenset[Need]:
        replies = frozenset({Need.REPLIES}) if "replies" in policy.critiques else frozenset()
        return super().needs(policy) | replies


def labeled_solution(record: Record, policy: LabelPolicy, tally: Tally) -> Labeled | None:
    """The solution with its labels if its first error is known; else it is counted as left out."""
    labeled = next(iter(resolve(record, policy)), None)
    if labeled is not None and labeled.first_error is not None:
        return labeled
    if record.solution is not None:
        tally.leave_out("solutions", NO_SOURCE if labeled is None else OPEN)
    return None


def count_first_error(labeled: Labeled, tally: Tally, rows: int = 1) -> None:
    """Count the rows of one solution by whether it holds an error."""
    if rows:
        tally.sources[labeled.source] += 1
        tally.labels["no error" if labeled.first_error == -1 else "error"] += rows


def request(problem: ProblemRecord, texts: Sequence[str]) -> str:
    """What a verifier is asked: the problem, the solution's steps numbered from 0, and the form of the answer."""
    steps = [f"[{place}] {text}" for place, text in enumerate(texts)]
    return "\n".join(["Problem:", problem.statement.strip(), "", "Solution:", *steps, "", _REQUEST])


def messages(prompt: str, answer: str) -> list[Message]:
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer}]


def digest(record: Record) -> str:
    """Tells rows apart where the file gives no ids: the same for the same problem, writer and steps."""
    solution = record.solution
    parts = [record.problem.statement]
    if solution is not None:
        parts += [solution.source or "", *(step.text for step in solution.path())]
    return blake2b("\x1f".join(parts).encode(), digest_size=6).hexdigest()
