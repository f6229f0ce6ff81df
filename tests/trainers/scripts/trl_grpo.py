"""TRL's GRPOTrainer over rows with a gold answer, with the reward function of the documentation.

trl_grpo.py FILE REWARD_FILE REWARD_NAME
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

from datasets import load_dataset
from tiny import make_model, make_tokenizer, report, rows_of, settings, texts_in, versions
from trl import GRPOConfig, GRPOTrainer


def main(path: str, reward_file: str, reward_name: str) -> None:
    rows = rows_of(path)
    tokenizer = make_tokenizer(texts_in(rows))
    spec = spec_from_file_location("reward", reward_file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    paid = getattr(module, reward_name)
    seen: list[dict[str, Any]] = []

    def reward(completions: list[Any], **columns: Any) -> list[float]:
        """The documented one, and beside it what the columns hold by then."""
        seen.append({name: value[0] for name, value in columns.items() if isinstance(value, list) and value})
        lengths = [-len(reply[-1]["content"]) / 1000 for reply in completions]
        return [a + b for a, b in zip(paid(completions, **columns), lengths, strict=True)]

    trainer = GRPOTrainer(
        model=make_model(tokenizer, "causal"),
        reward_funcs=reward,
        args=GRPOConfig(**settings(max_steps=3, num_generations=4, max_completion_length=24, beta=0.0)),
        train_dataset=load_dataset("json", data_files=path, split="train"),
        processing_class=tokenizer,
    )
    trainer.train()
    report(
        versions=versions("trl", "transformers", "datasets"),
        rows=len(rows),
        used=len(trainer.train_dataset),
        steps=trainer.state.global_step,
        rewards=[step["reward"] for step in trainer.state.log_history if "reward" in step],
        columns=sorted(seen[0]),
        answer=seen[0].get("answer"),
        ground_truth=(seen[0].get("reward_model") or {}).get("ground_truth"),
        paid_right=paid([[{"role": "assistant", "content": "So it is \\boxed{1}."}]], answer=["1"]),
        paid_wrong=paid([[{"role": "assistant", "content": "So it is \\boxed{0}."}]], answer=["1"]),
    )


main(*sys.argv[1:])
