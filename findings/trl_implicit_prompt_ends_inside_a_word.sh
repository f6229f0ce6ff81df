#!/usr/bin/env bash
# TRL finds the prompt of pairs that have none in a column of their own: what chosen and rejected share at the beginning.
#
# Subject: trl 1.16.0 (extract_prompt, which the DPO trainer calls for such rows).
#
# Guessed: the prompt ends where a word ends, as the two answers are told apart by words.
# Seen:    it ends inside a word, and inside a number: from "Answer: 145" and "Answer: 149" the prompt is "Answer: 14".
#          The model then learns to complete a token that no tokenizer makes of the whole text.
#
# Output when run:
#   prompt 'Answer: 14' chosen '5' rejected '9'
#   prompt 'Is it so? Ye' chosen 's' rejected 't unknown'
#
# Exits 1 when this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install trl==1.16.0 transformers==5.24.0 datasets==5.2.0 accelerate==1.15.0 torch==2.13.0
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY'
import sys
from trl.data_utils import maybe_extract_prompt

pairs = [("Answer: 145", "Answer: 149"), ("Is it so? Yes", "Is it so? Yet unknown")]
made = [maybe_extract_prompt({"chosen": chosen, "rejected": rejected}) for chosen, rejected in pairs]
for row in made:
    print(f"prompt {row['prompt']!r} chosen {row['chosen']!r} rejected {row['rejected']!r}", flush=True)
sys.exit([row["prompt"] for row in made] != ["Answer: 14", "Is it so? Ye"])
PY
