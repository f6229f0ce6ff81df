#!/usr/bin/env bash
# TRL's SFTTrainer over rows of prompt and completion that have one more column, `text`.
#
# Subject: trl 1.16.0, transformers 5.24.0, torch 2.13.0 on the CPU, a model of random weights, made here.
#
# Guessed: prompt and completion decide what is trained, and a further column is ignored, as `id` or `source` are.
# Seen:    prompt and completion are trained, but the end-of-text token goes to the unused `text`: the model never learns
#          to stop. Nothing is logged.
#
# Output when run:
#   with a column note: learned ['yes', '<eos>']
#   with a column text: learned ['yes']
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
from trl import SFTConfig, SFTTrainer

words = ["<pad>", "<eos>", "ask", "yes"]
core = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<pad>"))
core.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")
config = Qwen2Config(vocab_size=4, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                     num_key_value_heads=2, pad_token_id=0)


def learned(column):
    rows = Dataset.from_list([{"prompt": "ask ", "completion": "yes", column: "a remark"}] * 4)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_config(config),
        args=SFTConfig(output_dir="out", report_to="none", use_cpu=True, disable_tqdm=True),
        train_dataset=rows, processing_class=tokenizer,
    )
    labels = trainer.train_dataset[0]["labels"]
    return tokenizer.convert_ids_to_tokens([label for label in labels if label != -100])


found = {column: learned(column) for column in ("note", "text")}
for column, tokens in found.items():
    print(f"with a column {column}: learned {tokens}", flush=True)
sys.exit(found != {"note": ["yes", "<eos>"], "text": ["yes"]})
PY
