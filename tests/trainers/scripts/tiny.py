"""A tokenizer of 2,000 tokens and models of two layers, made of the exported texts themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    set_seed,
)

torch.set_num_threads(1)

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
KINDS = {
    "causal": AutoModelForCausalLM,
    "reward": AutoModelForSequenceClassification,
    "steps": AutoModelForTokenClassification,
}
# ChatML, with the marks that TRL's `assistant_only_loss` needs.
CHAT = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def rows_of(path: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def make_tokenizer(texts: Iterable[str], *, extra: tuple[str, ...] = ()) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=[PAD, START, END, *extra],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=PAD,
        chat_template=CHAT,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: PreTrainedTokenizerFast, kind: str, **settings: Any) -> Any:
    set_seed(1)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **settings,
    )
    return KINDS[kind].from_config(config)


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a row, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)


def settings(**more: Any) -> dict[str, Any]:
    """Arguments of every trainer of the transformers family; `more` overrides them."""
    chosen = {
        "output_dir": "model",
        "max_steps": 60,
        "per_device_train_batch_size": 8,
        "learning_rate": 3e-3,
        "logging_steps": 1,
        "report_to": "none",
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
        "seed": 1,
    }
    return chosen | more


def train(trainer: Any) -> dict[str, Any]:
    """Real optimiser steps: the loss on the evaluation rows before and after, and that of each step."""
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {"before": before, "after": trainer.evaluate()["eval_loss"], "losses": losses}


def versions(*packages: str) -> dict[str, str]:
    return {package: version(package) for package in ("torch", *packages)}


def report(**facts: Any) -> None:
    sys.stdout.flush()
    print("\n" + json.dumps(facts))


def error_of(function: Any, *arguments: Any, **settings: Any) -> str:
    """The error that a call raises, or "" where it goes through."""
    try:
        function(*arguments, **settings)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500]
    return ""
