"""verl's RLHFDataset and reward functions over `verl` and `verifier-rl`; its trainers need a GPU.

verl_rows.py NAME=FILE ... REWARD_FILE
"""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import absent

absent.pretend("flash_attn", "flash_attn.bert_padding")

from omegaconf import OmegaConf
from tiny import error_of, make_tokenizer, report, rows_of, texts_in, versions
from verl.utils.dataset.rl_dataset import RLHFDataset
from verl.utils.reward_score import default_compute_score


def main(files: dict[str, str], reward_file: str) -> None:
    texts = texts_in([rows_of(path) for path in files.values() if path.endswith("jsonl")])
    tokenizer = make_tokenizer(texts)
    spec = spec_from_file_location("reward", reward_file)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    report(
        versions=versions("verl", "transformers", "datasets", "tensordict"),
        files={name: outcome_of(tokenizer, path, module.compute_score) for name, path in files.items()},
    )


def outcome_of(tokenizer: Any, path: str, compute_score: Any) -> dict[str, Any]:
    whole, default = made(tokenizer, path, max_prompt_length=4096), made(tokenizer, path)
    rows = list(whole.dataframe)
    return {
        "used": len(whole),
        "used_at_default_length": len(default),
        "item": sorted(whole[0]),
        "unknown_source": error_of(default_compute_score, "annotate/math", "\\boxed{1}", "1"),
        "paid_right": {paid(row, rf"\boxed{{{row['reward_model']['ground_truth']}}}", compute_score) for row in rows}
        == {1.0},
        "paid_wrong": {paid(row, r"\boxed{no answer}", compute_score) for row in rows} == {0.0},
        "strange_truths": [
            row["reward_model"]["ground_truth"]
            for row in rows
            if not isinstance(row["reward_model"]["ground_truth"], str)
            or not row["reward_model"]["ground_truth"]
            or "\\boxed" in row["reward_model"]["ground_truth"]
        ],
    }


def paid(row: dict[str, Any], reply: str, compute_score: Any) -> float:
    return compute_score(row["data_source"], reply, row["reward_model"]["ground_truth"], row["extra_info"])


def made(tokenizer: Any, path: str, **more: Any) -> RLHFDataset:
    config = OmegaConf.create({"cache_dir": "verl-cache", "filter_overlong_prompts_workers": 1} | more)
    return RLHFDataset([path], tokenizer, config)


main(dict(argument.split("=", 1) for argument in sys.argv[1:-1]), sys.argv[-1])
