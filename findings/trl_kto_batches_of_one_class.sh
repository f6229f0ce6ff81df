#!/usr/bin/env bash
# TRL's KTOTrainer over pairs (chosen, rejected), which it accepts and unpairs by itself.
#
# Subject: trl 1.16.0, transformers 5.24.0, torch 2.13.0 on the CPU, a model of random weights, made here.
#
# Guessed: the two answers of a pair end up near each other, or rows are shuffled, as other trainers of the library do.
# Seen:    all chosen answers come first, then all rejected ones (in blocks of 1,000 pairs), and the rows are read in
#          order: every batch holds one class, although KTO's loss compares a row with the others of its batch.
#          A file of 64 pairs, in batches of 8:
#
# Output when run:
#   16 batches, of one class: 16
#
# Exits 1 when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install trl==1.16.0 transformers==5.24.0 datasets==5.2.0 accelerate==1.15.0 torch==2.13.0
cd "$folder"
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY' 2> "$folder/log" || { tail -5 "$folder/log"; exit 1; }
import sys
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config
from trl import KTOConfig, KTOTrainer

words = ["<pad>", "<eos>", "ask", "yes", "no"]
core = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<pad>"))
core.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")
config = Qwen2Config(vocab_size=5, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                     num_key_value_heads=2, pad_token_id=0)
model = AutoModelForCausalLM.from_config(config)
rows = Dataset.from_list([{"prompt": "ask ", "chosen": "yes", "rejected": "no"}] * 64)
trainer = KTOTrainer(
    model=model, ref_model=AutoModelForCausalLM.from_config(config),
    args=KTOConfig(output_dir="out", per_device_train_batch_size=8, report_to="none", use_cpu=True, disable_tqdm=True),
    train_dataset=rows, processing_class=tokenizer,
)
batches = [set(map(bool, batch["label"])) for batch in trainer.get_train_dataloader()]
alone = sum(len(labels) == 1 for labels in batches)
print(f"{len(batches)} batches, of one class: {alone}", flush=True)
sys.exit(not (len(batches) == alone == 16))
PY
