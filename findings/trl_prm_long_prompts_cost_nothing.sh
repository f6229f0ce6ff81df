#!/usr/bin/env bash
# TRL's PRMTrainer over a row whose prompt is as long as max_length: every label is cut away, the row stays.
#
# Subject: trl 1.13.0 (the last version with PRMTrainer), transformers 5.24.0, torch 2.13.0 on the CPU, a model of two layers
# and random weights, made here.
#
# Guessed: such rows are dropped, or warned of, or the loss of a batch without any label is NaN.
# Seen:    the rows stay; training logs loss 0.0 and gradient 0.0, which looks like a task learned, without a warning.
#          Evaluation of the same rows says NaN.
#
# Output when run:
#   rows kept: 4 of 4, labels kept: 0 of 8
#   training loss [0.0, 0.0], gradient [0.0, 0.0], evaluation loss nan
#
# Exits 1 when any of this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install trl==1.13.0 transformers==5.24.0 datasets==5.2.0 accelerate==1.15.0 torch==2.13.0
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY' 2> "$folder/log" || { tail -5 "$folder/log"; exit 1; }
import math, sys
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForTokenClassification, PreTrainedTokenizerFast, Qwen2Config
from trl.experimental.prm import PRMConfig, PRMTrainer

words = ["<pad>", "step", "word", "\n"]
core = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<pad>"))
core.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<pad>")
config = Qwen2Config(vocab_size=4, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
                     num_key_value_heads=2, num_labels=2, pad_token_id=0)
rows = Dataset.from_list([{"prompt": "word " * 1024, "completions": ["step", "step"], "labels": [True, False]}] * 4)
trainer = PRMTrainer(
    model=AutoModelForTokenClassification.from_config(config),
    args=PRMConfig(output_dir="out", max_steps=2, per_device_train_batch_size=4, logging_steps=1, report_to="none",
                   save_strategy="no", use_cpu=True, disable_tqdm=True),
    train_dataset=rows, eval_dataset=rows, processing_class=tokenizer,
)
trainer.train()
steps = [entry for entry in trainer.state.log_history if "loss" in entry]
losses, gradients = [step["loss"] for step in steps], [step["grad_norm"] for step in steps]
kept = sum(label != -100 for row in trainer.train_dataset for label in row["labels"])
after = trainer.evaluate()["eval_loss"]
lines = [f"rows kept: {len(trainer.train_dataset)} of 4, labels kept: {kept} of 8",
         f"training loss {losses}, gradient {gradients}, evaluation loss {after}"]
print("\n".join(lines), flush=True)
sys.exit(not (len(trainer.train_dataset) == 4 and kept == 0 and losses == gradients == [0.0, 0.0] and math.isnan(after)))
PY
