"""From what people prefer to pairs of a chosen and a rejected text, by a policy. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from apps.corpus.comparing import OTHER
from apps.corpus.readers.preference import MARGINS, NAMES, SCALES
from apps.corpus.records import ComparisonRecord, PreferenceRecord, ProblemRecord, Record, SolutionRecord
from apps.exports.policy import LabelPolicy
from apps.exports.sources import exclusion
from apps.exports.tally import Tally

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class PreferredPair:
    """`prompt` is a text, or messages; so are the other two then. `margin` is a number on the policy's scale."""

    prompt: Any
    chosen: Any
    rejected: Any
    margin: float


def preferred_pairs(record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[PreferredPair]:
    """The pairs of one comparison; counts what becomes a pair and what is left out."""
    compared = record.comparison
    if compared is None:
        return
    said = _counted(record, policy, tally)
    if not said:
        tally.leave_out("comparisons", "nobody whose work counts has compared it")
        return
    settled = settle(said, policy)
    if not settled:
        tally.leave_out("comparisons", "no majority")
    for one in settled:
        if one.choice == "tie" and policy.ties == "drop":
            tally.leave_out("comparisons", "a tie")
            continue
        tally.sources["human"] += 1
        tally.labels[one.margin or one.choice] += 1
        for choice in ("left", "right") if one.choice == "tie" else (one.choice,):
            yield _pair(record.problem, compared, choice, _number(one.margin, policy), policy)


def _counted(record: Record, policy: LabelPolicy, tally: Tally) -> list[PreferenceRecord]:
    """The preferences of the people whose work counts; each other one is counted as left out."""
    preferences: list[PreferenceRecord] = []
    for person in record.people:
        if person.preference is None:
            continue
        if reason := exclusion(person, policy):
            tally.leave_out("preferences", reason)
        else:
            preferences.append(person.preference)
    return preferences


def settle(said: Sequence[PreferenceRecord], policy: LabelPolicy) -> list[PreferenceRecord]:
    """What more people say than anything else, with the median margin of those who say so; or each, or the first."""
    if policy.people != "majority":
        return list(said[: 1 if policy.people == "first" else None])
    (choice, most), *others = Counter(one.choice for one in said).most_common(2)
    if others and others[0][1] == most:
        return []
    margins = sorted(MARGINS.index(one.margin) for one in said if one.choice == choice and one.margin)
    # Of an even number the smaller one: nobody's margin is overstated.
    return [PreferenceRecord(choice=choice, margin=MARGINS[margins[len(margins) // 2]] if margins else "")]


def _number(margin: str, policy: LabelPolicy) -> float:
    """Who does not say by how much asks for no distance."""
    return SCALES[policy.margins][MARGINS.index(margin)] if margin else 0.0


# --- texts ------------------------------------------------------------------------------------------------


def _pair(
    problem: ProblemRecord, compared: ComparisonRecord, choice: str, margin: float, policy: LabelPolicy
) -> PreferredPair:
    write = _conversational if policy.prompts == "conversational" else _standard
    prompt, texts = write(problem, compared)
    return PreferredPair(prompt, texts[choice], texts[OTHER[choice]], margin)


def _standard(problem: ProblemRecord, compared: ComparisonRecord) -> tuple[str, dict[str, str]]:
    """Texts that trainers put together as they are: whatever parts them stands in the prompt or before the answer."""
    prefix, texts = _sides(compared)
    messages = problem.extras.get("messages")
    if messages:
        turns = "".join(f"\n\n{NAMES.get(one['role'], one['role'])}: {one['content']}" for one in messages)
        return f"{turns}\n\nAssistant:", {side: f" {text}" for side, text in texts.items()}
    if compared.extras.get("continues_prompt"):
        return problem.statement, texts
    return "\n".join([problem.statement.removesuffix("\n"), *([prefix] if prefix else []), ""]), texts


def _conversational(
    problem: ProblemRecord, compared: ComparisonRecord
) -> tuple[list[Message], dict[str, list[Message]]]:
    """A begun answer belongs to both answers: chat templates know no prompt that ends within one."""
    prefix, texts = _sides(compared)
    prompt = problem.extras.get("messages") or [{"role": "user", "content": problem.statement}]
    begun = prefix + compared.left.separator if prefix else ""
    return list(prompt), {side: [{"role": "assistant", "content": begun + text}] for side, text in texts.items()}


def _sides(compared: ComparisonRecord) -> tuple[str, dict[str, str]]:
    """What both sides begin with where steps are compared, and the text of each side."""
    left, right = compared.sides()
    if compared.left_step is None or compared.right_step is None:
        return "", {"left": full_text(left), "right": full_text(right)}
    before = [step.text for step in left.path() if step.position < compared.left_step[0]]
    texts = {"left": _step_text(left, compared.left_step), "right": _step_text(right, compared.right_step)}
    return left.separator.join(before), texts


def full_text(solution: SolutionRecord) -> str:
    """As it came, where its steps do not give it back."""
    return str(solution.extras.get("text") or solution.separator.join(step.text for step in solution.path()))


def _step_text(solution: SolutionRecord, place: tuple[int, int]) -> str:
    return next(step.text for step in solution.steps if (step.position, step.candidate) == place)
