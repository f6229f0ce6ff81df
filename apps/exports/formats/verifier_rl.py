r"""Solutions for training verifiers by reinforcement: the request, and the first wrong step as the answer to compare with.

The reward is 1 when the number in the last `\boxed{}` of the reply equals `answer`, else 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import VERIFIERS, Reader, Row
from apps.exports.formats.first_error import (
    FirstErrorFormat,
    count_first_error,
    digest,
    labeled_solution,
    request,
)
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.policy import LabelPolicy, split_of
from apps.exports.tally import Tally

DATA_SOURCE = "annotate/first-error"
REWARD = (
    r"The reward is 1 when the number in the last `\boxed{}` of the reply equals `%s`, else 0 (docs/export-formats.md)."
)

REWARD_MODEL = pa.struct([("style", pa.string()), ("ground_truth", pa.string())])


class VerifierRl(FirstErrorFormat):
    name = "verifier-rl"
    title = "First errors to find"
    about = "A solution and its first wrong step as the answer, for reinforcement learning of verifiers."
    group = VERIFIERS
    readers: tuple[Reader, ...] = (
        Reader("TRL", "1.16.0", "GRPOTrainer", f"{REWARD % 'answer'} Pass it as `reward_funcs`. Run."),
        Reader(
            "verl",
            "0.9.1",
            "RLHFDataset",
            f"{REWARD % 'reward_model.ground_truth'} Without `reward.custom_reward_function.path` verl refuses the data "
            "source. It drops prompts over `data.max_prompt_length` silently. Its data set and the loaded function were run.",
        ),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        text, number = pa.string(), pa.int64()
        info = [("index", number), ("split", text), ("problem", text), ("solution", text), ("generator", text)]
        return pa.schema(
            [
                ("prompt", MESSAGES),
                ("answer", text),
                ("data_source", text),
                ("reward_model", REWARD_MODEL),
                ("extra_info", pa.struct([*info, ("steps", number), ("label_source", text)])),
            ]
        )

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        labeled = labeled_solution(record, policy, tally)
        if labeled is None or record.solution is None:
            return
        count_first_error(labeled, tally)
        answer = str(labeled.first_error)
        yield {
            "prompt": [{"role": "user", "content": request(record.problem, labeled.texts)}],
            "answer": answer,
            "data_source": DATA_SOURCE,
            "reward_model": {"style": "rule", "ground_truth": answer},
            "extra_info": {
                "index": int(digest(record), 16),
                "split": split_of(record.problem.statement, policy) or "train",
                "problem": record.problem.external_id or "",
                "solution": record.solution.external_id or "",
                "generator": record.solution.source or "",
                "steps": len(labeled.texts),
                "label_source": labeled.source,
            },
        }
