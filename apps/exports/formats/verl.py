"""Problems for reinforcement learning with verifiable rewards, in verl's columns; by policy, solutions with step rewards.

One row for each problem: the question as messages and the reference answer as a text that reward functions can compare.
With `rewards: steps`, one row for each labeled solution, whose `extra_info` also has the steps and a reward for each: 1
good, 0 bad, 0.5 okay where it is a class of its own; with the source `monte_carlo_soft` the share of successes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from apps.corpus.labels import BAD, GREAT, OKAY
from apps.corpus.records import ProblemRecord, Record
from apps.exports.formats.base import BaseFormat, Reader, Row, training_examples
from apps.exports.formats.first_error import digest
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.formats.verifier_rl import REWARD_MODEL
from apps.exports.labels.columns.frames import Place
from apps.exports.labels.ground_truths import GSM8K, data_source, ground_truth, unfit_reason
from apps.exports.labels.prompts import Message, TextError, conversation
from apps.exports.labels.sources import path_places, soft_shares
from apps.exports.labels.steps import TrainingExample, resolve
from apps.exports.policy import LabelPolicy, PolicyError, split_of
from apps.exports.tally import Tally

NO_SOLUTION = "alternatives, which make no row in verl"
OF_LEFT_OUT = "of problems that are left out"

_REWARDS = {GREAT: 1.0, OKAY: 0.5, BAD: 0.0}
_BOXED = r"Write the final answer in \boxed{}."
_HASHES = "End with a line that has only #### and the final answer as a plain number, such as: #### 42"


class Verl(BaseFormat):
    name = "verl"
    title = "Problems for verl"
    about = "Problems with checked answers for reinforcement learning, or solutions with a reward for each step."
    by_problem = True
    readers: tuple[Reader, ...] = (
        Reader(
            "verl",
            "0.9.1",
            "RLHFDataset",
            "It knows the data sources `openai/gsm8k` and `DigitalLearningGmbH/MATH-lighteval`; for `annotate/...` pass "
            "`reward.custom_reward_function.path`: docs/export-formats.md has the function. It reads JSONL and Parquet, not "
            "gzip, and drops prompts over `data.max_prompt_length` silently. Its data set and reward functions were run.",
        ),
        Reader("TRL", "1.16.0", "GRPOTrainer", "With a reward function that takes `reward_model`. Run."),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        text = pa.string()
        info = [("index", pa.int64()), ("split", text), ("problem", text), ("verifier", text)]
        if policy.rewards == "steps":
            info += [("solution", text), ("generator", text), ("label_source", text)]
            info += [("steps", pa.list_(text)), ("step_rewards", pa.list_(pa.float64()))]
        return pa.schema(
            [
                ("data_source", text),
                ("prompt", MESSAGES),
                ("ability", text),
                ("reward_model", REWARD_MODEL),
                ("extra_info", pa.struct(info)),
            ]
        )

    def reads_labels(self, policy: LabelPolicy) -> bool:
        return policy.rewards == "steps"

    def check(self, policy: LabelPolicy) -> None:
        """`prompts` does not matter, since verl reads messages only."""
        if policy.rewards == "steps" and policy.combine != "solution" and "monte_carlo_soft" in policy.sources:
            raise PolicyError("combine", "must be solution where steps are rewarded by their share of successes")

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        problem = records[0].problem
        reason = unfit_reason(problem)
        try:
            prompt = _prompt(problem)
        except TextError as error:
            reason, prompt = str(error), []
        if reason:
            tally.leave_out("problems", reason)
            if policy.rewards == "steps":
                tally.leave_out("solutions", OF_LEFT_OUT, len(records))
        elif policy.rewards == "none":
            tally.sources["reference answer"] += 1
            yield _row(problem, prompt, _info(problem, Record(problem=problem), policy))
        else:
            for record in records:
                yield from _solution_rows(record, prompt, policy, tally)


def _prompt(problem: ProblemRecord) -> list[Message]:
    """The question, and the form of the answer that the reward function looks for."""
    messages = conversation(problem)
    form = _HASHES if data_source(problem) == GSM8K else _BOXED
    if messages[-1]["role"] != "user":
        return [*messages, {"role": "user", "content": form}]
    return [*messages[:-1], {"role": "user", "content": f"{messages[-1]['content'].rstrip()}\n\n{form}"}]


def _row(problem: ProblemRecord, prompt: list[Message], info: Row) -> Row:
    return {
        "data_source": data_source(problem),
        "prompt": prompt,
        "ability": "math" if problem.verifier in ("math", "numeric", None) else "reasoning",
        "reward_model": {"style": "rule", "ground_truth": ground_truth(problem)},
        "extra_info": info,
    }


def _info(problem: ProblemRecord, identified: Record, policy: LabelPolicy) -> Row:
    return {
        "index": int(digest(identified), 16),
        "split": split_of(problem.statement, policy) or "train",
        "problem": problem.external_id or "",
        "verifier": problem.verifier or "math",
    }


def _solution_rows(record: Record, prompt: list[Message], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
    """A row for each labeling of the path."""
    solution = record.solution
    if solution is None:
        return
    path = set(path_places(solution).values())
    source = next((labeled.source for labeled in resolve(record, policy)), "")
    shares = soft_shares(record, policy) if source == "monte_carlo_soft" else {}

    def unfit_reason(example: TrainingExample) -> str:
        return "" if path.issuperset(example.places) else NO_SOLUTION

    for example in training_examples(record, policy, tally, unfit_reason=unfit_reason):
        of_solution = {
            "solution": solution.external_id or "",
            "generator": solution.source or "",
            "label_source": source,
            "steps": list(example.texts),
            "step_rewards": _step_rewards(example, shares, policy),
        }
        yield _row(record.problem, prompt, _info(record.problem, record, policy) | of_solution)


def _step_rewards(example: TrainingExample, shares: Mapping[Place, float], policy: LabelPolicy) -> list[float]:
    """Where the policy calls steps after the first error negative, their share of successes does not count."""
    end = len(example.labels)
    if policy.after_first_error == "negative" and BAD in example.labels:
        end = example.labels.index(BAD) + 1
    labels = enumerate(zip(example.places, example.labels, strict=True))
    return [
        shares.get(place, _REWARDS[label]) if number < end else _REWARDS[label] for number, (place, label) in labels
    ]
